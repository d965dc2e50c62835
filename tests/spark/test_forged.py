"""Copies that somebody made up, beside the true ones or before them."""

from __future__ import annotations

import pytest

from qldb_replay.codec.decode import RecordDecoder
from qldb_replay.ion import split_records
from qldb_replay.journal import dot
from qldb_replay.journal.written import revision_record
from qldb_replay.simulate import SimulateOptions, simulate


@pytest.fixture
def records(tmp_path):
    """Records of a small ledger, each decoded."""
    simulate(SimulateOptions(tmp_path / "made", 60, tables=("Person",), duplicates=0, seed=3))
    objects = sorted(path for path in (tmp_path / "made").rglob("*") if path.is_file())
    raw = [record for path in objects for record in split_records(path.read_bytes())]
    return [(each, RecordDecoder().decode(each)) for each in raw]


def test_a_forged_redaction_takes_no_data_before_its_block_tells(
    records, build, tmp_path, read_table
):
    newest = {each.document_id: each.version for _, each in records if each.revision is not None}
    _, victim = next(
        (raw, each)
        for raw, each in records
        if each.revision is not None
        and each.revision.kind == "data"
        and each.version < newest[each.document_id]
    )
    own, invented = victim.revision, b"\x11" * 32
    forged = revision_record(
        own.table_id,
        own.table_name,
        victim.strand_id,
        victim.sequence_no,
        dot(own.metadata_hash, invented),
        own.metadata_ion,
        None,
        invented,
    )
    late = [
        raw
        for raw, each in records
        if each.block is not None and each.sequence_no == victim.sequence_no
    ]
    archive, lake = tmp_path / "archive", tmp_path / "lake"
    archive.mkdir()
    (archive / "1").write_bytes(b"".join([r for r, _ in records if r not in late] + [forged]))

    def row() -> dict:
        (found,) = [
            row
            for row in read_table(lake, "revisions")
            if (row["document_id"], row["version"]) == (victim.document_id, victim.version)
        ]
        return found

    build(archive, lake)
    assert (row()["is_redacted"], row()["data_json"]) == (True, None)
    (archive / "2").write_bytes(b"".join(late))
    build(archive, lake)
    assert (row()["is_redacted"], row()["data_json"]) == (False, own.data_json)


def test_a_block_without_its_content_displaces_no_whole_one(build, tmp_path, read_table):
    options = {"revisions": 60, "tables": ("Person",), "seed": 3}
    archive = tmp_path / "archive"
    simulate(SimulateOptions(archive / "whole", **options))
    simulate(SimulateOptions(archive / "hollow", damage=("hollow-block",), **options))

    counts = build(archive, tmp_path / "lake")["counts"]

    assert all(row["statements"] is not None for row in read_table(tmp_path / "lake", "blocks"))
    assert counts["revisions"] == 60
