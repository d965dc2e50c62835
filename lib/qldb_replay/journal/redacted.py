"""A redacted revision written out, where only what redaction leaves is at hand.

QLDB: redaction takes a revision's `data` and puts `dataHash` in its place; address, hash and
metadata stay as they were. An archive may hold only copies from before, whose data is not to be
shown again, nor the names of its fields, which stand in their symbol tables.
"""

from __future__ import annotations

from qldb_replay.errors import RecordFormatError
from qldb_replay.ion.canonical import varuint
from qldb_replay.ion.framing import IVM
from qldb_replay.ion.symbols import SYSTEM_TEXTS
from qldb_replay.journal.fields import Field, Source, struct_fields
from qldb_replay.journal.streams import open_stream

_NAMES = ("blockAddress", "strandId", "sequenceNo", "hash", "dataHash", "metadata")
_SYMBOL, _FIRST_CONTAINER = 7, 11
_SHORT = 14
_SYMBOL_TABLE, _SYMBOLS = SYSTEM_TEXTS.index("$ion_symbol_table"), SYSTEM_TEXTS.index("symbols")


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
    copied = [(sids[name], _bytes_of(source, value)) for name, value in values.items()]
    address = [(sids["strandId"], _string(strand_id)), (sids["sequenceNo"], _int(sequence_no))]
    revision = [
        (sids["blockAddress"], _struct(address)),
        (sids["hash"], _value(0xA0, stored_hash)),
        (sids["dataHash"], _value(0xA0, data_hash)),
        (sids["metadata"], _struct(copied)),
    ]
    return IVM + _symbol_table(names) + _struct(revision)


def _bytes_of(source: Source, value: Field) -> bytes:
    pos, _, end = value
    kind = source.buf[pos] >> 4
    if kind == _SYMBOL or kind >= _FIRST_CONTAINER:
        raise RecordFormatError("metadata with more than plain values", pos)
    return source.buf[pos:end]


def _symbol_table(names: list[str]) -> bytes:
    symbols = _value(0xB0, b"".join(map(_string, names)))
    annotation = varuint(_SYMBOL_TABLE)
    table = varuint(len(annotation)) + annotation + _struct([(varuint(_SYMBOLS), symbols)])
    return _value(0xE0, table)


def _struct(fields: list[tuple[bytes, bytes]]) -> bytes:
    return _value(0xD0, b"".join(sid + value for sid, value in fields))


def _string(text: str) -> bytes:
    return _value(0x80, text.encode())


def _int(number: int) -> bytes:
    return _value(0x20, number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _value(kind: int, body: bytes) -> bytes:
    # A struct of one byte would read as one of ordered fields; none is that short, a field takes 2.
    if len(body) < _SHORT:
        return bytes([kind | len(body)]) + body
    return bytes([kind | _SHORT]) + varuint(len(body)) + body
