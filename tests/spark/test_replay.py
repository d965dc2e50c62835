"""The history in a destination: all of it, once, in order, whatever happens on the way."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from program import PROGRAM
from qldb_replay.cli import main
from qldb_replay.destinations.postgresql import PostgresqlDestination
from qldb_replay.destinations.sqlite import SqliteDestination
from qldb_replay.errors import StageError
from qldb_replay.lake.runs import Run
from qldb_replay.replay.source import _keys
from qldb_replay.simulate import SimulateOptions, Truth, simulate


class Source:
    """A ledger's archive, its verified lake, and what the simulator knows of it."""

    def __init__(self, folder: Path, command: Any, **options: Any) -> None:
        self.truth, self.archive, self.lake = Truth(), folder / "archive", folder / "lake"
        simulate(SimulateOptions(out=self.archive, **options), self.truth)
        self.files = sorted(path for path in self.archive.rglob("*") if path.is_file())
        self._hidden = folder / "hidden"
        self._command = command

    def hide(self, files: list[Path]) -> None:
        for path in files:
            target = self._hidden / path.relative_to(self.archive)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, target)

    def arrive(self) -> None:
        for path in sorted(path for path in self._hidden.rglob("*") if path.is_file()):
            shutil.move(path, self.archive / path.relative_to(self._hidden))

    def run(self) -> int:
        for stage in (["ingest", "--archive", self.archive], ["rebuild"], ["verify"]):
            code: int = self._command(*stage, "--lake", self.lake)["exit_code"]
        return code


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, quiet_command) -> Source:
    found = Source(
        tmp_path_factory.mktemp("source"),
        quiet_command,
        revisions=300,
        tables=("Person", "Orders", "Drafts", "Everything"),
        redactions=3,
        seed=5,
    )
    assert found.run() == 0
    return found


