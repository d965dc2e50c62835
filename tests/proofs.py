"""What proof files of an invented ledger's blocks are made of."""

from __future__ import annotations

from qldb_replay.codec.decode import RecordDecoder
from qldb_replay.simulate.ledger import Block


def made_of(block: Block) -> dict[bytes, tuple[bytes, bytes]]:
    """What the hashes of a block's revisions are made of, those of deletions left out."""
    decoded = [RecordDecoder().decode(each.record) for each in block.revisions]
    return {
        each.hash: (each.revision.metadata_hash, each.revision.data_hash)
        for each in decoded
        if each.revision.kind != "delete"
    }
