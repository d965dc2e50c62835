# ruff: noqa: S608 - no statement is ever executed
"""Redactions that nobody asked for, that nobody may ask for, or that nobody carried out."""

from __future__ import annotations

from dataclasses import replace

from qldb_replay.simulate.damage.attacker import (
    Attacker,
    Blocks,
    Victim,
    same_document,
    superseded,
    with_another,
    with_block,
    with_revision,
)
from qldb_replay.simulate.encode import blob
from qldb_replay.simulate.ledger import Block
from qldb_replay.simulate.transaction import Redaction, Statement


def fake_redaction(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A revision's data replaced by their hash without a request."""
    return _redacted(blocks, attacker, _superseded(blocks, attacker))


def fake_redacted_copy(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A revision a second time, its data replaced by their hash, without a request."""
    victim = _superseded(blocks, attacker)
    redacted = attacker.ledger.revise(victim.revision, redacted=True)
    return with_another(blocks, victim.at, redacted)


def fake_redaction_with_other_hash(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A revision's data replaced by a hash that they never had."""
    victim = _superseded(blocks, attacker)
    redacted = attacker.ledger.revise(victim.revision, redacted=True)
    other = blob(attacker.rng.randbytes(32))
    record = redacted.record.replace(blob(redacted.data_hash), other)
    return with_revision(blocks, victim, redacted._replace(record=record))


def fake_redaction_request(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A redacted revision, and a request put into a block without any hash."""
    victim = _superseded(blocks, attacker)
    at = _quiet_block(blocks, attacker)
    block = _requesting(blocks[at], victim)
    return with_block(_redacted(blocks, attacker, victim), at, attacker.ledger.written_anew(block))


def forge_redaction_request(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A redacted revision, and a request put into a block with its hash among the entries."""
    victim = _superseded(blocks, attacker)
    at = _quiet_block(blocks, attacker)
    block = _requesting(blocks[at], victim)
    forged = attacker.ledger.seal(block.sequence_no, block.transaction, block.previous_block_hash)
    # The hashes of transactionInfo and redactionInfo are a block's last two entries.
    block = block._replace(entries=[*block.entries, forged.entries[-1]])
    block = attacker.ledger.written_anew(block)
    return with_block(_redacted(blocks, attacker, victim), at, block)


def misdirect_redaction_request(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A redacted revision, and one more block whose request has another block's address."""
    victim = _superseded(blocks, attacker)
    request = _redaction(victim)
    request = replace(request, sequence_no=request.sequence_no + 1)
    blocks = attacker.continued(blocks, "EXEC REDACT_REVISION ?, ?, ?", request)
    return _redacted(blocks, attacker, victim)


def unapplied_redaction(blocks: Blocks, attacker: Attacker) -> Blocks:
    """One more block, every hash true, whose request no copy in the archive honours."""
    return _requested(blocks, attacker, _superseded(blocks, attacker))


def literal_in_redacted_statement(blocks: Blocks, attacker: Attacker) -> Blocks:
    """A redacted revision, duly requested, whose statement names what was redacted."""
    victim = _superseded(blocks, attacker)
    change = victim.revision.change
    transaction = blocks[victim.at].transaction
    statements = list(transaction.statements)
    key = change.table.kind.key
    text = f"UPDATE {change.table.kind.name} AS d SET d.Note = ? WHERE d.\"{key}\" = 'Ann''s'"
    statements[change.statements[0]] = Statement(text, (1,))
    blocks = attacker.rewritten(blocks, {victim.at: replace(transaction, statements=statements)})
    blocks = _requested(blocks, attacker, victim)
    revision = same_document(blocks[victim.at], victim.revision)
    return _redacted(blocks, attacker, victim._replace(revision=revision))


def _superseded(blocks: Blocks, attacker: Attacker) -> Victim:
    """QLDB: only a revision that is not its document's latest may be redacted."""
    return attacker.revision(blocks, "superseded revision", superseded(blocks))


def _quiet_block(blocks: Blocks, attacker: Attacker) -> int:
    return attacker.block(
        blocks,
        "block without revisions",
        lambda block: block.told and len(block.transaction.changes) == 0,
    )


def _redaction(victim: Victim) -> Redaction:
    change = victim.revision.change
    return Redaction(
        victim.revision.sequence_no, change.table.table_id, change.document_id, change.version
    )


def _requesting(block: Block, victim: Victim) -> Block:
    transaction = replace(block.transaction, redaction=_redaction(victim))
    return block._replace(transaction=transaction)


def _requested(blocks: Blocks, attacker: Attacker, victim: Victim) -> Blocks:
    return attacker.continued(blocks, "EXEC REDACT_REVISION ?, ?, ?", _redaction(victim))


def _redacted(blocks: Blocks, attacker: Attacker, victim: Victim) -> Blocks:
    revision = attacker.ledger.revise(victim.revision, redacted=True)
    return with_revision(blocks, victim, revision)
