from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from base64 import b64decode
from collections import Counter
from datetime import datetime, timezone
from hashlib import md5
from pathlib import Path
from random import Random

import pytest
from amazon.ion import simpleion

from qldb_replay import archive, ion
from qldb_replay.errors import StageError, UsageError
from qldb_replay.limits import DEFAULT_LIMITS
from qldb_replay.simulate import SimulateOptions, simulate
from qldb_replay.simulate.delivery import Record, disordered, duplicated

KEY = re.compile(
    r"\d{4}/\d\d/\d\d/\d\d/vehicle-registration-1-\d{4}(-\d\d){5}-"
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)


def read(content):
    """The records the reading side finds, as (offset, length, bytes)."""
    segments = archive.read_object(content, DEFAULT_LIMITS, lambda record: None)
    found = [s for s in segments if s.kind != "framing"]
    assert {s.kind for s in found} == {"record"}
    return [(s.offset, s.length, s.data) for s in found]


def written(simulated):
    """What the simulator says it wrote, by object."""
    by_object: dict[str, list] = {}
    for row in simulated.truth.records():
        name = row["path"].relative_to(simulated.options.out).as_posix()
        by_object.setdefault(name, []).append((row["offset"], row["length"], row["ion"]))
    return by_object


def dummies(count):
    return [Record(bytes([number % 256]), "X", (number,), b"", number) for number in range(count)]


def test_keys_are_named_as_firehose_names_them(ledger):
    objects = ledger.objects()
    assert len(objects) == ledger.counts["objects"] > 3
    for key in objects:
        assert KEY.fullmatch(key)
        folder, name = key.rsplit("/", 1)
        assert folder.replace("/", "-") in name


def test_objects_close_at_their_size(ledger):
    sizes = [len(content) for content in ledger.objects().values()]
    assert sorted(sizes)[1] >= 200_000
    assert max(sizes) < 200_000 + 50_000
    assert sum(sizes) == ledger.counts["bytes"]


