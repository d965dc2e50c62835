# ruff: noqa: S311 - invented secrets must follow from the seed
"""Transactions to blocks and revisions: every hash and the chain.

Of each block's four entries the second is the root over its revisions and the fourth the hash of
its transactionInfo, as in every published real block. The first and third are QLDB's own and cannot
be recomputed by anyone; here they are random. Blocks that write nothing have no revisions entry,
blocks that request a redaction also have the hash of redactionInfo: real ones of either sort were
never published, and readers may rely on membership only.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from qldb_replay.simulate.encode import ion_hash
from qldb_replay.simulate.merkle import dot, root
from qldb_replay.simulate.options import SimulateOptions
from qldb_replay.simulate.records import Infos, RecordWriter, Summaries
from qldb_replay.simulate.story import Story
from qldb_replay.simulate.transaction import (
    Change,
    Redaction,
    Statement,
    Transaction,
    unique_id,
)
from qldb_replay.simulate.values import Instant, Value


class Revision(NamedTuple):
    """One revision as the journal has it.

    Attributes:
        change: what made it.
        sequence_no: its block.
        revision_index: its place among the block's summaries, system revisions counted.
        transaction_id: the transaction that made it.
        time: txTime.
        hash: its hash.
        data_hash: hash of its data, empty for a deletion.
        symbols: version marker and symbol table of its record.
        data: binary Ion of its data under those symbols, empty where the record has none.
        record: the whole REVISION_DETAILS record.
    """

    change: Change
    sequence_no: int
    revision_index: int
    transaction_id: str
    time: Instant
    hash: bytes
    data_hash: bytes
    symbols: bytes
    data: bytes
    record: bytes


class Block(NamedTuple):
    """One block of the journal, and all that its transaction did.

    Attributes:
        transaction: what happened.
        sequence_no: its place in the strand, from 0.
        time: blockTimestamp.
        block_hash: its hash.
        entries_hash: root over `entries`.
        previous_block_hash: the hash before, empty for block 0.
        entries: entriesHashList.
        statements: each statement with its start time and digest.
        told: whether the record has a transactionInfo.
        summaries: revisionSummaries as (hash, document ID or `None`), empty if it has none.
        revisions: the user revisions.
        record: the whole BLOCK_SUMMARY record.
    """

    transaction: Transaction
    sequence_no: int
    time: Instant
    block_hash: bytes
    entries_hash: bytes
    previous_block_hash: bytes
    entries: list[bytes]
    statements: list[tuple[Statement, Instant, bytes]]
    told: bool
    summaries: Summaries
    revisions: list[Revision]
    record: bytes


class Ledger:
    """Iterates, once, over the blocks of a ledger as one of its streams carries them.

    Every stream of the same options has the same journal. Memory does not grow with its length.

    Attributes:
        strand_id: the ledger's only strand.
        stream_arn: the stream's ARN.
    """

    def __init__(
        self,
        options: SimulateOptions,
        stream: int = 0,
        redacted: frozenset[tuple[str, int]] = frozenset(),
    ) -> None:
        """Begin a stream.

        Args:
            options: what the ledger is like.
            stream: number of the stream, which only its ARN depends on.
            redacted: (document ID, version) of the revisions that this stream shows redacted.
        """
        self._options = options
        self._story = Story(options)
        self._redacted = redacted
        # Journal secrets come from a generator of their own, so the story is the same without them.
        self._rng = Random(f"journal {options.seed}")
        stream_id = unique_id(Random(f"stream {stream} {options.seed}"))
        self.strand_id = self._story.strand_id
        self.stream_arn = f"arn:aws:qldb:us-east-1:123456789012:stream/{options.ledger}/{stream_id}"
        self._writer = RecordWriter(self.strand_id, self.stream_arn)

    def __iter__(self) -> Iterator[Block]:
        previous = b""
        for sequence_no, transaction in enumerate(self._story):
            block = self.seal(sequence_no, transaction, previous)
            previous = block.block_hash
            yield block

    def control_record(self, what: str) -> bytes:
        """A CONTROL record of the stream; `what` is `CREATED` or `COMPLETED`."""
        return self._writer.control(what)

    def seal(self, sequence_no: int, transaction: Transaction, previous: bytes) -> Block:
        """The block of a transaction, every hash of it true.

        Args:
            sequence_no: its place in the strand.
            transaction: what it holds.
            previous: the hash of the block before, empty for block 0.
        """
        rng = self._rng
        time = Instant(transaction.time + 18 + int(rng.random() * 4))
        told = rng.random() >= self._options.untold_share
        revisions, summaries, known = self._revisions(sequence_no, transaction)
        statements = _statements(transaction, known)
        infos = self._infos(transaction, statements, told)
        entries = [rng.randbytes(32)]
        if summaries:
            entries.append(root([summary for summary, _ in summaries]))
        entries.append(rng.randbytes(32))
        entries.extend(infos.hashes if told else [*infos.hashes, rng.randbytes(32)])
        entries_hash = root(entries)
        block_hash = dot(entries_hash, previous)
        record = self._writer.block(
            sequence_no,
            transaction.transaction_id,
            time,
            (block_hash, entries_hash, previous, entries),
            infos,
            summaries,
        )
        return Block(
            transaction,
            sequence_no,
            time,
            block_hash,
            entries_hash,
            previous,
            entries,
            statements,
            told,
            summaries,
            revisions,
            record,
        )

    def written_anew(self, block: Block) -> Block:
        """A block with a record of whatever its fields say, true or not."""
        hashes = (block.block_hash, block.entries_hash, block.previous_block_hash, block.entries)
        record = self._writer.block(
            block.sequence_no,
            block.transaction.transaction_id,
            block.time,
            hashes,
            self._infos(block.transaction, block.statements, block.told),
            block.summaries,
        )
        return block._replace(record=record)

    def revise(self, revision: Revision, *, redacted: bool = False) -> Revision:
        """A revision with the hash and the record that its other fields give.

        Args:
            revision: with any change, block or transaction.
            redacted: whether the record shows the hash of the data instead of the data.
        """
        metadata = metadata_of(revision.change, revision.time, revision.transaction_id)
        written = self._writer.revision(
            revision.sequence_no, revision.change, metadata, redacted=redacted
        )
        return revision._replace(**written._asdict())

    def _infos(
        self,
        transaction: Transaction,
        statements: list[tuple[Statement, Instant, bytes]],
        told: bool,
    ) -> Infos:
        return self._writer.infos(
            _transaction_info(transaction, statements) if told else None,
            _redaction_info(self.strand_id, transaction.redaction),
        )

    def _revisions(
        self, sequence_no: int, transaction: Transaction
    ) -> tuple[list[Revision], Summaries, dict[int, bytes]]:
        """The block's revisions, its summaries, and the data hashes by identity of the data."""
        summaries: Summaries = []
        # System revisions stand before the others or, half of the time, behind them.
        behind = transaction.system_revisions if self._rng.random() < 0.5 else 0
        for _ in range(transaction.system_revisions - behind):
            summaries.append((self._rng.randbytes(32), None))
        revisions = []
        known = {}
        for change in transaction.changes:
            revision = self._revision(sequence_no, len(summaries), transaction, change)
            known[id(change.data)] = revision.data_hash
            summaries.append((revision.hash, change.document_id))
            revisions.append(revision)
        summaries.extend((self._rng.randbytes(32), None) for _ in range(behind))
        return revisions, summaries, known

    def _revision(
        self, sequence_no: int, revision_index: int, transaction: Transaction, change: Change
    ) -> Revision:
        time = Instant(transaction.time)
        metadata = metadata_of(change, time, transaction.transaction_id)
        redacted = (change.document_id, change.version) in self._redacted
        written = self._writer.revision(sequence_no, change, metadata, redacted=redacted)
        return Revision(
            change, sequence_no, revision_index, transaction.transaction_id, time, *written
        )


