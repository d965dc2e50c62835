"""The evidence file: what a verification found, for programs, to keep and to check again.

One JSON object in one exact form, so that files can be compared byte for byte and line by line:
ASCII; a member, a finding or an object of the archive on each line; no blanks; numbers are whole;
keys within a line are sorted. Its members, in this order:

    format           "qldb-replay/evidence/1"
    tool             {"name", "version"}
    strict           whether --strict made block-unexplained incomplete
    verdict          "pass", "fail" or "incomplete"
    counts           by name, as in the command's summary
    checks           {code: {"checked", "findings"}}, over the whole lake
    strands          as in the command's summary
    digests          saved digests: {"strand_id", "sequence_no", "digest", "outcome"}
    findings         rows of the table `findings`, without the run
    objects          {"object_uri", "size", "sha256", "status"} of every object of the archive
    contents_sha256  of all bytes above
    run              {"run_id", "started", "ended"}
    scope            {"mode", "recomputed", "carried"}: what this run computed anew
    signature        {"algorithm", "public_key", "key_sha256", "value"}, or null

What is above `contents_sha256` depends on the lake alone, so the same lake gives the same bytes and
the same hash whoever verifies it and when. `run` and `scope` differ between runs and stand below
it; but they are signed, as otherwise a file could be given another date. The signature is over the
ASCII text "qldb-replay/evidence/1 " and the hexadecimal SHA-256 of all bytes above the signature's
line, so that sed, sha256sum and openssl are enough to check it.

Lists may have millions of rows: they are written and checked as they come, never held.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, TypeVar

from qldb_replay.journal.verification import (
    FINDING_ORDER,
    Check,
    Digest,
    Finding,
    Run,
    Scope,
    Strand,
)
from qldb_replay.report.consistency import Consistency
from qldb_replay.report.signing import ALGORITHM, SigningKey

FORMAT = "qldb-replay/evidence/1"
NAME = "qldb-replay"
LONGEST_TEXT = 4_096
"""Longest text in a row; of a longer one its beginning and its hash are written."""


@dataclass(frozen=True)
class ArchiveObject:
    """An object of the archive.

    Attributes:
        object_uri: its URI.
        size: stored bytes.
        sha256: of the stored bytes, None if they could not be read.
        status: `read`, `unreadable` or `changed`.
    """

    object_uri: str
    size: int
    sha256: bytes | None
    status: str


@dataclass(frozen=True)
class Evidence:
    """What the file says, but for its two long lists.

    Attributes:
        tool_version: of qldb-replay.
        run: the verification's run.
        scope: what it computed anew.
        verdict: its verdict.
        counts: by name, as in the command's summary; `objects` is the number of objects.
        checks: one for each code that is checked, whatever it gave.
        strands: all strands.
        digests: all digests that were ever given.
    """

    tool_version: str
    run: Run
    scope: Scope
    verdict: str
    counts: Mapping[str, int]
    checks: Sequence[Check]
    strands: Sequence[Strand]
    digests: Sequence[Digest]


def write_evidence(
    evidence: Evidence,
    findings: Iterable[Finding],
    objects: Iterable[ArchiveObject],
    key: SigningKey | None,
) -> Iterator[str]:
    """Writes the file.

    Args:
        evidence: what it says.
        findings: all findings, sorted by `code, strand_id, sequence_no, document_id, version,
            object_uri, offset, expected, actual, detail`, nulls first, texts by their UTF-8 bytes
            (Spark's `orderBy` of these columns).
        objects: all objects, sorted by `object_uri, sha256` in the same way.
        key: signs the file, None for a file without a signature.

    Yields:
        Its text, ASCII.

    Raises:
        ValueError: what is given contradicts itself: order, counts, severities, verdict. What was
            written until then is no evidence file.
    """
    hashed = hashlib.sha256()
    for text in _contents(evidence, findings, objects):
        hashed.update(text.encode("ascii"))
        yield text
    tail = (
        _member("contents_sha256", hashed.hexdigest())
        + _member("run", _run(evidence.run))
        + _member("scope", _scope(evidence.scope))
    )
    hashed.update(tail.encode("ascii"))
    yield tail
    signature = None if key is None else _signature(key, hashed.hexdigest())
    yield f'"signature":{canonical(signature)}}}\n'


def canonical(value: Any) -> str:
    """Writes a JSON value in the file's one form, raising ValueError at a float."""
    _refuse_floats(value)
    return _ENCODER.encode(value)


def signed_message(sha256: str) -> bytes:
    """Gives the bytes that are signed.

    Args:
        sha256: of all bytes above the signature's line, in hexadecimal.
    """
    return f"{FORMAT} {sha256}".encode("ascii")


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def _refuse_floats(value: Any) -> None:
    # Whoever computes with columns that have nulls easily gets floats where whole numbers were.
    if isinstance(value, float):
        raise ValueError("an evidence file has whole numbers only")
    if isinstance(value, dict):
        for each in value.values():
            _refuse_floats(each)


def _contents(
    evidence: Evidence, findings: Iterable[Finding], objects: Iterable[ArchiveObject]
) -> Iterator[str]:
    checks = {
        each.code: {"checked": each.checked, "findings": each.findings}
        for each in sorted(evidence.checks, key=lambda check: check.code)
    }
    strands = sorted(map(_with_text, evidence.strands), key=canonical)
    digests = sorted(map(_with_text, evidence.digests), key=canonical)
    strict = evidence.scope.strict
    consistency = Consistency(strict, evidence.verdict, evidence.counts, checks, strands, digests)
    yield f'{{"format":{canonical(FORMAT)},\n'
    yield _member("tool", {"name": NAME, "version": evidence.tool_version})
    yield _member("strict", strict)
    yield _member("verdict", evidence.verdict)
    yield _member("counts", dict(evidence.counts))
    lines = (f"{canonical(code)}:{canonical(each)}" for code, each in checks.items())
    yield from _list("checks", "{}", lines)
    yield from _list("strands", "[]", map(canonical, strands))
    yield from _list("digests", "[]", map(canonical, digests))
    yield from _list("findings", "[]", _findings(findings, consistency))
    yield from _list("objects", "[]", _objects(objects, consistency))
    problems = consistency.problems()
    if problems:
        raise ValueError(f"evidence that contradicts itself: {'; '.join(problems)}")


def _member(name: str, value: Any) -> str:
    return f'"{name}":{canonical(value)},\n'


def _list(name: str, brackets: str, lines: Iterable[str]) -> Iterator[str]:
    yield f'"{name}":{brackets[0]}\n'
    separator, end = "", ""
    for line in lines:
        yield separator + line
        separator, end = ",\n", "\n"
    yield f"{end}{brackets[1]},\n"


def _findings(findings: Iterable[Finding], consistency: Consistency) -> Iterator[str]:
    for finding in _ordered(findings, FINDING_ORDER):
        row = {name: _bounded(value) for name, value in vars(finding).items()}
        consistency.finding(row)
        yield canonical(row)


def _objects(objects: Iterable[ArchiveObject], consistency: Consistency) -> Iterator[str]:
    for each in _ordered(objects, ("object_uri", "sha256")):
        consistency.object()
        row = {
            "object_uri": _bounded(each.object_uri),
            "sha256": None if each.sha256 is None else each.sha256.hex(),
            "size": each.size,
            "status": each.status,
        }
        yield canonical(row)


T = TypeVar("T")


def _ordered(rows: Iterable[T], columns: Sequence[str]) -> Iterator[T]:
    """Passes rows on, raising ValueError where they are not sorted with nulls first."""
    before: list[tuple[bool, Any]] = []
    for row in rows:
        values = [getattr(row, column) for column in columns]
        key = [(value is not None, value) for value in values]
        if key < before:
            raise ValueError(f"rows are not sorted by {', '.join(columns)}")
        before = key
        yield row


def _bounded(value: Any) -> Any:
    """Keeps a row's length within reason whatever an archive calls its documents."""
    if not isinstance(value, str) or len(value) <= LONGEST_TEXT:
        return value
    whole = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{value[:LONGEST_TEXT]}… ({len(value)} characters, SHA-256 {whole})"


def _with_text(row: Strand | Digest) -> dict[str, Any]:
    digest = None if row.digest is None else _text(row.digest)
    return {**{name: _bounded(value) for name, value in vars(row).items()}, "digest": digest}


def _run(run: Run) -> dict[str, Any]:
    return {"run_id": run.run_id, "started": _time(run.started), "ended": _time(run.ended)}


def _scope(scope: Scope) -> dict[str, Any]:
    recomputed, carried = dict(scope.recomputed), dict(scope.carried)
    return {"mode": scope.mode, "recomputed": recomputed, "carried": carried}


def _signature(key: SigningKey, sha256: str) -> dict[str, str]:
    return {
        "algorithm": ALGORITHM,
        "key_sha256": key.public.fingerprint,
        "public_key": _text(key.public.raw),
        "value": _text(key.sign(signed_message(sha256))),
    }


def _time(time: datetime) -> str:
    if time.tzinfo is None:
        raise ValueError("a run's times need a zone")
    return time.astimezone(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _text(value: bytes) -> str:
    return b64encode(value).decode("ascii")
