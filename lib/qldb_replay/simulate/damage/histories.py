# ruff: noqa: S608 - no statement is ever executed
"""Histories that cannot be: contents that compete, an order or versions that QLDB never makes."""

from __future__ import annotations

from dataclasses import replace

from qldb_replay.simulate.damage.attacker import (
    Attacker,
    Blocks,
    last_versions,
    shows_data,
    shows_redacted,
    superseded,
    with_another,
    with_change,
    with_other_data,
)
from qldb_replay.simulate.ledger import Block, Revision
from qldb_replay.simulate.transaction import Table, unique_id
from qldb_replay.simulate.values import Instant


def repeat_block_with_other_content(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A block a second time, with a blockTimestamp a millisecond later."""
    at = attacker.block(blocks, "block", lambda block: True)
    other = blocks[at]._replace(time=Instant(blocks[at].time + 1), revisions=[])
    other = attacker.ledger.written_anew(other)
    return [*blocks[: at + 1], other, *blocks[at + 1 :]]


def repeat_revision_with_other_content(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A revision a second time, with other data and the hash of those."""
    victim = attacker.revision(blocks, "revision with data", shows_data)
    change = with_other_data(victim.revision.change)
    return _repeated(blocks, attacker, victim.at, victim.revision._replace(change=change))


def repeat_revision_with_other_table(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A revision a second time under another table, which its hash does not tell."""
    victim = attacker.revision(blocks, "revision", lambda revision: True)
    change = victim.revision.change
    change = replace(change, table=Table(change.table.kind, unique_id(attacker.rng)))
    return _repeated(blocks, attacker, victim.at, victim.revision._replace(change=change))


def swap_blocks(blocks: Blocks, attacker: Attacker) -> Blocks:
    """Two neighbours and their revisions under each other's numbers.

    They are siblings in the digest's tree, where a pair is sorted before it is hashed: the digest
    stays the same.
    """
    places = [
        at
        for at in range(1, len(blocks) - 2)
        if blocks[at].sequence_no % 2 == 0
        and _documents(blocks[at]).isdisjoint(_documents(blocks[at + 1]))
    ]
    at = attacker.pick("neighbours without a common document", places)
    first, second = blocks[at], blocks[at + 1]
    moved = [
        _renumbered(second, first.sequence_no, attacker),
        _renumbered(first, second.sequence_no, attacker),
    ]
    return [*blocks[:at], *moved, *blocks[at + 2 :]]


def swap_revision_versions(blocks: Blocks, attacker: Attacker) -> Blocks:
    """Two revisions of a document under each other's versions, and every hash from there on."""
    is_superseded = superseded(blocks)
    deletions = {
        (revision.change.document_id, revision.change.version)
        for block in blocks
        for revision in block.revisions
        if revision.change.data is None
    }
    earlier = attacker.revision(
        blocks,
        "revision with a successor that is no deletion",
        lambda revision: (
            is_superseded(revision)
            and (revision.change.document_id, revision.change.version + 1) not in deletions
        ),
    )
    document_id, version = earlier.revision.change.document_id, earlier.revision.change.version
    changed = {}
    for at, block in enumerate(blocks):
        for revision in block.revisions:
            change = revision.change
            if change.document_id == document_id and change.version in (version, version + 1):
                other = replace(change, version=2 * version + 1 - change.version)
                changed[at] = with_change(block.transaction, other)
    return attacker.rewritten(blocks, changed)


def skip_version(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A document's last revision under the version after the next, and every hash from there on."""
    last = last_versions(blocks)
    victim = attacker.revision(
        blocks,
        "last revision",
        lambda revision: revision.change.version == last[revision.change.document_id],
    )
    change = replace(victim.revision.change, version=victim.revision.change.version + 1)
    transaction = with_change(blocks[victim.at].transaction, change)
    return attacker.rewritten(blocks, {victim.at: transaction})


def revive_document(blocks: Blocks, attacker: Attacker) -> Blocks:
    """One more block, every hash true, that writes to a deleted document."""
    deletions = [
        revision.change
        for block in blocks
        for revision in block.revisions
        if revision.change.data is None
    ]
    deletion = attacker.pick("deletion", deletions)
    alive = next(
        revision.change.data
        for block in blocks
        for revision in block.revisions
        if revision.change.document_id == deletion.document_id
    )
    revived = replace(deletion, version=deletion.version + 1, data=alive, statements=[0])
    table = deletion.table.kind.name
    return attacker.continued(blocks, f"UPDATE {table} AS d BY id SET d = ? WHERE id = ?", revived)


def _documents(block: Block) -> set[str]:
    return {revision.change.document_id for revision in block.revisions}


def _repeated(blocks: Blocks, attacker: Attacker, at: int, revision: Revision) -> Blocks:
    second = attacker.ledger.revise(revision, redacted=shows_redacted(revision))
    return with_another(blocks, at, second)


def _renumbered(block: Block, sequence_no: int, attacker: Attacker) -> Block:
    revisions = [
        attacker.ledger.revise(
            revision._replace(sequence_no=sequence_no), redacted=shows_redacted(revision)
        )
        for revision in block.revisions
    ]
    moved = block._replace(sequence_no=sequence_no, revisions=revisions)
    return attacker.ledger.written_anew(moved)
