"""Every case of amazon-ion/ion-hash-test, whose digests are the identity or MD5."""

import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from amazon.ion import simpleion

from qldb_replay.ion.evaluate import Evaluator
from qldb_replay.ion.framing import IVM
from qldb_replay.ion.stream import single_value
from qldb_replay.limits import DEFAULT_LIMITS

VARIABLE = "QLDB_REPLAY_ION_HASH_TESTS"


class Identity(NamedTuple):
    """The suite's "hash function" that gives back what it is fed."""

    message: bytes

    def digest(self) -> bytes:
        return self.message


HASHERS = {"identity": Identity, "md5": hashlib.md5}


def cases() -> Iterator[Any]:
    folder = os.environ.get(VARIABLE)
    if folder is None:
        reason = f"{VARIABLE} is not set: the conformance suite does not run"
        yield pytest.param("identity", b"", b"", marks=pytest.mark.skip(reason=reason))
        return
    text = (Path(folder) / "ion_hash_tests.ion").read_bytes()
    for number, case in enumerate(simpleion.load_python(io.BytesIO(text), single_value=False)):
        for hasher, calls in case["expect"].items():
            digests = [call for call in calls if "digest" in call.ion_annotations[0].text]
            expected = bytes(digests[-1]) if digests else b""
            name = case.ion_annotations[0].text if case.ion_annotations else "case"
            yield pytest.param(hasher, binary(case), expected, id=f"{number}-{name}-{hasher}")


def binary(case: Any) -> bytes:
    if "10n" in case:
        raw = bytes(case["10n"])
        return raw if raw.startswith(IVM) else IVM + raw
    out = io.BytesIO()
    simpleion.dump_python(case["ion"], out, binary=True)
    return out.getvalue()


@pytest.mark.parametrize(("hasher", "value", "expected"), list(cases()))
def test_the_digest_is_the_suites(hasher: str, value: bytes, expected: bytes) -> None:
    evaluator = Evaluator(hasher=HASHERS[hasher])
    table, _, start, end = single_value(value, evaluator)
    message, _, _ = evaluator.evaluate(value, start, end, table)
    assert evaluator.hasher(message).digest() == expected


@pytest.mark.parametrize(("hasher", "value", "expected"), list(cases()))
def test_the_native_codec_hashes_the_same(hasher: str, value: bytes, expected: bytes) -> None:
    """It has SHA-256 alone, for which the suite has no digests: the reference gives them."""
    native = pytest.importorskip(
        "qldb_replay.codec._native", reason="the native codec is not built: see CONTRIBUTING.md"
    )
    evaluator = Evaluator()
    table, _, start, end = single_value(value, evaluator)
    form = evaluator.evaluate(value, start, end, table)
    assert native.evaluate(value, DEFAULT_LIMITS) == [form]
