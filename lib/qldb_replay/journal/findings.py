"""The codes of findings: how severe each is and what it says, in one sentence.

A gap is not tampering: `fail` needs a contradiction, `incomplete` says that something is absent or
cannot be read or decided, `warning` that somebody should look (contract, section 3).
`docs/findings.md` has a section for each code, which begins with the same sentence.
"""

from __future__ import annotations

from collections.abc import Iterable

FAIL, INCOMPLETE, WARNING = "fail", "incomplete", "warning"
PASS = "pass"  # noqa: S105 a verdict, no password
SEVERITIES = (FAIL, INCOMPLETE, WARNING)
VERDICTS = (FAIL, INCOMPLETE, PASS)

STRICT = "block-unexplained"
"""The code that `--strict` makes `incomplete`."""

_MEANINGS = {
    FAIL: {
        "revision-hash-mismatch": "A revision's hash is not that of its metadata and data.",
        "revisions-root-mismatch": (
            "The root over a block's revision hashes is not among the block's entries."
        ),
        "transaction-info-mismatch": (
            "The hash of a block's transactionInfo, its statements and documents, is not among "
            "the block's entries."
        ),
        "redaction-info-mismatch": (
            "The hash of a block's redaction request is not among the block's entries."
        ),
        "entries-hash-mismatch": "A block's entries hash is not the root over its entries.",
        "block-hash-mismatch": (
            "A block's hash is not made of its entries hash and the previous block's hash."
        ),
        "chain-break": ("A block names another hash for its predecessor than the predecessor has."),
        "revision-unlisted": "A revision's block is there and does not list its hash.",
        "version-order": (
            "A document's versions do not follow the order of the blocks that wrote them."
        ),
        "revision-after-delete": "A document has a revision after the one that deleted it.",
        "table-mismatch": (
            "A revision names another table than its block's hashed transactionInfo does, or a "
            "document that is not among those that it names."
        ),
        "transaction-mismatch": (
            "A block names another transaction than the hashed metadata of its revisions."
        ),
        "revision-conflict": (
            "Two copies of the same version of a document differ, redaction aside."
        ),
        "block-conflict": "Two copies of the same block differ.",
        "object-changed": "An object of the archive holds other bytes than when it was read.",
        "digest-mismatch": "A digest saved from the ledger is not the one that the blocks give.",
        "proof-mismatch": "A proof saved from the ledger does not lead to its saved digest.",
        "destination-mismatch": "The destination holds something else than the lake.",
        "lake-mismatch": "A table of the lake is not what the stored records give.",
    },
    INCOMPLETE: {
        "block-missing": "Blocks are missing between blocks that are there.",
        "head-missing": "The first block that is there is not the ledger's first, number 0.",
        "tail-missing": "A saved digest covers blocks after the last one that is there.",
        "revision-missing": (
            "A block names a revision, or a document that it changed, and its record is not there."
        ),
        "revision-orphan": "A revision is there and its block is not.",
        "version-missing": "Between a document's versions, or before its first, one is missing.",
        "record-unreadable": "Bytes of an object could not be read as records of a journal.",
        "object-unreadable": "An object of the archive could not be read.",
        "export-unread": "An object belongs to a journal export, which is not read yet.",
        "redaction-unrequested": (
            "A revision's data was taken away and the archive holds no request for it."
        ),
        "late-revision": "A record arrived for a block that replay had already passed.",
        "digest-undecidable": "Blocks that a saved digest covers are missing, so nothing can tell.",
    },
    WARNING: {
        "block-unexplained": (
            "A block says by hashes alone that something is in it: nothing tells whether it is "
            "all there."
        ),
        "redaction-unapplied": "A copy in the archive still carries data that was redacted.",
        "literal-in-statement": (
            "A statement that wrote a redacted document has values written into its text."
        ),
        "table-unknown": (
            "No block's hashed transactionInfo names a table's ID, so that its name is not proven."
        ),
        "time-order": "A block's time lies before that of the block before it.",
    },
}
MEANINGS = {code: text for codes in _MEANINGS.values() for code, text in codes.items()}
"""What each code says, fails first, in the order of the documentation."""

SEVERITY = {code: severity for severity, codes in _MEANINGS.items() for code in codes}
"""How severe each code is, `--strict` aside."""


def severity_of(code: str, strict: bool) -> str | None:
    """Says how severe a code is.

    Args:
        code: code of a finding.
        strict: whether the verification ran with `--strict`.

    Returns:
        `fail`, `incomplete` or `warning`; None for a code that this version does not know.
    """
    return INCOMPLETE if strict and code == STRICT else SEVERITY.get(code)


def verdict_of(severities: Iterable[str]) -> str:
    """Says what findings come to, acknowledged ones included: they keep the verdict.

    Args:
        severities: of all findings.

    Returns:
        `fail` if anything contradicts, else `incomplete` if anything is missing, else `pass`.
    """
    found = set(severities)
    return next((verdict for verdict in (FAIL, INCOMPLETE) if verdict in found), PASS)
