"""Strands: their blocks' chain, what is missing in it, and their digest, range by range.

Ranges are examined on executors, each by itself. What they leave is kept in the internal table
`_qldb_replay/ranges`, of which the driver holds a row for each 16,384 blocks; later verifications
examine only the ranges that changed, and `prove` finds the way to the digest from there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, LongType, StringType, StructField, StructType

from qldb_replay.journal.chain import (
    RANGE_BITS,
    Link,
    Range,
    examine,
    full_roots,
    join,
    strand_digest,
)
from qldb_replay.journal.digest import fold_roots, subtree_root
from qldb_replay.journal.fields import HASH_BYTES
from qldb_replay.lake.delta import Lake, empty
from qldb_replay.lake.state import FOLDER
from qldb_replay.lake.verify.found import FOUND, LAKE, RANGE
from qldb_replay.lake.verify.touched import RANGE_KEYS, Touched, with_range

if TYPE_CHECKING:
    import pyarrow as pa

TABLE = f"{FOLDER}/ranges"

_ENDS = ("sequence_no", "block_hash", "previous_block_hash", "time")


def _link(prefix: str) -> list[StructField]:
    return [
        StructField(f"{prefix}_sequence_no", LongType()),
        StructField(f"{prefix}_block_hash", BinaryType()),
        StructField(f"{prefix}_previous_block_hash", BinaryType()),
        StructField(f"{prefix}_time", LongType()),
    ]


RANGES = StructType(
    [
        StructField("strand_id", StringType()),
        StructField("range_no", LongType()),
        *_link("first"),
        *_link("last"),
        StructField("blocks", LongType()),
        StructField("root", BinaryType()),
    ]
)

_BREACH = ("code", "sequence_no", "expected", "actual", "detail")
_EXAMINED = StructType(
    [*RANGES.fields, *(FOUND[name] for name in _BREACH)],
)

Strands = dict[str, list[Range]]
"""The ranges of each strand, by number."""


class Examined(NamedTuple):
    """What examining ranges gave.

    Attributes:
        rows: a row for each range and each finding in it; to be kept while both are used.
    """

    rows: DataFrame

    def findings(self) -> DataFrame:
        """Returns what lies between the blocks of one range, rows of `FOUND`."""
        found = self.rows.where("code IS NOT NULL").withColumn("unit", F.lit(RANGE))
        return found.select(
            *(
                F.col(field.name)
                if field.name in found.columns
                else F.lit(None).cast(field.dataType).alias(field.name)
                for field in FOUND
            )
        )

    def ranges(self) -> list[Row]:
        """Returns the ranges, rows of `RANGES`."""
        rows: list[Row] = self.rows.where("code IS NULL").select(*RANGES.names).collect()
        return rows


def examine_ranges(lake: Lake, touched: Touched) -> Examined:
    """Examines the ranges that are to be judged.

    Args:
        lake: a rebuilt lake.
        touched: what to judge.

    Returns:
        What was found, not yet computed.
    """
    blocks = with_range(lake.read("blocks")).select(
        *RANGE_KEYS,
        "sequence_no",
        "block_hash",
        "previous_block_hash",
        F.unix_micros("block_timestamp").alias("time"),
    )
    spread = touched.ranges(blocks).repartition(*RANGE_KEYS)
    ordered = spread.sortWithinPartitions(*RANGE_KEYS, "sequence_no")
    return Examined(ordered.mapInArrow(_examine_batches, _EXAMINED))


def _examine_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    from pyspark.sql.pandas.types import to_arrow_schema

    schema = to_arrow_schema(_EXAMINED)
    rows = (row for batch in batches for row in zip(*_columns(batch), strict=True))
    for (strand_id, number), blocks in groupby(rows, key=lambda row: row[:2]):
        links = (Link(*row[2:]) for row in blocks)
        found, breaches = examine(number, links)
        row = dict(zip(RANGES.names, _row(strand_id, found), strict=True))
        place = {"strand_id": strand_id, "range_no": number}
        rows_out = [row, *({**place, **breach._asdict()} for breach in breaches)]
        yield pa.RecordBatch.from_pylist(rows_out, schema=schema)


def _columns(batch: pa.RecordBatch) -> list[list[Any]]:
    return [column.to_pylist() for column in batch.columns]


def _row(strand_id: str, found: Range) -> tuple[Any, ...]:
    return (strand_id, found.number, *found.first, *found.last, found.blocks, found.root)


def read_strands(lake: Lake) -> Strands:
    """Reads the ranges that the last verification left."""
    return _strands(lake.read(TABLE).collect()) if lake.has(TABLE) else {}


def update_strands(lake: Lake, known: Strands, fresh: Iterable[Row]) -> Strands:
    """Puts newly examined ranges in the place of those that were known, and keeps them.

    Args:
        lake: the lake.
        known: ranges that are not judged again, or others under the same number.
        fresh: rows of `RANGES`.

    Returns:
        All ranges.
    """
    fresh = list(fresh)
    merged = _by_place(known) | _by_place(_strands(fresh))
    places = sorted(merged)
    if fresh or not lake.has(TABLE):
        rows = [_row(place[0], merged[place]) for place in places]
        written = lake.spark.createDataFrame(rows, RANGES) if rows else empty(lake.spark, RANGES)
        lake.overwrite(written.coalesce(1), TABLE)
    strands: Strands = defaultdict(list)
    for place in places:
        strands[place[0]].append(merged[place])
    return dict(strands)


def _by_place(strands: Strands) -> dict[tuple[str, int], Range]:
    return {
        (strand_id, each.number): each for strand_id, ranges in strands.items() for each in ranges
    }


def _strands(rows: Iterable[Row]) -> Strands:
    strands: Strands = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["strand_id"], row["range_no"])):
        strands[row["strand_id"]].append(
            Range(
                row["range_no"],
                _end(row, "first"),
                _end(row, "last"),
                row["blocks"],
                None if row["root"] is None else bytes(row["root"]),
            )
        )
    return dict(strands)


def _end(row: Row, prefix: str) -> Link:
    sequence_no, block_hash, previous, time = (row[f"{prefix}_{name}"] for name in _ENDS)
    return Link(
        sequence_no,
        None if block_hash is None else bytes(block_hash),
        None if previous is None else bytes(previous),
        time,
    )


def between_ranges(strands: Strands) -> Iterator[dict[str, Any]]:
    """Finds what lies between ranges and before the first one, as fields of `FOUND`."""
    for strand_id, ranges in strands.items():
        for breach in join(ranges):
            yield {"unit": LAKE, "strand_id": strand_id, **breach._asdict()}


def digests_at(
    lake: Lake, strands: Strands, tips: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], bytes]:
    """Computes the digests that ledgers had when certain blocks were their last.

    Args:
        lake: the lake.
        strands: all ranges.
        tips: strand and number of each such block.

    Returns:
        32 bytes for each, none for those where a block up to there is missing or has no hash.
    """
    found: dict[tuple[str, int], bytes] = {}
    within = []
    for strand_id, tip in set(tips):
        ranges = strands[strand_id]
        if tip == ranges[-1].last.sequence_no:
            digest = strand_digest(ranges)
            if digest is not None:
                found[strand_id, tip] = digest
        elif full_roots(ranges, tip >> RANGE_BITS) is not None:
            within.append((strand_id, tip))
    for (strand_id, tip), last in _roots_up_to(lake, within).items():
        roots = full_roots(strands[strand_id], tip >> RANGE_BITS)
        if roots is not None:
            found[strand_id, tip] = fold_roots([*roots, last])
    return found


def _roots_up_to(lake: Lake, tips: list[tuple[str, int]]) -> dict[tuple[str, int], bytes]:
    """Computes the root of each tip's range, cut behind the tip, where no block is missing."""
    if not tips:
        return {}
    wanted = with_range(
        lake.spark.createDataFrame(tips, "strand_id string, sequence_no bigint")
    ).withColumnRenamed("sequence_no", "tip")
    hashes = F.array_sort(F.collect_list(F.struct("sequence_no", "block_hash")))
    root = F.udf(_whole_root, "binary")
    rows = (
        with_range(lake.read("blocks").select("strand_id", "sequence_no", "block_hash"))
        .join(F.broadcast(wanted), list(RANGE_KEYS))
        .where("sequence_no <= tip")
        .groupBy("strand_id", "tip")
        .agg(hashes.alias("hashes"))
        .select("strand_id", "tip", root("tip", "hashes.block_hash").alias("root"))
        .where("root IS NOT NULL")
    )
    return {(row["strand_id"], row["tip"]): bytes(row["root"]) for row in rows.collect()}


def _whole_root(tip: int, hashes: Sequence[bytes | None]) -> bytes | None:
    """The root over a range up to a tip, None where one of its blocks has no hash or is missing."""
    found = [bytes(each or b"") for each in hashes]
    whole = len(found) == (tip & ((1 << RANGE_BITS) - 1)) + 1
    return subtree_root(found) if whole and all(len(h) == HASH_BYTES for h in found) else None


def range_hashes(lake: Lake, strand_id: str, number: int, tip: int) -> list[bytes] | None:
    """Reads the block hashes of one range, up to a block.

    Returns:
        The hashes in order, None where one is missing or has not 32 bytes.
    """
    first = number << RANGE_BITS
    rows = (
        lake.read("blocks")
        .where((F.col("strand_id") == strand_id) & F.col("sequence_no").between(first, tip))
        .select("sequence_no", "block_hash")
        .orderBy("sequence_no")
        .collect()
    )
    hashes = [bytes(row["block_hash"] or b"") for row in rows]
    whole = len(rows) == tip - first + 1 and all(len(each) == HASH_BYTES for each in hashes)
    return hashes if whole else None