def test_an_objects_time_is_the_arrival_of_its_oldest_record(ledger):
    arrivals: dict = {}
    for row in ledger.truth.records():
        arrivals.setdefault(row["path"], []).append(row["arrival"])
    for path, times in arrivals.items():
        oldest = datetime.fromtimestamp(min(times) // 1_000, tz=timezone.utc)
        assert f"-1-{oldest:%Y-%m-%d-%H-%M-%S}-" in path.name


def test_the_same_options_give_the_same_bytes(make_archive):
    for compression in ("none", "gzip", "zip"):
        first = make_archive(100, compression=compression, error_share=0.1)
        second = make_archive(100, compression=compression, error_share=0.1)
        assert first.objects() == second.objects()
    assert make_archive(100, seed=2).objects() != make_archive(100).objects()


@pytest.mark.parametrize(
    ("delimiter", "expected"), [("none", b""), ("lf", b"\n"), ("crlf", b"\r\n")]
)
def test_records_lie_where_the_simulator_says(make_archive, delimiter, expected):
    simulated = make_archive(200, delimiter=delimiter)
    for key, rows in written(simulated).items():
        content = simulated.objects()[key]
        assert content == b"".join(record + expected for _, _, record in rows)
        assert [record for _, _, record in rows] == ion.split_records(content)
        assert read(content) == rows


@pytest.mark.parametrize(
    ("compression", "extension", "magic"),
    [
        ("gzip", ".gz", b"\x1f\x8b"),
        ("zip", ".zip", b"PK"),
        ("snappy", ".snappy", b""),
        ("hadoop-snappy", ".hsnappy", b"\x00"),
    ],
)
def test_compressed_objects_hold_the_same_records(make_archive, compression, extension, magic):
    simulated = make_archive(600, compression=compression, object_bytes=600_000, delimiter="lf")
    plain = make_archive(600, object_bytes=600_000, delimiter="lf")
    for (key, content), original in zip(
        simulated.objects().items(), plain.objects().values(), strict=True
    ):
        assert key.endswith(extension)
        assert content.startswith(magic)
        assert len(content) < len(original)
        assert read(content) == read(original)


def test_gzip_and_zip_open_with_the_standard_library(make_archive):
    plain = next(iter(make_archive(50).objects().values()))
    packed = next(iter(make_archive(50, compression="gzip").objects().values()))
    assert gzip.decompress(packed) == plain
    packed = next(iter(make_archive(50, compression="zip").objects().values()))
    with zipfile.ZipFile(io.BytesIO(packed)) as opened:
        assert [opened.read(name) for name in opened.namelist()] == [plain]
        assert [entry.date_time[0] for entry in opened.infolist()] == [1980], "no clock is read"


def test_duplicates_are_delivered_and_counted(make_archive):
    simulated = make_archive(300, duplicates=0.2)
    deliveries = Counter(row["key"] for row in simulated.truth.records())
    extra = sum(count - 1 for count in deliveries.values())
    assert simulated.counts["duplicates"] == extra
    assert 0.1 < extra / len(deliveries) < 0.3
    assert make_archive(300, duplicates=0).counts["duplicates"] == 0


def test_disorder_separates_blocks_from_their_revisions(make_archive):
    def sequence(simulated):
        return [row["key"][0] for row in simulated.truth.records() if len(row["key"]) == 1][1:]

    ordered = sequence(make_archive(300, disorder=0, duplicates=0))
    assert ordered == sorted(ordered)
    mixed = sequence(make_archive(300, disorder=50, duplicates=0, seed=1))
    assert mixed != sorted(mixed, key=str)


def test_a_record_strays_within_its_window_and_none_is_lost():
    out = list(disordered(dummies(5_000), 100, Random(1)))
    assert sorted(record.arrival for record in out) == list(range(5_000))
    shifts = [abs(place - record.arrival) for place, record in enumerate(out)]
    assert 50 < sum(shifts) / len(shifts) < 200


def test_duplicates_come_later_and_the_originals_stay_in_order():
    out = list(duplicated(dummies(5_000), 0.1, Random(1)))
    firsts = list(dict.fromkeys(record.key[0] for record in out))
    assert firsts == list(range(5_000))
    seen: dict = {}
    later = []
    for place, record in enumerate(out):
        place_before, arrival = seen.setdefault(record.key, (place, record.arrival))
        if place_before != place:
            later.append((place - place_before, record.arrival - arrival))
    assert 300 < sum(places for places, _ in later) / len(later) < 700
    assert 300 < sum(time for _, time in later) / len(later) < 700


def test_every_stream_delivers_the_whole_ledger_under_its_own_arn(make_archive):
    # With this seed the second ARN sorts before the first: the smallest form is not the first one.
    simulated = make_archive(100, streams=2, duplicates=0, seed=5)
    arns = Counter(
        str(simpleion.loads(row["ion"])["qldbStreamArn"]) for row in simulated.truth.records()
    )
    assert len(arns) == 2
    assert len(set(arns.values())) == 1
    assert {row["deliveries"] for row in simulated.truth.revisions()} == {2}
    for block in simulated.truth.blocks():
        forms = [
            row["ion"] for row in simulated.truth.records() if row["key"] == (block["sequence_no"],)
        ]
        assert len(set(forms)) == 2
        assert block["ion"] == min(forms)


def test_the_second_stream_delivers_redacted_copies(make_archive):
    simulated = make_archive(300, streams=2, duplicates=0)
    redacted = {
        (row["document_id"], row["version"])
        for row in simulated.truth.revisions()
        if row["is_redacted"]
    }
    assert len(redacted) == 3
    for key in redacted:
        copies = [
            set(simpleion.loads(row["ion"])["payload"]["revision"])
            for row in simulated.truth.records()
            if row["key"] == key
        ]
        assert copies[0] - copies[1] == {"data"}
        assert copies[1] - copies[0] == {"dataHash"}


def test_kpl_frames_hold_the_records_and_their_checksum(make_archive):
    simulated = make_archive(100, kpl=True, delimiter="none")
    (content,) = simulated.objects().values()
    (rows,) = written(simulated).values()
    assert content.startswith(b"\xf3\x89\x9a\xc2")
    assert read(content) == rows
    for offset, length, record in rows:
        assert content[offset : offset + length] == record
    end = content.index(b"\xf3\x89\x9a\xc2", 4)
    assert content[end - 16 : end] == md5(content[4 : end - 16]).digest()


def test_failed_deliveries_lie_in_error_objects(make_archive):
    simulated = make_archive(300, error_share=0.2)
    failed = {
        key: content
        for key, content in simulated.objects().items()
        if key.startswith("processing-failed/")
    }
    assert len(failed) == 1
    for key, content in failed.items():
        lines = content.splitlines()
        rows = written(simulated)[key]
        assert [content[offset : offset + length] for offset, length, _ in rows] == lines
        assert [record for _, _, record in rows] == [
            b64decode(json.loads(line)["rawData"]) for line in lines
        ]
        assert read(content) == rows
        assert len(rows) > 30


def test_a_missing_head_is_not_delivered(make_archive):
    simulated = make_archive(200, first_sequence=20)
    assert min(row["sequence_no"] for row in simulated.truth.blocks()) == 20
    assert min(row["sequence_no"] for row in simulated.truth.revisions()) == 20
    whole = make_archive(200)
    assert simulated.truth.digest == whole.truth.digest
    assert len(whole.truth.blocks()) - len(simulated.truth.blocks()) == 20


@pytest.mark.parametrize("revisions", [1, 2, 5, 12])
def test_the_smallest_ledgers_work(make_archive, revisions):
    simulated = make_archive(revisions)
    assert len(simulated.truth.revisions()) == revisions


@pytest.mark.parametrize("tables", [("Drafts",), ("Legacy", "Drafts"), ("Everything",)])
def test_any_choice_of_tables_works(make_archive, tables):
    simulated = make_archive(100, tables=tables)
    assert {row["table_name"] for row in simulated.truth.revisions()} == set(tables)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tables": ("Nothing",)},
        {"tables": ()},
        {"delimiter": "tab"},
        {"compression": "lzo"},
        {"duplicates": 1.0},
        {"error_share": -0.1},
        {"revisions": 0},
        {"streams": 0},
        {"start": datetime(2024, 1, 1)},
        {"start": datetime(9999, 12, 31, tzinfo=timezone.utc)},
    ],
    ids=str,
)
def test_impossible_options_are_refused(tmp_path, wrong):
    with pytest.raises(UsageError):
        SimulateOptions(**{"out": tmp_path, "revisions": 10, **wrong})


def test_a_folder_that_holds_something_is_refused(tmp_path):
    (tmp_path / "there").touch()
    with pytest.raises(UsageError, match="empty"):
        simulate(SimulateOptions(tmp_path, 10))


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        simulate(SimulateOptions(tmp_path / "file" / "archive", 10))


def test_writing_that_breaks_off_is_a_stage_error(tmp_path):
    (tmp_path / "archive.digest.json").mkdir()
    with pytest.raises(StageError, match="broke off"):
        simulate(SimulateOptions(tmp_path / "archive", 10))


def test_a_relative_folder_has_its_digest_beside_it(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    simulate(SimulateOptions(Path("."), 10))
    assert (tmp_path / "here.digest.json").exists()
