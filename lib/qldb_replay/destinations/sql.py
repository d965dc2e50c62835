"""What SQL destinations have in common: their tables, and the statements that all of them take.

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
from typing import Any, NamedTuple

import pyarrow as pa

from qldb_replay import __version__
from qldb_replay.destinations.digests import range_digests_sql, row_digests_sql
from qldb_replay.destinations.gaps import between
from qldb_replay.destinations.interface import (
    BLOCKS,
    REVISIONS,
    STATEMENTS,
    TIME,
    Checkpoint,
    Chunk,
    DestinationError,
    Gap,
    Key,
    LedgerTable,
    NameLimits,
    RangeDigest,
    RunRow,
    TypedColumn,
)
from qldb_replay.destinations.quoting import listed, quoted, short_name
from qldb_replay.destinations.typed_views import typed_views
from qldb_replay.errors import IonFormatError, RecordFormatError
from qldb_replay.journal.written import revision_record

FORMAT = 1

TEXT, INTEGER, BOOLEAN = "text", "integer", "boolean"
INSTANT, JSON, BINARY = "time", "json", "binary"

_OF_ARROW = {
    pa.string(): TEXT,
    pa.int64(): INTEGER,
    pa.bool_(): BOOLEAN,
    TIME: INSTANT,
    pa.binary(): BINARY,
}


class Column(NamedTuple):
    """A column of a destination's table.

    Attributes:
        name: its name.
        kind: one of the kinds above.
    """

    name: str
    kind: str


def _columns(schema: pa.Schema) -> tuple[Column, ...]:
    json_columns = ("data", "document_ids")
    return tuple(
        Column(field.name, JSON if field.name in json_columns else _OF_ARROW[field.type])
        for field in schema
    )


class Table(NamedTuple):
    """A table of a destination.

    Attributes:
        name: its name.
        columns: its columns.
        key: names of the columns of its primary key.
        append_only: `""` for a table that may change, else what may still happen to its rows:
            `nothing`, or `redaction`.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    append_only: str = ""


NOTHING, REDACTION = "nothing", "redaction"

BLOCKS_TABLE = Table("ledger_blocks", _columns(BLOCKS), ("strand_id", "sequence_no"), NOTHING)
STATEMENTS_TABLE = Table(
    "ledger_statements",
    _columns(STATEMENTS),
    ("strand_id", "sequence_no", "statement_index"),
    NOTHING,
)
GAPS_TABLE = Table(
    "ledger_gaps",
    (
        Column("strand_id", TEXT),
        Column("first", INTEGER),
        Column("last", INTEGER),
        Column("filled_by_run", TEXT),
    ),
    ("strand_id", "first"),
)
CHECKPOINT_TABLE = Table(
    "ledger_checkpoint",
    (
        Column("strand_id", TEXT),
        Column("sequence_no", INTEGER),
        Column("blocks", INTEGER),
        Column("revisions", INTEGER),
        Column("redacted", INTEGER),
        Column("selection", TEXT),
        Column("format", INTEGER),
        Column("version", TEXT),
    ),
    ("strand_id",),
)
RUNS_TABLE = Table(
    "ledger_runs",
    (
        Column("run_id", TEXT),
        Column("command", TEXT),
        Column("started", INSTANT),
        Column("ended", INSTANT),
        Column("version", TEXT),
        Column("options", TEXT),
        Column("counts", TEXT),
    ),
    ("run_id",),
)
REDACTIONS_TABLE = Table(
    "ledger_redactions",
    (
        Column("table_id", TEXT),
        Column("document_id", TEXT),
        Column("version", INTEGER),
        Column("run_id", TEXT),
    ),
    Key._fields,
    NOTHING,
)
TABLES_TABLE = Table(
    "ledger_tables",
    (
        Column("table_name", TEXT),
        Column("table_id", TEXT),
        Column("history_table", TEXT),
        Column("current_table", TEXT),
        Column("versions_view", TEXT),
        Column("columns_view", TEXT),
        Column("history_columns_view", TEXT),
        Column("indexes", TEXT),
        Column("columns", TEXT),
    ),
    (),
)
OURS = (
    BLOCKS_TABLE,
    STATEMENTS_TABLE,
    GAPS_TABLE,
    CHECKPOINT_TABLE,
    RUNS_TABLE,
    REDACTIONS_TABLE,
    TABLES_TABLE,
)

CURRENT_COLUMNS = (
    Column("document_id", TEXT),
    Column("version", INTEGER),
    Column("data", JSON),
)


_REVISIONS_TABLE = Table("", _columns(REVISIONS), Key._fields, REDACTION)


def history_table(table: LedgerTable) -> Table:
    """Returns the table of a ledger table's revisions."""
    return _REVISIONS_TABLE._replace(name=table.history_table)


