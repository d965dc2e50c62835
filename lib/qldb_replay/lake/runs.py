"""Table `runs`: one row for each command run, written at its start and completed at its end."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from pyspark.sql import functions as F

from qldb_replay import __version__
from qldb_replay.lake.delta import Lake
from qldb_replay.lake.schemas import RUNS

TABLE = "runs"


def new_run_id() -> str:
    """Returns an ID that sorts by the time of its run."""
    return f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"


def begin_run(lake: Lake, run_id: str, command: str, options: Mapping[str, Any]) -> None:
    """Writes a run's row; `ended` stays null until `end_run`.

    Args:
        lake: the lake that the command works on.
        run_id: the run.
        command: its name.
        options: its options, secrets taken out.
    """
    row = (run_id, command, datetime.now(timezone.utc), None, __version__, json.dumps(options))
    rows = lake.spark.createDataFrame([(*row, None, None)], RUNS).coalesce(1)
    if lake.has(TABLE):
        lake.append(rows, TABLE)
    else:
        lake.overwrite(rows, TABLE)


def end_run(lake: Lake, run_id: str, counts: Mapping[str, int], verdict: str | None) -> None:
    """Completes a run's row.

    Args:
        lake: the lake.
        run_id: the run.
        counts: what it counted.
        verdict: what it judged, None where it does not judge.
    """
    ending = lake.spark.createDataFrame(
        [(run_id, json.dumps(counts), verdict)], "run_id string, counts string, verdict string"
    ).withColumn("ended", F.lit(datetime.now(timezone.utc)))
    lake.merge(
        ending,
        TABLE,
        on="t.run_id = s.run_id",
        clauses="WHEN MATCHED THEN UPDATE SET ended = s.ended, counts = s.counts, "
        "verdict = s.verdict",
    )
