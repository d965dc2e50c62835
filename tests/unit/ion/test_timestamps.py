from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qldb_replay.errors import IonFormatError
from qldb_replay.ion.canonical import signed, varint, varuint
from qldb_replay.ion.framing import read_varint, read_varuint
from qldb_replay.ion.timestamps import (
    canonical,
    instant,
    read_timestamp,
    read_utc,
    to_micros,
    to_text,
)

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def body(moment: datetime, digits: int) -> bytes:
    parts = (moment.month, moment.day, moment.hour, moment.minute, moment.second)
    raw = b"\x80" + varuint(moment.year) + b"".join(map(varuint, parts))
    if digits:
        fraction = moment.microsecond // 10 ** (6 - digits)
        raw += varint(digits, True) + (signed(fraction, False) if fraction else b"")
    return raw


moments = st.datetimes(timezones=st.just(timezone.utc))


@given(moments, st.integers(0, 6))
def test_the_short_way_agrees_with_the_general_one(moment: datetime, digits: int) -> None:
    raw = body(moment, digits)
    stamp = read_timestamp(raw, 0, len(raw))
    assert canonical(stamp) == raw
    if moment.year >= 128:
        assert read_utc(raw) == (to_text(stamp), to_micros(stamp))
    unit = timedelta(microseconds=10 ** (6 - digits)) if digits else timedelta(seconds=1)
    assert to_micros(stamp) == (moment - EPOCH) // unit * unit // timedelta(microseconds=1)


@given(st.binary(min_size=1, max_size=13), moments)
def test_the_short_way_takes_nothing_that_the_general_one_refuses(
    tail: bytes, moment: datetime
) -> None:
    for raw in (tail, b"\x80" + tail, body(moment, 0)[:-1] + tail, body(moment, 0) + tail):
        short = read_utc(raw)
        if short is not None:
            stamp = read_timestamp(raw, 0, len(raw))
            assert short == (to_text(stamp), to_micros(stamp))
            assert canonical(stamp) == raw


@given(moments, st.integers(-1439, 1439))
def test_text_is_in_local_time(moment: datetime, offset: int) -> None:
    raw = varint(abs(offset), offset < 0) + body(moment, 0)[1:]
    try:
        local = moment.astimezone(timezone(timedelta(minutes=offset)))
    except OverflowError:
        with pytest.raises(IonFormatError):
            read_timestamp(raw, 0, len(raw))
        return
    expected = local.strftime("%m-%dT%H:%M:%S")
    expected = f"{local.year:04}-{expected}"
    zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    stamp = read_timestamp(raw, 0, len(raw))
    assert to_text(stamp) == expected + ("Z" if offset == 0 else zone)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("bc 80 8c 9f 97 80 80", "0001-01-01T00:00:00+01:00"),
        ("fc 4e90 81 81 80 80 80", "9999-12-31T23:00:00-01:00"),
    ],
)
def test_local_time_decides_about_the_year(raw: str, text: str) -> None:
    data = bytes.fromhex(raw)
    stamp = read_timestamp(data, 0, len(data))
    assert to_text(stamp) == text
    assert to_micros(stamp) is None


@pytest.mark.parametrize(
    "raw",
    [
        "c0 80",
        "c0 4e90",
        "80 80 8c9f97bb80",
        "c0 0fd7 80",
        "c0 0fd7 8d",
        "c0 0fd7 8180",
        "c0 0fd7 829d",
        "c0 0eec 829d",
        "c0 0fd7 8181 80",
        "80 0fd7 8181 9880",
        "80 0fd7 8181 80bc",
        "80 0fd7 8181 8080bc",
        "80 0fd7 8181 808080 c10a",
        "80 0fd7 8181 808080 c181",
        "80 0fd7 8181 808080 8001",
        "80 0fd7 8181 808080 5fe1",
        "0ba0 0fd7 8181 8080",
        "80 0f",
    ],
)
def test_no_valid_time_is_refused(raw: str) -> None:
    data = bytes.fromhex(raw)
    with pytest.raises(IonFormatError):
        read_timestamp(data, 0, len(data))


def test_centuries_are_leap_years_every_fourth_time() -> None:
    data = bytes.fromhex("c0 0fd0 829d")
    assert to_text(read_timestamp(data, 0, len(data))) == "2000-02-29"


def test_an_instant_is_where_a_coarse_time_begins() -> None:
    day = bytes.fromhex("c00fd78181")
    fine = bytes.fromhex("800fd78181808080c90f")
    assert instant(read_timestamp(day, 0, len(day))) == 1167609600_000_000
    assert to_micros(read_timestamp(day, 0, len(day))) is None
    assert instant(read_timestamp(fine, 0, len(fine))) == 1167609600_000_000


@given(st.integers(0, 2**64), st.booleans())
def test_encodings_are_read_back_and_shortest(number: int, negative: bool) -> None:
    raw = varuint(number)
    assert read_varuint(raw, 0, len(raw)) == (number, len(raw))
    assert raw[0] != 0
    raw = varint(number, negative)
    assert read_varint(raw, 0, len(raw)) == (number, negative and number > 0, len(raw))
    assert len(raw) == 1 or raw[0] & 0x3F != 0 or raw[1] & 0x40 != 0
    raw = signed(number, negative)
    assert int.from_bytes(raw, "big") == number | negative << (8 * len(raw) - 1)
    assert len(raw) == 1 or raw[0] & 0x7F != 0 or raw[1] & 0x80 != 0
