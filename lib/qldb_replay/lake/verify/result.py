"""What a verification comes to, kept beside the lake until the next one."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from qldb_replay.journal.verification import Check, Digest, Run, Scope, Strand

# What the checks of each code look at, by the name of its count.
_LOOKED_AT = {
    "blocks": """
        revisions-root-mismatch transaction-info-mismatch redaction-info-mismatch
        entries-hash-mismatch block-hash-mismatch chain-break transaction-mismatch block-conflict
        block-missing revision-missing block-unexplained literal-in-statement time-order
    """,
    "revisions": """
        revision-hash-mismatch revision-unlisted revision-orphan revision-conflict table-mismatch
        version-order version-missing revision-after-delete redaction-unrequested
        redaction-unapplied
    """,
    "strands": "head-missing",
    "tables": "table-unknown",
    "objects": "object-changed object-unreadable export-unread record-unreadable",
    "digests": "digest-mismatch digest-undecidable tail-missing",
    "proofs": "proof-mismatch",
    "records": "lake-mismatch",
}
LOOKED_AT: Mapping[str, str] = {
    code: counted for counted, codes in _LOOKED_AT.items() for code in codes.split()
}
"""By code the count of what its check looks at."""


@dataclass(frozen=True)
class Verification:
    """What a verification found.

    Attributes:
        run: the run.
        verdict: `pass`, `fail` or `incomplete`, about the whole lake.
        open_verdict: the verdict without what was judged already.
        acknowledged: how many findings were judged already (`--known`).
        counts: what the lake holds, by name.
        checks: one for each code that is checked.
        strands: the strands.
        digests: all saved digests, and what comparing them gave.
        scope: what was computed anew.
    """

    run: Run
    verdict: str
    open_verdict: str
    acknowledged: int
    counts: Mapping[str, int]
    checks: tuple[Check, ...]
    strands: tuple[Strand, ...]
    digests: tuple[Digest, ...]
    scope: Scope

    @property
    def findings(self) -> dict[str, int]:
        """How many findings there are of each code that was found."""
        return {check.code: check.findings for check in self.checks if check.findings}

    def document(self) -> dict[str, Any]:
        """Gives a JSON object that `read` takes."""
        document = asdict(self)
        for row in (*document["strands"], *document["digests"]):
            row["digest"] = base64_of(row["digest"])
        for name in ("started", "ended"):
            document["run"][name] = document["run"][name].isoformat()
        return document

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Verification:
        """Reads what `document` gave."""
        run = dict(document["run"])
        for name in ("started", "ended"):
            run[name] = datetime.fromisoformat(run[name])
        return cls(
            Run(**run),
            document["verdict"],
            document["open_verdict"],
            document["acknowledged"],
            document["counts"],
            tuple(Check(**each) for each in document["checks"]),
            tuple(Strand(**_with_digest(each)) for each in document["strands"]),
            tuple(Digest(**_with_digest(each)) for each in document["digests"]),
            Scope(**document["scope"]),
        )


def base64_of(digest: bytes | None) -> str | None:
    """Writes a digest as Base64, None where there is none."""
    return None if digest is None else b64encode(digest).decode("ascii")


def _with_digest(row: Mapping[str, Any]) -> dict[str, Any]:
    digest = row["digest"]
    return {**row, "digest": None if digest is None else b64decode(digest)}
