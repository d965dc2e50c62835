"""The chain of a strand's blocks, examined a range of 2^k blocks at a time.

Each range is examined alone and leaves a summary of its two ends, its length and its root; what
lies between ranges follows from the summaries. So no process needs a whole strand, and growth costs
the last range only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from qldb_replay.journal.digest import fold_roots, subtree_root
from qldb_replay.journal.fields import HASH_BYTES

RANGE_BITS = 14
"""k: a range has 16,384 blocks, and a thousand million blocks are 61,036 ranges."""


class Link(NamedTuple):
    """A block as its neighbours see it.

    Attributes:
        sequence_no: its number.
        block_hash: its stored hash, None or empty where it has none.
        previous_block_hash: the stored hash of the block before.
        time: microseconds since 1970 UTC, None where it has none.
    """

    sequence_no: int
    block_hash: bytes | None
    previous_block_hash: bytes | None
    time: int | None


class Breach(NamedTuple):
    """A finding between two blocks.

    Attributes:
        code: of the finding.
        sequence_no: where it is.
        expected: what should be there.
        actual: what is there.
        detail: what a person needs to know.
    """

    code: str
    sequence_no: int
    expected: str | None
    actual: str | None
    detail: str


class Range(NamedTuple):
    """Consecutive places of a strand, the first one a multiple of 2^k.

    Attributes:
        number: of the range, from 0.
        first: the first block that is there.
        last: the last one.
        blocks: how many there are.
        root: root over its block hashes; None where it does not begin at its first place, has a
            hole, or a block has no hash of 32 bytes.
    """

    number: int
    first: Link
    last: Link
    blocks: int
    root: bytes | None


def examine(number: int, links: Iterable[Link]) -> tuple[Range, list[Breach]]:
    """Examines the blocks of one range.

    Args:
        number: of the range.
        links: its blocks by sequence number, at least one, each number once.

    Returns:
        The range, and what is found between its blocks.
    """
    blocks = list(links)
    breaches = [breach for before, after in pairwise(blocks) for breach in between(before, after)]
    first, last = blocks[0], blocks[-1]
    whole = first.sequence_no == number << RANGE_BITS and _is_unbroken(first, last, len(blocks))
    return Range(number, first, last, len(blocks), _root(blocks) if whole else None), breaches


def _is_unbroken(first: Link, last: Link, blocks: int) -> bool:
    return last.sequence_no - first.sequence_no + 1 == blocks


def _root(blocks: Sequence[Link]) -> bytes | None:
    hashes = [link.block_hash or b"" for link in blocks]
    return subtree_root(hashes) if all(len(each) == HASH_BYTES for each in hashes) else None


def between(before: Link, after: Link) -> Iterator[Breach]:
    """Compares a block with the one before it that is there.

    Args:
        before: the earlier block.
        after: the later one.

    Yields:
        `block-missing`, at the first number missing, or `chain-break` and `time-order`, at the
        later block, where nothing is missing.
    """
    number = after.sequence_no
    missing = number - before.sequence_no - 1
    if missing:
        yield Breach(
            "block-missing",
            before.sequence_no + 1,
            f"{missing} blocks",
            "none",
            f"blocks {before.sequence_no + 1} to {number - 1} are missing between block "
            f"{before.sequence_no} and block {number}",
        )
        return
    if after.previous_block_hash != before.block_hash:
        yield Breach(
            "chain-break",
            number,
            (before.block_hash or b"").hex(),
            (after.previous_block_hash or b"").hex(),
            f"previousBlockHash is not the hash of block {before.sequence_no}",
        )
    if before.time is not None and after.time is not None and after.time < before.time:
        yield Breach(
            "time-order",
            number,
            f"not before {before.time}",
            str(after.time),
            f"its time, in microseconds since 1970, is before that of block {before.sequence_no}",
        )


def join(ranges: Sequence[Range]) -> list[Breach]:
    """Finds what lies between a strand's ranges, and before the first of them.

    Args:
        ranges: all ranges of a strand that have a block, by number.

    Returns:
        What is found: `head-missing`, at 0, if the strand does not start there, and what `between`
        gives of neighbouring ends.
    """
    breaches = []
    start = ranges[0].first.sequence_no
    if start > 0:
        detail = f"blocks 0 to {start - 1} are missing before block {start}"
        breaches.append(Breach("head-missing", 0, f"{start} blocks", "none", detail))
    for before, after in pairwise(ranges):
        breaches.extend(between(before.last, after.first))
    return breaches


def full_roots(ranges: Sequence[Range], count: int) -> list[bytes] | None:
    """Takes the roots of a strand's first ranges.

    Args:
        ranges: all ranges of the strand that have a block, by number.
        count: how many.

    Returns:
        Their roots, or None where one of them lacks a block or a hash.
    """
    roots = [
        each.root
        for number, each in enumerate(ranges[:count])
        if each.number == number and each.blocks == 1 << RANGE_BITS and each.root is not None
    ]
    return roots if len(roots) == count else None


def strand_digest(ranges: Sequence[Range]) -> bytes | None:
    """Computes the digest over all of a strand's blocks.

    Args:
        ranges: all ranges of the strand that have a block, by number.

    Returns:
        32 bytes, or None where a block is missing or has no hash.
    """
    last = ranges[-1]
    roots = full_roots(ranges, len(ranges) - 1)
    if roots is None or last.number != len(roots) or last.root is None:
        return None
    return fold_roots([*roots, last.root])
