"""What is left out: by accident, or so that nobody asks for it."""

from __future__ import annotations

from qldb_replay.simulate.damage.attacker import (
    Attacker,
    Blocks,
    only_updates,
    superseded,
    with_block,
    without_successor,
)
from qldb_replay.simulate.ledger import Block, Revision
from qldb_replay.simulate.records import Summaries


def drop_block(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A block and its revisions."""
    victim = attacker.revision(blocks, "superseded revision", superseded(blocks))
    return [*blocks[: victim.at], *blocks[victim.at + 1 :]]


def drop_revision(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A revision that has a successor."""
    victim = attacker.revision(blocks, "superseded revision", superseded(blocks))
    block = blocks[victim.at]
    revisions = [each for each in block.revisions if each is not victim.revision]
    return with_block(blocks, victim.at, block._replace(revisions=revisions))


def drop_head(blocks: Blocks, attacker: Attacker) -> Blocks:
    """The first quarter of the blocks."""
    return blocks[len(blocks) // 4 :]


def drop_tail(blocks: Blocks, attacker: Attacker) -> Blocks:
    """The last quarter of the blocks: only a saved digest knows that they were."""
    return blocks[: len(blocks) - len(blocks) // 4]


def drop_range(blocks: Blocks, attacker: Attacker) -> Blocks:
    """Three blocks in a row."""
    place = {id(revision): at for at, block in enumerate(blocks) for revision in block.revisions}
    last_place = {
        revision.change.document_id: at
        for at, block in enumerate(blocks)
        for revision in block.revisions
    }

    def outlives(revision: Revision) -> bool:
        return last_place[revision.change.document_id] > place[id(revision)] + 2

    victim = attacker.revision(blocks, "document that is updated again later", outlives)
    return [*blocks[: victim.at], *blocks[victim.at + 3 :]]


def orphan_revision(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A block whose revisions stay."""
    at = attacker.block(blocks, "block with an update", only_updates)
    # They are delivered behind those of the block before.
    before = blocks[at - 1]
    before = before._replace(revisions=[*before.revisions, *blocks[at].revisions])
    return [*blocks[: at - 1], before, *blocks[at + 1 :]]


def strip_summary_ids(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A block's revisions; its summaries look like QLDB's own."""
    at = attacker.block(blocks, "block of last revisions", without_successor(blocks))
    block = blocks[at]._replace(summaries=_without_ids(blocks[at]), revisions=[])
    return with_block(blocks, at, attacker.ledger.written_anew(block))


def strip_summaries(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A block's list of revisions, which stay."""
    at = attacker.block(blocks, "block with revisions", lambda block: len(block.revisions) > 0)
    block = blocks[at]._replace(summaries=[])
    return with_block(blocks, at, attacker.ledger.written_anew(block))


def strip_transaction_info(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A block's transactionInfo and its revisions."""
    only_last = without_successor(blocks)
    at = attacker.block(
        blocks,
        "block of last revisions, none of them QLDB's own",
        lambda block: only_last(block) and len(block.summaries) == len(block.revisions),
    )
    block = blocks[at]._replace(told=False, revisions=[])
    return with_block(blocks, at, attacker.ledger.written_anew(block))


def withhold_revisions(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A block's list of revisions and the revisions."""
    at = attacker.block(blocks, "block of last revisions", without_successor(blocks))
    block = blocks[at]._replace(summaries=[], revisions=[])
    return with_block(blocks, at, attacker.ledger.written_anew(block))


def hide_revisions(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A block's transactionInfo and revisions; its summaries look like QLDB's own."""
    at = attacker.block(blocks, "block of last revisions", without_successor(blocks))
    block = blocks[at]._replace(told=False, summaries=_without_ids(blocks[at]), revisions=[])
    return with_block(blocks, at, attacker.ledger.written_anew(block))


def hollow_block(blocks: Blocks, attacker: Attacker) -> Blocks:
    """All that a block says of its content: its hashes remain."""
    at = attacker.block(blocks, "block of last revisions", without_successor(blocks))
    block = blocks[at]._replace(told=False, summaries=[], revisions=[])
    return with_block(blocks, at, attacker.ledger.written_anew(block))


def _without_ids(block: Block) -> Summaries:
    return [(summary, None) for summary, _ in block.summaries]
