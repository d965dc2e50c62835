"""The chain examined range by range, against the whole strand at once."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qldb_replay.journal import chain
from qldb_replay.journal.chain import Link, between, examine, full_roots, join, strand_digest
from qldb_replay.journal.merkle import merkle_root

BITS = 2


@pytest.fixture(autouse=True)
def _small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "RANGE_BITS", BITS)


def link(number: int) -> Link:
    previous = b"" if number == 0 else sha256(str(number - 1).encode()).digest()
    return Link(number, sha256(str(number).encode()).digest(), previous, number)


def ranges_of(links):
    """Examines a strand as the lake does, range by range."""
    ranges, breaches = [], []
    for number in sorted({each.sequence_no >> BITS for each in links}):
        own = [each for each in links if each.sequence_no >> BITS == number]
        found, inside = examine(number, own)
        ranges.append(found)
        breaches.extend(inside)
    return ranges, breaches + join(ranges)


def whole(links):
    """Examines a strand at once."""
    breaches = [b for before, after in pairwise(links) for b in between(before, after)]
    head = [("head-missing", 0)] if links[0].sequence_no else []
    return sorted([*head, *((b.code, b.sequence_no) for b in breaches)])


@given(st.sets(st.integers(0, 40), min_size=1), st.sets(st.integers(0, 40)))
def test_ranges_find_what_the_whole_strand_shows(numbers, forged):
    links = [
        link(number)._replace(previous_block_hash=b"x" * 32, time=number - 5)
        if number in forged
        else link(number)
        for number in sorted(numbers)
    ]

    ranges, breaches = ranges_of(links)

    assert sorted((b.code, b.sequence_no) for b in breaches) == whole(links)
    assert sum(each.blocks for each in ranges) == len(links)


@given(st.integers(1, 70))
def test_the_digest_is_the_root_over_all_blocks(length):
    links = [link(number) for number in range(length)]

    ranges, breaches = ranges_of(links)

    assert strand_digest(ranges) == merkle_root([each.block_hash for each in links])
    assert breaches == []


@given(st.integers(2, 70), st.data())
def test_no_digest_over_a_hole(length, data):
    missing = data.draw(st.integers(0, length - 2))
    links = [link(number) for number in range(length) if number != missing]

    ranges, _ = ranges_of(links)

    assert strand_digest(ranges) is None
    assert full_roots(ranges, len(ranges)) is None


@pytest.mark.parametrize("hash_", [None, b"", b"short"])
def test_no_digest_over_a_block_without_a_hash(hash_):
    links = [link(0), link(1)._replace(block_hash=hash_)]

    assert strand_digest(ranges_of(links)[0]) is None


def test_a_gap_is_named_once_with_its_neighbours():
    _, breaches = ranges_of([link(0), link(1), link(30)])

    assert [b[:2] for b in breaches] == [("block-missing", 2)]
    assert breaches[0].expected == "28 blocks"
    assert "2 to 29" in breaches[0].detail
    assert "block 1 and block 30" in breaches[0].detail


def test_no_chain_or_time_is_judged_across_a_gap():
    late = link(5)._replace(previous_block_hash=b"", time=-1)

    assert [b.code for b in between(link(2), late)] == ["block-missing"]
