"""Stage `ingest`: objects not seen before become rows of `records`, `quarantine` and `objects`.

A batch is planned, written down, read, and only then forgotten, so that a killed run is finished
with exactly the list that it began with. Each object is fetched and decoded once; `objects` is
written last. Where a plan is repeated, its rows replace those that a killed run had committed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from qldb_replay.codec.columns import DECODED
from qldb_replay.errors import StageError
from qldb_replay.lake.delta import Lake, empty, insert_of
from qldb_replay.lake.schemas import OBJECTS, PLANNED, QUARANTINE, RECORDS
from qldb_replay.lake.sources import S3Access, StoredObject, s3_access, source_of
from qldb_replay.lake.state import LakeState, Plan, PlannedObject
from qldb_replay.limits import DEFAULT_LIMITS, GIB, MIB, Limits

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_OBJECTS = 10_000
BATCH_BYTES = 64 * GIB
TASK_BYTES = 128 * MIB


@dataclass
class IngestCounts:
    """What an ingest did.

    Attributes:
        objects: objects read.
        records: records delivered in them.
        quarantined: stretches that are no record.
        unreadable: objects that could not be read.
        changed: objects that changed after they were read.
    """

    objects: int = 0
    records: int = 0
    quarantined: int = 0
    unreadable: int = 0
    changed: int = 0

    @property
    def fills(self) -> bool:
        """Says whether any rows for `rebuild` came of it."""
        return self.records > 0

    def add(self, other: IngestCounts) -> None:
        """Adds another batch's counts."""
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True)
class Ingest:
    """One run of the stage.

    Attributes:
        lake: where the rows go.
        listed: the archives' objects by URI.
        run_id: the run that reads the objects.
        progress: told of each step.
        limits: what archive content may ask of us.
    """

    lake: Lake
    listed: Mapping[str, StoredObject]
    run_id: str
    progress: Callable[[str], None]
    limits: Limits = field(default=DEFAULT_LIMITS)

    def run(self) -> IngestCounts:
        """Reads everything new and returns what it was."""
        access = s3_access(self.lake.spark)
        state = LakeState(self.lake.files)
        total = IngestCounts()
        plan = state.open_plan()
        if plan is not None:
            self.progress(f"finishing batch {plan.batch}, which an earlier run left open")
            plan = self._as_listed(plan)
            total.add(self._read_batch(plan, access, self.lake.replace_batch))
            state.close(plan.batch, filled=total.fills)
        batches = list(_batches(self._unread()))
        for number, objects in enumerate(batches, start=1):
            plan = Plan(state.last_batch() + 1, tuple(objects))
            state.open(plan)
            size = sum(planned.stored.size for planned in objects)
            self.progress(
                f"batch {number} of {len(batches)}: {len(objects)} objects, {size / MIB:.1f} MiB"
            )
            counts = self._read_batch(plan, access, self.lake.append_batch)
            state.close(plan.batch, filled=counts.fills)
            total.add(counts)
        self._ensure_tables()
        return total

    def _as_listed(self, plan: Plan) -> Plan:
        """Takes an open plan's objects as they are now, naming those that changed meanwhile.

        All that the killed run wrote of the batch is replaced, so nothing of the old content stays.
        """
        objects = []
        for planned in plan.objects:
            stored = self.listed.get(planned.stored.uri, planned.stored)
            if stored != planned.stored:
                self.progress(f"{stored.uri} changed since a killed run planned to read it")
            objects.append(PlannedObject(stored, planned.known_sha256))
        return Plan(plan.batch, tuple(objects))

    def _unread(self) -> list[PlannedObject]:
        """Leaves out what `objects` has with the same size and ETag (or time of change)."""
        if not self.lake.has("objects"):
            return [PlannedObject(stored, None) for stored in self.listed.values()]
        columns = ("object_uri", "size", "modified", "etag", "status", "sha256")
        known = {
            row["object_uri"]: row
            for row in self.lake.read("objects").select(*columns).toLocalIterator()
        }
        return [
            PlannedObject(stored, _hash_of(known.get(stored.uri)))
            for stored in self.listed.values()
            if not _is_known(stored, known.get(stored.uri))
        ]

    def _read_batch(
        self, plan: Plan, access: S3Access, write: Callable[[DataFrame, str, int], None]
    ) -> IngestCounts:
        decoded = self._decode(plan, access).persist(StorageLevel.DISK_ONLY)
        try:
            batch = F.lit(plan.batch).cast("bigint").alias("batch")
            metadata_ion = F.lit(None).cast("binary").alias("metadata_ion")
            records = decoded.where("kind = 'record'").select("*", batch, metadata_ion)
            write(records.select(*RECORDS.names), "records", plan.batch)
            quarantine = decoded.where("kind = 'quarantine'").select("*", batch)
            write(quarantine.select(*QUARANTINE.names), "quarantine", plan.batch)
            self._check_written(plan, decoded)
            return self._write_objects(plan, decoded)
        finally:
            decoded.unpersist()

    def _check_written(self, plan: Plan, decoded: DataFrame) -> None:
        """Holds what was written against what the objects' own rows say.

        Where an executor was lost, its objects were fetched again, perhaps with another outcome.
        """
        written = _counted(self.lake.read("records"), plan, "_records").join(
            _counted(self.lake.read("quarantine"), plan, "_quarantined"), "object_uri", "full"
        )
        said = decoded.where("kind = 'object'").select("object_uri", "records", "quarantined")
        differing = said.join(written, "object_uri", "full").where(
            "coalesce(records, 0) <> coalesce(_records, 0) "
            "OR coalesce(quarantined, 0) <> coalesce(_quarantined, 0)"
        )
        if not differing.isEmpty():
            raise StageError(
                f"batch {plan.batch} was read twice with different outcomes, as when a worker is "
                "lost: repeat the same command, it replaces the batch"
            )

    def _decode(self, plan: Plan, access: S3Access) -> DataFrame:
        rows = [
            (p.stored.uri, p.stored.size, p.stored.modified, p.stored.etag, p.known_sha256)
            for p in sorted(plan.objects, key=lambda p: -p.stored.size)
        ]
        spark = self.lake.spark
        size = sum(p.stored.size for p in plan.objects)
        tasks = max(
            math.ceil(size / TASK_BYTES),
            min(len(rows), spark.sparkContext.defaultParallelism),
            1,
        )
        planned = spark.createDataFrame(rows, PLANNED).coalesce(1).repartition(tasks)
        return planned.mapInArrow(_decoder(access, self.limits), from_arrow_schema(DECODED))

    def _write_objects(self, plan: Plan, decoded: DataFrame) -> IngestCounts:
        rows = [
            (p.stored.uri, p.stored.size, p.stored.modified, p.stored.etag, p.known_sha256)
            for p in plan.objects
        ]
        read = decoded.where("kind = 'object'").select(
            "object_uri",
            "sha256",
            "compression",
            "records",
            "unreadable_bytes",
            "quarantined",
            "unchanged",
        )
        planned = self.lake.spark.createDataFrame(rows, PLANNED)
        status = (
            F.when(F.col("sha256").isNull(), "unreadable")
            .when(F.col("known_sha256").isNotNull() & ~F.col("unchanged"), "changed")
            .otherwise("read")
        )
        objects = (
            planned.join(read, "object_uri", "left")
            .withColumn("status", status)
            .withColumn("run_id", F.lit(self.run_id))
            .withColumn("batch", F.lit(plan.batch).cast("bigint"))
            .persist(StorageLevel.DISK_ONLY)
        )
        try:
            self._merge_objects(objects)
            return self._counts(objects)
        finally:
            objects.unpersist()

    def _merge_objects(self, objects: DataFrame) -> None:
        if not self.lake.has("objects"):
            self.lake.overwrite(objects.select(*OBJECTS.names), "objects")
            return
        # An object that cannot be read any more keeps what is known of its content, under the size
        # and time that it had then: what it is now has not been read. One that was touched but
        # holds the same bytes has no records of its own in this batch. That an object changed is
        # never forgotten.
        unread, same = "s.sha256 IS NULL", "s.unchanged OR s.sha256 IS NULL"
        updates = [f"{name} = s.{name}" for name in ("run_id", "batch")]
        updates += [_kept(name, unread) for name in ("size", "modified", "etag")]
        updates += [
            _kept(name, same) for name in ("sha256", "compression", "records", "unreadable_bytes")
        ]
        updates.append(_kept("status", f"t.status = 'changed' AND ({same})"))
        again = "s.sha256 IS NULL AND t.status = 'unreadable'"
        self.lake.merge(
            objects.select(*OBJECTS.names, "unchanged"),
            "objects",
            on="t.object_uri = s.object_uri",
            clauses=f"WHEN MATCHED AND NOT ({again}) THEN UPDATE SET {', '.join(updates)} "
            f"WHEN NOT MATCHED THEN {insert_of(OBJECTS.names)}",
        )

    def _counts(self, objects: DataFrame) -> IngestCounts:
        row = objects.agg(
            F.count("*").alias("objects"),
            _sum_of("records"),
            _sum_of("quarantined"),
            F.count_if(F.col("status") == "unreadable").alias("unreadable"),
            F.count_if(F.col("status") == "changed").alias("changed"),
        ).first()
        assert row is not None
        return IngestCounts(**row.asDict())

    def _ensure_tables(self) -> None:
        for table, schema in (
            ("records", RECORDS),
            ("quarantine", QUARANTINE),
            ("objects", OBJECTS),
        ):
            if not self.lake.has(table):
                self.lake.overwrite(empty(self.lake.spark, schema), table)


