"""Stage `compare`: holds a destination against the lake, row by row, without reading either whole.

Both sides digest their rows range by range (`destinations.digests` says how). Where a range's
digests are the same its rows are; where not, the digests of its rows name those that differ.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from qldb_replay.destinations.digests import (
    BLOCKS_OF,
    CURRENT_OF,
    DIGESTED,
    NO_VALUE,
    REVISIONS_OF,
    STATEMENTS_OF,
)
from qldb_replay.destinations.interface import (
    BLOCKS,
    JSON_COLUMNS,
    STATEMENTS,
    Checkpoint,
    Destination,
    RangeDigest,
)
from qldb_replay.errors import DestinationBrokenError
from qldb_replay.lake.delta import Lake, kept
from qldb_replay.replay.selection import Selection
from qldb_replay.replay.source import (
    held_by,
    selected_blocks,
    selected_revisions,
    source_tables,
)
from qldb_replay.replay.tables import active_at

ROWS_IN_RANGE = 5_000
RANGES_AT_A_TIME = 50

MISSING, EXTRA, OTHER = "missing", "extra", "other"

_TIME = "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'"


class Difference(NamedTuple):
    """A row that the two sides do not share.

    Attributes:
        what: kind of row, one of `destinations.digests.DIGESTED`.
        kind: `missing` in the destination, `extra` there, or `other` contents.
        key: the row's key, by column.
    """

    what: str
    kind: str
    key: dict[str, str]


@dataclass(frozen=True)
class Comparison:
    """What comparing gave.

    Attributes:
        rows: how many rows of the lake were compared, by kind.
        differences: rows that differ.
    """

    rows: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)


@dataclass(frozen=True)
class Compare:
    """One comparison.

    Attributes:
        lake: the lake.
        strand_id: the ledger.
        to: the destination; it holds this ledger.
        progress: told of each step.
    """

    lake: Lake
    strand_id: str
    to: Destination
    progress: Callable[[str], None]

    def run(self, kinds: Sequence[str] = tuple(DIGESTED)) -> Comparison:
        """Compares every revision, current document, block and statement.

        Args:
            kinds: of `DIGESTED`, what to compare.
        """
        found = Comparison()
        point = self.to.checkpoint()
        assert point is not None
        sides = self._sides(point)
        for what in kinds:
            self.progress(f"comparing {what}")
            with kept(sides[what]) as ours:
                self._compare(what, ours, point, found)
        return found

    def _sides(self, point: Checkpoint) -> dict[str, DataFrame]:
        """What the destination should hold, by kind, digested row by row."""
        selection = Selection.read(point.selection)
        tables = source_tables(self.lake, self.strand_id)
        within = held_by(point, self.to.gaps())
        names = {table.table_id: table.table_name for table in tables if table.table_id}
        revisions = selected_revisions(self.lake, self.strand_id, selection, tables)
        revisions = revisions.where(within).withColumn("table_name", _looked_up("table_id", names))
        blocks = selected_blocks(self.lake, self.strand_id, selection).where(within)
        statements = blocks.select(
            *STATEMENTS.names[:2], F.explode("statements").alias("s")
        ).select(*STATEMENTS.names[:2], "s.*")
        active = active_at(tables, point.sequence_no)
        alive = [each for each in active.values() if each is not None]
        shown = self._shown()
        return {
            BLOCKS_OF: _digested(blocks.select(*BLOCKS.names), BLOCKS_OF, shown),
            STATEMENTS_OF: _digested(statements, STATEMENTS_OF, shown),
            REVISIONS_OF: _digested(revisions, REVISIONS_OF, shown),
            CURRENT_OF: _digested(_live(revisions, alive), CURRENT_OF, shown),
        }

    def _shown(self) -> Callable[[Column], Column]:
        show = self.to.json_shown()
        return (lambda column: column) if show is None else _of_columns(show)

    def _compare(self, what: str, ours: DataFrame, point: Checkpoint, found: Comparison) -> None:
        total = ours.count()
        found.rows[what] = total
        width = _width(what, total, point)
        ranged = ours.withColumn("r", _range(what, width))
        mine = {
            row["r"]: RangeDigest(row["r"], row["n"], row["d"])
            for row in ranged.groupBy("r")
            .agg(F.count("*").alias("n"), _joined().alias("d"))
            .toLocalIterator()
        }
        theirs = {each.number: each for each in self.to.digests(what, width)}
        differing = sorted(r for r in {*mine, *theirs} if mine.get(r) != theirs.get(r))
        before = len(found.differences)
        for start in range(0, len(differing), RANGES_AT_A_TIME):
            part = differing[start : start + RANGES_AT_A_TIME]
            found.differences.extend(self._narrow(what, width, ranged, part))
        if differing and len(found.differences) == before:
            raise DestinationBrokenError(
                f"{self.to.shown} changed while it was compared: let nobody write to it, and "
                "repeat the command"
            )

    def _narrow(
        self, what: str, width: int, ranged: DataFrame, ranges: Sequence[str]
    ) -> Iterator[Difference]:
        names = DIGESTED[what].key
        keys = [f"k{place}" for place in range(len(names))]
        rows = ranged.where(F.col("r").isin(list(ranges))).select(*keys, "d").collect()
        mine = _by_key(tuple(row) for row in rows)
        theirs = _by_key(self.to.row_digests(what, width, ranges))
        for key in sorted({*mine, *theirs}):
            one, other = mine[key], theirs[key]
            if one != other:
                kind = MISSING if not other else EXTRA if not one else OTHER
                yield Difference(what, kind, dict(zip(names, key, strict=True)))


def _by_key(rows: Iterable[tuple[str | None, ...]]) -> defaultdict[tuple[str, ...], Counter[str]]:
    """Counts digests by their row's key; a destination that was changed has keys several times."""
    found: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for *key, digest in rows:
        found[tuple(NO_VALUE if part is None else part for part in key)][str(digest)] += 1
    return found


