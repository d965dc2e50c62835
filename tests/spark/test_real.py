"""Records that real ledgers streamed, through the same command; published hashes come out.

They are not part of the project: set QLDB_REPLAY_REAL to the folder that holds them.
"""

from __future__ import annotations

import io
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from amazon.ion import simpleion
from amazon.ion.simple_types import IonPyDict

from captured import LACKING, REAL

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason=LACKING)

EVIDENCE, DMV, CLI = "0VwGeHD7Q9LL4HSC55gDSp", "HbD9IggL584EPHmfwjmVz0", "KmA3ZZca7vAIiJAK9S5Iwl"
BLOCKS = {
    (EVIDENCE, 14): (
        "/SYkO0ZnWANmgRUBOiZSrsKYUv0c8Eg7i5JEVsf+ZQw=",
        "HMUhiiko+avf3tdmTdfrm5ZH6qiJr8YtKyfpotUPdZs=",
        "vXpocqltDJWZvaMnfA7E5B+ytRYsx//WpHVR595NxCQ=",
    ),
    (DMV, 3): (
        "lu425dAWsmvzxuNHTbn4ID4mLo0bWKkjLP2Uel4wrPQ=",
        "RNGQGcOKCGLCo5S+hs1eboanNrocIzRiqzzq1s99G/Q=",
        "pV28aszpqJH9LOO9oMsACDmXfdzdEW7HYxzuQVIjSDU=",
    ),
    (CLI, 100): (
        "NoChM92yKRuJAb/jeLd1VnYn4DHiWIf071ACfic9uHc=",
        "l05LOsiKV14SDbuaYnH7uwXzUvqzIwUiRLXGbTyj/nY=",
        "7kewBXhpdbClcZKxhVmpoMHpUGOJtWQD0iY2LPfZkYA=",
    ),
}
REVISIONS = {
    ("attestations", "6WXz9wdajiY7K5u6YwGUN4", 0): "763K5BajJ4gHhiTvjE7wYcUGxnP5esE4WUXp4TLdVEY=",
    ("Person", "D35qd3e2prnJYmtKW6kok1", 0): "vJFOcsNRM14gsIBSEnwPhMVgRAWf/4EUW5gPYbtmDv0=",
    ("VehicleRegistration", "JUJgkIcNbhS2goq8RqLuZ4", 3): (
        "mHVex/yjHAWjFPpwhBuH2GKXmKJjK2FBa9faqoUVNtg="
    ),
}


def read_ion(name: str) -> Any:
    text = (REAL / name).read_text(encoding="utf-8")
    return simpleion.load_python(io.StringIO(text), single_value=True)


def binary(value: Any) -> bytes:
    out = io.BytesIO()
    simpleion.dump_python(value, out, binary=True)
    return out.getvalue()


def streamed(kind: str, payload: Any) -> bytes:
    arn = "arn:aws:qldb:us-east-1:123456789012:stream/ledger/0000000000000000000000"
    return binary({"qldbStreamArn": arn, "recordType": kind, "payload": payload})


def fetched_block_and_revision() -> bytes:
    """GetBlock's and GetRevision's answers, as the stream would have carried them."""
    block = IonPyDict.from_value(None, read_ion("aws-cli-seq100/block.ion"))
    revision = read_ion("aws-cli-seq100/revision.ion")
    summary = {"hash": revision["hash"], "documentId": revision["metadata"]["id"]}
    names = [name for name in block if name != "revisions"]
    payload = {name: block[name] for name in names} | {"revisionSummaries": [summary]}
    table = {"tableName": "VehicleRegistration", "tableId": "BFJKdXgzt9oF4wjMbuxy4G"}
    details = {"tableInfo": table, "revision": revision}
    return streamed("BLOCK_SUMMARY", payload) + streamed("REVISION_DETAILS", details)


