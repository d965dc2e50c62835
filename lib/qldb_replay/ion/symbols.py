"""Symbol tables: from the numbers in binary Ion to texts.

Every stream starts with the system table; a struct annotated with `$ion_symbol_table` at top level
replaces or extends the current table. Shared tables are never at hand, so the symbols that they
would bring have a number and no text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from json.encoder import encode_basestring
from typing import NamedTuple

from qldb_replay.errors import IonFormatError
from qldb_replay.ion.canonical import message
from qldb_replay.ion.forms import read_text
from qldb_replay.ion.framing import BODY_LENGTHS, body_bounds, read_varuint
from qldb_replay.ion.scalars import read_int

_SYSTEM_TEXTS = (
    None,
    "$ion",
    "$ion_1_0",
    "$ion_symbol_table",
    "name",
    "version",
    "imports",
    "symbols",
    "max_id",
    "$ion_shared_symbol_table",
)
_SHORT_NAME = 128
"""Longest name that is remembered across symbol tables, in characters."""

_UNKNOWN_SYMBOL = b"\x0b\x71\x0e"

Check = Callable[[bytes, int, int, "SymbolTable"], object]
"""Raises IonFormatError unless the value between two offsets is valid under the table."""


class FieldName(NamedTuple):
    """A field's name in the forms that evaluating a struct needs.

    Attributes:
        message: what Ion Hash hashes of it, as a symbol.
        string: the same and the beginning of a string's message.
        json: JSON key with its colon.
        sketch: length in UTF-8, colon, and the name.
        known: whether the symbol has a text, or is `$0`, whose hash is defined.
    """

    message: bytes
    string: bytes
    json: str
    sketch: str
    known: bool


class SymbolTable:
    """Texts of the symbols in use, and what was already derived from them.

    Attributes:
        texts: text by symbol ID, None for unknown text.
        names: field names by symbol ID, as far as they were asked for.
    """

    __slots__ = ("names", "texts")

    def __init__(self, texts: list[str | None]) -> None:
        self.texts = texts
        self.names: dict[int, FieldName] = {}

    def text(self, sid: int, offset: int) -> str | None:
        """Looks a symbol up.

        Args:
            sid: symbol ID.
            offset: where it was read, for the error.

        Returns:
            Its text, None if that is unknown.

        Raises:
            IonFormatError: the table has no such symbol.
        """
        if sid >= len(self.texts):
            raise IonFormatError(f"symbol ID {sid} is beyond the symbol table", offset)
        return self.texts[sid]

    def name(self, sid: int, offset: int) -> FieldName:
        """Gives a field name in all its forms; a name of unknown text is written `$` and its ID.

        Args:
            sid: symbol ID.
            offset: where it was read, for the error.

        Returns:
            The field name.

        Raises:
            IonFormatError: the table has no such symbol.
        """
        name = self.names.get(sid)
        if name is None:
            text = self.text(sid, offset)
            if text is None:
                name = _field_name(None, f"${sid}", sid == 0)
            elif len(text) <= _SHORT_NAME:
                name = _short_name(text)
            else:
                name = _field_name(text, text, True)
            self.names[sid] = name
        return name


def _field_name(text: str | None, shown: str, known: bool) -> FieldName:
    message = symbol_message(text)
    sketch = f"{len(shown.encode())}:{shown}"
    return FieldName(message, message + b"\x0b\x80", encode_basestring(shown) + ":", sketch, known)


@lru_cache(maxsize=4096)
def _short_name(text: str) -> FieldName:
    return _field_name(text, text, True)


SYSTEM = SymbolTable(list(_SYSTEM_TEXTS))
"""The table that each version marker sets. Shared, and so never to be extended in place."""


def symbol_message(text: str | None) -> bytes:
    """Serialises a symbol for hashing; one of unknown text counts as symbol zero."""
    return _UNKNOWN_SYMBOL if text is None else message(0x70, text.encode())


def elements(buf: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Goes through the values in a list's or s-expression's body, NOP pads left out.

    Args:
        buf: bytes to read from.
        start: offset of the body.
        end: offset behind the body.

    Yields:
        Offsets of each value: its descriptor, its body, and behind its body.

    Raises:
        IonFormatError: an invalid header, or a value that reaches past `end`.
    """
    while start < end:
        body, stop = body_bounds(buf, start, end)
        if not is_pad(buf[start]):
            yield start, body, stop
        start = stop


