"""What each kind of damage must be found as, on whatever path the archive is judged."""

from __future__ import annotations

from typing import Any, NamedTuple

LEDGER: dict[str, Any] = {
    "revisions": 150,
    "tables": ("Orders", "Everything"),
    "redactions": 0,
    "delete_share": 0.1,
    "duplicates": 0.0,
    "disorder": 0,
}
"""Options of the ledger that is damaged. Undamaged it gives no finding at all."""


class Expected(NamedTuple):
    """What a damaged archive shows.

    Attributes:
        verdict: without a saved digest.
        codes: exactly those that are found without a saved digest.
        digest: what the digest saved from the undamaged ledger adds, empty for nothing.
    """

    verdict: str
    codes: set[str]
    digest: str = ""


def expected(verdict: str, codes: str, digest: str = "") -> Expected:
    return Expected(verdict, set(codes.split()), digest)


TABLE: dict[str, Expected] = {
    "flip-bit-in-data": expected("fail", "revision-hash-mismatch"),
    "flip-bit-in-metadata": expected("fail", "revision-hash-mismatch"),
    "flip-bit-in-statement": expected("fail", "transaction-info-mismatch"),
    "flip-bit-in-entries-list": expected("fail", "entries-hash-mismatch"),
    "flip-bit-in-summary-hash": expected("fail", "revisions-root-mismatch revision-unlisted"),
    "flip-bit-in-entries-hash": expected("fail", "entries-hash-mismatch block-hash-mismatch"),
    "flip-bit-in-block-hash": expected(
        "fail", "block-hash-mismatch chain-break", digest="digest-mismatch"
    ),
    "flip-bit-in-previous-block-hash": expected("fail", "block-hash-mismatch chain-break"),
    # A damaged copy speaks for itself, whichever copy counts.
    "repeat-revision-with-flipped-bit": expected(
        "fail", "revision-conflict revision-hash-mismatch"
    ),
    "repeat-block-with-flipped-bit": expected("fail", "block-conflict block-hash-mismatch"),
    "repeat-revision-as-deletion": expected("fail", "revision-conflict revision-hash-mismatch"),
    # The ladder: whatever is recomputed, the next hash above contradicts.
    "forge-revision": expected("fail", "revision-unlisted"),
    "forge-revision-and-summary": expected("fail", "revisions-root-mismatch"),
    "forge-up-to-entries": expected("fail", "entries-hash-mismatch"),
    "forge-up-to-entries-hash": expected("fail", "block-hash-mismatch"),
    "forge-block": expected("fail", "chain-break", digest="digest-mismatch"),
    # A chain alone proves only that it fits itself: nothing in the archive can tell.
    "rewrite-tail": expected("pass", "", digest="digest-mismatch"),
    # What it says of documents and tables is no evidence without its hash.
    "forge-transaction-info": expected("fail", "transaction-info-mismatch"),
    "disguise-as-deletion": expected("fail", "revision-hash-mismatch"),
    "add-unlisted-revision": expected("fail", "revision-unlisted"),
    "forge-transaction-id": expected("fail", "transaction-mismatch"),
    "forge-table-name": expected("fail", "table-mismatch"),
    "forge-table-id": expected("fail", "table-mismatch table-unknown"),
    "move-time-back": expected("pass", "time-order"),
    "drop-block": expected(
        "incomplete", "block-missing version-missing", digest="digest-undecidable"
    ),
    # All hashes are right, those of the digest too.
    "split-into-deletion": expected("incomplete", "revision-missing"),
    "drop-revision": expected("incomplete", "revision-missing version-missing"),
    "drop-head": expected(
        "incomplete", "head-missing version-missing", digest="digest-undecidable"
    ),
    # Nothing that is left speaks of what came after it.
    "drop-tail": expected("pass", "", digest="tail-missing"),
    "drop-range": expected(
        "incomplete", "block-missing version-missing", digest="digest-undecidable"
    ),
    "orphan-revision": expected(
        "incomplete", "block-missing revision-orphan", digest="digest-undecidable"
    ),
    # Content withheld: each trace that is left names the document.
    "strip-summary-ids": expected("incomplete", "revision-missing"),
    "strip-summaries": expected("fail", "revision-unlisted"),
    "strip-transaction-info": expected("incomplete", "revision-missing"),
    "withhold-revisions": expected("incomplete", "revision-missing"),
    # No trace is left but hashes, as a block of QLDB's own could have them.
    "hide-revisions": expected("pass", "block-unexplained"),
    "hollow-block": expected("pass", "block-unexplained"),
    "repeat-block-with-other-content": expected("fail", "block-conflict"),
    "repeat-revision-with-other-content": expected("fail", "revision-conflict revision-unlisted"),
    "repeat-revision-with-other-table": expected(
        "fail", "revision-conflict table-mismatch table-unknown"
    ),
    # Siblings in the digest's tree, which sorts each pair: only the chain tells.
    "swap-blocks": expected("fail", "chain-break time-order"),
    # Every hash true: only the rules of versions contradict.
    "swap-revision-versions": expected("fail", "version-order", digest="digest-mismatch"),
    "skip-version": expected("incomplete", "version-missing", digest="digest-mismatch"),
    "revive-document": expected("fail", "revision-after-delete"),
    "fake-redaction": expected("incomplete", "redaction-unrequested"),
    # The same revision, not a conflict; but then the other copy still carries the data.
    "fake-redacted-copy": expected("incomplete", "redaction-unrequested redaction-unapplied"),
    "fake-redaction-with-other-hash": expected(
        "fail", "revision-hash-mismatch redaction-unrequested"
    ),
    "fake-redaction-request": expected("fail", "redaction-info-mismatch redaction-unrequested"),
    "forge-redaction-request": expected("fail", "entries-hash-mismatch redaction-unrequested"),
    "misdirect-redaction-request": expected("incomplete", "redaction-unrequested"),
    "unapplied-redaction": expected("pass", "redaction-unapplied"),
    "literal-in-redacted-statement": expected(
        "pass", "literal-in-statement", digest="digest-mismatch"
    ),
    # What bytes are hit depends on the seed; so does what is missing with them.
    "cut-object": expected("incomplete", "record-unreadable", digest="tail-missing"),
    "garble-object": expected(
        "incomplete",
        "record-unreadable block-missing revision-orphan",
        digest="digest-undecidable",
    ),
}
"""By the name of `simulate --damage`, for `LEDGER` with its first seed.

What damage to blocks and revisions is found as does not depend on the seed.
"""

OBJECT_VERBS = {"cut-object", "garble-object"}
