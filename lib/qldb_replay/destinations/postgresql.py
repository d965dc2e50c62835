"""PostgreSQL as a destination, 14 and newer, Aurora and RDS included.

Rows go in by binary COPY, encoded from Arrow without a Python object for each. Tables lie in the
connection's current schema. Replay holds a session's advisory lock, which ends with its connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache, cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from qldb_replay.destinations import jsonb
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
    TEXT,
    Column,
    Table,
)
from qldb_replay.errors import DestinationBrokenError, DestinationError, UsageError

try:
    import pgpq
    import pgpq.encoders
    import pgpq.schema
    import psycopg
    import psycopg.conninfo
except ImportError:  # the extra is not installed: said when a destination is opened
    psycopg = None  # type: ignore[assignment]

_MOST_NAME_BYTES = 63
_OLDEST = 140_000
_ROWS_AT_A_TIME = 1_000
_LOCK = "qldb-replay"
_TYPES = {
    "bool": "boolean",
    "bigint": "bigint",
    "decimal": "numeric",
    "double": "double precision",
    "timestamp": "timestamptz",
}
_LOCK_KEYS = "hashtext(\0), hashtext(\0)"

_GUARD = """
CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql
SET search_path = {schema}, pg_temp AS $$
DECLARE
  free text[] := ARRAY['data', 'data_ion', 'is_redacted'];
BEGIN
  IF TG_OP = 'UPDATE' AND TG_NARGS = 1 THEN
    IF NEW.data IS NULL AND NEW.data_ion IS NULL AND NEW.is_redacted
       AND to_jsonb(NEW) - free = to_jsonb(OLD) - free
       AND EXISTS (SELECT FROM ledger_redactions r WHERE r.table_id = OLD.table_id
                   AND r.document_id = OLD.document_id AND r.version = OLD.version) THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'append-only: % takes no %', TG_TABLE_NAME, TG_OP;
END $$
"""

_REDACT = """
CREATE FUNCTION ledger_redact(
  history text, live text, of_table text, of_document text, of_version bigint, of_run text
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
  there boolean;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE table_id = $1 AND document_id = $2 '
    'AND version = $3 AND (data_ion IS NOT NULL OR NOT is_redacted))', history)
    INTO there USING of_table, of_document, of_version;
  IF NOT there THEN
    RETURN false;
  END IF;
  INSERT INTO ledger_redactions (table_id, document_id, version, run_id)
    VALUES (of_table, of_document, of_version, of_run);
  EXECUTE format('UPDATE %I SET data = NULL, data_ion = NULL, is_redacted = true '
    'WHERE table_id = $1 AND document_id = $2 AND version = $3', history)
    USING of_table, of_document, of_version;
  EXECUTE format('UPDATE %I SET data = NULL WHERE document_id = $1 AND version = $2', live)
    USING of_document, of_version;
  RETURN true;
