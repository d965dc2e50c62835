"""Where records begin and end in plain content."""

import time
from dataclasses import replace

import pytest

from qldb_replay.archive import read_object
from qldb_replay.errors import IonFormatError, RecordFormatError
from qldb_replay.limits import DEFAULT_LIMITS, Limits

SMALL = replace(DEFAULT_LIMITS, record_bytes=10_000, quarantine_bytes=50)


@pytest.fixture(scope="module")
def split(make):
    def run(content, limits=SMALL):
        segments = list(read_object(content, limits, make.check))
        make.assert_covers(segments, len(content))
        return segments

    return run


def shapes(segments):
    return [(segment.kind, segment.length) for segment in segments]


def records(segments):
    return [segment.data for segment in segments if segment.kind == "record"]


@pytest.mark.parametrize(
    ("delimiter", "end"),
    [(b"", b""), (b"\n", b""), (b"\n", b"\n"), (b"\r\n", b"\r\n"), (b"\n\n\r\n", b"\n" * 80)],
)
def test_records_with_delimiters(make, split, delimiter, end):
    wanted = [make.record(b"one"), make.record(b"\n\r\n" * 50), make.record(b"")]
    segments = split(delimiter.join(wanted) + end)
    assert records(segments) == wanted
    assert {segment.kind for segment in segments} <= {"record", "framing"}


def test_empty_object_has_no_segments(split):
    assert split(b"") == []


def test_offsets_and_exact_bytes(make, split):
    one, two = make.record(b"1"), make.record(b"2")
    first, delimiter, second = split(one + b"\n" + two)
    assert first == ("record", 0, len(one), one, "", 0)
    assert delimiter == ("framing", len(one), 1, b"", "", 0)
    assert second == ("record", len(one) + 1, len(two), two, "", 0)


@pytest.mark.parametrize("pad", [b"\x04\0\0\0\0", b"\x0a" + bytes(10), b"\x0e\x83\n\n\n"])
def test_a_pad_behind_a_value_is_part_of_its_record(make, pad):
    padded, other = make.record(b"1") + pad, make.record(b"2")
    accepted = read_object(padded + other, SMALL, lambda data: None)
    assert records(accepted) == [padded, other]
    cut_off = list(read_object(padded + other, SMALL, make.check))
    assert records(cut_off) == [make.record(b"1"), other]
    assert "damage" in [segment.kind for segment in cut_off]


def test_a_pad_that_ends_the_object_looks_like_a_delimiter_and_is_one(make, split):
    assert shapes(split(make.record(b"1") + b"\n"))[1] == ("framing", 1)


def test_a_marker_in_a_blob_begins_no_record(make, split):
    wanted = [make.record(make.record(b"inner")), make.record(make.IVM * 20), make.record(b"x")]
    assert records(split(b"".join(wanted))) == wanted


def test_values_that_are_no_record_are_for_the_decoder_to_judge(make, split):
    wanted = [make.IVM + b"\x21\x05", make.IVM + b"\x20\x20\xd0", make.record(b"1")]
    assert records(split(b"".join(wanted))) == wanted


@pytest.mark.parametrize(
    "garbage", [b"garbage", b"{no json", b"\x0d\xff\xfe", b"\x00" * 5000, b"{"]
)
@pytest.mark.parametrize("delimiter", [b"", b"\n"])
def test_garbage_between_records_takes_none_with_it(make, split, garbage, delimiter):
    one, two = make.record(b"1"), make.record(b"2")
    segments = split(delimiter.join([one, garbage, two]))
    assert records(segments) == [one, two]
    (damage,) = [segment for segment in segments if segment.kind == "damage"]
    assert damage.data == (garbage + delimiter)[: SMALL.quarantine_bytes]


def test_garbage_before_the_first_record(make, split):
    one = make.record(b"1")
    assert shapes(split(b"xyz" + one)) == [("damage", 3), ("record", len(one))]


def test_truncated_tail(make, split):
    one, two = make.record(b"1"), make.record(b"2" * 300)
    record, damage = split(one + two[:-7])
    assert record.data == one
    assert (damage.kind, damage.offset, damage.length) == ("damage", len(one), len(two) - 7)
    assert "reaches past the end" in damage.reason
    assert "2222" not in damage.reason


