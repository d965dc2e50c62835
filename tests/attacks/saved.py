"""Findings against what the ledger's owner saved: digests and proofs."""

from __future__ import annotations

from collections.abc import Iterable

from attacks.evidence import Archive
from attacks.findings import Finding, at_block, at_revision, finding
from qldb_replay.codec.decode import Decoded
from qldb_replay.simulate.merkle import dot, root


def against_digest(archive: Archive, strand_id: str, tip: int, digest: bytes) -> set[Finding]:
    """Compares a saved digest with the blocks from 0 to its tip; growth beyond it is no matter.

    `tail-missing`, at the first block missing, where the tip lies beyond the last block, whatever
    else is missing; else `digest-undecidable`, at the tip, where any block is; else
    `digest-mismatch`, at the tip.
    """
    numbers = archive.strands()[strand_id]
    if tip > numbers[-1]:
        return {finding("tail-missing", strand_id, numbers[-1] + 1)}
    if numbers[: tip + 1] != list(range(tip + 1)):
        return {finding("digest-undecidable", strand_id, tip)}
    hashes = [archive.blocks[strand_id, number].hash or b"" for number in range(tip + 1)]
    return set() if root(hashes) == digest else {finding("digest-mismatch", strand_id, tip)}


def against_proof(copy: Decoded, proof: Iterable[bytes], digest: bytes) -> set[Finding]:
    """Folds a saved proof of a revision's or a block's hash to the digest. Placed at either."""
    folded = copy.hash or b""
    for sibling in proof:
        folded = dot(folded, sibling)
    if folded == digest and copy.hash is not None:
        return set()
    place = at_block if copy.revision is None else at_revision
    return {place("proof-mismatch", copy)}
