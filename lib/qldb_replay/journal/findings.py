"""The codes of findings, how severe each is, and the verdict that follows from several.

A gap is not tampering: `fail` needs a contradiction, `incomplete` says that something is absent or
cannot be read or decided, `warning` that somebody should look (contract, section 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

FAIL, INCOMPLETE, WARNING = "fail", "incomplete", "warning"
PASS = "pass"  # noqa: S105 - a verdict

_CODES = {
    FAIL: """
        revision-hash-mismatch revisions-root-mismatch transaction-info-mismatch
        redaction-info-mismatch entries-hash-mismatch block-hash-mismatch chain-break
        revision-unlisted version-order revision-after-delete table-mismatch transaction-mismatch
        revision-conflict block-conflict object-changed digest-mismatch proof-mismatch
        destination-mismatch lake-mismatch
    """,
    INCOMPLETE: """
        block-missing head-missing tail-missing revision-missing revision-orphan version-missing
        record-unreadable object-unreadable export-unread redaction-unrequested late-revision
        digest-undecidable
    """,
    WARNING: """
        block-unexplained redaction-unapplied literal-in-statement table-unknown time-order
    """,
}
SEVERITY: Mapping[str, str] = {
    code: severity for severity, codes in _CODES.items() for code in codes.split()
}
"""The severity of every code."""

STRICT: Mapping[str, str] = {**SEVERITY, "block-unexplained": INCOMPLETE}
"""The same for who does not accept that content may have been withheld (`--strict`)."""


def verdict(severities: Iterable[str]) -> str:
    """Judges by findings.

    Args:
        severities: of each finding, or each kind of finding.

    Returns:
        `fail` if anything contradicts, else `incomplete` if anything is missing, else `pass`.
    """
    found = set(severities)
    return next((each for each in (FAIL, INCOMPLETE) if each in found), PASS)
