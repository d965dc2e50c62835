"""The life of a ledger's tables, told from statement texts and first documents."""

from __future__ import annotations

import re
from itertools import permutations

import pytest

from qldb_replay.journal.tables import (
    COMMENT_PATTERN,
    DDL_PATTERN,
    Ddl,
    Event,
    Sighting,
    Table,
    read_ddl,
    trace_tables,
)


@pytest.mark.parametrize(
    ("statement", "ddl"),
    [
        ("CREATE TABLE Person", Ddl("create", "table", "Person")),
        ("create table person;", Ddl("create", "table", "person")),
        ('CREATE TABLE "two words"', Ddl("create", "table", "two words")),
        ('CREATE TABLE "a""b"', Ddl("create", "table", 'a"b')),
        ("CREATE TABLE Person WITH (aws_tags = `{'k': 'v'}`)", Ddl("create", "table", "Person")),
        ("  \n\tCREATE\n TABLE\tPerson", Ddl("create", "table", "Person")),
        ("-- new\nCREATE TABLE Person", Ddl("create", "table", "Person")),
        ("/* a\n b */ CREATE TABLE Person", Ddl("create", "table", "Person")),
        ("CREATE /* x */ TABLE -- y\n Person", Ddl("create", "table", "Person")),
        ('CREATE TABLE "a--b /* c */"', Ddl("create", "table", "a--b /* c */")),
        ("--\n" * 20_000 + "CREATE TABLE Person", Ddl("create", "table", "Person")),
        ("DROP TABLE Person", Ddl("drop", "table", "Person")),
        ('UNDROP TABLE "5PLf9SXwndd63lPaSIa0O6"', Ddl("undrop", "table", "5PLf9SXwndd63lPaSIa0O6")),
        ("UNDROP TABLE 5PLf9SXwndd63lPaSIa0O6", Ddl("undrop", "table", "5PLf9SXwndd63lPaSIa0O6")),
        ("CREATE INDEX ON Person (GovId)", Ddl("create", "index", "Person", "GovId")),
        ("create index on Person(GovId)", Ddl("create", "index", "Person", "GovId")),
        ('CREATE INDEX ON "P q" ( "a.b" )', Ddl("create", "index", "P q", "a.b")),
        (
            'DROP INDEX "4tPW3fUhaVhDinRgKRLhGU" ON Person WITH (purge = true)',
            Ddl("drop", "index", "Person"),
        ),
    ],
)
def test_statements_on_tables_are_read(statement: str, ddl: Ddl) -> None:
    assert read_ddl(statement) == ddl


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "INSERT INTO Person ?",
        "SELECT * FROM Person WHERE note = 'CREATE TABLE x'",
        "-- CREATE TABLE Person",
        "/* CREATE TABLE Person */ SELECT 1",
        "CREATE",
        "CREATE TABLE",
        "CREATE INDEX Person",
        "CREATE TABLESPACE x",
        "ALTER TABLE Person",
        "/*" * 5_000,
        "--\n" * 5_000,
        " " * 50_000,
        '"' * 50_001,
    ],
)
def test_other_statements_are_none(statement: str) -> None:
    assert read_ddl(statement) is None


@pytest.mark.parametrize(
    "statement",
    ["CREATE /* x */ TABLE t", "drop-- y\ntable t", 'CREATE TABLE "a--b"', "/*'*/DROP TABLE t"],
)
def test_the_patterns_let_through_all_that_is_read(statement: str) -> None:
    """They filter on executors first, so they must never be narrower than the reading."""
    assert read_ddl(statement) is not None
    assert re.search(DDL_PATTERN, re.sub(COMMENT_PATTERN, " ", statement))


def event(place: int, statement: str, index: int = 0) -> Event:
    ddl = read_ddl(statement)
    assert ddl is not None
    return Event(place, index, place * 1_000, ddl)


def test_a_table_gets_the_id_that_shows_first_after_its_creation() -> None:
    (table,) = trace_tables([event(1, "CREATE TABLE T")], [Sighting(4, "id-1", "T")])

    assert table == Table("T", "id-1", "ACTIVE", [], [("created", 1, 1_000)])


