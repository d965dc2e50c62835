"""Blocks: what one transaction wrote, and the hashes that bind it to the ledger.

QLDB, each checked by recomputing:

1. the root over the hashes of `revisionSummaries`, system revisions included, is an entry of
   `entriesHashList`,
2. so is H(transactionInfo),
3. and H(redactionInfo), in a block that requests a redaction,
4. `entriesHash` is the root over `entriesHashList`,
5. `blockHash` joins `entriesHash` and `previousBlockHash`.

Entries are looked for anywhere in the list, as AWS's own verifier does; the other entries are
hashes of system data that nobody outside can recompute.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from qldb_replay.errors import RecordFormatError
from qldb_replay.ion.symbols import SymbolTable
from qldb_replay.journal.address import read_address
from qldb_replay.journal.fields import (
    Field,
    Source,
    check_rest,
    hash_value,
    ion_hash_of,
    list_of,
    number,
    optional_text,
    required,
    struct_fields,
    time,
)
from qldb_replay.journal.hashed import (
    hash_and_read,
    known,
    read_hash,
    read_list,
    read_number,
    read_string,
    read_struct,
    read_time,
)
from qldb_replay.journal.merkle import dot, merkle_root
from qldb_replay.journal.streams import open_stream

Statement = tuple[str | None, int | None, bytes | None]
"""Text, start time in microseconds since 1970 UTC, digest."""

Document = tuple[str, str | None, str | None, list[int] | None]
"""Document ID, table ID, table name, indexes of the statements that touched it."""

Summary = tuple[bytes | None, str | None]
"""Hash of a revision and its document's ID, None for revisions of system data."""

Redaction = tuple[str, int, str | None, str | None, int | None]
"""Strand ID, sequence number, table ID, document ID and version of what is to be redacted."""

_INT_END = 2**31

# How QLDB writes these lists. Where matches fill a list to its end they are its elements, at the
# cost of no call for each; `struct_fields` and `hash_value` read, or refuse, any other form.
_USUAL_ENTRY = re.compile(rb"\xae\xa0(.{32})", re.DOTALL)
_ENTRY_BYTES = 34
_USUAL_SUMMARY = re.compile(
    rb"\xde\xbc([\x80-\xff])\xae\xa0(.{32})([\x80-\xff])\x8e\x96([ -~]{22})"
    rb"|\xde\xa3([\x80-\xff])\xae\xa0(.{32})",
    re.DOTALL,
)
_SUMMARY_BYTES, _LONE_HASH_BYTES = 62, 37


class BlockChecks(NamedTuple):
    """What recomputing a block's hashes gave.

    Attributes:
        revisions_root: root over the revision summaries, empty if there are none.
        revisions_root_listed: whether it is an entry of the block; None if there are none.
        transaction_info_hash: H(transactionInfo), None without it.
        transaction_info_listed: whether it is an entry; None without transactionInfo.
        redaction_info_hash: H(redactionInfo), None without it.
        redaction_info_listed: whether it is an entry; None without redactionInfo.
        entries_hash_matches: whether entriesHash is the root over the entries.
        block_hash_matches: whether blockHash joins entriesHash and previousBlockHash.
    """

    revisions_root: bytes
    revisions_root_listed: bool | None
    transaction_info_hash: bytes | None
    transaction_info_listed: bool | None
    redaction_info_hash: bytes | None
    redaction_info_listed: bool | None
    entries_hash_matches: bool
    block_hash_matches: bool


class Block(NamedTuple):
    """A block summary, and its checks. What the record has no field for is None.

    Attributes:
        strand_id: strand.
        sequence_no: number in the strand.
        block_hash: stored hash.
        entries_hash: stored hash of the entries.
        previous_block_hash: stored hash of the block before.
        entries_hash_list: the entries.
        tx_id: transaction.
        block_timestamp: microseconds since 1970 UTC.
        statements: statements of the transaction, in order.
        documents: documents that the transaction touched.
        revision_summaries: the revisions, in the order of the tree's leaves.
        redactions: revisions that the transaction asked to redact.
        checks: what recomputing the hashes gave.
    """

    strand_id: str
    sequence_no: int
    block_hash: bytes | None
    entries_hash: bytes | None
    previous_block_hash: bytes | None
    entries_hash_list: list[bytes] | None
    tx_id: str | None
    block_timestamp: int | None
    statements: list[Statement] | None
    documents: list[Document] | None
    revision_summaries: list[Summary] | None
    redactions: list[Redaction] | None
    checks: BlockChecks


