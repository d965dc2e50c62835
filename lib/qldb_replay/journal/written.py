"""Revisions written out from their parts, where no delivered record has just that.

The exact metadata alone, which hashes need. A redacted revision, of which an archive may hold only
copies from before: QLDB takes `data` and puts `dataHash` in its place; the data is not to be shown
again, nor the names of its fields, which stand in the record's symbol tables. A whole record, where
a destination has kept metadata and data apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from qldb_replay.errors import RecordFormatError
from qldb_replay.ion.canonical import varuint
from qldb_replay.ion.framing import IVM
from qldb_replay.ion.symbols import SYSTEM_TEXTS, fields
from qldb_replay.journal.envelope import REVISION_DETAILS
from qldb_replay.journal.fields import Field, Fields, Source, struct_fields
from qldb_replay.journal.streams import open_stream

_NAMES = ("blockAddress", "strandId", "sequenceNo", "hash", "dataHash", "metadata")
_RECORD_NAMES = (
    "qldbStreamArn",
    "recordType",
    "payload",
    "tableInfo",
    "tableId",
    "tableName",
    "revision",
    "blockAddress",
    "strandId",
    "sequenceNo",
    "hash",
    "metadata",
)
_SYMBOL, _FIRST_CONTAINER = 7, 11

Member = tuple[bytes, bytes]
"""A struct's member as it is written: the symbol ID of its name, and its value."""

_SHORT = 14
_SYMBOL_TABLE = SYSTEM_TEXTS.index("$ion_symbol_table")
_IMPORTS, _SYMBOLS = SYSTEM_TEXTS.index("imports"), SYSTEM_TEXTS.index("symbols")


def metadata_ion(source: Source, field: Field, symbols: bytes) -> bytes:
    """Writes a revision's metadata as a stream of its own.

    Args:
        source: the record that it is in.
        field: offsets of its struct.
        symbols: the record's bytes up to the end of its symbol tables.

    Returns:
        Binary Ion stream of exactly the metadata: its values' bytes as they are, with no names but
        its own in the symbol table. With all of the record's, where a value depends on symbols.
    """
    buf, table, _ = source
    names, values = [], []
    for sid, pos, _, end in fields(buf, field[1], field[2]):
        name = table.texts[sid] if sid < len(table.texts) else None
        if name is None or not _is_plain(buf[pos]):
            return symbols + buf[field[0] : field[2]]
        names.append(name)
        values.append(buf[pos:end])
    prefix, sids = _head(tuple(names))
    return prefix + _struct(zip(sids, values, strict=True))


@lru_cache(maxsize=64)
def _head(names: tuple[str, ...]) -> tuple[bytes, tuple[bytes, ...]]:
    """Version marker and symbol table for names, and the symbol ID of each."""
    distinct = list(dict.fromkeys(names))
    sids = {name: varuint(len(SYSTEM_TEXTS) + index) for index, name in enumerate(distinct)}
    return IVM + _symbol_table(distinct), tuple(sids[name] for name in names)


def revision_record(
    table_id: str,
    table_name: str,
    strand_id: str,
    sequence_no: int,
    stored_hash: bytes,
    metadata: bytes,
    data: bytes | None,
    data_hash: bytes | None,
) -> bytes:
    """Writes a record of the stream around a revision's exact parts.

    Args:
        table_id: table of its document.
        table_name: the table's name.
        strand_id: strand of its block.
        sequence_no: its block's number.
        stored_hash: its hash.
        metadata: binary Ion stream of its metadata.
        data: binary Ion stream of its data, None for a deletion or a redacted revision.
        data_hash: what stands in the place of redacted data, 32 bytes.

    Returns:
        Binary Ion stream of a REVISION_DETAILS record.

    Raises:
        IonFormatError: malformed Ion.
        RecordFormatError: the metadata is no struct, or has in it what depends on symbols.
    """
    source, field = open_stream(metadata)
    values = struct_fields(source, field, "metadata")
    tables, known, exact = IVM, list[str | None](SYSTEM_TEXTS), None
    if data is not None:
        within, place = open_stream(data)
        tables, exact = data[: place[0]], data[place[0] : place[2]]
        known = list(within.table.texts)
    # The symbol tables of data that was taken from a record have all names already: then they stay
    # as they are, and the data that is taken from this record is the same bytes again.
    names = dict.fromkeys([*_RECORD_NAMES, "dataHash" if exact is None else "data", *values])
    lacking = [name for name in names if name not in known]
    known += lacking
    sids = {name: varuint(known.index(name)) for name in names}
    if lacking:
        tables += _symbol_table(lacking, appended=exact is not None)
    content = []
    if exact is not None:
        content.append((sids["data"], exact))
    elif data_hash is not None:
        content.append((sids["dataHash"], _value(0xA0, data_hash)))
    copied = _copied(source, values, sids)
    revision = _revision(sids, strand_id, sequence_no, stored_hash, content, copied)
    info = [(sids["tableId"], _string(table_id)), (sids["tableName"], _string(table_name))]
    payload = [(sids["tableInfo"], _struct(info)), (sids["revision"], revision)]
    record = [
        (sids["qldbStreamArn"], _string("")),
        (sids["recordType"], _string(REVISION_DETAILS)),
        (sids["payload"], _struct(payload)),
    ]
    return tables + _struct(record)


