"""Aggregates of the Kinesis Producer Library."""

import hashlib

import pytest

from qldb_replay.archive import read_object
from qldb_replay.limits import DEFAULT_LIMITS


@pytest.fixture(scope="module")
def split(make):
    def run(content):
        segments = list(read_object(content, DEFAULT_LIMITS, make.check))
        make.assert_covers(segments, len(content))
        return segments

    return run


def records(segments):
    return [segment.data for segment in segments if segment.kind == "record"]


def test_frames_one_behind_the_other(make, split):
    wanted = [make.record(bytes([index]) * index * 30) for index in range(9)]
    content = make.kpl(*wanted[:4]) + make.kpl(wanted[4]) + b"\n" + make.kpl(*wanted[5:])
    segments = split(content)
    assert records(segments) == wanted
    assert {segment.kind for segment in segments} == {"record", "framing"}
    for segment in segments:
        if segment.kind == "record":
            assert content[segment.offset : segment.offset + segment.length] == segment.data


def test_bare_records_before_and_behind_a_frame(make, split):
    one, two, three = (make.record(content) for content in (b"1", b"2", b"3"))
    assert records(split(one + make.kpl(two) + three)) == [one, two, three]
    assert records(split(one + b"\n" + make.kpl(two) + b"\r\n" + three)) == [one, two, three]


def test_frame_without_records(make, split):
    assert [segment.kind for segment in split(make.kpl())] == ["framing"]


def test_user_record_that_is_no_ion(make, split):
    segments = split(make.kpl(make.record(b"1"), b"text", b"", make.record(b"2")))
    assert records(segments) == [make.record(b"1"), make.record(b"2")]
    (damage,) = [segment for segment in segments if segment.kind == "damage"]
    assert (damage.data, damage.reason) == (b"text", "KPL record that is no binary Ion")


def test_a_frame_whose_md5_does_not_fit_is_damage_around_records_that_prove_themselves(make, split):
    one, two, three = (make.record(content * 100) for content in (b"1", b"2", b"3"))
    frame = bytearray(make.kpl(one, two, three))
    frame[frame.index(two) + 60] ^= 1
    segments = split(bytes(frame) + make.kpl(one))
    assert records(segments) == [one, three, one]
    assert "KPL frame whose MD5 fits nowhere" in [segment.reason for segment in segments]


def test_every_changed_byte(make, split):
    one, two, three = (make.record(content) for content in (b"1", b"2", b"3"))
    frame = make.kpl(one, two)
    for place in range(len(frame)):
        damaged = bytearray(frame)
        damaged[place] ^= 0x2A
        found = records(split(three + bytes(damaged) + make.kpl(three)))
        assert found[0] == found[-1] == three
        assert one in found or two in found


def test_every_truncation(make, split):
    one, two = make.record(b"1"), make.record(b"2")
    frame = make.kpl(one, two)
    for end in range(1, len(frame)):
        assert records(split(make.kpl(one) + frame[:end]))[:1] == [one]


def test_a_frame_whose_md5_fits_nowhere_gives_what_proves_itself(make, split):
    inner = make.protobuf(3, make.protobuf(3, make.record(b"1")))
    false_end = inner + hashlib.md5(b"another").digest()
    assert records(split(b"\xf3\x89\x9a\xc2" + false_end)) == [make.record(b"1")]


def test_real_frame(real, make):
    folder = real / "evidence-store-seq14"
    wanted = [path.read_bytes() for path in sorted(folder.glob("*.10n"))]
    content = (folder / "seq14.kpl").read_bytes()
    for frames in (1, 3):
        segments = list(read_object(content * frames, DEFAULT_LIMITS, make.check))
        make.assert_covers(segments, len(content) * frames)
        assert records(segments) == wanted * frames
    assert records(read_object(b"\n".join(wanted), DEFAULT_LIMITS, make.check)) == wanted
