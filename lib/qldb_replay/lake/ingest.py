"""Stage `ingest`: objects not seen before become rows of `records`, `quarantine` and `objects`.

A batch is planned, written down, read, and only then forgotten, so that a killed run is finished
with exactly the list that it began with. Each object is fetched and decoded once, and once more
where something of it is quarantined; `objects` is written last. Where a plan is repeated, its rows
replace those that a killed run had committed.
"""

from __future__ import annotations

import functools
import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from pyspark import Accumulator
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import BooleanType, StructField, StructType

from qldb_replay.codec.choice import AUTO
from qldb_replay.codec.columns import DECODED
from qldb_replay.errors import StageError
from qldb_replay.lake.delta import Lake, empty, insert_of
from qldb_replay.lake.outcomes import Outcomes, accumulator_of, outcomes_in
from qldb_replay.lake.schemas import OBJECTS, PLANNED, QUARANTINE, RECORDS
from qldb_replay.lake.session import s3_access
from qldb_replay.lake.state import LakeState, Plan, PlannedObject
from qldb_replay.limits import DEFAULT_LIMITS, GIB, MIB, Limits
from qldb_replay.storage import S3Access, StoredObject, source_of

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_OBJECTS = 10_000
BATCH_BYTES = 64 * GIB
TASK_BYTES = 128 * MIB
FETCHERS = 8
AHEAD_BYTES = 16 * MIB

