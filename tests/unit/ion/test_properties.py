"""Against another reader and writer, amazon.ion, and against damage."""

import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from amazon.ion import simpleion
from hypothesis import given, settings
from hypothesis import strategies as st

from qldb_replay.errors import IonFormatError
from qldb_replay.ion import ion_hash, split_records, to_json
from qldb_replay.ion.evaluate import Evaluator
from qldb_replay.ion.stream import StreamReader

texts = st.text(st.characters(codec="utf-8"), max_size=20)
decimals = st.builds(
    lambda sign, digits, exponent: Decimal((sign, tuple(map(int, str(digits))), exponent)),
    st.integers(0, 1),
    st.integers(0, 10**25),
    st.integers(-30, 30),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    decimals,
    texts,
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=15,
)


def dumped(value: Any) -> bytes:
    out = io.BytesIO()
    simpleion.dump_python(value, out, binary=True)
    return out.getvalue()


def plain(value: Any) -> Any:
    """A value as JSON has it, numbers exact and told apart by their text."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Decimal):
        return ("number", value.as_tuple())
    if isinstance(value, float):
        return ("number", Decimal(repr(value)).as_tuple())
    return ("number", Decimal(value).as_tuple())


@given(values)
def test_json_says_what_another_writer_wrote(value: Any) -> None:
    text = to_json(dumped(value))

    def number(digits: str) -> tuple[str, Any]:
        return ("number", Decimal(digits).as_tuple())

    assert json.loads(text, parse_float=number, parse_int=number) == plain(value)


@given(st.dictionaries(texts, values, min_size=2, max_size=6), st.randoms())
def test_the_order_of_fields_does_not_change_the_hash(value: dict[str, Any], random: Any) -> None:
    items = list(value.items())
    random.shuffle(items)
    assert ion_hash(dumped(dict(items))) == ion_hash(dumped(value))


@given(st.lists(st.dictionaries(texts, scalars, max_size=4), max_size=12))
def test_what_is_remembered_changes_nothing(documents: list[dict[str, Any]]) -> None:
    shared = Evaluator()
    reader = StreamReader(shared)
    for document in documents * 2:
        stream = dumped(document)
        alone = Evaluator()
        found = [
            evaluator.evaluate(stream, start, end, table)
            for evaluator, source in ((shared, reader), (alone, StreamReader(alone)))
            for table, _, start, end in source.values(stream, 0, len(stream))
        ]
        assert found[0] == found[1]


EVERYTHING = dumped(
    {
        "null": None,
        "bool": True,
        "int": -(2**70),
        "decimal": Decimal("-1.50"),
        "float": 0.1,
        "time": simpleion.loads("2007-02-23T12:14:33.079-08:00"),
        "symbol": simpleion.loads("symbol"),
        "blob": b"\x0b\x0c\x0e",
        "clob": simpleion.loads('{{"clob"}}'),
        "list": [1, [2], "a long string that needs a length of its own"],
        "struct": {"int": simpleion.loads("note::5")},
    }
)


def survives(call: Callable[[bytes], object], data: bytes) -> None:
    offset = 0
    try:
        call(data)
    except IonFormatError as error:
        offset = error.offset
    assert 0 <= offset <= len(data)


@pytest.mark.parametrize("call", [ion_hash, to_json, split_records])
def test_every_truncation_is_refused(call: Callable[[bytes], object]) -> None:
    for length in range(1, len(EVERYTHING)):
        whole_values = EVERYTHING[:length] in (EVERYTHING[:4], TABLE_ONLY)
        if call is split_records and whole_values:
            continue
        with pytest.raises(IonFormatError):
            call(EVERYTHING[:length])


TABLE_ONLY = EVERYTHING[
    : next(
        symbols_end
        for _, symbols_end, _, _ in StreamReader(Evaluator()).values(EVERYTHING, 0, len(EVERYTHING))
    )
]


@pytest.mark.parametrize("call", [ion_hash, to_json, split_records])
def test_every_changed_byte_is_read_or_refused(call: Callable[[bytes], object]) -> None:
    for position in range(len(EVERYTHING)):
        for flip in (0x01, 0x02, 0x08, 0x10, 0x40, 0x80, 0xFF):
            damaged = bytearray(EVERYTHING)
            damaged[position] ^= flip
            survives(call, bytes(damaged))


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for call in (ion_hash, to_json, split_records):
        survives(call, data)
        survives(call, b"\xe0\x01\x00\xea" + data)
