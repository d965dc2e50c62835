"""What must be so in an evidence file that does not contradict itself.

1.  A finding has its code's severity.
2.  The verdict is that of all findings, acknowledged ones included.
3.  Of each code there are as many findings as `checks` says, and what was found was checked.
4.  There are as many objects as `counts` says.
5.  A strand is listed once, and has no more blocks than numbers from its first to its last.
6.  A strand's verdict is no milder than the findings that name it, and the file's no milder than
    any strand's.
7.  Only a strand that is whole has a digest.
8.  A saved digest is of a listed strand. One that matches has its tip within the strand and is the
    strand's own digest where it covers the whole; one that does not match is a finding.
9.  A strand is anchored to the highest tip of its matching digests.

Whoever rewrites an unsigned file keeps to these rules; they find what went wrong by accident or was
edited by hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qldb_replay.journal.findings import VERDICTS, severity_of, verdict_of
from qldb_replay.journal.verification import MATCH, MISMATCH

Row = Mapping[str, Any]


class Consistency:
    """Takes a file's parts as rows of JSON, and says what in them does not fit together.

    Args:
        strict: whether `--strict` was given.
        verdict: the file's verdict.
        counts: by name.
        checks: by code.
        strands: all strands.
        digests: all saved digests.
    """

    def __init__(
        self,
        strict: bool,
        verdict: str,
        counts: Mapping[str, int],
        checks: Mapping[str, Row],
        strands: Sequence[Row],
        digests: Sequence[Row],
    ) -> None:
        self._strict = strict
        self._verdict = verdict
        self._counts = counts
        self._checks = checks
        self._strands = strands
        self._digests = digests
        self._objects = 0
        self._found: Counter[tuple[str, str, str | None]] = Counter()

    @property
    def findings(self) -> int:
        """How many findings were taken."""
        return self._found.total()

    @property
    def objects(self) -> int:
        """How many objects were taken."""
        return self._objects

    def finding(self, row: Row) -> None:
        """Takes a finding."""
        self._found[row["code"], row["severity"], row["strand_id"]] += 1

    def object(self) -> None:
        """Takes an object."""
        self._objects += 1

    def problems(self) -> list[str]:
        """Says what does not fit, once everything was taken."""
        return [*self._in_findings(), *self._in_strands(), *self._in_digests()]

    def _in_findings(self) -> Iterator[str]:
        by_code: Counter[str] = Counter()
        for (code, severity, _), count in self._found.items():
            by_code[code] += count
            if severity_of(code, self._strict) not in (severity, None):
                yield f"{count} findings {code} have the severity {severity}"
        verdict = verdict_of(severity for _, severity, _ in self._found)
        if verdict != self._verdict:
            yield f"the verdict is {self._verdict}, the findings come to {verdict}"
        for code in sorted({*by_code, *self._checks}):
            if code not in self._checks:
                yield f"{code} was found and not checked"
            elif self._checks[code]["findings"] != by_code[code]:
                stated = self._checks[code]["findings"]
                yield f"checks has {stated} findings {code}, the list has {by_code[code]}"
        if self._counts.get("objects") != self._objects:
            yield f"counts has {self._counts.get('objects')} objects, the list has {self._objects}"

    def _in_strands(self) -> Iterator[str]:
        of_strand: dict[str, set[str]] = {strand["strand_id"]: set() for strand in self._strands}
        if len(of_strand) < len(self._strands):
            yield "a strand is listed twice"
        for _, severity, strand_id in self._found:
            if strand_id in of_strand:
                of_strand[strand_id].add(severity)
        for strand in self._strands:
            name, verdict = f"strand {strand['strand_id']}", strand["verdict"]
            numbers = strand["last_sequence_no"] - strand["first_sequence_no"] + 1
            if not 0 <= strand["blocks"] <= numbers:
                yield f"{name} has {strand['blocks']} blocks of {numbers} numbers"
            if _milder(verdict, verdict_of(of_strand[strand["strand_id"]])):
                yield f"{name} has the verdict {verdict} against its findings"
            if _milder(self._verdict, verdict):
                yield f"{name} has the verdict {verdict}, the whole {self._verdict}"
            if strand["digest"] is not None and strand["blocks"] <= strand["last_sequence_no"]:
                yield f"{name} has a digest, and blocks are missing"

    def _in_digests(self) -> Iterator[str]:
        strands = {strand["strand_id"]: strand for strand in self._strands}
        anchors: dict[str, int] = {}
        for digest in self._digests:
            strand, tip = strands.get(digest["strand_id"]), digest["sequence_no"]
            if strand is None:
                yield f"a saved digest is of strand {digest['strand_id']}, which is not listed"
            elif digest["outcome"] == MATCH:
                anchors[strand["strand_id"]] = max(anchors.get(strand["strand_id"], tip), tip)
                last = strand["last_sequence_no"]
                if tip > last or (tip == last and digest["digest"] != strand["digest"]):
                    yield f"the saved digest of block {tip} cannot match"
        if any(digest["outcome"] == MISMATCH for digest in self._digests) and not any(
            code == "digest-mismatch" for code, _, _ in self._found
        ):
            yield "a saved digest does not match, and that is no finding"
        for strand_id, strand in strands.items():
            if strand["anchored_to"] != anchors.get(strand_id):
                stated = strand["anchored_to"]
                yield f"strand {strand_id} is anchored to {stated}, not {anchors.get(strand_id)}"


def _milder(one: str, other: str) -> bool:
    return VERDICTS.index(one) > VERDICTS.index(other)
