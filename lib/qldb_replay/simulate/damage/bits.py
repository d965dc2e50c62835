"""One bit of a record that turned over, in a place where the record stays well-formed Ion."""

from __future__ import annotations

from random import Random

from qldb_replay.errors import UsageError
from qldb_replay.simulate.damage.attacker import (
    Attacker,
    Blocks,
    only_updates,
    shows_data,
    with_another,
    with_block,
    with_revision,
)
from qldb_replay.simulate.ledger import Revision

_TEXT_BITS = (1,)  # the lowest bit: ASCII stays ASCII
_ANY_BIT = tuple(1 << bit for bit in range(8))


def flip_bit_in_data(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A character of a document."""
    victim = attacker.revision(blocks, "revision with data", shows_data)
    return with_revision(blocks, victim, _with_flipped_key(victim.revision, attacker.rng))


def flip_bit_in_metadata(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A character of a revision's transaction ID."""
    victim = attacker.revision(blocks, "revision", lambda revision: True)
    revision = victim.revision
    transaction_id = revision.transaction_id.encode()
    record = _flipped(revision.record, transaction_id, _TEXT_BITS, attacker.rng)
    return with_revision(blocks, victim, revision._replace(record=record))


def flip_bit_in_statement(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A character of a statement's text."""
    at = attacker.block(blocks, "block with an update", only_updates)
    statement = attacker.pick("statement", blocks[at].statements)[0]
    return _patched(blocks, at, statement.text.encode(), _TEXT_BITS, attacker.rng)


def flip_bit_in_entries_list(blocks: Blocks, attacker: Attacker) -> Blocks:
    """An entry that only QLDB could recompute."""
    at = attacker.block(blocks, "block", lambda block: True)
    return _patched(blocks, at, blocks[at].entries[0], _ANY_BIT, attacker.rng)


def flip_bit_in_summary_hash(blocks: Blocks, attacker: Attacker) -> Blocks:
    """The hash that a block lists of a document's revision."""
    victim = attacker.revision(blocks, "revision", lambda revision: True)
    # The hash of an only revision is also an entry; summaries stand behind the entries.
    return _patched(blocks, victim.at, victim.revision.hash, _ANY_BIT, attacker.rng)


def flip_bit_in_entries_hash(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A block's entriesHash."""
    at = attacker.block(blocks, "block", lambda block: True)
    return _patched(blocks, at, blocks[at].entries_hash, _ANY_BIT, attacker.rng)


def flip_bit_in_block_hash(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A block's blockHash."""
    at = attacker.block(blocks, "block", lambda block: True)
    return _patched(blocks, at, blocks[at].block_hash, _ANY_BIT, attacker.rng)


def flip_bit_in_previous_block_hash(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A block's previousBlockHash."""
    at = attacker.block(blocks, "block", lambda block: True)
    return _patched(blocks, at, blocks[at].previous_block_hash, _ANY_BIT, attacker.rng)


def repeat_revision_with_flipped_bit(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A revision a second time, with a character of its document flipped."""
    victim = attacker.revision(blocks, "revision with data", shows_data)
    second = _with_flipped_key(victim.revision, attacker.rng)
    return with_another(blocks, victim.at, second)


def repeat_block_with_flipped_bit(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A block a second time, with a set bit of its hash cleared: of both the smaller bytes."""
    at = attacker.block(blocks, "block", lambda block: True)
    block_hash = blocks[at].block_hash
    place = attacker.pick("bit", [n for n, byte in enumerate(block_hash) if byte & 1 == 1])
    other = block_hash[:place] + bytes([block_hash[place] ^ 1]) + block_hash[place + 1 :]
    record = blocks[at].record.replace(block_hash, other)
    second = blocks[at]._replace(record=record, revisions=[])
    return [*blocks[: at + 1], second, *blocks[at + 1 :]]


def _with_flipped_key(revision: Revision, rng: Random) -> Revision:
    key = (revision.change.data or {})[revision.change.table.kind.key].encode()
    return revision._replace(record=_flipped(revision.record, key, _TEXT_BITS, rng))


def _patched(blocks: Blocks, at: int, found: bytes, bits: tuple[int, ...], rng: Random) -> Blocks:
    record = _flipped(blocks[at].record, found, bits, rng)
    return with_block(blocks, at, blocks[at]._replace(record=record))


def _flipped(record: bytes, found: bytes, bits: tuple[int, ...], rng: Random) -> bytes:
    """A record with one bit turned over where `found` stands for the last time."""
    start = record.rfind(found)
    if start < 0:
        raise UsageError("damage: verbs hit the same bytes: expected another --seed")
    place = start + rng.randrange(len(found))
    return record[:place] + bytes([record[place] ^ rng.choice(bits)]) + record[place + 1 :]
