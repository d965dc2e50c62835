from __future__ import annotations

import json
from base64 import b64decode
from collections import Counter
from hashlib import sha256
from random import Random

import pytest
from amazon.ion import simpleion

from qldb_replay import journal
from qldb_replay.simulate import SimulateOptions
from qldb_replay.simulate.encode import ion_hash
from qldb_replay.simulate.ledger import Ledger
from qldb_replay.simulate.merkle import Digest, dot, root, siblings
from qldb_replay.simulate.transaction import unique_id


@pytest.fixture(scope="module")
def blocks(ledger):
    return list(Ledger(ledger.options))


def payload(record):
    return simpleion.loads(record)["payload"]


def test_blocks_are_chained_from_an_empty_hash(blocks):
    previous = b""
    for number, block in enumerate(blocks):
        assert block.sequence_no == number
        assert block.previous_block_hash == previous
        assert block.block_hash == journal.dot(block.entries_hash, previous)
        previous = block.block_hash


def test_each_block_passes_the_reading_sides_formulas(blocks):
    for block in blocks:
        assert journal.merkle_root(block.entries) == block.entries_hash
        if block.summaries:
            hashes = [summary for summary, _ in block.summaries]
            assert journal.merkle_root(hashes) == block.entries[1]


def test_each_revision_hash_joins_metadata_and_data(blocks):
    for block in blocks:
        for revision in block.revisions:
            change = revision.change
            metadata = {
                "id": change.document_id,
                "version": change.version,
                "txTime": revision.time,
                "txId": revision.transaction_id,
            }
            data_hash = b"" if change.data is None else ion_hash(change.data)
            assert revision.hash == journal.dot(ion_hash(metadata), data_hash)
            listed = block.summaries[revision.revision_index]
            assert listed == (revision.hash, change.document_id)


def test_a_statement_digest_is_the_fold_of_text_and_parameters(blocks):
    for block in blocks[:200]:
        for statement, _, digest in block.statements:
            expected = ion_hash(statement.text)
            for parameter in statement.parameters:
                expected = journal.dot(expected, ion_hash(parameter))
            assert digest == expected


def test_block_records_pass_the_reading_sides_checks(blocks):
    for block in blocks[:100] + [b for b in blocks if b.transaction.redaction is not None]:
        checks = journal.check_block(simpleion.dumps(payload(block.record), binary=True))
        assert checks.entries_hash_matches
        assert checks.block_hash_matches
        assert checks.transaction_info_listed
        assert checks.revisions_root_listed == (True if block.summaries else None)
        requested = block.transaction.redaction is not None
        assert checks.redaction_info_listed == (True if requested else None)


def test_revision_records_pass_the_reading_sides_checks(ledger):
    records = [row for row in ledger.truth.records() if row["record_type"] == "REVISION_DETAILS"]
    for row in records[:300]:
        revision = simpleion.dumps(payload(row["ion"])["revision"], binary=True)
        assert journal.revision_hash(revision) == row["hash"]


def test_blocks_without_transaction_info_still_hash(make_archive):
    simulated = make_archive(200, untold_share=0.5)
    rows = simulated.truth.blocks()
    untold = [row for row in rows if row["statements"] is None]
    assert 0.3 < len(untold) / len(rows) < 0.7
    for row in rows:
        fields = payload(row["ion"])
        assert ("transactionInfo" in fields) == (row["statements"] is not None)
        assert journal.merkle_root(row["entries_hash_list"]) == row["entries_hash"]
        if row["statements"] is None:
            assert row["documents"] is None


