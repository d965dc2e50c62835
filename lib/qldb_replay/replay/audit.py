"""A destination judged by itself: what it holds becomes an archive again, and that is verified.

The blocks' exact records and the revisions' exact parts are all that the checks need, so they are
the same checks as the lake's. Then the destination's other columns are held against what those
records give.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qldb_replay.destinations.interface import Destination
from qldb_replay.limits import MIB

OBJECT_BYTES = 16 * MIB


def write_archive(destination: Destination, folder: Path) -> int:
    """Writes what a destination holds as objects of an archive.

    Args:
        destination: what to read.
        folder: an empty folder, in which the objects are made.

    Returns:
        How many records it holds.
    """
    records = 0
    for number, (count, content) in enumerate(_objects(destination.records())):
        (folder / f"destination-{number:06d}").write_bytes(content)
        records += count
    return records


def _objects(records: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Puts records together into objects."""
    waiting: list[bytes] = []
    size = 0
    for record in records:
        waiting.append(record)
        size += len(record)
        if size >= OBJECT_BYTES:
            yield len(waiting), b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield len(waiting), b"".join(waiting)
