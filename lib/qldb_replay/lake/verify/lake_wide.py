"""What is judged over the whole lake each time: tables, statement texts, objects and bytes."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from qldb_replay.codec.decode import EXPORT_BLOCK
from qldb_replay.journal.literals import has_literal
from qldb_replay.lake.delta import Lake
from qldb_replay.lake.keys import BLOCK_KEYS, DOCUMENT_KEYS
from qldb_replay.lake.redactions import requests_of
from qldb_replay.lake.verify.blocks import named_documents
from qldb_replay.lake.verify.found import LAKE, Check, all_of, found_in

_EXPORT = f"(reason LIKE 'export:%' OR reason LIKE '{EXPORT_BLOCK}%')"


def judge_lake(lake: Lake, contents: DataFrame) -> DataFrame:
    """Judges what speaks of the lake as a whole.

    Args:
        lake: a rebuilt lake.
        contents: rows of `revision_copies`.

    Returns:
        Rows of `FOUND`.
    """
    return all_of(
        [_unknown_tables(lake, contents), _literals(lake), _unreadable(lake), _objects(lake)]
    )


def _unknown_tables(lake: Lake, contents: DataFrame) -> DataFrame:
    """Finds table IDs that no hashed transactionInfo names, so that their name is not proven.

    One finding a table, at its first revision. CREATE TABLE has no ID: only the documents of
    transactionInfo tie an ID to a name.
    """
    known = named_documents(lake.read("blocks")).select(
        "strand_id", F.col("named_table_id").alias("table_id")
    )
    first = F.min(F.struct("sequence_no", "document_id", "version")).alias("first")
    tables = contents.groupBy("strand_id", "table_id").agg(first)
    unknown = tables.join(known.distinct(), ["strand_id", "table_id"], "left_anti")
    check = Check(
        "table-unknown",
        "true",
        "'no hashed transactionInfo names this table ID: the name of the table is not proven'",
        "'a document of transactionInfo'",
        "table_id",
    )
    return found_in(unknown.select("strand_id", "table_id", "first.*"), LAKE, [check])


def _literals(lake: Lake) -> DataFrame:
    """Finds blocks with a statement, linked to a document with redactions, that carries a value."""
    blocks = lake.read("blocks")
    redacted = (
        requests_of(blocks)
        .select(*DOCUMENT_KEYS)
        .union(lake.read("revisions").where("is_redacted").select(*DOCUMENT_KEYS))
        .distinct()
    )
    linked = blocks.select(*BLOCK_KEYS, F.explode("documents").alias("named")).select(
        *BLOCK_KEYS, "named.document_id", "named.statements"
    )
    indexes = (
        linked.join(redacted, list(DOCUMENT_KEYS), "left_semi")
        .select(*BLOCK_KEYS, F.explode("statements").alias("index"))
        .groupBy(*BLOCK_KEYS)
        .agg(F.collect_set("index").alias("indexes"))
    )
    texts = F.expr(
        "filter(statements.statement, (text, i) -> text IS NOT NULL AND array_contains(indexes, i))"
    )
    spoken = blocks.select(*BLOCK_KEYS, "statements").join(indexes, list(BLOCK_KEYS))
    carries = F.udf(_any_literal, "boolean")
    judged = spoken.select(*BLOCK_KEYS, carries(texts).alias("carries"))
    check = Check(
        "literal-in-statement",
        "carries",
        "'a statement on a redacted document carries a value in its text'",
    )
    return found_in(judged, LAKE, [check])


def _any_literal(texts: Sequence[str] | None) -> bool:
    return any(has_literal(text) for text in texts or ())


def _unreadable(lake: Lake) -> DataFrame:
    """Finds bytes that are no record, and objects of journal exports."""
    stretches = lake.read("quarantine").select("object_uri", "offset", "length", "reason")
    bytes_ = Check(
        "record-unreadable",
        "true",
        "reason",
        "'a record'",
        "concat(length, ' bytes')",
    )
    export = Check(
        "export-unread",
        "true",
        "'an object of a journal export, which is not read as a source'",
        "'a stream record'",
        "'a journal export'",
    )
    exports = stretches.where(_EXPORT).select("object_uri").distinct()
    return all_of(
        [
            found_in(stretches.where(f"NOT {_EXPORT}"), LAKE, [bytes_]),
            found_in(exports, LAKE, [export]),
        ]
    )


def _objects(lake: Lake) -> DataFrame:
    checks = (
        Check(
            "object-unreadable",
            "status = 'unreadable'",
            "'the object could not be fetched; ingest tries it again'",
            "'an object'",
            "'none that can be read'",
        ),
        Check(
            "object-changed",
            "status = 'changed'",
            "'the object has other bytes than when it was read first'",
        ),
    )
    return found_in(lake.read("objects").select("object_uri", "status"), LAKE, checks)
