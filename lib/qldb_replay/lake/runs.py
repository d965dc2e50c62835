"""Table `runs`: one row for each command run, written at its start and completed at its end."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from pyspark.sql import DataFrame

from qldb_replay import __version__
from qldb_replay.lake.delta import Lake
from qldb_replay.lake.schemas import RUNS

TABLE = "runs"


def new_run_id() -> str:
    """Returns an ID that sorts by the time of its run."""
    return f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True)
class Run:
    """A run's row in the table, in a partition of its own so that completing it is cheap.

    Attributes:
        lake: the lake that the command works on.
        run_id: the run.
        command: its name.
        options: its options, secrets taken out.
        started: when it began.
    """

    lake: Lake
    run_id: str
    command: str
    options: Mapping[str, Any]
    started: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    def begin(self) -> None:
        """Writes the row; `ended` stays null until `end`."""
        rows = self._row(None, None, None)
        if self.lake.has(TABLE):
            self.lake.append(rows, TABLE)
        else:
            self.lake.overwrite(rows, TABLE, partition_by=["run_id"])

    def end(self, counts: Mapping[str, int], verdict: str | None = None) -> None:
        """Completes the row.

        Args:
            counts: what the run counted.
            verdict: what it judged, None where it does not judge.
        """
        row = self._row(datetime.now(timezone.utc), json.dumps(counts), verdict)
        self.lake.replace(row, TABLE, f"run_id = '{self.run_id}'")

    def _row(self, ended: datetime | None, counts: str | None, verdict: str | None) -> DataFrame:
        options = json.dumps(self.options)
        known = (self.run_id, self.command, self.started, ended, __version__, options)
        return self.lake.spark.createDataFrame([(*known, counts, verdict)], RUNS).coalesce(1)
