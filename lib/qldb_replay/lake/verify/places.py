"""Which delivered record a finding speaks of: its object and offset, and what its hashes would be.

Checks run on narrow tables that do not say where a record was delivered. Only for what they found
`records` is asked: for the copy that shows it, or the first one that does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from qldb_replay.journal.merkle import dot, merkle_root
from qldb_replay.lake.delta import Lake
from qldb_replay.lake.verify.blocks import OF_BLOCKS, REVISION_HASH
from qldb_replay.lake.verify.copies import CHECKS
from qldb_replay.lake.verify.found import FOUND

_NUMBER = "_number"

_FROM_BLOCKS = {name: f"block.{name}" for name in CHECKS}
_FROM_REVISIONS = {"hash_matches": "revision.hash_matches", "kind": "revision.kind"}

_STORED = """
CASE code
  WHEN 'revision-hash-mismatch' THEN hash
  WHEN 'block-hash-mismatch' THEN hash
  WHEN 'entries-hash-mismatch' THEN block.entries_hash
  WHEN 'revisions-root-mismatch' THEN block.revisions_root
  WHEN 'transaction-info-mismatch' THEN block.transaction_info_hash
  WHEN 'redaction-info-mismatch' THEN block.redaction_info_hash
END
"""

_PARTS = """
CASE code
  WHEN 'revision-hash-mismatch' THEN array(revision.metadata_hash, revision.data_hash)
  WHEN 'block-hash-mismatch' THEN array(block.entries_hash, block.previous_block_hash)
  WHEN 'entries-hash-mismatch' THEN block.entries_hash_list
END
"""

_DELETED = """
CASE WHEN code = 'revision-hash-mismatch' AND record.kind = 'delete' THEN coalesce(
  concat('a deletion, hashed as if its data were ', record.delete_rule),
  'a deletion that recomputes in no known way; tried: metadata alone, and with the hash of null, '
  || 'nothing, null.struct and an empty struct'
) END
"""


def with_records(lake: Lake, found: DataFrame) -> DataFrame:
    """Adds object, offset and hashes to findings about one record.

    Args:
        lake: the lake.
        found: rows of `FOUND`, those to be completed with a sequence number and no object.

    Returns:
        The same findings. Those without a record of their own stay as they are.
    """
    numbered = found.withColumn(_NUMBER, F.monotonically_increasing_id())
    wanted = numbered.select("code", "strand_id", "sequence_no", "document_id", "version", _NUMBER)
    about_revision = "version IS NOT NULL AND code <> 'version-missing'"
    shown = _of_revisions(lake, wanted.where(about_revision)).unionByName(
        _of_blocks(lake, wanted.where(f"NOT ({about_revision})"))
    )
    best = shown.groupBy(_NUMBER).agg(F.min("record").alias("record"))
    recompute = F.udf(_recomputed, "string")
    completed = numbered.drop("object_uri", "offset").join(best, _NUMBER, "left")
    columns = {
        "object_uri": F.col("record.object_uri"),
        "offset": F.col("record.offset"),
        "expected": F.coalesce(recompute("code", "record.parts"), "expected"),
        "actual": F.coalesce(F.lower(F.hex("record.stored")), "actual"),
        "detail": F.coalesce(F.expr(_DELETED), "detail"),
    }
    return completed.select(*(columns.get(name, F.col(name)).alias(name) for name in FOUND.names))


def _of_revisions(lake: Lake, wanted: DataFrame) -> DataFrame:
    records = lake.read("records").where("holds = 'revision'")
    keys = ["strand_id", "sequence_no", "document_id", "version"]
    shows = {REVISION_HASH.code: REVISION_HASH.when, "redaction-unrequested": "kind = 'redacted'"}
    return _shown(records.join(wanted, keys), _FROM_REVISIONS, shows)


def _of_blocks(lake: Lake, wanted: DataFrame) -> DataFrame:
    records = lake.read("records").where("holds = 'block'").drop("document_id", "version")
    shows = {check.code: check.when for check in OF_BLOCKS}
    return _shown(records.join(wanted, ["strand_id", "sequence_no"]), _FROM_BLOCKS, shows)


def _shown(records: DataFrame, columns: Mapping[str, str], shows: Mapping[str, str]) -> DataFrame:
    """Keeps the copies that show what a code says; of codes that are not named each copy does."""
    cases = " ".join(f"WHEN '{code}' THEN {when}" for code, when in shows.items())
    records = records.withColumns({name: F.col(of) for name, of in columns.items()})
    record = F.struct(
        "object_uri",
        "offset",
        F.expr(_STORED).alias("stored"),
        F.expr(_PARTS).alias("parts"),
        "revision.kind",
        "revision.delete_rule",
    )
    return records.where(f"CASE code {cases} ELSE true END").select(_NUMBER, record.alias("record"))


def _recomputed(code: str, parts: Sequence[bytearray | None] | None) -> str | None:
    """The hash that should be there, in hex, from what it is made of."""
    if parts is None:
        return None
    hashes = [bytes(part or b"") for part in parts]
    root = merkle_root(hashes) if code == "entries-hash-mismatch" else dot(*hashes)
    return root.hex()
