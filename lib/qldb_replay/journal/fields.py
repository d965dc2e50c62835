"""Reading structs whose fields are known, as those of stream records are.

A field that is null counts as absent: the stream has no nulls of its own, and both say the same.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from qldb_replay.errors import IonFormatError, RecordFormatError
from qldb_replay.ion.evaluate import Evaluator
from qldb_replay.ion.forms import read_text
from qldb_replay.ion.framing import BODY_LENGTHS, VARUINT_LENGTH, body_bounds, read_varuint
from qldb_replay.ion.scalars import LONG_END, read_int
from qldb_replay.ion.symbols import SymbolTable, elements
from qldb_replay.ion.timestamps import instant, read_timestamp, read_utc

Field = tuple[int, int, int]
"""Offsets of a value: its type descriptor, its body, and behind its body."""

Fields = dict[str, Field]

T = TypeVar("T")

HASH_BYTES = 32


class Source(NamedTuple):
    """Bytes with what is needed to read them.

    Attributes:
        buf: bytes of a record.
        table: symbol table in force.
        evaluator: evaluates what is hashed, and validates what is not known.
    """

    buf: bytes
    table: SymbolTable
    evaluator: Evaluator


def struct_fields(source: Source, field: Field, what: str) -> Fields:
    """Finds the fields of a struct.

    Args:
        source: where the struct is.
        field: the struct's offsets.
        what: the struct's name, for errors.

    Returns:
        Offsets of each value by name, nulls left out. A name of unknown text is written `$` and its
        symbol ID.

    Raises:
        IonFormatError: malformed Ion.
        RecordFormatError: the value is no struct, or a name occurs twice.
    """
    buf, table, _ = source
    pos, start, end = field
    if not 0xD0 <= buf[pos] < 0xDF:
        raise RecordFormatError(f"{what} is no struct", pos)
    texts = table.texts
    found: Fields = {}
    while start < end:
        sid = buf[start]
        if sid >= 0x80:
            sid -= 0x80
            pos = start + 1
        else:
            sid, pos = read_varuint(buf, start, end)
        if pos >= end:
            raise IonFormatError("field name without a value", start)
        descriptor = buf[pos]
        length = BODY_LENGTHS[descriptor]
        body = pos + 1
        stop = body + length
        if length == VARUINT_LENGTH and body < end and buf[body] >= 0x80:
            length = 0
            stop = body + buf[body] - 0x7F
            body += 1
        if length < 0 or stop > end:
            body, stop = body_bounds(buf, pos, end)
        if descriptor >= 0x0F:
            name = texts[sid] if sid < len(texts) else table.text(sid, start)
            if name is None:
                name = f"${sid}"
            if name in found:
                raise RecordFormatError(f"{what} has a field twice", start)
            if descriptor & 15 != 15:
                found[name] = (pos, body, stop)
        start = stop
    return found


def check_rest(source: Source, fields: Fields) -> None:
    """Validates the fields that nothing has read.

    Args:
        source: where the fields are.
        fields: what is left after the known ones were popped.

    Raises:
        IonFormatError: malformed Ion.
    """
    for pos, _, stop in fields.values():
        source.evaluator.evaluate(source.buf, pos, stop, source.table)


def required(field: T | None, what: str, offset: int) -> T:
    """Insists on a field.

    Args:
        field: the field or its content, None if it is absent.
        what: its name, for the error.
        offset: where it should have been.

    Returns:
        The same.

    Raises:
        RecordFormatError: it is absent.
    """
    if field is None:
        raise RecordFormatError(f"{what} is missing", offset)
    return field


def text(source: Source, field: Field, what: str) -> str:
    """Reads a string, raising RecordFormatError on another type."""
    pos, body, stop = field
    if source.buf[pos] >> 4 != 8:
        raise RecordFormatError(f"{what} is no string", pos)
    return read_text(source.buf, body, stop)


def optional_text(source: Source, field: Field | None, what: str) -> str | None:
    """Reads a string that may be absent."""
    return None if field is None else text(source, field, what)


def number(source: Source, field: Field, what: str) -> int:
    """Reads a number that is not negative and fits 64 bits, raising RecordFormatError on others."""
    pos, body, stop = field
    if source.buf[pos] >> 4 != 2:
        raise RecordFormatError(f"{what} is no int from zero", pos)
    value = read_int(source.buf, source.buf[pos], body, stop)
    if value >= LONG_END:
        raise RecordFormatError(f"{what} is beyond 64 bits", pos)
    return value


def hash_value(source: Source, field: Field | None, what: str) -> bytes | None:
    """Reads a hash: a blob of 32 bytes or none, None where it is absent.

    Args:
        source: where the field is.
        field: the field, None if it is absent.
        what: its name, for errors.

    Returns:
        The hash.

    Raises:
        RecordFormatError: no blob, or of another length.
    """
    if field is None:
        return None
    pos, body, stop = field
    if source.buf[pos] >> 4 != 10:
        raise RecordFormatError(f"{what} is no blob", pos)
    if stop - body not in (0, HASH_BYTES):
        raise RecordFormatError(f"{what} has {stop - body} bytes", pos)
    return source.buf[body:stop]


def time(source: Source, field: Field | None, what: str) -> int | None:
    """Reads a time as microseconds since 1970 in UTC, None where it is absent.

    Args:
        source: where the field is.
        field: the field, None if it is absent.
        what: its name, for errors.

    Returns:
        The instant; of a timestamp coarser than that its beginning, digits beyond dropped.

    Raises:
        IonFormatError: malformed Ion.
        RecordFormatError: no timestamp, or outside the years 1 to 9999.
    """
    if field is None:
        return None
    pos, body, stop = field
    if source.buf[pos] >> 4 != 6:
        raise RecordFormatError(f"{what} is no timestamp", pos)
    common = read_utc(source.buf[body:stop])
    if common is not None:
        return common[1]
    micros = instant(read_timestamp(source.buf, body, stop))
    if micros is None:
        raise RecordFormatError(f"{what} is outside the years 1 to 9999", pos)
    return micros


def list_of(source: Source, field: Field | None, what: str) -> list[Field] | None:
    """Finds the elements of a list, None where it is absent.

    Args:
        source: where the field is.
        field: the field, None if it is absent.
        what: its name, for errors.

    Returns:
        Offsets of each element.

    Raises:
        IonFormatError: malformed Ion.
        RecordFormatError: no list.
    """
    if field is None:
        return None
    pos, body, stop = field
    if source.buf[pos] >> 4 != 11:
        raise RecordFormatError(f"{what} is no list", pos)
    return list(elements(source.buf, body, stop))


def ion_hash_of(source: Source, field: Field) -> tuple[bytes, str, str]:
    """Evaluates a value that is hashed.

    Args:
        source: where the value is.
        field: its offsets.

    Returns:
        Its Ion Hash, JSON text and type sketch.

    Raises:
        IonFormatError: malformed Ion, or a symbol of unknown text, which has no hash.
    """
    buf, table, evaluator = source
    evaluator.unresolved = -1
    message, json, sketch = evaluator.evaluate(buf, field[0], field[2], table)
    evaluator.check_resolved()
    return evaluator.hasher(message).digest(), json, sketch
