"""Tables whose rows that nothing has replaced yet lie in a partition of their own, `is_open`.

An increment that arrives in order changes open rows and adds rows; closed ones stay as they are.
The partition is then written anew in one pass. MERGE would rewrite most of its files as well, but
read them twice and shuffle them whole.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from qldb_replay.lake.delta import Lake
from qldb_replay.lake.keys import REVISION_KEYS

_MOST_BROADCAST = 500_000


def closed_untouched(lake: Lake, table: str, changed: DataFrame) -> bool:
    """Says whether no changed row is among a table's closed rows.

    Args:
        lake: the lake.
        table: a table that exists.
        changed: rows with the `REVISION_KEYS`, few enough to send to every executor or not.
    """
    closed = lake.read(table).where("is_open = false").select(*REVISION_KEYS)
    return bool(
        closed.join(changed.select(*REVISION_KEYS), list(REVISION_KEYS), "left_semi").isEmpty()
    )


def replace_open(lake: Lake, table: str, changed: DataFrame, rows: DataFrame) -> None:
    """Puts rows in the place of open ones, and beside the closed ones, in one commit.

    Args:
        lake: the lake.
        table: a table that exists.
        changed: the `REVISION_KEYS` of `rows`, none of which is a closed row's.
        rows: all that is known of them, open or closed by now.
    """
    open_rows = lake.read(table).where("is_open = true")
    staying = open_rows.join(changed.select(*REVISION_KEYS), list(REVISION_KEYS), "left_anti")
    together = staying.unionByName(rows, allowMissingColumns=True)
    lake.replace(together.select(*open_rows.columns), table, "is_open = true")


def few(rows: DataFrame, count: int) -> DataFrame:
    """Has rows sent to every executor where there are few: joins then leave the rest in place."""
    return F.broadcast(rows) if count <= _MOST_BROADCAST else rows
