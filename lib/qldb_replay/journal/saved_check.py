"""Checking what people saved from GetRevision and GetBlock, against digests that they saved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qldb_replay.errors import UsageError
from qldb_replay.journal.block import read_block
from qldb_replay.journal.digest import path_length
from qldb_replay.journal.merkle import merkle_root
from qldb_replay.journal.revision import read_revision
from qldb_replay.journal.saved import BLOCK, REVISION, SavedDigest, SavedProof, read_revisions
from qldb_replay.journal.streams import open_stream


class SavedProofCheck(NamedTuple):
    """What checking a saved proof gave.

    Attributes:
        failures: what should be so and is not; none if the proof holds.
        digest: the digest that the proof leads to, None if to none of those given.
    """

    failures: tuple[str, ...]
    digest: SavedDigest | None


def check_content(proof: SavedProof) -> tuple[str, ...]:
    """Recomputes the hashes of what was saved.

    Args:
        proof: the revision or block.

    Returns:
        What should be so and is not.
    """
    return tuple(_check_revision(proof) if proof.kind == REVISION else _check_block(proof))


def check_way(proof: SavedProof, digests: Sequence[SavedDigest]) -> SavedProofCheck:
    """Checks the way from what was saved to one of the digests; its content is not looked at.

    Args:
        proof: the revision or block and its proof.
        digests: saved digests; the answer does not say to which of them the proof leads.

    Returns:
        What fails, and the digest that is reached.

    Raises:
        UsageError: no digest is of the proof's strand.
    """
    own = [digest for digest in digests if digest.strand_id == proof.strand_id]
    if not own:
        raise UsageError(f"expected a digest of strand {proof.strand_id} for its saved proof")
    reached = next((each for each in own if each.digest == proof.root), None)
    if reached is None:
        return SavedProofCheck(("the proof leads to a saved digest",), None)
    fits = _fits(proof, reached)
    return SavedProofCheck(() if fits else ("the proof is one of its block's place",), reached)


def _fits(proof: SavedProof, digest: SavedDigest) -> bool:
    """Whether the proof is one of its block's place, which no hash covers.

    A block's has as many hashes as the place needs. A revision's has more, and as the sibling of an
    odd leaf is the block before, the previous block's hash twice where the block is odd.
    """
    if proof.sequence_no > digest.sequence_no:
        return False
    above = path_length(proof.sequence_no, digest.sequence_no + 1)
    within = len(proof.proof) - above
    if proof.kind == BLOCK:
        return within == 0
    if proof.sequence_no == 0:
        return within >= 0
    even = proof.sequence_no % 2 == 0
    return within > 0 and (even or proof.proof[within - 1] == proof.proof[within])


def _check_revision(proof: SavedProof) -> list[str]:
    matches = read_revision(*open_stream(proof.ion)).hash_matches
    return [] if matches else ["the revision's hash is that of its metadata and data"]


def _check_block(proof: SavedProof) -> list[str]:
    source, field = open_stream(proof.ion)
    block = read_block(source, field)
    checks = block.checks
    entries = [] if block.entries_hash_list is None else block.entries_hash_list
    revisions = read_revisions(source, field)
    steps = {
        "the block's hash joins its entries' hash and the previous block's hash": (
            checks.block_hash_matches
        ),
        "the entries' hash is the root over the entries": checks.entries_hash_matches,
        "the transactionInfo is an entry": checks.transaction_info_listed,
        "the redactionInfo is an entry": checks.redaction_info_listed,
    }
    if revisions:
        root = merkle_root([stored for stored, _ in revisions])
        steps["each revision's hash is that of its metadata and data"] = all(
            matches for _, matches in revisions
        )
        steps["the root over the revisions is an entry"] = root in entries
    return [what for what, holds in steps.items() if holds is False]
