"""Records decoded, verified, and written as JSON a second, by one thread.

    python benchmarks/codec.py [revisions]

The first lines are about the records alone of an invented ledger of three tables. Beside them
stands the time that hashing the same bytes once with SHA-256 takes, which no verifier can beat.
The last line is about all that is done with an archive once it was fetched: the simulator's default
archive of so many revisions is framed, decoded and put into Arrow batches. CPU time is taken, best
of three passes over what is in memory, each with a new decoder.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pyarrow.compute as pc

from qldb_replay.codec import decode_objects
from qldb_replay.codec.decode import RecordDecoder
from qldb_replay.codec.objects import FetchedObject
from qldb_replay.limits import DEFAULT_LIMITS
from qldb_replay.simulate import SimulateOptions, simulate
from qldb_replay.simulate.ledger import Ledger

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


def make_archive(revisions: int) -> list[FetchedObject]:
    """Invents an archive with the simulator's default options.

    Args:
        revisions: number of revisions.

    Returns:
        Its objects.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "archive")
        simulate(SimulateOptions(out=root, revisions=revisions))
        files = sorted(path for path in root.rglob("*") if path.is_file())
        return [(path.name, path.read_bytes(), None) for path in files]


def archive_pass(objects: list[FetchedObject]) -> tuple[float, int]:
    """CPU seconds that an archive takes from bytes to Arrow batches, and its number of records."""
    started = time.process_time()
    records = 0
    for batch in decode_objects(objects, DEFAULT_LIMITS):
        records += pc.sum(pc.equal(batch.column("kind"), "record")).as_py()
    return time.process_time() - started, records


def seconds(work: Callable[[bytes], object], records: list[bytes]) -> float:
    """CPU seconds that a function needs for all records."""
    started = time.process_time()
    for record in records:
        work(record)
    return time.process_time() - started


def main() -> None:
    """Prints a line for revisions, for blocks, for both as they occur, and for a whole archive."""
    revisions = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    details, blocks = make_records(revisions)
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
    objects = make_archive(revisions)
    size = sum(len(content) for _, content, _ in objects)
    best, count = min(archive_pass(objects) for _ in range(PASSES))
    print(
        f"{'whole archive':16} {count:7,} records of {size // count:5,} bytes: "
        f"{count / best:7,.0f} records/s {size / best / 1e6:5.1f} MB/s, framed, decoded, in Arrow"
    )


if __name__ == "__main__":
    main()
