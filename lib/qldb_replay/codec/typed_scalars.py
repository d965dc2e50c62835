"""Exact column values of Ion scalars, and Arrow arrays of them.

A reader gives what the arrays are made of: ints for bigint, timestamp (microseconds since 1970 in
UTC) and decimal (units of the 18th digit behind the point), else what Python has for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from qldb_replay.codec.types import Scalar, to_arrow
from qldb_replay.ion.forms import read_text
from qldb_replay.ion.scalars import (
    LEAST_LONG,
    LONG_END,
    SAFE_INT,
    read_decimal,
    read_float,
    read_int,
)
from qldb_replay.ion.symbols import SymbolTable
from qldb_replay.ion.timestamps import read_timestamp, to_micros, to_text

Reader = Callable[[bytes, int, int, int, SymbolTable], Any]
"""From a buffer, the offsets of a descriptor, its body and behind, and the symbol table."""

_NULL, _BOOL, _INT, _NEGATIVE, _FLOAT, _DECIMAL, _TIMESTAMP, _SYMBOL, _STRING, _CLOB, _BLOB = range(
    11
)
_SCALE = 18
_UNITS = int(10**_SCALE)
_DIGITS = 38
_DECIMAL_END = int(10**_DIGITS)
_DECIMAL_BYTES = 16


def misfit(descriptor: int, wanted: str) -> ValueError:
    """Returns the error for a value that its column's type does not hold.

    Types are derived from all the values, so this shows that the two do not belong together.
    """
    return ValueError(f"Ion value of type {descriptor >> 4} in a column of type {wanted}")


def _read_bool(buf: bytes, pos: int, body: int, end: int, table: SymbolTable) -> bool:
    if buf[pos] >> 4 != _BOOL:
        raise misfit(buf[pos], "bool")
    return buf[pos] & 15 == 1


def _read_bigint(buf: bytes, pos: int, body: int, end: int, table: SymbolTable) -> int:
    descriptor = buf[pos]
    if not 0x20 <= descriptor < 0x40:
        raise misfit(descriptor, "bigint")
    number = read_int(buf, descriptor, body, end)
    if not LEAST_LONG <= number < LONG_END:
        raise misfit(descriptor, "bigint")
    return number


def _read_decimal(buf: bytes, pos: int, body: int, end: int, table: SymbolTable) -> int:
    descriptor = buf[pos]
    if 0x20 <= descriptor < 0x40:
        units = read_int(buf, descriptor, body, end) * _UNITS
        if not -_DECIMAL_END < units < _DECIMAL_END:
            raise misfit(descriptor, "decimal")
        return units
    if descriptor >> 4 != _DECIMAL:
        raise misfit(descriptor, "decimal")
    units, negative, exponent = read_decimal(buf, body, end)
    if units == 0:
        return 0
    shift = exponent + _SCALE
    # A coefficient of n bits has fewer than n digits to drop; this also bounds the powers of ten.
    if not -units.bit_length() < shift < _DIGITS:
        raise misfit(descriptor, "decimal")
    if shift >= 0:
        units *= int(10**shift)
    else:
        units, rest = divmod(units, int(10**-shift))
        if rest != 0:
            raise misfit(descriptor, "decimal")
    if units >= _DECIMAL_END:
        raise misfit(descriptor, "decimal")
    return -units if negative else units


def _read_double(buf: bytes, pos: int, body: int, end: int, table: SymbolTable) -> float:
    descriptor = buf[pos]
    if descriptor >> 4 == _FLOAT:
        return read_float(buf, body, end)
    if not 0x20 <= descriptor < 0x40:
        raise misfit(descriptor, "double")
    number = read_int(buf, descriptor, body, end)
    if abs(number) > SAFE_INT:
        raise misfit(descriptor, "double")
    return float(number)


def _read_timestamp(buf: bytes, pos: int, body: int, end: int, table: SymbolTable) -> int:
    if buf[pos] >> 4 != _TIMESTAMP:
        raise misfit(buf[pos], "timestamp")
    micros = to_micros(read_timestamp(buf, body, end))
    if micros is None:
        raise misfit(buf[pos], "timestamp")
    return micros


def _read_binary(buf: bytes, pos: int, body: int, end: int, table: SymbolTable) -> bytes:
    if buf[pos] >> 4 not in (_CLOB, _BLOB):
        raise misfit(buf[pos], "binary")
    return buf[body:end]


def _read_text(buf: bytes, pos: int, body: int, end: int, table: SymbolTable) -> str:
    kind = buf[pos] >> 4
    if kind == _STRING:
        return read_text(buf, body, end)
    if kind == _TIMESTAMP:
        return to_text(read_timestamp(buf, body, end))
    if kind != _SYMBOL:
        raise misfit(buf[pos], "text")
    sid = read_int(buf, 0x20, body, end)
    text = table.text(sid, body)
    return f"${sid}" if text is None else text


READERS: dict[Scalar, Reader] = {
    Scalar.BOOL: _read_bool,
    Scalar.BIGINT: _read_bigint,
    Scalar.DECIMAL: _read_decimal,
    Scalar.DOUBLE: _read_double,
    Scalar.TIMESTAMP: _read_timestamp,
    Scalar.BINARY: _read_binary,
    Scalar.TEXT: _read_text,
}
"""Readers by type; none for JSON text, which needs an evaluator."""


def scalar_array(values: list[Any], scalar: Scalar) -> pa.Array:
    """Makes an Arrow array of what the readers gave, None for null.

    Args:
        values: one for each row.
        scalar: their type.

    Returns:
        An array of the Arrow type that `to_arrow` names.
    """
    if scalar is Scalar.DECIMAL:
        return _decimal_array(values)
    if scalar is Scalar.TIMESTAMP:
        return pa.array(values, pa.int64()).view(to_arrow(scalar))
    return pa.array(values, to_arrow(scalar))


def _decimal_array(values: list[int | None]) -> pa.Array:
    """Lays the units out as Arrow does, little-endian; by way of `Decimal` it takes ten times."""
    present = pa.array([value is not None for value in values], pa.bool_())
    units = [0 if value is None else value for value in values]
    raw = b"".join([unit.to_bytes(_DECIMAL_BYTES, "little", signed=True) for unit in units])
    buffers = [present.buffers()[1], pa.py_buffer(raw)]
    return pa.Array.from_buffers(to_arrow(Scalar.DECIMAL), len(values), buffers)
