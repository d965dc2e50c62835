"""Tables `history/<name>` and `current/<name>`: the documents of each ledger table, typed.

The type of `data` is folded from the sketches of all revisions that share the name, so it is the
same in whatever order the archive arrived. Rows are merged where the type only grew, else the
table is written anew in one commit. `current/<name>` is cut from `history/<name>`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StructField, StructType
from pyspark.sql.types import DataType as SparkType

from qldb_replay.codec.choice import AUTO
from qldb_replay.codec.sketch import Shape, fold, merge
from qldb_replay.codec.types import Array, DataType, Struct, data_type, to_spark_json
from qldb_replay.errors import StageError
from qldb_replay.lake.delta import (
    Lake,
    folder_name,
    insert_of,
    matching,
    side_by_side,
    update_of,
)
from qldb_replay.lake.keys import REVISION_KEYS
from qldb_replay.lake.ledger_tables import active_tables
from qldb_replay.lake.open_rows import closed_untouched, few, replace_open
from qldb_replay.lake.state import LakeState

if TYPE_CHECKING:
    import pyarrow as pa

MOST_TABLES = 1_000

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


@dataclass(frozen=True)
class _Changed:
    """What changed of one ledger table since it was last written.

    Attributes:
        rows: number of its revisions that are new or otherwise.
        replaced: whether one of them may have been there with other data.
        contested: whether one of any table is contested, and may have left another table.
    """

    rows: int
    replaced: bool
    contested: bool


@dataclass(frozen=True)
class HistoryStage:
    """One rebuild of the history and current tables.

    Attributes:
        lake: the lake.
        state: its progress.
        since: the batch that they contain already, 0 for none.
        batch: the batch that the tables will contain.
        progress: told of each table.
        codec: which codec builds `data`; one of `codec.CODECS`.
    """

    lake: Lake
    state: LakeState
    since: int
    batch: int
    progress: Callable[[str], None]
    codec: str = AUTO

    def run(self) -> None:
        """Brings every `history/<name>` and `current/<name>` up to the batch."""
        revisions = self.lake.read("revisions")
        changed = revisions.where(F.col("batch") > self.since)
        names = self._changed_names(changed)
        shapes = self._shapes(revisions, names)

        def write_history(name: str) -> None:
            self._write_history(name, names[name], shapes.get(name, fold(())), revisions)

        self.progress(f"history of {len(names)} tables")
        side_by_side(write_history, sorted(names))
        stale = self._stale_current()
        self.progress(f"current documents of {len(stale)} tables")
        side_by_side(lambda entry: self._write_current(*entry), list(stale.items()))

    def _changed_names(self, changed: DataFrame) -> dict[str, _Changed]:
        """Names the tables to write, each with what changed of it."""
        replaced = F.col("contested") | F.col("is_redacted")
        by_name = changed.groupBy("table_name").agg(
            F.count("*").alias("rows"),
            F.max("contested").alias("contested"),
            F.max(replaced).alias("replaced"),
        )
        rows = by_name.limit(MOST_TABLES + 1).collect()
        if len(rows) > MOST_TABLES:
            raise StageError(
                f"the archive's revisions name more than {MOST_TABLES} tables, where a ledger has "
                "at most 40: it is no archive of a QLDB ledger"
            )
        contested = any(row["contested"] for row in rows)
        marks = [self.state.mark(f"history/{folder}") for folder in self._folders()]
        names = {mark["name"]: _Changed(0, True, True) for mark in marks if mark and contested}
        for row in rows:
            names[row["table_name"]] = _Changed(row["rows"], row["replaced"], contested)
        return names

    def _folders(self) -> list[str]:
        return self.lake.files.names("history")

    def _shapes(self, revisions: DataFrame, names: Mapping[str, _Changed]) -> dict[str, Shape]:
        """Folds the sketches of each table, each distinct one once, on executors first.

        Those that were folded before are not read again, unless some of them may be gone.
        """
        known = {name: self._known_shape(name) for name, of in names.items() if not of.replaced}
        shapes = {name: shape for name, shape in known.items() if shape is not None}
        anew = [name for name in names if name not in shapes]
        wanted = F.col("table_name").isin(anew)
        if shapes:
            wanted |= F.col("table_name").isin(list(shapes)) & (F.col("batch") > self.since)
        sketches = revisions.where("sketch IS NOT NULL").where(wanted)
        distinct = sketches.select("table_name", "sketch").distinct()
        for row in distinct.mapInArrow(_fold_batches, "table_name string, shape string").collect():
            shape = Shape.from_text(row["shape"])
            before = shapes.get(row["table_name"])
            shapes[row["table_name"]] = shape if before is None else merge(before, shape)
        return shapes

    def _known_shape(self, name: str) -> Shape | None:
        mark = self.state.mark(f"history/{folder_name(name)}") if self.since else None
        return Shape.from_text(mark["shape"]) if mark else None

    def _write_history(
        self, name: str, changed: _Changed, shape: Shape, revisions: DataFrame
    ) -> None:
        table = f"history/{folder_name(name)}"
        data = data_type(shape)
        known = self._known_shape(name)
        grown = None
        if known is not None and self.lake.has(table) and _grows(data_type(known), data):
            grown = self._widened(table, data)
        if grown is None:
            rows = _typed(revisions, name, data, self.codec)
            self.lake.overwrite(rows, table, partition_by=["is_open"])
        else:
            self._update_history(name, changed, revisions, *grown)
        self.state.set_mark(table, batch=self.batch, name=name, shape=shape.to_text())

    def _widened(self, table: str, data: DataType | None) -> tuple[DataType | None] | None:
        """Makes room in a table for what is new in `data`, without touching its rows.

        Returns:
            The type with its fields in the table's order (a MERGE that has to reorder a struct
            turns null ones into structs of nulls), or None where the table has other types.
        """
        if data is None:
            return (None,)
        on_disk = self.lake.schema(table)
        there = on_disk["data"].dataType if "data" in on_disk.names else None
        ordered = data if there is None else _in_order_of(there, data)
        column = _data_column(ordered)
        if there is not None and not _takes(there, column.dataType):
            return None
        if there is None or there.simpleString() != column.dataType.simpleString():
            own = [field for field in on_disk.fields if field.name != "data"]
            self.lake.widen(table, StructType([*own, column]))
        return (ordered,)

    def _update_history(
        self, name: str, changed: _Changed, revisions: DataFrame, data: DataType | None
    ) -> None:
        table = f"history/{folder_name(name)}"
        arrived = revisions.where(F.col("batch") > self.since)
        rows = _typed(arrived, name, data, self.codec)
        keys = few(arrived.where(F.col("table_name") == name).select(*REVISION_KEYS), changed.rows)
        if not changed.contested and closed_untouched(self.lake, table, keys):
            replace_open(self.lake, table, keys, rows)
            return
        source = rows.withColumn("gone", F.lit(False))
        if changed.contested:
            # A contested revision may have been in any of the other tables before.
            moved = arrived.where(F.col("contested") & (F.col("table_name") != name))
            left = moved.select(*REVISION_KEYS, F.lit(True).alias("gone"))
            source = source.unionByName(left, allowMissingColumns=True)
        columns = [column for column in source.columns if column != "gone"]
        self.lake.merge(
            source,
            table,
            on=matching(REVISION_KEYS),
            clauses=f"WHEN MATCHED AND s.gone THEN DELETE WHEN MATCHED THEN {update_of(columns)} "
            f"WHEN NOT MATCHED AND NOT s.gone THEN {insert_of(columns)}",
        )

    def _stale_current(self) -> dict[str, dict[str, Any]]:
        """Names each `current/<name>` whose history or whose active tables changed."""
        active = active_tables(self.lake)
        stale: dict[str, dict[str, Any]] = {}
        for folder in self._folders():
            mark = self.state.mark(f"history/{folder}")
            if not mark:  # killed before its first mark, and its rows are another table's now
                continue
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


def _typed(revisions: DataFrame, name: str, data: DataType | None, codec: str) -> DataFrame:
    """Gives a ledger table's revisions their typed `data`, built from the exact Ion."""
    rows = revisions.where(F.col("table_name") == name)
    if data is None:
        return rows.select(*HISTORY)
    narrow = rows.select(*HISTORY, "data_ion")
    schema = StructType([*narrow.schema.fields[:-1], _data_column(data)])
    return narrow.mapInArrow(_builder(data, codec), schema)


