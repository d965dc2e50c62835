"""What a verification says, in plain values: shared by the page and the evidence file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

FULL, INCREMENTAL = "full", "incremental"
MATCH, MISMATCH, UNDECIDABLE, BEYOND = "match", "mismatch", "undecidable", "beyond"
OUTCOMES = (MATCH, MISMATCH, UNDECIDABLE, BEYOND)

FINDING_ORDER = (
    *("code", "strand_id", "sequence_no", "document_id", "version", "object_uri", "offset"),
    *("expected", "actual", "detail"),
)
"""What findings are sorted by, nulls first."""


@dataclass(frozen=True)
class Run:
    """A command run; the only part of a verification that the same lake does not repeat.

    Attributes:
        run_id: the run.
        started: when it began, with a zone.
        ended: when it had judged, with a zone.
    """

    run_id: str
    started: datetime
    ended: datetime


@dataclass(frozen=True)
class Scope:
    """What a verification computed anew; its verdict is about the whole lake either way.

    Attributes:
        mode: `full` or `incremental`.
        strict: whether `--strict` made `block-unexplained` incomplete.
        recomputed: how many of what was computed anew, by name (`blocks`, `revisions`, …).
        carried: how many findings and results of earlier runs were carried over, by name.
    """

    mode: str
    strict: bool
    recomputed: Mapping[str, int]
    carried: Mapping[str, int]


@dataclass(frozen=True)
class Check:
    """How often one thing was checked.

    Attributes:
        code: code of the finding that the check gives.
        checked: how many were checked: revisions, blocks, documents, …, as the code's own.
        findings: how many findings it gave, acknowledged ones included.
    """

    code: str
    checked: int
    findings: int


@dataclass(frozen=True)
class Strand:
    """A strand of a journal, one ledger, as judged.

    Attributes:
        strand_id: the strand.
        first_sequence_no: number of the first block that is there.
        last_sequence_no: number of the last block that is there.
        blocks: how many are there.
        digest: over blocks 0 to the last, None where blocks are missing.
        verdict: `pass`, `fail` or `incomplete`.
        anchored_to: highest number under a saved digest that matches, None if there is none.
    """

    strand_id: str
    first_sequence_no: int
    last_sequence_no: int
    blocks: int
    digest: bytes | None
    verdict: str
    anchored_to: int | None


@dataclass(frozen=True)
class Digest:
    """A digest that somebody saved from the ledger, and what comparing it gave.

    Attributes:
        strand_id: its strand.
        sequence_no: number of the last block under it, its tip.
        digest: as saved.
        outcome: `match`, `mismatch`, `undecidable` (blocks under it are missing) or `beyond` (its
            tip lies after the last block).
    """

    strand_id: str
    sequence_no: int
    digest: bytes
    outcome: str


@dataclass(frozen=True)
class Finding:
    """A row of the lake's `findings`, whose places are None where they do not apply.

    Attributes:
        code: its code.
        severity: `fail`, `incomplete` or `warning`.
        strand_id: strand.
        sequence_no: block.
        document_id: document.
        version: its version.
        object_uri: object of the archive.
        offset: first byte in the object.
        expected: what should be there: a hash in hex, a number, a name of a thing.
        actual: what is there.
        detail: more in words. Never document values or statement text, like all of these.
        acknowledged: whether the list of known findings has it.
    """

    code: str
    severity: str
    strand_id: str | None = None
    sequence_no: int | None = None
    document_id: str | None = None
    version: int | None = None
    object_uri: str | None = None
    offset: int | None = None
    expected: str | None = None
    actual: str | None = None
    detail: str | None = None
    acknowledged: bool = False

    @property
    def compared(self) -> bool:
        """Whether it says what was expected or found."""
        return self.expected is not None or self.actual is not None
