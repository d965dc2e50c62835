"""Table `blocks`: one row for each block of a strand."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from qldb_replay.lake.copies import PLACE, choose, fetch, settled
from qldb_replay.lake.delta import Lake, cut_off, matching, only_row
from qldb_replay.lake.keys import BLOCK_KEYS

TABLE = "blocks"

COLUMNS = (
    "strand_id",
    "sequence_no",
    "hash AS block_hash",
    "block.entries_hash",
    "block.previous_block_hash",
    "block.entries_hash_list",
    "block.tx_id",
    "block.block_timestamp",
    "block.statements",
    "block.documents",
    "block.revision_summaries",
    "block.redactions",
    "block.revisions_root",
    "block.revisions_root_listed",
    "block.transaction_info_listed",
    "block.redaction_info_listed",
    "block.entries_hash_matches",
    "block.block_hash_matches",
    "contested",
    "content",
    "batch",
    "ion",
)


_PARTS_LISTED = ("revisions_root_listed", "transaction_info_listed", "redaction_info_listed")
_RANKED_BY = ("consistent", "contradicts", "told")


def rebuild_blocks(lake: Lake, since: int, batch: int) -> None:
    """Brings `blocks` up to a batch.

    Args:
        lake: the lake.
        since: the batch that the table contains already, 0 for none.
        batch: the batch that it will contain.
    """
    records = lake.read("records").where((F.col("holds") == "block") & (F.col("batch") <= batch))
    copies = _copies(records)
    if since:
        fresh = records.where(F.col("batch") > since).select(*BLOCK_KEYS).distinct()
        copies = copies.join(fresh, list(BLOCK_KEYS), "left_semi")

    def decide(exact: DataFrame | None) -> DataFrame:
        rank = [~F.col("consistent"), F.col("contradicts"), -F.col("told")]
        return choose(copies, BLOCK_KEYS, rank, exact, lie_by=BLOCK_KEYS)

    exact = records.select(*PLACE, F.col("ion").alias("bytes"))
    with settled(decide, exact) as chosen:
        if not since:
            lake.overwrite(_rows(chosen, records, batch), TABLE)
            return
        differing = cut_off(_differing(chosen, lake.read(TABLE)))
    _update(lake, differing, records, batch)


def _copies(records: DataFrame) -> DataFrame:
    """Gives what decides between copies.

    The one that counts recomputes, has no part whose hash is missing among its entries, and has
    most of the parts.
    """
    consistent = F.expr("block.entries_hash_matches AND block.block_hash_matches")
    parts = [F.col(f"block.{name}") for name in _PARTS_LISTED]
    return records.select(
        *BLOCK_KEYS,
        *PLACE,
        "block.content",
        consistent.alias("consistent"),
        (~F.coalesce(F.least(*parts), F.lit(True))).alias("contradicts"),
        sum((F.coalesce(part.cast("int"), F.lit(0)) for part in parts), F.lit(0)).alias("told"),
    )


def _rows(chosen: DataFrame, records: DataFrame, batch: int) -> DataFrame:
    joined = fetch(chosen.drop("deliveries", *_RANKED_BY), records, BLOCK_KEYS)
    return joined.withColumn("batch", F.lit(batch).cast("bigint")).selectExpr(*COLUMNS)


def _differing(chosen: DataFrame, table: DataFrame) -> DataFrame:
    """Keeps the blocks that the table lacks (`known` is false) or has otherwise."""
    old = table.select(
        *BLOCK_KEYS, F.col("content").alias("_old"), F.col("contested").alias("_contested")
    )
    joined = chosen.join(old, list(BLOCK_KEYS), "left").withColumn(
        "known", F.col("_old").isNotNull()
    )
    other = "NOT known OR _old <> content OR _contested <> contested"
    return joined.where(other).drop("_old", "_contested")


def _update(lake: Lake, differing: DataFrame, records: DataFrame, batch: int) -> None:
    found = only_row(
        differing.agg(
            F.min(F.when(~F.col("known"), F.col("batch"))).alias("first_new"),
            F.count_if("known").alias("other"),
        )
    )
    if found["first_new"] is not None:
        recent = records.where(F.col("batch") >= found["first_new"])
        lake.append(_rows(differing.where("NOT known"), recent, batch), TABLE)
    if found["other"]:
        lake.merge(
            _rows(differing.where("known"), records, batch),
            TABLE,
            on=matching(BLOCK_KEYS),
            clauses="WHEN MATCHED THEN UPDATE SET *",
        )


def listing_of(blocks: DataFrame) -> DataFrame:
    """Finds the place of each revision in the list of its block, by its hash.

    Args:
        blocks: rows of the table.

    Returns:
        `BLOCK_KEYS`, `hash` and `revision_index`, counted from 0; the first of hashes that repeat.
    """
    listed = F.posexplode("revision_summaries.hash").alias("index", "hash")
    rows = blocks.select(*BLOCK_KEYS, listed).groupBy(*BLOCK_KEYS, "hash")
    return rows.agg(F.min("index").alias("revision_index"))