def _data_column(data: DataType) -> StructField:
    described = {"name": "data", "type": to_spark_json(data), "nullable": True, "metadata": {}}
    return StructField.fromJson(described)


def _builder(
    data: DataType, codec: str
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Gives the function that runs on workers: rows with documents in, with typed `data` out."""

    def attach(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        from qldb_replay.codec import build

        for batch in batches:
            column = build(batch.column(batch.num_columns - 1), data, codec)
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


def _takes(there: SparkType, new: SparkType) -> bool:
    """Says whether a column on disk can be widened to a new type without rewriting."""
    if isinstance(there, StructType) and isinstance(new, StructType):
        return all(
            field.name in new.names and _takes(field.dataType, new[field.name].dataType)
            for field in there.fields
        )
    if isinstance(there, ArrayType) and isinstance(new, ArrayType):
        return _takes(there.elementType, new.elementType)
    return bool(there == new)


def _in_order_of(there: SparkType, data: DataType) -> DataType:
    """Puts a type's fields in the order that they have on disk, new ones last."""
    if isinstance(there, StructType) and isinstance(data, Struct):
        places = {name: place for place, name in enumerate(there.names)}
        fields = [
            replace(field, type=_in_order_of(there[field.name].dataType, field.type))
            if field.name in places
            else field
            for field in data.fields
        ]
        return Struct(tuple(sorted(fields, key=lambda f: places.get(f.name, len(places)))))
    if isinstance(there, ArrayType) and isinstance(data, Array):
        return Array(_in_order_of(there.elementType, data.element))
    return data