def test_a_table_without_documents_has_no_id() -> None:
    (table,) = trace_tables([event(1, "CREATE TABLE T")], [])

    assert (table.table_id, table.status) == (None, "ACTIVE")


def test_names_are_told_apart_by_case() -> None:
    tables = trace_tables(
        [event(1, "CREATE TABLE t"), event(2, "CREATE TABLE T"), event(3, "DROP TABLE T")], []
    )

    assert [(table.name, table.status) for table in tables] == [("t", "ACTIVE"), ("T", "INACTIVE")]


def test_a_name_that_comes_again_is_another_table() -> None:
    tables = trace_tables(
        [event(1, "CREATE TABLE T"), event(5, "DROP TABLE T"), event(7, "CREATE TABLE T")],
        [Sighting(2, "id-1", "T"), Sighting(8, "id-2", "T")],
    )

    assert [(table.table_id, table.status) for table in tables] == [
        ("id-1", "INACTIVE"),
        ("id-2", "ACTIVE"),
    ]
    assert tables[0].lifecycle == [("created", 1, 1_000), ("dropped", 5, 5_000)]


def test_the_first_of_two_may_never_have_had_a_document() -> None:
    tables = trace_tables(
        [event(1, "CREATE TABLE T"), event(5, "DROP TABLE T"), event(7, "CREATE TABLE T")],
        [Sighting(8, "id-2", "T")],
    )

    assert [table.table_id for table in tables] == [None, "id-2"]


def test_an_undropped_table_is_active_again() -> None:
    (table,) = trace_tables(
        [event(1, "CREATE TABLE T"), event(5, "DROP TABLE T"), event(6, 'UNDROP TABLE "id-1"')],
        [Sighting(2, "id-1", "T")],
    )

    assert table.status == "ACTIVE"
    assert [what for what, _, _ in table.lifecycle] == ["created", "dropped", "undropped"]


def test_a_table_from_before_the_archive_begins_where_it_is_seen() -> None:
    tables = trace_tables(
        [event(9, "DROP TABLE T"), event(12, "DROP TABLE U")], [Sighting(4, "id-1", "T")]
    )

    assert tables == [
        Table("T", "id-1", "INACTIVE", [], [("dropped", 9, 9_000)]),
        Table("U", None, "INACTIVE", [], [("dropped", 12, 12_000)]),
    ]


def test_two_tables_of_one_transaction_keep_their_order() -> None:
    tables = trace_tables(
        [event(1, "CREATE TABLE B", 1), event(1, "CREATE TABLE A", 0)],
        [Sighting(1, "id-b", "B"), Sighting(1, "id-a", "A")],
    )

    assert [(table.name, table.table_id) for table in tables] == [("A", "id-a"), ("B", "id-b")]


def test_indexes_are_fields_in_the_order_of_their_creation() -> None:
    (table,) = trace_tables(
        [
            event(1, "CREATE TABLE T"),
            event(2, "CREATE INDEX ON T (b)"),
            event(3, "CREATE INDEX ON T (a)"),
            event(4, "CREATE INDEX ON T (b)"),
            event(5, "CREATE INDEX ON Other (x)"),
        ],
        [],
    )

    assert table.indexes == ["b", "a"]


def test_a_dropped_index_is_gone_where_it_was_the_only_one() -> None:
    drop = 'DROP INDEX "4tPW3fUhaVhDinRgKRLhGU" ON T WITH (purge = true)'
    (table,) = trace_tables(
        [event(1, "CREATE TABLE T"), event(2, "CREATE INDEX ON T (a)"), event(3, drop)], []
    )

    assert table.indexes == []


def test_the_order_of_arrival_changes_nothing() -> None:
    events = [
        event(1, "CREATE TABLE T"),
        event(3, "DROP TABLE T"),
        event(4, "CREATE TABLE T"),
        event(5, "CREATE INDEX ON T (a)"),
    ]
    sightings = [Sighting(2, "id-1", "T"), Sighting(6, "id-2", "T"), Sighting(7, "id-2", "T")]
    expected = trace_tables(events, sightings)

    assert all(expected == trace_tables(order, sightings) for order in permutations(events))
    assert all(expected == trace_tables(events, order) for order in permutations(sightings))
