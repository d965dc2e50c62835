"""What the ledger's tables are called in a destination.

A name stays what it is where it can (contract, section 4). One that is too long, that is taken by
another table or by one of ours gets its table ID appended; which of two tables keeps its name is
decided by their order, and never again once the destination has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256

from qldb_replay.destinations.interface import LedgerTable, NameLimits
from qldb_replay.destinations.tables import OURS

ENDINGS = ("", "_history", "_versions", "_columns", "_history_columns")

_PLAIN_ID = re.compile(r"[A-Za-z0-9]{1,22}")
_ID_LENGTH = 22
_FOLD = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def named(
    tables: Iterable[LedgerTable],
    known: Iterable[LedgerTable],
    renamed: Mapping[str, str],
    limits: NameLimits,
) -> list[LedgerTable]:
    """Gives tables their names in a destination.

    Args:
        tables: the source's tables in the order in which it made them; their destination names do
            not matter yet.
        known: those that the destination has, with the names that they have there.
        renamed: another name (`--map`) by name of the source's table.
        limits: of the destination.

    Returns:
        The tables, named. Tables of the same name share theirs.
    """
    chosen = {table.table_name: table for table in known}
    taken = {_folded(table.name, limits) for table in OURS}
    for table in chosen.values():
        taken.update(_folded(name, limits) for name in _names_of(table))
    result = []
    for table in tables:
        name = table.table_name
        if name not in chosen:
            base = _base(renamed.get(name, name), table.table_id or "", taken, limits)
            chosen[name] = _with_base(table, base)
            taken.update(_folded(each, limits) for each in _names_of(chosen[name]))
        like = chosen[name]
        result.append(
            replace(like, table_id=table.table_id, indexes=table.indexes, columns=table.columns)
        )
    return result


def _with_base(table: LedgerTable, base: str) -> LedgerTable:
    current, history, versions, columns, history_columns = (base + ending for ending in ENDINGS)
    return replace(
        table,
        current_table=current,
        history_table=history,
        versions_view=versions,
        columns_view=columns,
        history_columns_view=history_columns,
    )


def _names_of(table: LedgerTable) -> list[str]:
    return [
        table.current_table,
        table.history_table,
        table.versions_view,
        table.columns_view,
        table.history_columns_view,
    ]


def _folded(name: str, limits: NameLimits) -> str:
    return name.translate(_FOLD) if limits.folds_case else name


def _base(name: str, table_id: str, taken: set[str], limits: NameLimits) -> str:
    """Finds what a table's own names begin with."""
    plain = name or "%"
    if plain.lower().startswith(limits.reserved):
        plain = f"_{plain}"
    tail = table_id if _PLAIN_ID.fullmatch(table_id) else _hashed(name + table_id)
    candidate, most = plain, limits.most_bytes - max(map(len, ENDINGS))
    while _fits_not(candidate, most, taken, limits):
        room = most - len(tail) - 1
        candidate = f"{_cut(plain, room)}_{tail}"
        tail = _hashed(tail)
    return candidate


def _fits_not(base: str, most: int, taken: set[str], limits: NameLimits) -> bool:
    names = [f"{base}{ending}" for ending in ENDINGS]
    return len(base.encode()) > most or any(_folded(name, limits) in taken for name in names)


def _cut(name: str, most: int) -> str:
    return name.encode()[:most].decode(errors="ignore")


def _hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:_ID_LENGTH]