END $$
"""


class PostgresqlDestination(SqlDestination):
    """A destination in a PostgreSQL schema.

    Args:
        url: what libpq takes, TLS options included.
        password: the password, if it is neither in the URL nor where libpq looks for it.

    Raises:
        DestinationError: the server cannot be reached or refuses, or is too old.
        UsageError: the driver is not installed.
    """

    mark = "\0"  # which no name can have
    types: Mapping[str, str] = {
        TEXT: "text",
        INTEGER: "bigint",
        BOOLEAN: "boolean",
        INSTANT: "timestamptz",
        JSON: "jsonb",
        BINARY: "bytea",
    }

    def __init__(self, url: str, password: str | None = None) -> None:
        if psycopg is None:
            raise UsageError("PostgreSQL needs its driver: pip install 'qldb-replay[postgresql]'")
        given: dict[str, Any] = _read(url)
        if password is not None:
            given["password"] = password
        try:
            self._connection = psycopg.connect(autocommit=True, **given)
        except psycopg.Error as error:
            raise DestinationError(
                f"PostgreSQL cannot be reached or refuses the connection "
                f"({_first_line(error, given)}): check host, port, database, user and password"
            ) from None
        self._shown = _place(self._connection)
        if self._connection.info.server_version < _OLDEST:
            raise DestinationError(
                f"{self.shown} is PostgreSQL {self._connection.info.server_version // 10_000}; "
                "expected 14 or newer"
            )

    @property
    def shown(self) -> str:
        return self._shown

    def name_limits(self) -> NameLimits:
        return NameLimits(_MOST_NAME_BYTES, folds_case=False)

    @cached_property
    def _schema(self) -> str:
        found = self.query("SELECT current_schema()")[0][0]
        if found is None:
            raise DestinationError(
                f"{self.shown} has no schema that this user may use: create one, or set "
                "search_path in the URL (options=-csearch_path=NAME)"
            )
        return str(found)

    def relations(self) -> set[str]:
        rows = self.query(
            "SELECT relname FROM pg_class WHERE relnamespace = \0::regnamespace",
            (quoted(self._schema),),
        )
        return {row[0] for row in rows}

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        with _said(self.shown):
            return self._execute(statement, values).rowcount

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with _said(self.shown):
            return list(self._execute(statement, values).fetchall())

    def stream(self, statement: str) -> Iterator[tuple[Any, ...]]:
        with (
            _said(self.shown),
            self._connection.transaction(),
            self._connection.cursor(name="qldb_replay") as cursor,
        ):
            cursor.itersize = _ROWS_AT_A_TIME
            yield from cursor.execute(statement.encode())

    def _execute(self, statement: str, values: Sequence[Any]) -> psycopg.Cursor[Any]:
        marked = statement.replace("%", "%%").replace(self.mark, "%s") if values else statement
        return self._connection.execute(marked.encode(), values or None)

    def stored_column(self, kind: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
        if kind == TEXT:
            # Ten times as fast as Arrow's search for a plain substring.
            refused = pc.match_substring_regex(values, r"\x00")
            return _repaired(values, refused, jsonb.without_nul)
        if kind == JSON:
            refused = pc.match_substring_regex(values, jsonb.SUSPECT)
            return _repaired(values, refused, jsonb.storable)
        return values

    def load(self, table: Table, rows: pa.Table) -> None:
        names = [column.name for column in table.columns]
        copying = f"COPY {quoted(table.name)} ({listed(names)}) FROM STDIN (FORMAT binary)"
        encoder = _encoder(rows.schema, table)
        with _said(self.shown), self._connection.cursor().copy(copying.encode()) as copy:
            copy.write(encoder.write_header())
            for batch in rows.to_batches():
                copy.write(encoder.write_batch(batch))
            copy.write(encoder.finish())

    @contextmanager
    def held(self) -> Iterator[None]:
        keys = (_LOCK, self._schema)
        taken = self.query(f"SELECT pg_try_advisory_lock({_LOCK_KEYS})", keys)
        if not taken[0][0]:
            raise DestinationError(f"another replay writes to {self.shown}: wait until it ends")
        try:
            yield
        finally:
            if not self._connection.broken:
                self.query(f"SELECT pg_advisory_unlock({_LOCK_KEYS})", keys)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        with _said(self.shown), self._connection.transaction():
            yield

    def preparations(self) -> Iterator[str]:
        schema = quoted(self._schema)
        yield _GUARD.format(schema=schema)
        yield _REDACT.format(schema=schema)
        # It runs with its owner's rights, and new functions are everybody's.
        yield "REVOKE ALL ON FUNCTION ledger_redact FROM PUBLIC"

    def field(self, column: TypedColumn) -> str:
        name = literal(jsonb.without_nul(column.field))
        if column.type == "json":
            return f"data -> {name}"
        text = f"data ->> {name}"
        if column.type == "text":
            return text
        return (
            f"decode({text}, 'base64')"
            if column.type == "binary"
            else (f"({text})::{_TYPES[column.type]}")
        )

    def refusals(self, table: Table) -> Iterator[str]:
        argument = "" if table.append_only == NOTHING else "'redaction'"
        for when, scope in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
            name = quoted(short_name(scope.lower(), table.name))
            yield (
                f"CREATE TRIGGER {name} BEFORE {when} ON {quoted(table.name)} "
                f"FOR EACH {scope} EXECUTE FUNCTION ledger_append_only({argument})"
            )

    def redact(self, table: LedgerTable, keys: Sequence[Key], run_id: str) -> int:
        documents = [key.document_id for key in keys]
        versions = [key.version for key in keys]
        rows = self.query(
            "SELECT count(*) FILTER (WHERE ledger_redact(\0, \0, \0, d, v, \0)) "
            "FROM unnest(\0::text[], \0::bigint[]) AS keys (d, v)",
            (
                table.history_table,
                table.current_table,
                keys[0].table_id,
                run_id,
                documents,
                versions,
            ),
        )
        return int(rows[0][0])

    def make_indexes(self) -> None:
        there = self.relations()
        for table in {each.current_table: each for each in self.tables()}.values():
            whole = {short_name("data", table.current_table): "gin (data)"}
            for field in table.indexes:
                if "\0" not in field:
                    # B-tree entries end at about 2,700 bytes.
                    name = short_name("field", table.current_table, field)
                    whole[name] = f"hash ((data ->> {literal(field)}))"
            for name, what in whole.items():
                if name not in there:
                    self.run(
                        f"CREATE INDEX {quoted(name)} ON {quoted(table.current_table)} USING {what}"
                    )

    def stored_time(self, time: datetime) -> datetime:
        return time

    def text_of(self, column: Column) -> str:
        name = quoted(column.name)
        if column.kind == BINARY:
            return f"encode({name}, 'hex')"
        if column.kind == BOOLEAN:
            return f"CASE WHEN {name} THEN '1' WHEN NOT {name} THEN '0' END"
        if column.kind == INSTANT:
            return f"""to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
        return name if column.kind == TEXT else self.as_text(name)

    def as_text(self, number: str) -> str:
        return f"({number})::text"

    def measured(self, text: str) -> str:
        return f"coalesce(octet_length({text})::text || ':' || {text}, '-')"

    def digest_of(self, text: str) -> str:
        return f"encode(sha256(convert_to({text}, 'UTF8')), 'hex')"

    def joined_digests(self, digest: str) -> str:
        return self.digest_of(f"""string_agg({digest}, '' ORDER BY {digest} COLLATE "C")""")

    def json_shown(self) -> Callable[[str], str]:
        return jsonb.shown

    def close(self) -> None:
        self._connection.close()


