"""Checking an evidence file: its form, its hash, its signature, and that it fits itself.

The first line tells whether it is one at all. From there on, whatever is not exactly what
`write_evidence` writes is a problem of the file: something changed it. Reading goes line by line
and holds neither findings nor objects.
"""

from __future__ import annotations

import binascii
import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from qldb_replay.errors import UsageError
from qldb_replay.journal.findings import SEVERITIES, VERDICTS
from qldb_replay.journal.verification import FULL, INCREMENTAL, OUTCOMES
from qldb_replay.limits import MIB
from qldb_replay.report.consistency import Consistency
from qldb_replay.report.evidence import FORMAT, canonical, signed_message
from qldb_replay.report.signing import ALGORITHM, PUBLIC_BYTES, SIGNATURE_BYTES, PublicKey

LINE_BYTES = MIB
"""Longest line that is read; `write_evidence` cuts texts far below it."""
MOST_PROBLEMS = 20
"""Most problems that are named."""

VALID, INVALID, ABSENT = "valid", "invalid", "absent"


@dataclass(frozen=True)
class Checked:
    """What checking a file gave.

    Attributes:
        problems: what is wrong with it, none if nothing is. At most `MOST_PROBLEMS` are named.
        verdict: what the file says, None where it could not be read that far. Without a signature
            by a key that one knows it is worth as much as its bearer's word.
        findings: how many it lists.
        objects: how many it lists.
        contents_sha256: over what depends on the lake alone, recomputed; empty where it could not
            be read that far.
        signature: `valid`, `invalid` or `absent`.
        signed_by: fingerprint of the key that the file names, None without a signature.
        trusted: whether the signature is valid and of the key that was expected.
    """

    problems: tuple[str, ...]
    verdict: str | None
    findings: int
    objects: int
    contents_sha256: str
    signature: str
    signed_by: str | None
    trusted: bool


def check_evidence(stream: BinaryIO, key: PublicKey | None) -> Checked:
    """Checks a file.

    Args:
        stream: its bytes, from the first on.
        key: the key that must have signed it, None to take a signature of any key, or none.

    Returns:
        What is wrong with it, and what it says.

    Raises:
        UsageError: it is no evidence file, or of a format that this version does not know, or it is
            signed and `cryptography` is not installed.
    """
    check = _Check(stream, key)
    check.format()
    try:
        check.run()
    except _ChangedError as error:
        check.problems.append(str(error))
    return check.result()


class _ChangedError(Exception):
    """The file is not what was written, and cannot be read further."""


