"""SQLite as a destination: one file, no server.

Times are ISO 8601 text with `Z`, booleans 0 and 1, JSON its text, binary BLOB. Replay holds a lock
on `FILE.replay-lock`, which ends with its process; readers are never locked out.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.compute as pc

from qldb_replay.destinations.interface import Key, LedgerTable, NameLimits, TypedColumn
from qldb_replay.destinations.quoting import listed, literal, quoted, short_name
from qldb_replay.destinations.sql import SqlDestination
from qldb_replay.destinations.tables import (
    BINARY,
    BOOLEAN,
    INSTANT,
    INTEGER,
    JSON,
    NOTHING,
    REDACTIONS_TABLE,
    TEXT,
    Column,
    Table,
)
from qldb_replay.errors import DestinationBrokenError, DestinationError

SCHEME = "sqlite"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"  # Arrow's %S has the fraction of the type's unit

_MOST_NAME_BYTES = 1_000
_ROWS_AT_A_TIME = 10_000
_PAGE_BYTES = 32_768  # some dozen revisions fit a page
_CACHE_KIB = 65_536
_LOG_PAGES = 8_192  # pages that change in many commits are copied to the file once for them all

# What a file keeps; set before the first write, so that a reader changes nothing.
_FILE_SETTINGS = (f"page_size = {_PAGE_BYTES}", "journal_mode = WAL")
_SETTINGS = (
    # A commit that power loss takes back takes its checkpoint along; the run's end is synced.
    "synchronous = NORMAL",
    f"wal_autocheckpoint = {_LOG_PAGES}",
    f"cache_size = -{_CACHE_KIB}",
    # Freed pages keep what was redacted, unless they are overwritten.
    "secure_delete = ON",
)


class SqliteDestination(SqlDestination):
    """A destination in an SQLite file.

    A file that is not there yet is made by the first write.

    Args:
        url: `sqlite:///relative/path` or `sqlite:////absolute/path`.

    Raises:
        DestinationError: the file cannot be opened, or is no SQLite database.
    """

    mark = "?"
    types: Mapping[str, str] = {
        TEXT: "TEXT",
        INTEGER: "INTEGER",
        BOOLEAN: "INTEGER",
        INSTANT: "TEXT",
        JSON: "TEXT",
        BINARY: "BLOB",
    }

    def __init__(self, url: str) -> None:
        self._path = Path(_path(url))
        self._was_written = False
        there = self._path.exists()
        if not there and not os.access(self._path.parent, os.W_OK):
            raise self._unusable("no such folder, or not yours")
        self._connection = self._opened("rw" if there else "memory")

    def _opened(self, mode: str) -> sqlite3.Connection:
        place = f"file:{quote(str(self._path.absolute()))}?mode={mode}"
        try:
            opened = sqlite3.connect(place, uri=True, isolation_level=None, timeout=60)
            for setting in _SETTINGS:
                opened.execute(f"PRAGMA {setting}")
            opened.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.Error as error:
            raise self._unusable(str(error)) from None
        # What others wrote to the file may be no text.
        opened.text_factory = lambda raw: raw.decode(errors="backslashreplace")
        opened.create_function("ledger_sha256", 1, _hexdigest, deterministic=True)
        opened.create_aggregate("ledger_join", 1, _Joined)  # type: ignore[arg-type]
        return opened

    def _unusable(self, why: str) -> DestinationError:
        return DestinationError(
            f"{self.shown} cannot be opened ({why}): check that the folder exists, that you "
            "may write to it, and that the file is an SQLite database"
        )

    def _prepare_file(self) -> None:
        """Makes the file, and gives it its settings, before the first write."""
        if self._was_written:
            return
        self._connection.close()
        self._connection = self._opened("rwc")
        for setting in _FILE_SETTINGS:
            self._connection.execute(f"PRAGMA {setting}")
        self._was_written = True

    @property
    def shown(self) -> str:
        return f"{SCHEME}:///{self._path}"

    def name_limits(self) -> NameLimits:
        return NameLimits(_MOST_NAME_BYTES, folds_case=True, reserved=("sqlite_",))

    def relations(self) -> set[str]:
        names = {row[0] for row in self.query("SELECT name FROM sqlite_master")}
        return {name for name in names if not name.startswith("sqlite_")}

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        return self._connection.execute(statement, values).rowcount

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, values).fetchall()

    def stream(self, statement: str) -> Iterator[tuple[Any, ...]]:
        yield from self._connection.execute(statement)

    def stored_column(self, kind: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
        return pc.strftime(values, format=TIME_FORMAT) if kind == INSTANT else values

    def load(self, table: Table, rows: pa.Table) -> None:
        names = rows.column_names
        marks = ", ".join("?" * len(names))
        # OR FAIL, as a statement that may have to be undone by itself is journaled by itself.
        statement = f"INSERT OR FAIL INTO {quoted(table.name)} ({listed(names)}) VALUES ({marks})"
        for batch in rows.to_batches(_ROWS_AT_A_TIME):
            columns = [column.to_pylist() for column in batch.columns]
            self._connection.executemany(statement, zip(*columns, strict=True))

    @contextmanager
    def held(self) -> Iterator[None]:
        lock = Path(f"{self._path}.replay-lock")
        try:
            lock.touch()
        except OSError as error:
            raise DestinationError(
                f"{self.shown}: no lock can be made beside it ({error.strerror}): check that you "
                "may write to its folder"
            ) from None
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise DestinationError(
                    f"another replay writes to {self.shown}: wait until it ends"
                ) from None
            yield

    @contextmanager
    def atomic(self) -> Iterator[None]:
        try:
            self._prepare_file()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            full = "make room, then " if "full" in str(error) else ""
            raise DestinationBrokenError(
                f"{self.shown} failed ({error}); what is committed stays, {full}repeat the command"
            ) from None

    def preparations(self) -> Iterator[str]:
        return iter(())

    def refusals(self, table: Table) -> Iterator[str]:
        name = quoted(table.name)
        same_key = " AND ".join(f"{quoted(key)} = NEW.{quoted(key)}" for key in table.key)
        said = literal(f"append-only: {table.name} takes no changes")
        # INSERT OR REPLACE deletes without firing a trigger on DELETE.
        again = f"WHEN EXISTS (SELECT 1 FROM {name} WHERE {same_key})"
        rules = (
            ("replace", f"BEFORE INSERT ON {name} {again}", "FAIL"),  # see `load`
            ("delete", f"BEFORE DELETE ON {name}", "ABORT"),
            ("update", f"BEFORE UPDATE ON {name} {self._unless_redaction(table)}", "ABORT"),
        )
        for rule, when, how in rules:
            trigger = quoted(short_name(rule, table.name))
            yield f"CREATE TRIGGER {trigger} {when} BEGIN SELECT RAISE({how}, {said}); END"

    def _unless_redaction(self, table: Table) -> str:
        if table.append_only == NOTHING:
            return ""
        stays = [c.name for c in table.columns if c.name not in ("data", "data_ion", "is_redacted")]
        same = " AND ".join(f"NEW.{quoted(name)} IS OLD.{quoted(name)}" for name in stays)
        noted = " AND ".join(f"{quoted(key)} = OLD.{quoted(key)}" for key in table.key)
        return (
            "WHEN NOT (NEW.data IS NULL AND NEW.data_ion IS NULL AND NEW.is_redacted = 1 "
            f"AND {same} AND EXISTS "
            f"(SELECT 1 FROM {quoted(REDACTIONS_TABLE.name)} WHERE {noted}))"
        )

    def end_run(self, run_id: str, ended: datetime, counts: Mapping[str, int]) -> None:
        super().end_run(run_id, ended, counts)
        self.query("PRAGMA wal_checkpoint")

    def redact(self, table: LedgerTable, keys: Sequence[Key], run_id: str) -> int:
        history, current = quoted(table.history_table), quoted(table.current_table)
        count = 0
        for key in keys:
            row = "table_id = ? AND document_id = ? AND version = ?"
            left = "(data_ion IS NOT NULL OR NOT is_redacted)"
            if not self.query(f"SELECT 1 FROM {history} WHERE {row} AND {left}", key):
                continue
            self.run(
                f"INSERT INTO {quoted(REDACTIONS_TABLE.name)} VALUES (?, ?, ?, ?)", (*key, run_id)
            )
            changes = "data = NULL, data_ion = NULL, is_redacted = 1"
            count += self.run(f"UPDATE {history} SET {changes} WHERE {row}", key)
            live = "document_id = ? AND version = ?"
            self.run(f"UPDATE {current} SET data = NULL WHERE {live}", key[1:])
        return count

    def make_indexes(self) -> None:
        there = self.relations()
        for table in self.tables():
            for field in table.indexes:
                name, value = short_name("field", table.current_table, field), _extracted(field)
                if name in there or value is None:
                    continue
                there.add(name)
                with self.atomic():
                    self.run(
                        f"CREATE INDEX {quoted(name)} ON {quoted(table.current_table)} ({value})"
                    )

    def field(self, column: TypedColumn) -> str | None:
        return _extracted(column.field)

    def stored_time(self, time: datetime) -> str:
        return f"{time.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S.%fZ}"

    def text_of(self, column: Column) -> str:
        name = quoted(column.name)
        if column.kind == BINARY:
            return f"CASE WHEN {name} IS NOT NULL THEN lower(hex({name})) END"
        if column.kind in (INTEGER, BOOLEAN):
            return self.as_text(name)
        return name

    def as_text(self, number: str) -> str:
        return f"CAST({number} AS TEXT)"

    def measured(self, text: str) -> str:
        return f"coalesce(length(CAST({text} AS BLOB)) || ':' || {text}, '-')"

    def digest_of(self, text: str) -> str:
        return f"ledger_sha256(CAST({text} AS BLOB))"

    def joined_digests(self, digest: str) -> str:
        return f"ledger_join({digest})"

    def json_shown(self) -> None:
        """SQLite shows the text that was stored."""

    def close(self) -> None:
        self._connection.close()


def _path(url: str) -> str:
    scheme, _, rest = url.partition("://")
    path = unquote(rest.partition("?")[0])
    if scheme != SCHEME or not path.startswith("/") or len(path) < 2:
        raise DestinationError(f"expected sqlite:///FILE, found {scheme}://…")
    return str(Path(path[1:]))


def _extracted(field: str) -> str | None:
    """Returns the expression for a field, None where SQLite's paths have no way to write it.

    What JSON escapes in a name is written otherwise in the paths of older versions.
    """
    if field.startswith("$") or any(char in '"\\' or char < " " for char in field):
        return None
    path = f'$."{field}"'
    return f"json_extract(data, {literal(path)})"


def _hexdigest(raw: bytes | None) -> str | None:
    return None if raw is None else sha256(raw).hexdigest()


class _Joined:
    """An SQLite aggregate: SHA-256 over digests in their order."""

    def __init__(self) -> None:
        self._digests: list[str] = []

    def step(self, digest: Any, /) -> None:
        self._digests.append(digest)

    def finalize(self) -> str:
        return sha256("".join(sorted(self._digests)).encode()).hexdigest()
