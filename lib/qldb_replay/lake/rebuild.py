"""Stage `rebuild`: the ledger's ordered history out of its delivered records.

Tables are brought up in the order of their dependence: blocks, revisions, tables, history,
current. Each has a mark, the last batch that it contains, and starts from its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from qldb_replay.codec.choice import AUTO
from qldb_replay.errors import UsageError
from qldb_replay.journal.redactions import HONOUR
from qldb_replay.lake.blocks import rebuild_blocks
from qldb_replay.lake.counting import current_counts
from qldb_replay.lake.delta import Lake
from qldb_replay.lake.history import HistoryStage
from qldb_replay.lake.ledger_tables import rebuild_tables
from qldb_replay.lake.revisions import RevisionsStage
from qldb_replay.lake.session import stage_settings
from qldb_replay.lake.state import LakeState

RECORDS_IN_PARTITION = 50_000


@contextmanager
def partitions_for(lake: Lake) -> Iterator[None]:
    """Cuts shuffles to the size of the lake; Spark merges what turns out small.

    A fixed number is too few for a large archive and mostly start-up for a small one.
    """
    spark = lake.spark
    wanted = math.ceil(LakeState(lake.files).ingested_records() / RECORDS_IN_PARTITION)
    partitions = max(wanted, spark.sparkContext.defaultParallelism)
    with stage_settings(spark, {"spark.sql.shuffle.partitions": str(partitions)}):
        yield


@dataclass(frozen=True)
class Rebuild:
    """One run of the stage.

    Attributes:
        lake: the lake.
        progress: told of each step.
        redactions: `HONOUR` or `KEEP`, what becomes of redacted data.
        codec: which codec builds `data`; one of `codec.CODECS`.
    """

    lake: Lake
    progress: Callable[[str], None]
    redactions: str = HONOUR
    codec: str = AUTO

    def run(self) -> dict[str, int]:
        """Brings all tables up to what was ingested and returns what they hold (`count_lake`).

        Raises:
            UsageError: nothing was ingested yet.
        """
        state = LakeState(self.lake.files)
        batch = state.ingested_batch()
        if not self.lake.has("records"):
            raise UsageError(
                f"lake {self.lake.uri} has no records: run `qldb-replay ingest` on it first"
            )
        if not batch:
            self.progress("no record was ingested: the tables are empty")
        wanted = self._mark(batch)
        if state.mark("history") == wanted:
            self.progress("the tables hold everything that was ingested already")
            return current_counts(self.lake)
        with partitions_for(self.lake):
            for table, step in (
                ("blocks", self._blocks),
                ("revisions", self._revisions),
                ("tables", self._tables),
                ("history", self._history),
            ):
                self._stage(state, table, batch, step)
        return current_counts(self.lake)

    def _mark(self, batch: int) -> dict[str, Any]:
        """What is noted of a table: another treatment of redactions makes all of it anew."""
        return {"batch": batch, "redactions": self.redactions}

    def _stage(
        self, state: LakeState, table: str, batch: int, step: Callable[[int, int], None]
    ) -> None:
        mark, wanted = state.mark(table), self._mark(batch)
        if mark == wanted:
            return
        self.progress(table)
        same = mark.get("redactions") == wanted["redactions"]
        step(int(mark["batch"]) if same else 0, batch)
        state.set_mark(table, **wanted)

    def _blocks(self, since: int, batch: int) -> None:
        rebuild_blocks(self.lake, since, batch)

    def _revisions(self, since: int, batch: int) -> None:
        RevisionsStage(self.lake, since, batch, self.redactions).run()

    def _tables(self, since: int, batch: int) -> None:
        rebuild_tables(self.lake)

    def _history(self, since: int, batch: int) -> None:
        state = LakeState(self.lake.files)
        HistoryStage(self.lake, state, since, batch, self.progress, self.codec).run()
