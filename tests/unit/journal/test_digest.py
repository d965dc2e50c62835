"""Digests by ranges: any length, any range size, any place."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qldb_replay.journal import check_proof, merkle_root
from qldb_replay.journal.digest import (
    block_path,
    fold_roots,
    path_length,
    siblings,
    subtree_root,
)


def leaves(count: int) -> list[bytes]:
    return [sha256(bytes(str(number), "ascii")).digest() for number in range(count)]


def ranges(hashes: list[bytes], bits: int) -> list[list[bytes]]:
    size = 1 << bits
    return [hashes[start : start + size] for start in range(0, len(hashes), size)]


@given(st.integers(1, 300), st.integers(0, 9))
def test_ranges_fold_to_the_root_over_all_leaves(count: int, bits: int) -> None:
    hashes = leaves(count)
    roots = [subtree_root(each) for each in ranges(hashes, bits)]
    assert fold_roots(roots) == merkle_root(hashes)


@given(st.integers(1, 300), st.integers(0, 9), st.data())
def test_a_blocks_path_leads_to_the_digest_of_any_tip(
    count: int, bits: int, data: st.DataObject
) -> None:
    tip = data.draw(st.integers(0, count - 1))
    sequence_no = data.draw(st.integers(0, tip))
    covered = leaves(count)[: tip + 1]
    cut = ranges(covered, bits)
    roots = [subtree_root(each) for each in cut]
    path = block_path(sequence_no, bits, cut[sequence_no >> bits], roots)
    assert path == siblings(covered, sequence_no)
    assert check_proof(covered[sequence_no], path, fold_roots(roots))
    assert len(path) == path_length(sequence_no, tip + 1)


@pytest.mark.parametrize(
    ("sequence_no", "tip", "length"), [(100, 123, 7), (112, 113, 4), (22, 26, 5), (19, 35, 6)]
)
def test_published_proofs_have_as_many_hashes(sequence_no: int, tip: int, length: int) -> None:
    assert path_length(sequence_no, tip + 1) == length


def test_growth_leaves_the_roots_of_full_ranges() -> None:
    before = [subtree_root(each) for each in ranges(leaves(70), 4)]
    after = [subtree_root(each) for each in ranges(leaves(75), 4)]
    assert before[:-1] == after[:-1]
    assert before[-1] != after[-1]


@pytest.mark.parametrize("hashes", [[], [b""], [b"\1" * 32, b""], [b"\1" * 31]])
def test_a_hole_has_no_root(hashes: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        subtree_root(hashes)
    with pytest.raises(ValueError, match="32 bytes"):
        fold_roots(hashes)


@pytest.mark.parametrize(("index", "count"), [(-1, 3), (3, 3), (0, 0)])
def test_a_leaf_that_is_not_there_has_no_path(index: int, count: int) -> None:
    with pytest.raises(IndexError):
        siblings(leaves(count), index)
    with pytest.raises(IndexError):
        path_length(index, count)
    with pytest.raises(IndexError):
        block_path(count, 2, leaves(count % 4), leaves(1))
