"""The tables of an SQL destination and the rows of our own ones, in no database's language."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pyarrow as pa

from qldb_replay import __version__
from qldb_replay.destinations.interface import (
    BLOCKS,
    JSON_COLUMNS,
    REVISIONS,
    STATEMENTS,
    TIME,
    Checkpoint,
    Key,
    LedgerTable,
    TypedColumn,
)

FORMAT = 1
"""Of these tables; a destination of a newer one is refused."""

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
    return tuple(
        Column(field.name, JSON if field.name in JSON_COLUMNS else _OF_ARROW[field.type])
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

    @property
    def required(self) -> frozenset[str]:
        """Names of the columns that are never null: the key, and where in the ledger a row is."""
        return frozenset({*self.key, "strand_id", "sequence_no"})


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

REVISIONS_TABLE = Table("", _columns(REVISIONS), Key._fields, REDACTION)
"""A ledger table's revisions; `history_table` names it."""


def history_table(table: LedgerTable) -> Table:
    """Returns the table of a ledger table's revisions."""
    return REVISIONS_TABLE._replace(name=table.history_table)


def current_table(table: LedgerTable) -> Table:
    """Returns the table of a ledger table's live documents."""
    return Table(table.current_table, CURRENT_COLUMNS, ("document_id",))


def checkpoint_row(point: Checkpoint) -> tuple[Any, ...]:
    """Returns a checkpoint as a row of its table."""
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


def table_row(table: LedgerTable) -> tuple[Any, ...]:
    """Returns a ledger table as a row of its table."""
    row = vars(table) | {
        "indexes": json.dumps(table.indexes),
        "columns": json.dumps(table.columns),
    }
    return tuple(row[column.name] for column in TABLES_TABLE.columns)


def table_of(row: dict[str, Any]) -> LedgerTable:
    """Reads what `table_row` gave, by column."""
    indexes = tuple(json.loads(row.pop("indexes")))
    columns = tuple(TypedColumn(*column) for column in json.loads(row.pop("columns")))
    return LedgerTable(**row, indexes=indexes, columns=columns)