def current_table(table: LedgerTable) -> Table:
    """Returns the table of a ledger table's live documents."""
    return Table(table.current_table, CURRENT_COLUMNS, ("document_id",))


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
        rows = self.query(f"SELECT * FROM {quoted(CHECKPOINT_TABLE.name)}")
        columns = [column.name for column in CHECKPOINT_TABLE.columns]
        if len(rows) != 1:
            raise DestinationError(f"{self.shown} has no checkpoint, or several: it was changed")
        found = dict(zip(columns, rows[0], strict=True))
        if found["format"] > FORMAT:
            raise DestinationError(
                f"{self.shown} has format {found['format']}, written by version "
                f"{found['version']}; this is {__version__}, which knows formats up to {FORMAT}: "
                "install the newer one"
            )
        return Checkpoint(
            found["strand_id"],
            found["sequence_no"],
            found["blocks"],
            found["revisions"],
            found["redacted"],
            json.loads(found["selection"]),
        )

    def tables(self) -> list[LedgerTable]:
        """Returns the ledger tables that the destination knows."""
        names = [column.name for column in TABLES_TABLE.columns]
        rows = self.query(
            f"SELECT {listed(names)} FROM {quoted(TABLES_TABLE.name)} ORDER BY table_name, table_id"
        )
        return [_table_of(dict(zip(names, row, strict=True))) for row in rows]

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
                self.insert(CHECKPOINT_TABLE, [_checkpoint_row(start)])
                self.insert(GAPS_TABLE, [(start.strand_id, *gap, None) for gap in gaps])
            self.run(f"DELETE FROM {quoted(TABLES_TABLE.name)}")
            self.insert(TABLES_TABLE, [_table_row(table) for table in tables])

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
        parts = [f"{quoted(column.name)} {self.types[column.kind]}" for column in table.columns]
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
                table_id: self._stored(_REVISIONS_TABLE, rows)
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
        for number in ranges:
            for row in self.query(row_digests_sql(self, what, width), (number,)):
                yield tuple(str(value) for value in row)

    def records(self) -> Iterator[bytes]:
        """Gives back what the destination holds, as exact records: blocks, then revisions."""
        order = "ORDER BY sequence_no"
        for row in self.stream(f"SELECT ion FROM {quoted(BLOCKS_TABLE.name)} {order}"):
            yield bytes(row[0])
        parts = ("strand_id", "sequence_no", "hash", "metadata_ion", "data_ion", "data_hash")
        names = {table.table_id: table.table_name for table in self.tables()}
        for history in sorted({table.history_table for table in self.tables()}):
            columns = listed(("table_id", "document_id", "version", *parts))
            for row in self.stream(f"SELECT {columns} FROM {quoted(history)} {order}"):
                yield self._record(names, *row)

    def _record(
        self,
        names: Mapping[str | None, str],
        table_id: str,
        document_id: str,
        version: int,
        *parts: Any,
    ) -> bytes:
        strand_id, sequence_no, *bytes_ = parts
        stored, metadata, data, data_hash = (None if b is None else bytes(b) for b in bytes_)
        try:
            return revision_record(
                table_id,
                names[table_id],
                strand_id,
                sequence_no,
                stored or b"",
                metadata or b"",
                data,
                data_hash,
            )
        except (IonFormatError, RecordFormatError, KeyError) as error:
            raise DestinationError(
                f"{self.shown}: version {version} of document {document_id} of table {table_id} "
                f"cannot be read back ({type(error).__name__}): it was changed"
            ) from None

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


