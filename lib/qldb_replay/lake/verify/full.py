"""`--full`: the lake against itself. Stored Ion is decoded again, derived tables are made again.

Verification trusts what `ingest` computed and `rebuild` wrote. Somebody who can write to the lake
could have changed either since; this finds it, as `lake-mismatch`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from qldb_replay.journal.redactions import HONOUR, KEEP
from qldb_replay.lake.delta import Lake
from qldb_replay.lake.keys import REVISION_KEYS
from qldb_replay.lake.rebuild import Rebuild
from qldb_replay.lake.state import FOLDER, LakeState
from qldb_replay.lake.verify.found import PLACES, STORED, Check, all_of, as_rows, found_in
from qldb_replay.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    import pyarrow as pa

SCRATCH = f"{FOLDER}/full"
_GIVEN = ("objects", "records", "quarantine")
_DECODED = (
    "record_type",
    "stream_arn",
    "strand_id",
    "sequence_no",
    "document_id",
    "version",
    "hash",
    "revision",
    "block",
)
_CODE = "lake-mismatch"


@contextmanager
def judge_stored(lake: Lake, progress: Callable[[str], None], codec: str) -> Iterator[DataFrame]:
    """Makes everything again from the stored Ion, for use while a `with` block judges it.

    Args:
        lake: a rebuilt lake; nothing of it is changed.
        progress: told of each step.
        codec: which codec decodes, and builds `data`; one of `codec.CODECS`.

    Yields:
        Rows of `FOUND`: what is not as it is made again.
    """
    found = [_records(lake, codec), _metadata(lake)]
    carrying = _carrying(lake)
    try:
        if carrying.isEmpty():
            progress("rebuilding all tables once more, to compare them")
            found += _derived(lake, _made_again(lake, codec))
        else:
            found.append(carrying)
        yield all_of(found)
    finally:
        lake.files.delete_folder(SCRATCH)


def _records(lake: Lake, codec: str) -> DataFrame:
    """Decodes stored records again."""
    columns = ["object_uri", "offset", "ion", *_DECODED]
    stored = lake.read("records").where("ion IS NOT NULL").select(*columns)
    compare = functools.partial(_compare_batches, codec=codec)
    differing = stored.mapInArrow(compare, "object_uri string, offset bigint, what string")
    check = Check(_CODE, "true", "concat('records: ', what, ' is not what the stored Ion says')")
    return found_in(differing, STORED, [check])


def _compare_batches(batches: Iterator[pa.RecordBatch], codec: str) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    from qldb_replay.codec import decode_objects

    for batch in batches:
        ion = batch.column("ion").to_pylist()
        objects = ((str(number), record, None) for number, record in enumerate(ion))
        decoded = pa.Table.from_batches(decode_objects(objects, DEFAULT_LIMITS, codec))
        differing = list(_differences(batch, decoded))
        rows = pa.array([row for row, _ in differing], pa.int64())
        places = batch.select(["object_uri", "offset"]).take(rows)
        yield pa.RecordBatch.from_arrays(
            [*places.columns, pa.array([what for _, what in differing], pa.string())],
            names=["object_uri", "offset", "what"],
        )


def _differences(stored: pa.RecordBatch, decoded: pa.Table) -> Iterator[tuple[int, str]]:
    """Yields the row and the column of everything that was stored otherwise."""
    import pyarrow.compute as pc

    records = decoded.filter(pc.equal(decoded["kind"], "record"))
    rows = [int(number) for number in records["object_uri"].to_pylist()]
    for row in set(range(stored.num_rows)) - set(rows):
        yield row, "ion"
    there = stored.take(rows) if len(rows) < stored.num_rows else stored
    for name in _DECODED:
        theirs = records[name].combine_chunks()
        ours = there.column(name).cast(theirs.type)
        if ours.equals(theirs):
            continue
        pairs = zip(ours.to_pylist(), theirs.to_pylist(), strict=True)
        yield from ((rows[at], name) for at, (one, other) in enumerate(pairs) if one != other)


def _metadata(lake: Lake) -> DataFrame:
    """Hashes the metadata again that redacted revisions have left."""
    left = lake.read("records").where("holds = 'revision' AND ion IS NULL")
    recomputes = F.udf(_recomputes, "boolean")
    judged = left.select(
        *PLACES,
        recomputes(
            "revision.metadata_ion",
            "revision.metadata_hash",
            "revision.data_hash",
            "hash",
            "revision.hash_matches",
        ).alias("recomputes"),
    )
    check = Check(
        _CODE, "NOT recomputes", "'records: the metadata is not what the stored hashes say'"
    )
    return found_in(judged, STORED, [check])


def _recomputes(
    metadata: bytearray,
    metadata_hash: bytearray,
    data_hash: bytearray,
    hash_: bytearray,
    matched: bool,
) -> bool:
    from qldb_replay.ion import ion_hash
    from qldb_replay.journal import dot

    computed = ion_hash(bytes(metadata))
    matches = dot(computed, bytes(data_hash or b"")) == bytes(hash_ or b"")
    return computed == bytes(metadata_hash or b"") and matches == matched


def _carrying(lake: Lake) -> DataFrame:
    """Finds records that hold data which a rebuild would have taken away."""
    if LakeState(lake.files).mark("history").get("redactions") == KEEP:
        return as_rows(lake.spark, [])
    redacted = lake.read("revisions").where("is_redacted").select(*REVISION_KEYS, "hash")
    data = lake.read("records").where(
        "holds = 'revision' AND revision.kind = 'data' AND ion IS NOT NULL"
    )
    check = Check(_CODE, "true", "'records: the data of a redacted revision is in the lake'")
    return found_in(data.join(redacted, [*REVISION_KEYS, "hash"], "left_semi"), STORED, [check])


def _made_again(lake: Lake, codec: str) -> Lake:
    """Rebuilds all derived tables from `records`, beside the lake's own."""
    lake.files.delete_folder(SCRATCH)
    given = {table: lake.path(table) for table in _GIVEN}
    again = Lake.at(lake.spark, lake.path(SCRATCH), given)
    state, own = LakeState(again.files), LakeState(lake.files)
    state.close(own.ingested_batch(), records=own.ingested_records())
    redactions = own.mark("history").get("redactions", HONOUR)
    Rebuild(again, lambda _: None, redactions, codec).run()
    return again


