"""Records decoded, verified, and written as JSON a second, by one thread.

    python benchmarks/codec.py [revisions]

The input is an invented ledger of the simulator, decoded from memory. CPU time is taken, best of
three passes, each with a new decoder. Beside it stands the time that hashing the same bytes once
with SHA-256 takes, which no verifier can beat.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from qldb_replay.codec.decode import RecordDecoder
from qldb_replay.simulate.ledger import Ledger
from qldb_replay.simulate.options import SimulateOptions

PASSES = 3


def make_records(revisions: int) -> tuple[list[bytes], list[bytes]]:
    """Invents a ledger.

    Args:
        revisions: number of revisions.

    Returns:
        Its REVISION_DETAILS records and its BLOCK_SUMMARY records.
    """
    options = SimulateOptions(
        out=Path("unused"), revisions=revisions, tables=("VehicleRegistration", "Person", "Orders")
    )
    blocks = list(Ledger(options))
    details = [revision.record for block in blocks for revision in block.revisions]
    return details, [block.record for block in blocks]


def seconds(work: Callable[[bytes], object], records: list[bytes]) -> float:
    """CPU seconds that a function needs for all records."""
    started = time.process_time()
    for record in records:
        work(record)
    return time.process_time() - started


def main() -> None:
    """Prints a line for revisions, for blocks, and for both together as they occur."""
    details, blocks = make_records(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
    for name, records in (
        ("REVISION_DETAILS", details),
        ("BLOCK_SUMMARY", blocks),
        ("3 : 1", details + blocks[: len(details) // 3]),
    ):
        size = sum(map(len, records))
        best = min(seconds(RecordDecoder().decode, records) for _ in range(PASSES))
        floor = min(seconds(lambda record: sha256(record).digest(), records) for _ in range(PASSES))
        print(
            f"{name:16} {len(records):7,} records of {size // len(records):5,} bytes: "
            f"{len(records) / best:7,.0f} records/s {size / best / 1e6:5.1f} MB/s, "
            f"{best / floor:.0f} times bare SHA-256"
        )


if __name__ == "__main__":
    main()
