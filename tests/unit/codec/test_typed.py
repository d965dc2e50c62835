"""Typed columns hold exactly what the documents hold, whichever codec builds them."""

import json
import math
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pytest
from amazon.ion import simpleion
from amazon.ion.core import IonType
from amazon.ion.simple_types import IonPyBytes, IonPyNull, IonPySymbol
from hypothesis import given, settings
from hypothesis import strategies as st

from qldb_replay import codec
from qldb_replay.codec.sketch import fold
from qldb_replay.codec.types import Array, Scalar, Struct, data_type, to_arrow
from qldb_replay.errors import IonFormatError
from qldb_replay.ion import to_json
from qldb_replay.ion.evaluate import Evaluator
from qldb_replay.ion.stream import single_value

IVM = b"\xe0\x01\x00\xea"


def binary(value):
    return simpleion.dumps(value, binary=True)


def from_text(text):
    """Ion text to binary; amazon.ion is only the encoder here."""
    return binary(simpleion.loads(text, parse_eagerly=True))


def sketch(data):
    evaluator = Evaluator()
    table, _, start, end = single_value(data, evaluator)
    return evaluator.evaluate(data, start, end, table)[2]


@pytest.fixture(scope="module", params=["python", "native"])
def build(request):
    """Builds the column of a list of documents."""
    if request.param == "native":
        pytest.importorskip(
            "qldb_replay.codec._native", reason="the native codec is not built: see CONTRIBUTING.md"
        )

    def build(documents, type_):
        array = codec.build(pa.array(documents, pa.binary()), type_, request.param)
        array.validate(full=True)
        assert array.type == to_arrow(type_)
        assert len(array) == len(documents)
        return array

    return build


@pytest.fixture(scope="module")
def typed(build):
    """The column that documents become."""

    def typed(*documents):
        sketches = [sketch(data) for data in documents if data is not None]
        return build(documents, data_type(fold(sketches)))

    return typed


@pytest.fixture(scope="module")
def column(typed):
    """The column that a field with these values becomes."""

    def column(*texts):
        return typed(*[from_text(f"{{a: {text}}}") for text in texts]).field("a")

    return column


UTC = timezone.utc


