"""Objects under Firehose's error prefix."""

import gzip
import json

import pytest

from qldb_replay.archive import read_object
from qldb_replay.archive.error_lines import LONGEST_LINE
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


def reasons(segments):
    return [segment.reason for segment in segments if segment.reason]


@pytest.mark.parametrize("delimiter", [b"\n", b"\r\n", b"", b"\n\n"])
def test_each_record_lies_where_its_line_lies(make, split, delimiter):
    wanted = [make.record(bytes([index]) * 50) for index in range(5)]
    lines = [make.error_line(data) for data in wanted]
    content = delimiter.join(lines) + delimiter
    segments = split(content)
    assert records(segments) == wanted
    found = [segment for segment in segments if segment.kind == "record"]
    assert [content[s.offset : s.offset + s.length] for s in found] == lines
    assert {segment.part for segment in found} == {0}


def test_several_records_of_one_line_are_told_apart_by_part(make, split):
    wanted = [make.record(b"1"), make.record(b"2"), make.record(b"3")]
    line = make.error_line(b"\n".join(wanted))
    found = split(line + b"\n")[:3]
    assert [(s.offset, s.length, s.part) for s in found] == [(0, len(line), i) for i in range(3)]
    assert records(found) == wanted


def test_wrapped_records(make, split):
    one, two = make.record(b"1"), make.record(b"2")
    assert records(split(make.error_line(make.kpl(one, two)))) == [one, two]
    assert records(split(make.error_line(gzip.compress(one + two)))) == [one, two]


def test_damage_in_raw_data_has_the_place_of_the_line(make, split):
    one = make.record(b"1")
    line = make.error_line(one + b"garbage")
    record, damage, _ = split(line + b"\n")
    assert record.data == one
    assert (damage.offset, damage.length, damage.data) == (0, len(line), line)
    assert damage.reason == "in rawData: looks like text"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"errorCode":"x"}', "JSON object without rawData"),
        (b'{"rawData":"a!b"}', "rawData that is not base64"),
        (b'{"rawData":"YWJj!"}', "rawData that is not base64"),
        (b'{"rawData":"abc"}', "rawData that is not base64"),
        (b'{"rawData":null}', "rawData that is not base64"),
        (b'{"rawData":7}', "rawData that is not base64"),
        (b'{"rawData":"\xc3\xa9"}', "rawData that is not base64"),
        (b'{"rawData":"eyJyYXdEYXRhIjoiIn0="}', "in rawData: JSON"),
        (b'{"rawData":"H4sIAAAA"}', "in rawData: deflated data ends"),
        (b'{"a":' + b"[" * 99 + b"]" * 99 + b"}", "JSON object without rawData"),
        (b'{"a":' + b"[" * 100 + b"]" * 100 + b"}", "looks like JSON that is no Firehose"),
        (b'{"a":"' + b"[" * 101 + b'\\""}', "JSON object without rawData"),
        (b'{"rawData":', "looks like JSON that is no Firehose error line"),
        (b'{"a":' + b"[" * 200_000, "looks like JSON that is no Firehose error line"),
    ],
)
def test_lines_without_a_record(make, split, line, reason):
    good = make.error_line(make.record(b"1"))
    segments = split(b"\n".join([good, line, good]))
    assert records(segments) == [make.record(b"1")] * 2
    (found,) = reasons(segments)
    assert found.startswith(reason.removesuffix("JSON"))


def test_a_line_with_an_empty_record_is_framing(split):
    assert [segment.kind for segment in split(b'{"rawData":""}\n')] == ["framing", "framing"]


def test_lines_and_bare_records_in_one_object(make, split):
    one, two, three = (make.record(content) for content in (b"1", b"2", b"3"))
    for delimiter in (b"", b"\n"):
        content = delimiter.join([one, make.error_line(two), three])
        assert records(split(content)) == [one, two, three]


def test_many_lines_without_a_line_break(make, split):
    wanted = [make.record(bytes([index % 256]) * 20_000) for index in range(300)]
    content = b"".join(map(make.error_line, wanted))
    assert len(content) > LONGEST_LINE
    assert records(split(content)) == wanted


def test_a_line_beyond_the_longest_is_damage(make, split):
    good = make.error_line(make.record(b"1"))
    long = json.dumps({"rawData": "A" * LONGEST_LINE}).encode()
    segments = split(good + b"\n" + long + b"\n" + good)
    assert records(segments) == [make.record(b"1")] * 2
    assert len(reasons(segments)) == 1
