"""`prove`: evidence from a lake of many ledgers, checked without it, in both ways."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import pytest

from attacks.ledgers import Ledger

SCRIPT = Path(__file__).parents[2] / "tools" / "check_proof.py"


def some_revision(ledger: Ledger, kind: str, *, is_redacted: bool = False) -> tuple[str, int]:
    """A document and version of a kind, from the middle of the ledger."""
    fitting = sorted(
        key
        for key, revision in ledger.archive.revisions.items()
        if revision.revision.kind == kind and ledger.archive.is_redacted(key) == is_redacted
    )
    return fitting[len(fitting) // 2][1:]


def prove(command, lake: Path, document: str, version: int, *more: object):
    arguments = ["--lake", lake, "--document", document, "--version", version, *more]
    return command("prove", *arguments)


@pytest.mark.parametrize(
    ("name", "kind", "is_redacted"),
    [
        ("plain", "data", False),
        ("plain", "delete", False),
        ("redactions", "data", True),
        ("rough", "data", False),
        ("untold", "data", False),
    ],
)
def test_a_proof_holds_without_the_lake(
    name, kind, is_redacted, ledgers, verified, command, tmp_path
):
    ledger, out = ledgers[name], tmp_path / "proof.json"
    document, version = some_revision(ledger, kind, is_redacted=is_redacted)

    made = prove(
        command, verified[0], document, version, "--digest", ledger.digest_file, "--out", out
    )

    assert (made["exit_code"], made["verdict"]) == (0, "pass")
    proof = json.loads(out.read_text())
    assert (proof["document_id"], proof["version"]) == (document, version)
    assert proof["digest_source"] == "supplied"
    assert b64decode(proof["digest"]) == ledger.digest[2]
    checked = command("prove", "--check", out, "--digest", ledger.digest_file)
    assert (checked["exit_code"], checked["anchored"]) == (0, True)
    auditor = subprocess.run(
        [sys.executable, "-I", SCRIPT, out, ledger.digest_file], capture_output=True, check=False
    )
    assert auditor.returncode == 0, auditor.stdout
    if is_redacted:
        ion = b64decode(proof["revision"]["ion"])
        data = ledger.archive.revisions[ledger.strand_id, document, version].revision.data_json
        assert all(text.encode() not in ion for text in json.loads(data) if len(text) > 3)


def test_without_a_digest_the_proof_leads_to_the_lakes_own(ledgers, verified, command, tmp_path):
    lake, summary = verified
    ledger, out = ledgers["plain"], tmp_path / "proof.json"
    document, version = some_revision(ledger, "data")

    assert prove(command, lake, document, version, "--out", out)["exit_code"] == 0

    proof = json.loads(out.read_text())
    strand = next(s for s in summary["strands"] if s["strand_id"] == ledger.strand_id)
    assert proof["digest_source"] == "computed"
    assert proof["digest"] == strand["digest"]
    assert command("prove", "--check", out)["anchored"] is False
    assert command("prove", "--check", out)["exit_code"] == 0


@pytest.mark.parametrize(
    ("name", "exit_code"),
    [("flip-bit-in-data", 1), ("forge-block", 1), ("drop-block", 3), ("drop-head", 3)],
)
def test_no_proof_where_findings_or_gaps_touch_its_way(
    name, exit_code, ledgers, verified, command, tmp_path
):
    ledger, out = ledgers[name], tmp_path / "proof.json"
    touched = [each for each in ledger.findings if each.code == "revision-hash-mismatch"]
    if touched:
        document, version = touched[0].document_id, touched[0].version
    else:
        document, version = some_revision(ledger, "data")

    made = prove(command, verified[0], document, version, "--out", out)

    assert made["exit_code"] == exit_code
    assert made["counts"] == {"proofs": 0}
    assert not out.exists()


def test_a_digest_that_is_not_the_lakes_is_1(ledgers, verified, command, tmp_path):
    ledger = ledgers["rewrite-tail"]
    document, version = some_revision(ledger, "data")

    made = prove(command, verified[0], document, version, "--digest", ledger.digest_file)

    assert made["exit_code"] == 1
    assert made["verdict"] == "fail"


def test_a_changed_proof_file_is_1(ledgers, verified, command, tmp_path):
    ledger, out = ledgers["plain"], tmp_path / "proof.json"
    document, version = some_revision(ledger, "data")
    prove(command, verified[0], document, version, "--out", out)
    proof = json.loads(out.read_text())
    proof["version"] += 1
    out.write_text(json.dumps(proof))

    assert command("prove", "--check", out)["exit_code"] == 1


def test_what_cannot_be_asked_is_2(ledgers, verified, command, tmp_path):
    lake, other = verified[0], ledgers["redactions"].digest_file
    document, version = some_revision(ledgers["plain"], "data")

    assert prove(command, lake, document, 99)["exit_code"] == 2
    assert prove(command, lake, "nobody", 0)["exit_code"] == 2
    assert prove(command, lake, document, version, "--digest", other)["exit_code"] == 2
    assert prove(command, tmp_path / "none", document, version)["exit_code"] == 2
    assert command("prove", "--lake", lake)["exit_code"] == 2
    assert command("prove", "--check", tmp_path / "none")["exit_code"] == 2
    assert command("prove", "--check", other)["exit_code"] == 2
