"""What replay reads of the lake: the ledger in its order, as chunks, without holding any of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from qldb_replay.codec.sketch import Shape
from qldb_replay.codec.types import DataType, Scalar, Struct, data_type
from qldb_replay.destinations.interface import BLOCKS, REVISIONS, Checkpoint, Chunk, TypedColumn
from qldb_replay.journal.gaps import Gap
from qldb_replay.journal.redactions import HONOUR
from qldb_replay.lake import ledger_tables
from qldb_replay.lake.delta import Lake
from qldb_replay.lake.session import stage_settings
from qldb_replay.lake.state import LakeState
from qldb_replay.replay.chunks import PIECES, Sizes, chunk_of, cutter
from qldb_replay.replay.selection import Selection
from qldb_replay.replay.tables import SourceTable

ROWS_IN_PARTITION = 15_000

_STATEMENTS = """
transform(statements, (s, i) -> named_struct(
  'statement_index', bigint(i),
  'statement', s.statement,
  'start_time', s.start_time,
  'document_ids', to_json(
    transform(filter(documents, d -> array_contains(d.statements, int(i))), d -> d.document_id)
  )
))
"""


def source_tables(lake: Lake, strand_id: str) -> list[SourceTable]:
    """Reads the ledger's tables."""
    columns = typed_columns(lake)
    tables = lake.read(ledger_tables.TABLE).where(F.col("strand_id") == strand_id)
    rows = tables.withColumn("lifecycle", ledger_tables.lifecycle_in_micros()).collect()
    return [
        SourceTable(
            row["table_id"],
            row["table_name"].replace("\0", "\ufffd"),  # which no database takes in a name
            tuple(row["indexes"] or ()),
            tuple((event["event"], event["sequence_no"]) for event in row["lifecycle"] or ()),
            columns.get(row["table_name"], ()),
        )
        for row in rows
    ]


def typed_columns(lake: Lake) -> dict[str, tuple[TypedColumn, ...]]:
    """Returns the fields of each ledger table's documents with the types that the lake gave them.

    Args:
        lake: a rebuilt lake.

    Returns:
        The columns by name of the ledger table.
    """
    state = LakeState(lake.files)
    found = {}
    for folder in lake.files.names("history"):
        mark = state.mark(f"history/{folder}")
        if mark:
            found[mark["name"]] = _typed(Shape.from_text(mark["shape"]))
    return found


def _typed(shape: Shape) -> tuple[TypedColumn, ...]:
    type_, shapes = data_type(shape), shape.fields or {}
    fields = type_.fields if isinstance(type_, Struct) else ()
    return tuple(
        TypedColumn(each.name, each.original, _type_name(each.type, shapes[each.original]))
        for each in fields
    )


def _type_name(type_: DataType, shape: Shape) -> str:
    if not isinstance(type_, Scalar):
        return Scalar.JSON.value
    # A clob's JSON form is its text.
    is_text = type_ is Scalar.BINARY and "c" in shape.leaves
    return Scalar.TEXT.value if is_text else str(type_.value)


def selected_revisions(
    lake: Lake, strand_id: str, selection: Selection, tables: Sequence[SourceTable]
) -> DataFrame:
    """Returns the revisions that a destination holds in the end, with the columns of `REVISIONS`.

    Args:
        lake: a rebuilt lake.
        strand_id: the ledger.
        selection: what is chosen of it.
        tables: its tables.
    """
    rows = lake.read("revisions").where(F.col("strand_id") == strand_id)
    if selection.first is not None:
        rows = rows.where(F.col("sequence_no") >= selection.first)
    if selection.tables:
        ids = [table.table_id for table in tables if table.table_name in selection.tables]
        rows = rows.where(F.col("table_id").isin([each for each in ids if each is not None]))
    if selection.documents:
        wanted = lake.spark.createDataFrame([(each,) for each in selection.documents], "id string")
        rows = rows.join(F.broadcast(wanted), F.col("document_id") == F.col("id"), "left_semi")
    taken = F.col("is_redacted") if selection.redactions == HONOUR else F.lit(False)
    shown = {
        "data": F.when(~taken, F.col("data_json")),
        "data_ion": F.when(~taken, F.col("data_ion")),
    }
    return rows.select(*(_column(name, shown) for name in REVISIONS.names))


def held_by(at: Checkpoint, gaps: Sequence[Gap]) -> Column:
    """Returns the condition on `sequence_no` that a destination has passed a block, and has it."""
    held = F.col("sequence_no") <= at.sequence_no
    for gap in gaps:
        held = held & ~F.col("sequence_no").between(*gap)
    return held


