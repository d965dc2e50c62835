"""A destination that somebody changed: every row counts, and reading goes on."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from chunks import CARS, STRAND, chunk, put, revision
from qldb_replay.destinations import open_destination
from qldb_replay.destinations.digests import DIGESTED
from qldb_replay.destinations.interface import Checkpoint
from qldb_replay.errors import DestinationError

BOATS = replace(
    CARS,
    table_id="id-of-boats",
    table_name="Boats",
    **{
        name: getattr(CARS, name).replace("Cars", "Boats")
        for name in ("history_table", "current_table", "versions_view", "columns_view")
    },
    history_columns_view="Boats_history_columns",
)
HISTORY = '"Cars_history"'
BARE = {
    "sqlite": 'CREATE TABLE bare AS SELECT * FROM {0}; DROP VIEW "Cars_versions"; '
    "DROP TABLE {0}; ALTER TABLE bare RENAME TO {0}",
    "postgresql": "ALTER TABLE {0} DISABLE TRIGGER USER",
}


@pytest.fixture
def filled(ready):
    ready.prepare([CARS, BOATS], Checkpoint(STRAND, -1), [])
    rows = [revision(0, "d1", 0, '{"a":1}'), revision(1, "d1", 1, '{"a":2}')]
    put(ready, chunk(0, 1, rows), Checkpoint(STRAND, -1))
    return ready


@pytest.fixture
def change(url, ask):
    """Runs SQL on a table that lost what kept it as it is."""

    def run(table: str, attack: str) -> None:
        for statement in [*BARE[url.partition(":")[0]].format(table).split("; "), attack]:
            ask(statement)

    return run


def counted(to, what: str) -> dict[str, int]:
    """Rows by range, each of which narrowing must find as well."""
    ranges = {each.number: each.rows for each in to.digests(what, 1)}
    narrowed = list(to.row_digests(what, 1, list(ranges)))
    assert len(narrowed) == sum(ranges.values())
    assert all(isinstance(part, str) for row in narrowed for part in row)
    return ranges


def test_a_row_without_a_block_is_refused(filled, ask) -> None:
    with pytest.raises(Exception, match=r"(?i)not.null"):
        ask(
            'INSERT INTO "Cars_history" (table_id, document_id, version) '
            "VALUES ('id-of-cars', 'forged', 0)"
        )


def test_a_row_without_a_block_counts_where_it_was_let_in(filled, change, ask, url) -> None:
    before = counted(filled, "revisions")
    if url.startswith("postgresql"):
        ask(f"ALTER TABLE {HISTORY} ALTER sequence_no DROP NOT NULL")
    change(
        HISTORY,
        f"INSERT INTO {HISTORY} (table_id, document_id, version, strand_id) "
        "VALUES ('id-of-cars', 'forged', 0, 's')",
    )

    assert counted(filled, "revisions") == {**before, "-": 1}


def test_a_row_with_the_key_of_another_tables_is_told_apart(filled, ask) -> None:
    ask('INSERT INTO "Boats_history" SELECT * FROM "Cars_history" WHERE version = 0')

    (ranges,) = [each.number for each in filled.digests("revisions", 1) if each.rows == 2]
    rows = list(filled.row_digests("revisions", 1, [ranges]))
    assert [row[0] for row in rows] == ["Boats", "Cars"]
    assert len({row[:-1] for row in rows}) == 2


@pytest.mark.parametrize(
    ("table", "kind"), [("Cars_history", "revisions"), ("ledger_blocks", "blocks")]
)
def test_a_table_that_is_gone_has_no_rows(filled, ask, table, kind) -> None:
    ask(f'DROP TABLE "{table}" CASCADE' if "postgres" in filled.shown else f'DROP TABLE "{table}"')

    assert list(filled.digests(kind, 1)) == []


def test_tables_of_ours_that_are_gone_are_named(filled, ask) -> None:
    ask("DROP TABLE ledger_gaps")

    with pytest.raises(DestinationError, match=r"lacks ledger_gaps: it was changed"):
        filled.checkpoint()


def test_a_row_that_gives_no_record_is_left_out(filled, change) -> None:
    def read() -> list[bytes]:
        return list(filled.records())

    blocks = [record for record in read() if record == b"\xe0\x01\x00\xea"]
    assert len(blocks) == len(read()) == 2  # the revisions' metadata is no Ion
    change("ledger_blocks", "UPDATE ledger_blocks SET ion = NULL WHERE sequence_no = 1")
    assert read() == blocks[:1]


TEXTS = [
    ("UPDATE {} SET sequence_no = 'x' WHERE version = 1", "x"),
    ("UPDATE {} SET data = CAST(x'FF' AS TEXT) WHERE version = 1", "1"),
    ("UPDATE {} SET document_id = CAST(x'FF' AS TEXT) WHERE version = 1", "1"),
    ("UPDATE {} SET document_id = NULL WHERE version = 1", "1"),
    ("UPDATE {} SET hash = 'text' WHERE version = 1", "1"),
    ("UPDATE {} SET metadata_ion = 1.5, table_id = x'00' WHERE version = 1", "1"),
]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("attack", "place"), TEXTS)
def test_values_of_any_type_are_read(filled, change, attack, place) -> None:
    change(HISTORY, attack.format(HISTORY))

    assert sum(counted(filled, "revisions").values()) == 2
    keys = {row[1] for row in filled.row_digests("revisions", 1, ["0", "1"])}
    assert keys == {"0", place}
    assert len(list(filled.records())) == 2


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_live_row_without_a_document_counts(filled, ask) -> None:
    ask('CREATE TABLE bare AS SELECT * FROM "Cars"')
    ask('DROP TABLE "Cars"')
    ask('ALTER TABLE bare RENAME TO "Cars"')
    ask("INSERT INTO \"Cars\" VALUES (NULL, 0, '{}')")

    assert counted(filled, "current")["-"] == 1


def test_every_kind_of_row_has_digests(filled) -> None:
    assert {what: sum(counted(filled, what).values()) for what in DIGESTED} == {
        "revisions": 2,
        "current": 1,
        "blocks": 2,
        "statements": 2,
    }


def test_looking_at_a_file_changes_nothing(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.db"
    with sqlite3.connect(theirs) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    before = theirs.read_bytes()

    to = open_destination(f"sqlite:///{theirs}")
    with pytest.raises(DestinationError, match="not empty"):
        to.checkpoint()
    to.close()
    new = open_destination(f"sqlite:///{tmp_path}/new.db")
    assert new.checkpoint() is None
    new.close()

    assert [path.name for path in tmp_path.iterdir()] == ["theirs.db"]
    assert theirs.read_bytes() == before


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:S3cret%zz@127.0.0.1:1/db",
        "postgresql://user:My S3cret@127.0.0.1:1/db",
        "postgresql://user:S3cret@127.0.0.1:1/db?no_such_option=S3cret",
        "postgresql://user:S3cret@[127.0.0.1:1/db",
    ],
)
def test_a_password_in_a_url_that_is_wrong_is_not_quoted(url: str) -> None:
    with pytest.raises(DestinationError) as raised:
        open_destination(url)

    assert "S3cret" not in str(raised.value)


@pytest.mark.parametrize("url", ["mysql://host/db", "ledger.db", "sqlite:ledger.db", ""])
def test_a_url_of_no_kind_says_which_there_are(url: str) -> None:
    with pytest.raises(DestinationError, match="expected sqlite:///FILE"):
        open_destination(url)
