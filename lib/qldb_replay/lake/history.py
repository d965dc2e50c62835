"""Tables `history/<name>` and `current/<name>`: the documents of each ledger table, typed.

The type of `data` is folded from the sketches of all revisions that share the name, so it is the
same in whatever order the archive arrived. Rows are merged where the type only grew, else the
table is written anew in one commit. `current/<name>` is cut from `history/<name>`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from qldb_replay.codec.sketch import Shape, fold, merge
from qldb_replay.codec.types import Array, DataType, Struct, data_type, to_spark_json
from qldb_replay.errors import StageError
from qldb_replay.lake.delta import Lake, folder_name, insert_of, update_of
from qldb_replay.lake.ledger_tables import active_tables
from qldb_replay.lake.session import stage_settings
from qldb_replay.lake.state import LakeState

if TYPE_CHECKING:
    import pyarrow as pa

MOST_TABLES = 1_000
TABLES_AT_A_TIME = 4

Item = TypeVar("Item")

HISTORY = (
    "strand_id",
    "table_id",
    "document_id",
    "version",
    "operation",
    "is_redacted",
    "tx_id",
    "tx_time",
    "sequence_no",
    "valid_from",
    "valid_to",
    "is_current",
    "is_open",
)
CURRENT = (
    "strand_id",
    "table_id",
    "document_id",
    "version",
    "tx_id",
    "tx_time",
    "sequence_no",
    "data",
)
KEYS = ("strand_id", "document_id", "version")


@dataclass(frozen=True)
class HistoryStage:
    """One rebuild of the history and current tables.

    Attributes:
        lake: the lake.
        state: its progress.
        batch: the batch that the tables will contain.
        progress: told of each table.
    """

    lake: Lake
    state: LakeState
    batch: int
    progress: Callable[[str], None]

    def run(self) -> None:
        """Brings every `history/<name>` and `current/<name>` up to the batch."""
        since = int(self.state.mark("history").get("batch", 0))
        revisions = self.lake.read("revisions")
        changed = revisions.where(F.col("batch") > since)
        names = self._names(changed)
        shapes = self._shapes(revisions.where(F.col("table_name").isin(names))) if names else {}
        moved = changed.where("contested").select(*KEYS, "table_name")

        def write_history(name: str) -> None:
            self._write_history(name, shapes.get(name, fold(())), revisions, changed, moved)

        with stage_settings(
            self.lake.spark, spark__databricks__delta__schema__autoMerge__enabled="true"
        ):
            self.progress(f"history of {len(names)} tables")
            _side_by_side(write_history, names)
            stale = self._stale_current()
            self.progress(f"current documents of {len(stale)} tables")
            _side_by_side(lambda entry: self._write_current(*entry), list(stale.items()))
        self.state.set_mark("history", batch=self.batch)

    def _names(self, changed: DataFrame) -> list[str]:
        rows = changed.select("table_name").distinct().limit(MOST_TABLES + 1).collect()
        if len(rows) > MOST_TABLES:
            raise StageError(
                f"the archive's revisions name more than {MOST_TABLES} tables, where a ledger has "
                "at most 40: it is no archive of a QLDB ledger"
            )
        return sorted(row["table_name"] for row in rows)

    def _shapes(self, revisions: DataFrame) -> dict[str, Shape]:
        """Folds the sketches of each table, on executors first."""
        sketches = revisions.where("sketch IS NOT NULL").select("table_name", "sketch")
        folded = sketches.mapInArrow(_fold_batches, "table_name string, shape string")
        shapes: dict[str, Shape] = {}
        for row in folded.toLocalIterator():
            shape = Shape.from_text(row["shape"])
            known = shapes.get(row["table_name"])
            shapes[row["table_name"]] = shape if known is None else merge(known, shape)
        return shapes

    def _write_history(
        self, name: str, shape: Shape, revisions: DataFrame, changed: DataFrame, moved: DataFrame
    ) -> None:
        table = f"history/{folder_name(name)}"
        mark = self.state.mark(table)
        new = data_type(shape)
        grows = bool(mark) and _grows(data_type(Shape.from_text(mark["shape"])), new)
        if grows and self.lake.has(table):
            self._merge_history(name, new, changed, moved)
        else:
            rows = _typed(revisions.where(F.col("table_name") == name), new)
            self.lake.overwrite(rows, table, partition_by=["is_open"])
        self.state.set_mark(table, batch=self.batch, name=name, shape=shape.to_text())

    def _merge_history(
        self, name: str, data: DataType | None, changed: DataFrame, moved: DataFrame
    ) -> None:
        rows = changed.where(F.col("table_name") == name)
        source = _typed(rows, data).withColumn("gone", F.lit(False))
        left = (
            moved.where(F.col("table_name") != name).select(*KEYS).withColumn("gone", F.lit(True))
        )
        if not left.isEmpty():
            source = source.unionByName(left, allowMissingColumns=True)
        columns = [column for column in source.columns if column != "gone"]
        self.lake.merge(
            source,
            f"history/{folder_name(name)}",
            on=" AND ".join(f"t.{key} = s.{key}" for key in KEYS),
            clauses=f"WHEN MATCHED AND s.gone THEN DELETE WHEN MATCHED THEN {update_of(columns)} "
            f"WHEN NOT MATCHED AND NOT s.gone THEN {insert_of(columns)}",
        )

    def _stale_current(self) -> dict[str, dict[str, Any]]:
        """Names each `current/<name>` whose history or whose active tables changed."""
        active = active_tables(self.lake)
        stale: dict[str, dict[str, Any]] = {}
        for folder in self.lake.files.folders("history"):
            mark = self.state.mark(f"history/{folder}")
            wanted = {"batch": mark["batch"], "active": active.get(mark["name"], [])}
            if self.state.mark(f"current/{folder}") != wanted:
                stale[folder] = wanted
        return stale

    def _write_current(self, folder: str, wanted: dict[str, Any]) -> None:
        history = self.lake.read(f"history/{folder}")
        live = history.where(
            F.col("is_open") & F.col("is_current") & F.col("table_id").isin(wanted["active"])
        )
        columns = [column for column in CURRENT if column in history.columns]
        self.lake.overwrite(live.select(*columns), f"current/{folder}")
        self.state.set_mark(f"current/{folder}", **wanted)


def _side_by_side(write: Callable[[Item], None], items: Sequence[Item]) -> None:
    """Writes several tables at a time: each has moments in which only the driver works."""
    with ThreadPoolExecutor(TABLES_AT_A_TIME) as pool:
        for done in [pool.submit(write, item) for item in items]:
            done.result()


def _fold_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Folds one task's sketches into one shape for each table."""
    import pyarrow as pa
    import pyarrow.compute as pc

    shapes: dict[str, Shape] = {}
    for batch in batches:
        pairs = pa.Table.from_batches([batch]).group_by(["table_name", "sketch"]).aggregate([])
        for name in pc.unique(pairs["table_name"]).to_pylist():
            mask = pc.equal(pairs["table_name"], name)
            shape = fold(pairs["sketch"].filter(mask).to_pylist())
            shapes[name] = merge(shapes[name], shape) if name in shapes else shape
    yield pa.RecordBatch.from_pydict(
        {
            "table_name": pa.array(list(shapes), pa.string()),
            "shape": pa.array([shape.to_text() for shape in shapes.values()], pa.string()),
        }
    )


