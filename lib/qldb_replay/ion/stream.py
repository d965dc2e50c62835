"""Streams of top-level values: version markers, symbol tables, and what lies between."""

from __future__ import annotations

from collections.abc import Iterator

from qldb_replay.errors import IonFormatError
from qldb_replay.ion.evaluate import Evaluator
from qldb_replay.ion.framing import IVM, body_bounds, value_end
from qldb_replay.ion.local_tables import read_local_table
from qldb_replay.ion.symbols import SYSTEM, SymbolTable, is_pad, open_wrapper
from qldb_replay.limits import DEFAULT_LIMITS, Limits


class StreamReader:
    """Finds user values and the symbol tables that they depend on.

    A table that directly follows a version marker means the same wherever its bytes occur, and
    the records of one ledger table often begin with the same one. Such tables are remembered, in
    two generations of which the older is dropped when the younger is full, so that the many tables
    that occur once (those of blocks, which name documents) do not push out the few that repeat.
    Big ones, which only an attacker would write, are not remembered.
    """

    _GENERATION = 128
    _LONGEST_TABLE = 64 * 1024
    _MOST_SYMBOLS = 10_000

    def __init__(self, evaluator: Evaluator, limits: Limits = DEFAULT_LIMITS) -> None:
        self._evaluator = evaluator
        self._limits = limits
        self._young: dict[bytes, SymbolTable] = {}
        self._old: dict[bytes, SymbolTable] = {}

    def values(
        self, buf: bytes, start: int, end: int
    ) -> Iterator[tuple[SymbolTable, int, int, int]]:
        """Goes through the user values of a stream.

        Args:
            buf: bytes to read from.
            start: offset of the stream.
            end: offset behind the stream.

        Yields:
            The symbol table in force, the offset behind the last table's bytes (or behind the
            version marker where there is none), and the offsets of the value and behind it. Bodies
            of values are not looked into.

        Raises:
            IonFormatError: no version marker at the start, another Ion version, a malformed symbol
                table, or an invalid header.
        """
        if buf[start : start + 4] != IVM:
            raise IonFormatError("stream does not begin with a version marker", start)
        table = SYSTEM
        symbols_end = pos = start
        while pos < end:
            descriptor = buf[pos]
            if descriptor == 0xE0:
                if buf[pos : pos + 4] != IVM or pos + 4 > end:
                    raise IonFormatError("version marker of no known Ion version", pos)
                table = SYSTEM
                pos += 4
                symbols_end = pos
                continue
            stop = value_end(buf, pos, end)
            if is_pad(descriptor):
                pass
            elif descriptor > 0xE0 and (new := self._table(buf, pos, stop, table)) is not None:
                table = new
                symbols_end = stop
            elif not 0x70 < descriptor < 0x7F or not _is_marker_symbol(buf, pos, stop, table):
                yield table, symbols_end, pos, stop
            pos = stop

    def _table(self, buf: bytes, pos: int, end: int, current: SymbolTable) -> SymbolTable | None:
        """The table that an annotated value declares, None if it is a user value."""
        if current is not SYSTEM or end - pos > self._LONGEST_TABLE:
            return self._read_table(buf, pos, end, current)
        raw = buf[pos:end]
        table = self._young.get(raw)
        if table is None:
            table = self._old.get(raw)
            if table is None:
                table = self._read_table(buf, pos, end, current)
            if table is not None and len(table.texts) <= self._MOST_SYMBOLS:
                if len(self._young) >= self._GENERATION:
                    self._old, self._young = self._young, {}
                self._young[raw] = table
        return table

    def _read_table(
        self, buf: bytes, pos: int, end: int, current: SymbolTable
    ) -> SymbolTable | None:
        body, _ = body_bounds(buf, pos, end)
        sids, inner = open_wrapper(buf, body, end)
        is_struct = buf[inner] >> 4 == 13
        if not is_struct or current.text(sids[0], body) != "$ion_symbol_table":
            return None
        for sid in sids:
            current.text(sid, body)
        check = self._evaluator.evaluate
        return read_local_table(buf, inner, end, current, self._limits.symbols, check)


def _is_marker_symbol(buf: bytes, pos: int, end: int, table: SymbolTable) -> bool:
    """Whether a symbol is the bare `$ion_1_0`, which at top level means nothing."""
    body, _ = body_bounds(buf, pos, end)
    return table.text(int.from_bytes(buf[body:end], "big"), pos) == "$ion_1_0"


def ion_hash(value: bytes) -> bytes:
    """Computes the Ion Hash 1.0 with SHA-256 of a value.

    Args:
        value: a binary Ion stream with exactly one top-level value.

    Returns:
        The hash, 32 bytes.

    Raises:
        IonFormatError: the bytes are not valid, hold no or several values, or a symbol whose text
            is unknown, for which Ion Hash has no rule.
    """
    evaluator = Evaluator()
    table, _, start, end = single_value(value, evaluator)
    evaluator.unresolved = -1  # symbol tables may have had some
    message, _, _ = evaluator.evaluate(value, start, end, table)
    evaluator.check_resolved()
    return evaluator.hasher(message).digest()


def to_json(value: bytes) -> str:
    """Writes a value as JSON, as Ion's documentation converts down.

    Every null is `null`, as are nan and infinities; numbers keep their digits; timestamps are
    strings in Ion's text form, symbols strings (`$n` where the text is unknown), a blob is Base64,
    a clob the text of its bytes read as Latin-1; lists and s-expressions are arrays; annotations
    are dropped; of fields with the same name only the last one appears, at its own place.

    Args:
        value: a binary Ion stream with exactly one top-level value.

    Returns:
        The JSON text.

    Raises:
        IonFormatError: the bytes are not valid, or hold no or several values.
    """
    evaluator = Evaluator()
    table, _, start, end = single_value(value, evaluator)
    _, text, _ = evaluator.evaluate(value, start, end, table)
    return text


def single_value(value: bytes, evaluator: Evaluator) -> tuple[SymbolTable, int, int, int]:
    """Finds the one user value of a stream.

    Args:
        value: a binary Ion stream with exactly one top-level value.
        evaluator: validates what symbol tables hold.

    Returns:
        As `StreamReader.values` yields.

    Raises:
        IonFormatError: the stream is malformed, or holds no or several values.
    """
    found = None
    for each in StreamReader(evaluator).values(value, 0, len(value)):
        if found is not None:
            raise IonFormatError("a second top-level value", each[2])
        found = each
    if found is None:
        raise IonFormatError("no top-level value", len(value))
    return found