class _Check:
    """Reads through a file once, keeping what `Checked` needs."""

    def __init__(self, stream: BinaryIO, key: PublicKey | None) -> None:
        self._stream = stream
        self._key = key
        self._hashed = hashlib.sha256()
        self._number = 0
        self.problems: list[str] = []
        self._verdict: str | None = None
        self._consistency: Consistency | None = None
        self._contents_sha256 = ""
        self._signature = ABSENT
        self._signed_by: str | None = None
        self._expected_key = False

    def result(self) -> Checked:
        problems = self.problems
        if len(problems) > MOST_PROBLEMS:
            more = f"{len(problems) - MOST_PROBLEMS} more problems"
            problems = [*problems[:MOST_PROBLEMS], more]
        rules = self._consistency
        return Checked(
            tuple(problems),
            self._verdict,
            0 if rules is None else rules.findings,
            0 if rules is None else rules.objects,
            self._contents_sha256,
            self._signature,
            self._signed_by,
            self._signature == VALID and self._expected_key,
        )

    def format(self) -> None:
        line = self._line()
        if line == f'{{"format":{canonical(FORMAT)},\n':
            return
        if line.startswith('{"format":"qldb-replay/evidence/') and line.endswith('",\n'):
            raise UsageError(
                f"evidence file: another format than {FORMAT}, use the version it is of"
            )
        raise UsageError(f'evidence file: expected {{"format":"{FORMAT}", as the first line')

    def run(self) -> None:
        _each(self._member("tool"), self._number, {"name": _text, "version": _text})
        strict = self._member("strict", _flag)
        verdict = self._verdict = self._member("verdict", _one_of(VERDICTS))
        counts = self._member("counts", _numbers)
        checks = dict(self._entries("checks", {"checked": _number, "findings": _number}))
        strands = list(self._rows("strands", _STRAND))
        digests = list(self._rows("digests", _DIGEST))
        rules = Consistency(strict, verdict, counts, checks, strands, digests)
        self._consistency = rules
        for finding in self._rows("findings", _FINDING):
            rules.finding(finding)
        for _ in self._rows("objects", _OBJECT):
            rules.object()
        self.problems += rules.problems()
        self._contents_sha256 = self._hashed.hexdigest()
        if self._member("contents_sha256") != self._contents_sha256:
            self.problems.append("contents_sha256 is not the hash of what is above it")
        _each(
            self._member("run"), self._number, {"run_id": _text, "started": _text, "ended": _text}
        )
        mode = _one_of((FULL, INCREMENTAL))
        scope = {"mode": mode, "recomputed": _numbers, "carried": _numbers}
        _each(self._member("scope"), self._number, scope)
        self._signed(self._hashed.hexdigest())
        if self._stream.read(1) != b"":
            self.problems.append(f"something stands after line {self._number}, the last one")

    def _signed(self, sha256: str) -> None:
        line = self._line()
        if not (line.startswith('"signature":') and line.endswith("}\n")):
            raise self._changed("signature")
        signature = self._value(line[len('"signature":') : -2])
        if signature is None:
            if self._key is not None:
                self.problems.append(f"not signed, expected key {self._key.fingerprint}")
            return
        self._signature = INVALID
        texts = dict.fromkeys(("algorithm", "key_sha256", "public_key", "value"), _text)
        _each(signature, self._number, texts)
        raw = _binary(signature["public_key"], PUBLIC_BYTES)
        value = _binary(signature["value"], SIGNATURE_BYTES)
        if raw is None or value is None or signature["algorithm"] != ALGORITHM:
            raise self._changed(f"an {ALGORITHM} key and signature")
        public = PublicKey(raw)
        self._signed_by = public.fingerprint
        if signature["key_sha256"] != public.fingerprint:
            self.problems.append("key_sha256 is not the fingerprint of the public key")
        if public.verifies(value, signed_message(sha256)):
            self._signature = VALID
        else:
            self.problems.append("the signature is not of this content")
        self._expected_key = self._key == public
        if self._key is not None and not self._expected_key:
            expected = self._key.fingerprint
            self.problems.append(f"signed by key {public.fingerprint}, expected key {expected}")

    def _member(self, name: str, form: Form | None = None) -> Any:
        line, start = self._line(), f'"{name}":'
        if not (line.startswith(start) and line.endswith(",\n")):
            raise self._changed(name)
        value = self._value(line[len(start) : -2])
        if form is not None and not form(value):
            raise self._changed(f"{name} of its type")
        return value

    def _lines(self, name: str, brackets: str) -> Iterator[str]:
        """Gives the lines of a list without what separates them."""
        if self._line() != f'"{name}":{brackets[0]}\n':
            raise self._changed(name)
        last, line = True, self._line()
        first = True
        while line != f"{brackets[1]},\n":
            if last and not first:
                raise self._changed(f"the end of {name}")
            last, first = not line.endswith(",\n"), False
            yield line.removesuffix("\n").removesuffix(",")
            line = self._line()
        if not first and not last:
            raise self._changed(f"the next of {name}")

    def _rows(self, name: str, forms: Mapping[str, Form]) -> Iterator[dict[str, Any]]:
        for line in self._lines(name, "[]"):
            row = self._value(line)
            _each(row, self._number, forms)
            yield row

    def _entries(
        self, name: str, forms: Mapping[str, Form]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        before = ""
        for line in self._lines(name, "{}"):
            entry = self._value(f"{{{line}}}")
            if not isinstance(entry, dict) or len(entry) != 1 or next(iter(entry)) <= before:
                raise self._changed(f"the next of {name} by its code")
            (before, value) = next(iter(entry.items()))
            _each(value, self._number, forms)
            yield before, value

    def _line(self) -> str:
        line = self._stream.readline(LINE_BYTES + 1)
        self._number += 1
        if line == b"" and self._number > 1:
            raise _ChangedError(f"the file ends before line {self._number}")
        if len(line) > LINE_BYTES and self._number > 1:
            raise _ChangedError(f"line {self._number} is longer than {LINE_BYTES} bytes")
        self._hashed.update(line)
        return line.decode("latin-1")

    def _value(self, text: str) -> Any:
        """Reads a value, which must stand in the one form that it can have."""
        try:
            value = json.loads(text)
            if canonical(value) == text:
                return value
        except (ValueError, RecursionError):
            pass
        raise _ChangedError(f"line {self._number} is not as it was written")

    def _changed(self, expected: str) -> _ChangedError:
        return _ChangedError(f"line {self._number}: expected {expected}")


Form = Callable[[Any], bool]


def _each(value: Any, number: int, forms: Mapping[str, Form]) -> None:
    if not isinstance(value, dict) or value.keys() != forms.keys():
        raise _ChangedError(f"line {number}: expected an object with {', '.join(forms)}")
    wrong = [name for name, form in forms.items() if not form(value[name])]
    if wrong:
        raise _ChangedError(f"line {number}: {wrong[0]} has another type or value than it can have")


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _numbers(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_number, value.values()))


def _hash(value: Any) -> bool:
    return isinstance(value, str) and _binary(value, 32) is not None


def _optional(form: Form) -> Form:
    return lambda value: value is None or form(value)


def _one_of(values: tuple[str, ...]) -> Form:
    return lambda value: value in values


def _binary(text: str, length: int) -> bytes | None:
    """Reads Base64 that is written in the one form that it can have."""
    try:
        value = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return value if len(value) == length and b64encode(value).decode() == text else None


_STRAND: dict[str, Form] = {
    "strand_id": _text,
    "first_sequence_no": _number,
    "last_sequence_no": _number,
    "blocks": _number,
    "digest": _optional(_hash),
    "verdict": _one_of(VERDICTS),
    "anchored_to": _optional(_number),
}
_DIGEST: dict[str, Form] = {
    "strand_id": _text,
    "sequence_no": _number,
    "digest": _hash,
    "outcome": _one_of(OUTCOMES),
}
_FINDING: dict[str, Form] = {
    "code": _text,
    "severity": _one_of(SEVERITIES),
    "strand_id": _optional(_text),
    "sequence_no": _optional(_number),
    "document_id": _optional(_text),
    "version": _optional(_number),
    "object_uri": _optional(_text),
    "offset": _optional(_number),
    "expected": _optional(_text),
    "actual": _optional(_text),
    "detail": _optional(_text),
    "acknowledged": _flag,
}
_OBJECT: dict[str, Form] = {
    "object_uri": _text,
    "sha256": _optional(_text),
    "size": _number,
    "status": _text,
}
