"""Which table of a name is active behind a block."""

from __future__ import annotations

import pytest

from qldb_replay.replay.tables import SourceTable, active_at, in_order

OLD = SourceTable("old", "T", (), (("created", 2), ("dropped", 5), ("undropped", 9)))
NEW = SourceTable("new", "T", (), (("created", 6), ("dropped", 8)))
SEEN = SourceTable("seen", "S", (), ())
GONE = SourceTable("gone", "G", (), (("dropped", 4),))
BARE = SourceTable(None, "B", (), (("created", 3),))


@pytest.mark.parametrize(
    ("at", "active"),
    [(1, None), (2, "old"), (4, "old"), (5, None), (6, "new"), (7, "new"), (8, None), (9, "old")],
)
def test_drops_undrops_and_namesakes(at, active) -> None:
    assert active_at([OLD, NEW], at) == {"T": active}


def test_what_was_never_seen_made_was_always_there() -> None:
    assert active_at([SEEN, GONE, BARE], 0) == {"S": "seen", "G": "gone", "B": None}
    assert active_at([SEEN, GONE, BARE], 9) == {"S": "seen", "G": None, "B": None}


def test_tables_are_named_in_the_order_in_which_they_were_made() -> None:
    ordered = in_order([NEW, OLD, BARE, SEEN, GONE])
    assert [each.table_id for each in ordered] == ["gone", "seen", "old", None, "new"]
