"""Every Ion 1.0 file of amazon-ion/ion-tests.

Binary files are read as they are. Text files are made binary by amazon.ion, in pure Python; where
that library cannot read one, or writes something else, the file is skipped by name below.
"""

from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest

from qldb_replay.errors import IonFormatError
from qldb_replay.ion.evaluate import Evaluator
from qldb_replay.ion.forms import read_text
from qldb_replay.ion.framing import body_bounds
from qldb_replay.ion.stream import StreamReader
from qldb_replay.ion.symbols import elements, open_wrapper

VARIABLE = "QLDB_REPLAY_ION_TESTS"
Evaluate = Callable[[bytes], list[tuple[bytes, str, str]]]
Convert = Callable[[bytes], bytes]

_UTF_8 = "amazon.ion reads UTF-8 only"
_HUGE = "amazon.ion sets up the 2^31 and more symbols that the file imports"
UNREADABLE_TEXT = {
    "subfieldVarInt.ion": "Python's decimals do not have the exponents",
    "subfieldVarUInt.ion": _HUGE,
    "subfieldVarUInt32bit.ion": _HUGE,
    "utf16.ion": _UTF_8,
    "utf32.ion": _UTF_8,
    "whitespace.ion": "amazon.ion refuses a vertical tab behind a number",
}
"""Good text files that amazon.ion does not read, or not right."""

_REPEATED = "amazon.ion takes the last of a symbol table's repeated fields"
UNREFUSED_TEXT = {
    "localSymbolTableWithMultipleImportsFields.ion": _REPEATED,
    "localSymbolTableWithMultipleSymbolsAndImportsFields.ion": _REPEATED,
    "localSymbolTableWithMultipleSymbolsFields.ion": _REPEATED,
}
"""Bad text files that amazon.ion reads nevertheless."""

_UNKNOWN = "amazon.ion does not write symbols of unknown text; test_symbols.py has these cases"
LOST_IN_TEXT = {
    "localSymbolTableNullSlots.ion": _UNKNOWN,
    "symbolTablesUnknownText.ion": _UNKNOWN,
}
"""Files of equivalent or different values that amazon.ion does not turn into binary."""


@pytest.mark.suite(VARIABLE, "iontestdata/good/**/*.10n", {})
def test_good_binary_is_evaluated(path: Path, evaluate_all: Evaluate) -> None:
    evaluate_all(path.read_bytes())


@pytest.mark.suite(VARIABLE, "iontestdata/bad/**/*.10n", {})
def test_bad_binary_is_refused(path: Path, evaluate_all: Evaluate) -> None:
    with pytest.raises(IonFormatError):
        evaluate_all(path.read_bytes())


@pytest.mark.suite(VARIABLE, "iontestdata/good/**/*.ion", UNREADABLE_TEXT)
def test_good_text_is_evaluated(
    path: Path, text_to_binary: Convert, evaluate_all: Evaluate
) -> None:
    evaluate_all(text_to_binary(path.read_bytes()))


@pytest.mark.suite(VARIABLE, "iontestdata/bad/**/*.ion", UNREFUSED_TEXT)
def test_bad_text_never_becomes_binary(path: Path, text_to_binary: Convert) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 - the library raises many kinds
        text_to_binary(path.read_bytes())


@pytest.mark.suite(VARIABLE, "iontestdata/good/equivs/**/*.*", LOST_IN_TEXT)
def test_equivalent_values_hash_equal(path: Path, text_to_binary: Convert) -> None:
    for group in groups(path, text_to_binary):
        assert len(set(group)) == 1


@pytest.mark.suite(VARIABLE, "iontestdata/good/non-equivs/**/*.*", LOST_IN_TEXT)
def test_different_values_hash_different(path: Path, text_to_binary: Convert) -> None:
    for group in groups(path, text_to_binary):
        for left, right in combinations(group, 2):
            assert left != right


def groups(path: Path, convert: Convert) -> Iterator[list[tuple[bytes, ...]]]:
    """What is hashed of each member of each top-level sequence of a file."""
    content = path.read_bytes()
    stream = content if path.suffix == ".10n" else convert(content)
    evaluator = Evaluator()
    for table, _, start, end in StreamReader(evaluator).values(stream, 0, len(stream)):
        body, _ = body_bounds(stream, start, end)
        embedded = False
        if stream[start] >= 0xE0:
            sids, start = open_wrapper(stream, body, end)
            body, _ = body_bounds(stream, start, end)
            embedded = table.text(sids[0], body) == "embedded_documents"
        members = list(elements(stream, body, end))
        if embedded:
            texts = [read_text(stream, inner, stop) for _, inner, stop in members]
            yield [messages(convert(text.encode())) for text in texts]
        else:
            yield [(evaluator.evaluate(stream, pos, stop, table)[0],) for pos, _, stop in members]


def messages(stream: bytes) -> tuple[bytes, ...]:
    evaluator = Evaluator()
    reader = StreamReader(evaluator)
    return tuple(
        evaluator.evaluate(stream, start, end, table)[0]
        for table, _, start, end in reader.values(stream, 0, len(stream))
    )
