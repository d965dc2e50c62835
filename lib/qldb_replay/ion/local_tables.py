"""Local symbol tables: structs at top level annotated with `$ion_symbol_table`.

Ion 1.0: `symbols` lists texts, and whatever in it is no string declares a symbol without text;
`imports` is a list of shared tables, or the symbol `$ion_symbol_table` to go on from the current
table. Shared tables are never at hand, so the symbols that they would bring have a number and no
text.
"""

from __future__ import annotations

from collections.abc import Callable

from qldb_replay.errors import IonFormatError
from qldb_replay.ion.forms import read_text
from qldb_replay.ion.framing import BODY_LENGTHS, body_bounds
from qldb_replay.ion.scalars import read_int
from qldb_replay.ion.symbols import (
    SYSTEM_TEXTS,
    SymbolTable,
    elements,
    fields,
    is_pad,
    open_wrapper,
)

Check = Callable[[bytes, int, int, SymbolTable], object]
"""Raises IonFormatError unless the value between two offsets is valid under the table."""


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
    texts = (list(SYSTEM_TEXTS) if imports is None else imports) + (symbols or [])
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
        if descriptor == 0x8E and inner < end and buf[inner] >= 0x80:
            stop = inner + buf[inner] - 0x7F
            inner += 1
        elif not 0x80 <= descriptor < 0x8E:
            inner, stop = body_bounds(buf, body, end)
        if stop > end:
            raise IonFormatError("symbol reaches past the end of its list", body)
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
        return list(current.texts if appends else SYSTEM_TEXTS)
    texts: list[str | None] = list(SYSTEM_TEXTS)
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
