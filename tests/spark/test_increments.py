"""A lake that grew object by object is the lake that was built at once, whatever the order."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from deltalake import DeltaTable

from qldb_replay.codec.decode import RecordDecoder, RevisionColumns
from qldb_replay.ion import split_records
from qldb_replay.lake.blocks import rebuild_blocks
from qldb_replay.lake.delta import Lake
from qldb_replay.lake.revisions import RevisionsStage
from qldb_replay.lake.session import stage_settings
from qldb_replay.limits import DEFAULT_LIMITS
from qldb_replay.simulate import SimulateOptions, simulate

REVISIONS = [
    "strand_id", "sequence_no", "revision_index", "table_id", "table_name", "document_id",
    "version", "tx_id", "tx_time", "hash", "operation", "is_redacted", "data_json", "data_ion",
    "valid_from", "valid_to", "is_current",
]  # fmt: skip
OURS = {"batch", "is_open"}


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory) -> list[bytes]:
    """The delivered records of a small ledger with every kind of event, in order of arrival."""
    folder = tmp_path_factory.mktemp("source")
    options = SimulateOptions(
        out=folder / "archive",
        revisions=700,
        tables=("Person", "Drafts"),
        redactions=3,
        duplicates=0.05,
        streams=2,
        seed=7,
    )
    simulate(options)
    objects = sorted(path for path in options.out.rglob("*") if path.is_file())
    return contradicted([record for path in objects for record in split_records(path.read_bytes())])


def contradicted(records: list[bytes]) -> list[bytes]:
    """Puts copies that contradict each other, none of which its hash proves, in the place of all
    copies of two revisions: one that is redacted later and one that is not."""
    decoder = RecordDecoder(DEFAULT_LIMITS)
    decoded = [decoder.decode(record) for record in records]
    redacted = {
        redaction[3:]
        for each in decoded
        if each.block is not None
        for redaction in each.block.redactions or ()  # strand, block, table, document, version
    }
    candidates = [
        (each.document_id, each.version)
        for each in decoded
        if each.revision is not None and each.revision.kind == "data"
    ]
    chosen = {
        next(key for key in candidates if key in redacted),
        next(key for key in candidates if key not in redacted),
    }
    kept, forged = [], []
    for record, each in zip(records, decoded, strict=True):
        if (each.document_id, each.version) not in chosen:
            kept.append(record)
        elif each.revision.kind == "data" and each.stream_arn == decoded[0].stream_arn:
            forged += [changed(record, each.revision, number) for number in (1, 2)]
    return kept + forged


def changed(record: bytes, revision: RevisionColumns, number: int) -> bytes:
    """Changes a letter of a revision's data, another one for each number."""
    start = revision.data_offset
    place = next(
        place
        for place in range(start, start + revision.data_length)
        if record[place : place + 4].isalpha()
    )
    place += number
    return record[:place] + bytes([record[place] ^ 1]) + record[place + 1 :]


def write_object(archive: Path, name: str, records: list[bytes]) -> None:
    archive.mkdir(exist_ok=True)
    (archive / name).write_bytes(b"".join(records))


def tables_of(lake: Path, read_table: Any) -> dict[str, list[Any]]:
    """Every table's rows by the contract's columns, in an order of their own."""
    found: dict[str, list[Any]] = {}
    for log in sorted(lake.rglob("_delta_log")):
        table = str(log.parent.relative_to(lake))
        if table in ("runs", "objects", "records", "quarantine"):
            continue
        rows = read_table(lake, table)
        names = REVISIONS if table == "revisions" else sorted(rows[0].keys() - OURS) if rows else []
        found[table] = sorted(repr(plain({name: row[name] for name in names})) for row in rows)
    return found


def plain(value: Any) -> Any:
    """Takes the order of fields out, which is not promised."""
    if isinstance(value, dict):
        return sorted((name, plain(item)) for name, item in value.items())
    return [plain(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def at_once(tmp_path_factory, build, deliveries, read_table) -> dict[str, list[Any]]:
    folder = tmp_path_factory.mktemp("at_once")
    write_object(folder / "archive", "all", deliveries)
    build(folder / "archive", folder / "lake")
    return tables_of(folder / "lake", read_table)


@pytest.mark.parametrize("seed", [1])
def test_any_order_in_any_pieces(tmp_path, build, deliveries, at_once, read_table, seed):
    random = Random(seed)
    shuffled = deliveries + random.sample(deliveries, 60)
    random.shuffle(shuffled)
    cuts = sorted(random.sample(range(len(shuffled)), 2))
    archive, lake = tmp_path / "archive", tmp_path / "lake"
    for number, (start, end) in enumerate(zip([0, *cuts], [*cuts, None], strict=True)):
        write_object(archive, f"object-{number}", shuffled[start:end])
        build(archive, lake)

    found = tables_of(lake, read_table)

    assert at_once.keys() == found.keys()
    for table, rows in at_once.items():
        assert rows == found[table], table


@pytest.fixture
def in_order(tmp_path) -> tuple[list[bytes], list[bytes]]:
    """The records of a small ledger, each once and in the journal's order, cut in two."""
    options = SimulateOptions(
        out=tmp_path / "source",
        revisions=400,
        tables=("Person",),
        redactions=0,
        duplicates=0,
        disorder=0,
    )
    simulate(options)
    (source,) = (path for path in options.out.rglob("*") if path.is_file())
    records = split_records(source.read_bytes())
    cut = len(records) * 3 // 4
    return records[:cut], records[cut:]


def test_in_order_only_live_rows_are_written_again(tmp_path, build, in_order):
    archive, lake = tmp_path / "archive", tmp_path / "lake"
    write_object(archive, "first", in_order[0])
    build(archive, lake)
    closed = read_files(lake / "revisions", "is_open=false")
    write_object(archive, "second", in_order[1])

    summary = build(archive, lake)

    assert summary["counts"]["revisions"] == 400
    assert closed
    assert closed <= read_files(lake / "revisions", "is_open=false")


def test_in_order_closed_revisions_are_not_read(tmp_path, spark, command, build, in_order):
    archive, lake = tmp_path / "archive", tmp_path / "lake"
    write_object(archive, "first", in_order[0])
    build(archive, lake)
    write_object(archive, "second", in_order[1])
    assert command("ingest", "--archive", archive, "--lake", lake)["exit_code"] == 0
    opened = Lake.at(spark, str(lake))
    rebuild_blocks(opened, 1, 2)
    closed = lake / "revisions" / "is_open=false"
    closed.rename(tmp_path / "elsewhere")

    with stage_settings(spark):
        RevisionsStage(opened, 1, 2).run()

    written = read_files(lake / "revisions", "is_open=false")
    assert any(Path(uri.removeprefix("file://")).exists() for uri in written)


def test_in_order_blocks_of_closed_revisions_are_not_judged_again(
    tmp_path, command, build, in_order
):
    archive, lake = tmp_path / "archive", tmp_path / "lake"
    write_object(archive, "first", in_order[0])
    build(archive, lake)
    command("verify", "--lake", lake)
    write_object(archive, "second", in_order[1])
    build(archive, lake)

    summary = command("verify", "--lake", lake)

    decoder = RecordDecoder(DEFAULT_LIMITS)
    numbers = {decoder.decode(record).sequence_no for record in in_order[1]} - {None}
    assert summary["scope"]["recomputed"]["blocks"] == len(numbers)


def read_files(table: Path, partition: str) -> set[str]:
    return {uri for uri in DeltaTable(str(table)).file_uris() if partition in uri}