class SqlTransaction:
    """One transaction; see `interface.Transaction`.

    Args:
        destination: where; its connection has a transaction open.
    """

    def __init__(self, destination: SqlDestination) -> None:
        self._to = destination
        self._tables = destination.tables()

    def write(
        self, chunk: Chunk, active: Mapping[str, str | None], anew: Collection[str] = ()
    ) -> None:
        """Adds source transactions, and brings the current tables to where they lead."""
        self._to.load(BLOCKS_TABLE, chunk.blocks)
        self._to.load(STATEMENTS_TABLE, chunk.statements)
        by_id = {table.table_id: table for table in self._tables}
        for table_id, rows in chunk.revisions.items():
            self._to.load(history_table(by_id[table_id]), rows)
        for table in {each.current_table: each for each in self._tables}.values():
            now = active.get(table.table_name)
            if table.table_name in anew:
                self._fill_anew(table, now)
            elif now is not None and now in chunk.revisions:
                self._bring_up(table, now, chunk)

    def _bring_up(self, table: LedgerTable, active: str, chunk: Chunk) -> None:
        """Brings a current table up to the documents that a chunk changed.

        A chunk that fills a gap can be older than what is there: only a newer version replaces.
        """
        mark, current = self._to.mark, quoted(table.current_table)
        history = quoted(table.history_table)
        within = f"sequence_no BETWEEN {mark} AND {mark}"
        newest = (
            f"SELECT max(h.version) FROM {history} AS h "
            f"WHERE h.table_id = {mark} AND h.document_id = {current}.document_id"
        )
        self._to.run(
            f"DELETE FROM {current} WHERE document_id IN "
            f"(SELECT document_id FROM {history} WHERE {within} AND operation = 'DELETE') "
            f"AND version < ({newest})",
            (chunk.first, chunk.last, active),
        )
        self._insert_live(table, active, f"AND {within}", (chunk.first, chunk.last))

    def _fill_anew(self, table: LedgerTable, active: str | None) -> None:
        """Fills a current table with the live documents of the table that is active now."""
        self._to.run(f"DELETE FROM {quoted(table.current_table)}")
        if active is not None:
            self._insert_live(table, active, "", ())

    def _insert_live(
        self, table: LedgerTable, active: str, among: str, values: Sequence[Any]
    ) -> None:
        """Puts the newest versions of documents in place, where they are among some revisions.

        The table's ID is compared as no index has it: nearly all rows have it, and SQLite would
        prefer it to the few block numbers of a chunk.
        """
        history, mark = quoted(table.history_table), self._to.mark
        self._to.run(
            f"INSERT INTO {quoted(table.current_table)} (document_id, version, data) "
            f"SELECT document_id, version, data FROM {history} AS h "
            f"WHERE operation <> 'DELETE' {among} AND h.table_id || '' = {mark} AND NOT EXISTS ("
            f"SELECT 1 FROM {history} AS n WHERE n.table_id = h.table_id "
            "AND n.document_id = h.document_id AND n.version > h.version) "
            "ON CONFLICT (document_id) DO UPDATE "
            "SET version = excluded.version, data = excluded.data",
            (*values, active),
        )

    def redact(self, keys: Sequence[Key], run_id: str) -> int:
        """Takes the data of revisions away where it is there; returns of how many."""
        by_id = {table.table_id: table for table in self._tables}
        count = 0
        for table_id in {key.table_id for key in keys}:
            own = [key for key in keys if key.table_id == table_id]
            count += self._to.redact(by_id[table_id], own, run_id)
        return count

    def record_gaps(self, gaps: Sequence[Gap]) -> None:
        """Notes blocks that are passed over."""
        if gaps:
            strand_id = self._strand()
            self._to.insert(GAPS_TABLE, [(strand_id, *gap, None) for gap in gaps])

    def fill_gap(self, gap: Gap, filled: Sequence[Gap], run_id: str) -> None:
        """Notes which blocks of a gap are there now; the others stay a gap."""
        strand_id = self._strand()
        self._to.run(
            f"DELETE FROM {quoted(GAPS_TABLE.name)} WHERE strand_id = {self._to.mark} "
            f"AND {quoted('first')} = {self._to.mark}",
            (strand_id, gap.first),
        )
        rows: list[tuple[Any, ...]] = [(strand_id, *part, run_id) for part in filled]
        rows += [(strand_id, *part, None) for part in between(gap, filled)]
        self._to.insert(GAPS_TABLE, rows)

    def move(self, before: Checkpoint, after: Checkpoint) -> None:
        """Moves the checkpoint, if it is where it was left."""
        names = [column.name for column in CHECKPOINT_TABLE.columns]
        changes = ", ".join(f"{quoted(name)} = {self._to.mark}" for name in names)
        moved = self._to.run(
            f"UPDATE {quoted(CHECKPOINT_TABLE.name)} SET {changes} "
            f"WHERE strand_id = {self._to.mark} AND sequence_no = {self._to.mark} "
            f"AND revisions = {self._to.mark} AND redacted = {self._to.mark}",
            (
                *_checkpoint_row(after),
                before.strand_id,
                before.sequence_no,
                before.revisions,
                before.redacted,
            ),
        )
        if moved != 1:
            raise DestinationError(
                f"{self._to.shown} was changed by somebody else while this replay wrote to it: "
                "let one replay at a time write, and run it again"
            )

    def _strand(self) -> str:
        rows = self._to.query(f"SELECT strand_id FROM {quoted(CHECKPOINT_TABLE.name)}")
        return str(rows[0][0])


def _checkpoint_row(point: Checkpoint) -> tuple[Any, ...]:
    return (
        point.strand_id,
        point.sequence_no,
        point.blocks,
        point.revisions,
        point.redacted,
        json.dumps(point.selection, sort_keys=True),
        FORMAT,
        __version__,
    )


def _table_row(table: LedgerTable) -> tuple[Any, ...]:
    row = vars(table) | {
        "indexes": json.dumps(table.indexes),
        "columns": json.dumps(table.columns),
    }
    return tuple(row[column.name] for column in TABLES_TABLE.columns)


def _table_of(row: dict[str, Any]) -> LedgerTable:
    indexes = tuple(json.loads(row.pop("indexes")))
    columns = tuple(TypedColumn(*column) for column in json.loads(row.pop("columns")))
    return LedgerTable(**row, indexes=indexes, columns=columns)
