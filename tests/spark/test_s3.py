"""Archives and lakes in S3, against a server that speaks its protocol over HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from deltalake import DeltaTable
from moto.server import ThreadedMotoServer

from qldb_replay.cli import main
from qldb_replay.installed import spark_home
from qldb_replay.lake.session import s3_access
from qldb_replay.simulate import SimulateOptions, Truth, simulate

KEYS = (
    "stream 1/2024+01/a%20b",
    "stream 1/_hidden",
    "stream 1/.dot",
    "stream 1//double//slash",
    "stream 1/ü€😀",
    "stream 1/?#[x]*&='\"",
    "stream 1/trailing ",
)
ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A server, and no credentials but those that the tests give."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        _, port = server.get_host_and_port()
        yield f"http://127.0.0.1:{port}"
        server.stop()


@pytest.fixture(scope="module")
def client(endpoint: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=ID,
        aws_secret_access_key=SECRET,
    )


@pytest.fixture(scope="module")
def s3_settings(spark, endpoint: str) -> Iterator[None]:
    """Puts the access in the session's Hadoop settings, as `--spark` does at its start."""
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()
    settings = {
        "endpoint": endpoint,
        "endpoint.region": "us-east-1",
        "access.key": ID,
        "secret.key": SECRET,
        "path.style.access": "true",
        "connection.ssl.enabled": "false",
    }
    for name, value in settings.items():
        hadoop.set(f"fs.s3a.{name}", value)
    yield
    for name in settings:
        hadoop.unset(f"fs.s3a.{name}")


@pytest.fixture(scope="module")
def bucket(client, tmp_path_factory) -> tuple[str, Truth]:
    """An archive under odd keys; beside it what does not belong to it."""
    folder, truth = tmp_path_factory.mktemp("s3"), Truth()
    options = {"revisions": 150, "tables": ("Person",), "redactions": 0, "duplicates": 0.0}
    simulate(SimulateOptions(out=folder / "a", object_bytes=20_000, **options), truth)
    contents = [path.read_bytes() for path in sorted((folder / "a").rglob("*")) if path.is_file()]
    assert len(contents) >= len(KEYS)
    client.create_bucket(Bucket="archive")
    for number, key in enumerate(KEYS):
        rest = contents[number:] if key == KEYS[-1] else contents[number : number + 1]
        client.put_object(Bucket="archive", Key=key, Body=b"".join(rest))
    client.put_object(Bucket="archive", Key="stream 1/folder/", Body=b"")
    client.put_object(Bucket="archive", Key="stream 10/other", Body=b"no part of the prefix")
    return "s3://archive/stream 1", truth