PARTITIONS = {"records": ["holds"]}
HOLDS = """
CASE WHEN block IS NOT NULL THEN 'block' WHEN revision IS NOT NULL THEN 'revision'
ELSE 'other' END
"""


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
        codec: which codec decodes; one of `codec.CODECS`.
    """

    lake: Lake
    listed: Mapping[str, StoredObject]
    run_id: str
    progress: Callable[[str], None]
    limits: Limits = field(default=DEFAULT_LIMITS)
    codec: str = AUTO

    def run(self) -> IngestCounts:
        """Reads everything new and returns what it was."""
        access = s3_access(self.lake.spark)
        state = LakeState(self.lake.files)
        known = self._known()
        total = IngestCounts()
        plan = state.open_plan()
        if plan is not None and plan.batch == state.ingested_batch():
            # All of it is in the tables, and tables may have been built of it since.
            state.close(plan.batch, records=0)
        elif plan is not None:
            self.progress(f"finishing batch {plan.batch}, which an earlier run left open")
            total.add(self._finish(self._as_listed(plan), access, state, known, repeated=True))
            known = self._known()
        batches = list(_batches(self._unread(known)))
        for number, objects in enumerate(batches, start=1):
            plan = Plan(state.last_batch() + 1, tuple(objects))
            state.open(plan)
            size = sum(planned.stored.size for planned in objects)
            self.progress(
                f"batch {number} of {len(batches)}: {len(objects)} objects, {size / MIB:.1f} MiB"
            )
            total.add(self._finish(plan, access, state, known, repeated=False))
        self._ensure_tables()
        return total

    def _known(self) -> dict[str, Row]:
        """Returns what `objects` has, by URI."""
        if not self.lake.has("objects"):
            return {}
        columns = ("object_uri", "size", "modified", "etag", "status", "sha256")
        rows = self.lake.read("objects").select(*columns).toLocalIterator()
        return {row["object_uri"]: row for row in rows}

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

    def _unread(self, known: Mapping[str, Row]) -> list[PlannedObject]:
        """Leaves out what is known with the same size and ETag (or time of change)."""
        return [
            PlannedObject(stored, _hash_of(known.get(stored.uri)))
            for stored in self.listed.values()
            if not _is_known(stored, known.get(stored.uri))
        ]

    def _finish(
        self,
        plan: Plan,
        access: S3Access,
        state: LakeState,
        known: Mapping[str, Row],
        *,
        repeated: bool,
    ) -> IngestCounts:
        """Reads an open plan to its end; what a killed run wrote of a repeated one is replaced."""
        records, outcomes = self._decode(plan.objects, access, "record")
        holding = records.withColumn("holds", F.expr(HOLDS))
        self._write(holding, RECORDS, "records", plan.batch, repeated=repeated)
        damaged = [p for p in plan.objects if _is_damaged(outcomes.value.get(p.stored.uri))]
        if repeated or damaged:
            quarantine, again = self._decode(damaged, access, "quarantine")
            self._write(quarantine, QUARANTINE, "quarantine", plan.batch, repeated=repeated)
            if again.value != {p.stored.uri: outcomes.value[p.stored.uri] for p in damaged}:
                raise _read_otherwise(plan.batch)
        counts = _counted(plan, outcomes.value)
        self._ensure_tables()
        self._check_written(plan, counts)
        self._write_objects(plan, outcomes.value, known)
        state.close(plan.batch, records=counts.records)
        return counts

    def _write(
        self, rows: DataFrame, schema: StructType, table: str, batch: int, *, repeated: bool
    ) -> None:
        rows = rows.withColumn("batch", F.lit(batch).cast("bigint")).select(*schema.names)
        if not self.lake.has(table):
            self.lake.overwrite(rows, table, partition_by=PARTITIONS.get(table, ()))
        elif repeated:
            self.lake.replace(rows, table, f"batch = {batch}")
        else:
            self.lake.append(rows, table)

    def _check_written(self, plan: Plan, counts: IngestCounts) -> None:
        """Holds what was written against what the objects' own rows say.

        Where an executor was lost, objects were fetched again, perhaps with another outcome.
        """
        tables = (
            self.lake.read(table)
            .where(F.col("batch") == plan.batch)
            .select(F.lit(table).alias("table"))
            for table in ("records", "quarantine")
        )
        rows = functools.reduce(DataFrame.unionAll, tables).groupBy("table").count().collect()
        written = {row["table"]: row["count"] for row in rows}
        said = {"records": counts.records, "quarantine": counts.quarantined}
        if any(written.get(table, 0) != count for table, count in said.items()):
            raise _read_otherwise(plan.batch)

    def _decode(
        self, objects: Sequence[PlannedObject], access: S3Access, kind: str
    ) -> tuple[DataFrame, Accumulator[Outcomes]]:
        """Returns the decoded rows of a kind, and each object's outcome once they are written."""
        rows = [
            (p.stored.uri, p.stored.size, p.stored.modified, p.stored.etag, p.known_sha256)
            for p in sorted(objects, key=lambda p: -p.stored.size)
        ]
        spark = self.lake.spark
        size = sum(p.stored.size for p in objects)
        tasks = max(
            math.ceil(size / TASK_BYTES),
            min(len(rows), spark.sparkContext.defaultParallelism),
            1,
        )
        planned = spark.createDataFrame(rows, PLANNED).coalesce(1).repartition(tasks)
        outcomes = accumulator_of(spark.sparkContext)
        decode = _decoder(access, self.limits, self.codec, outcomes)
        decoded = planned.mapInArrow(decode, from_arrow_schema(DECODED))
        return decoded.where(F.col("kind") == kind), outcomes

    def _write_objects(self, plan: Plan, outcomes: Outcomes, known: Mapping[str, Row]) -> None:
        rows = [
            _object_row(planned, outcomes.get(planned.stored.uri), self.run_id, plan.batch)
            for planned in plan.objects
        ]
        schema = StructType([*OBJECTS, StructField("unchanged", BooleanType())])
        objects = self.lake.spark.createDataFrame(rows, schema).coalesce(1)
        if not any(planned.stored.uri in known for planned in plan.objects):
            self.lake.append(objects.select(*OBJECTS.names), "objects")
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
            objects,
            "objects",
            on="t.object_uri = s.object_uri",
            clauses=f"WHEN MATCHED AND NOT ({again}) THEN UPDATE SET {', '.join(updates)} "
            f"WHEN NOT MATCHED THEN {insert_of(OBJECTS.names)}",
        )

    def _ensure_tables(self) -> None:
        for table, schema in (
            ("records", RECORDS),
            ("quarantine", QUARANTINE),
            ("objects", OBJECTS),
        ):
            if not self.lake.has(table):
                rows = empty(self.lake.spark, schema)
                self.lake.overwrite(rows, table, partition_by=PARTITIONS.get(table, ()))


