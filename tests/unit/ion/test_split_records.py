import pytest
from hypothesis import given
from hypothesis import strategies as st

from qldb_replay.errors import IonFormatError
from qldb_replay.ion import split_records
from qldb_replay.ion.framing import IVM

RECORDS = [
    IVM + bytes.fromhex("e78183d487b28161" + "d38a2101"),
    IVM + bytes.fromhex("e78183d487b28162" + "d48a" + "82" + "0a0a"),
    IVM + b"\xae\x8e" + IVM + b"\n" + IVM + b"\r\n" + b"\0\0\0",
    IVM + bytes.fromhex("d0"),
]


@given(
    st.lists(st.sampled_from(RECORDS), min_size=1),
    st.sampled_from([b"", b"\n", b"\r\n"]),
    st.booleans(),
)
def test_joined_records_come_apart(records: list[bytes], delimiter: bytes, last: bool) -> None:
    data = delimiter.join(records) + (delimiter if last else b"")
    assert split_records(data) == records


def test_nothing_holds_no_records() -> None:
    assert split_records(b"") == []


def test_a_pad_that_begins_as_a_line_feed_does_is_part_of_its_record() -> None:
    padded = RECORDS[0] + b"\x0a" + b"0123456789"
    assert split_records(padded + RECORDS[1]) == [padded, RECORDS[1]]


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b"x", 0),
        (RECORDS[3] + b"\n\n", 5),
        (b"\n" + RECORDS[3], 0),
        (RECORDS[3] + b"\xff", 5),
        (RECORDS[0][:-1], 12),
        (RECORDS[3] + b"\xe0\x02\x00\xea", 5),
    ],
)
def test_anything_else_is_refused_where_it_stands(data: bytes, offset: int) -> None:
    with pytest.raises(IonFormatError) as caught:
        split_records(data)
    assert caught.value.offset == offset