@pytest.mark.parametrize(
    ("texts", "type_", "values"),
    [
        (["true", "null", "false"], pa.bool_(), [True, None, False]),
        (["1", "-9223372036854775808", "0"], pa.int64(), [1, -(2**63), 0]),
        (
            ["1.50", "-0.000000000000000001", "12345678901234567890", "1d19", "0d99", "-1000d-3"],
            pa.decimal128(38, 18),
            [
                Decimal(text)
                for text in ["1.5", "-1e-18", "12345678901234567890", "1e19", "0", "-1"]
            ],
        ),
        (["1e0", "-7", "null.float"], pa.float64(), [1.0, -7.0, None]),
        (["{{aGk=}}", '{{"hi"}}', "{{}}"], pa.binary(), [b"hi", b"hi", b""]),
        (["a", '"b c"', "''", "$0"], pa.string(), ["a", "b c", "", "$0"]),
        (
            ["2007T", "2007-02-23", "2007-02-23T12:14:33.079-08:00", "x"],
            pa.string(),
            ["2007T", "2007-02-23", "2007-02-23T12:14:33.079-08:00", "x"],
        ),
        (
            [
                "2007-02-23T12:14:33.079-08:00",
                "9999-12-31T23:59:59.999999Z",
                "0001-01-01T00:00:00Z",
            ],
            pa.timestamp("us", tz="UTC"),
            [
                datetime(2007, 2, 23, 20, 14, 33, 79_000, UTC),
                datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC),
                datetime(1, 1, 1, tzinfo=UTC),
            ],
        ),
        (["1", '"1"', "x", "2007T"], pa.string(), ["1", '"1"', '"x"', '"2007T"']),
        (["1.50", "2e0", "nan", "null"], pa.string(), ["1.50", "2.0", "null", None]),
        (["123456789012345678901234"], pa.string(), ["123456789012345678901234"]),
        (["[]", '"x"', "{b:[1.0]}"], pa.string(), ["[]", '"x"', '{"b":[1.0]}']),
        (["[1, null]", "null.list", "[]"], pa.list_(pa.int64()), [[1, None], None, []]),
        (["[[1], null, []]", "()"], pa.list_(pa.list_(pa.int64())), [[[1], None, []], []]),
        (["(a b)", "[{{aGk=}}]"], pa.list_(pa.string()), [['"a"', '"b"'], ['"aGk="']]),
        (["x::1", "y::z::2", "w::null"], pa.int64(), [1, 2, None]),
    ],
)
def test_each_type(column, texts, type_, values):
    array = column(*texts)
    assert array.type == type_
    if pa.types.is_timestamp(type_):
        assert array.cast(pa.int64()).to_pylist() == [
            (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
            for value in values
        ]
    else:
        assert array.to_pylist() == values


def test_structs_with_absent_and_null_fields(typed):
    array = typed(
        from_text("{a: 1}"),
        None,
        from_text("{b: {c: [{d: 1}, null, {}]}, a: null}"),
        from_text("{b: null}"),
        from_text("{b: {}, empty: {}, only_null: null.struct}"),
        from_text("{b: {c: [{d: 2}]}}"),
    )
    assert array.to_pylist() == [
        {"a": 1, "b": None},
        None,
        {"a": None, "b": {"c": [{"d": 1}, None, {"d": None}]}},
        {"a": None, "b": None},
        {"a": None, "b": {"c": None}},
        {"a": None, "b": {"c": [{"d": 2}]}},
    ]


def test_names_that_differ_only_by_case(typed):
    array = typed(from_text("{'a b': 1, id: 2, ID: 3, '': 4}"))
    assert array.to_pylist() == [{"%": 4, "ID": 3, "a%20b": 1, "id__2": 2}]


def test_of_fields_with_the_same_name_the_last_one_counts(typed):
    table = b"\xe7\x81\x83\xd4\x87\xb2\x81a"
    array = typed(
        IVM + table + b"\xd6\x8a\x21\x01\x8a\x21\x02",
        IVM + table + b"\xd5\x8a\x21\x01\x8a\x0f",
        IVM + table + b"\xd3\x8a\x21\x07",
    )
    assert array.to_pylist() == [{"a": 2}, {"a": None}, {"a": 7}]
    lists = typed(IVM + table + b"\xda\x8a\xb4\x21\x01\x21\x02\x8a\xb2\x21\x03")
    assert lists.to_pylist() == [{"a": [3]}]
    inner = b"\x8a\xd3\x8a\x21\x01\x8a\xd3\x8a\x21\x02"
    structs = typed(IVM + table + b"\xda" + inner, IVM + table + b"\xd7" + inner[5:] + b"\x8a\xd0")
    assert structs.to_pylist() == [{"a": {"a": 2}}, {"a": {"a": None}}]
    listed = b"\x8a\xb8\xd3\x8a\x21\x01\xd3\x8a\x21\x02\x8a\xb4\xd3\x8a\x21\x03"
    before = IVM + table + b"\xd6\x8a\xb4\xd3\x8a\x21\x09"
    twice = typed(before, IVM + table + b"\xde\x90" + listed)
    assert twice.to_pylist() == [{"a": [{"a": 9}]}, {"a": [{"a": 3}]}]
    other = typed(IVM + table + b"\xd6\x8a\x81x\x8a\x21\x02")
    assert other.to_pylist() == [{"a": 2}]


def test_pads_and_several_symbol_tables(typed):
    table = b"\xe7\x81\x83\xd4\x87\xb2\x81a"
    append = b"\xea\x81\x83\xd7\x86\x71\x03\x87\xb2\x81b"
    body = b"\x8a\x00\x8b\x21\x01\x8a\x21\x02\x8a\x01\x00"
    padded = IVM + table + append + b"\x01\x00\xdb" + body
    assert typed(padded).to_pylist() == [{"a": 2, "b": 1}]


def test_unknown_symbols_are_written_as_their_number(typed):
    shared = b"\xee\x8f\x81\x83\xdc\x86\xba\xd9\x84\x81x\x85\x21\x01\x88\x21\x05"
    data = IVM + shared + b"\xd3\x8b\x71\x0c"
    assert typed(data).to_pylist() == [{"$11": "$12"}]


@pytest.mark.parametrize(
    "root",
    [
        ["1", "2"],
        ["[1]", "[]"],
        ['"a"', "{a: 1}"],
        ["{" + ",".join(f"f{i}:1" for i in range(1001)) + "}"],
    ],
)
def test_documents_that_are_no_narrow_struct(typed, root):
    documents = [from_text(text) for text in root]
    array = typed(*documents, None)
    if pa.types.is_string(array.type):
        assert array.to_pylist() == [*map(to_json, documents), None]
    else:
        assert array.to_pylist() == [*(json.loads(to_json(data)) for data in documents), None]


def test_no_documents(build):
    type_ = data_type(fold(["{1:ai}"]))
    assert len(build([], type_)) == 0
    assert build([None, None], type_).to_pylist() == [None, None]


@pytest.mark.parametrize(
    "data",
    [b"", b"\xd0", IVM, IVM + b"\xd0\xd0", IVM + b"\xd3\x84\x21", IVM + b"\xd3\x8a\x21\x01"],
)
def test_documents_that_are_not_one_valid_value(build, data):
    with pytest.raises(IonFormatError):
        build([data], data_type(fold(["{4:namei}"])))


@pytest.mark.parametrize("letter", ["b", "i", "d", "f", "t", "x", "s", "[b]", "{1:ab}"])
def test_a_value_of_another_type_is_refused(build, letter):
    odd = '{{"clob"}}' if letter not in "x" else "1"
    with pytest.raises(ValueError, match="Ion value of type"):
        build([from_text(f"{{a: {odd}}}")], data_type(fold([f"{{1:a{letter}}}"])))


@pytest.mark.parametrize(
    "body",
    [
        b"\x94\x01",  # 1d20
        b"\xd3\x01",  # 1d-19
        b"\x93\x64",  # 100d19
        b"\x3f\x7f\x7f\x7f\x7f\xff\x01",  # 1d2199023255551
        b"\x7f\x7f\x7f\x7f\x7f\xff\x01",
        b"\xd3" + (10**20 + 1).to_bytes(9, "big"),
    ],
)
def test_decimals_that_do_not_fit_are_refused_at_once(build, body):
    value = bytes([0x50 | len(body)]) + body
    data = IVM + b"\xe7\x81\x83\xd4\x87\xb2\x81a" + bytes([0xD1 + len(value)]) + b"\x8a" + value
    with pytest.raises(ValueError, match="type 5 in a column of type decimal"):
        build([data], data_type(fold(["{1:ad}"])))


@pytest.mark.parametrize(
    ("letter", "fitting", "beyond"),
    [
        ("i", [2**63 - 1, -(2**63)], [2**63, -(2**63) - 1, 2**200]),
        ("d", [10**20 - 1, 1 - 10**20], [10**20, -(10**20), 2**127, 2**200]),
        ("f", [2**53, -(2**53)], [2**53 + 1, -(2**53) - 1, 2**2000]),
    ],
)
def test_ints_that_do_not_fit_are_refused(build, letter, fitting, beyond):
    type_ = data_type(fold([letter]))
    assert build([binary(number) for number in fitting], type_).to_pylist() == fitting
    for number in beyond:
        with pytest.raises(ValueError, match=r"Ion value of type [23] in a column of type"):
            build([binary(number)], type_)


def test_a_decimal_of_many_digits_may_have_few(typed):
    zeros = (10**90).to_bytes(38, "big")
    whole = IVM + b"\x5e\xa8\x40\xda" + zeros
    assert typed(whole, IVM + b"\x52\xc1\x0f").to_pylist() == [1, Decimal("1.5")]


SCALARS = st.one_of(
    st.none(),
    st.sampled_from([IonType.INT, IonType.STRUCT, IonType.LIST]).map(
        lambda type_: IonPyNull.from_value(type_, None)
    ),
    st.booleans(),
    st.integers(-10, 10),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.decimals(allow_nan=False, allow_infinity=False, places=4),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=5),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=5).map(
        lambda text: IonPySymbol.from_value(IonType.SYMBOL, text)
    ),
    st.binary(max_size=5),
    st.binary(max_size=5).map(lambda raw: IonPyBytes.from_value(IonType.CLOB, raw)),
    st.datetimes(
        timezones=st.just(UTC), min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)
    ),
)
NAMES = st.one_of(st.sampled_from("abAB"), st.text(st.characters(codec="utf-8"), max_size=2))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=10,
)


