"""Reading and writing the lake's Delta tables by SQL and data frames.

Nothing here uses Delta's Python classes: they are missing on some platforms. Tables keep reader
version 1 (no deletion vectors, no column mapping) so that every Delta reader opens them.
"""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import quote

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from qldb_replay.errors import UsageError
from qldb_replay.lake.files import LakeFiles

# Payload columns come last, and statistics over them would cost more than they save.
PROPERTIES = {
    "delta.enableDeletionVectors": "false",
    "delta.dataSkippingNumIndexedCols": "12",
}


QUERIES_AT_A_TIME = 4

_LONGEST_FOLDER = 200

Item = TypeVar("Item")
Result = TypeVar("Result")

_COMMIT = re.compile(r"\d{20}\.(json|checkpoint.*parquet)$")


@dataclass(frozen=True)
class Lake:
    """A lake: where its tables are and the session that reads and writes them.

    Attributes:
        spark: the session.
        uri: the lake's URI, without a slash at its end.
        files: its small files.
        guard: called before each write; raises where this process may not write any more.
        given: URIs of tables that lie elsewhere and are only read.
    """

    spark: SparkSession
    uri: str
    files: LakeFiles
    guard: Callable[[], None] = lambda: None
    given: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, spark: SparkSession, uri: str, given: Mapping[str, str] | None = None) -> Lake:
        """Opens the lake at a URI; nothing is read or written yet."""
        uri = uri.rstrip("/")
        return cls(spark, uri, LakeFiles(spark, uri), given=given or {})

    def path(self, table: str) -> str:
        """Returns the URI of a table."""
        return self.given.get(table, f"{self.uri}/{table}")

    def has(self, table: str) -> bool:
        """Says whether a table has a commit: Delta makes its log's folder before the first."""
        if table in self.given:
            return True
        return any(_COMMIT.match(name) for name in self.files.names(f"{table}/_delta_log"))

    def read(self, table: str) -> DataFrame:
        """Returns a table's rows.

        Raises:
            UsageError: there is no such table.
        """
        if not self.has(table):
            raise UsageError(f"lake {self.uri} has no table {table}")
        return self.spark.read.format("delta").load(self.path(table))

    def schema(self, table: str) -> StructType:
        """Returns the schema of a table that exists."""
        return self.read(table).schema

    def append(self, rows: DataFrame, table: str) -> None:
        """Appends rows to a table that exists, in one commit."""
        self._check_writable(table)
        rows.write.format("delta").mode("append").save(self.path(table))

    def replace(self, rows: DataFrame, table: str, where: str) -> None:
        """Writes rows in the place of those that meet a condition, in one commit.

        Args:
            rows: those that do not meet it are added.
            table: a table that exists.
            where: the condition, in SQL.
        """
        self._check_writable(table)
        writer = rows.write.format("delta").mode("overwrite")
        writer.option("replaceWhere", where).save(self.path(table))

    def widen(self, table: str, schema: StructType) -> None:
        """Adds columns, also within structs, that a table lacks; its rows stay as they are."""
        self._check_writable(table)
        rows = empty(self.spark, schema).write.format("delta").mode("append")
        rows.option("mergeSchema", "true").save(self.path(table))

    def overwrite(self, rows: DataFrame, table: str, *, partition_by: Iterable[str] = ()) -> None:
        """Replaces a table, schema included, in one commit."""
        self._check_writable(table)
        writer = rows.write.format("delta").mode("overwrite").option("overwriteSchema", "true")
        if not self.has(table):
            writer = writer.options(**PROPERTIES)
        writer.partitionBy(*partition_by).save(self.path(table))

    def merge(self, rows: DataFrame, table: str, *, on: str, clauses: str) -> None:
        """Merges rows into a table in one commit.

        Args:
            rows: the source, known to the SQL as `s`.
            table: the target, known as `t`.
            on: the condition of the match.
            clauses: the WHEN clauses.
        """
        self._check_writable(table)
        view = f"qldb_replay_merge_{uuid.uuid4().hex}"
        rows.createOrReplaceTempView(view)
        merging = f"MERGE INTO {self.sql_name(table)} t USING {view} s ON {on} {clauses}"
        try:
            self.spark.sql(merging)
        finally:
            self.spark.catalog.dropTempView(view)

    def _check_writable(self, table: str) -> None:
        if table in self.given:
            raise ValueError(f"{table} is only read here")
        self.guard()

    def sql_name(self, table: str) -> str:
        """Returns how SQL names a table."""
        return f"delta.{quote_identifier(self.path(table))}"


