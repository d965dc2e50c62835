"""From shapes to column types and names."""

from itertools import combinations

import pyarrow as pa
import pytest

from qldb_replay.codec.sketch import fold
from qldb_replay.codec.types import (
    Array,
    Field,
    Scalar,
    Struct,
    column_names,
    data_type,
    to_arrow,
    to_spark_json,
)


def type_of(*sketches):
    return data_type(fold(sketches))


WANTED = {
    Scalar.BOOL: ["b"],
    Scalar.BIGINT: ["i", "j", "ij"],
    Scalar.DECIMAL: ["d", "k", "dk", "di", "dj", "ki", "kj", "dij", "kij", "dki", "dkj", "dkij"],
    Scalar.DOUBLE: ["f", "fi"],
    Scalar.TIMESTAMP: ["t"],
    Scalar.BINARY: ["x", "c", "xc"],
    Scalar.TEXT: ["".join(c) for n in range(1, 5) for c in combinations("sytu", n) if c != ("t",)],
}


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_mix_of_leaves(count):
    wanted = {frozenset(letters): type_ for type_, mixes in WANTED.items() for letters in mixes}
    for letters in combinations("bijkldeftusyxczw", count):
        assert type_of(*letters) is wanted.get(frozenset(letters), Scalar.JSON)
        assert type_of("n", *letters) is wanted.get(frozenset(letters), Scalar.JSON)


@pytest.mark.parametrize(
    ("sketches", "type_"),
    [
        ([], None),
        (["n"], None),
        (["[]"], None),
        (["[n]", "[[]{}]"], None),
        (["[]", "{}", "{1:an}"], None),
        (["[]", "{1:ai}"], Scalar.JSON),
        (["[b]", "{}"], Scalar.JSON),
        (["[n]", "[[n]]", "[[]]"], None),
        (["{}", "n"], None),
        (["{1:an1:b[]1:c{}}"], None),
        (["[i]", "[dn]", "n"], Array(Scalar.DECIMAL)),
        (["[i]", "s"], Scalar.JSON),
        (["[]", "s"], Scalar.JSON),
        (["{1:ai}", "z"], Scalar.JSON),
        (["[is]"], Array(Scalar.JSON)),
        (["{1:ai1:bn}"], Struct((Field("a", "a", Scalar.BIGINT),))),
        (["[{1:a[b]}]"], Array(Struct((Field("a", "a", Array(Scalar.BOOL)),)))),
    ],
)
def test_containers(sketches, type_):
    assert type_of(*sketches) == type_


@pytest.mark.parametrize(
    ("originals", "columns"),
    [
        (["a", "b"], ["a", "b"]),
        (["", " ", "%", "a,b"], ["%", "%20", "%25", "a%2Cb"]),
        (["\t\n", "\x00", "\x7f", "(x)=;{}"], ["%00", "%09%0A", "%28x%29%3D%3B%7B%7D", "%7F"]),
        (["a.b", "`", "é", "naïve name"], ["`", "a.b", "naïve%20name", "é"]),
        (["id", "ID", "Id"], ["ID", "Id__2", "id__3"]),
        (["a", "A", "a__2"], ["A", "a__3", "a__2"]),
        (["a", "A", "aA", "AA", "A__2", "a__3"], ["A", "AA", "A__2", "a__4", "aA__2", "a__3"]),
        (["K", "k", "\u212a"], ["K", "k__2", "\u212a__3"]),
        (["i", "\u0131"], ["i", "\u0131__2"]),
        (["ß", "ss"], ["ss", "ß"]),
    ],
)
def test_column_names(originals, columns):
    for order in (originals, originals[::-1]):
        named = column_names(order)
        assert list(named) == sorted(originals, key=str.encode)
        assert list(named.values()) == sorted(columns, key=columns.index)
    assert len({name.lower() for name in columns}) == len(columns)


def test_arrow_and_spark_forms():
    type_ = type_of("{3:a bi1:cb1:dd1:ff1:l[t]1:sx1:ts1:zz}")
    assert to_arrow(type_) == pa.struct(
        [
            ("a%20b", pa.int64()),
            ("c", pa.bool_()),
            ("d", pa.decimal128(38, 18)),
            ("f", pa.float64()),
            ("l", pa.list_(pa.timestamp("us", tz="UTC"))),
            ("s", pa.binary()),
            ("t", pa.string()),
            ("z", pa.string()),
        ]
    )
    spark = to_spark_json(type_)
    assert spark["type"] == "struct"
    assert spark["fields"][0] == {
        "name": "a%20b",
        "type": "long",
        "nullable": True,
        "metadata": {"comment": "a b"},
    }
    assert [each["type"] for each in spark["fields"]] == [
        "long",
        "boolean",
        "decimal(38,18)",
        "double",
        {"type": "array", "elementType": "timestamp", "containsNull": True},
        "binary",
        "string",
        "string",
    ]
