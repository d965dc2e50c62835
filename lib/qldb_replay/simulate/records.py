"""The layout of stream records: which fields, in which order, under which symbols.

QLDB: a record is a version marker, one local symbol table and one struct with `qldbStreamArn`,
`recordType` and `payload`. Names are listed in order of first appearance; a block's include the IDs
of its documents, which are field names in transactionInfo. Hashes fall out of the encoding here,
what they are joined to is the ledger's matter.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from qldb_replay.simulate.encode import (
    Symbols,
    blob,
    encode,
    ion_hash,
    new_symbols,
    struct_of,
    symbol_id,
    symbol_table,
    tagged,
)
from qldb_replay.simulate.merkle import dot
from qldb_replay.simulate.transaction import Change
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
_TABLES_CACHED = 1_000


Summaries = list[tuple[bytes, str | None]]
"""revisionSummaries: each revision's hash and document ID, `None` for QLDB's own revisions."""


class RevisionRecord(NamedTuple):
    """A REVISION_DETAILS record and what its encoding gave.

    Attributes:
        hash: the revision's hash.
        data_hash: hash of its data, empty for a deletion.
        symbols: version marker and symbol table of the record.
        data: binary Ion of the data under those symbols, empty where the record has none.
        record: the whole record.
    """

    hash: bytes
    data_hash: bytes
    symbols: bytes
    data: bytes
    record: bytes


class Infos(NamedTuple):
    """A block's transactionInfo and redactionInfo as the record will have them.

    Attributes:
        symbols: the record's symbols so far.
        binary: both fields, or those that there are.
        hashes: Ion Hash of each.
    """

    symbols: Symbols
    binary: bytes
    hashes: list[bytes]


class RecordWriter:
    """Writes the records of one stream."""

    def __init__(self, strand_id: str, stream_arn: str) -> None:
        self._strand = encode(strand_id, {})[0]
        self._arn = encode(stream_arn, {})[0]
        self._tables: dict[tuple[str, ...], bytes] = {}

    def control(self, what: str) -> bytes:
        """A CONTROL record; `what` is `CREATED` or `COMPLETED`."""
        payload = _fields(_CONTROL_SYMBOLS, controlRecordType=encode(what, {})[0])
        return symbol_table(_CONTROL_SYMBOLS) + self._envelope("CONTROL", payload)

    def revision(
        self, sequence_no: int, change: Change, metadata: dict[str, Value], *, redacted: bool
    ) -> RevisionRecord:
        """A REVISION_DETAILS record.

        Args:
            sequence_no: the revision's block.
            change: what it did.
            metadata: its metadata.
            redacted: whether it shows the hash of its data instead of the data.
        """
        symbols = _REVISION_SYMBOLS.copy()
        data, data_hash, content = b"", b"", b""
        if change.data is not None and redacted:
            data_hash = ion_hash(change.data)
            content = symbol_id("dataHash", symbols) + blob(data_hash)
        elif change.data is not None:
            sid = symbol_id("data", symbols)
            data, form = struct_of(change.data.items(), symbols)
            data_hash = sha256(form).digest()
            content = sid + data
        metadata_sid = symbol_id("metadata", symbols)
        metadata_binary, form = struct_of(metadata.items(), symbols)
        revision_hash = dot(sha256(form).digest(), data_hash)
        table_info = _fields(
            symbols,
            tableName=encode(change.table.kind.name, symbols)[0],
            tableId=encode(change.table.table_id, symbols)[0],
        )
        head = _fields(
            symbols, blockAddress=self._address(sequence_no, symbols), hash=blob(revision_hash)
        )
        revision = head + content + metadata_sid + metadata_binary
        payload = _fields(
            symbols, tableInfo=tagged(0xD0, table_info), revision=tagged(0xD0, revision)
        )
        header = self._symbol_table(symbols)
        record = header + self._envelope("REVISION_DETAILS", payload)
        return RevisionRecord(revision_hash, data_hash, header, data, record)

    def infos(self, transaction_info: Value, redaction_info: Value) -> Infos:
        """The part of a block's record that its hashes depend on; `None` leaves a field out."""
        symbols = _BLOCK_SYMBOLS.copy()
        binary, hashes = b"", []
        for name, value in (
            ("transactionInfo", transaction_info),
            ("redactionInfo", redaction_info),
        ):
            if value is not None:
                sid = symbol_id(name, symbols)
                encoded, form = encode(value, symbols)
                binary += sid + encoded
                hashes.append(sha256(form).digest())
        return Infos(symbols, binary, hashes)

    def block(
        self,
        sequence_no: int,
        transaction_id: str,
        time: Instant,
        hashes: tuple[bytes, bytes, bytes, list[bytes]],
        infos: Infos,
        summaries: Summaries,
    ) -> bytes:
        """A BLOCK_SUMMARY record.

        Args:
            sequence_no: the block's place in the strand.
            transaction_id: its transaction.
            time: blockTimestamp.
            hashes: blockHash, entriesHash, previousBlockHash and entriesHashList.
            infos: what `infos` gave; its symbols become the record's.
            summaries: revisionSummaries, left out if there are none.
        """
        symbols = infos.symbols
        tail = infos.binary
        if summaries:
            tail += symbol_id("revisionSummaries", symbols) + _summaries(summaries, symbols)
        block_hash, entries_hash, previous_block_hash, entries = hashes
        payload = _fields(
            symbols,
            blockAddress=self._address(sequence_no, symbols),
            transactionId=encode(transaction_id, symbols)[0],
            blockTimestamp=encode(time, symbols)[0],
            blockHash=blob(block_hash),
            entriesHash=blob(entries_hash),
            previousBlockHash=blob(previous_block_hash),
            entriesHashList=tagged(0xB0, b"".join([blob(entry) for entry in entries])),
        )
        return symbol_table(symbols) + self._envelope("BLOCK_SUMMARY", payload + tail)

    def _envelope(self, record_type: str, payload: bytes) -> bytes:
        # The three names come first in every record: symbol IDs 10, 11 and 12.
        kind = encode(record_type, {})[0]
        return tagged(0xD0, b"\x8a" + self._arn + b"\x8b" + kind + b"\x8c" + tagged(0xD0, payload))

    def _address(self, sequence_no: int, symbols: Symbols) -> bytes:
        number = encode(sequence_no, symbols)[0]
        return tagged(0xD0, symbols["strandId"] + self._strand + symbols["sequenceNo"] + number)

    def _symbol_table(self, symbols: Symbols) -> bytes:
        """Symbol tables repeat: documents of a table mostly have the same fields."""
        names = tuple(symbols)
        table = self._tables.get(names)
        if table is None:
            if len(self._tables) >= _TABLES_CACHED:
                self._tables.clear()
            table = self._tables[names] = symbol_table(symbols)
        return table


def _fields(symbols: Symbols, **binaries: bytes) -> bytes:
    return b"".join([symbols[name] + binary for name, binary in binaries.items()])


def _summaries(summaries: Summaries, symbols: Symbols) -> bytes:
    hash_sid = symbol_id("hash", symbols)
    items = []
    for summary, document_id in summaries:
        body = hash_sid + blob(summary)
        if document_id is not None:
            body += symbol_id("documentId", symbols) + encode(document_id, symbols)[0]
        items.append(tagged(0xD0, body))
    return tagged(0xB0, b"".join(items))
