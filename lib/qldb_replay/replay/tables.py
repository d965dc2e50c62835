"""The source's tables through time: which of those that share a name is the one that is there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qldb_replay.destinations.interface import LedgerTable, TypedColumn
from qldb_replay.journal.tables import DROPPED

_ALWAYS = -1


@dataclass(frozen=True)
class SourceTable:
    """A ledger table as the lake knows it.

    Attributes:
        table_id: its ID, None where no document ever told it.
        table_name: its name.
        indexes: fields that were indexed.
        lifecycle: events and the numbers of their blocks, in order.
        columns: the fields of its documents, typed.
    """

    table_id: str | None
    table_name: str
    indexes: tuple[str, ...]
    lifecycle: tuple[tuple[str, int], ...]
    columns: tuple[TypedColumn, ...] = ()

    @property
    def began(self) -> int:
        """Number of the block that made it, -1 where that is not known."""
        return self.lifecycle[0][1] if self._has_beginning() else _ALWAYS

    def _began_at(self, sequence_no: int) -> int:
        """Number of the last block up to one that made it active."""
        begun = (at for event, at in self.lifecycle if event != DROPPED and at <= sequence_no)
        return max(begun, default=_ALWAYS)

    def _has_beginning(self) -> bool:
        return bool(self.lifecycle) and self.lifecycle[0][0] != DROPPED

    def active_since(self, sequence_no: int) -> int | None:
        """Returns since which block it is active at another one, None if it is not."""
        past = [event for event, at in self.lifecycle if at <= sequence_no]
        if past:
            return None if past[-1] == DROPPED else self._began_at(sequence_no)
        return None if self._has_beginning() else _ALWAYS


def active_at(tables: Iterable[SourceTable], sequence_no: int) -> dict[str, str | None]:
    """Finds which table was active under each name behind a block.

    Args:
        tables: all tables of a strand.
        sequence_no: the block's number.

    Returns:
        Table ID by name; None where the name's table was dropped, is not made yet, or has no ID.
    """
    best: dict[str, tuple[int, str | None]] = {}
    names = set()
    for table in tables:
        names.add(table.table_name)
        since = table.active_since(sequence_no)
        if since is None:
            continue
        candidate = (since, table.table_id)
        known = best.get(table.table_name)
        if known is None or (candidate[0], candidate[1] or "") > (known[0], known[1] or ""):
            best[table.table_name] = candidate
    return {name: best[name][1] if name in best else None for name in names}


def in_order(tables: Iterable[SourceTable]) -> list[LedgerTable]:
    """Puts tables in the order in which the source made them, for naming."""
    ordered = sorted(tables, key=lambda t: (t.began, t.table_id or "", t.table_name))
    return [
        LedgerTable(table.table_id, table.table_name, indexes=table.indexes, columns=table.columns)
        for table in ordered
    ]
