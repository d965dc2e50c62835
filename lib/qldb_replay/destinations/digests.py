"""How a destination's rows are digested, so that a lake can be held against it without reading it.

A row's digest is the SHA-256 of its columns' texts, each led by its length in bytes, null by `-`.
A range's digest is that of its rows' digests in their own order, as hexadecimal text: it does not
depend on the order in which a database gives rows. Times are `2024-01-31T23:59:59.000000Z`, binary
is hexadecimal, booleans are 0 and 1, JSON is what the destination shows.

A destination that was changed can hold anything: rows without a key or with another row's, texts
that are none, tables that are gone. All of its rows are digested, each in the range and under the
key that it shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qldb_replay.destinations.interface import BLOCKS, REVISIONS, STATEMENTS
from qldb_replay.destinations.quoting import literal, quoted
from qldb_replay.destinations.tables import (
    BLOCKS_TABLE,
    STATEMENTS_TABLE,
    Column,
    current_table,
    history_table,
)

if TYPE_CHECKING:
    from qldb_replay.destinations.sql import SqlDestination

REVISIONS_OF, CURRENT_OF, BLOCKS_OF, STATEMENTS_OF = "revisions", "current", "blocks", "statements"

NO_VALUE = "-"
"""Stands for null in keys and for the range of rows without a place."""


class Digested(NamedTuple):
    """What is digested of one kind of row.

    Attributes:
        columns: in this order; `table_name` is the name of the source's table.
        key: columns that tell rows apart.
        by_sequence: whether ranges are of `width` sequence numbers each, else of document IDs: the
            first `width` hexadecimal digits of the ID's SHA-256.
    """

    columns: tuple[str, ...]
    key: tuple[str, ...]
    by_sequence: bool


DIGESTED = {
    REVISIONS_OF: Digested(
        ("table_name", *REVISIONS.names),
        ("table_name", "sequence_no", "table_id", "document_id", "version"),
        True,
    ),
    CURRENT_OF: Digested(
        ("table_name", "document_id", "version", "data"),
        ("table_name", "document_id", "version"),
        False,
    ),
    BLOCKS_OF: Digested(tuple(BLOCKS.names), ("sequence_no",), True),
    STATEMENTS_OF: Digested(tuple(STATEMENTS.names), ("sequence_no", "statement_index"), True),
}


def range_digests_sql(to: SqlDestination, what: str, width: int) -> str:
    """Returns the query for all range digests: number, rows, digest."""
    return (
        f"SELECT r, count(*), {to.joined_digests('d')} FROM ({_rows(to, what, width)}) AS digested "
        "GROUP BY r ORDER BY r"
    )


def row_digests_sql(to: SqlDestination, what: str, width: int) -> str:
    """Returns the query for the row digests of one range, a parameter: the key, then the digest."""
    names = ", ".join(f"k{place}" for place in range(len(DIGESTED[what].key)))
    return f"SELECT {names}, d FROM ({_rows(to, what, width)}) AS digested WHERE r = {to.mark}"


def _rows(to: SqlDestination, what: str, width: int) -> str:
    parts = [_part(to, what, width, *source) for source in _sources(to, what)]
    if not parts:
        keys = "".join(f", '' AS k{place}" for place in range(len(DIGESTED[what].key)))
        return f"SELECT '' AS r{keys}, '' AS d WHERE 1 = 0"
    return " UNION ALL ".join(parts)


def _sources(to: SqlDestination, what: str) -> list[tuple[str, tuple[Column, ...], str]]:
    """Each table that has such rows: its name, its columns, and SQL of its ledger table's name."""
    if what == BLOCKS_OF:
        named = {BLOCKS_TABLE.name: (BLOCKS_TABLE, "")}
    elif what == STATEMENTS_OF:
        named = {STATEMENTS_TABLE.name: (STATEMENTS_TABLE, "")}
    else:
        of = history_table if what == REVISIONS_OF else current_table
        named = {of(table).name: (of(table), table.table_name) for table in to.tables()}
    there = to.relations()
    return [
        (name, table.columns, literal(table_name))
        for name, (table, table_name) in named.items()
        if name in there
    ]


def _part(
    to: SqlDestination, what: str, width: int, table: str, columns: tuple[Column, ...], name: str
) -> str:
    digested = DIGESTED[what]
    texts = {column.name: to.text_of(column) for column in columns}
    texts["table_name"] = name
    row = to.digest_of(" || ".join(to.measured(texts[column]) for column in digested.columns))
    none = literal(NO_VALUE)
    keys = "".join(
        f", coalesce({texts[column]}, {none}) AS k{place}"
        for place, column in enumerate(digested.key)
    )
    if digested.by_sequence:
        number = to.as_text(f"(sequence_no - sequence_no % {width:d}) / {width:d}")
    else:
        number = f"substr({to.digest_of(texts['document_id'])}, 1, {width:d})"
    return f"SELECT coalesce({number}, {none}) AS r{keys}, {row} AS d FROM {quoted(table)}"
