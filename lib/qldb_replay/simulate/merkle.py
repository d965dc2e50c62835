"""QLDB's hash trees: pairs, roots, the ledger digest, and proofs, computed as the ledger grows.

QLDB joins two hashes by sorting them as signed bytes from the last byte to the first and hashing
the smaller before the larger one; an empty hash leaves the other as it is. A tree joins neighbours
level by level; an odd last one moves up unchanged. The ledger digest is the root over all block
hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

_SIGNED = bytes(byte ^ 0x80 for byte in range(256))


def dot(left: bytes, right: bytes) -> bytes:
    """The hash of two hashes, whichever way round they come."""
    if not left:
        return right
    if not right:
        return left
    if left.translate(_SIGNED)[::-1] <= right.translate(_SIGNED)[::-1]:
        return sha256(left + right).digest()
    return sha256(right + left).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Root of the tree over `leaves`; empty for no leaves."""
    level = list(leaves)
    while len(level) > 1:
        pairs = [dot(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) & ~1 :]
    return level[0] if level else b""


def siblings(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root, in the order of folding."""
    path = []
    level = list(leaves)
    while len(level) > 1:
        if index ^ 1 < len(level):
            path.append(level[index ^ 1])
        pairs = [dot(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) & ~1 :]
        index //= 2
    return path


class Digest:
    """A ledger's digest over a stream of block hashes, with memory for one hash a tree level.

    A path given with a leaf grows into that leaf's proof: whenever the subtree that holds the leaf
    is joined with another one, the other's root is appended.
    """

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes, list[list[bytes]]]] = []

    def append(self, leaf: bytes, path: list[bytes] | None = None) -> None:
        """Add the next block's hash; `path` is the list to collect its siblings in, if wanted."""
        peak = (0, leaf, [] if path is None else [path])
        while self._peaks and self._peaks[-1][0] == peak[0]:
            peak = _join(self._peaks.pop(), peak)
        self._peaks.append(peak)

    def close(self) -> bytes:
        """The digest; completes every path. Nothing can be appended afterwards."""
        while len(self._peaks) > 1:
            right = self._peaks.pop()
            self._peaks.append(_join(self._peaks.pop(), right))
        return self._peaks[0][1] if self._peaks else b""


def _join(
    left: tuple[int, bytes, list[list[bytes]]], right: tuple[int, bytes, list[list[bytes]]]
) -> tuple[int, bytes, list[list[bytes]]]:
    for path in left[2]:
        path.append(right[1])
    for path in right[2]:
        path.append(left[1])
    return left[0] + 1, dot(left[1], right[1]), left[2] + right[2]
