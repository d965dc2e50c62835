"""The figures of the report: small aggregates over the lake's tables, whatever their size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from qldb_replay import __version__
from qldb_replay.errors import UsageError
from qldb_replay.journal.findings import SEVERITIES, VERDICTS
from qldb_replay.journal.gaps import Gap
from qldb_replay.journal.verification import MATCH, Finding, Strand
from qldb_replay.lake.delta import Lake, only_row
from qldb_replay.lake.keys import REVISION_KEYS
from qldb_replay.lake.ledger_tables import TABLE as TABLES
from qldb_replay.lake.ledger_tables import lifecycle_in_micros
from qldb_replay.lake.redactions import requests_of
from qldb_replay.lake.times import FIRST, utc_of
from qldb_replay.lake.verify.findings import gaps_of, read_findings
from qldb_replay.lake.verify.found import PLACES
from qldb_replay.lake.verify.result import Verification
from qldb_replay.lake.verify.stage import last_verification, stored_verification
from qldb_replay.report.figures import (
    EVENTS,
    FINDINGS,
    GAPS,
    INDEXES,
    ROWS,
    STRANDS,
    Activity,
    Archive,
    Bar,
    Carrier,
    Coverage,
    Delivery,
    Event,
    Figures,
    FindingGroup,
    Ledger,
    Listed,
    Redactions,
    Table,
    TableOperations,
    Timeline,
)
from qldb_replay.report.time_axis import time_step

_OPERATIONS = ("INSERT", "UPDATE", "DELETE")
_MOST_COPIES = 5
_LATENESS = ((0, 0), (1, 9), (10, 99), (100, 999), (1000, 9999), (10_000, None))


def collect_figures(lake: Lake) -> Figures:
    """Gathers what the report shows.

    Args:
        lake: a lake that was verified; its last verification is shown.

    Returns:
        The figures.

    Raises:
        UsageError: the lake was never verified.
    """
    verification = stored_verification(lake)
    found = read_findings(lake, verification.run.run_id)
    strands = sorted(
        verification.strands, key=lambda each: (VERDICTS.index(each.verdict), each.strand_id)
    )
    digests = sorted(
        verification.digests,
        key=lambda each: (each.outcome == MATCH, each.strand_id, each.sequence_no),
    )
    return Figures(
        lake.uri,
        __version__,
        verification.run,
        verification.scope,
        verification.verdict,
        outdated=_is_outdated(lake),
        checks=verification.checks,
        strands=Listed(tuple(strands[:ROWS]), len(strands)),
        digests=Listed(tuple(digests[:ROWS]), len(digests)),
        archive=_archive(lake, verification.counts),
        ledger=_ledger(lake, verification.counts),
        timeline=_timeline(lake),
        operations=_operations(lake),
        delivery=Delivery(_copies(lake), _lateness(lake)),
        coverage=Listed(
            tuple(_coverage(found, each, verification) for each in strands[:STRANDS]),
            len(strands),
        ),
        findings=_findings(found),
        tables=_tables(lake),
        redactions=_redactions(lake, found),
    )


def _is_outdated(lake: Lake) -> bool:
    try:
        last_verification(lake)
    except UsageError:
        return True
    return False


def _archive(lake: Lake, counts: Mapping[str, int]) -> Archive:
    return Archive(
        counts["objects"],
        _sum_of(lake, "objects", "size"),
        counts["records"],
        counts["duplicates"],
        counts["quarantined"],
        _sum_of(lake, "quarantine", "length"),
    )


def _sum_of(lake: Lake, table: str, column: str) -> int:
    total: int = only_row(lake.read(table).agg(F.coalesce(F.sum(column), F.lit(0))))[0]
    return total


def _ledger(lake: Lake, counts: Mapping[str, int]) -> Ledger:
    documents = only_row(
        lake.read("revisions")
        .where("is_open")
        .agg(
            F.count_if(F.col("is_current")).alias("live"),
            F.count_if(F.col("operation") == "DELETE").alias("deleted"),
        )
    )
    spans = only_row(
        lake.read("revisions").agg(F.min("tx_time").alias("first"), F.max("tx_time").alias("last"))
    )
    transactions = only_row(lake.read("blocks").agg(F.count_distinct("tx_id").alias("n")))
    return Ledger(
        counts["blocks"],
        transactions["n"],
        counts["revisions"],
        counts["documents"],
        documents["live"],
        documents["deleted"],
        counts["redacted"],
        counts["tables"],
        _zoned(spans["first"]),
        _zoned(spans["last"]),
    )


def _zoned(time: datetime | None) -> datetime | None:
    return None if time is None else time.astimezone(timezone.utc)


def _timeline(lake: Lake) -> Timeline:
    times = (
        lake.read("revisions")
        .select(F.unix_micros("tx_time").alias("time"), F.col("operation").alias("what"))
        .union(
            lake.read("blocks").select(
                F.unix_micros("block_timestamp").alias("time"), F.lit("block").alias("what")
            )
        )
        .where("time IS NOT NULL")
    )
    span = only_row(times.agg(F.min("time").alias("first"), F.max("time").alias("last")))
    if span["first"] is None:
        return Timeline()
    step = time_step(utc_of(span["first"]), utc_of(span["last"]))
    micros = int(step.total_seconds()) * 1_000_000
    counted: dict[int, dict[str, int]] = {}
    index = F.floor(F.col("time") / F.lit(micros)).alias("index")
    for row in times.groupBy(index, "what").count().collect():
        counted.setdefault(row["index"], {})[row["what"]] = row["count"]
    steps = (
        Activity(
            utc_of(max(index * micros, FIRST)),
            counts.get("INSERT", 0),
            counts.get("UPDATE", 0),
            counts.get("DELETE", 0),
            counts.get("block", 0),
        )
        for index, counts in sorted(counted.items())
    )
    return Timeline(step, tuple(steps))


def _operations(lake: Lake) -> Listed[TableOperations]:
    counted = (
        lake.read("revisions")
        .groupBy("table_id", "table_name")
        .agg(*(F.count_if(F.col("operation") == name).alias(name) for name in _OPERATIONS))
    )
    total = sum((F.col(name) for name in _OPERATIONS), F.lit(0))
    rows = counted.orderBy(total.desc(), "table_name", "table_id").limit(ROWS).collect()
    shown = tuple(TableOperations(*row) for row in rows)
    return Listed(shown, len(shown) if len(shown) < ROWS else counted.count())


def _copies(lake: Lake) -> tuple[Bar, ...]:
    """Counts how often blocks and revisions were delivered."""
    blocks = (
        lake.read("records")
        .where("holds = 'block'")
        .groupBy("strand_id", "sequence_no")
        .agg(F.count("*").alias("deliveries"))
    )
    delivered = blocks.select("deliveries").union(lake.read("revisions").select("deliveries"))
    capped = F.least("deliveries", F.lit(_MOST_COPIES)).alias("copies")
    counts = {row["copies"]: row["count"] for row in delivered.groupBy(capped).count().collect()}
    return tuple(
        Bar(copies, copies if copies < _MOST_COPIES else None, counts.get(copies, 0))
        for copies in range(1, _MOST_COPIES + 1)
        if counts
    )


def _lateness(lake: Lake) -> tuple[Bar, ...]:
    """Counts how many blocks too late records arrived, objects taken in the order of their names.

    An object's records are compared with the highest block of the objects before it.
    """
    records = lake.read("records").where("sequence_no IS NOT NULL")
    keys = ["strand_id", "object_uri"]
    before = Window.partitionBy("strand_id").orderBy("object_uri")
    highest = (
        records.groupBy(*keys)
        .agg(F.max("sequence_no").alias("highest"))
        .withColumn(
            "before",
            F.max("highest").over(before.rowsBetween(Window.unboundedPreceding, -1)),
        )
    )
    late = F.greatest(F.lit(0), F.coalesce(F.col("before") - F.col("sequence_no"), F.lit(0)))
    placed = records.select(*keys, "sequence_no").join(highest, keys).select(late.alias("late"))
    conditions = [_between("late", *bounds).alias(f"_{at}") for at, bounds in enumerate(_LATENESS)]
    row = only_row(placed.agg(*conditions))
    if not sum(row):
        return ()
    return tuple(Bar(low, high, count) for (low, high), count in zip(_LATENESS, row, strict=True))


def _between(name: str, low: int, high: int | None) -> Any:
    within = F.col(name) >= low
    return F.count_if(within if high is None else within & (F.col(name) <= high))


def _coverage(found: DataFrame, strand: Strand, verification: Verification) -> Coverage:
    """Gathers a strand's gaps from what was found: the largest, in order."""
    own = found.where(F.col("strand_id") == strand.strand_id)
    gaps = gaps_of(own, ["block-missing", "head-missing"]).drop("strand_id")
    length = F.col("last") - F.col("first") + 1
    total = only_row(gaps.agg(F.count("*").alias("gaps"), F.sum(length).alias("missing")))
    largest = gaps.orderBy(length.desc(), "first").limit(GAPS).collect()
    shown = [Gap(*row) for row in largest]
    last = strand.last_sequence_no
    tips = [each.sequence_no for each in verification.digests if each.strand_id == strand.strand_id]
    farthest = max([last, *tips])
    if farthest > last:
        shown = [*shown[: GAPS - 1], Gap(last + 1, farthest)]
    return Coverage(
        strand.strand_id,
        farthest,
        (total["missing"] or 0) + farthest - last,
        Listed(tuple(sorted(shown, key=lambda gap: gap.first)), total["gaps"] + (farthest > last)),
    )


