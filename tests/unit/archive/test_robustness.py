"""Any content, any cut, any damage: every byte is accounted for and good records are found."""

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qldb_replay.archive import read_object
from qldb_replay.archive.foreign import recognise
from qldb_replay.archive.framer import Framer, lookahead
from qldb_replay.archive.window import Window
from qldb_replay.limits import DEFAULT_LIMITS

SMALL = replace(DEFAULT_LIMITS, record_bytes=3000, quarantine_bytes=64)

CONTENTS = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.binary(min_size=100, max_size=700),
        st.sampled_from([b"\xe0\x01\x00\xea", b"\n\xe0\x01\x00\xea", b"\xf3\x89\x9a\xc2", b'\n{"']),
    ),
    min_size=1,
    max_size=12,
)
DELIMITERS = st.sampled_from([b"", b"\n", b"\r\n", b"\n\n"])


def records(segments):
    return [segment.data for segment in segments if segment.kind == "record"]


@settings(deadline=None)
@given(st.data())
def test_any_records_in_any_wrapping(make, data):
    wanted = [make.record(content) for content in data.draw(CONTENTS)]
    content = data.draw(DELIMITERS).join(wanted)
    name = data.draw(st.sampled_from(sorted(make.compressions)))
    segments = list(read_object(make.compressions[name](content), DEFAULT_LIMITS, make.check))
    assert records(segments) == wanted
    make.assert_covers(segments, len(content))


@settings(deadline=None)
@given(st.data())
def test_any_chunks_give_the_same_segments(make, data):
    wanted = [make.record(content) for content in data.draw(CONTENTS)]
    wanted.append(make.kpl(*wanted[:3]))
    content = data.draw(DELIMITERS).join(wanted)
    for place in data.draw(st.lists(st.integers(0, len(content)), max_size=3)):
        content = content[:place] + data.draw(st.binary(max_size=40)) + content[place:]
    size = data.draw(st.integers(1, 5000))
    pieces = [content[index : index + size] for index in range(0, len(content), size)]

    def split(chunks, behind):
        window = Window(iter([(chunk, 0) for chunk in chunks]), behind)
        return list(Framer(window, SMALL, make.check, None))

    assert split(pieces, SMALL.record_bytes + 256) == split([content], lookahead(SMALL))


@st.composite
def damages(draw, content):
    """Changes one stretch of bytes; gives the result and the stretch in the original."""
    start = draw(st.integers(0, len(content) - 1))
    end = draw(st.one_of(st.just(start), st.integers(start, min(len(content), start + 40))))
    new = draw(st.one_of(st.binary(max_size=40), st.just(b"\xe0\x01\x00\xea"), st.just(b"\n")))
    return content[:start] + new + content[end:], start, end


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_damage_takes_only_what_it_touches(make, data):
    wanted = [make.record(bytes([i]) + c) for i, c in enumerate(data.draw(CONTENTS))]
    delimiter = data.draw(DELIMITERS)
    content = delimiter.join(wanted)
    damaged, start, end = data.draw(damages(content))
    reader = read_object(damaged, SMALL, make.check)
    # Damage that makes another kind of file of it takes it all.
    assume(recognise(damaged) is None and reader.compression == "none")
    segments = list(reader)
    make.assert_covers(segments, len(damaged))
    found = records(segments)
    place = 0
    for record in wanted:
        if place + len(record) + len(delimiter) < start or place > end:
            assert record in found
        place += len(record) + len(delimiter)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_wrappings_raise_nothing(make, data):
    wanted = [make.record(content) for content in data.draw(CONTENTS)]
    wrap = data.draw(
        st.sampled_from(
            [
                *make.compressions.values(),
                lambda content: make.kpl(*wanted),
                lambda content: b"\n".join(map(make.error_line, wanted)),
            ]
        )
    )
    damaged, _, _ = data.draw(damages(wrap(b"".join(wanted))))
    reader = read_object(damaged, SMALL, make.check)
    segments = list(reader)
    expanded = {(s.offset, s.length) for s in segments if s.kind != "unreadable"}
    make.assert_covers(segments, sum(length for _, length in expanded))


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(make, content):
    reader = read_object(content, SMALL, make.check)
    segments = list(reader)
    if reader.compression == "none":
        make.assert_covers(segments, len(content))


@pytest.mark.parametrize("size", [1, 7, 1000, 9001])
def test_windows_move_over_records_and_long_damage(make, size):
    records_ = [make.record(bytes([index]) * 500) for index in range(60)]
    content = b"\n".join(records_[:30]) + b"garbage" * 3000 + b"".join(records_[30:])
    content = content.replace(records_[40], b"\xe0\x01\x00" * 5001)
    pieces = [content[index : index + size] for index in range(0, len(content), size)]
    window = Window(iter([(piece, 0) for piece in pieces]), SMALL.record_bytes + 256)
    segments = list(Framer(window, SMALL, make.check, None))
    assert segments == list(read_object(content, SMALL, make.check))
    assert records(segments) == records_[:40] + records_[41:]
    make.assert_covers(segments, len(content))


@pytest.mark.parametrize("before_end", range(6))
def test_a_record_behind_damage_may_begin_across_a_windows_end(make, before_end):
    behind = SMALL.record_bytes + 256
    one = make.record(b"1")
    content = b"x" * (2 * behind - before_end) + one
    window = Window(iter([(content[i : i + 1], 0) for i in range(len(content))]), behind)
    assert records(Framer(window, SMALL, make.check, None)) == [one]


def test_the_expanded_object_is_never_held(make):
    one = make.record(bytes(1000))

    def chunks():
        for _ in range(3000):
            yield one * 10, 0

    window = Window(chunks(), lookahead(SMALL))
    largest = found = 0
    for segment in Framer(window, SMALL, make.check, None):
        largest = max(largest, len(window.data))
        found += segment.kind == "record"
    assert found == 30_000
    assert largest < 3 * lookahead(SMALL)


@pytest.mark.parametrize("failing", [b"", b"garbage" * 5000])
def test_unreadable_content_has_no_segments_of_its_own_kind_twice(make, failing):
    segments = list(read_object(b"\x1f\x8b" + failing, SMALL, make.check))
    assert [segment.kind for segment in segments] == ["unreadable"]
    assert segments[0].length == len(failing) + 2 - segments[0].offset