def test_amazon_ion_finds_the_documented_fields_in_their_order(blocks):
    block = next(b for b in blocks if len(b.revisions) > 1)
    record = simpleion.loads(block.record)
    assert list(record) == ["qldbStreamArn", "recordType", "payload"]
    assert list(record["payload"]) == [
        "blockAddress",
        "transactionId",
        "blockTimestamp",
        "blockHash",
        "entriesHash",
        "previousBlockHash",
        "entriesHashList",
        "transactionInfo",
        "revisionSummaries",
    ]
    revision = simpleion.loads(block.revisions[0].record)["payload"]
    assert list(revision) == ["tableInfo", "revision"]
    assert list(revision["tableInfo"]) == ["tableName", "tableId"]
    assert list(revision["revision"]) == ["blockAddress", "hash", "data", "metadata"]
    assert list(revision["revision"]["metadata"]) == ["id", "version", "txTime", "txId"]


def test_amazon_ion_reads_every_record(ledger):
    kinds = Counter(
        str(simpleion.loads(row["ion"])["recordType"]) for row in ledger.truth.records()
    )
    assert kinds["CONTROL"] == 2
    assert kinds["REVISION_DETAILS"] >= 1_500
    assert set(kinds) == {"CONTROL", "BLOCK_SUMMARY", "REVISION_DETAILS"}


def test_a_deletion_has_neither_data_nor_data_hash(blocks):
    deletions = [r for block in blocks for r in block.revisions if r.change.data is None]
    assert deletions
    for revision in deletions:
        assert list(payload(revision.record)["revision"]) == ["blockAddress", "hash", "metadata"]


def test_blocks_of_every_sort_occur(blocks):
    assert any(not b.summaries and b.transaction.redaction is None for b in blocks)
    assert any(b.summaries and not b.revisions for b in blocks), "definitions"
    mixed = [b for b in blocks if b.revisions and len(b.summaries) > len(b.revisions)]
    assert {b.summaries[0][1] is None for b in mixed} == {True, False}, "before and behind"
    assert sum(b.transaction.redaction is not None for b in blocks) == 3
    sizes = [len(b.revisions) for b in blocks]
    assert 10 < max(sizes) <= 40
    assert max(len({c.table.table_id for c in b.transaction.changes}) for b in blocks) == 2
    assert any(
        len(set(change.statements)) < len(change.statements)
        for b in blocks
        for change in b.transaction.changes
    ), "a statement that sets two paths is listed twice"


@pytest.fixture(scope="module", params=["usual", "one document rewritten and others deleted"])
def revised(request, blocks, tmp_path_factory):
    if request.param == "usual":
        return blocks
    options = SimulateOptions(
        tmp_path_factory.mktemp("unused"),
        1_500,
        tables=("Orders",),
        hot_share=0.5,
        delete_share=0.2,
        live_documents=3,
    )
    return list(Ledger(options))


def test_versions_are_gapless_and_end_with_a_deletion(revised):
    last: dict[str, int] = {}
    deleted = set()
    for block in revised:
        ids = [change.document_id for change in block.transaction.changes]
        assert len(ids) == len(set(ids)), "a transaction revises a document once"
        for change in block.transaction.changes:
            assert change.document_id not in deleted
            assert change.version == last.get(change.document_id, -1) + 1
            last[change.document_id] = change.version
            if change.data is None:
                deleted.add(change.document_id)
    assert deleted
    assert sum(len(block.revisions) for block in revised) == 1_500


def test_dropped_tables_are_not_written_to(blocks):
    inactive = set()
    for block in blocks:
        for event, table, _ in block.transaction.defined:
            if event == "dropped":
                inactive.add(table.table_id)
            if event == "undropped":
                inactive.remove(table.table_id)
        for change in block.transaction.changes:
            assert change.table.table_id not in inactive


def test_only_superseded_revisions_are_redacted(blocks):
    places = {
        (r.change.document_id, r.change.version): r.sequence_no
        for block in blocks
        for r in block.revisions
    }
    for block in blocks:
        request = block.transaction.redaction
        if request is not None:
            place = places[request.document_id, request.version]
            assert place == request.sequence_no
            assert places[request.document_id, request.version + 1] < block.sequence_no


def test_no_document_is_redacted_twice(tmp_path):
    options = SimulateOptions(
        tmp_path, 400, tables=("Orders",), live_documents=2, redactions=100, hot_documents=0
    )
    requests = [b.transaction.redaction for b in Ledger(options)]
    ids = [request.document_id for request in requests if request is not None]
    assert len(ids) == len(set(ids)) > 20


