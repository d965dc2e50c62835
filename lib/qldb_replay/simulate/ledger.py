# ruff: noqa: S311 - invented secrets must follow from the seed
"""Transactions to blocks and revisions: every hash, the chain, and the records of a stream.

Of each block's four entries the second is the root over its revisions and the fourth the hash of
its transactionInfo, as in every published real block. The first and third are QLDB's own and cannot
be recomputed by anyone; here they are random. Blocks that write nothing have no revisions entry,
blocks that request a redaction also have the hash of redactionInfo: real ones of either sort were
never published, and readers may rely on membership only.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from random import Random
from typing import NamedTuple

from qldb_replay.simulate.encode import (
    blob,
    encode,
    ion_hash,
    new_symbols,
    struct_of,
    symbol_id,
    symbol_table,
    tagged,
)
from qldb_replay.simulate.merkle import dot, root
from qldb_replay.simulate.options import SimulateOptions
from qldb_replay.simulate.story import Story
from qldb_replay.simulate.transaction import (
    Change,
    Redaction,
    Statement,
    Transaction,
    unique_id,
)
from qldb_replay.simulate.values import Instant, Value

_ENVELOPE = ("qldbStreamArn", "recordType", "payload")
_REVISION_NAMES = (
    *_ENVELOPE,
    "tableInfo",
    "tableName",
    "tableId",
    "revision",
    "blockAddress",
    "strandId",
    "sequenceNo",
    "hash",
)
_BLOCK_NAMES = (
    *_ENVELOPE,
    "blockAddress",
    "strandId",
    "sequenceNo",
    "transactionId",
    "blockTimestamp",
    "blockHash",
    "entriesHash",
    "previousBlockHash",
    "entriesHashList",
)
_REVISION_SYMBOLS = new_symbols(_REVISION_NAMES)
_BLOCK_SYMBOLS = new_symbols(_BLOCK_NAMES)
_CONTROL_SYMBOLS = new_symbols((*_ENVELOPE, "controlRecordType"))
_HASH_BLOB = b"\xae\xa0"
_TABLES_CACHED = 1_000


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
        redacted: whether its record carries `dataHash` instead of `data`.
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
    redacted: bool
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
    summaries: list[tuple[bytes, str | None]]
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
        self._story = Story(options)
        self._redacted = redacted
        # Journal secrets come from a generator of their own, so the story is the same without them.
        self._rng = Random(f"journal {options.seed}")
        stream_id = unique_id(Random(f"stream {stream} {options.seed}"))
        self.strand_id = self._story.strand_id
        self.stream_arn = f"arn:aws:qldb:us-east-1:123456789012:stream/{options.ledger}/{stream_id}"
        self._strand = encode(self.strand_id, {})[0]
        self._arn = encode(self.stream_arn, {})[0]
        self._tables: dict[tuple[str, ...], bytes] = {}

    def __iter__(self) -> Iterator[Block]:
        previous = b""
        for sequence_no, transaction in enumerate(self._story):
            block = self._seal(sequence_no, transaction, previous)
            previous = block.block_hash
            yield block

    def control_record(self, what: str) -> bytes:
        """A CONTROL record; `what` is `CREATED` or `COMPLETED`."""
        payload = _fields(_CONTROL_SYMBOLS, controlRecordType=encode(what, {})[0])
        return symbol_table(_CONTROL_SYMBOLS) + self._envelope("CONTROL", payload)

    def _seal(self, sequence_no: int, transaction: Transaction, previous: bytes) -> Block:
        rng = self._rng
        block_time = Instant(transaction.time + 18 + int(rng.random() * 4))
        revisions, summaries, known = self._revisions(sequence_no, transaction)
        statements = _statements(transaction, known)
        symbols = _BLOCK_SYMBOLS.copy()
        info = _transaction_info(transaction, statements)
        symbol_id("transactionInfo", symbols)
        info_binary, info_form = encode(info, symbols)
        entries = [rng.randbytes(32)]
        if summaries:
            entries.append(root([summary for summary, _ in summaries]))
        tail = [symbols["transactionInfo"] + info_binary]
        entries.append(rng.randbytes(32))
        if transaction.redaction is not None:
            sid = symbol_id("redactionInfo", symbols)
            binary, form = encode(redaction_info(self.strand_id, transaction.redaction), symbols)
            tail.append(sid + binary)
            entries.append(sha256(form).digest())
        entries.append(sha256(info_form).digest())
        if summaries:
            sid = symbol_id("revisionSummaries", symbols)
            tail.append(sid + _summaries_binary(summaries, symbols))
        entries_hash = root(entries)
        block_hash = dot(entries_hash, previous)
        payload = _fields(
            symbols,
            blockAddress=self._address(sequence_no, symbols),
            transactionId=encode(transaction.transaction_id, symbols)[0],
            blockTimestamp=encode(block_time, symbols)[0],
            blockHash=blob(block_hash),
            entriesHash=blob(entries_hash),
            previousBlockHash=blob(previous),
            entriesHashList=tagged(0xB0, b"".join([blob(entry) for entry in entries])),
        )
        record = symbol_table(symbols) + self._envelope("BLOCK_SUMMARY", payload + b"".join(tail))
        return Block(
            transaction,
            sequence_no,
            block_time,
            block_hash,
            entries_hash,
            previous,
            entries,
            statements,
            summaries,
            revisions,
            record,
        )

    def _envelope(self, record_type: str, payload: bytes) -> bytes:
        # The three names come first in every record: symbol IDs 10, 11 and 12.
        kind = encode(record_type, {})[0]
        return tagged(0xD0, b"\x8a" + self._arn + b"\x8b" + kind + b"\x8c" + tagged(0xD0, payload))

    def _address(self, sequence_no: int, symbols: dict[str, bytes]) -> bytes:
        number = encode(sequence_no, symbols)[0]
        return tagged(0xD0, symbols["strandId"] + self._strand + symbols["sequenceNo"] + number)

    def _revisions(
        self, sequence_no: int, transaction: Transaction
    ) -> tuple[list[Revision], list[tuple[bytes, str | None]], dict[int, bytes]]:
        """The block's revisions, its summaries, and the data hashes by identity of the data."""
        summaries: list[tuple[bytes, str | None]] = []
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
        self, sequence_no: int, index: int, transaction: Transaction, change: Change
    ) -> Revision:
        symbols = _REVISION_SYMBOLS.copy()
        redacted = (change.document_id, change.version) in self._redacted
        data, data_hash, content = b"", b"", b""
        if change.data is not None and not redacted:
            sid = symbol_id("data", symbols)
            data, form = struct_of(change.data.items(), symbols)
            data_hash = sha256(form).digest()
            content = sid + data
        elif change.data is not None:
            data_hash = ion_hash(change.data)
            content = symbol_id("dataHash", symbols) + blob(data_hash)
        time = Instant(transaction.time)
        sid = symbol_id("metadata", symbols)
        metadata, form = struct_of(
            (
                ("id", change.document_id),
                ("version", change.version),
                ("txTime", time),
                ("txId", transaction.transaction_id),
            ),
            symbols,
        )
        revision_hash = dot(sha256(form).digest(), data_hash)
        table = change.table
        table_info = _fields(
            symbols,
            tableName=encode(table.kind.name, symbols)[0],
            tableId=encode(table.table_id, symbols)[0],
        )
        revision = (
            symbols["blockAddress"]
            + self._address(sequence_no, symbols)
            + symbols["hash"]
            + _HASH_BLOB
            + revision_hash
            + content
            + sid
            + metadata
        )
        payload = _fields(
            symbols, tableInfo=tagged(0xD0, table_info), revision=tagged(0xD0, revision)
        )
        header = self._symbol_table(symbols)
        return Revision(
            change,
            sequence_no,
            index,
            transaction.transaction_id,
            time,
            revision_hash,
            data_hash,
            redacted,
            header,
            data,
            header + self._envelope("REVISION_DETAILS", payload),
        )

    def _symbol_table(self, symbols: dict[str, bytes]) -> bytes:
        """Symbol tables repeat: documents of a table mostly have the same fields."""
        names = tuple(symbols)
        table = self._tables.get(names)
        if table is None:
            if len(self._tables) >= _TABLES_CACHED:
                self._tables.clear()
            table = self._tables[names] = symbol_table(symbols)
        return table


def redaction_info(strand_id: str, redaction: Redaction) -> Value:
    """A block's redactionInfo."""
    address = {"strandId": strand_id, "sequenceNo": redaction.sequence_no}
    revision = {
        "blockAddress": address,
        "tableId": redaction.table_id,
        "documentId": redaction.document_id,
        "version": redaction.version,
    }
    return {"revisions": [revision]}


def _fields(symbols: dict[str, bytes], **binaries: bytes) -> bytes:
    return b"".join([symbols[name] + binary for name, binary in binaries.items()])


def _summaries_binary(
    summaries: list[tuple[bytes, str | None]], symbols: dict[str, bytes]
) -> bytes:
    hash_sid = symbol_id("hash", symbols)
    items = []
    for summary, document_id in summaries:
        body = hash_sid + _HASH_BLOB + summary
        if document_id is not None:
            body += symbol_id("documentId", symbols) + encode(document_id, symbols)[0]
        items.append(tagged(0xD0, body))
    return tagged(0xB0, b"".join(items))


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
