"""Stage `replay`: writes a ledger's history into a destination, in its order, exactly once.

The checkpoint commits with the rows that it speaks for. A run that ends anywhere is gone on with by
the same command: it starts behind the last block that the destination says it has.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from qldb_replay.destinations.digests import REVISIONS_OF
from qldb_replay.destinations.interface import (
    Checkpoint,
    Chunk,
    Destination,
    Key,
    LedgerTable,
    RunRow,
    Transaction,
)
from qldb_replay.errors import DestinationError, StageError, UsageError
from qldb_replay.journal.gaps import Gap, between, following, merged
from qldb_replay.journal.redactions import HONOUR
from qldb_replay.lake.delta import Lake, side_by_side
from qldb_replay.replay.chunks import Sizes
from qldb_replay.replay.compare import MISSING, Compare, Difference
from qldb_replay.replay.gate import Judged
from qldb_replay.replay.names import named
from qldb_replay.replay.selection import Selection
from qldb_replay.replay.source import (
    chunks,
    held_by,
    selected_blocks,
    selected_revisions,
    source_tables,
)
from qldb_replay.replay.tables import SourceTable, active_at, in_order

CHUNK_BYTES = 16 * 2**20
LEAST_ROWS, MOST_ROWS = 500, 10_000
CHUNKS_IN_RUN = 64
"""A run that is killed repeats at most the chunk that it was at: one part of so many."""

KEYS_AT_A_TIME = 1_000


@dataclass(frozen=True)
class Bounds:
    """How far one run goes.

    Attributes:
        last: number of the last block, None for the ledger's last (`--to-sequence`).
        until: no transaction after this time, and none behind such a one (`--until`).
        over_gaps: whether gaps are passed over, and listed, instead of stopped at.
        rate: most revisions a second, None for as fast as it goes.
    """

    last: int | None = None
    until: datetime | None = None
    over_gaps: bool = False
    rate: float | None = None


@dataclass(frozen=True)
class Plan:
    """What one run is going to do.

    Attributes:
        selection: what of the ledger the destination holds.
        start: its checkpoint before the run.
        is_new: whether the destination is empty.
        last: number of the last one; smaller than `first` where there is nothing to write.
        passed: gaps on the way, which are passed over.
        stopped: the gap that the run stops at, None where it reaches what was asked for.
        fills: parts of the destination's gaps that the lake has now, by gap.
        tables: every ledger table, with its names in the destination.
        blocks: how many blocks are to be written.
        revisions: how many revisions.
    """

    selection: Selection
    start: Checkpoint
    is_new: bool
    last: int
    passed: tuple[Gap, ...]
    stopped: Gap | None
    fills: Mapping[Gap, tuple[Gap, ...]]
    tables: tuple[LedgerTable, ...]
    blocks: int
    revisions: int

    @property
    def first(self) -> int:
        """Number of the first block to write."""
        return self.start.sequence_no + 1


@dataclass(frozen=True)
class Replay:
    """One run of the stage.

    Attributes:
        lake: a verified lake.
        judged: what its verification says.
        to: the destination, held by this run.
        run_id: the run.
        progress: told of each step.
        selection: what is chosen of the ledger; None for what the destination holds already.
        bounds: how far the run goes.
    """

    lake: Lake
    judged: Judged
    to: Destination
    run_id: str
    progress: Callable[[str], None]
    selection: Selection | None = None
    bounds: Bounds = field(default_factory=Bounds)

    @property
    def _strand_id(self) -> str:
        return self.judged.strand.strand_id

    @cached_property
    def _tables(self) -> list[SourceTable]:
        return source_tables(self.lake, self._strand_id)

    def plan(self) -> Plan:
        """Looks at both ends and says what is to be done; writes nothing.

        Raises:
            DestinationError: the destination holds another ledger or another selection.
            UsageError: the selection names a table that the ledger never had.
        """
        there = self.to.checkpoint()
        selection = self._selection(there)
        strand = self.judged.strand
        first = max(strand.first_sequence_no, selection.first or 0)
        start = there or Checkpoint(self._strand_id, first - 1, selection=selection.document())
        _check_names(selection, self._tables)
        last, passed, stopped = self._way(start.sequence_no + 1)
        stretch = Gap(start.sequence_no + 1, last)
        blocks, revisions = self._frames(selection, [stretch])
        counted = side_by_side(DataFrame.count, (blocks, revisions))
        known = [] if there is None else self.to.tables()
        return Plan(
            selection,
            start,
            there is None,
            last,
            tuple(passed),
            stopped,
            {} if there is None else self._fills(),
            tuple(self._named(known, selection)),
            *counted,
        )

    def size_of(self, plan: Plan) -> int:
        """Adds up the bytes of exact Ion and JSON that a plan is going to write."""
        blocks, revisions = self._frames(plan.selection, [Gap(plan.first, plan.last)])
        total = 0
        for rows, columns in ((blocks, ("ion",)), (revisions, ("data", "data_ion"))):
            for name in columns:
                row = rows.agg(F.sum(F.octet_length(name))).first()
                total += (row and row[0]) or 0
        return total

    def _named(self, known: Sequence[LedgerTable], selection: Selection) -> list[LedgerTable]:
        wanted = [
            t if selection.columns else replace(t, columns=())
            for t in self._tables
            if not selection.tables or t.table_name in selection.tables
        ]
        return named(in_order(wanted), known, selection.renamed, self.to.name_limits())

    def _selection(self, there: Checkpoint | None) -> Selection:
        if there is None:
            return self.selection or Selection()
        if there.strand_id != self._strand_id:
            raise DestinationError(
                f"the destination holds ledger {there.strand_id}; expected {self._strand_id} or an "
                "empty destination: one destination holds one ledger"
            )
        held = Selection.read(there.selection)
        if self.selection is not None and self.selection.document() != held.document():
            raise DestinationError(
                f"the destination holds another selection of the ledger (it has "
                f"{', '.join(sorted(held.document()))}): give the same options or none, or a "
                "destination of its own"
            )
        return held

    def _way(self, first: int) -> tuple[int, list[Gap], Gap | None]:
        """Finds how far the run goes: its last block, gaps passed over, the gap it stops at."""
        last = self.judged.strand.last_sequence_no
        if self.bounds.last is not None:
            last = min(last, self.bounds.last)
        if self.bounds.until is not None:
            last = min(last, self._before(self.bounds.until))
        ahead = [
            Gap(max(gap.first, first), gap.last)
            for gap in self.judged.gaps
            if gap.last >= first and gap.first <= last
        ]
        if ahead and not self.bounds.over_gaps:
            return ahead[0].first - 1, [], ahead[0]
        # A gap counts as passed once a block behind it is there.
        if ahead and ahead[-1].last >= last:
            return ahead[-1].first - 1, ahead[:-1], ahead[-1]
        return last, ahead, None

    def _before(self, until: datetime) -> int:
        """Number of the last block of the longest prefix that was written until a time."""
        later = (
            self.lake.read("revisions")
            .where((F.col("strand_id") == self._strand_id) & (F.col("tx_time") > F.lit(until)))
            .agg(F.min("sequence_no"))
            .first()
        )
        last = self.judged.strand.last_sequence_no
        return last if later is None or later[0] is None else int(later[0]) - 1

    def _fills(self) -> dict[Gap, tuple[Gap, ...]]:
        """Finds which parts of the destination's gaps the lake has by now."""
        strand = self.judged.strand
        lacking = [*self.judged.gaps]
        if strand.first_sequence_no > 0:
            lacking = merged([Gap(0, strand.first_sequence_no - 1), *lacking])
        parts = {gap: tuple(between(gap, lacking)) for gap in self.to.gaps()}
        return {gap: own for gap, own in parts.items() if own}

    def _frames(
        self, selection: Selection, stretches: Sequence[Gap]
    ) -> tuple[DataFrame, DataFrame]:
        within = F.lit(False)
        for stretch in stretches:
            within = within | F.col("sequence_no").between(*stretch)
        blocks = selected_blocks(self.lake, self._strand_id, selection).where(within)
        return blocks, self._revisions(selection).where(within)

    def _revisions(self, selection: Selection) -> DataFrame:
        return selected_revisions(self.lake, self._strand_id, selection, self._tables)

    def run(self, plan: Plan, row: RunRow) -> dict[str, int]:
        """Carries a plan out and returns what was written.

        Args:
            plan: what `plan` gave.
            row: what the destination writes down about the run.

        Raises:
            DestinationError: somebody else writes to the destination.
            DestinationBrokenError: it failed; what is committed stays.
        """
        wanted = plan.selection.first or 0
        head = [Gap(wanted, plan.first - 1)] if wanted < plan.first else []
        self.to.prepare(plan.tables, plan.start, head)
        self.to.begin_run(row)
        at = plan.start
        counts = {"blocks": 0, "revisions": 0, "redacted": 0, "filled": 0, "chunks": 0}
        at = self._redact(at, plan, counts)
        at = self._fill(at, plan, counts)
        self._write(at, plan, counts)
        self.progress("indexes")
        self.to.make_indexes()
        return counts

    def late(self, plan: Plan) -> list[Difference]:
        """Finds revisions of blocks that the destination had passed before they arrived."""
        at = self.to.checkpoint()
        if plan.is_new or at is None:
            return []
        held = self._revisions(plan.selection).where(held_by(at, self.to.gaps()))
        if held.count() == at.revisions:
            return []
        compared = Compare(self.lake, self._strand_id, self.to, self.progress).run([REVISIONS_OF])
        return [each for each in compared.differences if each.kind == MISSING]

    def _write(self, at: Checkpoint, plan: Plan, counts: dict[str, int]) -> None:
        if plan.first > plan.last:
            return
        stretch = Gap(plan.first, plan.last)
        frames = self._frames(plan.selection, [stretch])
        done, began = 0, time.monotonic()
        for chunk in self._chunks(frames, stretch, plan.passed, plan.blocks + plan.revisions):
            due = following(at.sequence_no, plan.passed)
            if chunk.first != due:
                raise StageError(
                    f"block {chunk.first} came where block {due} was due, and is not written: this "
                    "Spark spreads rows in a way of its own, or the lake changed; verify it, and "
                    "report this if it is in order"
                )
            before, after = at, _behind(at, chunk)
            passed = [g for g in plan.passed if at.sequence_no < g.first and g.last < chunk.last]
            with self.to.transaction() as transaction:
                transaction.record_gaps(passed)
                self._add(transaction, chunk, at.sequence_no, chunk.last)
                transaction.move(before, after)
            at = after
            done += chunk.rows
            _count(counts, chunk)
            self.progress(f"block {chunk.last:,} of {plan.last:,}, {done:,} revisions")
            if self.bounds.rate is not None:
                time.sleep(max(0.0, began + done / self.bounds.rate - time.monotonic()))

    def _chunks(
        self, frames: tuple[DataFrame, DataFrame], stretch: Gap, gaps: Sequence[Gap], rows: int
    ) -> Iterator[Chunk]:
        wanted = min(MOST_ROWS, max(LEAST_ROWS, rows // CHUNKS_IN_RUN))
        if self.bounds.rate is not None:
            wanted = max(1, min(wanted, int(self.bounds.rate)))
        sizes = Sizes(wanted, CHUNK_BYTES)
        return chunks(*frames, stretch, gaps, rows, sizes, self.to.storable)

    def _add(self, transaction: Transaction, chunk: Chunk, before: int, after: int) -> None:
        was, active = active_at(self._tables, before), active_at(self._tables, after)
        anew = {name for name in active if was.get(name) != active[name]}
        transaction.write(chunk, active, anew)

    def _fill(self, at: Checkpoint, plan: Plan, counts: dict[str, int]) -> Checkpoint:
        """Puts blocks in the gaps that they were missing from, each gap in one transaction."""
        for gap, parts in plan.fills.items():
            self.progress(f"blocks that were missing from {gap.first:,} to {gap.last:,}")
            frames, rows = self._frames(plan.selection, parts), plan.blocks + plan.revisions
            after = at
            with self.to.transaction() as transaction:
                for chunk in self._chunks(frames, gap, (), rows):
                    moved = _behind(after, chunk)
                    after = replace(moved, sequence_no=at.sequence_no)
                    self._add(transaction, chunk, at.sequence_no, at.sequence_no)
                    _count(counts, chunk)
                transaction.fill_gap(gap, parts, self.run_id)
                transaction.move(at, after)
            counts["filled"] += sum(part.last - part.first + 1 for part in parts)
            at = after
        return at

    def _redact(self, at: Checkpoint, plan: Plan, counts: dict[str, int]) -> Checkpoint:
        """Takes the data away of what the destination has and was redacted since."""
        if plan.is_new or plan.selection.redactions != HONOUR:
            return at
        redacted = self._revisions(plan.selection).where("is_redacted").where(held_by(at, ()))
        if redacted.count() <= at.redacted:
            return at
        self.progress("redactions")
        keys: list[Key] = []
        for row in redacted.select(*Key._fields).toLocalIterator(prefetchPartitions=True):
            keys.append(Key(*row))
            if len(keys) == KEYS_AT_A_TIME:
                at = self._redact_keys(at, keys, counts)
                keys = []
        return self._redact_keys(at, keys, counts) if keys else at

    def _redact_keys(self, at: Checkpoint, keys: list[Key], counts: dict[str, int]) -> Checkpoint:
        with self.to.transaction() as transaction:
            taken = transaction.redact(keys, self.run_id)
            after = replace(at, redacted=at.redacted + taken)
            transaction.move(at, after)
        counts["redacted"] += taken
        return after


def _check_names(selection: Selection, tables: Sequence[SourceTable]) -> None:
    known = {table.table_name for table in tables}
    unknown = sorted({*selection.tables, *selection.renamed} - known)
    if unknown:
        raise UsageError(
            f"the ledger never had a table {', '.join(unknown)}: see the lake's table `tables`"
        )


def _behind(at: Checkpoint, chunk: Chunk) -> Checkpoint:
    return replace(
        at,
        sequence_no=chunk.last,
        blocks=at.blocks + chunk.blocks.num_rows,
        revisions=at.revisions + chunk.rows,
        redacted=at.redacted + chunk.redacted,
    )


def _count(counts: dict[str, int], chunk: Chunk) -> None:
    counts["blocks"] += chunk.blocks.num_rows
    counts["revisions"] += chunk.rows
    counts["chunks"] += 1
