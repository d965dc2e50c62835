"""Names in a destination: kept where they can be, never shared, never changed again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qldb_replay.destinations.interface import LedgerTable, NameLimits
from qldb_replay.destinations.tables import OURS as OUR_TABLES
from qldb_replay.replay.names import named

OURS = [table.name for table in OUR_TABLES]

POSTGRESQL = NameLimits(63, folds_case=False)
SQLITE = NameLimits(1_000, folds_case=True, reserved=("sqlite_",))

texts = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=80)
near = st.sampled_from(
    ["T", "t", "T_history", "T_versions", "T_columns", "t_HISTORY", *OURS, "sqlite_a", ""]
)


def table(name: str, number: int = 0, **more) -> LedgerTable:
    return LedgerTable(f"{number:022}", name, **more)


def names_of(table: LedgerTable) -> tuple[str, str, str]:
    return table.history_table, table.current_table, table.versions_view


def test_plain_names_stay() -> None:
    (cars,) = named([table("Cars", indexes=("VIN",))], [], {}, POSTGRESQL)
    assert names_of(cars) == ("Cars_history", "Cars", "Cars_versions")
    assert cars.indexes == ("VIN",)


def test_a_table_made_again_shares_its_name() -> None:
    one, other = named([table("Cars"), table("Cars", 1)], [], {}, POSTGRESQL)
    assert names_of(one) == names_of(other)
    assert one.table_id != other.table_id


def test_the_table_that_comes_later_gets_its_id_appended() -> None:
    first, second = named([table("T"), table("T_history", 1)], [], {}, POSTGRESQL)
    assert first.history_table == "T_history"
    assert second.current_table == f"T_history_{1:022}"


@pytest.mark.parametrize(("limits", "shared"), [(POSTGRESQL, False), (SQLITE, True)])
def test_the_databases_own_case_rules_count(limits, shared) -> None:
    _, second = named([table("Cars"), table("CARS", 1)], [], {}, limits)
    assert (second.current_table != "CARS") == shared


def test_other_names_are_taken_as_given() -> None:
    (cars,) = named([table("Cars")], [], {"Cars": "vehicles"}, POSTGRESQL)
    assert names_of(cars) == ("vehicles_history", "vehicles", "vehicles_versions")


@pytest.mark.parametrize("limits", [POSTGRESQL, SQLITE])
@given(names=st.lists(texts | near, max_size=8))
def test_no_two_tables_share_a_name_and_none_is_too_long(limits, names) -> None:
    tables = [table(name, number) for number, name in enumerate(names)]
    found = named(tables, [], {}, limits)
    assert [each.table_name for each in found] == names

    taken: dict[str, str] = {}
    for each in found:
        for name in names_of(each):
            assert 0 < len(name.encode()) <= limits.most_bytes
            assert not name.lower().startswith(limits.reserved or "\0")
            folded = name.lower() if limits.folds_case and name.isascii() else name
            assert folded not in OURS
            assert taken.setdefault(folded, each.table_name) == each.table_name

    for split in range(len(tables) + 1):
        known = named(tables[:split], [], {}, limits)
        assert named(tables, known, {}, limits) == found
