"""What a verification has to judge again: the blocks, documents and ranges that changed since."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from qldb_replay.journal.chain import RANGE_BITS
from qldb_replay.lake.delta import Lake, kept, reach_of
from qldb_replay.lake.keys import BLOCK_KEYS, DOCUMENT_KEYS, REVISION_KEYS
from qldb_replay.lake.redactions import requests_of
from qldb_replay.lake.verify.found import BLOCK, DOCUMENT, RANGE, STORED

RANGE_KEYS = ("strand_id", "range_no")


@dataclass(frozen=True)
class Touched:
    """The units to judge; None where all are.

    Attributes:
        units: `BLOCK_KEYS`, `DOCUMENT_KEYS` and `RANGE_KEYS` of the units, by the unit's name.
    """

    units: dict[str, DataFrame] | None

    @property
    def is_nothing(self) -> bool:
        """Whether no unit is to be judged again."""
        return self.units is not None and all(keys.isEmpty() for keys in self.units.values())

    def blocks(self, rows: DataFrame) -> DataFrame:
        """Keeps rows of touched blocks."""
        return self._within(rows.where(self._reach), BLOCK, BLOCK_KEYS)

    def documents(self, rows: DataFrame) -> DataFrame:
        """Keeps rows of touched documents."""
        return self._within(rows, DOCUMENT, DOCUMENT_KEYS)

    def ranges(self, rows: DataFrame) -> DataFrame:
        """Keeps rows of touched ranges."""
        return self._within(rows, RANGE, RANGE_KEYS)

    @cached_property
    def _reach(self) -> Column:
        return F.lit(True) if self.units is None else reach_of(self.units[BLOCK])

    def _within(self, rows: DataFrame, unit: str, keys: tuple[str, ...]) -> DataFrame:
        return rows if self.units is None else rows.join(self.units[unit], list(keys), "left_semi")

    def carried(self, findings: DataFrame) -> DataFrame:
        """Keeps of earlier findings those whose unit is not judged again."""
        if self.units is None:
            return findings.where(F.col("unit") == STORED)
        rows = with_range(findings)
        for unit, keys in ((BLOCK, BLOCK_KEYS), (DOCUMENT, DOCUMENT_KEYS), (RANGE, RANGE_KEYS)):
            touched = self.units[unit].withColumn("unit", F.lit(unit))
            rows = rows.join(touched, [*keys, "unit"], "left_anti")
        return rows.where(F.col("unit").isin(BLOCK, DOCUMENT, RANGE, STORED)).select(
            *findings.columns
        )


def with_range(rows: DataFrame) -> DataFrame:
    """Adds `range_no`, the range that a sequence number lies in."""
    return rows.withColumn("range_no", F.shiftright("sequence_no", RANGE_BITS))


@contextmanager
def touched_since(lake: Lake, since: int) -> Iterator[Touched]:
    """Finds what changed after a batch, for use while a `with` block judges it.

    Args:
        lake: a rebuilt lake.
        since: the last batch that was verified, 0 for none.
    """
    if not since:
        yield Touched(None)
        return
    with ExitStack() as frames:
        # A copy that is like the others changes no row of its table, but which place is named.
        arrived = lake.read("records").where(F.col("batch") > since)
        changed = lake.read("blocks").where(F.col("batch") > since).select(*BLOCK_KEYS)
        blocks = changed.union(arrived.where("holds = 'block'").select(*BLOCK_KEYS))
        # What a row of `revisions` says of its block changes with a copy or the block alone; when
        # it ends does not count.
        delivered = arrived.where("holds = 'revision'").select(*BLOCK_KEYS)
        fresh = lake.read("revisions").where(F.col("batch") > since)
        revisions = frames.enter_context(kept(fresh.select(*REVISION_KEYS, "contested")))
        # A copy that does not count may name a block of its own.
        others = contested_copies(lake, revisions).select(*BLOCK_KEYS)
        requests = requests_of(lake.read("blocks")).where(F.col("batch") > since)
        found = {
            BLOCK: blocks.union(delivered).union(others),
            DOCUMENT: revisions.select(*DOCUMENT_KEYS).union(requests.select(*DOCUMENT_KEYS)),
            RANGE: with_range(blocks).select(*RANGE_KEYS),
        }
        units = {unit: frames.enter_context(kept(keys.distinct())) for unit, keys in found.items()}
        yield Touched(units)


def contested_copies(lake: Lake, revisions: DataFrame) -> DataFrame:
    """Finds all delivered copies of revisions whose copies are not all alike.

    Args:
        lake: the lake.
        revisions: rows of `revisions`.

    Returns:
        Rows of `records`.
    """
    keys = revisions.where("contested").select(*REVISION_KEYS)
    records = lake.read("records").where("holds = 'revision'")
    return records.join(keys, list(REVISION_KEYS), "left_semi")
