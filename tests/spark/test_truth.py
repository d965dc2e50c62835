"""Every table of a rebuilt lake against what the simulator knows to be true."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from qldb_replay.errors import UsageError
from qldb_replay.lake import as_of, timeline
from qldb_replay.simulate import SimulateOptions, Truth, simulate

ARCHIVES = {
    "plain": {},
    "gzip, two streams": {"compression": "gzip", "streams": 2, "delimiter": "lf"},
    "errors and aggregates": {"error_share": 0.05, "kpl": True, "duplicates": 0.1},
}


@pytest.fixture(scope="module", params=ARCHIVES, ids=list(ARCHIVES))
def rebuilt(request, tmp_path_factory, build):
    folder = tmp_path_factory.mktemp("truth")
    truth = Truth()
    options = SimulateOptions(
        out=folder / "archive",
        revisions=1_500,
        object_bytes=300_000,
        redactions=4,
        **ARCHIVES[request.param],
    )
    simulate(options, truth)
    build(options.out, folder / "lake")
    return folder / "lake", truth


def columns(rows: list[dict[str, Any]], names: list[str], keys: list[str]) -> list[dict[str, Any]]:
    picked = [{name: row[name] for name in names} for row in rows]
    return sorted(picked, key=lambda row: tuple(str(row[key]).zfill(12) for key in keys))


def test_blocks_are_the_ledgers(rebuilt, read_table):
    lake, truth = rebuilt
    names = list(truth.blocks()[0])

    expected = columns(truth.blocks(), names, ["sequence_no"])
    assert expected == columns(read_table(lake, "blocks"), names, ["sequence_no"])


def test_revisions_are_the_ledgers(rebuilt, read_table):
    lake, truth = rebuilt
    names = [name for name in truth.revisions()[0] if name != "data"]
    keys = ["document_id", "version"]

    expected = columns(truth.revisions(), names, keys)
    assert expected == columns(read_table(lake, "revisions"), names, keys)


def test_tables_are_the_ledgers(rebuilt, read_table):
    lake, truth = rebuilt
    names = ["table_id", "table_name", "status", "indexes", "lifecycle"]

    expected = columns(truth.tables(), names, ["table_id"])
    assert expected == columns(read_table(lake, "tables"), names, ["table_id"])


def test_every_delivered_record_is_kept(rebuilt, read_table):
    lake, truth = rebuilt
    found = read_table(lake, "records")
    redacted = {
        (row["document_id"], row["version"]) for row in truth.revisions() if row["is_redacted"]
    }

    assert len(truth.records()) == len(found)
    kept = sorted(row["ion"] for row in truth.records() if row["key"] not in redacted)
    others = [row for row in found if (row["document_id"], row["version"]) not in redacted]
    assert kept == sorted(row["ion"] for row in others)
    still_there = [row for row in found if row["ion"] is not None and row not in others]
    assert {"redacted"} >= {row["revision"]["kind"] for row in still_there}


def test_history_and_current_have_each_table(rebuilt, read_table):
    lake, truth = rebuilt
    names = ["document_id", "version", "operation", "is_redacted", "tx_id", "sequence_no"]
    names += ["strand_id", "table_id", "tx_time", "valid_from", "valid_to", "is_current"]
    live = ["strand_id", "table_id", "document_id", "version", "tx_id", "tx_time", "sequence_no"]
    keys = ["document_id", "version"]
    for table in {row["table_name"] for row in truth.revisions()}:
        expected = columns(truth.history(table), names, keys)
        assert expected == columns(read_table(lake, f"history/{table}"), names, keys)
        expected = columns(truth.current(table), live, keys)
        assert expected == columns(read_table(lake, f"current/{table}"), live, keys)


def test_typed_data_says_what_the_json_says(rebuilt, read_table):
    lake, truth = rebuilt
    for table in ("Person", "Orders", "VehicleRegistration"):
        typed = {
            (row["document_id"], row["version"]): row["data"]
            for row in read_table(lake, f"history/{table}")
        }
        for row in truth.history(table):
            found = typed[row["document_id"], row["version"]]
            if row["data_json"] is None:
                assert found is None
            else:
                assert_says(json.loads(row["data_json"], parse_float=Decimal), found)


def assert_says(expected: Any, found: Any) -> None:
    """Compares a JSON value with a typed one; absent and null fields are the same."""
    if isinstance(expected, dict):
        assert {name for name, value in expected.items() if filled(value)} == {
            name for name, value in found.items() if filled(value)
        }
        for name, value in expected.items():
            assert_says(value, found.get(name))
    elif isinstance(expected, list):
        for one, other in zip(expected, found or [], strict=True):
            assert_says(one, other)
    elif isinstance(expected, str) and not isinstance(found, str):
        assert expected[:19] == found.strftime("%Y-%m-%dT%H:%M:%S")
    elif isinstance(found, float):
        assert float(expected) == found
    else:
        assert expected == found


def filled(value: Any) -> bool:
    return value is not None and value != {} and value != []


@pytest.mark.parametrize("cut", ["before a drop", "after it", "at the end"])
def test_documents_are_as_they_were(rebuilt, spark, cut):
    lake, truth = rebuilt
    at = moment(truth, cut)
    for table in ("Drafts", "Legacy", "Orders"):
        places = documents(as_of(spark, str(lake), table, at))
        assert lived(truth, table, at) == places
        tx_time = max(row["tx_time"] for row in truth.revisions() if row["sequence_no"] <= at)
        cut_by_time = max(
            row["sequence_no"] for row in truth.revisions() if row["tx_time"] <= tx_time
        )
        times = documents(as_of(spark, str(lake), table, tx_time + timedelta(milliseconds=1)))
        assert lived(truth, table, cut_by_time) == times


def moment(truth: Truth, cut: str) -> int:
    """A block's number around the drop of a table that is created anew later."""
    if cut == "at the end":
        return truth.last_sequence_no
    (dropped,) = (
        event["sequence_no"]
        for row in truth.tables()
        if row["table_name"] == "Drafts"
        for event in row["lifecycle"]
        if event["event"] == "dropped"
    )
    return dropped - 1 if cut == "before a drop" else dropped