def loads(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def held(ask: Callable[..., list[tuple]]) -> dict[tuple, tuple]:
    """Every revision that a destination holds: what tells it apart, and what it says."""
    found: dict[tuple, tuple] = {}
    for (table,) in ask("SELECT DISTINCT history_table FROM ledger_tables"):
        for row in ask(
            "SELECT table_id, document_id, version, sequence_no, revision_index, operation, "
            f"tx_id, hash, data_ion, is_redacted FROM {quoted(table)}"
        ):
            assert row[:3] not in found
            hash_, data = (None if b is None else bytes(b) for b in row[7:9])
            found[row[:3]] = (*row[3:7], hash_, data, bool(row[9]))
    return found


def expected(rows: list[dict[str, Any]], last: int | None = None) -> dict[tuple, tuple]:
    names = ("sequence_no", "revision_index", "operation", "tx_id", "hash", "data_ion")
    return {
        (row["table_id"], row["document_id"], row["version"]): (
            *(row[name] for name in names),
            row["is_redacted"],
        )
        for row in rows
        if last is None or row["sequence_no"] <= last
    }


def current(ask: Callable[..., list[tuple]]) -> dict[str, set[tuple[str, int]]]:
    names = ask("SELECT DISTINCT table_name, current_table FROM ledger_tables")
    return {
        name: {row[:2] for row in ask(f"SELECT document_id, version FROM {quoted(table)}")}
        for name, table in names
    }


def check_columns(ask: Any, read_table: Any, lake: Path, name: str, *, exact: bool) -> None:
    """Holds the views of typed columns against the typed columns of the lake."""
    for view, table in (("_columns", "current"), ("_history_columns", "history")):
        rows = read_table(lake, f"{table}/{name}")
        names = plain_fields(rows, (bool, int, float, Decimal, datetime) if exact else (bool, int))
        if not exact:  # SQLite's paths have no way to write the others
            names = [name for name in names if "%0" not in name and "\\" not in name]
        assert names
        listed = ", ".join(map(quoted, names))
        found = ask(f"SELECT document_id, version, {listed} FROM {quoted(name + view)}")
        assert {row[:2]: row[2:] for row in found} == {
            (row["document_id"], row["version"]): tuple(
                None if row["data"] is None else finite(row["data"][field]) for field in names
            )
            for row in rows
        }


def finite(value: Any) -> Any:
    """Returns a value, None where JSON cannot say it."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def plain_fields(rows: list[dict[str, Any]], types: tuple[type, ...]) -> list[str]:
    """Names the fields of documents whose values are all of some types, or null."""
    values: dict[str, set[type]] = {}
    for row in rows:
        for field, value in (row["data"] or {}).items():
            values.setdefault(field, set()).add(type(value))
    return [
        name
        for name, each in values.items()
        if each - {type(None)} and each <= {*types, type(None)}
    ]


def test_everything_arrives_and_proves_itself(source, url, ask, command, read_table) -> None:
    arguments = ("--lake", source.lake, "--to", url)
    plan = command("replay", *arguments, "--dry-run")
    assert plan["exit_code"] == 0
    assert plan["counts"]["revisions"] == len(source.truth.revisions())

    assert command("replay", *arguments, "--columns")["exit_code"] == 0

    rows = read_table(source.lake, "revisions")
    assert held(ask) == expected(rows)
    for name in ("Person", "Orders", "Everything"):
        check_columns(ask, read_table, source.lake, name, exact=url.startswith("postgresql"))
    assert {row["hash"] for row in source.truth.revisions()} == {r[4] for r in held(ask).values()}
    found = current(ask)
    for name in found:
        live = {(row["document_id"], row["version"]) for row in source.truth.current(name)}
        assert found[name] == live, name
    blocks = ask("SELECT sequence_no, block_hash, ion FROM ledger_blocks ORDER BY 1")
    assert [(n, bytes(h)) for n, h, _ in blocks] == [
        (row["sequence_no"], row["block_hash"]) for row in source.truth.blocks()
    ]
    wanted = [row["statements"] or [] for row in read_table(source.lake, "blocks")]
    assert ask("SELECT count(*) FROM ledger_statements") == [(sum(map(len, wanted)),)]

    again = command("replay", *arguments)
    assert (again["exit_code"], again["counts"]["revisions"]) == (0, 0)
    compared = command("compare", *arguments)
    assert (compared["exit_code"], compared["counts"]["differences"]) == (0, 0)
    assert compared["counts"]["revisions"] == len(rows)
    if url.startswith("sqlite"):
        return  # reading back is the same for both, and costs a whole job
    digest = f"{source.archive}.digest.json"
    alone = command("verify", "--to", url, "--digest", digest)
    assert (alone["exit_code"], alone["verdict"]) == (0, "pass")
    (strand,) = alone["strands"]
    assert strand["anchored_to"] == strand["last_sequence_no"]


def test_a_reader_sees_a_prefix(source, url, ask, command, read_table) -> None:
    """At each stop the destination is the ledger as it was behind that block."""
    rows = read_table(source.lake, "revisions")
    tables = read_table(source.lake, "tables")
    events = [event["sequence_no"] for table in tables for event in table["lifecycle"]]
    last = max(row["sequence_no"] for row in rows)
    for stop in sorted({*sorted(events)[-2:], last // 2}):
        code = command("replay", "--lake", source.lake, "--to", url, "--to-sequence", stop)
        assert code["exit_code"] == 0
        assert held(ask) == expected(rows, stop)
        assert current(ask) == live_at(rows, tables, stop)
    assert command("compare", "--lake", source.lake, "--to", url)["exit_code"] == 0


def test_partitions_come_in_the_ledgers_order(source, command, tmp_path, monkeypatch) -> None:
    """However Spark spreads the rows, no block is written that is not the next one."""
    monkeypatch.setattr("qldb_replay.replay.source.ROWS_IN_PARTITION", 20)
    arguments = ("--lake", source.lake, "--to", f"sqlite:///{tmp_path}/ledger.db")
    with monkeypatch.context() as patch:
        patch.setattr("qldb_replay.replay.source._keys", lambda *given: _keys(*given)[::-1])
        failed = command("replay", *arguments)
    assert failed["exit_code"] == 4
    assert "came where block 0 was due" in failed["error"]["message"]
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        assert connection.execute("SELECT count(*) FROM ledger_blocks").fetchone() == (0,)

    assert command("replay", *arguments)["exit_code"] == 0

    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        written = connection.execute("SELECT sequence_no FROM ledger_blocks ORDER BY rowid")
        assert [row[0] for row in written] == list(range(len(source.truth.blocks())))
    assert command("compare", *arguments)["exit_code"] == 0


def test_nothing_is_written_before_the_run_is_noted(source, command, tmp_path, monkeypatch) -> None:
    def failing(run: Run) -> None:
        time.sleep(2)
        raise StageError("the row cannot be written")

    monkeypatch.setattr(Run, "begin", failing)
    to = f"sqlite:///{tmp_path}/ledger.db"
    summary = command("replay", "--lake", source.lake, "--to", to)
    assert (summary["exit_code"], summary["error"]["message"]) == (4, "the row cannot be written")
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def live_at(rows: list[dict], tables: list[dict], stop: int) -> dict[str, set[tuple[str, int]]]:
    found: dict[str, set[tuple[str, int]]] = {table["table_name"]: set() for table in tables}
    for table in tables:
        past = [e["event"] for e in table["lifecycle"] if e["sequence_no"] <= stop]
        if not past or past[-1] == "dropped" or table["table_id"] is None:
            continue
        newest: dict[str, dict] = {}
        for row in rows:
            if row["table_id"] == table["table_id"] and row["sequence_no"] <= stop:
                known = newest.get(row["document_id"])
                if known is None or known["version"] < row["version"]:
                    newest[row["document_id"]] = row
        found[table["table_name"]] |= {
            (row["document_id"], row["version"])
            for row in newest.values()
            if row["operation"] != "DELETE"
        }
    return found


ATTACKS = {
    "sqlite": [
        ('DROP TRIGGER "{update}"', 'UPDATE "Person_history" SET tx_id = ? WHERE version = 1'),
        ('DROP TRIGGER "{delete}"', 'DELETE FROM "Person_history" WHERE version = 2'),
    ],
    "postgresql": [
        ('ALTER TABLE "Person_history" DISABLE TRIGGER USER', None),
        (None, 'UPDATE "Person_history" SET tx_id = ? WHERE version = 1'),
        (None, 'DELETE FROM "Person_history" WHERE version = 2'),
    ],
}


def test_compare_names_what_differs(source, url, ask, command, read_table) -> None:
    arguments = ("--lake", source.lake, "--to", url)
    assert command("replay", *arguments)["exit_code"] == 0
    triggers = {}
    if url.startswith("sqlite"):
        names = ask("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        for rule in ("update", "delete"):
            triggers[rule] = next(
                name for name, sql in names if '"Person_history"' in sql and f"_{rule}_" in name
            )
    changed = ask('SELECT document_id FROM "Person_history" WHERE version = 1')
    gone = ask('SELECT document_id FROM "Person_history" WHERE version = 2')
    for prepare, attack in ATTACKS[url.partition(":")[0]]:
        if prepare is not None:
            ask(prepare.format(**triggers))
        if attack is not None:
            ask(attack, *(["forged"] if "?" in attack else []))
    (victim,) = ask('SELECT min(document_id) FROM "Orders"')[0]
    ask("""UPDATE "Orders" SET data = '{"forged": true}' WHERE document_id = ?""", victim)
    (double,) = ask('SELECT min(document_id) FROM "Person_history" WHERE version = 0')[0]
    ask(
        'INSERT INTO "Orders_history" SELECT * FROM "Person_history" '
        "WHERE version = 0 AND document_id = ?",
        double,
    )

    summary = command("compare", *arguments)

    assert (summary["exit_code"], summary["verdict"]) == (1, "fail")
    last = max(row["run_id"] for row in read_table(source.lake, "findings"))
    found = [row for row in read_table(source.lake, "findings") if row["run_id"] == last]
    assert {(row["code"], row["severity"]) for row in found} == {("destination-mismatch", "fail")}
    told = {(row["detail"], row["document_id"], row["version"]) for row in found}
    other, lost = "revisions: other in the destination", "revisions: missing in the destination"
    assert {(d, v) for w, d, v in told if w == other} == {(d, 1) for (d,) in changed}
    assert {(d, v) for w, d, v in told if w == lost} == {(d, 2) for (d,) in gone}
    assert [d for w, d, _ in told if w.startswith("current: other")] == [victim]
    extra = [(d, v) for w, d, v in told if w == "revisions: extra in the destination"]
    assert extra == [(double, 0)]
    assert len(told) == len(changed) + len(gone) + 2
    if url.startswith("sqlite"):
        ask("UPDATE \"Person_history\" SET metadata_ion = x'00' WHERE document_id = ?", double)
        ask('DROP TABLE "Drafts"')
        alone = command("verify", "--to", url)
        assert (alone["exit_code"], alone["verdict"]) == (1, "fail")


class Died(BaseException):
    """No `except Exception` catches it."""


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, int], None]:
    """Has a transaction die, in one of three ways: after the commit, before it, by the server."""
    own: dict[Any, Any] = {}

    def at(cls: Any, death: int) -> None:
        count, atomic = [0], own.setdefault(cls, cls.atomic)

        @contextmanager
        def mortal(self: Any) -> Iterator[None]:
            count[0] += 1
            with atomic(self):
                yield
                if count[0] == death and death % 3 == 0 and cls is PostgresqlDestination:
                    self.run("SELECT pg_terminate_backend(pg_backend_pid())")
                if count[0] == death and death % 3 != 1:
                    raise Died
            if count[0] == death:
                raise Died

        monkeypatch.setattr(cls, "atomic", mortal)

    return at


def test_dying_at_any_commit_loses_and_repeats_nothing(
    source, url, ask, command, read_table, monkeypatch, dying
) -> None:
    """Each run dies at a later transaction than the one before it, until one gets through."""
    cls = SqliteDestination if url.startswith("sqlite") else PostgresqlDestination
    monkeypatch.setattr("qldb_replay.replay.stage.LEAST_ROWS", 40)
    codes = []
    while 0 not in codes:
        dying(cls, len(codes) + 1)
        try:
            codes.append(main(["replay", "--lake", str(source.lake), "--to", url]))
        except Died:
            codes.append(-1)
    assert 4 < len(codes) < 12
    assert set(codes) == ({0, -1} if cls is SqliteDestination else {0, -1, 4})
    monkeypatch.undo()

    assert held(ask) == expected(read_table(source.lake, "revisions"))
    assert command("compare", "--lake", source.lake, "--to", url)["exit_code"] == 0


def test_kill_9_and_again(source, database, command) -> None:
    arguments = ["replay", "--lake", str(source.lake), "--to", database]
    slow = [sys.executable, "-c", PROGRAM, *arguments, "--rate", "5"]
    process = subprocess.Popen(
        slow, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while passed(database) < 20:
            assert process.poll() is None, "ended before it was killed"
            time.sleep(0.05)
        refused = command(*arguments)
        assert refused["exit_code"] == 2, "the lake has its writer, and so has the destination"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    before = passed(database)

    assert command(*arguments)["exit_code"] == 0

    assert 20 <= before < passed(database)
    assert command("compare", "--lake", source.lake, "--to", database)["exit_code"] == 0
    with psycopg.connect(database) as connection:
        runs = connection.execute("SELECT ended IS NULL FROM ledger_runs ORDER BY started")
        assert runs.fetchall() == [(True,), (False,)]


def passed(database: str) -> int:
    try:
        with psycopg.connect(database) as connection:
            rows = connection.execute("SELECT sequence_no FROM ledger_checkpoint").fetchall()
    except psycopg.Error:
        return -1
    return rows[0][0] if rows else -1


def test_gaps_stop_are_passed_over_and_are_filled(
    tmp_path,
    quiet_command,
    command,
    database,
    read_table,
) -> None:
    source = Source(
        tmp_path,
        quiet_command,
        revisions=250,
        tables=("Person",),
        object_bytes=25_000,
        disorder=0,
        duplicates=0,
        redactions=0,
    )
    source.hide([source.files[0], source.files[4], source.files[8]])
    assert source.run() == 3
    stops, over = f"sqlite:///{tmp_path}/stops.db", ("--lake", source.lake, "--to", database)

    first = command("replay", "--lake", source.lake, "--to", stops)
    assert first["exit_code"] == 3
    assert command("compare", "--lake", source.lake, "--to", stops)["exit_code"] == 0
    past = command("replay", *over, "--over-gaps")
    assert (past["exit_code"], past["verdict"]) == (3, "incomplete")
    assert past["counts"]["gaps"] >= 3
    assert past["counts"]["revisions"] > first["counts"]["revisions"]
    assert command("compare", *over)["exit_code"] == 0
    with psycopg.connect(database) as connection:
        gaps = connection.execute("SELECT first, last FROM ledger_gaps ORDER BY 1").fetchall()
    inside = {
        f"sqlite:///{tmp_path}/{first}.db": (first + 1, last)
        for first, last in (gaps[0], max(gaps[1:], key=lambda gap: gap[1] - gap[0]))
    }
    for to, (begin, _) in inside.items():
        arguments = ("--lake", source.lake, "--to", to)
        given = ("--from-sequence", begin, "--over-gaps")
        assert command("replay", *arguments, *given)["exit_code"] == 3
        assert command("compare", *arguments)["exit_code"] == 0

    source.arrive()
    assert source.run() == 0
    for to, (begin, last) in inside.items():
        arguments = ("--lake", source.lake, "--to", to)
        late = command("replay", *arguments)
        assert (late["exit_code"], late["counts"]["late"]) == (0, 0)
        assert late["counts"]["filled"] > last - begin
        assert command("compare", *arguments)["exit_code"] == 0
    filled = command("replay", *over)
    assert filled["exit_code"] == 0
    assert (filled["counts"]["gaps"], filled["counts"]["filled"] > 0) == (0, True)
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT count(*) FILTER (WHERE filled_by_run IS NULL), count(*) FROM ledger_gaps"
        ).fetchall()
    assert rows[0][0] == 0
    assert rows[0][1] >= 3
    assert command("compare", *over)["exit_code"] == 0
    # The one that stopped had begun behind the head, which is a gap of its own.
    assert command("replay", "--lake", source.lake, "--to", stops)["exit_code"] == 0
    assert command("compare", "--lake", source.lake, "--to", stops)["exit_code"] == 0


@pytest.fixture(scope="module")
def half_and_whole(tmp_path_factory: pytest.TempPathFactory, quiet_command) -> tuple[Path, Path]:
    """The lake of half an archive, and what it became when the rest, with redactions, arrived."""
    folder = tmp_path_factory.mktemp("halves")
    source = Source(
        folder,
        quiet_command,
        revisions=300,
        tables=("Person",),
        redactions=4,
        object_bytes=30_000,
        disorder=0,
        duplicates=0,
        seed=9,
    )
    source.hide(source.files[len(source.files) // 2 :])
    assert source.run() in (0, 3)  # the last block's revisions may lie in the next object
    shutil.copytree(source.lake, folder / "half")
    source.arrive()
    assert source.run() == 0
    return folder / "half", source.lake


def test_redactions_that_become_known_later_are_applied(
    half_and_whole, command, url, ask, read_table
) -> None:
    half, whole = half_and_whole
    assert command("replay", "--lake", half, "--to", url)["exit_code"] in (0, 3)
    before = {key for key, row in held(ask).items() if row[6]}
    arguments = ("--lake", whole, "--to", url)

    summary = command("replay", *arguments)

    rows = read_table(whole, "revisions")
    assert held(ask) == expected(rows)
    newly = {key for key, row in held(ask).items() if row[6]} - before
    assert summary["counts"]["redacted"] > 0
    logged = ask("SELECT table_id, document_id, version FROM ledger_redactions")
    assert len(logged) == summary["counts"]["redacted"]
    assert set(logged) <= newly
    assert command("compare", *arguments)["exit_code"] == 0


def test_a_selection_is_recorded_and_compared_within(source, command, tmp_path, read_table) -> None:
    to = f"sqlite:///{tmp_path}/some.db"
    rows = read_table(source.lake, "revisions")
    people = sorted({row["document_id"] for row in rows if row["table_name"] == "Person"})[:20]
    (tmp_path / "ids").write_text("\n".join(people))
    chosen = ["--tables", "Person,Orders", "--documents", tmp_path / "ids", "--map", "Person=folk"]
    arguments = ("--lake", source.lake, "--to", to)

    summary = command("replay", *arguments, *chosen)

    assert summary["exit_code"] == 0
    wanted = [row for row in rows if row["document_id"] in people]
    assert summary["counts"]["revisions"] == len(wanted)
    with sqlite3.connect(tmp_path / "some.db") as connection:
        assert connection.execute('SELECT count(*) FROM "folk_history"').fetchone() == (
            len(wanted),
        )
    assert command("compare", *arguments)["exit_code"] == 0
    assert command("replay", *arguments)["exit_code"] == 0
    never = command("replay", *arguments[:2], "--to", f"{to}2", "--tables", "Never")
    assert never["exit_code"] == 2
    assert "never had a table Never" in never["error"]["message"]
    for another in (("--tables", "Orders"), ("--redactions", "honour")):
        other = command("replay", *arguments, *another)
        assert other["exit_code"] == 2
        assert "another selection" in other["error"]["message"]


def test_until_is_the_longest_prefix(source, command, tmp_path, read_table) -> None:
    rows = sorted(read_table(source.lake, "revisions"), key=lambda row: row["sequence_no"])
    at = rows[len(rows) // 2]["tx_time"]
    to = f"sqlite:///{tmp_path}/until.db"
    summary = command("replay", "--lake", source.lake, "--to", to, "--until", at.isoformat())
    later = min(row["sequence_no"] for row in rows if row["tx_time"] > at)
    assert summary["counts"]["revisions"] == sum(row["sequence_no"] < later for row in rows)


def test_what_cannot_be_replayed_is_answered(
    source,
    command,
    tmp_path,
    quiet_command,
    database,
) -> None:
    to = f"sqlite:///{tmp_path}/ledger.db"
    lake = ("--lake", source.lake)
    theirs = tmp_path / "theirs.db"
    with sqlite3.connect(theirs) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    (tmp_path / "text.db").write_text("no database, but a text that is long enough to be one" * 9)
    secret = "postgresql://me:hush@127.0.0.1:1/nowhere?connect_timeout=2"
    for url, says in (
        ("mysql://host/db", "expected sqlite:///FILE or postgresql://"),
        (f"sqlite:///{tmp_path}/no/such/folder.db", "cannot be opened"),
        (f"sqlite:///{tmp_path}/text.db", "cannot be opened"),
        (f"sqlite:///{theirs}", "not empty"),
        (secret, "cannot be reached"),
    ):
        summary = command("replay", *lake, "--to", url)
        assert summary["exit_code"] == 2, url
        assert says in summary["error"]["message"]
        assert "hush" not in json.dumps(summary) + command.messages
    assert command("compare", *lake, "--to", to)["exit_code"] == 2

    other = Source(
        tmp_path / "other",
        quiet_command,
        revisions=60,
        tables=("Person",),
        damage=("flip-bit-in-data",),
    )
    assert other.run() == 1
    assert command("replay", "--lake", other.lake, "--to", to)["exit_code"] == 1
    findings = [row for row in read(other.lake) if row["severity"] == "fail"]
    accepted = [
        {
            **{
                name: row[name]
                for name in ("code", "strand_id", "sequence_no", "document_id", "version")
                if row[name] is not None
            },
            "reason": "known",
            "who": "me",
        }
        for row in findings
    ]
    (tmp_path / "accepted.yaml").write_text(json.dumps(accepted))
    accept = ("--accept-findings", tmp_path / "accepted.yaml")
    assert command("replay", "--lake", other.lake, "--to", to, *accept)["exit_code"] == 0
    wrong = command("replay", *lake, "--to", to)
    assert wrong["exit_code"] == 2
    assert "holds ledger" in wrong["error"]["message"]


def read(lake: Path) -> list[dict[str, Any]]:
    from deltalake import DeltaTable

    rows: list[dict[str, Any]] = DeltaTable(str(lake / "findings")).to_pyarrow_table().to_pylist()
    return rows


def test_run_does_everything(tmp_path, command) -> None:
    simulate(SimulateOptions(out=tmp_path / "archive", revisions=80, tables=("Person",)))
    to = f"sqlite:///{tmp_path}/ledger.db"
    summary = command(
        "run", "--archive", tmp_path / "archive", "--lake", tmp_path / "lake", "--to", to
    )
    assert summary["exit_code"] == 0
    assert summary["replay"]["counts"]["revisions"] == summary["counts"]["revisions"]
    assert summary["compare"] == {"counts": summary["compare"]["counts"], "verdict": "pass"}

    again = ("run", "--archive", tmp_path / "archive", "--lake", tmp_path / "lake")
    refused = command(*again, "--to", f"{to}2", "--tables", "Never")
    assert (refused["exit_code"], refused["verdict"]) == (2, "pass")
    assert "never had a table Never" in refused["error"]["message"]
    assert not Path(tmp_path / "ledger.db2").exists()
