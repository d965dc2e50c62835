"""What is not as it should be: objects that are broken, gone or changed, and wrong commands."""

from __future__ import annotations

import gzip
import json
import os
import runpy
import socket
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import functions as F

from qldb_replay.cli import main
from qldb_replay.lake import lock
from qldb_replay.lake.files import LakeFiles
from qldb_replay.lake.ingest import Ingest
from qldb_replay.lake.ledger_tables import _ddl
from qldb_replay.simulate import SimulateOptions, Truth, simulate
from qldb_replay.storage import LocalSource

IVM = b"\xe0\x01\x00\xea"
SECRET = b"4929-1234-5678-9012"
JOBS = Path(__file__).parents[2] / "jobs"
TABLES = ("objects", "records", "quarantine", "revisions", "blocks", "runs")


@dataclass
class Found:
    """A lake right after a run."""

    archive: Path
    lake: Path
    truth: Truth
    summary: dict[str, Any]
    tables: dict[str, list[dict[str, Any]]]

    def object(self, name: str) -> dict[str, Any]:
        (row,) = [row for row in self.tables["objects"] if row["object_uri"].endswith(f"/{name}")]
        return row

    def of(self, table: str, name: str) -> list[dict[str, Any]]:
        return [row for row in self.tables[table] if row["object_uri"].endswith(f"/{name}")]


def small(out: Path, truth: Truth | None = None, **options: Any) -> None:
    settings = {"revisions": 300, "tables": ("Person", "Orders"), "duplicates": 0.0, "seed": 7}
    simulate(SimulateOptions(out=out, redactions=1, **{**settings, **options}), truth)


def ran(archive: Path, lake: Path, truth: Truth, read_table: Any) -> Found:
    summary = lake.with_name("summary.json")
    code = main(["run", "--archive", str(archive), "--lake", str(lake), "--summary", str(summary)])
    found = json.loads(summary.read_text())
    assert code == found["exit_code"]
    tables = {table: read_table(lake, table) for table in TABLES}
    return Found(archive, lake, truth, found, tables)


def with_length(kind: int, length: int) -> bytes:
    groups = [length & 0x7F | 0x80]
    while length > 0x7F:
        length >>= 7
        groups.insert(0, length & 0x7F)
    return bytes([kind, *groups])


def nested(levels: int) -> bytes:
    value = b"\x20"
    for _ in range(levels):
        value = with_length(0xBE, len(value)) + value
    return value


@pytest.fixture(scope="module")
def damaged(spark, tmp_path_factory, read_table):
    """A good archive, and beside it what can lie in a bucket."""
    folder = tmp_path_factory.mktemp("damaged")
    archive, truth = folder / "archive", Truth()
    small(archive, truth, object_bytes=60_000)
    rows = [row for row in truth.records() if row["path"] == truth.records()[0]["path"]]
    first, second = rows[0]["ion"], rows[1]["ion"]
    bad = archive / "bad"
    bad.mkdir()
    (bad / "truncated").write_bytes(first + second[:-40])
    (bad / "garbage").write_bytes(first + b"\x17 " + SECRET + b" \xff\xff" + second)
    (bad / "picture").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + SECRET + bytes(5_000))
    (bad / "bomb").write_bytes(gzip.compress(bytes(200 << 20), 1) + gzip.compress(first))
    (bad / "nested").write_bytes(first + IVM + nested(1_000) + second)
    (bad / "giant").write_bytes(first + IVM + with_length(0xDE, 1 << 40) + SECRET + second)
    (bad / "empty").write_bytes(b"")
    (bad / "gone").symlink_to("nowhere")
    (bad / "loop").symlink_to(archive, target_is_directory=True)
    return ran(archive, folder / "lake", truth, read_table)


def test_damage_makes_an_archive_incomplete_and_contradicts_nothing(damaged: Found) -> None:
    assert (damaged.summary["exit_code"], damaged.summary["verdict"]) == (3, "incomplete")
    assert damaged.summary["counts"]["unreadable"] == 1
    assert damaged.summary["counts"]["quarantined"] == len(damaged.tables["quarantine"])
    assert damaged.summary["findings"]["object-unreadable"] == 1
    assert damaged.summary["findings"]["record-unreadable"] == len(damaged.tables["quarantine"])