def read_block(source: Source, field: Field) -> Block:
    """Reads a block summary and recomputes its hashes.

    Args:
        source: where it is.
        field: offsets of its struct, a record's payload.

    Returns:
        The block.

    Raises:
        IonFormatError: malformed Ion.
        RecordFormatError: not a block's fields or types.
    """
    fields = struct_fields(source, field, "block")
    take = fields.pop
    address = required(take("blockAddress", None), "blockAddress", field[0])
    strand_id, sequence_no = read_address(source, address)
    tx_id = optional_text(source, take("transactionId", None), "transactionId")
    timestamp = time(source, take("blockTimestamp", None), "blockTimestamp")
    block_hash = hash_value(source, take("blockHash", None), "blockHash")
    entries_hash = hash_value(source, take("entriesHash", None), "entriesHash")
    previous = hash_value(source, take("previousBlockHash", None), "previousBlockHash")
    entries = _read_entries(source, take("entriesHashList", None))
    summaries = _read_summaries(source, take("revisionSummaries", None))
    transaction_info = take("transactionInfo", None)
    redaction_info = take("redactionInfo", None)
    if fields:
        check_rest(source, fields)
    transaction_hash: bytes | None = None
    written: tuple[list[Statement] | None, list[Document] | None] = None, None
    if transaction_info is not None:
        transaction_hash, written = hash_and_read(source, transaction_info, _read_transaction_info)
    redactions = _read_redaction_info(source, redaction_info)
    listed = set() if entries is None else set(entries)
    root = merkle_root([leaf or b"" for leaf, _ in summaries or []])
    redaction_hash = None if redaction_info is None else ion_hash_of(source, redaction_info)[0]
    checks = BlockChecks(
        root,
        None if root == b"" else root in listed,
        transaction_hash,
        None if transaction_hash is None else transaction_hash in listed,
        redaction_hash,
        None if redaction_hash is None else redaction_hash in listed,
        entries is not None and entries_hash == merkle_root(entries),
        block_hash is not None and block_hash == dot(entries_hash or b"", previous or b""),
    )
    return Block(
        strand_id,
        sequence_no,
        block_hash,
        entries_hash,
        previous,
        entries,
        tx_id,
        timestamp,
        *written,
        summaries,
        redactions,
        checks,
    )


def _read_entries(source: Source, field: Field | None) -> list[bytes] | None:
    if field is None:
        return None
    pos, body, stop = field
    entries: list[bytes] = _USUAL_ENTRY.findall(source.buf, body, stop)
    if source.buf[pos] >> 4 == 11 and len(entries) * _ENTRY_BYTES == stop - body:
        return entries
    entries = []
    for entry in list_of(source, field, "entriesHashList") or []:
        value = hash_value(source, entry, "entry of entriesHashList")
        entries.append(b"" if value is None else value)
    return entries


def _read_summaries(source: Source, field: Field | None) -> list[Summary] | None:
    if field is None:
        return None
    if source.buf[field[0]] >> 4 == 11 and (usual := _usual_summaries(source, field)) is not None:
        return usual
    summaries = []
    for summary in list_of(source, field, "revisionSummaries") or []:
        fields = struct_fields(source, summary, "revision summary")
        leaf = hash_value(source, fields.pop("hash", None), "hash of a revision summary")
        document = fields.pop("documentId", None)
        summaries.append((leaf, optional_text(source, document, "documentId")))
        if fields:
            check_rest(source, fields)
    return summaries


