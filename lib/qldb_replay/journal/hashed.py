"""Reading values and hashing them in the same walk, for what is hashed and has known fields.

The evaluator hashes any value, and is what fields go to that are not known here; but it also writes
JSON and a type sketch, which nobody needs of a journal's own structs. A reader gives a value's hash
message and what it says, so metadata and transaction infos are walked once, not three times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, TypeVar

from qldb_replay.errors import IonFormatError, RecordFormatError
from qldb_replay.ion.canonical import escape, message
from qldb_replay.ion.forms import NULLS, read_text
from qldb_replay.ion.framing import BODY_LENGTHS, VARUINT_LENGTH, body_bounds, read_varuint
from qldb_replay.ion.symbols import elements, symbol_message
from qldb_replay.ion.timestamps import read_utc
from qldb_replay.journal.fields import Field, Source, hash_value, number, time

Reader = Callable[[Source, Field, str, int], tuple[bytes, Any]]
"""From a value's place, its name for errors and its level, to its hash message and its content."""

Memo = dict[bytes, tuple[bytes, Any]]
"""Digest of a field, name included, and its content, by the value's bytes."""

Known = Mapping[str, tuple[bytes, str, Reader, Memo | None]]
"""By name the name's message, what errors call the value, its reader, and what the reader gave."""

T = TypeVar("T")

_SHORT_INT = 4
"""Bytes of the ints that are remembered: versions and the positions of statements."""


_MEMO_BYTES = 64
_MEMO_ENTRIES = 2048


def known(owner: str, plain: Mapping[str, Reader], symbolic: Mapping[str, Reader]) -> Known:
    """Prepares the fields that a struct is known to have.

    Args:
        owner: what errors put before each name.
        plain: readers by field name of what has the same meaning under every symbol table. Such
            values repeat (tables, transactions, statements), and so the last ones are remembered.
        symbolic: readers by field name of what has symbols in it.

    Returns:
        What `read_struct` takes.
    """
    fields: dict[str, tuple[bytes, str, Reader, Memo | None]] = {}
    for name, reader in plain.items():
        fields[name] = symbol_message(name), owner + name, reader, {}
    for name, reader in symbolic.items():
        fields[name] = symbol_message(name), owner + name, reader, None
    return fields


def hash_and_read(
    source: Source, field: Field, read: Callable[[Source, Field], tuple[bytes, T]]
) -> tuple[bytes, T]:
    """Reads a value and completes its hash.

    Args:
        source: where the value is.
        field: its offsets.
        read: gives its hash message and its content.

    Returns:
        Ion Hash and content.

    Raises:
        IonFormatError: malformed Ion, or a symbol of unknown text, which has no hash.
        RecordFormatError: what `read` refuses.
    """
    evaluator = source.evaluator
    evaluator.unresolved = -1
    found, content = read(source, field)
    evaluator.check_resolved()
    return sha256(found).digest(), content


def read_struct(  # noqa: C901 - runs for every statement and document, as `struct_fields` does
    source: Source,
    field: Field,
    what: str,
    level: int,
    fields: Known,
    every: Reader | None = None,
) -> tuple[bytes, dict[str, Any]]:
    """Reads a struct's known fields, evaluates the others, and hashes all of them.

    Args:
        source: where the struct is.
        field: the struct's offsets.
        what: the struct's name, for errors.
        level: how deep the struct is in what is hashed, which is at level 1.
        fields: readers of the fields.
        every: reader of all fields that have none of their own.

    Returns:
        Hash message of the struct, and what the readers gave by name, None for fields without one.
        Nulls are left out.

    Raises:
        IonFormatError: malformed Ion.
        RecordFormatError: the value is no struct, a name occurs twice, or what readers refuse.
    """
    buf, table, evaluator = source
    pos, start, end = field
    if not 0xD0 <= buf[pos] < 0xDF:
        raise RecordFormatError(f"{what} is no struct", pos)
    if buf[pos] == 0xD1:
        evaluator.evaluate(buf, pos, end, table, level)
    texts = table.texts
    digests = []
    found: dict[str, Any] = {}
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
        if descriptor < 0x0F:
            start = stop
            continue
        name = texts[sid] if sid < len(texts) else table.text(sid, start)
        memo = None
        if name is None:
            name_message, called, reader = symbol_message(None), what, every
            name = f"${sid}"
            if sid != 0:
                evaluator.unresolved = start
        elif name in fields:
            name_message, called, reader, memo = fields[name]
        else:
            name_message, called, reader = symbol_message(name), what, every
        if name in found:
            raise RecordFormatError(f"{what} has a field twice", start)
        if descriptor & 15 == 15:
            value_message = NULLS[descriptor >> 4][0]
        elif reader is None:
            value_message = evaluator.evaluate(buf, pos, stop, table, level + 1)[0]
            found[name] = None
        elif memo is None:
            value_message, found[name] = reader(source, (pos, body, stop), called, level + 1)
        else:
            raw = buf[pos:stop]
            remembered = memo.get(raw)
            if remembered is None:
                value_message, content = reader(source, (pos, body, stop), called, level + 1)
                remembered = sha256(name_message + value_message).digest(), content
                if len(raw) <= _MEMO_BYTES:
                    if len(memo) >= _MEMO_ENTRIES:
                        memo.clear()
                    memo[raw] = remembered
            digest, found[name] = remembered
            digests.append(digest)
            start = stop
            continue
        digests.append(sha256(name_message + value_message).digest())
        start = stop
    digests.sort()
    return b"\x0b\xd0" + escape(b"".join(digests)) + b"\x0e", found


