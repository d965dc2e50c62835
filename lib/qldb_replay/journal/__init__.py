"""What journal records mean: kinds, revisions, blocks, the hash tree and its proofs.

Pure functions over bytes: no I/O, no Spark.
"""

from qldb_replay.journal.block import BlockChecks, check_block
from qldb_replay.journal.merkle import check_proof, dot, merkle_root
from qldb_replay.journal.revision import revision_hash

__all__ = [
    "revision_hash",
    "merkle_root",
    "dot",
    "check_block",
    "check_proof",
    "BlockChecks",
]
