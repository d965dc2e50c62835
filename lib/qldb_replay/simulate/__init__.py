"""An invented ledger with true hashes and an unbroken chain, written as a Firehose archive.

For demonstrations, tests and benchmarks. `simulate` writes the archive and, beside it, the digest
and proofs that the ledger's owner would have saved. It shares no code with the reading side.
"""

from __future__ import annotations

from qldb_replay.simulate.options import SimulateOptions
from qldb_replay.simulate.run import simulate
from qldb_replay.simulate.truth import Truth

__all__ = ["SimulateOptions", "Truth", "simulate"]
