"""The simulator's values against what the reading side decodes from the simulator's bytes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from qldb_replay.codec.decode import RecordDecoder

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def when(microseconds):
    return EPOCH + timedelta(microseconds=microseconds)


@pytest.fixture(scope="module")
def decoded(make_archive):
    """Every delivered record of a two-stream ledger: its row of the truth, and its columns."""
    simulated = make_archive(800, streams=2, untold_share=0.1, redactions=10)
    decoder = RecordDecoder()
    rows = [(row, decoder.decode(row["ion"])) for row in simulated.truth.records()]
    return simulated.truth, rows


def test_every_hash_recomputes(decoded):
    _, rows = decoded
    for row, columns in rows:
        assert columns.record_type == row["record_type"]
        assert columns.hash == row["hash"]
        if columns.revision is not None:
            assert columns.revision.hash_matches
            assert columns.revision.delete_rule is None
        if columns.block is not None:
            assert columns.block.entries_hash_matches
            assert columns.block.block_hash_matches
            assert columns.block.revisions_root_listed is not False
            assert columns.block.transaction_info_listed is not False
            assert columns.block.redaction_info_listed is not False


def test_blocks_decode_to_the_truth(decoded):
    truth, rows = decoded
    blocks = {row["sequence_no"]: row for row in truth.blocks()}
    for _, columns in rows:
        if columns.block is None:
            continue
        expected, found = blocks[columns.sequence_no], columns.block
        assert columns.strand_id == expected["strand_id"]
        for name in ("entries_hash", "previous_block_hash", "entries_hash_list", "tx_id"):
            assert getattr(found, name) == expected[name]
        assert when(found.block_timestamp) == expected["block_timestamp"]
        for name, keys in (
            ("documents", ("document_id", "table_id", "table_name", "statements")),
            ("revision_summaries", ("hash", "document_id")),
            ("redactions", ("strand_id", "sequence_no", "table_id", "document_id", "version")),
        ):
            assert getattr(found, name) == tuples(expected[name], keys)
        statements = found.statements and [
            (text, when(started), digest) for text, started, digest in found.statements
        ]
        keys = ("statement", "start_time", "statement_digest")
        assert statements == tuples(expected["statements"], keys)


def tuples(rows, keys):
    return None if rows is None else [tuple(row[key] for key in keys) for row in rows]


def test_revisions_decode_to_the_truth(decoded):
    truth, rows = decoded
    revisions = {(row["document_id"], row["version"]): row for row in truth.revisions()}
    kinds = set()
    for row, columns in rows:
        if columns.revision is None:
            continue
        expected, found = revisions[columns.document_id, columns.version], columns.revision
        kinds.add(found.kind)
        for name in ("table_id", "table_name", "tx_id"):
            assert getattr(found, name) == expected[name]
        assert columns.sequence_no == expected["sequence_no"]
        assert when(found.tx_time) == expected["tx_time"]
        assert (found.kind == "delete") == (expected["operation"] == "DELETE")
        if not expected["is_redacted"]:
            assert found.data_json == expected["data_json"]
        if found.kind == "data" and not expected["is_redacted"]:
            data = row["ion"][found.data_offset :][: found.data_length]
            assert row["ion"][: found.symbols_length] + data == expected["data_ion"]
    assert kinds == {"data", "delete", "redacted"}
