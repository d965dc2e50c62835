"""The ledger in order, cut into chunks of whole transactions: rows in, chunks out, by batches.

Runs on executors, over partitions that each hold a stretch of the ledger in order, and hands over
a chunk as Arrow streams: the driver passes bytes on, not rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qldb_replay.destinations.interface import BLOCKS, REVISIONS, STATEMENTS, Chunk
from qldb_replay.journal.gaps import Gap

PIECES = pa.schema(
    [
        pa.field("first", pa.int64()),
        pa.field("last", pa.int64()),
        pa.field("blocks", pa.binary()),
        pa.field("statements", pa.binary()),
        pa.field("table_ids", pa.list_(pa.string())),
        pa.field("revisions", pa.list_(pa.binary())),
    ]
)
"""A chunk: Arrow streams of its blocks, its statements, and its revisions table by table."""

# What Spark carries to the driver is copied several times on its way.
_PACKED = pa.ipc.IpcWriteOptions(compression="lz4")


class Sizes(NamedTuple):
    """How large a chunk gets before it ends with its transaction.

    Attributes:
        rows: blocks and revisions.
        bytes: of exact Ion and JSON.
    """

    rows: int
    bytes: int


Batches = Iterator[pa.RecordBatch]


def cutter(sizes: Sizes, gaps: Sequence[Gap]) -> Callable[[Batches], Batches]:
    """Makes the function that cuts a partition into chunks.

    Args:
        sizes: of a chunk.
        gaps: blocks to leave out, in order.

    Returns:
        A function from batches of ordered rows (`sequence_no`, `block`, `revision`: one of the two
        structs is null) to batches of `PIECES`.
    """
    firsts = np.array([gap.first for gap in gaps], np.int64)
    lasts = np.array([gap.last for gap in gaps], np.int64)

    def cut(batches: Batches) -> Batches:
        waiting = None
        for batch in batches:
            rows = _outside(pa.Table.from_batches([batch]), firsts, lasts)
            table = rows if waiting is None else pa.concat_tables([waiting, rows])
            ends = _ends(table, sizes)
            start = 0
            for end in ends:
                yield _piece(table.slice(start, end - start))
                start = end
            waiting = table.slice(start).combine_chunks()
        if waiting is not None and waiting.num_rows:
            yield _piece(waiting)

    return cut


def _outside(rows: pa.Table, firsts: Any, lasts: Any) -> pa.Table:
    """Leaves out what lies in a gap."""
    if not len(firsts):
        return rows
    numbers = rows["sequence_no"].to_numpy()
    before = np.searchsorted(firsts, numbers, "right") - 1
    within = (before >= 0) & (numbers <= lasts[before])
    return rows.filter(pa.array(~within))


def _ends(rows: pa.Table, sizes: Sizes) -> list[int]:
    """Finds where chunks end whose transactions are all there: the last one may still go on."""
    numbers = rows["sequence_no"].to_numpy()
    starts = np.flatnonzero(np.diff(numbers)) + 1
    grown = np.cumsum(_bytes(rows))
    ends: list[int] = []
    begin = 0
    while begin < len(numbers):
        used = grown[begin - 1] if begin else 0
        most = min(begin + sizes.rows, int(np.searchsorted(grown, used + sizes.bytes, "right")))
        if most >= len(numbers):
            break
        place = int(np.searchsorted(starts, most, "right")) - 1
        if place < 0 or starts[place] <= begin:
            place += 1
        if place >= len(starts):
            break
        begin = int(starts[place])
        ends.append(begin)
    return ends


def _bytes(rows: pa.Table) -> Any:
    flat = rows.flatten()
    total = np.zeros(rows.num_rows, np.int64)
    for name in ("block.ion", "revision.data", "revision.data_ion"):
        total += pc.fill_null(pc.binary_length(flat[name]), 0).to_numpy()
    return total


def _piece(rows: pa.Table) -> pa.RecordBatch:
    numbers = rows["sequence_no"]
    flat = rows.flatten()
    blocks = flat.filter(pc.is_valid(flat["block.ion"]))
    revisions = flat.filter(pc.is_valid(flat["revision.document_id"]))
    ids = pc.unique(revisions["revision.table_id"]).to_pylist()
    own = [revisions.filter(pc.equal(revisions["revision.table_id"], each)) for each in ids]
    row = {
        "first": pc.min(numbers).as_py(),
        "last": pc.max(numbers).as_py(),
        "blocks": _stream(_taken(blocks, "block", BLOCKS)),
        "statements": _stream(_statements(blocks)),
        "table_ids": ids,
        "revisions": [_stream(_taken(each, "revision", REVISIONS)) for each in own],
    }
    return pa.RecordBatch.from_pylist([row], schema=PIECES)


def _taken(flat: pa.Table, prefix: str, schema: pa.Schema) -> pa.Table:
    columns = [flat[f"{prefix}.{name}"] for name in schema.names]
    return pa.table(columns, names=schema.names).cast(schema)


def _statements(blocks: pa.Table) -> pa.Table:
    said = blocks["block.statements"].combine_chunks()
    parents = pc.list_parent_indices(said)
    each = pc.list_flatten(said)
    columns = {
        "strand_id": blocks["block.strand_id"].take(parents),
        "sequence_no": blocks["block.sequence_no"].take(parents),
        **{name: pc.struct_field(each, name) for name in STATEMENTS.names[2:]},
    }
    return pa.table([columns[name] for name in STATEMENTS.names], names=STATEMENTS.names).cast(
        STATEMENTS
    )


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=_PACKED) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def chunk_of(piece: Any) -> Chunk:
    """Reads a row of `PIECES`."""
    ids: Iterable[str] = piece["table_ids"]
    return Chunk(
        piece["first"],
        piece["last"],
        _table(piece["blocks"]),
        _table(piece["statements"]),
        {each: _table(own) for each, own in zip(ids, piece["revisions"], strict=True)},
    )


def _table(stream: bytes | bytearray) -> pa.Table:
    return pa.ipc.open_stream(pa.py_buffer(stream)).read_all()