@contextlib.contextmanager
def kept(rows: DataFrame) -> Iterator[DataFrame]:
    """Keeps rows on the executors' disks while a `with` block uses them more than once."""
    rows = rows.persist(StorageLevel.DISK_ONLY)
    try:
        yield rows
    finally:
        rows.unpersist()


def cut_off(rows: DataFrame) -> DataFrame:
    """Computes few rows now, for use while the tables that they come from are written.

    Spark plans kept rows anew after each write to one of their tables, and computes them from what
    is there then. Rows that were cut off are lost with their executor, which breaks the run off.
    """
    return rows.localCheckpoint()


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Runs a few queries at a time: each has moments in which only the driver works.

    Args:
        work: what runs them.
        items: what it is called with.

    Returns:
        What it gave, in the order of the items.
    """
    with ThreadPoolExecutor(QUERIES_AT_A_TIME) as pool:
        return [done.result() for done in [pool.submit(work, item) for item in items]]


def only_row(rows: DataFrame) -> Row:
    """Returns the row of a frame that has one, as aggregates over all rows have."""
    row = rows.first()
    assert row is not None
    return row


def reach_of(rows: DataFrame) -> Column:
    """Finds the condition that a block's number is among those of rows, first to last.

    Files of other blocks, and most of what is in them, are then left alone.

    Args:
        rows: rows with `sequence_no`, which are read now.
    """
    reach = only_row(rows.agg(F.min("sequence_no"), F.max("sequence_no")))
    return F.lit(False) if reach[0] is None else F.col("sequence_no").between(*reach)


def matching(names: Iterable[str]) -> str:
    """Returns the MERGE condition that columns, none of them null, are the source's."""
    return " AND ".join(f"t.{name} = s.{name}" for name in names)


def update_of(names: Iterable[str]) -> str:
    """Returns the MERGE action that takes columns over from the source."""
    return "UPDATE SET " + ", ".join(f"{name} = s.{name}" for name in names)


def insert_of(names: Sequence[str]) -> str:
    """Returns the MERGE action that inserts a row of the source."""
    values = ", ".join(f"s.{name}" for name in names)
    return f"INSERT ({', '.join(names)}) VALUES ({values})"  # noqa: S608


def quote_identifier(name: str) -> str:
    """Quotes a name for Spark SQL."""
    return "`" + name.replace("`", "``") + "`"


def folder_name(table_name: str) -> str:
    """Returns the folder of a ledger table under `history/` and `current/`.

    Characters outside `[A-Za-z0-9_]` are percent-encoded as UTF-8 (contract, section 2). A name
    longer than QLDB allows is cut and ends in a part of its hash: no file system takes it whole.
    """
    encoded = quote(table_name, safe="") or "%"
    for plain in ".-~":
        encoded = encoded.replace(plain, f"%{ord(plain):02X}")
    if len(encoded) > _LONGEST_FOLDER:
        told_apart = sha256(table_name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return f"{encoded[: _LONGEST_FOLDER - 33]}%{told_apart}"
    return encoded


def empty(spark: SparkSession, schema: StructType) -> DataFrame:
    """Returns no rows of a schema."""
    rows: list[Any] = []
    return spark.createDataFrame(rows, schema)
