"""From exact Ion documents to the Arrow array that is the column `data`.

Documents are walked once, and each value is appended to the list of its column. A column's list has
one entry for each row of the column that holds it: each element of the lists in an array, each
struct, null ones included. Fields that a struct does not have are made up for when the next one is
added, or at the end, so that absent fields cost nothing where they are absent.
"""

from __future__ import annotations

from typing import Any, Protocol

import pyarrow as pa

from qldb_replay.codec.typed_scalars import READERS, misfit, scalar_array
from qldb_replay.codec.types import Array, DataType, Scalar, Struct, to_arrow
from qldb_replay.errors import IonFormatError
from qldb_replay.ion.evaluate import Evaluator
from qldb_replay.ion.framing import BODY_LENGTHS, body_bounds, read_varuint
from qldb_replay.ion.stream import StreamReader
from qldb_replay.ion.symbols import SymbolTable, elements, open_wrapper

_REMEMBERED_TABLES = 256
_SIZE_OF_NULL = 15


def build(documents: pa.Array, type_: DataType) -> pa.Array:
    """Builds the typed column of documents.

    Args:
        documents: each an Ion stream of its own with one value; null for no document.
        type_: a type that was derived from a shape into which all of these documents were folded.

    Returns:
        An array of `to_arrow(type_)`, one entry for each document. Values are exact; fields and
        documents that are null or absent are null, as are fields that are no column yet.

    Raises:
        IonFormatError: a document is not exactly one valid Ion value.
        ValueError: a value does not fit its type.
    """
    evaluator = Evaluator()
    reader = StreamReader(evaluator)
    column = _column(type_, evaluator)
    for stream in documents.to_pylist():
        if stream is None:
            column.values.append(None)
            continue
        before = len(column.values)
        for table, _, pos, end in reader.values(stream, 0, len(stream)):
            _add(column, stream, pos, body_bounds(stream, pos, end)[0], end, table)
        if len(column.values) != before + 1:
            raise IonFormatError("document is not exactly one value", 0)
    return column.to_array()


class _Column(Protocol):
    """A column that is being filled.

    Attributes:
        values: one entry for each row, None for null.
    """

    values: list[Any]

    def add(self, buf: bytes, pos: int, body: int, end: int, table: SymbolTable) -> None:
        """Appends a value that is neither null nor annotated."""

    def to_array(self) -> pa.Array:
        """Makes the Arrow array of all the values."""


def _column(type_: DataType, evaluator: Evaluator) -> _Column:
    if isinstance(type_, Struct):
        return _StructColumn(type_, evaluator)
    if isinstance(type_, Array):
        return _ListColumn(type_, evaluator)
    if type_ is Scalar.JSON:
        return _JsonColumn(evaluator)
    return _ScalarColumn(type_)


def _add(column: _Column, buf: bytes, pos: int, body: int, end: int, table: SymbolTable) -> None:
    """Appends any value to a column."""
    if buf[pos] >= 0xE0:
        _, pos = open_wrapper(buf, body, end)
        body, _ = body_bounds(buf, pos, end)
    if buf[pos] & 15 == _SIZE_OF_NULL:
        column.values.append(None)
    else:
        column.add(buf, pos, body, end, table)


class _ScalarColumn:
    """Values of one scalar type."""

    def __init__(self, scalar: Scalar) -> None:
        self.values: list[Any] = []
        self._scalar = scalar
        self._read = READERS[scalar]

    def add(self, buf: bytes, pos: int, body: int, end: int, table: SymbolTable) -> None:
        self.values.append(self._read(buf, pos, body, end, table))

    def to_array(self) -> pa.Array:
        return scalar_array(self.values, self._scalar)


class _JsonColumn:
    """Values of any type, as JSON text."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.values: list[str | None] = []
        self._evaluator = evaluator

    def add(self, buf: bytes, pos: int, body: int, end: int, table: SymbolTable) -> None:
        self.values.append(self._evaluator.evaluate(buf, pos, end, table)[1])

    def to_array(self) -> pa.Array:
        return scalar_array(self.values, Scalar.JSON)


class _ListColumn:
    """Lists and s-expressions; a value is the row of the elements' column at which they begin."""

    def __init__(self, type_: Array, evaluator: Evaluator) -> None:
        self.values: list[int | None] = []
        self._element = _column(type_.element, evaluator)

    def add(self, buf: bytes, pos: int, body: int, end: int, table: SymbolTable) -> None:
        if buf[pos] >> 4 not in (11, 12):
            raise misfit(buf[pos], "array")
        self.values.append(len(self._element.values))
        for start, inner, stop in elements(buf, body, end):
            _add(self._element, buf, start, inner, stop, table)

    def to_array(self) -> pa.Array:
        offsets = pa.array([*self.values, len(self._element.values)], pa.int32())
        return pa.ListArray.from_arrays(offsets, self._element.to_array())


class _StructColumn:
    """Structs; a value is True."""

    def __init__(self, type_: Struct, evaluator: Evaluator) -> None:
        self.values: list[bool | None] = []
        self._type = to_arrow(type_)
        self._columns = {each.original: _column(each.type, evaluator) for each in type_.fields}
        self._slots: dict[SymbolTable, dict[int, _Column | None]] = {}

    def add(  # noqa: C901 - the hot loop: a call for each field would cost as much as the work
        self, buf: bytes, pos: int, body: int, end: int, table: SymbolTable
    ) -> None:
        if buf[pos] >> 4 != 13:
            raise misfit(buf[pos], "struct")
        slots = self._slots.get(table)
        if slots is None:
            slots = self._slots_for(table)
        found: dict[_Column, tuple[int, int, int]] = {}
        while body < end:
            start = body
            sid = buf[body]
            if sid >= 0x80:
                sid -= 0x80
                body += 1
            else:
                sid, body = read_varuint(buf, body, end)
            if body >= end:
                raise IonFormatError("field name without a value", start)
            descriptor = buf[body]
            length = BODY_LENGTHS[descriptor]
            inner = body + 1
            stop = inner + length
            if length < 0 or stop > end:
                inner, stop = body_bounds(buf, body, end)
            if descriptor >= 0x0F:
                try:
                    column = slots[sid]
                except KeyError:
                    column = slots[sid] = self._column_of(sid, table, start)
                if column is not None:  # of fields with the same name the last one counts
                    found[column] = body, inner, stop
            body = stop
        row = len(self.values)
        for column, (pos, inner, stop) in found.items():
            missing = row - len(column.values)
            if missing:
                column.values.extend([None] * missing)
            descriptor = buf[pos]
            if descriptor & 15 == _SIZE_OF_NULL or descriptor >= 0xE0:
                _add(column, buf, pos, inner, stop, table)
            else:
                column.add(buf, pos, inner, stop, table)
        self.values.append(True)

    def _slots_for(self, table: SymbolTable) -> dict[int, _Column | None]:
        if len(self._slots) >= _REMEMBERED_TABLES:
            self._slots.clear()
        return self._slots.setdefault(table, {})

    def _column_of(self, sid: int, table: SymbolTable, offset: int) -> _Column | None:
        text = table.text(sid, offset)
        return self._columns.get(f"${sid}" if text is None else text)

    def to_array(self) -> pa.Array:
        rows = len(self.values)
        for column in self._columns.values():
            column.values.extend([None] * (rows - len(column.values)))
        arrays = [column.to_array() for column in self._columns.values()]
        mask = pa.array([value is None for value in self.values], pa.bool_())
        return pa.StructArray.from_arrays(arrays, fields=list(self._type), mask=mask)