def read_list(
    source: Source, field: Field, what: str, level: int, read: Reader, element: str
) -> tuple[bytes, list[Any]]:
    """Reads a list of which all elements are alike.

    Args:
        source: where the list is.
        field: its offsets.
        what: the list's name, for errors.
        level: how deep the list is in what is hashed.
        read: reads an element.
        element: an element's name, for errors.

    Returns:
        Hash message of the list, and what the reader gave.

    Raises:
        IonFormatError: malformed Ion.
        RecordFormatError: no list, or what the reader refuses.
    """
    buf = source.buf
    pos, body, stop = field
    if buf[pos] >> 4 != 11:
        raise RecordFormatError(f"{what} is no list", pos)
    messages = []
    found = []
    for each in elements(buf, body, stop):
        value_message, content = read(source, each, element, level + 1)
        messages.append(value_message)
        found.append(content)
    return b"\x0b\xb0" + b"".join(messages) + b"\x0e", found


def read_string(source: Source, field: Field, what: str, level: int) -> tuple[bytes, str]:
    """Reads a string."""
    pos, body, stop = field
    buf = source.buf
    if buf[pos] >> 4 != 8:
        raise RecordFormatError(f"{what} is no string", pos)
    content = read_text(buf, body, stop)
    raw = buf[body:stop]
    # Printable text holds no control character, and so no marker to escape.
    return b"\x0b\x80" + (raw if content.isprintable() else escape(raw)) + b"\x0e", content


def read_number(source: Source, field: Field, what: str, level: int) -> tuple[bytes, int]:
    """Reads a number that is not negative and fits 64 bits."""
    pos, body, stop = field
    buf = source.buf
    if buf[pos] >> 4 == 2 and 0 < stop - body <= _SHORT_INT:
        return _short_number(buf[body:stop])
    content = number(source, field, what)
    return source.evaluator.evaluate(buf, pos, stop, source.table)[0], content


@lru_cache(maxsize=1024)
def _short_number(raw: bytes) -> tuple[bytes, int]:
    return message(0x20, raw.lstrip(b"\0")), int.from_bytes(raw, "big")


def read_time(source: Source, field: Field, what: str, level: int) -> tuple[bytes, int | None]:
    """Reads a time as microseconds since 1970 in UTC."""
    pos, body, stop = field
    buf = source.buf
    raw = buf[body:stop]
    common = read_utc(raw) if buf[pos] >> 4 == 6 else None
    if common is not None:
        return b"\x0b\x60" + escape(raw) + b"\x0e", common[1]
    content = time(source, field, what)
    return source.evaluator.evaluate(buf, pos, stop, source.table)[0], content


def read_hash(source: Source, field: Field, what: str, level: int) -> tuple[bytes, bytes | None]:
    """Reads a hash: a blob of 32 bytes or none."""
    content = hash_value(source, field, what)
    return b"\x0b\xa0" + escape(content or b"") + b"\x0e", content
