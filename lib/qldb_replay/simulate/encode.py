"""Values to binary Ion and to their Ion Hash, in one go.

Ion Hash 1.0 defines for each value a serialised form `0B <type byte> <representation> 0E`, the
SHA-256 of which is the value's hash. A struct's representation is the sorted list of its fields'
hashes, each over name and value. Bytes that are markers themselves are escaped with `0C`.

The binary form follows what real QLDB records look like: lengths as short as possible, a symbol
table that lists field names in order of first appearance, names that Ion's system table already has
(`name`, `version`, …) left out of it.

This is an encoder of its own, shared with nothing: it hashes values where the reading side of the
package hashes bytes, so a test that compares the two compares two implementations.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from decimal import Decimal
from hashlib import sha256
from math import isnan
from typing import Final, TypeAlias

from qldb_replay.simulate.values import (
    Annotated,
    Clob,
    Instant,
    Pairs,
    Sexp,
    Symbol,
    Timestamp,
    TypedNull,
    Value,
)

Symbols: TypeAlias = dict[str, bytes]
"""Field names and symbols of one record, in order, with the bytes that refer to each."""

Encoded: TypeAlias = tuple[bytes, bytes]
"""A value's binary Ion, and its serialised form for Ion Hash."""

IVM: Final = b"\xe0\x01\x00\xea"

