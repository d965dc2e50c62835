"""CRC-32C (Castagnoli), fast enough in plain Python for the checksums of framed Snappy.

A byte-wise table costs 0.1 µs a byte. Instead the message is one big integer, a polynomial over
GF(2), and is halved again and again: x^n times the first half equals, modulo the generator, the
first half times a polynomial of degree 31 at most, so it can be added (XOR) to the second half with
some 16 shifts. Each of these runs at memory speed.

The integer is little-endian: bit 0 is the coefficient of the highest power, as CRC-32C reads the
lowest bit of each byte first.
"""

from __future__ import annotations

from functools import lru_cache

_GENERATOR = 0x82F63B78
_SHORT = 256


def crc32c(data: bytes) -> int:
    """Returns the CRC-32C of bytes (RFC 3720: initial value and final XOR of all ones)."""
    size = 8 * len(data)
    message = int.from_bytes(data, "little") ^ 0xFFFFFFFF
    if size < 32:
        return _bitwise(message & ((1 << size) - 1), size) ^ (0xFFFFFFFF >> size) ^ 0xFFFFFFFF
    while size > _SHORT:
        rest = size // 2 + 32
        head = message & ((1 << (size - rest)) - 1)
        message >>= size - rest
        for shift in _fold_shifts(size, rest):
            message ^= head << shift
        size = rest
    return _bitwise(message, size) ^ 0xFFFFFFFF


def _bitwise(message: int, size: int) -> int:
    """Returns message * x^32 modulo the generator, one bit after the other."""
    remainder = 0
    for _ in range(size):
        remainder ^= message & 1
        message >>= 1
        remainder = remainder >> 1 ^ (_GENERATOR if remainder & 1 else 0)
    return remainder


@lru_cache(maxsize=1024)
def _fold_shifts(size: int, rest: int) -> tuple[int, ...]:
    """Returns the shifts that add the first `size - rest` bits to the `rest` that follow."""
    remainder = _power(rest)
    return tuple(2 * rest - size - (31 - bit) for bit in range(32) if remainder >> bit & 1)


def _power(exponent: int) -> int:
    """Returns x^exponent modulo the generator, bit 31 being the coefficient of x^0."""
    result = 1 << 31
    for digit in bin(exponent)[2:]:
        result = _multiply(result, result)
        if digit == "1":
            result = result >> 1 ^ (_GENERATOR if result & 1 else 0)
    return result


def _multiply(left: int, right: int) -> int:
    """Returns the product of two remainders modulo the generator."""
    product = 0
    for bit in range(31, -1, -1):
        if left >> bit & 1:
            product ^= right
        right = right >> 1 ^ (_GENERATOR if right & 1 else 0)
    return product
