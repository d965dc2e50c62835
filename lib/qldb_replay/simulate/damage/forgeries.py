"""Other content written into the past, with ever more of the hashes above it recomputed."""

from __future__ import annotations

from dataclasses import replace

from qldb_replay.simulate.damage.attacker import (
    Attacker,
    Blocks,
    Victim,
    only_updates,
    same_document,
    shows_data,
    shows_redacted,
    superseded,
    with_another,
    with_block,
    with_change,
    with_other_data,
    with_revision,
)
from qldb_replay.simulate.encode import blob
from qldb_replay.simulate.ledger import Block, Revision
from qldb_replay.simulate.transaction import Change, Table, unique_id
from qldb_replay.simulate.values import Instant

_DAY_MS = 86_400_000


def forge_revision(blocks: Blocks, attacker: Attacker) -> Blocks:
    """Other data, and the revision's hash."""
    victim, forged = attacker.forged(blocks)
    return with_revision(blocks, victim, same_document(forged, victim.revision))


def forge_revision_and_summary(blocks: Blocks, attacker: Attacker) -> Blocks:
    """Other data, the revision's hash, and the block's list of revisions."""
    return _forged_up_to(blocks, attacker, "revisions", "summaries")


def forge_up_to_entries(blocks: Blocks, attacker: Attacker) -> Blocks:
    """All of that, and the root over the revisions among the block's entries."""
    return _forged_up_to(blocks, attacker, "revisions", "summaries", "entries")


def forge_up_to_entries_hash(blocks: Blocks, attacker: Attacker) -> Blocks:
    """All of that, and entriesHash."""
    return _forged_up_to(blocks, attacker, "revisions", "summaries", "entries", "entries_hash")


def forge_block(blocks: Blocks, attacker: Attacker) -> Blocks:
    """All of that, and blockHash: the block fits itself and its predecessor."""
    victim, forged = attacker.forged(blocks)
    return with_block(blocks, victim.at, forged)


def rewrite_tail(blocks: Blocks, attacker: Attacker) -> Blocks:
    """Other data, and every block from there on: only a saved digest contradicts."""
    victim = attacker.revision(blocks, "revision with data", shows_data)
    change = with_other_data(victim.revision.change)
    transaction = with_change(blocks[victim.at].transaction, change)
    return attacker.rewritten(blocks, {victim.at: transaction})


def forge_transaction_info(blocks: Blocks, attacker: Attacker) -> Blocks:
    """Another table and one more document in a block's transactionInfo, and no hash."""
    at = attacker.block(blocks, "block with an update", only_updates)
    transaction = blocks[at].transaction
    change = transaction.changes[0]
    moved = replace(change, table=Table(change.table.kind, unique_id(attacker.rng)))
    invented = replace(change, document_id=unique_id(attacker.rng))
    changes = [moved, *transaction.changes[1:], invented]
    block = blocks[at]._replace(transaction=replace(transaction, changes=changes))
    return with_block(blocks, at, attacker.ledger.written_anew(block))


def disguise_as_deletion(blocks: Blocks, attacker: Attacker) -> Blocks:
    """Data taken away without a trace, so that the revision looks like a deletion."""
    last = {r.change.document_id: r for block in blocks for r in block.revisions}
    victim = attacker.revision(
        blocks,
        "last revision with data",
        lambda revision: shows_data(revision) and last[revision.change.document_id] is revision,
    )
    return with_revision(blocks, victim, _emptied(victim.revision, attacker))


def split_into_deletion(blocks: Blocks, attacker: Attacker) -> Blocks:
    """Data taken away, and their hash listed beside that of the metadata, as a deletion has it."""
    last = {r.change.document_id: r for block in blocks for r in block.revisions}
    alone = {block.sequence_no for block in blocks if len(block.summaries) == 1}
    victim = attacker.revision(
        blocks,
        "last revision with data, alone in its block",
        lambda revision: (
            shows_data(revision)
            and last[revision.change.document_id] is revision
            and revision.sequence_no in alone
        ),
    )
    change = replace(victim.revision.change, data=None)
    emptied = attacker.ledger.revise(victim.revision._replace(change=change))
    summaries = [(emptied.hash, change.document_id), (victim.revision.data_hash, None)]
    block = attacker.ledger.written_anew(blocks[victim.at]._replace(summaries=summaries))
    return with_revision(with_block(blocks, victim.at, block), victim, emptied)


def repeat_revision_as_deletion(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A revision with a successor a second time, its data taken away without a trace."""
    victim = attacker.revision(blocks, "superseded revision", superseded(blocks))
    second = _emptied(victim.revision, attacker)
    return with_another(blocks, victim.at, second)


def add_unlisted_revision(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A document that never was, said to be of a block that is."""
    victim = attacker.revision(blocks, "revision with data", shows_data)
    change = with_other_data(victim.revision.change)
    invented = replace(change, document_id=unique_id(attacker.rng), version=0)
    revision = attacker.ledger.revise(victim.revision._replace(change=invented))
    return with_another(blocks, victim.at, revision)


def forge_transaction_id(blocks: Blocks, attacker: Attacker) -> Blocks:
    """Another transactionId in a block, which no hash covers."""
    at = attacker.block(blocks, "block with revisions", lambda block: len(block.revisions) > 0)
    transaction = replace(blocks[at].transaction, transaction_id=unique_id(attacker.rng))
    block = blocks[at]._replace(transaction=transaction)
    return with_block(blocks, at, attacker.ledger.written_anew(block))


def forge_table_name(blocks: Blocks, attacker: Attacker) -> Blocks:
    """Another tableName in a revision's record, which no hash covers."""
    victim = attacker.revision(blocks, "revision", lambda revision: True)
    table = victim.revision.change.table
    kind = replace(table.kind, name=f"{table.kind.name}Archive")
    return _with_table(blocks, attacker, victim, Table(kind, table.table_id))


def forge_table_id(blocks: Blocks, attacker: Attacker) -> Blocks:
    """Another tableId in a revision's record, which no hash covers."""
    victim = attacker.revision(blocks, "revision", lambda revision: True)
    table = Table(victim.revision.change.table.kind, unique_id(attacker.rng))
    return _with_table(blocks, attacker, victim, table)


def move_time_back(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A blockTimestamp, which no hash covers, a day earlier."""
    at = attacker.block(blocks, "block", lambda block: True)
    block = blocks[at]._replace(time=Instant(blocks[at].time - _DAY_MS))
    return with_block(blocks, at, attacker.ledger.written_anew(block))


def _emptied(revision: Revision, attacker: Attacker) -> Revision:
    """A revision without its data, under the hash that it had with them."""
    emptied = attacker.ledger.revise(revision._replace(change=replace(revision.change, data=None)))
    record = emptied.record.replace(blob(emptied.hash), blob(revision.hash))
    return emptied._replace(hash=revision.hash, record=record)


def _forged_up_to(blocks: Blocks, attacker: Attacker, *fields: str) -> Blocks:
    """A block that has some fields of a forged one and all others of its own."""
    victim, forged = attacker.forged(blocks)
    mixed: Block = blocks[victim.at]._replace(**{name: getattr(forged, name) for name in fields})
    return with_block(blocks, victim.at, attacker.ledger.written_anew(mixed))


def _with_table(blocks: Blocks, attacker: Attacker, victim: Victim, table: Table) -> Blocks:
    revision = victim.revision
    change: Change = replace(revision.change, table=table)
    moved = attacker.ledger.revise(
        revision._replace(change=change), redacted=shows_redacted(revision)
    )
    return with_revision(blocks, victim, moved)
