"""The documentation of findings against the contract's codes and the sentences that we print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qldb_replay.journal.findings import MEANINGS, SEVERITY, severity_of, verdict_of

PAGE = (Path(__file__).parents[3] / "docs" / "findings.md").read_text(encoding="utf-8")

# The contract's list, section 3.
CONTRACT = {
    "fail": """
        revision-hash-mismatch revisions-root-mismatch transaction-info-mismatch
        redaction-info-mismatch entries-hash-mismatch block-hash-mismatch chain-break
        revision-unlisted version-order revision-after-delete table-mismatch transaction-mismatch
        revision-conflict block-conflict object-changed digest-mismatch proof-mismatch
        destination-mismatch lake-mismatch
    """,
    "incomplete": """
        block-missing head-missing tail-missing revision-missing revision-orphan version-missing
        record-unreadable object-unreadable export-unread redaction-unrequested late-revision
        digest-undecidable
    """,
    "warning": """
        block-unexplained redaction-unapplied literal-in-statement table-unknown time-order
    """,
}
CODES = {code: severity for severity, codes in CONTRACT.items() for code in codes.split()}


def sections() -> dict[str, tuple[str, str]]:
    """Severity and text of each code's section."""
    found = {}
    for part in re.split(r"^## ", PAGE, flags=re.MULTILINE):
        severity = re.match(r"\w+: `(\w+)`\n", part)
        if severity is not None:
            for section in re.split(r"^### ", part, flags=re.MULTILINE)[1:]:
                code, _, text = section.partition("\n")
                found[code] = (severity[1], " ".join(text.split()))
    return found


def test_codes_and_severities_are_the_contracts():
    assert CODES == SEVERITY
    assert list(CODES) == list(MEANINGS)


def test_every_code_has_a_section_under_its_severity():
    found = {code: severity for code, (severity, _) in sections().items()}

    assert found == CODES


@pytest.mark.parametrize("code", CODES)
def test_a_section_says_what_it_means_where_it_comes_from_and_what_to_do(code):
    _, text = sections()[code]

    assert text.startswith(f"{MEANINGS[code]} *By accident:* ")
    for part in ("*On purpose:*", "*Do:*"):
        if code != "export-unread" or part == "*Do:*":
            assert part in text


def test_the_page_says_what_hashes_cannot_see():
    introduction = " ".join(PAGE.partition("## Contradictions")[0].split())

    for words in ("hide-revisions", "hollow-block", "--strict", "sibling blocks", "not anchored"):
        assert words in introduction


@pytest.mark.parametrize(
    ("severities", "verdict"),
    [
        ([], "pass"),
        (["warning"], "pass"),
        (["warning", "incomplete"], "incomplete"),
        (["incomplete", "fail", "warning"], "fail"),
    ],
)
def test_a_verdict_is_that_of_the_worst_finding(severities, verdict):
    assert verdict == verdict_of(severities)


def test_strictness_is_about_one_code():
    strict = {code: severity_of(code, True) for code in CODES}

    assert strict == {**SEVERITY, "block-unexplained": "incomplete"}
    assert severity_of("no such code", False) is None
