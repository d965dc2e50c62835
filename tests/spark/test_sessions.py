"""Sessions from outside, set to the opposite of what we rely on, give the same tables."""

from __future__ import annotations

import io
from base64 import b64encode
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from amazon.ion import simpleion
from deltalake import DeltaTable

from qldb_replay.cli import main
from qldb_replay.ion import ion_hash
from qldb_replay.journal import dot
from qldb_replay.simulate import SimulateOptions, simulate

HOSTILE = {
    "spark.sql.session.timeZone": "America/New_York",
    "spark.sql.caseSensitive": "true",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "LEGACY",
    "spark.sql.parquet.int96RebaseModeInWrite": "LEGACY",
    "spark.sql.parquet.datetimeRebaseModeInRead": "LEGACY",
    "spark.sql.parquet.outputTimestampType": "INT96",
    "spark.sql.parquet.binaryAsString": "true",
    "spark.sql.parquet.writeLegacyFormat": "true",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.sources.partitionOverwriteMode": "dynamic",
    "spark.sql.legacy.timeParserPolicy": "LEGACY",
    "spark.databricks.delta.schema.autoMerge.enabled": "true",
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "true",
}
TIMES = {
    "first": "0001-01-01T00:00:00Z",
    "before_the_switch": "1582-10-04T23:59:59.999Z",
    "in_the_gap": "1582-10-10T12:00:00Z",
    "old": "1899-12-31T23:59:59.000001Z",
    "summer_clock": "2024-03-10T02:30:00Z",
    "last": "9999-12-31T23:59:59.999999Z",
}


def revision(number: int, data: str) -> bytes:
    """A stream's record of one revision, in a block that is not there."""
    metadata = (
        f'{{id:"{number:022}",version:0,txTime:2024-01-01T00:00:0{number}Z,txId:"{number:022}"}}'
    )
    digest = dot(ion_hash(binary(metadata)), ion_hash(binary(data)))
    shown = b64encode(digest).decode()
    return binary(
        '{qldbStreamArn:"arn",recordType:"REVISION_DETAILS",payload:{tableInfo:{tableName:"Times",'
        'tableId:"t"},revision:{blockAddress:{strandId:"s",sequenceNo:1},'
        f"hash:{{{{{shown}}}}},data:{data},metadata:{metadata}}}}}}}"
    )


def binary(text: str) -> bytes:
    value = simpleion.load_python(io.StringIO(text), single_value=True)
    out = io.BytesIO()
    simpleion.dump_python(value, out, binary=True)
    return out.getvalue()


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("sessions") / "archive"
    options = {"revisions": 150, "tables": ("Person", "Everything"), "object_bytes": 60_000}
    simulate(SimulateOptions(out=out, redactions=1, **options))
    fields = ",".join(f"{name}:{text}" for name, text in TIMES.items())
    (out / "times").write_bytes(revision(1, f"{{{fields},exact:1.500,Case:1,case:2}}"))
    return out


def tables_of(lake: Path, read_table: Any) -> dict[str, list[str]]:
    names = [log.parent.relative_to(lake).as_posix() for log in lake.rglob("_delta_log")]
    return {
        name: sorted(
            str([(column, row[column]) for column in sorted(row) if column != "run_id"])
            for row in read_table(lake, name)
        )
        for name in names
        if name != "runs"
    }


# The records are made by hand: what they prove is not the point here.
JUDGED = (0, 1, 3)


@pytest.fixture(scope="module")
def usual(archive: Path, spark, tmp_path_factory) -> Path:
    lake = tmp_path_factory.mktemp("usual") / "lake"
    assert main(["run", "--archive", str(archive), "--lake", str(lake)]) in JUDGED
    return lake


@pytest.fixture(scope="module")
def hostile(archive: Path, spark, tmp_path_factory) -> Path:
    """The same on a session with opposite settings."""
    lake = tmp_path_factory.mktemp("hostile") / "lake"
    before = {name: spark.conf.get(name, None) for name in HOSTILE}
    try:
        for name, value in HOSTILE.items():
            spark.conf.set(name, value)
        assert main(["run", "--archive", str(archive), "--lake", str(lake)]) in JUDGED
        after = {name: spark.conf.get(name) for name in HOSTILE}
    finally:
        for name, value in before.items():
            spark.conf.unset(name) if value is None else spark.conf.set(name, value)
    assert after == HOSTILE
    return lake


def test_every_table_is_the_same(usual: Path, hostile: Path, read_table) -> None:
    assert tables_of(usual, read_table) == tables_of(hostile, read_table)


def test_every_time_is_what_the_document_says(hostile: Path, read_table) -> None:
    (row,) = read_table(hostile, "history/Times")

    for name, text in TIMES.items():
        expected = datetime.fromisoformat(text.replace("Z", "+00:00"))
        assert row["data"][name] == expected.astimezone(timezone.utc), name
    assert row["data"]["exact"] == Decimal("1.5")
    assert (row["data"]["Case"], row["data"]["case__2"]) == (1, 2)


def test_any_reader_opens_the_tables(hostile: Path) -> None:
    logs = list(hostile.rglob("_delta_log"))
    assert len(logs) > 8
    for log in logs:
        protocol = DeltaTable(str(log.parent)).protocol()
        assert (protocol.min_reader_version, protocol.reader_features) == (1, None)


def test_spark_reads_the_same_times_back(hostile: Path, spark) -> None:
    rows = spark.read.format("delta").load(str(hostile / "history" / "Times"))
    shown = rows.selectExpr(*(f"unix_micros(data.{name}) AS {name}" for name in TIMES)).first()

    for name, text in TIMES.items():
        expected = datetime.fromisoformat(text.replace("Z", "+00:00"))
        since = expected - datetime(1970, 1, 1, tzinfo=timezone.utc)
        assert shown[name] == since // type(since)(microseconds=1), name
