"""The three forms of an Ion scalar that the evaluator needs at once.

- what Ion Hash 1.0 hashes of it (`message`),
- its JSON text: every null is `null`, numbers keep their digits, nan and infinities are `null`,
  timestamps are strings in Ion's text form, a blob is Base64, a clob the Latin-1 text of its bytes,
- its type sketch, one letter:
  `n` null · `b` bool · ints `i` (at most 2^53 away from zero), `j` (64 bits), `k` (20 digits),
  `l` (longer) · decimals `d` (exact with 20 digits before and 18 behind the point), `e` (not) ·
  `f` float · timestamps `t` (exact as microseconds), `u` (not) · `s` string · `x` blob · `c` clob.

Symbols need a symbol table and are the evaluator's, as are containers.
"""

from __future__ import annotations

import math
import struct
from binascii import b2a_base64
from collections.abc import Callable
from json.encoder import encode_basestring

from qldb_replay.errors import IonFormatError
from qldb_replay.ion.canonical import escape, message, signed, varint
from qldb_replay.ion.scalars import (
    LEAST_LONG,
    LONG_END,
    SAFE_INT,
    decimal_text,
    digits,
    read_decimal,
    read_float,
    read_int,
)
from qldb_replay.ion.timestamps import canonical, read_timestamp, read_utc, to_micros, to_text

Form = tuple[bytes, str, str]
"""Hash message, JSON text, type sketch."""

Reader = Callable[[bytes, int, int, int], Form]
"""From a buffer, a type descriptor, and the offsets of the body and behind it."""

NULLS: tuple[Form, ...] = tuple(
    (message(0x2F if kind == 3 else kind << 4 | 15, b""), "null", "n") for kind in range(14)
)
"""Forms of the nulls by type. Null ints are hashed as type 2 whatever their sign."""

_BOOLS: tuple[Form, ...] = ((b"\x0b\x10\x0e", "false", "b"), (b"\x0b\x11\x0e", "true", "b"))
_DECIMAL_END = 10**20
_DECIMAL_SCALE, _DECIMAL_POINT = 18, 20
_ZERO, _NAN = b"", b"\x7f\xf8\0\0\0\0\0\0"


def _bool(buf: bytes, descriptor: int, start: int, end: int) -> Form:
    return _BOOLS[descriptor & 1]


def _int(buf: bytes, descriptor: int, start: int, end: int) -> Form:
    number = read_int(buf, descriptor, start, end)
    representation = buf[start:end].lstrip(b"\0")
    magnitude = abs(number)
    text = digits(magnitude)
    if number < 0:
        text = "-" + text
    if magnitude <= SAFE_INT:
        sketch = "i"
    elif LEAST_LONG <= number < LONG_END:
        sketch = "j"
    else:
        sketch = "k" if magnitude < _DECIMAL_END else "l"
    return message(descriptor & 0xF0, representation), text, sketch


def _float(buf: bytes, descriptor: int, start: int, end: int) -> Form:
    number = read_float(buf, start, end)
    if number == 0.0 and math.copysign(1.0, number) > 0:
        representation = _ZERO
    elif math.isnan(number):
        representation = _NAN
    else:
        representation = struct.pack(">d", number)
    return message(0x40, representation), repr(number) if math.isfinite(number) else "null", "f"


def _decimal(buf: bytes, descriptor: int, start: int, end: int) -> Form:
    coefficient, negative, exponent = read_decimal(buf, start, end)
    if coefficient == 0 and exponent == 0 and not negative:
        return message(0x50, b""), "0", "d"
    representation = varint(abs(exponent), exponent < 0)
    if coefficient != 0 or negative:
        representation += signed(coefficient, negative)
    figures = digits(coefficient)
    point = len(figures) + exponent
    if -_DECIMAL_SCALE <= exponent <= 0 and point <= _DECIMAL_POINT:
        sketch = "d"
    else:
        sketch = _sketch_of_decimal(figures, exponent)
    return message(0x50, representation), decimal_text(figures, negative, exponent), sketch


def _sketch_of_decimal(figures: str, exponent: int) -> str:
    significant = figures.rstrip("0")
    point = len(figures) + exponent
    exact = point <= _DECIMAL_POINT and len(significant) - point <= _DECIMAL_SCALE
    return "d" if significant == "" or exact else "e"


def _timestamp(buf: bytes, descriptor: int, start: int, end: int) -> Form:
    raw = buf[start:end]
    common = read_utc(raw)
    if common is not None:
        return b"\x0b\x60" + escape(raw) + b"\x0e", f'"{common[0]}"', "t"
    stamp = read_timestamp(buf, start, end)
    sketch = "u" if to_micros(stamp) is None else "t"
    return message(0x60, canonical(stamp)), f'"{to_text(stamp)}"', sketch


def read_text(buf: bytes, start: int, end: int) -> str:
    """Reads the body of a string, or a symbol's text in a symbol table.

    Args:
        buf: bytes to read from.
        start: offset of the body.
        end: offset behind the body.

    Returns:
        The text.

    Raises:
        IonFormatError: it is not UTF-8.
    """
    try:
        return buf[start:end].decode()
    except UnicodeDecodeError as error:
        raise IonFormatError("text is not UTF-8", start + error.start) from None


def _string(buf: bytes, descriptor: int, start: int, end: int) -> Form:
    text = read_text(buf, start, end)
    return message(0x80, buf[start:end]), encode_basestring(text), "s"


def _clob(buf: bytes, descriptor: int, start: int, end: int) -> Form:
    raw = buf[start:end]
    return message(0x90, raw), encode_basestring(raw.decode("latin-1")), "c"


def _blob(buf: bytes, descriptor: int, start: int, end: int) -> Form:
    raw = buf[start:end]
    text = b2a_base64(raw, newline=False).decode("ascii")
    return b"\x0b\xa0" + escape(raw) + b"\x0e", f'"{text}"', "x"


READERS: tuple[Reader | None, ...] = (
    None,
    _bool,
    _int,
    _int,
    _float,
    _decimal,
    _timestamp,
    None,
    _string,
    _clob,
    _blob,
)
"""Readers of the scalars by type; none for nulls and symbols."""
