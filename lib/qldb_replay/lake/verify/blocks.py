"""What records say of themselves, and revisions against their blocks. Judged block by block.

Everything that one record decides was computed when it was decoded. All joins here are by strand
and sequence number, over narrow columns.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from qldb_replay.lake.keys import BLOCK_KEYS
from qldb_replay.lake.verify.copies import CHECKS, Judged
from qldb_replay.lake.verify.found import BLOCK, Check, all_of, found_in

_NO_ENTRY = "'an entry of entriesHashList'"

_NAMED = """
array_union(
  array_compact(coalesce(revision_summaries.document_id, array())),
  CASE WHEN transaction_info_listed THEN coalesce(documents.document_id, array()) ELSE array() END
)
"""

OF_BLOCKS = (
    Check(
        "revisions-root-mismatch",
        "revisions_root_listed = false",
        "'the root over revisionSummaries is no entry of the block'",
        _NO_ENTRY,
    ),
    Check(
        "transaction-info-mismatch",
        "transaction_info_listed = false",
        "'the hash of transactionInfo is no entry of the block'",
        _NO_ENTRY,
    ),
    Check(
        "redaction-info-mismatch",
        "redaction_info_listed = false",
        "'the hash of redactionInfo is no entry of the block'",
        _NO_ENTRY,
    ),
    Check(
        "entries-hash-mismatch",
        "NOT entries_hash_matches",
        "'entriesHash is not the root over entriesHashList'",
    ),
    Check(
        "block-hash-mismatch",
        "NOT block_hash_matches",
        "'blockHash does not join entriesHash and previousBlockHash'",
    ),
)

TRANSACTION = Check(
    "transaction-mismatch",
    "hash_matches AND revision_index IS NOT NULL AND block_tx_id <> tx_id",
    "'the transaction ID of the block is not that of its revisions'",
    "tx_id",
    "block_tx_id",
    (("document_id", "NULL"), ("version", "NULL")),
)

REVISION_HASH = Check(
    "revision-hash-mismatch",
    "NOT hash_matches",
    "'the stored hash is not that of metadata and data'",
)

OF_REVISIONS = (
    REVISION_HASH,
    Check("revision-orphan", "is_there IS NULL", "'its block is not in the archive'"),
    Check(
        "revision-unlisted",
        "is_there AND revision_index IS NULL",
        "'its block does not list its hash'",
        "'a hash of revisionSummaries'",
        "lower(hex(hash))",
    ),
    TRANSACTION,
    Check(
        "table-mismatch",
        "named_table_id <> table_id OR named_table_name <> table_name",
        "'tableInfo contradicts the hashed transactionInfo of the block'",
        "concat_ws(' ', named_table_id, named_table_name)",
        "concat_ws(' ', table_id, table_name)",
    ),
    Check(
        "table-mismatch",
        "hash_matches AND revision_index IS NOT NULL AND names_documents AND is_named IS NULL",
        "'the hashed transactionInfo of the block names other documents, and not this one'",
        "'a document that it names'",
        "document_id",
    ),
)


def judge_blocks(judged: Judged) -> DataFrame:
    """Judges blocks, the revisions in them, and each against the other.

    Args:
        judged: what to judge.

    Returns:
        Rows of `FOUND`.
    """
    copies, blocks = judged.revisions, judged.blocks
    others = judged.other_blocks.select(*BLOCK_KEYS, *(f"block.{name}" for name in CHECKS))
    alike = blocks.where("NOT contested").select(*others.columns)
    return all_of(
        [
            found_in(alike.unionByName(others), BLOCK, OF_BLOCKS),
            found_in(_placed(copies, blocks), BLOCK, OF_REVISIONS),
            _lone_deletions(copies, blocks),
            _other_transactions(copies, others),
            _missing(copies, blocks),
            _unexplained(copies, blocks),
            _conflicts(judged.other_blocks),
        ]
    )


def named_documents(blocks: DataFrame) -> DataFrame:
    """Lists the documents that hashed transactionInfo names.

    Returns:
        `BLOCK_KEYS`, `document_id`, `named_table_id` and `named_table_name`.
    """
    listed = blocks.where("transaction_info_listed").select(
        *BLOCK_KEYS, F.explode("documents").alias("named")
    )
    return listed.select(
        *BLOCK_KEYS,
        "named.document_id",
        F.col("named.table_id").alias("named_table_id"),
        F.col("named.table_name").alias("named_table_name"),
    )


def _placed(copies: DataFrame, blocks: DataFrame) -> DataFrame:
    """Joins revisions with their block, and with what it says of their document."""
    there = blocks.select(
        *BLOCK_KEYS,
        F.col("tx_id").alias("block_tx_id"),
        F.lit(True).alias("is_there"),
        F.expr("transaction_info_listed AND size(documents) > 0").alias("names_documents"),
    )
    named = named_documents(blocks).withColumn("is_named", F.lit(True))
    return copies.join(there, list(BLOCK_KEYS), "left").join(
        named, [*BLOCK_KEYS, "document_id"], "left"
    )


def _lone_deletions(copies: DataFrame, blocks: DataFrame) -> DataFrame:
    """Finds deletions whose neighbour in the block's hash tree is the hash of no record there.

    A deletion's hash is that of its metadata, and a revision's joins those of its metadata and its
    data. So where the data is taken away and the two hashes are listed in the place of the one,
    every hash of the block stays right.
    """
    proven = copies.where("hash_matches AND revision_index IS NOT NULL")
    deletions = proven.where("kind = 'delete'").join(
        blocks.select(*BLOCK_KEYS, "revision_summaries"), list(BLOCK_KEYS)
    )
    beside = F.expr("get(revision_summaries, revision_index ^ 1).hash")
    paired = deletions.withColumn("beside", beside).where("beside IS NOT NULL")
    others = proven.select(*BLOCK_KEYS, F.col("hash").alias("beside")).distinct()
    check = Check(
        "revision-missing",
        "true",
        "'a deletion beside a hash of no record: a revision whose data was taken away "
        "looks the same'",
        "'the record beside it'",
        "'none'",
    )
    return found_in(paired.join(others, [*BLOCK_KEYS, "beside"], "left_anti"), BLOCK, [check])


def _other_transactions(copies: DataFrame, blocks: DataFrame) -> DataFrame:
    """Finds copies of blocks, that count or not, with another transaction than their revisions."""
    proven = copies.where("hash_matches AND revision_index IS NOT NULL AND tx_id IS NOT NULL")
    own = blocks.select(*BLOCK_KEYS, F.col("tx_id").alias("block_tx_id"))
    return found_in(proven.join(own, list(BLOCK_KEYS)), BLOCK, [TRANSACTION])


def _missing(copies: DataFrame, blocks: DataFrame) -> DataFrame:
    """Finds documents that a block names, and no record of them in that block."""
    named = blocks.select(*BLOCK_KEYS, F.explode(F.expr(_NAMED)).alias("document_id"))
    absent = named.join(copies, [*BLOCK_KEYS, "document_id"], "left_anti")
    check = Check(
        "revision-missing",
        "true",
        "'the block names this document, and no record of it is in the archive'",
        "'a record'",
        "'none'",
    )
    return found_in(absent, BLOCK, [check])


def _unexplained(copies: DataFrame, blocks: DataFrame) -> DataFrame:
    """Finds blocks without transactionInfo whose summaries do not tell what was in them."""
    bare = blocks.where("transaction_info_listed IS NULL").select(
        *BLOCK_KEYS, F.explode_outer("revision_summaries").alias("summary")
    )
    silent = bare.select(*BLOCK_KEYS, "summary.hash", "summary.document_id")
    silent = silent.where("document_id IS NULL").join(copies, [*BLOCK_KEYS, "hash"], "left_anti")
    check = Check(
        "block-unexplained",
        "true",
        "'neither transactionInfo nor revisionSummaries tell what the block holds'",
    )
    return found_in(silent.select(*BLOCK_KEYS).distinct(), BLOCK, [check])


def _conflicts(blocks: DataFrame) -> DataFrame:
    """Finds blocks whose copies say different things; the stream they came over is none of them."""
    said = F.struct(
        "hash",
        "block.entries_hash",
        "block.previous_block_hash",
        "block.entries_hash_list",
        "block.tx_id",
        "block.block_timestamp",
        "block.transaction_info_hash",
        "block.redaction_info_hash",
        "block.revision_summaries",
    )
    counted = blocks.groupBy(*BLOCK_KEYS).agg(F.count_distinct(said).alias("contents"))
    check = Check(
        "block-conflict",
        "contents > 1",
        "'the archive has the same block with different contents'",
        "'1 content'",
        "concat(contents, ' contents')",
    )
    return found_in(counted, BLOCK, [check])
