"""Symbols, from the numbers in binary Ion to texts, and the containers that are made of them.

Every stream starts with the system table, which local tables replace or extend (`local_tables`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from json.encoder import encode_basestring
from typing import NamedTuple

from qldb_replay.errors import IonFormatError
from qldb_replay.ion.canonical import message
from qldb_replay.ion.framing import body_bounds, read_varuint

SYSTEM_TEXTS: tuple[str | None, ...] = (
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
"""Texts of the symbols that every table begins with."""

_SHORT_NAME = 128
"""Longest name that is remembered across symbol tables, in characters."""

_SHOWN_END = 2**64
"""Errors show symbol IDs below this; the bytes of a symbol can make a number of any length."""

_UNKNOWN_SYMBOL = b"\x0b\x71\x0e"


class FieldName(NamedTuple):
    """A field's name in the forms that evaluating a struct needs.

    Attributes:
        message: what Ion Hash hashes of it, as a symbol.
        string: the same and the beginning of a string's message.
        json: JSON key with its colon.
        sketch: length in UTF-8, colon, and the name.
        string_sketch: the same and a string's sketch.
        known: whether the symbol has a text, or is `$0`, whose hash is defined.
    """

    message: bytes
    string: bytes
    json: str
    sketch: str
    string_sketch: str
    known: bool


class SymbolTable:
    """Texts of the symbols in use, and what was already derived from them.

    Attributes:
        texts: text by symbol ID, None for unknown text.
        names: field names by symbol ID, as far as they were asked for.
        heads: for readers to remember bytes that they met under this table, and their meaning.
    """

    __slots__ = ("heads", "names", "texts")

    def __init__(self, texts: list[str | None]) -> None:
        self.texts = texts
        self.names: dict[int, FieldName] = {}
        self.heads: dict[str, tuple[bytes, str, str]] = {}

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
            shown = sid if sid < _SHOWN_END else f"of {sid.bit_length()} bits"
            raise IonFormatError(f"symbol ID {shown} is beyond the symbol table", offset)
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
    key = encode_basestring(shown) + ":"
    return FieldName(message, message + b"\x0b\x80", key, sketch, sketch + "s", known)


@lru_cache(maxsize=4096)
def _short_name(text: str) -> FieldName:
    return _field_name(text, text, True)


SYSTEM = SymbolTable(list(SYSTEM_TEXTS))
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