def documents(rows: Any) -> dict[str, int]:
    return {row["document_id"]: row["version"] for row in rows.collect()}


def lived(truth: Truth, table: str, at: int) -> dict[str, int]:
    """Documents and versions that a table had after a block, told from the values."""
    there = {}
    for row in truth.tables():
        past = [event["event"] for event in row["lifecycle"] if event["sequence_no"] <= at]
        there[row["table_id"]] = past[-1:] != ["dropped"]
    last = {row["document_id"]: row for row in truth.history(table) if row["sequence_no"] <= at}
    return {
        document_id: row["version"]
        for document_id, row in last.items()
        if row["operation"] != "DELETE" and there[row["table_id"]]
    }


def test_a_time_without_a_zone_is_no_moment(rebuilt, spark):
    lake, _ = rebuilt
    with pytest.raises(UsageError, match="zone"):
        as_of(spark, str(lake), "Orders", datetime(2024, 1, 1))
    with pytest.raises(UsageError, match="Nowhere"):
        as_of(spark, str(lake), "Nowhere", 1)


def test_a_timeline_tells_a_documents_life(rebuilt, spark):
    lake, truth = rebuilt
    blocks = {row["sequence_no"]: row for row in truth.blocks()}
    longest = max(truth.revisions(), key=lambda row: row["version"])["document_id"]
    expected = [row for row in truth.revisions() if row["document_id"] == longest]

    found = [row.asDict() for row in timeline(spark, str(lake), longest).collect()]

    names = ["sequence_no", "version", "operation", "table_name", "tx_id", "hash", "data_json"]
    assert columns(expected, names, ["version"]) == [
        {name: row[name] for name in names} for row in found
    ]
    for row in found:
        block = blocks[row["sequence_no"]]
        (indexes,) = (
            document["statements"]
            for document in block["documents"]
            if document["document_id"] == longest
        )
        texts = [block["statements"][index]["statement"] for index in indexes]
        assert texts == row["statements"]


def test_a_second_run_changes_nothing(rebuilt, build):
    lake, _ = rebuilt
    tables = [log.parent for log in lake.rglob("_delta_log") if log.parent.name != "runs"]
    before = {table: len(list((table / "_delta_log").glob("*.json"))) for table in tables}

    build(Path(lake).with_name("archive"), lake)

    assert before == {table: len(list((table / "_delta_log").glob("*.json"))) for table in tables}
