"""Where binary Ion values end, told from their length headers alone.

Ion 1.0: a value begins with a type descriptor, the high four bits its type and the low four its
length; 14 says that a VarUInt with the length follows, 15 marks a null, which has no body. Nothing
here looks into a body, so that a stream can be cut into values at the speed of reading headers.
"""

from __future__ import annotations

from qldb_replay.errors import IonFormatError

IVM = b"\xe0\x01\x00\xea"
"""Binary version marker: every Ion 1.0 stream, and so every journal record, begins with it."""

_LONGEST_VARUINT = 10
_INVALID, _ORDERED = -1, -3

VARUINT_LENGTH = -2
"""Stands for "a VarUInt follows with the length" in `BODY_LENGTHS`."""


def _fixed_lengths() -> list[int]:
    """Body length for each type descriptor byte, or one of the negative stand-ins."""
    lengths = []
    for descriptor in range(256):
        kind, low = descriptor >> 4, descriptor & 15
        length = low if low < 14 else VARUINT_LENGTH if low == 14 else 0
        if kind == 1:
            length = 0 if low in (0, 1, 15) else _INVALID
        elif descriptor == 0xD1:
            length = _ORDERED
        elif (
            (kind == 4 and low not in (0, 4, 8, 15))
            or (kind == 14 and low in (0, 1, 2, 15))
            or kind == 15
            or descriptor in (0x30, 0x60, 0x61)
        ):
            length = _INVALID
        lengths.append(length)
    return lengths


BODY_LENGTHS = _fixed_lengths()
"""Length of the body by type descriptor; negative where it is not in the descriptor.

What may be read in place where speed demands it is `VARUINT_LENGTH` with a VarUInt of one byte;
the other negative ones are for `body_bounds`.
"""


def read_varuint(buf: bytes, pos: int, end: int) -> tuple[int, int]:
    """Reads a VarUInt: seven bits a byte, most significant first, the last byte's high bit set.

    Args:
        buf: bytes to read from.
        pos: offset of the first byte.
        end: offset that must not be passed.

    Returns:
        The number, and the offset behind it.

    Raises:
        IonFormatError: it does not end before `end`, or is longer than ten bytes, which no length,
            symbol ID or year needs and which would let a few bytes demand much work.
    """
    value = 0
    start = pos
    while pos < end:
        byte = buf[pos]
        pos += 1
        if byte >= 0x80:
            return value << 7 | (byte - 0x80), pos
        value = value << 7 | byte
        if pos - start == _LONGEST_VARUINT:
            raise IonFormatError("VarUInt too long", start)
    raise IonFormatError("VarUInt does not end", start)


def read_varint(buf: bytes, pos: int, end: int) -> tuple[int, bool, int]:
    """Reads a VarInt: as a VarUInt, but the first byte's second bit is the sign.

    Args:
        buf: bytes to read from.
        pos: offset of the first byte.
        end: offset that must not be passed.

    Returns:
        The magnitude, whether the sign is negative (which zero can have, too), and the offset
        behind it.

    Raises:
        IonFormatError: as `read_varuint`.
    """
    raw, stop = read_varuint(buf, pos, end)
    sign = 1 << (7 * (stop - pos) - 1)
    return raw & (sign - 1), raw & sign != 0, stop


def body_bounds(buf: bytes, pos: int, end: int) -> tuple[int, int]:
    """Finds where the body of the value at `pos` begins and ends, from its header.

    Args:
        buf: bytes to read from.
        pos: offset of the type descriptor.
        end: offset that the value must not pass.

    Returns:
        Offset of the body's first byte, and of the first byte behind it.

    Raises:
        IonFormatError: invalid type descriptor, or a length that reaches past `end`. A version
            marker is not a value and raises, too.
    """
    if pos >= end:
        raise IonFormatError("value expected, found the end", pos)
    length = BODY_LENGTHS[buf[pos]]
    start = pos + 1
    if length < 0:
        if length == _INVALID:
            raise IonFormatError(f"invalid type descriptor 0x{buf[pos]:02x}", pos)
        if start < end and buf[start] >= 0x80:
            length = buf[start] - 0x80
            start += 1
        elif start + 1 < end and buf[start + 1] >= 0x80:
            length = buf[start] << 7 | (buf[start + 1] - 0x80)
            start += 2
        else:
            length, start = read_varuint(buf, start, end)
        if length == 0 and buf[pos] == 0xD1:
            raise IonFormatError("struct of ordered fields has none", pos)
    if start + length > end:
        raise IonFormatError(f"value of {length} bytes reaches past the end", pos)
    return start, start + length


def value_end(buf: bytes, pos: int, end: int) -> int:
    """Finds the end of the value, annotation wrapper or NOP pad that begins at `pos`.

    Args:
        buf: bytes to read from.
        pos: offset of the type descriptor.
        end: offset that the value must not pass.

    Returns:
        Offset of the first byte behind the value.

    Raises:
        IonFormatError: as `body_bounds`.
    """
    length = BODY_LENGTHS[buf[pos]] if pos < end else _INVALID
    if length >= 0 and pos + 1 + length <= end:
        return pos + 1 + length
    return body_bounds(buf, pos, end)[1]
