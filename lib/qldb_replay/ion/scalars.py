"""Values of Ion numbers from the bytes of their bodies.

Both forms that a number takes on its way to a column, exact value and decimal digits, have their
rules here. A number longer than `LONGEST_NUMBER` bytes is refused: QLDB's documents end at 128 KB,
and turning binary into decimal digits costs more than linear time.
"""

from __future__ import annotations

import decimal
import struct
from decimal import Decimal

from qldb_replay.errors import IonFormatError
from qldb_replay.ion.framing import read_varint

LONGEST_NUMBER = 256 * 1024

LEAST_LONG, LONG_END = -(2**63), 2**63
"""What a column of 64 bits holds, the end excluded."""
SAFE_INT = 2**53
"""Up to here, and down to its negative, a float holds every int."""

_EXACT = decimal.Context(
    prec=decimal.MAX_PREC, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN, traps=[decimal.Inexact]
)
_STR_BITS = 8192
"""Up to here `str` is fast, and far from the length at which Python refuses to convert."""


def read_int(buf: bytes, descriptor: int, start: int, end: int) -> int:
    """Reads the body of an int.

    Args:
        buf: bytes to read from.
        descriptor: the value's type descriptor, of type 2 (positive) or 3 (negative).
        start: offset of the body.
        end: offset behind the body.

    Returns:
        The number.

    Raises:
        IonFormatError: negative zero, which an int cannot be, or a number too long.
    """
    if end - start > LONGEST_NUMBER:
        raise IonFormatError(f"int of {end - start} bytes is beyond the limit", start)
    magnitude = int.from_bytes(buf[start:end], "big")
    if descriptor < 0x30:
        return magnitude
    if magnitude == 0:
        raise IonFormatError("int is negative zero", start)
    return -magnitude


def read_decimal(buf: bytes, start: int, end: int) -> tuple[int, bool, int]:
    """Reads the body of a decimal, or the fraction of a timestamp: an exponent, a coefficient.

    Args:
        buf: bytes to read from.
        start: offset of the body.
        end: offset behind the body.

    Returns:
        The coefficient's magnitude, whether it is negative (zero can be), and the exponent.

    Raises:
        IonFormatError: the exponent does not end, or a coefficient too long.
    """
    if start == end:
        return 0, False, 0
    byte = buf[start]
    if byte >= 0x80:
        exponent = byte - 0x80 if byte < 0xC0 else 0xC0 - byte
        pos = start + 1
    else:
        exponent, below, pos = read_varint(buf, start, end)
        if below:
            exponent = -exponent
    if pos == end:
        return 0, False, exponent
    if end - pos > LONGEST_NUMBER:
        raise IonFormatError(f"coefficient of {end - pos} bytes is beyond the limit", pos)
    raw = int.from_bytes(buf[pos:end], "big")
    sign = 1 << (8 * (end - pos) - 1)
    return raw & (sign - 1), raw & sign != 0, exponent


def read_float(buf: bytes, start: int, end: int) -> float:
    """Reads the body of a float: nothing (zero), four or eight bytes of IEEE 754, big-endian.

    Args:
        buf: bytes to read from.
        start: offset of the body.
        end: offset behind the body.

    Returns:
        The number.
    """
    if start == end:
        return 0.0
    number: float = struct.unpack(">d" if end - start == 8 else ">f", buf[start:end])[0]
    return number


def digits(number: int) -> str:
    """Writes a number that is not negative in decimal digits.

    Args:
        number: zero or more.

    Returns:
        Its digits. Unlike `str` this has no limit of length and does not take quadratic time.
    """
    bits = number.bit_length()
    if bits <= _STR_BITS:
        return str(number)
    return str(_to_decimal(number, bits))


def _to_decimal(number: int, bits: int) -> Decimal:
    if bits <= _STR_BITS:
        return Decimal(number)
    half = bits // 2
    high = _to_decimal(number >> half, bits - half)
    low = _to_decimal(number & ((1 << half) - 1), half)
    return _EXACT.fma(high, _EXACT.power(Decimal(2), half), low)


def decimal_text(coefficient: str, negative: bool, exponent: int) -> str:
    """Writes a decimal as a JSON number that keeps every digit and the exponent's meaning.

    Args:
        coefficient: the magnitude's digits.
        negative: whether to write a minus sign, before zero, too.
        exponent: power of ten.

    Returns:
        Plain digits, or scientific notation where the exponent is positive or would need more
        than six zeros behind the point.
    """
    sign = "-" if negative else ""
    if exponent == 0:
        return sign + coefficient
    point = len(coefficient) + exponent
    if exponent < 0:
        if point > 0:
            return f"{sign}{coefficient[:point]}.{coefficient[point:]}"
        if point > -6:
            return f"{sign}0.{'0' * -point}{coefficient}"
    rest = f".{coefficient[1:]}" if len(coefficient) > 1 else ""
    return f"{sign}{coefficient[0]}{rest}e{point - 1}"
