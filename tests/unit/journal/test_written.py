"""Revisions written out from their parts say exactly what the delivered record said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qldb_replay.codec.decode import RecordDecoder
from qldb_replay.ion import ion_hash, split_records
from qldb_replay.journal.written import revision_record
from qldb_replay.simulate import SimulateOptions, simulate

PARTS = ("strand_id", "sequence_no", "document_id", "version", "hash")
SAME = (
    "table_id",
    "table_name",
    "tx_id",
    "tx_time",
    "kind",
    "metadata_hash",
    "data_hash",
    "hash_matches",
    "data_json",
    "sketch",
    "metadata_ion",
)


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> list[tuple[bytes, object]]:
    """Revision records of a ledger with every Ion type, and what they decode to."""
    out = tmp_path_factory.mktemp("ledger") / "archive"
    simulate(SimulateOptions(out=out, revisions=600, redactions=6, seed=3))
    decoder = RecordDecoder()
    found = []
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        for record in split_records(path.read_bytes()):
            decoded = decoder.decode(record)
            if decoded.revision is not None:
                found.append((record, decoded))
    return found


def data_of(record: bytes, revision) -> bytes | None:
    if revision.data_offset is None:
        return None
    end = revision.data_offset + revision.data_length
    return record[: revision.symbols_length] + record[revision.data_offset : end]


def written(record: bytes, decoded) -> bytes:
    revision = decoded.revision
    return revision_record(
        revision.table_id,
        revision.table_name,
        decoded.strand_id,
        decoded.sequence_no,
        decoded.hash,
        revision.metadata_ion,
        data_of(record, revision),
        revision.data_hash,
    )


def test_a_record_made_of_its_parts_decodes_to_the_same(records) -> None:
    decoder = RecordDecoder()
    assert {decoded.revision.kind for _, decoded in records} == {"data", "delete"}
    for record, decoded in records:
        again = written(record, decoded)
        found = decoder.decode(again)
        assert [getattr(found, name) for name in PARTS] == [
            getattr(decoded, name) for name in PARTS
        ]
        assert [getattr(found.revision, name) for name in SAME] == [
            getattr(decoded.revision, name) for name in SAME
        ]
        assert data_of(again, found.revision) == data_of(record, decoded.revision)


def test_without_its_data_a_revision_is_a_redacted_one(records) -> None:
    decoder = RecordDecoder()
    for _, decoded in records:
        revision = decoded.revision
        if revision.kind == "delete":
            continue
        parts = (revision.table_id, revision.table_name, decoded.strand_id, decoded.sequence_no)
        hashes = (decoded.hash, revision.metadata_ion, None, revision.data_hash)
        found = decoder.decode(revision_record(*parts, *hashes)).revision
        assert (found.kind, found.hash_matches) == ("redacted", True)


def test_the_metadata_stands_alone_and_names_nothing_of_the_document(records) -> None:
    for _, decoded in records:
        revision = decoded.revision
        assert ion_hash(revision.metadata_ion) == revision.metadata_hash
        assert len(revision.metadata_ion) < 160


@given(value=st.binary(max_size=20))
def test_data_with_a_symbol_table_of_its_own_keeps_its_meaning(value: bytes) -> None:
    """Data that another program wrote has not the record's names in its table."""
    from amazon.ion import simpleion

    data = simpleion.dumps({"a field": value, "data": 1}, binary=True)
    metadata = simpleion.dumps({"id": "d", "version": 0, "txId": "t"}, binary=True)
    record = revision_record("t", "T", "s", 1, bytes(32), metadata, data, None)
    found = RecordDecoder().decode(record)
    assert found.revision is not None
    assert found.revision.data_hash == ion_hash(data)
    assert found.revision.metadata_hash == ion_hash(metadata)