def _findings(found: DataFrame) -> tuple[FindingGroup, ...]:
    columns = tuple(Finding.__dataclass_fields__)
    kinds = (
        found.groupBy("code", "severity")
        .agg(F.count("*").alias("total"), F.count_if("acknowledged").alias("acknowledged"))
        .collect()
    )
    groups = []
    for kind in sorted(kinds, key=lambda row: (SEVERITIES.index(row["severity"]), row["code"])):
        rows = found.where(F.col("code") == kind["code"]).select(*columns).orderBy(*PLACES)
        shown = tuple(Finding(*row) for row in rows.limit(FINDINGS).collect())
        listed = Listed(shown, kind["total"])
        groups.append(FindingGroup(kind["code"], kind["severity"], kind["acknowledged"], listed))
    return tuple(groups)


def _tables(lake: Lake) -> Listed[Table]:
    counts = {
        row["table_id"]: row
        for row in lake.read("revisions")
        .groupBy("table_id")
        .agg(F.count("*").alias("revisions"), F.count_if("is_open").alias("documents"))
        .orderBy(F.desc("revisions"))
        .limit(10 * ROWS)
        .collect()
    }
    tables = lake.read(TABLES)
    tables = tables.withColumn("lifecycle", lifecycle_in_micros())
    rows = tables.orderBy("table_name", F.get("lifecycle", F.lit(0))["sequence_no"], "table_id")
    shown = tuple(_table(row, counts.get(row["table_id"])) for row in rows.limit(ROWS).collect())
    return Listed(shown, tables.count())


