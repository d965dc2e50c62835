from __future__ import annotations

import json
from collections import Counter, defaultdict
from itertools import pairwise

from amazon.ion import simpleion

from qldb_replay import ion


def test_revisions_have_the_contracts_columns_in_ledger_order(ledger):
    rows = ledger.truth.revisions()
    assert set(rows[0]) - {"data"} == {
        *("strand_id", "sequence_no", "revision_index", "table_id", "table_name"),
        *("document_id", "version", "tx_id", "tx_time", "hash", "operation", "is_redacted"),
        *("data_json", "data_ion", "valid_from", "valid_to", "is_current", "deliveries"),
    }
    places = [(row["sequence_no"], row["revision_index"]) for row in rows]
    assert places == sorted(set(places))
    assert len(rows) == 1_500


def test_a_revision_is_valid_until_the_next_one(ledger):
    by_document = defaultdict(list)
    for row in ledger.truth.revisions():
        by_document[row["document_id"]].append(row)
    for rows in by_document.values():
        for row, successor in pairwise(rows):
            assert row["valid_to"] == successor["valid_from"] == successor["tx_time"]
            assert not row["is_current"]
        assert rows[-1]["valid_to"] is None
        assert rows[-1]["is_current"] == (rows[-1]["operation"] != "DELETE")
        assert rows[0]["operation"] == "INSERT"
        assert {row["operation"] for row in rows[1:-1]} <= {"UPDATE"}


def test_exact_data_decodes_to_the_json(ledger):
    seen = Counter()
    for row in ledger.truth.revisions():
        seen[row["operation"], row["is_redacted"]] += 1
        if row["operation"] == "DELETE" or row["is_redacted"]:
            assert row["data_json"] is row["data_ion"] is row["data"] is None
            continue
        assert ion.to_json(row["data_ion"]) == row["data_json"]
        json.loads(row["data_json"])
    assert seen["UPDATE", True] + seen["INSERT", True] == 3
    assert seen["DELETE", False] > 5


def test_deliveries_count_what_was_written(ledger):
    counted = Counter(row["key"] for row in ledger.truth.records())
    rows = ledger.truth.revisions()
    assert all(row["deliveries"] == counted[row["document_id"], row["version"]] for row in rows)
    assert sum(row["deliveries"] for row in rows) > len(rows)


def test_blocks_say_what_their_records_say(ledger):
    for row in ledger.truth.blocks():
        payload = simpleion.loads(row["ion"])["payload"]
        assert payload["blockAddress"]["sequenceNo"] == row["sequence_no"]
        assert payload["blockTimestamp"] == row["block_timestamp"]
        assert payload["transactionId"] == row["tx_id"]
        info = payload["transactionInfo"]
        statements = [str(statement["statement"]) for statement in info["statements"]]
        assert statements == [statement["statement"] for statement in row["statements"]]
        assert [s["startTime"] for s in info["statements"]] == [
            statement["start_time"] for statement in row["statements"]
        ]
        documents = [
            {
                "document_id": document_id,
                "table_id": entry["tableId"],
                "table_name": entry["tableName"],
                "statements": list(entry["statements"]),
            }
            for document_id, entry in info.get("documents", {}).items()
        ]
        assert documents == (row["documents"] or [])
        summaries = [
            {"hash": bytes(entry["hash"]), "document_id": entry.get("documentId")}
            for entry in payload.get("revisionSummaries", [])
        ]
        assert summaries == (row["revision_summaries"] or [])
        assert ("redactionInfo" in payload) == (row["redactions"] is not None)


def test_times_follow_the_order_of_a_transaction(ledger):
    times = {row["sequence_no"]: row["tx_time"] for row in ledger.truth.revisions()}
    for row in ledger.truth.blocks():
        started = [statement["start_time"] for statement in row["statements"]]
        assert started == sorted(started)
        committed = times.get(row["sequence_no"])
        if committed is not None:
            assert started[-1] < committed < row["block_timestamp"]
            assert (row["block_timestamp"] - committed).microseconds in range(18_000, 22_000)


def test_tables_tell_their_lives(ledger):
    lives = [
        (row["table_name"], row["status"], [event["event"] for event in row["lifecycle"]])
        for row in ledger.truth.tables()
    ]
    assert lives == [
        ("VehicleRegistration", "ACTIVE", ["created"]),
        ("Person", "ACTIVE", ["created"]),
        ("Orders", "ACTIVE", ["created"]),
        ("Drafts", "INACTIVE", ["created", "dropped"]),
        ("Legacy", "ACTIVE", ["created", "dropped", "undropped"]),
        ("Everything", "ACTIVE", ["created"]),
        ("Drafts", "ACTIVE", ["created"]),
    ]
    assert [row["indexes"] for row in ledger.truth.tables()][:2] == [
        ["VIN", "LicensePlateNumber"],
        ["GovId"],
    ]
    with_documents = {row["table_id"] for row in ledger.truth.revisions()}
    assert with_documents == {row["table_id"] for row in ledger.truth.tables()}


def test_history_has_all_incarnations_and_current_the_active_one(ledger):
    history, current = ledger.truth.history("Drafts"), ledger.truth.current("Drafts")
    assert len({row["table_id"] for row in history}) == 2
    assert len({row["table_id"] for row in current}) == 1
    assert all(row["is_current"] for row in current)
    dropped = {row["table_id"] for row in history} - {row["table_id"] for row in current}
    assert any(row["is_current"] for row in history if row["table_id"] in dropped)


def test_a_hot_document_has_a_long_history(make_archive):
    simulated = make_archive(500, tables=("Orders",), hot_share=0.5)
    versions = Counter(row["document_id"] for row in simulated.truth.revisions())
    assert versions.most_common(1)[0][1] > 50
