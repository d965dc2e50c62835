"""Stretches of blocks and the gaps in them."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from qldb_replay.journal.gaps import Gap, between, following, merged

gaps = st.lists(st.builds(lambda a, n: Gap(a, a + n), st.integers(0, 40), st.integers(0, 6)))


def numbers(stretches: list[Gap]) -> list[int]:
    return [number for gap in stretches for number in range(gap.first, gap.last + 1)]


@given(gaps)
def test_merging_changes_no_number(found) -> None:
    assert numbers(merged(found)) == sorted(set(numbers(found)))
    ends = merged(found)
    assert all(one.last + 1 < two.first for one, two in itertools.pairwise(ends))


@given(gaps, st.integers(0, 50), st.integers(0, 50))
def test_what_is_left_is_all_that_lies_in_no_gap(found, start, end) -> None:
    whole = Gap(min(start, end), max(start, end))
    left = numbers(between(whole, merged(found)))
    assert left == [n for n in numbers([whole]) if n not in set(numbers(found))]


@given(gaps, st.integers(0, 50))
def test_what_follows_is_the_next_number_in_no_gap(found, number) -> None:
    lacking = set(numbers(found))
    expected = next(n for n in itertools.count(number + 1) if n not in lacking)
    assert following(number, merged(found)) == expected
