"""Shortest encodings of Ion's basic fields, and the escaping around them, as Ion Hash 1.0 demands.

What is hashed of a scalar is its type byte and its representation between a begin and an end
marker; of a container the same around what its children give. Representations have no padding,
so that values that are equal hash equal however they were written.
"""

from __future__ import annotations

BEGIN, END, ESCAPE = b"\x0b", b"\x0e", b"\x0c"


def escape(representation: bytes) -> bytes:
    """Puts an escape byte before each marker or escape byte.

    Args:
        representation: bytes of a scalar, or the joined digests of a struct's fields.

    Returns:
        The escaped bytes.
    """
    return (
        representation.replace(ESCAPE, b"\x0c\x0c")
        .replace(BEGIN, b"\x0c\x0b")
        .replace(END, b"\x0c\x0e")
    )


def message(type_byte: int, representation: bytes) -> bytes:
    """Serialises a scalar for hashing.

    Args:
        type_byte: type in the high four bits, qualifier in the low ones.
        representation: its bytes, not yet escaped.

    Returns:
        The bytes to hash, or to put into a container's.
    """
    return b"\x0b%c%b\x0e" % (type_byte, escape(representation))


def varuint(number: int) -> bytes:
    """Encodes a VarUInt in as few bytes as it needs."""
    out = bytes([number & 0x7F | 0x80])
    while number := number >> 7:
        out = bytes([number & 0x7F]) + out
    return out


def varint(magnitude: int, negative: bool) -> bytes:
    """Encodes a VarInt in as few bytes as it needs; zero is never negative."""
    size = magnitude.bit_length() // 7 + 1
    sign = 1 << (7 * size - 1) if negative and magnitude != 0 else 0
    return varuint(magnitude | sign).rjust(size, b"\0")


def signed(magnitude: int, negative: bool) -> bytes:
    """Encodes an Int, a sign and a magnitude, in as few bytes as it needs, at least one."""
    size = magnitude.bit_length() // 8 + 1
    return (magnitude | (negative << (8 * size - 1))).to_bytes(size, "big")
