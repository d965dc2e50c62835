"""Table `tables`: the ledger's own tables, from statement texts and table IDs.

A ledger has at most 40 tables, dropped ones included, so what is known of them fits the driver.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from qldb_replay.errors import StageError
from qldb_replay.journal.tables import (
    COMMENT_PATTERN,
    DDL_PATTERN,
    Event,
    Sighting,
    Table,
    read_ddl,
    trace_tables,
)
from qldb_replay.lake.delta import Lake
from qldb_replay.lake.times import utc_of

TABLE = "tables"
MOST_STATEMENTS = 100_000

LIFECYCLE = StructType(
    [
        StructField("event", StringType()),
        StructField("sequence_no", LongType()),
        StructField("time", TimestampType()),
    ]
)
SCHEMA = StructType(
    [
        StructField("table_id", StringType()),
        StructField("table_name", StringType()),
        StructField("status", StringType()),
        StructField("indexes", ArrayType(StringType())),
        StructField("lifecycle", ArrayType(LIFECYCLE)),
        StructField("strand_id", StringType()),
    ]
)


def rebuild_tables(lake: Lake) -> None:
    """Writes `tables` anew where it differs.

    Raises:
        StageError: more DDL statements or tables than any ledger can have.
    """
    blocks = lake.read("blocks")
    events: dict[str, list[Event]] = defaultdict(list)
    for row in _bounded(_ddl(blocks)):
        ddl = read_ddl(row["statement"])
        if ddl is not None:
            time = None if row["time"] is None else int(row["time"])
            events[row["strand_id"]].append(Event(row["sequence_no"], row["index"], time, ddl))
    sightings: dict[str, list[Sighting]] = defaultdict(list)
    for row in _bounded(_sightings(lake, blocks)):
        seen = Sighting(row["sequence_no"], row["table_id"], row["table_name"])
        sightings[row["strand_id"]].append(seen)
    rows = [
        _row(strand_id, table)
        for strand_id in sorted({*events, *sightings})
        for table in trace_tables(events[strand_id], sightings[strand_id])
    ]
    fresh = lake.spark.createDataFrame(rows, SCHEMA)
    if not lake.has(TABLE) or _counted(lake.read(TABLE)) != _counted(fresh):
        lake.overwrite(fresh.coalesce(1), TABLE)


def _counted(tables: DataFrame) -> list[Row]:
    """Collects tables, their times as numbers: Python has none for some that blocks can claim."""
    rows: list[Row] = tables.withColumn("lifecycle", lifecycle_in_micros()).collect()
    return rows


def lifecycle_in_micros() -> Column:
    """Returns `lifecycle` with `time` in microseconds since 1970 UTC."""
    return F.transform(
        "lifecycle",
        lambda event: F.struct(
            event["event"].alias("event"),
            event["sequence_no"].alias("sequence_no"),
            F.unix_micros(event["time"]).alias("time"),
        ),
    )


def active_tables(lake: Lake) -> dict[str, list[str]]:
    """Returns the IDs of the active tables by name, those of each strand."""
    active: dict[str, list[str]] = defaultdict(list)
    tables = lake.read(TABLE).where("status = 'ACTIVE' AND table_id IS NOT NULL")
    for row in tables.select("table_name", "table_id").collect():
        active[row["table_name"]].append(row["table_id"])
    return {name: sorted(ids) for name, ids in active.items()}


def _ddl(blocks: DataFrame) -> DataFrame:
    statements = blocks.select(
        "strand_id",
        "sequence_no",
        F.unix_micros("block_timestamp").alias("time"),
        F.posexplode("statements").alias("index", "said"),
    )
    return statements.select("strand_id", "sequence_no", "time", "index", "said.statement").where(
        F.regexp_replace("statement", COMMENT_PATTERN, " ").rlike(DDL_PATTERN)
    )


def _sightings(lake: Lake, blocks: DataFrame) -> DataFrame:
    listed = blocks.select("strand_id", "sequence_no", F.explode("documents").alias("d")).select(
        "strand_id", "sequence_no", "d.table_id", "d.table_name"
    )
    recorded = lake.read("revisions").select("strand_id", "sequence_no", "table_id", "table_name")
    return (
        listed.unionByName(recorded)
        .where("table_id IS NOT NULL AND table_name IS NOT NULL")
        .groupBy("strand_id", "table_id", "table_name")
        .agg(F.min("sequence_no").alias("sequence_no"))
    )


def _bounded(rows: DataFrame) -> list[Any]:
    found: list[Any] = rows.limit(MOST_STATEMENTS + 1).collect()
    if len(found) > MOST_STATEMENTS:
        raise StageError(
            f"the archive names more than {MOST_STATEMENTS} tables or statements on tables, "
            "where a ledger has at most 40 tables: it is no archive of a QLDB ledger"
        )
    return found


def _row(strand_id: str, table: Table) -> tuple[Any, ...]:
    lifecycle = [(event, place, _utc(time)) for event, place, time in table.lifecycle]
    return table.table_id, table.name, table.status, table.indexes, lifecycle, strand_id


def _utc(micros: int | None) -> datetime | None:
    return None if micros is None else utc_of(micros)