def selected_blocks(lake: Lake, strand_id: str, selection: Selection) -> DataFrame:
    """Returns the blocks that a destination holds in the end, with the columns of `BLOCKS`.

    `statements` holds their statements, each with the columns of `STATEMENTS` that are its own.
    """
    blocks = lake.read("blocks").where(F.col("strand_id") == strand_id)
    if selection.first is not None:
        blocks = blocks.where(F.col("sequence_no") >= selection.first)
    return blocks.select(*BLOCKS.names, F.expr(_STATEMENTS).alias("statements"))


def _column(name: str, shown: dict[str, Column]) -> Column:
    column = shown.get(name, F.col(name))
    return column.cast(from_arrow_schema(REVISIONS)[name].dataType).alias(name)


def chunks(
    blocks: DataFrame,
    revisions: DataFrame,
    stretch: Gap,
    gaps: Sequence[Gap],
    rows: int,
    sizes: Sizes,
    storable: Callable[[Chunk], Chunk],
) -> Iterator[Chunk]:
    """Gives a stretch of the ledger in order.

    One shuffle puts it in order; partitions then come to the driver one by one, the next being
    made while one is written, and a chunk is received and made storable while the one before is.

    Args:
        blocks: rows of `selected_blocks`.
        revisions: rows of `selected_revisions`.
        stretch: the blocks that they are or belong to.
        gaps: blocks to leave out, in order.
        rows: how many blocks and revisions there are, about.
        sizes: of a chunk.
        storable: what is done with each on its way; called on another thread.

    Yields:
        Chunks in the ledger's order.
    """
    none = F.lit(None)
    of_blocks = blocks.select(
        "sequence_no",
        F.lit(-1).cast("bigint").alias("place"),
        F.lit("").alias("name"),
        F.struct(*blocks.columns).alias("block"),
        none.cast(revisions.schema.simpleString()).alias("revision"),
    )
    of_revisions = revisions.select(
        "sequence_no",
        F.coalesce("revision_index", F.lit(2**31)).cast("bigint").alias("place"),
        F.col("document_id").alias("name"),
        none.cast(blocks.schema.simpleString()).alias("block"),
        F.struct(*revisions.columns).alias("revision"),
    )
    partitions = max(1, math.ceil(rows / ROWS_IN_PARTITION))
    ordered = _spread(
        of_blocks.unionByName(of_revisions), stretch, partitions
    ).sortWithinPartitions("sequence_no", "place", "name")
    batches = {"spark.sql.execution.arrow.maxRecordsPerBatch": str(sizes.rows)}
    with stage_settings(blocks.sparkSession, batches):
        pieces = ordered.mapInArrow(cutter(sizes, gaps), from_arrow_schema(PIECES))
        received = pieces.toLocalIterator(prefetchPartitions=True)
        yield from _ahead(storable(chunk_of(piece)) for piece in received)


def _spread(rows: DataFrame, stretch: Gap, partitions: int) -> DataFrame:
    """Puts rows in partitions of equally many blocks, in order.

    Partitioning by ranges would read all rows twice, the first time to find where ranges end.
    Here that is known, as blocks are numbered; no block has more than a few dozen revisions. It
    takes that Spark partitions by the hash that its function `hash` gives.
    """
    if partitions == 1:
        return rows.repartition(1)
    width = -(-(stretch.last - stretch.first + 1) // partitions)
    place = F.expr(f"int((sequence_no - {stretch.first}) div {width})")
    keys = F.lit(_keys(rows.sparkSession, partitions))
    return rows.repartition(partitions, F.element_at(keys, place + 1))


def _keys(spark: SparkSession, partitions: int) -> list[int]:
    """Finds a key for each partition that Spark's hash partitioning sends there."""
    # So many that one is lacking once in a billion times.
    candidates = math.ceil(partitions * (math.log(partitions) + 21))
    hashed = f"transform(sequence(0, {candidates}), key -> pmod(hash(key), {partitions}))"
    row = spark.sql(f"SELECT {hashed} AS places").collect()[0]
    first: dict[int, int] = {}
    for key, place in enumerate(row["places"]):
        first.setdefault(place, key)
    return [first[place] for place in range(partitions)]


def _ahead(items: Iterator[Chunk]) -> Iterator[Chunk]:
    """Gives items; while one is used the next one is made."""
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, items, None)
        while (item := following.result()) is not None:
            following = thread.submit(next, items, None)
            yield item
