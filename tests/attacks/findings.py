"""What a judge finds: codes, severities, places and the verdict."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from qldb_replay.codec.decode import Decoded

FAIL = """
    revision-hash-mismatch revisions-root-mismatch transaction-info-mismatch
    redaction-info-mismatch entries-hash-mismatch block-hash-mismatch chain-break
    revision-unlisted version-order revision-after-delete table-mismatch transaction-mismatch
    revision-conflict block-conflict digest-mismatch proof-mismatch
"""
INCOMPLETE = """
    block-missing head-missing tail-missing revision-missing revision-orphan version-missing
    record-unreadable object-unreadable export-unread redaction-unrequested digest-undecidable
"""
WARNING = """
    block-unexplained redaction-unapplied literal-in-statement table-unknown time-order
"""
SEVERITY = {
    code: severity
    for severity, codes in (("fail", FAIL), ("incomplete", INCOMPLETE), ("warning", WARNING))
    for code in codes.split()
}
"""The severity of every code that is judged here."""


class Finding(NamedTuple):
    """One finding, without the values that it compares."""

    code: str
    severity: str
    strand_id: str | None
    sequence_no: int | None
    document_id: str | None = None
    version: int | None = None
    object_uri: str | None = None
    offset: int | None = None


def finding(code: str, strand_id: str | None, sequence_no: int | None, **where: Any) -> Finding:
    return Finding(code, SEVERITY[code], strand_id, sequence_no, **where)


def at_block(code: str, block: Decoded) -> Finding:
    return finding(code, block.strand_id, block.sequence_no)


def at_revision(code: str, copy: Decoded) -> Finding:
    return finding(
        code,
        copy.strand_id,
        copy.sequence_no,
        document_id=copy.document_id,
        version=copy.version,
    )


def verdict(findings: Iterable[Finding]) -> str:
    """`fail` if anything contradicts, else `incomplete` if anything is missing, else `pass`."""
    severities = {each.severity for each in findings}
    return next((each for each in ("fail", "incomplete") if each in severities), "pass")