@pytest.fixture(scope="module")
def lake(bucket, s3_settings, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("lake")
    assert main(["run", "--archive", bucket[0], "--lake", str(folder / "lake")]) == 0
    return folder / "lake"


def test_every_key_is_an_object_under_its_own_name(lake: Path, client, read_table) -> None:
    rows = {row["object_uri"]: row for row in read_table(lake, "objects")}

    assert set(rows) == {f"s3://archive/{key}" for key in KEYS}
    for key in KEYS:
        head = client.head_object(Bucket="archive", Key=key)
        row = rows[f"s3://archive/{key}"]
        assert (row["status"], row["etag"]) == ("read", head["ETag"].strip('"'))
        assert (row["size"], row["modified"]) == (head["ContentLength"], head["LastModified"])


def test_the_ledger_is_complete(lake: Path, bucket, read_table) -> None:
    hashes = sorted(row["hash"] for row in bucket[1].revisions())

    assert hashes == sorted(row["hash"] for row in read_table(lake, "revisions"))


@pytest.mark.parametrize("scheme", ["s3", "s3a", "s3n"])
def test_a_second_run_reads_nothing_under_whatever_scheme(
    lake: Path, bucket, command, read_table, scheme: str
) -> None:
    before = read_table(lake, "objects")

    archive = bucket[0].replace("s3:", f"{scheme}:")
    summary = command("ingest", "--archive", archive, "--archive", f"{archive}/", "--lake", lake)

    assert (summary["exit_code"], summary["counts"]["objects"]) == (0, 0)
    assert before == read_table(lake, "objects")


def test_no_secret_is_in_the_lake(lake: Path, command, bucket, read_table) -> None:
    given = ["--spark", f"spark.hadoop.fs.s3a.secret.key={SECRET}"]
    assert command("ingest", "--archive", bucket[0], "--lake", lake, *given)["exit_code"] == 0

    assert "secret.key=***" in str(read_table(lake, "runs"))
    assert SECRET not in str(read_table(lake, "runs"))
    assert not any(SECRET.encode() in path.read_bytes() for path in lake.rglob("*.json"))


def test_a_replaced_object_is_named(
    client, bucket, s3_settings, command, read_table, tmp_path: Path
) -> None:
    first, second = (
        client.get_object(Bucket="archive", Key=key)["Body"].read() for key in KEYS[:2]
    )
    given = ["ingest", "--archive", "s3://archive/replaced", "--lake", tmp_path / "lake"]
    client.put_object(Bucket="archive", Key="replaced/x", Body=first)
    assert command(*given)["counts"]["changed"] == 0
    client.put_object(Bucket="archive", Key="replaced/x", Body=second)
    assert command(*given)["counts"]["changed"] == 1

    (row,) = read_table(tmp_path / "lake", "objects")
    etag = client.head_object(Bucket="archive", Key="replaced/x")["ETag"].strip('"')
    assert (row["status"], row["etag"], row["size"]) == ("changed", etag, len(second))


@pytest.mark.parametrize(
    "archive", ["s3://no-such-bucket/x", "s3://archive/none", "s3://archive/s"]
)
def test_what_cannot_be_listed_or_is_empty_is_wrong_usage(
    command, s3_settings, client, bucket, tmp_path: Path, archive: str
) -> None:
    summary = command("ingest", "--archive", archive, "--lake", tmp_path / "lake")

    assert summary["exit_code"] == 2
    assert archive in summary["error"]["message"]
    assert not (tmp_path / "lake").exists()


@pytest.mark.skipif(
    not list((spark_home() / "jars").glob("*hadoop-aws*.jar")),
    reason="Spark has no S3A here: `make .venv/jars-s3` puts it in",
)
def test_a_lake_in_s3_is_the_lake_that_is_built_locally(
    lake: Path, bucket, client, endpoint: str, read_table
) -> None:
    client.create_bucket(Bucket="lakes")
    given = ["run", "--archive", bucket[0], "--lake"]
    assert main([*given, "s3a://lakes/my lake"]) == 0
    assert main([*given, "s3a://lakes/my lake/"]) == 0

    options = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }
    for table in ("objects", "records", "blocks", "revisions", "tables", "current/Person"):
        there = DeltaTable(f"s3://lakes/my lake/{table}", storage_options=options)
        rows = there.to_pyarrow_table().to_pylist()
        assert len(rows) == len(read_table(lake, table))
        names = set(rows[0]) - {"batch", "run_id"}
        assert ordered(rows, names) == ordered(read_table(lake, table), names)
    keys = [entry["Key"] for entry in client.list_objects_v2(Bucket="lakes")["Contents"]]
    assert not [key for key in keys if key.endswith("lock.json")]


def test_what_is_said_to_a_session_that_is_there_wins(spark, s3_settings) -> None:
    spark.conf.set("spark.hadoop.fs.s3a.endpoint", "http://elsewhere.example:9000")
    try:
        assert s3_access(spark).endpoint == "http://elsewhere.example:9000"
    finally:
        spark.conf.unset("spark.hadoop.fs.s3a.endpoint")


def ordered(rows: list[dict[str, Any]], names: set[str]) -> list[str]:
    return sorted(str([(name, row[name]) for name in sorted(names)]) for row in rows)
