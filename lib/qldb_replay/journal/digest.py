"""The ledger digest of a strand of any length, and the way from one of its blocks to it.

QLDB: the digest is the root over the block hashes of sequence numbers 0 to the tip, by the rule of
`merkle_root`; the block's number is its place among the leaves.

No process needs all leaves. Cut into ranges of 2^k blocks that begin at multiples of 2^k, a range
that is full is a subtree, and the last one, which may be shorter, has the root that odd nodes
moving up give it. So the tree over the ranges' roots is the upper part of the whole tree: with
k = 14, a thousand million blocks are 61,036 roots. Growth changes the last range alone, so roots of
full ranges can be kept; a digest of an earlier tip needs only the range that holds the tip anew,
its hashes cut behind the tip.
"""

from __future__ import annotations

from collections.abc import Sequence

from qldb_replay.journal.fields import HASH_BYTES
from qldb_replay.journal.merkle import level_above, merkle_root


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """Computes the root of one range of blocks.

    Args:
        hashes: block hashes of 2^k consecutive blocks, the first number a multiple of 2^k; of the
            strand's last range those that there are.

    Returns:
        The root, 32 bytes.

    Raises:
        ValueError: no hash, or one that has not 32 bytes. An empty one would let its neighbour
            stand for both, and so a digest over a hole pass for one of a ledger.
    """
    return merkle_root(_whole(hashes))


def fold_roots(roots: Sequence[bytes]) -> bytes:
    """Computes the digest from the roots of all ranges.

    Args:
        roots: what `subtree_root` gave of ranges of the same k, in the strand's order and without
            a gap.

    Returns:
        The digest, 32 bytes: `merkle_root` of all block hashes.

    Raises:
        ValueError: no root, or one that has not 32 bytes.
    """
    return merkle_root(_whole(roots))


def _whole(hashes: Sequence[bytes]) -> Sequence[bytes]:
    if len(hashes) == 0 or any(len(each) != HASH_BYTES for each in hashes):
        raise ValueError("a root needs hashes, each of 32 bytes")
    return hashes


def siblings(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Finds the hashes that lead from a leaf to the root over a list.

    Args:
        hashes: the leaves in their order.
        index: the leaf's place.

    Returns:
        What `dot` joins to the leaf, one after the other. On levels where the node is an odd last
        one there is nothing to join.

    Raises:
        IndexError: there is no such leaf.
    """
    if not 0 <= index < len(hashes):
        raise IndexError(f"no leaf {index} among {len(hashes)}")
    level = list(hashes)
    path = []
    while len(level) > 1:
        if index ^ 1 < len(level):
            path.append(level[index ^ 1])
        level = level_above(level)
        index //= 2
    return path


def block_path(
    sequence_no: int, bits: int, hashes: Sequence[bytes], roots: Sequence[bytes]
) -> list[bytes]:
    """Finds the hashes that lead from a block to the digest.

    Args:
        sequence_no: the block's number.
        bits: k, where ranges have 2^k blocks.
        hashes: block hashes of the block's own range, up to the tip.
        roots: roots of all ranges up to the tip, in their order.

    Returns:
        The proof that GetBlock gives of this block for that tip.

    Raises:
        IndexError: the block lies beyond the tip.
    """
    within = siblings(hashes, sequence_no & ((1 << bits) - 1))
    return within + siblings(roots, sequence_no >> bits)


def path_length(index: int, leaves: int) -> int:
    """Counts the hashes of a leaf's path, which depends on places alone.

    Args:
        index: the leaf's place; for a block its number.
        leaves: number of leaves; for a ledger one more than the tip.

    Returns:
        Length of what `siblings` gives.

    Raises:
        IndexError: there is no such leaf.
    """
    if not 0 <= index < leaves:
        raise IndexError(f"no leaf {index} among {leaves}")
    length = 0
    while leaves > 1:
        length += index ^ 1 < leaves
        index //= 2
        leaves = (leaves + 1) // 2
    return length