def _table(row: Row, counts: Row | None) -> Table:
    events = [
        Event(event, sequence_no, None if time is None else utc_of(time))
        for event, sequence_no, time in row["lifecycle"]
    ]
    indexes = row["indexes"] or []
    return Table(
        row["table_id"],
        row["table_name"],
        row["status"],
        _some(indexes, INDEXES),
        _some(events, EVENTS),
        0 if counts is None else counts["revisions"],
        0 if counts is None else counts["documents"],
    )


def _some(items: Iterable[Any], most: int) -> Listed[Any]:
    items = tuple(items)
    return Listed(items[:most], len(items))


def _redactions(lake: Lake, found: DataFrame) -> Redactions:
    keys = list(REVISION_KEYS)
    requests = requests_of(lake.read("blocks"))
    requested = (
        lake.read("revisions")
        .select(*keys, "sequence_no")
        .join(requests.drop("batch"), [*keys, "sequence_no"], "left_semi")
    )
    carried = found.where("code = 'redaction-unapplied'").select(*keys, "object_uri")
    asked = requested.count()
    carrying = requested.join(carried, keys, "left_semi").count()
    by_object = carried.groupBy("object_uri").count()
    largest = by_object.orderBy(F.desc("count"), "object_uri").limit(ROWS).collect()
    return Redactions(
        asked,
        asked - carrying,
        carrying,
        found.where("code = 'redaction-unrequested'").select(*keys).distinct().count(),
        Listed(tuple(Carrier(*row) for row in largest), by_object.count()),
    )
