"""Chunks: whole transactions, nothing lost, nothing twice, whatever batches rows come in."""

from __future__ import annotations

import itertools
import json
from datetime import datetime, timezone

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from qldb_replay.destinations.interface import BLOCKS, REVISIONS, STATEMENTS
from qldb_replay.journal.gaps import Gap
from qldb_replay.replay.chunks import Sizes, chunk_of, cutter

TIME = datetime(2024, 1, 1, tzinfo=timezone.utc)
SAID = pa.list_(pa.struct([STATEMENTS.field(name) for name in STATEMENTS.names[2:]]))
BLOCK = pa.struct([*BLOCKS, pa.field("statements", SAID)])
ROWS = pa.schema(
    [
        pa.field("sequence_no", pa.int64()),
        pa.field("block", BLOCK),
        pa.field("revision", pa.struct(list(REVISIONS))),
    ]
)


def rows_of(ledger: list[list[str]]) -> list[dict]:
    """A row for each block and each revision of a ledger: the tables of each block's revisions."""
    rows = []
    for number, tables in enumerate(ledger):
        said = [
            {
                "statement_index": n,
                "statement": f"s{n}",
                "start_time": TIME,
                "document_ids": json.dumps([f"d{number}"]),
            }
            for n in range(number % 3)
        ]
        block = dict.fromkeys(BLOCKS.names, None)
        block |= {"strand_id": "s", "sequence_no": number, "ion": b"x" * 50, "statements": said}
        rows.append({"sequence_no": number, "block": block, "revision": None})
        for index, table in enumerate(tables):
            revision = dict.fromkeys(REVISIONS.names, None)
            revision |= {
                "table_id": table,
                "document_id": f"d{number}-{index}",
                "sequence_no": number,
                "revision_index": index,
                "is_redacted": index == 1,
                "data": "{}",
            }
            rows.append({"sequence_no": number, "block": None, "revision": revision})
    return rows


def chunks_of(rows: list[dict], batch: int, sizes: Sizes, gaps: list[Gap]) -> list:
    batches = pa.Table.from_pylist(rows, schema=ROWS).to_batches(batch) if rows else []
    pieces = [row for found in cutter(sizes, gaps)(iter(batches)) for row in found.to_pylist()]
    return [chunk_of(piece) for piece in pieces]


ledgers = st.lists(st.lists(st.sampled_from("ABC"), max_size=6), max_size=25)


@given(
    ledgers,
    st.integers(1, 40),
    st.builds(Sizes, st.integers(1, 20), st.integers(1, 1_000)),
    st.lists(st.integers(0, 25), max_size=3, unique=True),
)
def test_every_row_is_in_one_chunk_in_order(ledger, batch, sizes, left_out) -> None:
    gaps = [Gap(number, number) for number in sorted(left_out)]
    chunks = chunks_of(rows_of(ledger), batch, sizes, gaps)
    kept = [n for n in range(len(ledger)) if n not in left_out]

    assert [n for c in chunks for n in c.blocks["sequence_no"].to_pylist()] == kept
    spans = [(c.first, c.last) for c in chunks]
    assert all(one[1] < two[0] for one, two in itertools.pairwise(spans))
    for table in "ABC":
        found = [
            place
            for c in chunks
            if table in c.revisions
            for place in zip(
                c.revisions[table]["sequence_no"].to_pylist(),
                c.revisions[table]["revision_index"].to_pylist(),
                strict=True,
            )
        ]
        assert found == [(n, i) for n in kept for i, t in enumerate(ledger[n]) if t == table]
    assert sum(c.rows for c in chunks) == sum(len(ledger[n]) for n in kept)
    assert sum(c.redacted for c in chunks) == sum(len(ledger[n]) > 1 for n in kept)
    said = [n for c in chunks for n in c.statements["sequence_no"].to_pylist()]
    assert said == [n for n in kept for _ in range(n % 3)]


def test_a_chunk_ends_where_it_is_full() -> None:
    rows = rows_of([["A", "A"]] * 20)
    assert [c.rows for c in chunks_of(rows, 1_000, Sizes(9, 10**9), [])] == [6] * 6 + [4]
    assert len(chunks_of(rows, 7, Sizes(10**9, 150), [])) == 20 // 2
    assert [c.rows for c in chunks_of(rows_of([["A"] * 50, ["B"]]), 7, Sizes(3, 10), [])] == [50, 1]