def test_a_length_of_a_tebibyte_allocates_nothing(make, split):
    one = make.record(b"1")
    huge = make.IVM + make.TABLE + b"\xde" + make.varuint(1 << 40) + b"rest"
    assert records(split(one + huge + one)) == [one, one]


def test_a_length_that_ends_at_a_later_record_swallows_none(make, split):
    wanted = [make.record(bytes([index]) * 200) for index in range(4)]
    struct = len(make.IVM + make.TABLE) + 1
    longer = len(wanted[0]) * 2 - struct - 2
    broken = wanted[0][:struct] + make.varuint(longer) + wanted[0][struct + 2 :]
    segments = split(broken + b"".join(wanted[1:]))
    assert records(segments) == wanted[1:]


def test_every_length_that_a_bit_flip_can_make(make, split):
    wanted = [make.record(bytes([index]) * 470) for index in range(6)]
    struct = len(make.IVM + make.TABLE) + 1
    content = b"".join(wanted)
    for byte in range(struct - 1, struct + 2):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[len(wanted[0]) + byte] ^= 1 << bit
            found = records(split(bytes(damaged)))
            assert [item for item in found if item in wanted] == [wanted[0], *wanted[2:]]


def test_a_record_longer_than_the_limit_is_damage(make, split):
    long, short = make.record(bytes(SMALL.record_bytes)), make.record(b"1")
    damage, record = split(long + short)
    assert (damage.kind, damage.length, record.data) == ("damage", len(long), short)
    assert "10000" in damage.reason


def test_only_what_check_accepts_begins_behind_damage(make, split):
    lure = make.IVM + make.TABLE + b"\xd3\x8a\x21\x01"
    one = make.record(b"1")
    segments = split(b"garbage" + lure + one)
    assert shapes(segments) == [("damage", 7 + len(lure)), ("record", len(one))]


def test_well_formed_ion_that_is_no_qldb_record_is_refused_behind_damage(make):
    def check(data):
        raise RecordFormatError("recordType is missing", 0)

    content = b"garbage" + make.record(b"1")
    assert shapes(read_object(content, SMALL, check)) == [("damage", len(content))]


def test_check_is_not_called_where_nothing_is_in_doubt(make):
    def refuse(data):
        raise IonFormatError("called", 0)

    one, line = make.record(b"1"), make.error_line(make.record(b"2"))
    content = one + b"\n" + one + b"\n\n\r\n" + one + line + b"\n" + one + b"\n" + line + one
    assert len(records(read_object(content, SMALL, refuse))) == 7


def test_a_marker_without_a_value_is_damage(make, split):
    damage, record = split(make.IVM * 3 + make.record(b"1"))
    assert (damage.kind, damage.length) == ("damage", 12)
    assert record.kind == "record"


HOSTILE = {
    "markers": b"\xe0\x01\x00\xea",
    "markers in a chain of values": b"\xe0\x01\x00\xea\xe3abc\xde\x7f\x80",
    "nested structs to the end": b"\xe0\x01\x00\xea\xe3abc\xde\x01\x00\x80\x8a\xae\x01\x00\x80",
    "nested in strings": b"\x86\xe0\x01\x00\xea\x20",
    "frames": b"\xf3\x89\x9a\xc2\x0a\x7f",
    "nested frames": b"\xf3\x89\x9a\xc2\x0a\x80\x80\x04",
    "line breaks": b"\n",
    "both line breaks": b"\r\n",
    "open JSON": b'{"a":[\n',
    "empty error lines": b'{"rawData":""}',
}


@pytest.mark.parametrize("pattern", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bytes_cost_no_more_than_their_number(make, pattern):
    checked = 0

    def check(data):
        nonlocal checked
        checked += len(data)
        raise IonFormatError("no", 0)

    def seconds(size):
        begin = time.process_time()
        for segment in read_object(make.IVM + pattern * (size // len(pattern)), Limits(), check):
            assert segment.kind != "record" or len(segment.data) < 100
        return time.process_time() - begin

    small = seconds(50_000)
    assert seconds(400_000) < 40 * small + 0.5
    assert checked < 8 * DEFAULT_LIMITS.record_bytes + 5 * 450_000