def test_the_rest_of_the_archive_is_processed(damaged: Found) -> None:
    names = [name for name in damaged.truth.revisions()[0] if name not in ("data", "deliveries")]
    keys = ("document_id", "version")

    def rows(of: list[dict[str, Any]]) -> list[dict[str, Any]]:
        picked = [{name: row[name] for name in names} for row in of]
        return sorted(picked, key=lambda row: tuple(row[key] for key in keys))

    assert rows(damaged.truth.revisions()) == rows(damaged.tables["revisions"])
    assert len(damaged.truth.blocks()) == len(damaged.tables["blocks"])


@pytest.mark.parametrize(
    ("name", "records", "reason"),
    [
        ("truncated", 1, ""),
        ("garbage", 2, ""),
        ("picture", 0, "PNG"),
        ("bomb", 0, "expands beyond the limit"),
        ("nested", 2, "200"),
        ("giant", 2, ""),
    ],
)
def test_what_can_be_read_is_kept_and_the_rest_is_named(
    damaged: Found, name: str, records: int, reason: str
) -> None:
    stretches = damaged.of("quarantine", name)
    row = damaged.object(name)

    assert records == row["records"] == len(damaged.of("records", name))
    assert row["status"] == "read"
    assert row["unreadable_bytes"] == sum(stretch["length"] for stretch in stretches) > 0
    assert any(reason in stretch["reason"] for stretch in stretches)


@pytest.mark.parametrize("name", ["truncated", "garbage", "picture", "nested", "giant"])
def test_records_and_quarantine_cover_every_byte(damaged: Found, name: str) -> None:
    stretches = damaged.of("records", name) + damaged.of("quarantine", name)
    end = 0
    for stretch in sorted(stretches, key=lambda row: row["offset"]):
        assert end == stretch["offset"]
        end += stretch["length"]

    assert end == (damaged.archive / "bad" / name).stat().st_size


def test_quarantine_keeps_little_of_a_bomb(damaged: Found) -> None:
    assert all(len(row["bytes"]) <= 1 << 20 for row in damaged.tables["quarantine"])
    assert damaged.object("bomb")["compression"] == "gzip"


def test_an_empty_object_is_read_and_has_nothing(damaged: Found) -> None:
    row = damaged.object("empty")

    assert (row["status"], row["records"], row["unreadable_bytes"]) == ("read", 0, 0)


def test_an_object_that_cannot_be_read_gets_a_row(damaged: Found) -> None:
    row = damaged.object("gone")

    assert (row["status"], row["sha256"], row["records"]) == ("unreadable", None, None)


def test_a_link_back_gives_no_object_twice(damaged: Found) -> None:
    assert not [row for row in damaged.tables["objects"] if "/loop/" in row["object_uri"]]


def test_reasons_and_summaries_quote_nothing_from_the_archive(damaged: Found) -> None:
    said = [row["reason"] for row in damaged.tables["quarantine"]]
    said += [json.dumps(damaged.summary), str(damaged.tables["runs"])]

    assert not [text for text in said if SECRET.decode() in text or SECRET[:4].decode() in text]


@pytest.fixture(scope="module")
def afterwards(damaged: Found, read_table):
    """The same archive later: one object can be read, one was changed, one only touched."""
    bad = damaged.archive / "bad"
    content = (bad / "garbage").read_bytes()
    (bad / "gone").unlink()
    (bad / "gone").write_bytes(content)
    (bad / "truncated").write_bytes(content + content)
    os.utime(bad / "garbage", (1, 1_700_000_000))
    (bad / "empty").unlink()
    (bad / "empty").symlink_to("nowhere")
    return ran(damaged.archive, damaged.lake, damaged.truth, read_table)


