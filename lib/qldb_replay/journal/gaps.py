"""Where a ledger has gaps, and what of it lies between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Gap(NamedTuple):
    """Blocks that are missing.

    Attributes:
        first: number of the first.
        last: number of the last.
    """

    first: int
    last: int


def merged(gaps: Iterable[Gap]) -> list[Gap]:
    """Joins gaps that overlap or follow one another; gives them in order."""
    found: list[Gap] = []
    for gap in sorted(gaps):
        if found and gap.first <= found[-1].last + 1:
            found[-1] = Gap(found[-1].first, max(found[-1].last, gap.last))
        else:
            found.append(gap)
    return found


def between(whole: Gap, gaps: Sequence[Gap]) -> list[Gap]:
    """Returns what is left of a stretch of blocks without its gaps.

    Args:
        whole: the stretch.
        gaps: in order, none overlapping.
    """
    left, start = [], whole.first
    for gap in gaps:
        if gap.last < start or gap.first > whole.last:
            continue
        if start < gap.first:
            left.append(Gap(start, gap.first - 1))
        start = gap.last + 1
    if start <= whole.last:
        left.append(Gap(start, whole.last))
    return left


def following(sequence_no: int, gaps: Sequence[Gap]) -> int:
    """Returns the number of the block behind one that is there.

    Args:
        sequence_no: its number.
        gaps: in order, none overlapping.
    """
    found = sequence_no + 1
    for gap in gaps:
        if gap.first <= found <= gap.last:
            found = gap.last + 1
    return found
