"""Views that show the fields of documents as typed columns (`--columns`).

The types are the lake's. Views hold nothing of their own: what is redacted is gone from them too,
and a type that changes is another definition of the view, not of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from qldb_replay.destinations.interface import REVISIONS, LedgerTable, TypedColumn
from qldb_replay.destinations.quoting import listed, quoted

Field = Callable[[TypedColumn], "str | None"]
"""Gives the expression for a field of `data`, None where there is no way to write it."""

CURRENT = ("document_id", "version")
HISTORY = tuple(REVISIONS.names[: REVISIONS.names.index("data")])


def typed_views(table: LedgerTable, field_of: Field, most_bytes: int) -> Iterator[tuple[str, str]]:
    """Gives the views of a ledger table that has typed columns.

    Args:
        table: the ledger table.
        field_of: how the database reads a field.
        most_bytes: of a column's name.

    Yields:
        A view's name, and the query that it stands for.
    """
    shown = [(column.name, field_of(column)) for column in table.columns]
    fields = [(name, field) for name, field in shown if field is not None]
    for view, source, own in (
        (table.columns_view, table.current_table, CURRENT),
        (table.history_columns_view, table.history_table, HISTORY),
    ):
        yield view, _selecting(source, own, fields, most_bytes)


def _selecting(
    source: str, own: Sequence[str], fields: Sequence[tuple[str, str]], most_bytes: int
) -> str:
    names = _distinct(own, [name for name, _ in fields], most_bytes)
    typed = (f", {field} AS {quoted(name)}" for name, (_, field) in zip(names, fields, strict=True))
    return f"SELECT {listed(own)}{''.join(typed)} FROM {quoted(source)}"


def _distinct(own: Iterable[str], names: Iterable[str], most_bytes: int) -> list[str]:
    """Numbers names that are equal but for case to one before them, or too long to differ."""
    taken = set(own)
    given = []
    for name in names:
        number, candidate = 1, _cut(name, "", most_bytes)
        while candidate.lower() in taken:
            number += 1
            candidate = _cut(name, f"__{number}", most_bytes)
        taken.add(candidate.lower())
        given.append(candidate)
    return given


def _cut(name: str, tail: str, most_bytes: int) -> str:
    return name.encode()[: most_bytes - len(tail)].decode(errors="ignore") + tail
