"""Ion Hash 1.0: what must not change a hash, what must, and where there is none."""

from collections.abc import Callable
from hashlib import sha256

import pytest

from qldb_replay.errors import IonFormatError
from qldb_replay.ion import ion_hash

Ion = Callable[[str], bytes]
IVM = "e00100ea"


def of(body: str) -> bytes:
    return ion_hash(bytes.fromhex(IVM + body))


def test_the_hash_is_sha256_of_the_serialised_value(ion: Ion) -> None:
    assert ion_hash(ion('"hi"')) == sha256(b"\x0b\x80hi\x0e").digest()
    field = sha256(b"\x0b\x70a\x0e\x0b\x20\x01\x0e").digest()
    escaped = b"".join(b"\x0c" + bytes([b]) if b in b"\x0b\x0c\x0e" else bytes([b]) for b in field)
    assert ion_hash(ion("{a:1}")) == sha256(b"\x0b\xd0" + escaped + b"\x0e").digest()


@pytest.mark.parametrize(
    ("padded", "shortest"),
    [
        ("220005", "2105"),
        ("2e8105", "2105"),
        ("2100", "20"),
        ("2f", "3f"),
        ("8e8161", "8161"),
        ("4400000000", "40"),
        ("480000000000000000", "40"),
        ("443f800000", "483ff0000000000000"),
        ("447fc00001", "487ff8000000000000"),
        ("5180", "50"),
        ("51c0", "50"),
        ("544000810a", "52c10a"),
        ("54c1000000", "51c1"),
        ("6880 0fd7 8181 808080", "6980 0fd7 8181 808080 80"),
        ("6580 0fd7 8181", "65c0 0fd7 8181"),
        ("6581 0fd7 8181", "65c0 0fd7 8181"),
        ("67c0 0fd7 000081 81", "65c00fd78181"),
        ("d58421018200", "d3842101"),
        ("d6842101852102", "d6852102842101"),
        ("d186842101852102", "d6842101852102"),
        ("b30f000f", "b20f0f"),
    ],
)
def test_ways_to_write_a_value_hash_equal(padded: str, shortest: str) -> None:
    assert of(padded) == of(shortest)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("1.5", "1.50"),
        ("1", "1."),
        ("1.", "1e0"),
        ("0.", "-0."),
        ("0e0", "-0e0"),
        ("x", '"x"'),
        ("null", "null.int"),
        ("null.string", '""'),
        ("2007-01-01T00:00Z", "2007-01-01T00:00-00:00"),
        ("2007-01-01T00:00Z", "2007-01-01T00:00:00Z"),
        ("2007-01-01T00:00:00Z", "2007-01-01T00:00:00.000Z"),
        ("[1]", "(1)"),
        ("a::1", "1"),
        ("a::b::1", "b::a::1"),
        ("{}", "[]"),
        ("{a:1}", "{a:1, a:1}"),
        ("{{aGk=}}", '{{"hi"}}'),
    ],
)
def test_different_values_hash_different(ion: Ion, left: str, right: str) -> None:
    assert ion_hash(ion(left)) != ion_hash(ion(right))


def test_symbols_hash_by_text_not_by_number() -> None:
    foo = "e78183 d4 87b2 8161"
    two = "e98183 d6 87b4 8162 8161"
    assert of(foo + "710a") == of(two + "710b")


@pytest.mark.parametrize("value", ["710a", "d38a2101", "e4818a2101", "b2710a"])
def test_a_symbol_of_unknown_text_has_no_hash(value: str) -> None:
    table = "e78183d487b20f0f"
    with pytest.raises(IonFormatError, match="unknown text"):
        of(table + value)


def test_symbol_zero_has_a_hash() -> None:
    assert of("70") == sha256(b"\x0b\x71\x0e").digest()
    of("d3802101")


@pytest.mark.parametrize("stream", ["", "e00100ea", "e00100ea0f0f", "0f", "e00100ea0000"])
def test_anything_but_one_value_has_no_hash(stream: str) -> None:
    with pytest.raises(IonFormatError):
        ion_hash(bytes.fromhex(stream))


def test_marker_bytes_in_a_field_are_escaped(ion: Ion) -> None:
    field = sha256(b"\x0b\x70a\x0e\x0b\x80\x0c\x0b\x0c\x0c\x0c\x0e\x0e").digest()
    inside = ion_hash(ion('{a:"\\x0b\\x0c\\x0e"}'))
    escaped = b"".join(b"\x0c" + bytes([b]) if b in b"\x0b\x0c\x0e" else bytes([b]) for b in field)
    assert inside == sha256(b"\x0b\xd0" + escaped + b"\x0e").digest()


@pytest.mark.parametrize("value", ["3100", "3e820000", "d186852101842101"])
def test_what_the_format_forbids_has_no_hash(value: str) -> None:
    with pytest.raises(IonFormatError):
        of(value)
