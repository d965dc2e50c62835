"""What the ledger's owner saved: the digest, and some revisions with their proofs.

In the shapes that the AWS command line prints for GetDigest and GetRevision. A proof folds from the
revision's hash over its siblings in the block, the other entries, the previous block's hash, and
the siblings of the block in the ledger's tree.
"""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

from qldb_replay.simulate.ledger import Block, Revision, metadata_of
from qldb_replay.simulate.merkle import Digest, root, siblings
from qldb_replay.simulate.text import ion_text


class Keepsakes:
    """Follows the ledger block by block; keeps one hash a tree level and the few wanted proofs.

    Attributes:
        digest: the ledger digest once `close` was called.
    """

    def __init__(self, strand_id: str, revisions: int, proofs: int) -> None:
        """Begin with an empty ledger.

        Args:
            strand_id: the ledger's strand.
            revisions: how many the whole ledger will have.
            proofs: how many proofs to keep, from revisions spread evenly.
        """
        self.digest = b""
        self._strand_id = strand_id
        self._tree = Digest()
        self._wanted = [revisions * (number + 1) // (proofs + 1) for number in range(proofs)]
        self._seen = 0
        self._last_sequence_no = -1
        self._kept: list[tuple[str, list[bytes]]] = []

    def block(self, block: Block) -> None:
        """Add the ledger's next block."""
        path = None
        self._last_sequence_no = block.sequence_no
        self._seen += len(block.revisions)
        if self._wanted and block.revisions and self._seen > self._wanted[0]:
            revision = block.revisions[-1]
            path = _path_in_block(block, revision)
            self._kept.append((ion_text(self._revision(revision)), path))
            self._wanted = [wanted for wanted in self._wanted if wanted >= self._seen]
        self._tree.append(block.block_hash, path)

    def close(self, digest_file: Path, proofs_file: Path) -> None:
        """Write both files; the ledger has ended.

        Raises:
            OSError: a file cannot be written.
        """
        self.digest = self._tree.close()
        tip = {"strandId": self._strand_id, "sequenceNo": self._last_sequence_no}
        digest = {
            "Digest": b64encode(self.digest).decode(),
            "DigestTipAddress": {"IonText": ion_text(tip)},
        }
        proofs = [
            {"Proof": {"IonText": ion_text(path)}, "Revision": {"IonText": revision}}
            for revision, path in self._kept
        ]
        digest_file.write_text(json.dumps(digest, indent=4) + "\n", encoding="utf-8")
        proofs_file.write_text(json.dumps(proofs, indent=4) + "\n", encoding="utf-8")

    def _revision(self, revision: Revision) -> dict[str, Any]:
        change = revision.change
        data = {} if change.data is None else {"data": change.data}
        address = {"strandId": self._strand_id, "sequenceNo": revision.sequence_no}
        metadata = metadata_of(change, revision.time, revision.transaction_id)
        return {"blockAddress": address, "hash": revision.hash, **data, "metadata": metadata}


def _path_in_block(block: Block, revision: Revision) -> list[bytes]:
    hashes = [summary for summary, _ in block.summaries]
    path = siblings(hashes, revision.revision_index)
    path += siblings(block.entries, block.entries.index(root(hashes)))
    return [*path, block.previous_block_hash] if block.previous_block_hash else path
