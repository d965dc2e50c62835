"""Findings about redactions, one plain function for each code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from attacks.evidence import Archive
from attacks.findings import Finding, at_block, at_revision


def redaction_unrequested(archive: Archive) -> Iterator[Finding]:
    """A redacted copy, and no block whose hashes recompute requests it."""
    for copy in archive.all_revisions():
        if copy.revision.kind == "redacted" and not archive.requested(copy):
            yield at_revision("redaction-unrequested", copy)


def redaction_unapplied(archive: Archive) -> Iterator[Finding]:
    """A copy that still carries the data of a redacted revision."""
    for key, copies in archive.revision_copies.items():
        for copy in copies:
            if copy.revision.kind == "data" and archive.is_redacted(key):
                yield at_revision("redaction-unapplied", copy)


def literal_in_statement(archive: Archive) -> Iterator[Finding]:
    """A statement linked to a document with a redacted revision carries a literal.

    Linked by the block's transactionInfo. Placed at the block, once however many there are.
    """
    redacted = {(strand_id, document_id) for strand_id, document_id, _, _ in archive.requests}
    redacted |= {key[:2] for key in archive.revisions if archive.is_redacted(key)}
    for (strand_id, _), block in archive.blocks.items():
        statements = block.block.statements or []
        linked = {
            index
            for document_id, _, _, indexes in block.block.documents or []
            if (strand_id, document_id) in redacted
            for index in indexes or []
            if index < len(statements)
        }
        if any(has_literal(statements[index][0] or "") for index in linked):
            yield at_block("literal-in-statement", block)


_TOKEN = re.compile(
    r"""
    (?P<other> --[^\n]* | /\*.*?\*/ | "(?:[^"]|"")*" | \[\s*\d+\s*\] )
  | (?P<literal> '(?:[^']|'')*' | `[^`]*` | \d[\w.]* | \.\d[\w.]* | \b(?:true|false)\b )
  | (?P<word> [^\W\d][\w$]* )
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def has_literal(statement: str) -> bool:
    """Whether a statement has a string, an Ion literal, a number or a truth value in its text.

    Not what stands in comments or quoted names, nor a path's index, nor NULL, which tests ask for.
    """
    return any(token["literal"] is not None for token in _TOKEN.finditer(statement))