@contextmanager
def _said(place: str) -> Iterator[None]:
    """Says what went wrong without quoting values, which the server's messages do."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise DestinationError(
            f"{place} refuses this{_state(error)}: grant this user CREATE and USAGE on the schema, "
            "or let the tables' owner run it"
        ) from None
    except psycopg.Error as error:
        name = type(error).__name__
        full = "make room, then " if isinstance(error, psycopg.errors.DiskFull) else ""
        raise DestinationBrokenError(
            f"{place} failed ({name}{_state(error)}); what is committed stays, "
            f"{full}repeat the command"
        ) from None


def _read(url: str) -> dict[str, Any]:
    """Reads a URL's parts; the library's own message would quote what may be the password."""
    try:
        return psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        raise DestinationError(
            "--to: not a URL that PostgreSQL's library takes: expected "
            "postgresql://USER@HOST:PORT/DATABASE, with %XX for what is special in a part"
        ) from None


def _first_line(error: psycopg.Error, given: Mapping[str, Any]) -> str:
    line = str(error).strip().partition("\n")[0]
    secrets = [str(given[name]) for name in ("password", "sslpassword") if given.get(name)]
    for secret in secrets:
        line = line.replace(secret, "***")
    return line


def _state(error: psycopg.Error) -> str:
    return "" if error.sqlstate is None else f", SQLSTATE {error.sqlstate}"


def _place(connection: psycopg.Connection[Any]) -> str:
    info = connection.info
    return f"postgresql://{info.user}@{info.host}:{info.port}/{info.dbname}"


def _repaired(
    texts: pa.ChunkedArray, refused: pa.ChunkedArray, repair: Callable[[str], str]
) -> pa.ChunkedArray:
    """Replaces the texts that are refused, which are few: only they become Python's."""
    refused = pc.fill_null(refused, False)
    if not pc.any(refused).as_py():
        return texts
    repaired = [repair(text) for text in texts.filter(refused).to_pylist()]
    replaced = pc.replace_with_mask(
        texts.combine_chunks(), refused.combine_chunks(), pa.array(repaired, texts.type)
    )
    return pa.chunked_array([replaced])


def _encoder(schema: pa.Schema, table: Table) -> Any:
    kinds = {column.name: column.kind for column in table.columns}
    encoders = {field.name: _field_encoder(field, kinds[field.name]) for field in schema}
    return pgpq.ArrowToPostgresBinaryEncoder.new_with_encoders(schema, encoders)


@cache
def _field_encoder(field: pa.Field, kind: str) -> Any:
    if kind == JSON:
        return pgpq.encoders.StringEncoderBuilder.new_with_output(field, pgpq.schema.Jsonb())
    return pgpq.ArrowToPostgresBinaryEncoder.infer_encoder(field)
