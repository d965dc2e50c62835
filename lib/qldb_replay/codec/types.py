"""Types of the columns that documents become, derived from their shape.

The rules, by the letters of `sketch` that were seen in one place (nulls do not count):

1. `b` bool · `i` `j` bigint · those with `k` or `d` decimal(38, 18) · `f`, or `f` and `i`, double ·
   `t` timestamp · `x` `c` binary.
2. `s` `y` `t` `u`: string with the plain text, timestamps in Ion's text form.
3. Only lists: array of what its elements make; only structs: struct.
4. Anything else: string with each value's JSON text, because nothing narrower holds all exactly.
5. Only nulls, empty structs and empty lists (or lists of such): no column yet.

Names: what Delta refuses in names is percent-encoded, and `%`; the empty name is `%`; of names
that are equal but for case the later ones in byte order get `__2`, `__3`, … .
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pyarrow as pa

from qldb_replay.codec.sketch import Shape

_REFUSED = frozenset(" ,;{}()\n\t=%") | {chr(code) for code in (*range(32), 127)}


class Scalar(Enum):
    """A type without parts.

    `TEXT` and `JSON` are both strings, the one holds plain text, the other JSON text.
    """

    BOOL = "bool"
    BIGINT = "bigint"
    DECIMAL = "decimal"
    DOUBLE = "double"
    TIMESTAMP = "timestamp"
    BINARY = "binary"
    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True)
class Array:
    """A list of values of one type.

    Attributes:
        element: type of the elements, each of which may be null.
    """

    element: DataType


@dataclass(frozen=True)
class Field:
    """A column of a struct.

    Attributes:
        name: the column's name.
        original: the field's name in the documents, which is also the column's comment.
        type: type of its values, which may be null.
    """

    name: str
    original: str
    type: DataType


@dataclass(frozen=True)
class Struct:
    """A struct.

    Attributes:
        fields: at least one, in the byte order of their original names.
    """

    fields: tuple[Field, ...]


DataType = Scalar | Array | Struct

_SCALARS: tuple[tuple[frozenset[str], Scalar], ...] = (
    (frozenset("b"), Scalar.BOOL),
    (frozenset("ij"), Scalar.BIGINT),
    (frozenset("ijkd"), Scalar.DECIMAL),
    (frozenset("fi"), Scalar.DOUBLE),
    (frozenset("t"), Scalar.TIMESTAMP),
    (frozenset("xc"), Scalar.BINARY),
    (frozenset("sytu"), Scalar.TEXT),
)
_ARROW = {
    Scalar.BOOL: pa.bool_(),
    Scalar.BIGINT: pa.int64(),
    Scalar.DECIMAL: pa.decimal128(38, 18),
    Scalar.DOUBLE: pa.float64(),
    Scalar.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    Scalar.BINARY: pa.binary(),
    Scalar.TEXT: pa.string(),
    Scalar.JSON: pa.string(),
}
_SPARK = {
    Scalar.BOOL: "boolean",
    Scalar.BIGINT: "long",
    Scalar.DECIMAL: "decimal(38,18)",
    Scalar.DOUBLE: "double",
    Scalar.TIMESTAMP: "timestamp",
    Scalar.BINARY: "binary",
    Scalar.TEXT: "string",
    Scalar.JSON: "string",
}


def data_type(shape: Shape) -> DataType | None:
    """Derives the type that holds all values of a shape exactly.

    Args:
        shape: what the values were.

    Returns:
        The type; None if there is nothing to hold but nulls and empty containers.
    """
    leaves = shape.leaves - {"n"}
    array = _array(shape)
    struct = _struct(shape)
    if not leaves and array is None and struct is None:
        return None
    kinds = (len(leaves) > 0) + (shape.element is not None) + (shape.fields is not None)
    if kinds > 1:
        return Scalar.JSON
    for letters, scalar in _SCALARS:
        if leaves and leaves <= letters:
            return scalar
    return array or struct or Scalar.JSON


def to_arrow(type_: DataType) -> pa.DataType:
    """Converts to Arrow's type, with the column names."""
    if isinstance(type_, Scalar):
        return _ARROW[type_]
    if isinstance(type_, Array):
        return pa.list_(to_arrow(type_.element))
    return pa.struct([pa.field(field.name, to_arrow(field.type)) for field in type_.fields])


def to_spark_json(type_: DataType) -> Any:
    """Converts to Spark's JSON form of a type, which `StructType.fromJson` reads.

    Returns:
        A dict for arrays and structs, a string for scalars. Everything is nullable; the comment of
        a column is its original name.
    """
    if isinstance(type_, Scalar):
        return _SPARK[type_]
    if isinstance(type_, Array):
        element = to_spark_json(type_.element)
        return {"type": "array", "elementType": element, "containsNull": True}
    fields = [
        {
            "name": field.name,
            "type": to_spark_json(field.type),
            "nullable": True,
            "metadata": {"comment": field.original},
        }
        for field in type_.fields
    ]
    return {"type": "struct", "fields": fields}


def column_names(originals: Iterable[str]) -> dict[str, str]:
    """Names the columns of one struct.

    Args:
        originals: the fields' names.

    Returns:
        Column name by original name, in the byte order of the original names.
    """
    ordered = sorted(originals, key=str.encode)
    names = {original: _encoded(original) for original in ordered}
    taken = {_caseless(name) for name in names.values()}
    last: dict[str, int] = {}
    for original, name in names.items():
        group = _caseless(name)
        if group not in last:
            last[group] = 1
            continue
        while _caseless(numbered := f"{name}__{last[group] + 1}") in taken:
            last[group] += 1
        last[group] += 1
        names[original] = numbered
    return names


def _array(shape: Shape) -> Array | None:
    element = None if shape.element is None else data_type(shape.element)
    return None if element is None else Array(element)


def _struct(shape: Shape) -> Struct | None:
    if shape.fields is None:
        return None
    types = {}
    for name, each in shape.fields.items():
        type_ = data_type(each)
        if type_ is not None:
            types[name] = type_
    named = column_names(types)
    fields = [Field(name, original, types[original]) for original, name in named.items()]
    return Struct(tuple(fields)) if fields else None


def _encoded(name: str) -> str:
    if name == "":
        return "%"
    return "".join(f"%{ord(char):02X}" if char in _REFUSED else char for char in name)


def _caseless(name: str) -> str:
    """Returns what names that are equal but for case share, as Java compares: char by char."""
    upper = [_single(char, char.upper()) for char in name]
    return "".join(_single(char, char.lower()) for char in upper)


def _single(char: str, converted: str) -> str:
    return converted if len(converted) == 1 else char