def metadata_of(change: Change, time: Instant, transaction_id: str) -> dict[str, Value]:
    """Returns a revision's metadata, as QLDB has it."""
    return {
        "id": change.document_id,
        "version": change.version,
        "txTime": time,
        "txId": transaction_id,
    }


def _redaction_info(strand_id: str, redaction: Redaction | None) -> Value:
    if redaction is None:
        return None
    address = {"strandId": strand_id, "sequenceNo": redaction.sequence_no}
    revision = {
        "blockAddress": address,
        "tableId": redaction.table_id,
        "documentId": redaction.document_id,
        "version": redaction.version,
    }
    return {"revisions": [revision]}


def _statements(
    transaction: Transaction, known: dict[int, bytes]
) -> list[tuple[Statement, Instant, bytes]]:
    """Each statement with start time and digest: the text's hash joined with each parameter's.

    Args:
        transaction: whose statements.
        known: hashes by identity of documents that were hashed already.
    """
    out = []
    count = len(transaction.statements)
    for position, statement in enumerate(transaction.statements):
        digest = ion_hash(statement.text)
        for parameter in statement.parameters:
            digest = dot(digest, known.get(id(parameter)) or ion_hash(parameter))
        out.append((statement, Instant(transaction.time - 2 * (count - position)), digest))
    return out


def _transaction_info(
    transaction: Transaction, statements: list[tuple[Statement, Instant, bytes]]
) -> Value:
    info: dict[str, Value] = {
        "statements": [
            {"statement": statement.text, "startTime": start, "statementDigest": digest}
            for statement, start, digest in statements
        ]
    }
    if transaction.changes:
        info["documents"] = {
            change.document_id: {
                "tableName": change.table.kind.name,
                "tableId": change.table.table_id,
                "statements": change.statements,
            }
            for change in transaction.changes
        }
    return info
