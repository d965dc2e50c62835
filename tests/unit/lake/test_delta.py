"""What the lake's tables are called."""

from __future__ import annotations

import pytest

from qldb_replay.lake.delta import folder_name


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("Person", "Person"),
        ("x" * 128, "x" * 128),
        ("a b.c/ü", "a%20b%2Ec%2F%C3%BC"),
        ("", "%"),
    ],
)
def test_a_folder_is_called_as_its_table(name: str, folder: str) -> None:
    assert folder_name(name) == folder


def test_names_that_no_file_system_takes_stay_apart() -> None:
    folders = {folder_name("ü" * 300), folder_name("ü" * 300 + "a"), folder_name("ü" * 299)}

    assert len(folders) == 3
    assert all(len(folder) <= 200 for folder in folders)
