"""The copies of blocks and revisions that are judged: each content once, however often delivered.

Where all copies of a key are alike, the row of `blocks` or `revisions` stands for them. Where they
are not, each of them is judged, whichever counts: they are read from `records`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from pyspark.sql import DataFrame

from qldb_replay.lake.blocks import listing_of
from qldb_replay.lake.delta import Lake, kept
from qldb_replay.lake.keys import BLOCK_KEYS, REVISION_KEYS
from qldb_replay.lake.verify.touched import Touched, contested_copies

_REVISION = ("sequence_no", "hash", "table_id", "table_name", "tx_id", "kind", "hash_matches")
CHECKS = (
    "tx_id",
    "revisions_root_listed",
    "transaction_info_listed",
    "redaction_info_listed",
    "entries_hash_matches",
    "block_hash_matches",
)
"""Columns of a block that its checks ask for, in `blocks` and in `records.block`."""


@dataclass(frozen=True)
class Judged:
    """What is judged block by block, read once and kept while it is.

    Attributes:
        blocks: the blocks that count: the keys, `contested`, `CHECKS`, `documents` and
            `revision_summaries`.
        other_blocks: rows of `records`: all copies of the contested blocks.
        revisions: a row for each content of each revision: the keys, `sequence_no`, `hash`,
            `table_id`, `table_name`, `tx_id`, `kind`, `hash_matches` and `revision_index`, null
            where no block lists it.
    """

    blocks: DataFrame
    other_blocks: DataFrame
    revisions: DataFrame


@contextmanager
def judged_copies(lake: Lake, touched: Touched) -> Iterator[Judged]:
    """Reads what is to be judged, for use within a `with` block."""
    with ExitStack() as frames:
        columns = (*BLOCK_KEYS, "contested", *CHECKS, "documents", "revision_summaries")
        blocks = touched.blocks(lake.read("blocks").select(*columns))
        blocks = frames.enter_context(kept(blocks))
        others = frames.enter_context(kept(_contested_blocks(lake, blocks)))
        others.count()  # once its size is known, joins with it need no shuffle of the rest
        revisions = frames.enter_context(kept(touched.blocks(revision_copies(lake))))
        yield Judged(blocks, others, revisions)


def revision_copies(lake: Lake) -> DataFrame:
    """Gives a row for each content of each revision, as `Judged.revisions` has them."""
    revisions = lake.read("revisions")
    alike = revisions.where("NOT contested").select(*REVISION_KEYS, *_REVISION, "revision_index")
    own = ("sequence_no", "hash", *(f"revision.{name}" for name in _REVISION[2:]))
    others = contested_copies(lake, revisions).select(*REVISION_KEYS, *own).distinct()
    own_blocks = others.select(*BLOCK_KEYS).distinct()
    listing = listing_of(lake.read("blocks").join(own_blocks, list(BLOCK_KEYS), "left_semi"))
    return alike.unionByName(others.join(listing, [*BLOCK_KEYS, "hash"], "left"))


def _contested_blocks(lake: Lake, blocks: DataFrame) -> DataFrame:
    keys = blocks.where("contested").select(*BLOCK_KEYS)
    records = lake.read("records").where("holds = 'block'")
    columns = ("object_uri", "offset", *BLOCK_KEYS, "hash", "block")
    return records.select(*columns).join(keys, list(BLOCK_KEYS), "left_semi")
