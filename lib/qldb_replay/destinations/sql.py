"""What SQL destinations have in common: statements that all of them take.

Identifiers are always quoted, values are always parameters. What differs between databases is in
the subclasses.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from qldb_replay import __version__
from qldb_replay.destinations.digests import range_digests_sql, row_digests_sql
from qldb_replay.destinations.interface import (
    Checkpoint,
    Chunk,
    Key,
    LedgerTable,
    NameLimits,
    RangeDigest,
    RunRow,
    TypedColumn,
)
from qldb_replay.destinations.quoting import listed, quoted, short_name
from qldb_replay.destinations.tables import (
    BLOCKS_TABLE,
    CHECKPOINT_TABLE,
    FORMAT,
    GAPS_TABLE,
    OURS,
    REVISIONS_TABLE,
    RUNS_TABLE,
    STATEMENTS_TABLE,
    TABLES_TABLE,
    Column,
    Table,
    checkpoint_row,
    current_table,
    history_table,
    table_of,
    table_row,
)
from qldb_replay.destinations.transaction import SqlTransaction
from qldb_replay.destinations.typed_views import typed_views
from qldb_replay.errors import DestinationError, QldbReplayError
from qldb_replay.journal.gaps import Gap
from qldb_replay.journal.written import revision_record


class SqlDestination(ABC):
    """A destination in an SQL database; see `interface.Destination`.

    One connection does everything. Subclasses say how to run a statement and load rows.
    """

    # How each kind of column is declared.
    types: Mapping[str, str]
    # What stands for a parameter.
    mark: str

    def checkpoint(self) -> Checkpoint | None:
        """Returns how far the destination is, None where it is empty."""
        names = self.relations()
        if CHECKPOINT_TABLE.name not in names:
            if names:
                raise DestinationError(
                    f"{self.shown} is not empty and was not written by qldb-replay (it has "
                    f"{len(names)} tables, views or indexes): give a place of its own to it"
                )
            return None
        lacking = sorted({table.name for table in OURS} - names)
        if lacking:
            raise DestinationError(f"{self.shown} lacks {', '.join(lacking)}: it was changed")
        format_, version = self._only_checkpoint("format", "version")
        if format_ > FORMAT:
            raise DestinationError(
                f"{self.shown} has format {format_}, written by version {version}; this is "
                f"{__version__}, which knows formats up to {FORMAT}: install the newer one"
            )
        columns = [column.name for column in CHECKPOINT_TABLE.columns]
        found = dict(zip(columns, self._only_checkpoint(*columns), strict=True))
        try:
            selection = json.loads(found["selection"])
        except (TypeError, ValueError):
            raise DestinationError(f"{self.shown}: its selection was changed") from None
        return Checkpoint(
            found["strand_id"],
            found["sequence_no"],
            found["blocks"],
            found["revisions"],
            found["redacted"],
            selection,
        )

    def _only_checkpoint(self, *columns: str) -> tuple[Any, ...]:
        rows = self.query(f"SELECT {listed(columns)} FROM {quoted(CHECKPOINT_TABLE.name)}")
        if len(rows) != 1:
            raise DestinationError(f"{self.shown} has no checkpoint, or several: it was changed")
        return rows[0]

    def tables(self) -> list[LedgerTable]:
        """Returns the ledger tables that the destination knows."""
        names = [column.name for column in TABLES_TABLE.columns]
        rows = self.query(
            f"SELECT {listed(names)} FROM {quoted(TABLES_TABLE.name)} ORDER BY table_name, table_id"
        )
        return [table_of(dict(zip(names, row, strict=True))) for row in rows]

    def gaps(self) -> list[Gap]:
        """Returns the blocks that the destination lacks, in order."""
        rows = self.query(
            f"SELECT {listed(('first', 'last'))} FROM {quoted(GAPS_TABLE.name)} "
            f"WHERE filled_by_run IS NULL ORDER BY {quoted('first')}"
        )
        return [Gap(*row) for row in rows]

    def prepare(
        self, tables: Sequence[LedgerTable], start: Checkpoint, gaps: Sequence[Gap]
    ) -> None:
        """Makes all tables that are not there yet, in one transaction."""
        is_new = CHECKPOINT_TABLE.name not in self.relations()
        with self.atomic():
            for statement in self.definitions(tables):
                self.run(statement)
            if is_new:
                self.insert(CHECKPOINT_TABLE, [checkpoint_row(start)])
                self.insert(GAPS_TABLE, [(start.strand_id, *gap, None) for gap in gaps])
            self.run(f"DELETE FROM {quoted(TABLES_TABLE.name)}")
            self.insert(TABLES_TABLE, [table_row(table) for table in tables])

    def definitions(self, tables: Sequence[LedgerTable]) -> Iterator[str]:
        """Gives the statements that make what is not there yet of tables, views and triggers."""
        there = self.relations()
        if CHECKPOINT_TABLE.name not in there:
            yield from self.preparations()
            for ours in OURS:
                yield from self._created(ours)
        shown = {} if CHECKPOINT_TABLE.name not in there else self._shown_columns()
        for table in {each.history_table: each for each in tables}.values():
            if table.history_table not in there:
                yield from self._ledger_table(table)
            if table.columns != shown.get(table.history_table, ()):
                yield from self._columns_views(table, there)

    def _shown_columns(self) -> dict[str, tuple[TypedColumn, ...]]:
        return {table.history_table: table.columns for table in self.tables()}

    def _columns_views(self, table: LedgerTable, there: Collection[str]) -> Iterator[str]:
        """Makes the views of typed columns, in the place of those with other columns."""
        for name, selecting in typed_views(table, self.field, self.name_limits().most_bytes):
            if name in there:
                yield f"DROP VIEW {quoted(name)}"
            yield f"CREATE VIEW {quoted(name)} AS {selecting}"

    def _ledger_table(self, table: LedgerTable) -> Iterator[str]:
        history = history_table(table)
        yield from self._created(history)
        yield from self._created(current_table(table))
        order = short_name("order", history.name)
        yield (
            f"CREATE INDEX {quoted(order)} ON {quoted(history.name)} (sequence_no, revision_index)"
        )
        names = listed(column.name for column in history.columns)
        yield (
            f"CREATE VIEW {quoted(table.versions_view)} AS SELECT {names}, tx_time AS valid_from, "
            "lead(tx_time) OVER (PARTITION BY table_id, document_id ORDER BY version) AS valid_to "
            f"FROM {quoted(history.name)}"
        )

    def _created(self, table: Table) -> Iterator[str]:
        """Creates a table, with what keeps it append-only."""
        parts = [
            f"{quoted(name)} {self.types[kind]}{' NOT NULL' if name in table.required else ''}"
            for name, kind in table.columns
        ]
        if table.key:
            name = quoted(short_name("key", table.name))
            parts.append(f"CONSTRAINT {name} PRIMARY KEY ({listed(table.key)})")
        yield f"CREATE TABLE {quoted(table.name)} ({', '.join(parts)})"
        if table.append_only:
            yield from self.refusals(table)

    def storable(self, chunk: Chunk) -> Chunk:
        """Puts source transactions in the form in which they are written."""
        return replace(
            chunk,
            blocks=self._stored(BLOCKS_TABLE, chunk.blocks),
            statements=self._stored(STATEMENTS_TABLE, chunk.statements),
            revisions={
                table_id: self._stored(REVISIONS_TABLE, rows)
                for table_id, rows in chunk.revisions.items()
            },
        )

    def _stored(self, table: Table, rows: pa.Table) -> pa.Table:
        names = [column.name for column in table.columns]
        stored = [self.stored_column(column.kind, rows[column.name]) for column in table.columns]
        return pa.table(stored, names=names)

    @contextmanager
    def transaction(self) -> Iterator[SqlTransaction]:
        """Opens a transaction."""
        with self.atomic():
            yield SqlTransaction(self)

    def begin_run(self, run: RunRow) -> None:
        """Writes a run down."""
        with self.atomic():
            row = (run.run_id, run.command, run.started, None, run.version, run.options, None)
            self.insert(RUNS_TABLE, [row])

    def end_run(self, run_id: str, ended: datetime, counts: Mapping[str, int]) -> None:
        """Completes a run's row."""
        with self.atomic():
            self.run(
                f"UPDATE {quoted(RUNS_TABLE.name)} SET ended = {self.mark}, counts = {self.mark} "
                f"WHERE run_id = {self.mark}",
                (self.stored_time(ended), json.dumps(counts), run_id),
            )

    def insert(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        """Inserts few rows."""
        marks = ", ".join([self.mark] * len(table.columns))
        names = listed(column.name for column in table.columns)
        for row in rows:
            values = [
                self.stored_time(value) if isinstance(value, datetime) else value for value in row
            ]
            self.run(f"INSERT INTO {quoted(table.name)} ({names}) VALUES ({marks})", values)

    def digests(self, what: str, width: int) -> Iterator[RangeDigest]:
        """Digests the destination's rows range by range."""
        for row in self.query(range_digests_sql(self, what, width)):
            yield RangeDigest(str(row[0]), row[1], row[2])

    def row_digests(
        self, what: str, width: int, ranges: Sequence[str]
    ) -> Iterator[tuple[str, ...]]:
        """Digests the rows of some ranges one by one."""
        statement = row_digests_sql(self, what, width)
        for number in ranges:
            for row in self.query(statement, (number,)):
                yield tuple(str(value) for value in row)

    def records(self) -> Iterator[bytes]:
        """Gives back what the destination holds, as exact records: blocks, then revisions."""
        order = "ORDER BY sequence_no"
        for row in self.stream(f"SELECT ion FROM {quoted(BLOCKS_TABLE.name)} {order}"):
            if isinstance(row[0], bytes):
                yield row[0]
        parts = ("strand_id", "sequence_no", "hash", "metadata_ion", "data_ion", "data_hash")
        tables = self.tables()
        names = {table.table_id: table.table_name for table in tables}
        columns = listed(("table_id", *parts))
        for history in sorted({table.history_table for table in tables} & self.relations()):
            for row in self.stream(f"SELECT {columns} FROM {quoted(history)} {order}"):
                record = _record(names, *row)
                if record is not None:
                    yield record

    # What subclasses say.

    @property
    @abstractmethod
    def shown(self) -> str:
        """The destination as messages name it, without its password."""

    @abstractmethod
    def name_limits(self) -> NameLimits:
        """Returns what tables may be called."""

    @abstractmethod
    def field(self, column: TypedColumn) -> str | None:
        """Returns the expression for a field of `data`, None where there is no way to write it."""

    @abstractmethod
    def relations(self) -> set[str]:
        """Names all tables, views and indexes."""

    @abstractmethod
    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Runs a statement; returns how many rows it touched."""

    @abstractmethod
    def query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Runs a query; returns its rows."""

    @abstractmethod
    def stored_column(self, kind: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
        """Replaces what the database would not take of a column, or not as it stands."""

    @abstractmethod
    def load(self, table: Table, rows: pa.Table) -> None:
        """Loads many rows that `storable` gave, columns in the table's order."""

    @abstractmethod
    def atomic(self) -> AbstractContextManager[None]:
        """Opens a transaction that commits at the end of the block, or rolls back."""

    @abstractmethod
    def preparations(self) -> Iterator[str]:
        """Gives the statements that make what append-only tables need."""

    @abstractmethod
    def refusals(self, table: Table) -> Iterator[str]:
        """Gives the statements by which the database refuses what is not append-only."""

    @abstractmethod
    def stored_time(self, time: datetime) -> Any:
        """Returns a time as a parameter."""

    @abstractmethod
    def redact(self, table: LedgerTable, keys: Sequence[Key], run_id: str) -> int:
        """Takes data of revisions away, logged; returns of how many it was there."""

    @abstractmethod
    def stream(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """Runs a query whose rows may be many; they come a few at a time."""

    @abstractmethod
    def text_of(self, column: Column) -> str:
        """Returns SQL that gives a column as the text that is digested."""

    @abstractmethod
    def as_text(self, number: str) -> str:
        """Returns SQL that gives a number as text."""

    @abstractmethod
    def measured(self, text: str) -> str:
        """Returns SQL that leads a text by its length in bytes, and gives `-` for null."""

    @abstractmethod
    def digest_of(self, text: str) -> str:
        """Returns SQL for the SHA-256 of a text, hexadecimal."""

    @abstractmethod
    def joined_digests(self, digest: str) -> str:
        """Returns an SQL aggregate: SHA-256 over digests in their order, hexadecimal."""


def _record(
    names: Mapping[str | None, str], table_id: str, strand_id: str, sequence_no: int, *parts: Any
) -> bytes | None:
    """Makes a revision's record of its row, None where the row was changed beyond that."""
    stored, metadata, data, data_hash = parts
    try:
        name = names[table_id]
        return revision_record(
            table_id, name, strand_id, sequence_no, stored or b"", metadata or b"", data, data_hash
        )
    except (QldbReplayError, LookupError, ArithmeticError, AttributeError, TypeError, ValueError):
        return None