def _derived(lake: Lake, again: Lake) -> Iterator[DataFrame]:
    folders = {
        f"{kind}/{name}"
        for kind in ("history", "current")
        for each in (lake, again)
        for name in each.files.names(kind)
    }
    for table in ("blocks", "revisions", "tables", *sorted(folders)):
        yield _differing(table, lake, again)


def _differing(table: str, lake: Lake, again: Lake) -> DataFrame:
    """Compares a table with itself made again, but for what says which run wrote a row."""
    if not (lake.has(table) and again.has(table)):
        return as_rows(lake.spark, [_about(table, "the lake or its rebuild has no such table")])
    ours, theirs = (each.read(table).drop("batch") for each in (lake, again))
    if _types(ours) != _types(theirs):
        return as_rows(lake.spark, [_about(table, "its columns are not those of its rebuild")])
    theirs = theirs.select(*ours.columns)
    rows = ours.exceptAll(theirs).union(theirs.exceptAll(ours))
    places = [name for name in PLACES if name in rows.columns]
    # Names of folders are percent-encoded: no quote is among their characters.
    check = Check(_CODE, "true", f"'{table}: a row is not what rebuild writes'")
    return found_in(rows.select(*places).distinct(), STORED, [check])


def _about(table: str, detail: str) -> dict[str, Any]:
    return {"code": _CODE, "unit": STORED, "detail": f"{table}: {detail}"}


def _types(rows: DataFrame) -> Sequence[tuple[str, str]]:
    return sorted((field.name, field.dataType.simpleString()) for field in rows.schema)
