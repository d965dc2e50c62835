"""QLDB's hash tree: two hashes to one, a list to its root, a proof to a digest.

The ledger's digest is the root over the hashes of all blocks, a block's entries hash the root over
its list of entries, its revisions' root the root over its revision summaries.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from hashlib import sha256

_SIGN = 0x80
_TO_SIGNED_ORDER = bytes(byte ^ _SIGN for byte in range(256))


def dot(left: bytes, right: bytes) -> bytes:
    """Joins two hashes; which comes first does not matter.

    QLDB: the smaller one goes first, compared as signed bytes from the last byte to the first; an
    empty hash leaves the other one as it is.

    Args:
        left: 32 bytes, or none.
        right: 32 bytes, or none.

    Returns:
        SHA-256 of both, or the one that is not empty.
    """
    if left == b"":
        return right
    if right == b"":
        return left
    if left[-1] != right[-1]:
        left_first = left[-1] ^ _SIGN < right[-1] ^ _SIGN
    else:
        left_first = _signed_order(left) < _signed_order(right)
    return sha256(left + right if left_first else right + left).digest()


def _signed_order(value: bytes) -> bytes:
    """Bytes that sort as the hash's signed bytes do from the last to the first."""
    return value[::-1].translate(_TO_SIGNED_ORDER)


def merkle_root(hashes: Sequence[bytes]) -> bytes:
    """Computes the root of the tree over a list of hashes.

    QLDB: neighbours are joined with `dot`, an odd last one moves up unchanged, until one is left.

    Args:
        hashes: the leaves in their order.

    Returns:
        The root; the leaf itself where there is one, empty where there is none.
    """
    level = list(hashes)
    while len(level) > 1:
        level = level_above(level)
    return level[0] if level else b""


def level_above(level: Sequence[bytes]) -> list[bytes]:
    """Joins each pair of neighbours of one level of the tree; an odd last one moves up unchanged.

    Args:
        level: its hashes in their order.

    Returns:
        The hashes of the level above.
    """
    above = [dot(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    if len(level) % 2:
        above.append(level[-1])
    return above


def check_proof(leaf: bytes, proof: Iterable[bytes], digest: bytes) -> bool:
    """Tells whether a proof leads from a hash to a digest.

    Args:
        leaf: hash of a revision or a block.
        proof: the hashes that GetRevision or GetBlock returned, in their order.
        digest: the ledger's digest.

    Returns:
        Whether joining the hashes one after the other ends at the digest. An empty leaf or digest
        proves nothing.
    """
    root = folded(leaf, proof)
    return root != b"" and root == digest


def folded(leaf: bytes, proof: Iterable[bytes]) -> bytes:
    """Joins the hashes of a proof to a leaf one after the other; returns where that leads."""
    return reduce(dot, proof, leaf)