@pytest.fixture(scope="module")
def lake(tmp_path_factory, build) -> Path:
    folder = tmp_path_factory.mktemp("real")
    archive = folder / "archive"
    archive.mkdir()
    evidence = REAL / "evidence-store-seq14"
    (archive / "aggregate").write_bytes((evidence / "seq14.kpl").read_bytes())
    bare = [path.read_bytes() for path in sorted(evidence.glob("*.10n"))]
    (archive / "concatenated").write_bytes(b"".join(bare))
    dmv = "streams-dmv-lambda-python-seq3"
    (archive / "dmv").write_bytes(
        binary(read_ion(f"{dmv}/block-summary.ion"))
        + binary(read_ion(f"{dmv}/revision-details.as-published.ion"))
        + binary(read_ion(f"{dmv}/revision-details.restored.ion"))
    )
    (archive / "cli").write_bytes(fetched_block_and_revision())
    build(archive, folder / "lake")
    return folder / "lake"


def test_published_block_hashes_come_out_and_recompute(lake: Path, read_table) -> None:
    found = {}
    for row in read_table(lake, "blocks"):
        assert row["entries_hash_matches"]
        assert row["block_hash_matches"]
        assert row["revisions_root_listed"]
        assert row["transaction_info_listed"]
        found[row["strand_id"], row["sequence_no"]] = (
            row["block_hash"],
            row["entries_hash"],
            row["previous_block_hash"],
        )

    assert found == {key: tuple(map(b64decode, hashes)) for key, hashes in BLOCKS.items()}


def test_published_revision_hashes_come_out(lake: Path, read_table) -> None:
    rows = read_table(lake, "revisions")

    assert {
        (row["table_name"], row["document_id"], row["version"]): row["hash"] for row in rows
    } == {key: b64decode(text) for key, text in REVISIONS.items()}
    assert all(row["revision_index"] == 0 for row in rows)


def test_only_the_edited_copy_does_not_recompute(lake: Path, read_table) -> None:
    rows = [row for row in read_table(lake, "records") if row["revision"] is not None]
    wrong = [row for row in rows if not row["revision"]["hash_matches"]]

    assert len(rows) == 5
    assert ["Nova" in row["revision"]["data_json"] for row in wrong] == [True]


def test_the_copy_that_recomputes_is_the_one_that_counts(lake: Path, read_table) -> None:
    (person,) = read_table(lake, "history/Person")
    (revision,) = [r for r in read_table(lake, "revisions") if r["table_name"] == "Person"]

    assert person["data"]["FirstName"] == "Testing new 600"
    assert (revision["deliveries"], revision["contested"]) == (2, True)


def test_the_same_records_aggregated_and_bare_are_the_same_revision(lake, read_table) -> None:
    (row,) = read_table(lake, "current/attestations")
    (revision,) = [r for r in read_table(lake, "revisions") if r["strand_id"] == EVIDENCE]

    assert row["data"]["targetId"] == "some-target-123"
    assert (revision["deliveries"], revision["contested"]) == (2, False)


def test_types_of_real_documents(lake: Path, read_table) -> None:
    (row,) = read_table(lake, "current/VehicleRegistration")

    assert str(row["data"]["PendingPenaltyTicketAmount"]) == "90.250000000000000000"
    assert row["data"]["ValidFromDate"] == "2017-08-21"
    assert row["data"]["Owners"]["SecondaryOwners"] == [{"PersonId": "CMVdR77XP8zAglmmFDGTvt"}]


def test_what_three_blocks_of_three_ledgers_still_prove(lake, quiet_command, read_table) -> None:
    saved = REAL / "aws-cli-seq100"
    given = [f"--proof={saved / name}" for name in ("get-revision.json", "get-block.json")]

    judged = quiet_command(
        "verify", "--lake", lake, f"--digest={saved / 'get-digest.json'}", *given
    )

    assert (judged["exit_code"], judged["verdict"]) == (1, "fail")
    # The edited copy contradicts; around single blocks of real ledgers everything is missing.
    edited = {"revision-hash-mismatch": 1, "revision-conflict": 1}
    missing = {"head-missing": 3, "tail-missing": 1, "version-missing": 1}
    warned = {"table-unknown", "block-unexplained"}
    found = {code: n for code, n in judged["findings"].items() if code not in warned}
    assert found == edited | missing
    (row,) = (r for r in read_table(lake, "findings") if r["code"] == "revision-hash-mismatch")
    assert bytes.fromhex(row["actual"]) == b64decode(REVISIONS["Person", row["document_id"], 0])
    verdicts = {strand["strand_id"]: strand["verdict"] for strand in judged["strands"]}
    assert verdicts == {EVIDENCE: "incomplete", CLI: "incomplete", DMV: "fail"}