def test_an_unreadable_object_is_tried_again(afterwards: Found) -> None:
    row = afterwards.object("gone")

    assert (row["status"], row["records"]) == ("read", 2)
    assert len(afterwards.of("records", "gone")) == 2


def test_a_changed_object_is_named_and_both_contents_are_kept(
    damaged: Found, afterwards: Found
) -> None:
    row = afterwards.object("truncated")

    assert (row["status"], row["records"]) == ("changed", 4)
    assert len(afterwards.of("records", "truncated")) == 1 + 4
    assert afterwards.summary["counts"]["changed"] == 1


def test_a_touched_object_is_no_other(damaged: Found, afterwards: Found) -> None:
    before, row = damaged.object("garbage"), afterwards.object("garbage")

    assert row["status"] == "read"
    assert before["modified"] != row["modified"]
    assert before["sha256"] == row["sha256"]
    assert damaged.of("records", "garbage") == afterwards.of("records", "garbage")


def test_an_object_that_became_unreadable_keeps_what_is_known(
    damaged: Found, afterwards: Found
) -> None:
    before, row = damaged.object("empty"), afterwards.object("empty")

    assert row["status"] == "unreadable"
    assert before["sha256"] == row["sha256"]
    assert before["modified"] == row["modified"]


@pytest.fixture(scope="module")
def ingested(spark, tmp_path_factory):
    """A small lake that was only ingested."""
    folder = tmp_path_factory.mktemp("ingested")
    small(folder / "archive", revisions=20)
    given = ["--archive", str(folder / "archive"), "--lake", str(folder / "lake")]
    assert main(["ingest", *given]) == 0
    return given


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_nothing_is_written_where_there_is_no_archive(command, tmp_path, name: str) -> None:
    (tmp_path / "empty").mkdir()

    summary = command(
        "run",
        "--archive",
        tmp_path / name,
        "--lake",
        tmp_path / "lake",
        "--summary",
        tmp_path / "s",
    )

    assert summary["exit_code"] == 2
    assert str(tmp_path / name) in summary["error"]["message"]
    assert summary == json.loads((tmp_path / "s").read_text())
    assert not (tmp_path / "lake").exists()


def test_the_scheduler_can_be_spared_an_exit_code(tmp_path, spark) -> None:
    given = ["run", "--archive", str(tmp_path / "none"), "--lake", str(tmp_path / "lake")]

    assert main([*given, "--exit-zero-on", "1,2"]) == 0
    assert main([*given, "--exit-zero-on", "1,3"]) == 2


def test_a_rebuild_needs_a_lake(command, tmp_path) -> None:
    assert command("rebuild", "--lake", tmp_path / "lake")["exit_code"] == 2
    assert not (tmp_path / "lake").exists()


def test_a_newer_lake_is_left_alone(command, ingested, tmp_path) -> None:
    state = tmp_path / "lake" / "_qldb_replay"
    state.mkdir(parents=True)
    (state / "lake.json").write_text('{"format": 99, "version": "9.9.9"}')
    before = files_of(tmp_path / "lake")

    for arguments in (["run", *ingested[:2]], ["rebuild"]):
        summary = command(*arguments, "--lake", tmp_path / "lake")
        assert summary["exit_code"] == 2
        assert "9.9.9" in summary["error"]["message"]
    assert before == {
        path: content
        for path, content in files_of(tmp_path / "lake").items()
        if path.suffix != ".crc"
    }


def test_a_second_writer_is_refused(command, ingested, spark, monkeypatch) -> None:
    monkeypatch.setattr(lock, "BEAT_SECONDS", 0.1)
    lake = Path(ingested[3])
    with lock.writer_lock(LakeFiles(spark, f"file://{lake}"), "the-first"):
        refused = command("ingest", *ingested)
        taken = command("ingest", *ingested, "--break-lock")

    assert refused["exit_code"] == 2
    assert "the-first" in refused["error"]["message"]
    assert taken["exit_code"] == 0
    assert not (lake / lock.NAME).exists()