_SYSTEM_NAMES = (
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
_NULL_TYPES = {
    "bool": 0x1F,
    "int": 0x2F,
    "float": 0x4F,
    "decimal": 0x5F,
    "timestamp": 0x6F,
    "symbol": 0x7F,
    "string": 0x8F,
    "clob": 0x9F,
    "blob": 0xAF,
    "list": 0xBF,
    "sexp": 0xCF,
    "struct": 0xDF,
}
_UNKNOWN_OFFSET = b"\xc0"
_DAY_MS = 86_400_000
_CACHED = 20_000


def var_uint(number: int) -> bytes:
    """`number` as an Ion VarUInt: seven bits a byte, the last one marked."""
    out = bytes([0x80 | number & 0x7F])
    while number := number >> 7:
        out = bytes([number & 0x7F]) + out
    return out


_BYTES = tuple(bytes([byte]) for byte in range(256))
_SIDS = tuple(var_uint(sid) for sid in range(2_048))
_LENGTHS = tuple(var_uint(length) for length in range(4_096))
_SYSTEM: Symbols = {name: _SIDS[sid] for sid, name in enumerate(_SYSTEM_NAMES, start=1)}


def new_symbols(names: Iterable[str] = ()) -> Symbols:
    """A record's symbols before its first field: Ion's system names, then `names` in order."""
    symbols = _SYSTEM.copy()
    for name in names:
        symbol_id(name, symbols)
    return symbols


def symbol_id(name: str, symbols: Symbols) -> bytes:
    """The bytes that refer to `name`, which joins `symbols` where it is not there yet."""
    sid = symbols.get(name)
    if sid is None:
        number = len(symbols) + 1
        sid = symbols[name] = _SIDS[number] if number < len(_SIDS) else var_uint(number)
    return sid


def symbol_table(symbols: Symbols) -> bytes:
    """Version marker and local symbol table that a record with these symbols begins with."""
    names = tuple(symbols)[len(_SYSTEM) :]
    table = b"\x87" + tagged(0xB0, b"".join([_string_binary(name.encode()) for name in names]))
    return IVM + tagged(0xE0, b"\x81\x83" + tagged(0xD0, table))


def tagged(tag: int, body: bytes) -> bytes:
    """`body` behind the type byte `tag` (low half zero) and its length."""
    length = len(body)
    if length < 14:
        return _BYTES[tag | length] + body
    size = _LENGTHS[length] if length < len(_LENGTHS) else var_uint(length)
    return _BYTES[tag | 14] + size + body


def blob(raw: bytes) -> bytes:
    """Binary Ion of a blob."""
    return tagged(0xA0, raw)


def _string_binary(raw: bytes) -> bytes:
    return tagged(0x80, raw)


def _escape(raw: bytes) -> bytes:
    return (
        raw.replace(b"\x0c", b"\x0c\x0c")
        .replace(b"\x0b", b"\x0c\x0b")
        .replace(b"\x0e", b"\x0c\x0e")
    )


def _serialised(tag: int, raw: bytes) -> bytes:
    return b"\x0b" + _BYTES[tag] + _escape(raw) + b"\x0e"


def ion_hash(value: Value) -> bytes:
    """Ion Hash of a value, 32 bytes."""
    return sha256(encode(value, new_symbols())[1]).digest()


def encode(value: Value, symbols: Symbols) -> Encoded:
    """Binary Ion and serialised form of `value`; names it uses join `symbols`.

    Raises:
        TypeError: a type that `values` does not name.
    """
    encoder = _ENCODERS.get(type(value))
    if encoder is None:
        raise TypeError(f"no Ion type for {type(value).__name__}")
    return encoder(value, symbols)


_known_strings: dict[str, Encoded] = {}
_known_names: dict[str, bytes] = {}


def _string(value: str, symbols: Symbols) -> Encoded:
    known = _known_strings.get(value)
    if known is None:
        raw = value.encode()
        known = _string_binary(raw), b"\x0b\x80" + _escape(raw) + b"\x0e"
        # Cities, states and table names come back, identifiers do not: a full cache starts anew.
        if len(_known_strings) >= _CACHED:
            _known_strings.clear()
        _known_strings[value] = known
    return known


def _name(name: str) -> bytes:
    """Serialised form of a field name, which is hashed in front of the field's value."""
    known = _known_names.get(name)
    if known is None:
        if len(_known_names) >= _CACHED:
            _known_names.clear()
        known = _known_names[name] = _serialised(0x70, name.encode())
    return known


def struct_of(fields: Iterable[tuple[str, Value]], symbols: Symbols) -> Encoded:
    """A struct of these fields in this order. The hottest loop of the simulator."""
    body = []
    digests = []
    for name, item in fields:
        body.append(symbols.get(name) or symbol_id(name, symbols))
        binary, serialised = _ENCODERS[type(item)](item, symbols)
        body.append(binary)
        digests.append(sha256((_known_names.get(name) or _name(name)) + serialised).digest())
    digests.sort()
    return tagged(0xD0, b"".join(body)), b"\x0b\xd0" + _escape(b"".join(digests)) + b"\x0e"


def _struct(value: dict[str, Value], symbols: Symbols) -> Encoded:
    return struct_of(value.items(), symbols)


def _pairs(value: Pairs, symbols: Symbols) -> Encoded:
    return struct_of(value.fields, symbols)


def _sequence(items: Iterable[Value], tag: int, symbols: Symbols) -> Encoded:
    encoded = [encode(item, symbols) for item in items]
    body = b"".join([binary for binary, _ in encoded])
    # Elements keep their own markers, only representations are escaped.
    serialised = b"".join([form for _, form in encoded])
    return tagged(tag, body), b"\x0b" + bytes([tag]) + serialised + b"\x0e"


def _list(value: list[Value], symbols: Symbols) -> Encoded:
    return _sequence(value, 0xB0, symbols)


def _sexp(value: Sexp, symbols: Symbols) -> Encoded:
    return _sequence(value.items, 0xC0, symbols)


def _null(value: None, symbols: Symbols) -> Encoded:
    return b"\x0f", b"\x0b\x0f\x0e"


def _typed_null(value: TypedNull, symbols: Symbols) -> Encoded:
    tag = bytes([_NULL_TYPES[value.type_name]])
    return tag, b"\x0b" + tag + b"\x0e"


def _bool(value: bool, symbols: Symbols) -> Encoded:
    return (b"\x11", b"\x0b\x11\x0e") if value else (b"\x10", b"\x0b\x10\x0e")


def _int(value: int, symbols: Symbols) -> Encoded:
    tag = 0x30 if value < 0 else 0x20
    raw = _magnitude(abs(value))
    return tagged(tag, raw), _serialised(tag, raw)


def _magnitude(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _float(value: float, symbols: Symbols) -> Encoded:
    raw = b"\x7f\xf8" + bytes(6) if isnan(value) else struct.pack(">d", value)
    if raw == bytes(8):
        return b"\x40", b"\x0b\x40\x0e"
    return b"\x48" + raw, _serialised(0x40, raw)


def _decimal(value: Decimal, symbols: Symbols) -> Encoded:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise TypeError("Ion decimals are finite")
    coefficient = int("".join(map(str, digits)))
    raw = _var_int(exponent) + _signed(coefficient, negative=bool(sign))
    if raw == b"\x80":
        return b"\x50", b"\x0b\x50\x0e"
    return tagged(0x50, raw), _serialised(0x50, raw)


def _var_int(number: int) -> bytes:
    sign = 0x40 if number < 0 else 0
    number = abs(number)
    if number < 0x40:
        return bytes([0x80 | sign | number])
    out = bytes([0x80 | number & 0x7F])
    number >>= 7
    while number >= 0x40:
        out = bytes([number & 0x7F]) + out
        number >>= 7
    return bytes([sign | number]) + out


def _signed(magnitude: int, *, negative: bool) -> bytes:
    """An Ion Int: sign bit, then magnitude; positive zero is no byte at all."""
    if magnitude == 0:
        return b"\x80" if negative else b""
    raw = magnitude.to_bytes(magnitude.bit_length() // 8 + 1, "big")
    return bytes([raw[0] | 0x80]) + raw[1:] if negative else raw


def _timestamp(value: Timestamp, symbols: Symbols) -> Encoded:
    known = value.hour is not None and value.offset is not None
    raw = _var_int(value.offset or 0) if known else _UNKNOWN_OFFSET
    for part in (*value.utc(), value.second):
        if part is not None:
            raw += var_uint(part)
    if value.fraction:
        raw += _var_int(-len(value.fraction)) + _signed(int(value.fraction), negative=False)
    return tagged(0x60, raw), _serialised(0x60, raw)


_known_days: dict[int, bytes] = {}


def _instant(value: Instant, symbols: Symbols) -> Encoded:
    day, rest = divmod(value, _DAY_MS)
    date = _known_days.get(day)
    if date is None:
        when = value.datetime()
        date = b"\x80" + var_uint(when.year) + bytes([0x80 | when.month, 0x80 | when.day])
        _known_days[day] = date
    seconds, milliseconds = divmod(rest, 1_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    clock = bytes([0x80 | hour, 0x80 | minute, 0x80 | second, 0xC3])
    raw = date + clock + _signed(milliseconds, negative=False)
    return tagged(0x60, raw), _serialised(0x60, raw)


def _symbol(value: Symbol, symbols: Symbols) -> Encoded:
    if value.text is None:
        return b"\x70", b"\x0b\x71\x0e"
    symbol_id(value.text, symbols)
    number = list(symbols).index(value.text) + 1  # symbol IDs count from 1
    return tagged(0x70, _magnitude(number)), _serialised(0x70, value.text.encode())


def _clob(value: Clob, symbols: Symbols) -> Encoded:
    return tagged(0x90, value.raw), _serialised(0x90, value.raw)


def _blob(value: bytes, symbols: Symbols) -> Encoded:
    return tagged(0xA0, value), _serialised(0xA0, value)


def _annotated(value: Annotated, symbols: Symbols) -> Encoded:
    sids = b"".join([symbol_id(text, symbols) for text in value.annotations])
    names = b"".join([_name(text) for text in value.annotations])
    binary, serialised = encode(value.value, symbols)
    wrapped = tagged(0xE0, var_uint(len(sids)) + sids + binary)
    return wrapped, b"\x0b\xe0" + names + serialised + b"\x0e"


_ENCODERS: dict[type, Callable[[Value, Symbols], Encoded]] = {
    type(None): _null,
    bool: _bool,
    int: _int,
    float: _float,
    Decimal: _decimal,
    str: _string,
    bytes: _blob,
    list: _list,
    dict: _struct,
    Instant: _instant,
    Symbol: _symbol,
    Clob: _clob,
    Sexp: _sexp,
    TypedNull: _typed_null,
    Annotated: _annotated,
    Pairs: _pairs,
    Timestamp: _timestamp,
}