def _width(what: str, rows: int, point: Checkpoint) -> int:
    if not DIGESTED[what].by_sequence:
        return max(1, math.ceil(math.log(max(1, rows / ROWS_IN_RANGE), 16)))
    return max(1, (point.sequence_no + 1) * ROWS_IN_RANGE // max(rows, ROWS_IN_RANGE))


def _live(revisions: DataFrame, alive: Sequence[str]) -> DataFrame:
    """The documents that live at the end of revisions, in the tables that are active."""
    keys = ["table_id", "document_id"]
    newest = revisions.groupBy(*keys).agg(F.max("version").alias("version"))
    last = revisions.join(newest, [*keys, "version"], "left_semi")
    return last.where((F.col("operation") != "DELETE") & F.col("table_id").isin(list(alive)))


def _looked_up(column: str, values: dict[str, str]) -> Column:
    if not values:
        return F.lit(None).cast("string")
    pairs = (F.lit(word) for pair in values.items() for word in pair)
    return F.create_map(*pairs)[F.col(column)]


def _digested(rows: DataFrame, what: str, shown: Callable[[Column], Column]) -> DataFrame:
    """Gives each row its digest `d`, its key `k0`, `k1`, … and what ranges go by."""
    digested = DIGESTED[what]
    texts = {name: _text(rows, name, shown) for name in digested.columns}
    parts = [
        F.coalesce(
            F.concat(F.octet_length(texts[name]).cast("string"), F.lit(":"), texts[name]),
            F.lit("-"),
        )
        for name in digested.columns
    ]
    keys = [_text(rows, name, shown).alias(f"k{at}") for at, name in enumerate(digested.key)]
    place = "sequence_no" if digested.by_sequence else "document_id"
    return rows.select(F.sha2(F.concat(*parts), 256).alias("d"), *keys, F.col(place).alias("place"))


def _text(rows: DataFrame, name: str, shown: Callable[[Column], Column]) -> Column:
    kind, column = rows.schema[name].dataType.typeName(), F.col(name)
    if kind == "binary":
        return F.lower(F.hex(column))
    if kind == "boolean":
        return column.cast("int").cast("string")
    if kind == "timestamp":
        return F.date_format(column, _TIME)
    if name in JSON_COLUMNS:
        return shown(column)
    return column.cast("string")


def _range(what: str, width: int) -> Column:
    place = F.col("place")
    if DIGESTED[what].by_sequence:
        return F.expr(f"string(place div {width:d})")
    return F.substring(F.sha2(place, 256), 1, width)


def _joined() -> Column:
    return F.sha2(F.concat_ws("", F.array_sort(F.collect_list("d"))), 256)


def _of_columns(show: Callable[[str], str]) -> Callable[[Column], Column]:
    """Makes a function of texts one of columns."""

    def shown(text: str | None) -> str | None:
        return None if text is None else show(text)

    return F.udf(shown, "string")  # type: ignore[no-any-return]
