import pytest

from qldb_replay.errors import IonFormatError
from qldb_replay.ion.framing import body_bounds, read_varint, read_varuint, value_end


@pytest.mark.parametrize(
    ("value", "end"),
    [
        ("0f", 1),
        ("10", 1),
        ("11", 1),
        ("1f", 1),
        ("2105", 2),
        ("2e8105", 3),
        ("2e000000000000008105", 10),
        ("2f", 1),
        ("40", 1),
        ("4400000000", 5),
        ("480000000000000000", 9),
        ("6f", 1),
        ("83616263", 4),
        ("8e83616263", 5),
        ("8e0083616263", 6),
        ("d0", 1),
        ("d1828410", 4),
        ("df", 1),
        ("e3818420", 4),
        ("00", 1),
        ("0100", 2),
        ("0e8200ff", 4),
        ("0a31323334353637383930", 11),
    ],
)
def test_a_value_ends_where_its_header_says(value: str, end: int) -> None:
    data = bytes.fromhex(value)
    assert value_end(data + b"\x0f", 0, len(data) + 1) == end
    assert value_end(b"\xff" + data, 1, len(data) + 1) == end + 1
    assert body_bounds(data, 0, len(data))[1] == end


@pytest.mark.parametrize(
    "value",
    [
        "",
        "12",
        "1e",
        "30",
        "41",
        "4e88",
        "60",
        "61",
        "d180",
        "e00100ea",
        "e1",
        "e2",
        "ef",
        "f0",
        "ff",
    ],
)
def test_an_invalid_descriptor_is_refused_where_it_stands(value: str) -> None:
    with pytest.raises(IonFormatError) as caught:
        value_end(b"\x0f" + bytes.fromhex(value), 1, len(value) // 2 + 1)
    assert caught.value.offset == 1


@pytest.mark.parametrize("value", ["21", "8e83", "8e8361", "8e", "8e00", "8e0000", "0e85", "b3"])
def test_a_length_never_reaches_past_the_end(value: str) -> None:
    data = bytes.fromhex(value)
    with pytest.raises(IonFormatError):
        value_end(data + b"\x80\x80\x80", 0, len(data))


def test_a_length_of_any_size_takes_no_memory() -> None:
    with pytest.raises(IonFormatError, match="reaches past the end"):
        value_end(bytes.fromhex("8e7f7f7f7f7fff"), 0, 7)


def test_a_varuint_longer_than_ten_bytes_is_refused() -> None:
    assert read_varuint(b"\0" * 9 + b"\x81", 0, 10) == (1, 10)
    with pytest.raises(IonFormatError, match="too long"):
        read_varuint(b"\0" * 10 + b"\x81", 0, 11)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("80", (0, False, 1)),
        ("c0", (0, True, 1)),
        ("bf", (63, False, 1)),
        ("c1", (1, True, 1)),
        ("00c0", (64, False, 2)),
        ("40c0", (64, True, 2)),
        ("4080", (0, True, 2)),
    ],
)
def test_the_second_bit_of_a_varint_is_its_sign(
    value: str, expected: tuple[int, bool, int]
) -> None:
    data = bytes.fromhex(value)
    assert read_varint(data, 0, len(data)) == expected