def fields(buf: bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Goes through the fields in a struct's body, NOP pads left out.

    Args:
        buf: bytes to read from.
        start: offset of the body.
        end: offset behind the body.

    Yields:
        The name's symbol ID and the offsets of each value: its descriptor, its body, and behind.

    Raises:
        IonFormatError: a name without a value, an invalid header, or a value that reaches past
            `end`.
    """
    while start < end:
        sid, pos = read_varuint(buf, start, end)
        body, stop = body_bounds(buf, pos, end)
        if not is_pad(buf[pos]):
            yield sid, pos, body, stop
        start = stop


def is_pad(descriptor: int) -> bool:
    """Whether a value with this type descriptor is a NOP pad."""
    return descriptor < 0x0F


def open_wrapper(buf: bytes, start: int, end: int) -> tuple[list[int], int]:
    """Reads the body of an annotation wrapper.

    Args:
        buf: bytes to read from.
        start: offset of the body.
        end: offset behind the body.

    Returns:
        Symbol IDs of the annotations, and the offset of the value, which ends at `end`.

    Raises:
        IonFormatError: no annotation, no value, more than one, or a wrapper or NOP pad as value.
    """
    length, pos = read_varuint(buf, start, end)
    stop = pos + length
    if length == 0 or stop >= end:
        raise IonFormatError("annotation wrapper without annotation or value", start)
    sids = []
    while pos < stop:
        sid, pos = read_varuint(buf, pos, stop)
        sids.append(sid)
    if is_pad(buf[stop]) or buf[stop] >= 0xE0:
        raise IonFormatError("annotations on something that is no value", stop)
    if body_bounds(buf, stop, end)[1] != end:
        raise IonFormatError("annotated value does not fill its wrapper", stop)
    return sids, stop


def read_local_table(
    buf: bytes, start: int, end: int, current: SymbolTable, limit: int, check: Check
) -> SymbolTable:
    """Reads the struct of a local symbol table.

    Args:
        buf: bytes to read from.
        start: offset of the struct's type descriptor, behind the annotations.
        end: offset behind the struct.
        current: the table in force, which gives the struct's field names their meaning and is
            extended if `imports` is the symbol `$ion_symbol_table`.
        limit: most entries that the table may have.
        check: validates what Ion lets a symbol table contain without meaning.

    Returns:
        The new table.

    Raises:
        IonFormatError: malformed Ion, `symbols` or `imports` twice, a shared table imported without
            its `max_id`, or more entries than `limit`.
    """
    imports: list[str | None] | None = None
    symbols: list[str | None] | None = None
    body, _ = body_bounds(buf, start, end)
    for sid, pos, inner, stop in fields(buf, body, end):
        text = current.text(sid, pos)
        if text == "imports":
            if imports is not None:
                raise IonFormatError("symbol table with two lists of imports", pos)
            check(buf, pos, stop, current)
            imports = _imports(buf, pos, stop, current, limit)
        elif text == "symbols":
            if symbols is not None:
                raise IonFormatError("symbol table with two lists of symbols", pos)
            symbols = _symbols(buf, pos, inner, stop, current, check)
        else:
            check(buf, pos, stop, current)
    texts = (list(_SYSTEM_TEXTS) if imports is None else imports) + (symbols or [])
    if len(texts) > limit:
        raise IonFormatError(f"symbol table of {len(texts)} entries is beyond the limit", start)
    return SymbolTable(texts)


def _symbols(
    buf: bytes, pos: int, body: int, end: int, current: SymbolTable, check: Check
) -> list[str | None]:
    """Texts that the field `symbols` declares; whatever is no string declares unknown text."""
    if buf[pos] >= 0xE0:
        check(buf, pos, end, current)
        pos, body = _bare(buf, pos, end)
    if buf[pos] >> 4 != 11:
        check(buf, pos, end, current)
        return []
    texts: list[str | None] = []
    while body < end:
        descriptor = buf[body]
        inner = body + 1
        stop = inner + BODY_LENGTHS[descriptor]
        # Blocks have tables of their own, so their symbols are not worth a call each.
        if not 0x80 <= descriptor < 0x8E or stop > end:
            inner, stop = body_bounds(buf, body, end)
        if 0x80 <= descriptor < 0x8F:
            try:
                texts.append(buf[inner:stop].decode())
            except UnicodeDecodeError as error:
                raise IonFormatError("text is not UTF-8", inner + error.start) from None
        elif not is_pad(descriptor):
            texts.append(_odd_symbol(buf, body, stop, current, check))
        body = stop
    return texts


def _odd_symbol(buf: bytes, pos: int, end: int, current: SymbolTable, check: Check) -> str | None:
    """Text of an element of `symbols` that is not a plain string, or annotated."""
    check(buf, pos, end, current)
    pos, body = _bare(buf, pos, end)
    return read_text(buf, body, end) if 0x80 <= buf[pos] < 0x8F else None


def _bare(buf: bytes, pos: int, end: int) -> tuple[int, int]:
    """Offsets of a value's descriptor and body, annotations taken off."""
    body, _ = body_bounds(buf, pos, end)
    if buf[pos] < 0xE0:
        return pos, body
    _, pos = open_wrapper(buf, body, end)
    return pos, body_bounds(buf, pos, end)[0]


def _imports(buf: bytes, pos: int, end: int, current: SymbolTable, limit: int) -> list[str | None]:
    """Texts that the field `imports` brings, after the system's own; `check` has passed it."""
    pos, body = _bare(buf, pos, end)
    descriptor = buf[pos]
    if 0x70 <= descriptor < 0x7F:
        sid = int.from_bytes(buf[body:end], "big")
        appends = current.text(sid, pos) == "$ion_symbol_table"
        return list(current.texts if appends else _SYSTEM_TEXTS)
    texts: list[str | None] = list(_SYSTEM_TEXTS)
    if 0xB0 <= descriptor < 0xBF:
        for start, _, stop in elements(buf, body, end):
            start, inner = _bare(buf, start, stop)
            if 0xD0 <= buf[start] < 0xDF:
                size = _imported_size(buf, inner, stop, current)
                if len(texts) + size > limit:
                    raise IonFormatError("imported symbols are beyond the limit", start)
                texts.extend([None] * size)
    return texts


def _imported_size(buf: bytes, start: int, end: int, current: SymbolTable) -> int:
    """Number of symbols that an import reserves; an import without a name reserves none."""
    name = ""
    size: int | None = None
    for sid, pos, _, stop in fields(buf, start, end):
        text = current.text(sid, pos)
        pos, body = _bare(buf, pos, stop)
        if text == "name" and 0x80 <= buf[pos] < 0x8F:
            name = read_text(buf, body, stop)
        elif text == "max_id":
            positive = 0x20 <= buf[pos] < 0x2F
            size = read_int(buf, buf[pos], body, stop) if positive else None
    if name in ("", "$ion"):
        return 0
    if size is None:
        raise IonFormatError("shared symbol table imported without max_id", start)
    return size
