"""What replay asks of a destination ledger, whatever kind it is.

A destination takes whole source transactions in the ledger's order, as Arrow tables, and keeps a
checkpoint that commits together with the rows that it speaks for. Nothing here is about SQL: a kind
that assigns its own document IDs or limits its transactions finds a transaction's rows by
`sequence_no`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from qldb_replay.journal.gaps import Gap

TIME = pa.timestamp("us", tz="UTC")

REVISIONS = pa.schema(
    [
        pa.field("table_id", pa.string()),
        pa.field("document_id", pa.string()),
        pa.field("version", pa.int64()),
        pa.field("operation", pa.string()),
        pa.field("is_redacted", pa.bool_()),
        pa.field("tx_id", pa.string()),
        pa.field("tx_time", TIME),
        pa.field("strand_id", pa.string()),
        pa.field("sequence_no", pa.int64()),
        pa.field("revision_index", pa.int64()),
        pa.field("data", pa.string()),
        pa.field("data_ion", pa.binary()),
        pa.field("hash", pa.binary()),
        pa.field("metadata_ion", pa.binary()),
        pa.field("data_hash", pa.binary()),
    ]
)
"""A revision as destinations hold it.

`data` is JSON text. `metadata_ion` and `data_ion` are Ion streams of one value: with them anyone
recomputes `hash`, of a redacted revision with `data_hash` in the place of its data.
"""

BLOCKS = pa.schema(
    [
        pa.field("strand_id", pa.string()),
        pa.field("sequence_no", pa.int64()),
        pa.field("block_hash", pa.binary()),
        pa.field("previous_block_hash", pa.binary()),
        pa.field("entries_hash", pa.binary()),
        pa.field("tx_id", pa.string()),
        pa.field("block_timestamp", TIME),
        pa.field("ion", pa.binary()),
    ]
)
"""A block; `ion` is the exact record of the stream."""

STATEMENTS = pa.schema(
    [
        pa.field("strand_id", pa.string()),
        pa.field("sequence_no", pa.int64()),
        pa.field("statement_index", pa.int64()),
        pa.field("statement", pa.string()),
        pa.field("start_time", TIME),
        pa.field("document_ids", pa.string()),
    ]
)
"""A statement of a block, parameters not included; `document_ids` is a JSON array of strings."""

JSON_COLUMNS = ("data", "document_ids")
"""Columns that are JSON text, in whatever form a destination keeps that."""


class TypedColumn(NamedTuple):
    """A field of a ledger table's documents, as a column (`--columns`).

    Attributes:
        name: the column's name in the lake.
        field: the field's name in the documents.
        type: `bool`, `bigint`, `decimal`, `double`, `timestamp`, `binary` (Base64 in the document),
            `text`, or `json` for everything that no single one of them holds.
    """

    name: str
    field: str
    type: str


@dataclass(frozen=True, order=True)
class LedgerTable:
    """A ledger table, and what its destination tables are called, once they are named.

    Attributes:
        table_id: its ID, None where no document ever told it.
        table_name: its name in the source.
        history_table: table of its revisions.
        current_table: table of its live documents.
        versions_view: view of its revisions with the time in which each was valid.
        columns_view: view of its live documents with their fields as columns.
        history_columns_view: view of its revisions with their fields as columns.
        indexes: fields that the source had indexed.
        columns: what the last two views show; empty where they are not wanted.
    """

    table_id: str | None
    table_name: str
    history_table: str = ""
    current_table: str = ""
    versions_view: str = ""
    columns_view: str = ""
    history_columns_view: str = ""
    indexes: tuple[str, ...] = ()
    columns: tuple[TypedColumn, ...] = ()


@dataclass(frozen=True)
class Chunk:
    """Whole source transactions that follow one another.

    Attributes:
        first: number of the first block.
        last: number of the last block.
        blocks: rows of `BLOCKS`.
        statements: rows of `STATEMENTS`.
        revisions: rows of `REVISIONS` by table ID, in the ledger's order.
    """

    first: int
    last: int
    blocks: pa.Table
    statements: pa.Table
    revisions: Mapping[str, pa.Table]

    @property
    def rows(self) -> int:
        """How many revisions there are."""
        return sum(table.num_rows for table in self.revisions.values())

    @property
    def redacted(self) -> int:
        """How many of them are redacted."""
        return sum(pc.sum(table["is_redacted"]).as_py() or 0 for table in self.revisions.values())


@dataclass(frozen=True)
class Checkpoint:
    """How far a destination is.

    Attributes:
        strand_id: the ledger that it holds.
        sequence_no: number of the last block that it has passed, one less than the first before
            anything was written.
        blocks: how many blocks it holds.
        revisions: how many revisions it holds.
        redacted: of how many the data was taken away or never written.
        selection: what of the ledger it holds, as `Selection.document` gives it.
    """

    strand_id: str
    sequence_no: int
    blocks: int = 0
    revisions: int = 0
    redacted: int = 0
    selection: Mapping[str, Any] = field(default_factory=dict)


class Key(NamedTuple):
    """What tells revisions apart in a destination."""

    table_id: str
    document_id: str
    version: int


class RangeDigest(NamedTuple):
    """What a stretch of a destination holds, in 32 bytes.

    Attributes:
        number: of the range.
        rows: how many rows it has.
        digest: SHA-256 over the rows' digests, hexadecimal.
    """

    number: str
    rows: int
    digest: str


class Transaction(Protocol):
    """One transaction of a destination: all of it becomes visible at once, or nothing."""

    def write(
        self, chunk: Chunk, active: Mapping[str, str | None], anew: Collection[str] = ()
    ) -> None:
        """Adds source transactions, and brings the current tables to where they lead.

        Args:
            chunk: the transactions, as `storable` gives them; blocks that are there already are
                an error.
            active: table ID by name of the source's table, as it is behind the chunk.
            anew: names under which another table is active than before the chunk.
        """

    def redact(self, keys: Sequence[Key], run_id: str) -> int:
        """Takes the data of revisions away where it is there; returns of how many."""

    def record_gaps(self, gaps: Sequence[Gap]) -> None:
        """Notes blocks that are passed over."""

    def fill_gap(self, gap: Gap, filled: Sequence[Gap], run_id: str) -> None:
        """Notes which blocks of a gap are there now; the others stay a gap."""

    def move(self, before: Checkpoint, after: Checkpoint) -> None:
        """Moves the checkpoint.

        Raises:
            DestinationError: it is not where it was left: somebody else writes here.
        """


class Destination(Protocol):
    """A destination ledger, open.

    Attributes:
        shown: the destination as messages name it, without its password.
    """

    @property
    def shown(self) -> str: ...

    def checkpoint(self) -> Checkpoint | None:
        """Returns how far it is, None where it is empty.

        Raises:
            DestinationError: it is neither empty nor one of ours, or a newer version's.
        """

    def tables(self) -> list[LedgerTable]:
        """Returns the ledger tables that it knows."""

    def gaps(self) -> list[Gap]:
        """Returns the blocks that it lacks, in order."""

    def name_limits(self) -> NameLimits:
        """Returns what its tables may be called."""

    def held(self) -> AbstractContextManager[None]:
        """Holds it as its only writer.

        Raises:
            DestinationError: another replay holds it.
        """

    def definitions(self, tables: Sequence[LedgerTable]) -> Iterator[str]:
        """Gives what `prepare` is going to make, in the destination's own language."""

    def prepare(
        self, tables: Sequence[LedgerTable], start: Checkpoint, gaps: Sequence[Gap]
    ) -> None:
        """Makes all tables that are not there yet, all at once.

        Args:
            tables: every ledger table.
            start: the checkpoint, if there is none yet.
            gaps: what lies before the first block, if there is no checkpoint yet.
        """

    def storable(self, chunk: Chunk) -> Chunk:
        """Puts source transactions in the form in which they are written.

        It asks the destination nothing: replay calls it for one chunk while it writes another.
        """

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Opens a transaction, which commits where the block ends without an error."""

    def make_indexes(self) -> None:
        """Makes the indexes of the current tables that are not there yet."""

    def begin_run(self, run: RunRow) -> None:
        """Writes a run down."""

    def end_run(self, run_id: str, ended: datetime, counts: Mapping[str, int]) -> None:
        """Completes a run's row."""

    def json_shown(self) -> Callable[[str], str] | None:
        """Returns how it shows a JSON text that was stored in it, None for as it was.

        The function runs on executors.
        """

    def records(self) -> Iterator[bytes]:
        """Gives back what it holds, as exact records of the stream: blocks, then revisions.

        A row that was changed so that no record can be made of it is left out: held against what
        the others give, it is one too many.
        """

    def digests(self, what: str, width: int) -> Iterator[RangeDigest]:
        """Digests its rows range by range (`compare`)."""

    def row_digests(
        self, what: str, width: int, ranges: Sequence[str]
    ) -> Iterator[tuple[str, ...]]:
        """Digests the rows of some ranges one by one: the key's parts, then the digest."""

    def close(self) -> None:
        """Ends the connection."""


class NameLimits(NamedTuple):
    """What a destination's tables may be called.

    Attributes:
        most_bytes: of a name in UTF-8.
        folds_case: whether names that differ in the case of ASCII letters are the same.
        reserved: beginnings that it keeps to itself.
    """

    most_bytes: int
    folds_case: bool
    reserved: tuple[str, ...] = ()


class RunRow(NamedTuple):
    """What is written down about a run.

    Attributes:
        run_id: the run.
        command: its name.
        started: when.
        version: of this package.
        options: as JSON, secrets taken out.
    """

    run_id: str
    command: str
    started: datetime
    version: str
    options: str
