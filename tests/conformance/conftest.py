"""Checkouts of Ion's own test suites, which are not part of this project, and how to read them.

Without QLDB_REPLAY_ION_TESTS (amazon-ion/ion-tests) and QLDB_REPLAY_ION_HASH_TESTS
(amazon-ion/ion-hash-test) the tests are skipped.
"""

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from amazon.ion import simpleion

from qldb_replay.errors import IonFormatError
from qldb_replay.ion.evaluate import Evaluator
from qldb_replay.ion.stream import StreamReader
from qldb_replay.limits import DEFAULT_LIMITS


def suite_files(variable: str, pattern: str, skipped: dict[str, str]) -> list:
    """Parameters for the files of a suite, or one that says which variable to set."""
    folder = os.environ.get(variable)
    if folder is None:
        reason = f"{variable} is not set: the conformance suite does not run"
        return [pytest.param(Path(), marks=pytest.mark.skip(reason=reason))]
    root = Path(folder)
    parameters = []
    for path in sorted(root.glob(pattern)):
        name = str(path.relative_to(root))
        reason = skipped.get(path.name)
        marks = [] if reason is None else [pytest.mark.skip(reason=reason)]
        parameters.append(pytest.param(path, id=name, marks=marks))
    assert parameters, f"{variable} names a folder without {pattern}"
    return parameters


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "suite(variable, pattern, skipped): runs once for each file of a suite"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("suite")
    if marker is not None:
        variable, pattern, skipped = marker.args
        metafunc.parametrize("path", suite_files(variable, pattern, skipped))


@pytest.fixture
def text_to_binary() -> Callable[[bytes], bytes]:
    """Ion text to binary by the pure Python reader and writer, which lose nothing."""

    def convert(text: bytes) -> bytes:
        # Given bytes, the reader takes those of long strings apart wrongly.
        decoded = io.StringIO(text.decode("utf-8"), newline="")
        values = simpleion.load_python(decoded, single_value=False)
        out = io.BytesIO()
        simpleion.dump_python(values, out, binary=True, sequence_as_stream=True)
        # A stream without values is written as nothing at all.
        return out.getvalue() or b"\xe0\x01\x00\xea"

    return convert


def evaluate_in_python(stream: bytes) -> list[tuple[bytes, str, str]]:
    evaluator = Evaluator()
    return [
        evaluator.evaluate(stream, start, end, table)
        for table, _, start, end in StreamReader(evaluator).values(stream, 0, len(stream))
    ]


def evaluate_natively(stream: bytes) -> list[tuple[bytes, str, str]]:
    native = pytest.importorskip(
        "qldb_replay.codec._native", reason="the native codec is not built: see CONTRIBUTING.md"
    )
    try:
        return native.evaluate(stream, DEFAULT_LIMITS)
    except ValueError as error:
        reason, _, offset = str(error).rpartition(" at offset ")
        raise IonFormatError(reason, int(offset)) from None


@pytest.fixture(params=[evaluate_in_python, evaluate_natively], ids=["python", "native"])
def evaluate_all(request: pytest.FixtureRequest) -> Callable[[bytes], list[tuple[bytes, str, str]]]:
    """Message, JSON text and sketch of every top-level value of a stream, by either codec."""
    return request.param
