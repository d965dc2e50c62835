"""What the page says in sentences: the verdict, for whoever has to act on it, and its limits."""

from __future__ import annotations

from typing import NamedTuple

from qldb_replay.journal.findings import FAIL, INCOMPLETE, PASS, WARNING
from qldb_replay.journal.verification import (
    BEYOND,
    FULL,
    MATCH,
    MISMATCH,
    UNDECIDABLE,
    Scope,
    Strand,
)
from qldb_replay.report.figures import Bar, Figures
from qldb_replay.report.shown import compact, count, number

VERDICT = {PASS: "Pass", FAIL: "Fail", INCOMPLETE: "Incomplete"}
SEVERITY = {FAIL: "Contradiction", INCOMPLETE: "Incomplete", WARNING: "Note"}
COUNTED = {
    FAIL: ("contradiction", "contradictions"),
    INCOMPLETE: ("incomplete", "incomplete"),
    WARNING: ("note", "notes"),
}
OUTCOME = {
    MATCH: "matches",
    MISMATCH: "does not match",
    UNDECIDABLE: "undecidable, blocks are missing",
    BEYOND: "reaches beyond the last block",
}
UNPROVEN = (
    "a block's own time",
    "the transaction ID of a block without revisions",
    "the name of the stream that delivered a record",
    "the document ID in a block's list of revisions",
    "a table's name where its block has no transactionInfo",
)
"""Carried by records and covered by no hash of the ledger (contract, section 2)."""


class Headline(NamedTuple):
    """The verdict in words.

    Attributes:
        verdict: in one word.
        anchor: up to where something outside the archive confirms it.
        meaning: what that says, in a sentence or two.
    """

    verdict: str
    anchor: str
    meaning: str


def headline(figures: Figures) -> Headline:
    """Puts the verdict into words."""
    return Headline(VERDICT[figures.verdict], _anchor(figures), _meaning(figures))


def anchored(strand: Strand) -> str:
    """Says up to which block a saved digest confirms a strand, as messages do."""
    if strand.anchored_to is None:
        return "not anchored"
    return f"anchored to {number(strand.anchored_to)} of {number(strand.last_sequence_no)}"


def _anchor(figures: Figures) -> str:
    strands = figures.strands
    if strands.total == 0:
        return "no block to judge"
    if strands.total == 1 and strands.rest == 0:
        return anchored(strands.items[0])
    if strands.rest > 0:
        return count(strands.total, "strand")
    known = sum(strand.anchored_to is not None for strand in strands.items)
    return f"{number(known)} of {count(strands.total, 'strand')} anchored"


def _meaning(figures: Figures) -> str:
    if figures.strands.total == 0 and figures.verdict == PASS:
        return "The archive holds no block, so there was nothing to judge."
    return f"{_JUDGED[figures.verdict]} {_confirmed(figures)}".strip()


_JUDGED = {
    PASS: "Every check holds.",
    INCOMPLETE: (
        "Nothing contradicts, but something is missing or cannot be decided, and what is not there "
        "proves nothing."
    ),
    FAIL: (
        "The archive contradicts itself, or what was saved from the ledger: something in it is not "
        "what the ledger wrote."
    ),
}


def _confirmed(figures: Figures) -> str:
    """Says what of the chain something outside the archive confirms."""
    strands = figures.strands.items
    anchors = [strand.anchored_to for strand in strands if strand.anchored_to is not None]
    if not anchors and figures.strands.rest == 0:
        return (
            "No digest saved from the ledger confirms any of it: the archive only agrees with "
            "itself, and a history rewritten as a whole would look the same."
            if figures.verdict == PASS
            else "No digest saved from the ledger confirms any of it."
        )
    if figures.strands.total > 1:
        return "How far digests saved from the ledgers confirm them is listed by strand."
    if anchors[0] == strands[0].last_sequence_no:
        return "A digest saved from the ledger confirms its whole chain of blocks."
    return (
        f"A digest saved from the ledger confirms its chain up to block {number(anchors[0])}; "
        "nothing outside the archive confirms what comes after."
    )


def scope_in_words(scope: Scope) -> str:
    """Says what a verification computed anew."""
    anew = ", ".join(f"{number(value)} {name}" for name, value in sorted(scope.recomputed.items()))
    carried = ", ".join(f"{number(value)} {name}" for name, value in sorted(scope.carried.items()))
    what = "Everything" if scope.mode == FULL else "Only what changed"
    parts = [f"{what} was computed anew{': ' + anew if anew else ''}."]
    if scope.mode != FULL:
        parts.append("The verdict is about the whole lake.")
    if carried:
        parts.append(f"Carried over from earlier verifications: {carried}.")
    if scope.strict:
        parts.append("--strict was given: blocks that nothing explains count as incomplete.")
    return " ".join(parts)


def copies_label(bar: Bar) -> str:
    """Says how many copies a bar counts."""
    return _span(bar)


def lateness_label(bar: Bar) -> str:
    """Says how late a bar's records arrived."""
    return "in order" if (bar.low, bar.high) == (0, 0) else _span(bar)


def _span(bar: Bar) -> str:
    if bar.high is None:
        return f"{compact(bar.low)}+"
    if bar.low == bar.high:
        return compact(bar.low)
    return f"{compact(bar.low)}\N{EN DASH}{compact(bar.high)}"
