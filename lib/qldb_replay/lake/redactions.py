"""Which revisions a ledger's owner had redacted, told from its blocks."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from qldb_replay.lake.keys import REVISION_KEYS


def requests_of(blocks: DataFrame) -> DataFrame:
    """Finds the redaction requests that count: hashed into a block whose own hashes recompute.

    Args:
        blocks: table `blocks`.

    Returns:
        `strand_id`, `document_id`, `version`, `sequence_no` of the revision's block, `requested`
        (true) and `batch`, the one in which the request became known.
    """
    valid = blocks.where("redaction_info_listed AND entries_hash_matches AND block_hash_matches")
    requests = valid.select("batch", F.explode("redactions").alias("r"))
    return (
        requests.select("r.strand_id", "r.document_id", "r.version", "r.sequence_no", "batch")
        .groupBy(*REVISION_KEYS, "sequence_no")
        .agg(F.min("batch").alias("batch"))
        .withColumn("requested", F.lit(True))
    )