def _counted(rows: DataFrame, plan: Plan, name: str) -> DataFrame:
    return (
        rows.where(F.col("batch") == plan.batch).groupBy("object_uri").agg(F.count("*").alias(name))
    )


def _kept(name: str, condition: str) -> str:
    """Says in SQL that a column stays where a condition holds, and else takes the source's."""
    return f"{name} = CASE WHEN {condition} THEN t.{name} ELSE s.{name} END"


def _sum_of(name: str) -> Column:
    fresh = F.when(~F.col("unchanged"), F.col(name))
    return F.coalesce(F.sum(fresh), F.lit(0)).alias(name)


def _batches(objects: list[PlannedObject]) -> Iterator[list[PlannedObject]]:
    """Cuts the new objects, in the order of their names, into plans of bounded size."""
    batch: list[PlannedObject] = []
    size = 0
    for planned in sorted(objects, key=lambda p: p.stored.uri):
        if batch and (len(batch) == BATCH_OBJECTS or size + planned.stored.size > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(planned)
        size += planned.stored.size
    if batch:
        yield batch


def _is_known(stored: StoredObject, row: Any) -> bool:
    if row is None or row["status"] == "unreadable" or row["size"] != stored.size:
        return False
    if stored.etag is not None and row["etag"] is not None:
        return bool(stored.etag == row["etag"])
    return bool(row["modified"].timestamp() == stored.modified.timestamp())


def _hash_of(row: Any) -> bytes | None:
    """Returns the hash of the content that was read before, empty where it is lost."""
    if row is None or (row["status"] == "unreadable" and row["sha256"] is None):
        return None
    return bytes(row["sha256"] or b"")


def _decoder(
    access: S3Access, limits: Limits
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Gives the function that runs on workers: planned objects in, decoded rows out."""

    def decode(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from qldb_replay.codec import decode_objects

        return decode_objects(_fetched(batches, access), limits)

    return decode


def _fetched(
    batches: Iterator[pa.RecordBatch], access: S3Access
) -> Iterator[tuple[str, bytes, bytes | None]]:
    """Fetches planned objects one at a time; those that cannot be read give nothing."""
    for batch in batches:
        for row in batch.to_pylist():
            stored = StoredObject(row["object_uri"], row["size"], row["modified"], row["etag"])
            try:
                content = source_of(stored.uri, access).read(stored)
            except OSError:
                continue
            if len(content) == stored.size:
                yield stored.uri, content, row["known_sha256"]
