"""What of a ledger a destination holds."""

from __future__ import annotations

import pytest

from qldb_replay.replay.selection import Selection

SOME = Selection(("A", "B"), ("d1",), 7, {"A": "x"}, "keep", columns=True)


@pytest.mark.parametrize("selection", [Selection(), SOME])
def test_a_selection_is_read_back(selection: Selection) -> None:
    assert Selection.read(selection.document()) == selection


def test_it_says_what_was_chosen() -> None:
    assert SOME.chosen() == "tables A, B · 1 documents · blocks from 7 on"
    assert Selection(renamed={"A": "x"}, columns=True).chosen() == ""