def _read_otherwise(batch: int) -> StageError:
    return StageError(
        f"batch {batch} was read twice with different outcomes, as when a worker is lost or an "
        "object changes: repeat the same command, it replaces the batch"
    )


def _is_damaged(outcome: dict[str, Any] | None) -> bool:
    return outcome is not None and bool(outcome["quarantined"])


def _object_row(
    planned: PlannedObject, outcome: dict[str, Any] | None, run_id: str, batch: int
) -> Any:
    """Returns an object's row in the order of `OBJECTS`, and whether its content was known."""
    stored = planned.stored
    listed = (stored.uri, stored.size, stored.modified, stored.etag)
    if outcome is None:
        return (*listed, "unreadable", None, None, None, None, run_id, batch, None)
    status = "read" if planned.known_sha256 is None or outcome["unchanged"] else "changed"
    found = (outcome[name] for name in ("sha256", "compression", "records", "unreadable_bytes"))
    return (*listed, status, *found, run_id, batch, outcome["unchanged"])


def _counted(plan: Plan, outcomes: Outcomes) -> IngestCounts:
    fresh = {uri: row for uri, row in outcomes.items() if not row["unchanged"]}
    known = {p.stored.uri for p in plan.objects if p.known_sha256 is not None}
    return IngestCounts(
        objects=len(plan.objects),
        records=sum(row["records"] for row in fresh.values()),
        quarantined=sum(row["quarantined"] for row in fresh.values()),
        unreadable=len(plan.objects) - len(outcomes),
        changed=len(known.intersection(fresh)),
    )


def _kept(name: str, condition: str) -> str:
    """Says in SQL that a column stays where a condition holds, and else takes the source's."""
    return f"{name} = CASE WHEN {condition} THEN t.{name} ELSE s.{name} END"


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
    access: S3Access, limits: Limits, codec: str, outcomes: Accumulator[Outcomes]
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Gives the function that runs on workers: planned objects in, decoded rows out."""

    def decode(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from qldb_replay.codec import decode_objects

        for batch in decode_objects(_fetched(batches, access), limits, codec):
            outcomes.add(outcomes_in(batch))
            yield batch

    return decode


def _fetched(
    batches: Iterator[pa.RecordBatch], access: S3Access
) -> Iterator[tuple[str, bytes, bytes | None]]:
    """Fetches planned objects, small ones some ahead; those that cannot be read give nothing."""
    waiting: deque[tuple[dict[str, Any], Future[bytes | None]]] = deque()
    ahead = 0
    with ThreadPoolExecutor(FETCHERS) as pool:
        for row in chain.from_iterable(batch.to_pylist() for batch in batches):
            while waiting and (len(waiting) == FETCHERS or ahead + row["size"] > AHEAD_BYTES):
                ahead -= waiting[0][0]["size"]
                yield from _arrived(*waiting.popleft())
            waiting.append((row, pool.submit(_fetch, row, access)))
            ahead += row["size"]
        while waiting:
            yield from _arrived(*waiting.popleft())


def _fetch(row: dict[str, Any], access: S3Access) -> bytes | None:
    stored = StoredObject(row["object_uri"], row["size"], row["modified"], row["etag"])
    try:
        content = source_of(stored.uri, access).read(stored)
    except OSError:
        return None
    return content if len(content) == stored.size else None


def _arrived(
    row: dict[str, Any], fetched: Future[bytes | None]
) -> Iterator[tuple[str, bytes, bytes | None]]:
    content = fetched.result()
    if content is not None:
        yield row["object_uri"], content, row["known_sha256"]
