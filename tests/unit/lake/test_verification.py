"""Parts of `verify` that need no Spark: what is remembered, and what is taken for known."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from qldb_replay.errors import UsageError
from qldb_replay.journal.saved import REVISION, SavedDigest, SavedProof
from qldb_replay.journal.verification import Check, Digest, Run, Scope, Strand
from qldb_replay.lake.verify.findings import read_known
from qldb_replay.lake.verify.result import Verification
from qldb_replay.lake.verify.saved import HeldProof, Saved, check_strands

NOW = datetime(2024, 5, 17, 9, 30, tzinfo=timezone.utc)
HASH = bytes(range(32))


def test_a_verification_is_remembered_as_it_was():
    verification = Verification(
        Run("run", NOW, NOW),
        "fail",
        "incomplete",
        2,
        {"blocks": 7},
        (Check("chain-break", 7, 2), Check("time-order", 7, 0)),
        (Strand("s", 0, 6, 7, HASH, "fail", 3), Strand("t", 1, 1, 1, None, "incomplete", None)),
        (Digest("s", 3, HASH, "match"),),
        Scope("incremental", False, {"blocks": 1}, {"findings": 2}),
    )

    text = json.dumps(verification.document())

    assert Verification.read(json.loads(text)) == verification
    assert verification.findings == {"chain-break": 2}


def test_what_was_saved_is_remembered_once_and_without_content():
    digest = SavedDigest(HASH, "s", 3)
    proof = SavedProof(REVISION, "s", 2, HASH, (HASH, b""), b"", "document", 0)
    saved = Saved((digest,), (HeldProof(proof, ("a rule",)),))

    text = json.dumps(saved.document())

    assert Saved.read(json.loads(text)) == saved
    assert saved.with_more([digest], []) == saved
    assert Saved.read({}) == Saved()


def test_what_was_saved_from_another_ledger_is_refused():
    saved = Saved((SavedDigest(HASH, "other", 3),))

    with pytest.raises(UsageError, match="strand other, which is not in the lake; expected one of"):
        check_strands(saved, ["mine", "yours"])
    check_strands(saved, ["other"])


ENTRY = {"code": "version-missing", "document_id": "d", "reason": "lost", "who": "Ada"}


def test_known_findings_are_read_from_yaml_and_json():
    assert read_known(json.dumps([ENTRY])) == [ENTRY]
    assert read_known("- {code: time-order, sequence_no: 3, reason: clock, who: Ada}\n") == [
        {"code": "time-order", "sequence_no": 3, "reason": "clock", "who": "Ada"}
    ]
    assert read_known("[]") == []


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({}, "expected a list"),
        ("{", "expected a list in YAML or JSON"),
        ([1], "entry 1: expected an object"),
        ([ENTRY, {**ENTRY, "colour": "red"}], "entry 2: expected an object with keys of code"),
        ([{**ENTRY, "code": "whatever"}], "the code of a finding"),
        ([{"code": "time-order", "reason": "r", "who": "w"}], "a place"),
        ([{**ENTRY, "who": ""}], "a reason and who judged it"),
        ([{**ENTRY, "version": "3"}], "version as int"),
        ([{**ENTRY, "version": True}], "version as int"),
    ],
)
def test_a_list_of_known_findings_that_is_wrong_is_answered_with_the_entry(entries, says):
    text = entries if isinstance(entries, str) else json.dumps(entries)

    with pytest.raises(UsageError, match=says):
        read_known(text)
