"""The evidence of a verification and the page about it, from a lake of many damaged ledgers."""

from __future__ import annotations

import json
import re
import subprocess

import pytest


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name in ("mine", "other"):
        private, public = folder / f"{name}.pem", folder / f"{name}.public.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
        subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    return folder / "mine.pem", folder / "mine.public.pem", folder / "other.public.pem"


def contents(path) -> str:
    """What of an evidence file the lake alone decides."""
    return path.read_text().partition('\n"contents_sha256"')[0]


def test_evidence_is_signed_checked_and_the_same_for_the_same_lake(
    verified, quiet_command, read_table, keys, tmp_path
):
    lake, summary = verified
    private, public, other = keys
    signed, plain = tmp_path / "signed.json", tmp_path / "plain.json"

    again = quiet_command("verify", "--lake", lake, "--evidence", signed, "--sign-key", private)
    quiet_command("verify", "--lake", lake, "--evidence", plain)

    assert contents(signed) == contents(plain)
    document = json.loads(signed.read_text())
    assert document["verdict"] == summary["verdict"]
    assert {s["strand_id"]: s for s in document["strands"]} == {
        s["strand_id"]: s for s in summary["strands"]
    }
    objects = {row["object_uri"]: row for row in read_table(lake, "objects")}
    assert len(document["objects"]) == len(objects)
    for each in document["objects"]:
        assert bytes.fromhex(each["sha256"]) == objects[each["object_uri"]]["sha256"]
    assert len(document["findings"]) == again["counts"]["findings"]

    checked = quiet_command("verify", "--check-report", signed, "--public-key", public)
    assert (checked["exit_code"], checked["signature"], checked["trusted"]) == (0, "valid", True)
    assert checked["report_verdict"] == "fail"
    assert quiet_command("verify", "--check-report", plain)["signature"] == "absent"
    assert (
        quiet_command("verify", "--check-report", plain, "--public-key", public)["exit_code"] == 1
    )
    assert (
        quiet_command("verify", "--check-report", signed, "--public-key", other)["exit_code"] == 1
    )
    signed.write_text(signed.read_text().replace("chain-break", "chain-breaks", 1))
    assert quiet_command("verify", "--check-report", signed)["exit_code"] == 1
    signed.write_text("{}")
    assert quiet_command("verify", "--check-report", signed)["exit_code"] == 2


def test_the_page_says_what_was_found(verified, quiet_command, ledgers, tmp_path):
    lake, summary = verified
    page = tmp_path / "report.html"

    written = quiet_command("report", "--lake", lake, "--out", page)

    assert (written["exit_code"], written["verdict"]) == (0, "fail")
    html = page.read_text()
    assert all(code in html for code in summary["findings"])
    assert f"{summary['counts']['blocks']:,}" in html
    assert not re.search(r'(src|href)="(?!#|data:)', html)
    assert all(strand["strand_id"] in html for strand in summary["strands"])
    carriers = {each.out.as_uri() for each in ledgers.values() if each.name == "redactions"}
    assert all(uri in html for uri in carriers)


def test_a_lake_that_was_never_verified_has_no_page(ledgers, quiet_command, tmp_path):
    lake = tmp_path / "lake"
    quiet_command("ingest", "--archive", ledgers["plain"].out, "--lake", lake)

    refused = quiet_command("report", "--lake", lake, "--out", tmp_path / "report.html")

    assert refused["exit_code"] == 2
    assert "qldb-replay verify" in refused["error"]["message"]
    assert not (tmp_path / "report.html").exists()
