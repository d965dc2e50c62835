from __future__ import annotations

import math
from decimal import Decimal
from hashlib import sha256
from random import Random

import pytest
from amazon.ion import simpleion
from amazon.ion.core import IonType

from captured import LACKING, REAL
from qldb_replay import ion
from qldb_replay.simulate.documents import KINDS
from qldb_replay.simulate.encode import encode, ion_hash, new_symbols, symbol_table, var_uint
from qldb_replay.simulate.text import ion_text, json_text
from qldb_replay.simulate.values import (
    Annotated,
    Clob,
    Instant,
    Pairs,
    Sexp,
    Symbol,
    Timestamp,
    TypedNull,
)


def binary(value):
    symbols = new_symbols()
    body, _ = encode(value, symbols)
    return symbol_table(symbols) + body


# Written down from the Ion Hash specification: what is hashed for each value.
SERIALISED = [
    (None, "0b 0f 0e"),
    (TypedNull("struct"), "0b df 0e"),
    (True, "0b 11 0e"),
    (False, "0b 10 0e"),
    (0, "0b 20 0e"),
    (1, "0b 20 01 0e"),
    (-1, "0b 30 01 0e"),
    (11, "0b 20 0c 0b 0e"),
    (2**64, "0b 20 01 00 00 00 00 00 00 00 00 0e"),
    (0.0, "0b 40 0e"),
    (-0.0, "0b 40 80 00 00 00 00 00 00 00 0e"),
    (1.0, "0b 40 3f f0 00 00 00 00 00 00 0e"),
    (math.nan, "0b 40 7f f8 00 00 00 00 00 00 0e"),
    (Decimal("0"), "0b 50 0e"),
    (Decimal("1.50"), "0b 50 c2 00 96 0e"),
    (Decimal("-0.00"), "0b 50 c2 80 0e"),
    (Decimal("1E+64"), "0b 50 00 c0 01 0e"),
    (Timestamp(2007), "0b 60 c0 0f d7 0e"),
    (Timestamp(2007, 2, 23), "0b 60 c0 0f d7 82 97 0e"),
    (Timestamp(2007, 2, 23, 0, 0, offset=60), "0b 60 bc 0f d7 82 96 97 80 0e"),
    (Instant(0), "0b 60 80 0f b2 81 81 80 80 80 c3 0e"),
    (Instant(999), "0b 60 80 0f b2 81 81 80 80 80 c3 03 e7 0e"),
    (Symbol("a"), "0b 70 61 0e"),
    (Symbol(None), "0b 71 0e"),
    ("", "0b 80 0e"),
    ("a\x0c", "0b 80 61 0c 0c 0e"),
    (Clob(b"\x0e"), "0b 90 0c 0e 0e"),
    (b"\x0b", "0b a0 0c 0b 0e"),
    ([], "0b b0 0e"),
    ([1, 2, 3], "0b b0 0b 20 01 0e 0b 20 02 0e 0b 20 03 0e 0e"),
    (Sexp((1,)), "0b c0 0b 20 01 0e 0e"),
    ({}, "0b d0 0e"),
    (Annotated(("x",), 1), "0b e0 0b 70 78 0e 0b 20 01 0e 0e"),
]


@pytest.mark.parametrize(("value", "expected"), SERIALISED, ids=lambda case: repr(case)[:40])
def test_a_value_is_hashed_over_its_serialised_form(value, expected):
    form = bytes.fromhex(expected)
    assert encode(value, new_symbols())[1] == form
    assert ion_hash(value) == sha256(form).digest()


def test_a_struct_is_hashed_over_its_sorted_field_hashes():
    fields = [bytes.fromhex("0b70610e 0b20010e"), bytes.fromhex("0b70620e 0b20020e")]
    digests = b"".join(sorted(sha256(field).digest() for field in fields))
    for byte in (b"\x0c", b"\x0b", b"\x0e"):
        digests = digests.replace(byte, b"\x0c" + byte)
    expected = sha256(b"\x0b\xd0" + digests + b"\x0e").digest()
    assert ion_hash({"a": 1, "b": 2}) == ion_hash({"b": 2, "a": 1}) == expected


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_reading_side_finds_the_same_hash_and_json(kind):
    rng = Random(7)
    for _ in range(30):
        document = kind.make(rng)
        document.update({name: invent(rng) for name, invent in kind.mutable})
        assert ion.ion_hash(binary(document)) == ion_hash(document)
        assert ion.to_json(binary(document)) == json_text(document)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_amazon_ion_reads_the_same_from_binary_and_from_text(kind):
    document = kind.make(Random(7))
    from_binary = simpleion.loads(binary(document))
    from_text = simpleion.loads(ion_text(document))
    assert simpleion.dumps(from_binary, binary=False) == simpleion.dumps(from_text, binary=False)


def test_names_of_the_system_table_take_no_place_in_a_records_own_table():
    symbols = new_symbols()
    encode({"version": 1, "name": 2, "other": 3}, symbols)
    assert list(symbols)[9:] == ["other"]
    assert simpleion.loads(binary({"version": 1})) == {"version": 1}


def test_repeated_fields_are_written_and_hashed_each():
    pairs = Pairs((("x", 1), ("x", 2)))
    assert ion.ion_hash(binary(pairs)) == ion_hash(pairs) != ion_hash({"x": 2})


def test_large_symbol_ids_and_lengths_take_more_bytes():
    assert var_uint(127) == b"\xff"
    assert var_uint(128) == b"\x01\x80"
    wide = {f"field {number}": "x" * 5_000 for number in range(3_000)}
    assert simpleion.loads(binary(wide))["field 2999"] == "x" * 5_000


@pytest.mark.parametrize(
    "value",
    [object(), {"a": object()}, Decimal("nan")],
    ids=["object", "struct of an object", "nan"],
)
def test_what_ion_cannot_say_is_refused(value):
    with pytest.raises((TypeError, KeyError)):
        ion_hash(value)


def real_value(value):
    kind = getattr(value, "ion_type", None)
    if kind is IonType.STRUCT:
        return {name: real_value(item) for name, item in value.items()}
    if kind is IonType.LIST:
        return [real_value(item) for item in value]
    if kind is IonType.TIMESTAMP:
        return Instant(round(value.timestamp() * 1000))
    return {IonType.STRING: str, IonType.INT: int, IonType.BLOB: bytes}[kind](value)


@pytest.mark.skipif(not REAL.is_dir(), reason=LACKING)
@pytest.mark.parametrize("name", ["seq14.00.block.10n", "seq14.01.revision.10n"])
def test_a_real_record_is_written_again_byte_for_byte(name):
    record = (REAL / "evidence-store-seq14" / name).read_bytes()
    assert binary(real_value(simpleion.loads(record))) == record
