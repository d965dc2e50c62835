"""What a rebuilt lake says of a moment (`as_of`) and of one document's life (`timeline`)."""

from __future__ import annotations

from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from qldb_replay.errors import UsageError
from qldb_replay.journal.tables import DROPPED
from qldb_replay.lake import history, ledger_tables
from qldb_replay.lake.delta import Lake, folder_name
from qldb_replay.lake.keys import BLOCK_KEYS, DOCUMENT_KEYS, REVISION_KEYS
from qldb_replay.lake.times import EPOCH

TIMELINE = (
    "strand_id",
    "sequence_no",
    "revision_index",
    "table_id",
    "table_name",
    "document_id",
    "version",
    "operation",
    "tx_id",
    "tx_time",
    "valid_from",
    "valid_to",
    "is_current",
    "is_redacted",
    "hash",
    "data_json",
    "data_ion",
)


def as_of(spark: SparkSession, lake: str, table: str, at: int | datetime) -> DataFrame:
    """Gives the documents of a ledger table as they were at a moment.

    Args:
        spark: a session with Delta.
        lake: URI of the lake.
        table: name of the ledger table.
        at: a block's number, inclusive, in every strand of the lake: the only cut that no
            transaction crosses. Or a time with a zone, held against tx_time.

    Returns:
        The columns of `current/<table>`, a row for each document that lived then in a table that
        was not dropped; `data` is null where it was redacted since.

    Raises:
        UsageError: there is no such lake or table, or the time has no zone.
    """
    if isinstance(at, datetime) and at.tzinfo is None:
        raise UsageError("at: expected a time with a zone, or a sequence number")
    opened = Lake.at(spark, lake)
    rows = opened.read(f"history/{folder_name(table)}")
    alive = _alive(opened.read(ledger_tables.TABLE).where(F.col("table_name") == table), at)
    valid = _valid_at(at, rows) if isinstance(at, datetime) else _last_until(at, rows)
    columns = [column for column in history.CURRENT if column in rows.columns]
    return valid.where((F.col("operation") != "DELETE") & F.col("table_id").isin(alive)).select(
        *columns
    )


def timeline(spark: SparkSession, lake: str, document_id: str) -> DataFrame:
    """Gives the life of a document, version after version.

    Args:
        spark: a session with Delta.
        lake: URI of the lake.
        document_id: the document.

    Returns:
        The document's rows of `revisions` in their order, and `statements` (`array<string>`), the
        texts of those that its block links to it, null where the block does not say.

    Raises:
        UsageError: there is no such lake.
    """
    opened = Lake.at(spark, lake)
    revisions = opened.read("revisions").where(F.col("document_id") == document_id)
    linked = F.expr("filter(documents, d -> d.document_id = wanted)[0].statements")
    texts = (
        opened.read("blocks")
        .select(
            *BLOCK_KEYS, "statements.statement", "documents", F.lit(document_id).alias("wanted")
        )
        .where(F.array_contains("documents.document_id", document_id))
        .select(*BLOCK_KEYS, _texts(linked, F.col("statement")).alias("statements"))
    )
    told = revisions.select(*TIMELINE).join(texts, list(BLOCK_KEYS), "left")
    return told.orderBy("strand_id", "version").select(*TIMELINE, "statements")


def _texts(indexes: Column, statements: Column) -> Column:
    return F.transform(indexes, lambda index: F.get(statements, index))


def _alive(tables: DataFrame, at: int | datetime) -> list[str]:
    """IDs of the ledger tables that were there; one that was never seen created always was."""
    if isinstance(at, datetime):
        moment = (at - EPOCH) // timedelta(microseconds=1)
        past = F.filter("lifecycle", lambda event: F.unix_micros(event["time"]) <= moment)
    else:
        past = F.filter("lifecycle", lambda event: event["sequence_no"] <= at)
    last = F.element_at(F.transform(past, lambda event: event["event"]), -1)
    dropped = F.coalesce(F.when(F.size(past) > 0, last) == DROPPED, F.lit(False))
    alive = tables.where(F.col("table_id").isNotNull() & ~dropped).select("table_id")
    return [row["table_id"] for row in alive.collect()]


def _valid_at(at: datetime, rows: DataFrame) -> DataFrame:
    began = F.col("valid_from") <= F.lit(at)
    valid = rows.where(began & (F.col("valid_to").isNull() | (F.col("valid_to") > F.lit(at))))
    return _last(valid)  # where the next version has no time, more than one seems valid


def _last_until(at: int, rows: DataFrame) -> DataFrame:
    return _last(rows.where(F.col("sequence_no") <= at))


def _last(past: DataFrame) -> DataFrame:
    """Keeps of each document the last version."""
    last = past.groupBy(*DOCUMENT_KEYS).agg(F.max("version").alias("version"))
    return past.join(last, list(REVISION_KEYS), "left_semi")