def redacted_revision(
    strand_id: str, sequence_no: int, stored_hash: bytes, metadata: bytes, data_hash: bytes
) -> bytes:
    """Writes a revision without its data.

    Args:
        strand_id: strand of its block.
        sequence_no: its block's number.
        stored_hash: its hash.
        metadata: binary Ion stream of its metadata. The values' bytes are taken over as they are.
        data_hash: H(data), 32 bytes.

    Returns:
        Binary Ion stream of the revision, with no names but its own in the symbol table.

    Raises:
        IonFormatError: malformed Ion.
        RecordFormatError: the metadata is no struct, or has in it what depends on symbols.
    """
    source, field = open_stream(metadata)
    values = struct_fields(source, field, "metadata")
    names = [*_NAMES, *values]
    sids = {name: varuint(len(SYSTEM_TEXTS) + index) for index, name in enumerate(names)}
    content = [(sids["dataHash"], _value(0xA0, data_hash))]
    copied = _copied(source, values, sids)
    revision = _revision(sids, strand_id, sequence_no, stored_hash, content, copied)
    return IVM + _symbol_table(names) + revision


def _revision(
    sids: Mapping[str, bytes],
    strand_id: str,
    sequence_no: int,
    stored_hash: bytes,
    content: Iterable[Member],
    metadata: Iterable[Member],
) -> bytes:
    """Writes a revision's struct; `content` is its data or dataHash, or nothing."""
    address = [(sids["strandId"], _string(strand_id)), (sids["sequenceNo"], _int(sequence_no))]
    return _struct(
        [
            (sids["blockAddress"], _struct(address)),
            (sids["hash"], _value(0xA0, stored_hash)),
            *content,
            (sids["metadata"], _struct(metadata)),
        ]
    )


def _copied(source: Source, values: Fields, sids: Mapping[str, bytes]) -> list[Member]:
    """Takes values over as they are, under other symbol IDs for their names."""
    copied = []
    for name, (pos, _, end) in values.items():
        if not _is_plain(source.buf[pos]):
            raise RecordFormatError("metadata with more than plain values", pos)
        copied.append((sids[name], source.buf[pos:end]))
    return copied


def _is_plain(descriptor: int) -> bool:
    """Whether a value's bytes mean the same under any symbol table."""
    kind = descriptor >> 4
    return kind != _SYMBOL and kind < _FIRST_CONTAINER


def _symbol_table(names: list[str], *, appended: bool = False) -> bytes:
    symbols = _value(0xB0, b"".join(map(_string, names)))
    annotation = varuint(_SYMBOL_TABLE)
    described = [(varuint(_SYMBOLS), symbols)]
    if appended:  # to the table in force, which importing the system's own symbol says
        described.insert(0, (varuint(_IMPORTS), _value(0x70, bytes([_SYMBOL_TABLE]))))
    return _value(0xE0, varuint(len(annotation)) + annotation + _struct(described))


def _struct(members: Iterable[Member]) -> bytes:
    return _value(0xD0, b"".join(sid + value for sid, value in members))


def _string(text: str) -> bytes:
    return _value(0x80, text.encode())


def _int(number: int) -> bytes:
    return _value(0x20, number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _value(kind: int, body: bytes) -> bytes:
    # A struct of one byte would read as one of ordered fields; none is that short, a field takes 2.
    if len(body) < _SHORT:
        return bytes([kind | len(body)]) + body
    return bytes([kind | _SHORT]) + varuint(len(body)) + body