def _typed(revisions: DataFrame, data: DataType | None) -> DataFrame:
    """Gives revisions their typed `data`, built from the exact Ion."""
    if data is None:
        return revisions.select(*HISTORY)
    narrow = revisions.select(*HISTORY, "data_ion")
    typed = StructField.fromJson(
        {"name": "data", "type": to_spark_json(data), "nullable": True, "metadata": {}}
    )
    return narrow.mapInArrow(_builder(data), StructType([*narrow.schema.fields[:-1], typed]))


def _builder(data: DataType) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def attach(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        from qldb_replay.codec.typed import build

        for batch in batches:
            documents = batch.column(batch.num_columns - 1).to_pylist()
            column = build(documents, data)
            names = [*batch.schema.names[:-1], "data"]
            yield pa.RecordBatch.from_arrays([*batch.columns[:-1], column], names=names)

    return attach


def _grows(old: DataType | None, new: DataType | None) -> bool:
    """Says whether a type has all of another's columns as they were, and perhaps more."""
    if isinstance(old, Struct) and isinstance(new, Struct):
        columns = {column.original: column for column in new.fields}
        return all(
            column.original in columns
            and column.name == columns[column.original].name
            and _grows(column.type, columns[column.original].type)
            for column in old.fields
        )
    if isinstance(old, Array) and isinstance(new, Array):
        return _grows(old.element, new.element)
    return old is None or old == new
