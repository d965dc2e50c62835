"""The copies of blocks and revisions that are judged: each content once, however often delivered.

Where all copies of a key are alike, the row of `blocks` or `revisions` stands for them. Where they
are not, each of them is judged, whichever counts: they are read from `records`.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from qldb_replay.lake.delta import Lake
from qldb_replay.lake.verify.touched import BLOCK_KEYS, REVISION_KEYS, contested_copies

_REVISION = ("sequence_no", "hash", "table_id", "table_name", "tx_id", "kind", "hash_matches")
_BLOCK = (
    "tx_id",
    "block_timestamp",
    "revisions_root_listed",
    "transaction_info_listed",
    "redaction_info_listed",
    "entries_hash_matches",
    "block_hash_matches",
)


def revision_copies(lake: Lake) -> DataFrame:
    """Gives a row for each content of each revision.

    Returns:
        The keys, `sequence_no`, `hash`, `table_id`, `table_name`, `tx_id`, `kind`, `hash_matches`
        and `revision_index`, null where no block lists it.
    """
    revisions = lake.read("revisions")
    alike = revisions.where("NOT contested").select(*REVISION_KEYS, *_REVISION, "revision_index")
    own = ("sequence_no", "hash", *(f"revision.{name}" for name in _REVISION[2:]))
    others = contested_copies(lake, revisions).select(*REVISION_KEYS, *own).distinct()
    places = ["strand_id", "sequence_no", "hash"]
    listing = (
        lake.read("blocks")
        .join(others.select(*BLOCK_KEYS).distinct(), list(BLOCK_KEYS), "left_semi")
        .select(*BLOCK_KEYS, F.posexplode("revision_summaries.hash").alias("index", "hash"))
        .groupBy(*places)
        .agg(F.min("index").alias("revision_index"))
    )
    return alike.unionByName(others.join(listing, places, "left"))


def block_copies(lake: Lake) -> DataFrame:
    """Gives a row for each content of each block: the keys and what recomputing it gave."""
    alike = lake.read("blocks").where("NOT contested").select(*BLOCK_KEYS, *_BLOCK)
    others = contested_blocks(lake).select(*BLOCK_KEYS, *(f"block.{name}" for name in _BLOCK))
    return alike.unionByName(others)


def contested_blocks(lake: Lake) -> DataFrame:
    """Finds all delivered copies of blocks whose copies are not all alike, rows of `records`."""
    keys = lake.read("blocks").where("contested").select(*BLOCK_KEYS)
    records = lake.read("records").where("holds = 'block'")
    return records.join(keys, list(BLOCK_KEYS), "left_semi")