def test_the_lock_of_a_dead_process_is_taken_over(command, ingested, monkeypatch) -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True
    )
    held = {"run_id": "dead", "host": socket.gethostname(), "beat": 1.0}
    held |= {"boot": lock._boot_id(), "pid": int(gone.stdout)}
    (Path(ingested[3]) / lock.NAME).write_text(json.dumps(held))

    assert command("ingest", *ingested)["exit_code"] == 0


def test_a_file_that_vanishes_after_the_listing_stops_nothing(
    command, ingested, tmp_path, monkeypatch, read_table
) -> None:
    listing = LocalSource.list

    def and_one_more(self: LocalSource, root: str) -> Any:
        for item in listing(self, root):
            yield item
        yield type(item)(f"{item.uri}.gone", 10, item.modified, None)

    monkeypatch.setattr(LocalSource, "list", and_one_more)

    summary = command("ingest", *ingested[:2], "--lake", tmp_path / "lake")

    assert summary["exit_code"] == 0
    assert summary["counts"]["unreadable"] == 1
    statuses = [row["status"] for row in read_table(tmp_path / "lake", "objects")]
    assert sorted(statuses) == ["read", "unreadable"]


def test_an_object_that_changes_between_its_readings_breaks_the_batch_off(
    command, tmp_path, monkeypatch, read_table
) -> None:
    """Its records are of the first reading, what is quarantined of it is of the second."""
    small(tmp_path / "archive", revisions=20)
    file = next(path for path in (tmp_path / "archive").rglob("*") if path.is_file())
    content = file.read_bytes()
    file.write_bytes(content + b"\xff" * 16)
    arguments = ("--archive", tmp_path / "archive", "--lake", tmp_path / "lake")
    write = Ingest._write

    def and_change(
        self: Ingest, rows: Any, schema: Any, table: str, *batch: Any, **how: Any
    ) -> None:
        write(self, rows, schema, table, *batch, **how)
        if table == "records":
            file.write_bytes(content + b"\xfe" * 16)

    with monkeypatch.context() as patch:
        patch.setattr(Ingest, "_write", and_change)
        failed = command("ingest", *arguments)
    assert failed["exit_code"] == 4
    assert "repeat the same command" in failed["error"]["message"]

    assert command("ingest", *arguments)["exit_code"] == 0

    (row,) = read_table(tmp_path / "lake", "quarantine")
    assert row["bytes"] == b"\xfe" * 16
    (object_,) = read_table(tmp_path / "lake", "objects")
    assert object_["sha256"] == sha256(file.read_bytes()).digest()


def test_jobs_take_what_glue_hands_over(
    ingested, tmp_path, monkeypatch, capsys, read_table
) -> None:
    small(tmp_path / "other", revisions=20, seed=8)
    arguments = ["--JOB_NAME", "nightly", "--JOB_ID=j_1", "--enable-metrics", "true"]
    arguments += ["--archive", f"{ingested[1]},{tmp_path / 'other'}", "--break_lock", "false"]
    arguments += [f"--lake={tmp_path / 'lake'}", "--json", "true"]
    monkeypatch.setattr(sys, "argv", ["jobs/run.py", *arguments])

    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(JOBS / "run.py"), run_name="__main__")

    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["counts"]["revisions"] == 40
    assert len({row["strand_id"] for row in read_table(tmp_path / "lake", "blocks")}) == 2


@pytest.mark.parametrize("head", [" ", "\n", "-- x\n", "/* x */", "/*", "'"])
def test_no_statement_overflows_the_stack(spark, head: str) -> None:
    """Java follows a repeated choice in a regular expression by recursion."""
    said = F.struct(F.lit(head * 50_000 + "CREATE TABLE t").alias("statement"))
    blocks = spark.range(1).select(
        F.lit("s").alias("strand_id"),
        F.col("id").alias("sequence_no"),
        F.current_timestamp().alias("block_timestamp"),
        F.array(said).alias("statements"),
    )

    assert len(_ddl(blocks).collect()) == (head not in ("/*", "'"))