def plain(value, type_):
    """What the column must hold, from the Python value instead of its bytes."""
    if value is None or isinstance(value, IonPyNull):
        return None
    if isinstance(type_, Struct):
        return {each.name: plain(value.get(each.original), each.type) for each in type_.fields}
    if isinstance(type_, Array):
        return [plain(each, type_.element) for each in value]
    if type_ is Scalar.JSON:
        return to_json(binary(value))
    if type_ is Scalar.TEXT:
        return json.loads(to_json(binary(value)))
    if type_ is Scalar.BINARY:
        return bytes(value)
    if type_ is Scalar.DECIMAL:
        return Decimal(value)
    return float(value) if type_ is Scalar.DOUBLE else value


def same(left, right):
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right and type(left) is type(right)


DOCUMENTS = st.lists(st.one_of(st.dictionaries(NAMES, VALUES, max_size=5), VALUES), max_size=5)
ALIKE = st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys("abc", VALUES)), max_size=5)


@settings(max_examples=300, deadline=None)
@given(st.one_of(DOCUMENTS, ALIKE))
def test_any_documents(build, documents):
    encoded = [binary(document) for document in documents]
    type_ = data_type(fold(map(sketch, encoded)))
    if type_ is None:
        return
    found = build(encoded, type_).to_pylist()
    assert same(found, [plain(document, type_) for document in documents])