def _usual_summaries(source: Source, field: Field) -> list[Summary] | None:
    """Summaries that all have the usual form, None if one has not."""
    buf, table, _ = source
    _, body, stop = field
    left = stop - body
    hash_sids, id_sids = set(), set()
    summaries: list[Summary] = []
    for sid, leaf, id_sid, document, lone_sid, lone in _USUAL_SUMMARY.findall(buf, body, stop):
        if lone == b"":
            summaries.append((leaf, document.decode()))
            hash_sids.add(sid)
            id_sids.add(id_sid)
            left -= _SUMMARY_BYTES
        else:
            summaries.append((lone, None))
            hash_sids.add(lone_sid)
            left -= _LONE_HASH_BYTES
    names = [(sid, "hash") for sid in hash_sids] + [(sid, "documentId") for sid in id_sids]
    usual = left == 0 and all(_is_named(table, sid, name) for sid, name in names)
    return summaries if usual else None


def _is_named(table: SymbolTable, sid: bytes, name: str) -> bool:
    number = sid[0] - 0x80
    return number < len(table.texts) and table.texts[number] == name


def _read_transaction_info(
    source: Source, field: Field
) -> tuple[bytes, tuple[list[Statement] | None, list[Document] | None]]:
    """Hash message, statements and documents."""
    message, found = read_struct(source, field, "transactionInfo", 1, _TRANSACTION_INFO)
    return message, (found.get("statements"), found.get("documents"))


def _read_statements(
    source: Source, field: Field, what: str, level: int
) -> tuple[bytes, list[Statement]]:
    return read_list(source, field, what, level, _read_statement, "statement")


def _read_statement(source: Source, field: Field, what: str, level: int) -> tuple[bytes, Statement]:
    message, found = read_struct(source, field, what, level, _STATEMENT)
    take = found.get
    return message, (take("statement"), take("startTime"), take("statementDigest"))


def _read_documents(
    source: Source, field: Field, what: str, level: int
) -> tuple[bytes, list[Document]]:
    message, found = read_struct(source, field, what, level, {}, _read_document)
    return message, [(document_id, *each) for document_id, each in found.items()]


def _read_document(
    source: Source, field: Field, what: str, level: int
) -> tuple[bytes, tuple[str | None, str | None, list[int] | None]]:
    message, found = read_struct(source, field, "document", level, _DOCUMENT)
    take = found.get
    return message, (take("tableId"), take("tableName"), take("statements"))


def _read_indexes(source: Source, field: Field, what: str, level: int) -> tuple[bytes, list[int]]:
    return read_list(source, field, what, level, _read_index, "index of a statement")


def _read_index(source: Source, field: Field, what: str, level: int) -> tuple[bytes, int]:
    message, index = read_number(source, field, what, level)
    if index >= _INT_END:
        raise RecordFormatError(f"{what} is beyond 32 bits", field[0])
    return message, index


_STATEMENT = known(
    "", {"statement": read_string, "startTime": read_time, "statementDigest": read_hash}, {}
)
_DOCUMENT = known(
    "", {"tableId": read_string, "tableName": read_string, "statements": _read_indexes}, {}
)
_TRANSACTION_INFO = known("", {}, {"statements": _read_statements, "documents": _read_documents})


def _read_redaction_info(source: Source, field: Field | None) -> list[Redaction] | None:
    """The revisions to be redacted. All of redactionInfo is hashed, and so validated."""
    if field is None:
        return None
    fields = struct_fields(source, field, "redactionInfo")
    found = list_of(source, fields.get("revisions"), "revisions of redactionInfo")
    return None if found is None else [_read_redaction(source, each) for each in found]


def _read_redaction(source: Source, field: Field) -> Redaction:
    fields = struct_fields(source, field, "redaction")
    address = required(fields.get("blockAddress"), "blockAddress", field[0])
    version = fields.get("version")
    return (
        *read_address(source, address),
        optional_text(source, fields.get("tableId"), "tableId"),
        optional_text(source, fields.get("documentId"), "documentId"),
        None if version is None else number(source, version, "version"),
    )


def check_block(block: bytes) -> BlockChecks:
    """Recomputes a block's hashes.

    Args:
        block: binary Ion stream of one block summary, the payload of a BLOCK_SUMMARY record.

    Returns:
        What matches and what does not.

    Raises:
        IonFormatError: malformed Ion, or not exactly one value.
        RecordFormatError: not a block's fields or types.
    """
    return read_block(*open_stream(block)).checks
