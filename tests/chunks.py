"""Source transactions made by hand, as replay hands them to a destination."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pyarrow as pa

from qldb_replay.destinations.interface import (
    BLOCKS,
    REVISIONS,
    STATEMENTS,
    Checkpoint,
    Chunk,
    Destination,
    LedgerTable,
)

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
STRAND = "strand"
CARS = LedgerTable(
    "id-of-cars",
    "Cars",
    "Cars_history",
    "Cars",
    "Cars_versions",
    "Cars_columns",
    "Cars_history_columns",
    indexes=("VIN", "a'b"),
)


def revision(number: int, document: str, version: int, data: str | None, **more) -> dict:
    operation = "DELETE" if data is None else "INSERT" if version == 0 else "UPDATE"
    row = {
        "table_id": CARS.table_id,
        "document_id": document,
        "version": version,
        "operation": operation,
        "is_redacted": False,
        "tx_id": f"tx{number}",
        "tx_time": START + timedelta(seconds=number),
        "strand_id": STRAND,
        "sequence_no": number,
        "revision_index": 0,
        "data": data,
        "data_ion": None if data is None else data.encode(),
        "hash": bytes(32),
        "metadata_ion": b"metadata",
        "data_hash": None if data is None else bytes(32),
    }
    return {**row, **more}


def chunk(first: int, last: int, revisions: list[dict], statement: str = "SELECT 1") -> Chunk:
    numbers = range(first, last + 1)
    times = [START + timedelta(seconds=number) for number in numbers]
    blocks = [
        [STRAND] * len(numbers),
        list(numbers),
        [bytes([number]) * 32 for number in numbers],
        [bytes(32)] * len(numbers),
        [bytes(32)] * len(numbers),
        [f"tx{number}" for number in numbers],
        times,
        [b"\xe0\x01\x00\xea"] * len(numbers),
    ]
    said = [
        [STRAND] * len(numbers),
        list(numbers),
        [0] * len(numbers),
        [statement] * len(numbers),
        times,
        ['["d1"]'] * len(numbers),
    ]
    by_table = {}
    for row in revisions:
        by_table.setdefault(row["table_id"], []).append(row)
    return Chunk(
        first,
        last,
        pa.table(blocks, schema=BLOCKS),
        pa.table(said, schema=STATEMENTS),
        {each: pa.Table.from_pylist(rows, schema=REVISIONS) for each, rows in by_table.items()},
    )


def put(to: Destination, each: Chunk, point: Checkpoint, anew=()) -> Checkpoint:
    """Writes a chunk and moves the checkpoint behind it."""
    after = Checkpoint(STRAND, each.last, point.blocks + 1, point.revisions + each.rows)
    with to.transaction() as transaction:
        transaction.write(to.storable(each), {"Cars": CARS.table_id}, anew)
        transaction.move(point, after)
    return after
