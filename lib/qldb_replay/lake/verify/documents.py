"""A document's revisions against each other, and its redactions. Judged document by document."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from qldb_replay.lake.delta import Lake
from qldb_replay.lake.keys import DOCUMENT_KEYS, REVISION_KEYS
from qldb_replay.lake.redactions import requests_of
from qldb_replay.lake.verify.found import DOCUMENT, Check, all_of, found_in
from qldb_replay.lake.verify.touched import Touched, contested_copies

VERSIONS = (
    Check(
        "version-missing",
        "version > wanted",
        "concat('versions ', wanted, ' to ', version - 1, ' are missing before version ', version)",
        "concat(version - wanted, ' versions')",
        "'none'",
        (("version", "wanted"),),
    ),
    Check(
        "version-order",
        "sequence_no < sequence_no_before OR "
        "(sequence_no = sequence_no_before AND revision_index <= index_before)",
        "concat('the version before it lies in block ', sequence_no_before)",
        "concat('behind block ', sequence_no_before, ', place ', "
        "coalesce(string(index_before), '?'))",
        "concat('block ', sequence_no, ', place ', coalesce(string(revision_index), '?'))",
    ),
    Check(
        "revision-after-delete",
        "deleted_before",
        "'an earlier version deleted the document'",
        "'no further version'",
        "operation",
    ),
)


def judge_documents(lake: Lake, touched: Touched, contents: DataFrame) -> DataFrame:
    """Judges documents: versions, conflicting copies, redactions.

    Args:
        lake: a rebuilt lake.
        touched: what to judge.
        contents: rows of `revision_copies`.

    Returns:
        Rows of `FOUND`.
    """
    revisions = touched.documents(lake.read("revisions"))
    return all_of(
        [
            found_in(_in_order(revisions), DOCUMENT, VERSIONS),
            _conflicts(lake, revisions),
            _unrequested(lake, touched.documents(contents)),
            _unapplied(lake, revisions),
        ]
    )


def _in_order(revisions: DataFrame) -> DataFrame:
    """Puts beside each revision what its document's versions before it say."""
    by_version = Window.partitionBy(*DOCUMENT_KEYS).orderBy("version")
    before = by_version.rowsBetween(Window.unboundedPreceding, -1)
    return revisions.select(
        *REVISION_KEYS,
        "sequence_no",
        "revision_index",
        "operation",
        (F.coalesce(F.lag("version").over(by_version), F.lit(-1)) + 1).alias("wanted"),
        F.lag("sequence_no").over(by_version).alias("sequence_no_before"),
        F.lag("revision_index").over(by_version).alias("index_before"),
        F.max(F.col("operation") == "DELETE").over(before).alias("deleted_before"),
    )


def _conflicts(lake: Lake, revisions: DataFrame) -> DataFrame:
    """Finds revisions whose copies say different things, redaction aside.

    What a copy says is its block, hashes and table: H(metadata) and H(data) stand for metadata and
    data, and a redacted copy has H(data) too.
    """
    said = F.struct(
        "sequence_no",
        "hash",
        "revision.table_id",
        "revision.table_name",
        "revision.metadata_hash",
        "revision.data_hash",
    )
    counted = (
        contested_copies(lake, revisions)
        .groupBy(*REVISION_KEYS)
        .agg(F.count_distinct(said).alias("contents"))
    )
    placed = revisions.select(*REVISION_KEYS, "sequence_no").join(counted, list(REVISION_KEYS))
    check = Check(
        "revision-conflict",
        "contents > 1",
        "'the archive has the same version with different contents'",
        "'1 content'",
        "concat(contents, ' contents')",
    )
    return found_in(placed, DOCUMENT, [check])


def _unrequested(lake: Lake, copies: DataFrame) -> DataFrame:
    redacted = copies.where("kind = 'redacted'")
    requests = requests_of(lake.read("blocks"))
    alone = redacted.join(requests, [*REVISION_KEYS, "sequence_no"], "left_anti")
    check = Check(
        "redaction-unrequested",
        "true",
        "'a redacted copy, and no valid request to redact it in the archive'",
        "'a request'",
        "'none'",
    )
    return found_in(alone, DOCUMENT, [check])


def _unapplied(lake: Lake, revisions: DataFrame) -> DataFrame:
    """Names every delivered copy that carries, in the archive, the data of a redacted revision."""
    keys = revisions.where("is_redacted").select(*REVISION_KEYS)
    carrying = lake.read("records").where("holds = 'revision' AND revision.kind = 'data'")
    copies = carrying.join(keys, list(REVISION_KEYS), "left_semi")
    check = Check(
        "redaction-unapplied",
        "true",
        "'this copy still carries the data of a redacted revision'",
        "'no data'",
        "'data'",
    )
    return found_in(copies, DOCUMENT, [check])