def test_a_later_stream_shows_redacted_revisions_with_the_hash_of_their_data(ledger, blocks):
    redacted = {
        (b.transaction.redaction.document_id, b.transaction.redaction.version)
        for b in blocks
        if b.transaction.redaction is not None
    }
    later = list(Ledger(ledger.options, 1, frozenset(redacted)))
    assert [b.block_hash for b in later] == [b.block_hash for b in blocks]
    seen = 0
    for old, new in zip(blocks, later, strict=True):
        assert old.record != new.record, "each stream has an ARN of its own"
        for was, now in zip(old.revisions, new.revisions, strict=True):
            if (now.change.document_id, now.change.version) in redacted:
                seen += 1
                fields = payload(now.record)["revision"]
                assert list(fields) == ["blockAddress", "hash", "dataHash", "metadata"]
                assert bytes(fields["dataHash"]) == was.data_hash
                assert bytes(fields["hash"]) == was.hash
    assert seen == len(redacted) == 3


def test_the_saved_digest_is_the_root_over_all_blocks(ledger, blocks):
    saved = json.loads(ledger.options.out.with_name("archive.digest.json").read_text())
    assert b64decode(saved["Digest"]) == journal.merkle_root([b.block_hash for b in blocks])
    tip = simpleion.loads(saved["DigestTipAddress"]["IonText"])
    assert tip == {"strandId": ledger.truth.strand_id, "sequenceNo": len(blocks) - 1}


def test_saved_proofs_fold_from_the_revision_to_the_digest(ledger):
    digest = ledger.truth.digest
    saved = json.loads(ledger.options.out.with_name("archive.proofs.json").read_text())
    assert len(saved) == 5
    for entry in saved:
        revision = simpleion.loads(entry["Revision"]["IonText"])
        proof = [bytes(sibling) for sibling in simpleion.loads(entry["Proof"]["IonText"])]
        assert journal.check_proof(bytes(revision["hash"]), proof, digest)
        assert not journal.check_proof(sha256(b"other").digest(), proof, digest)
    numbers = [
        simpleion.loads(entry["Revision"]["IonText"])["blockAddress"]["sequenceNo"]
        for entry in saved
    ]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("count", range(1, 20))
def test_the_digest_and_its_paths_grow_to_the_tree_over_all_leaves(count):
    leaves = [sha256(bytes([number])).digest() for number in range(count)]
    for index in range(count):
        tree, path = Digest(), []
        for number, leaf in enumerate(leaves):
            tree.append(leaf, path if number == index else None)
        assert tree.close() == root(leaves) == journal.merkle_root(leaves)
        assert path == siblings(leaves, index)


def test_no_blocks_have_an_empty_digest():
    assert Digest().close() == root([]) == b""


def test_dot_sorts_signed_bytes_from_the_last_one():
    low, high = bytes(31) + b"\x80", bytes(31) + b"\x7f"
    assert dot(low, high) == dot(high, low) == sha256(low + high).digest()
    assert dot(b"", low) == dot(low, b"") == low


def test_identifiers_are_22_characters_and_all_different(blocks):
    rng = Random(3)
    ids = {unique_id(rng) for _ in range(100)}
    assert len(ids) == 100
    assert {len(identifier) for identifier in ids} == {22}
    assert len({b.transaction.transaction_id for b in blocks}) == len(blocks)


def test_memory_is_bounded_by_windows(tmp_path):
    """However long the ledger, a table holds so many documents and the chain one hash."""
    options = SimulateOptions(tmp_path, 3_000, live_documents=20)
    run = Ledger(options)
    for _ in run:
        tables = run._story._tables.values()
        assert all(len(table.live) <= 20 for table in tables)
        assert sum(len(table.hot) for table in tables) <= 1
    assert len(run._writer._tables) < 200
