"""What types a set of documents needs, folded from the sketches of their values.

A sketch says what one value is, a `Shape` what all values in one place were. Shapes form a
semilattice: merging them is associative, commutative and idempotent, so they can be made anywhere,
in any order and from repeated input, and give the same column type. They stay small: a struct that
came to have more than `struct_fields` fields is a letter from then on.

Sketches are made by `ion.evaluate`, which has their grammar. The letters that matter here:
`n` null · `b` bool · `i` `j` `k` `l` ints of up to 53 bits, 64 bits, 20 digits, more · `d` `e`
decimals that decimal(38, 18) holds exactly or not · `f` float · `t` `u` timestamps that
microseconds in UTC hold exactly or not · `s` string · `y` symbol · `x` blob · `c` clob · `z` `w`
container too deep, struct too wide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from qldb_replay.limits import DEFAULT_LIMITS

_LETTERS = frozenset("nbijkldeftusyxczw")
_TOO_WIDE = frozenset("w")
_LIST_END, _STRUCT_END = ord("]"), ord("}")
_REMEMBERED = 4096


@dataclass(frozen=True)
class Shape:
    """What the values in one place were.

    Attributes:
        leaves: letters of the scalars, and of containers that are columns of JSON text.
        element: what the elements of all lists were; None if there was no list.
        fields: what each field of all structs was; None if there was no struct.
    """

    leaves: frozenset[str] = frozenset()
    element: Shape | None = None
    fields: Mapping[str, Shape] | None = field(default=None, hash=False)

    def to_text(self) -> str:
        """Returns the shape as compact JSON; equal shapes give equal texts."""
        return json.dumps(_to_plain(self), sort_keys=True, separators=(",", ":"))

    @staticmethod
    def from_text(text: str) -> Shape:
        """Returns the shape that `to_text` wrote.

        Raises:
            ValueError: the text is not of that form.
        """
        try:
            return _from_plain(json.loads(text))
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ValueError(f"text of {len(text)} characters is not a shape") from None


NOTHING = Shape()
"""The shape of no value at all, which merges with any other into that one."""


def fold(sketches: Iterable[str], struct_fields: int = DEFAULT_LIMITS.struct_fields) -> Shape:
    """Folds sketches into the shape of their values.

    Args:
        sketches: in any order, repeated or not.
        struct_fields: most fields of a struct, as when the sketches were made.

    Returns:
        The shape.

    Raises:
        ValueError: a text that is no sketch.
    """
    shape = NOTHING
    seen: set[str] = set()
    for sketch in sketches:
        if sketch not in seen:
            if len(seen) >= _REMEMBERED:
                seen.clear()
            seen.add(sketch)
            shape = merge(shape, _parse(sketch, struct_fields), struct_fields)
    return shape


def merge(left: Shape, right: Shape, struct_fields: int = DEFAULT_LIMITS.struct_fields) -> Shape:
    """Merges two shapes into that of all their values.

    Args:
        left: a shape.
        right: another.
        struct_fields: most fields of a struct, more are too wide.

    Returns:
        The shape; `left` itself if `right` adds nothing.
    """
    if left is right or right is NOTHING:
        return left
    if left is NOTHING:
        return right
    leaves = left.leaves | right.leaves
    fields = None if "w" in leaves else _merge_fields(left.fields, right.fields, struct_fields)
    if fields is not None and len(fields) > struct_fields:
        leaves, fields = leaves | _TOO_WIDE, None
    element = _merge_elements(left.element, right.element, struct_fields)
    if leaves == left.leaves and element is left.element and fields is left.fields:
        return left
    return Shape(leaves, element, fields)


def _merge_elements(left: Shape | None, right: Shape | None, struct_fields: int) -> Shape | None:
    if left is None or right is None:
        return right if left is None else left
    return merge(left, right, struct_fields)


def _merge_fields(
    left: Mapping[str, Shape] | None, right: Mapping[str, Shape] | None, struct_fields: int
) -> Mapping[str, Shape] | None:
    """Merges fields by name; gives `left` itself if `right` adds nothing."""
    if left is None or right is None:
        return right if left is None else left
    changed: dict[str, Shape] = {}
    for name, shape in right.items():
        known = left.get(name)
        merged = shape if known is None else merge(known, shape, struct_fields)
        if merged is not known:
            changed[name] = merged
    return {**left, **changed} if changed else left


@lru_cache(maxsize=_REMEMBERED)
def _parse(sketch: str, struct_fields: int) -> Shape:
    raw = sketch.encode()
    try:
        shape, end = _parse_at(raw, 0, struct_fields)
    except (IndexError, KeyError, ValueError) as error:
        raise ValueError(f"sketch of {len(raw)} bytes is broken") from error
    if end != len(raw):
        raise ValueError(f"sketch of {len(raw)} bytes goes on behind its end at {end}")
    return shape


def _parse_at(raw: bytes, pos: int, struct_fields: int) -> tuple[Shape, int]:
    letter = chr(raw[pos])
    pos += 1
    if letter == "[":
        element = NOTHING
        while raw[pos] != _LIST_END:
            shape, pos = _parse_at(raw, pos, struct_fields)
            element = merge(element, shape, struct_fields)
        return Shape(element=element), pos + 1
    if letter == "{":
        fields = {}
        while raw[pos] != _STRUCT_END:
            colon = raw.index(b":", pos)
            end = colon + 1 + int(raw[pos:colon])
            name = raw[colon + 1 : end].decode()
            fields[name], pos = _parse_at(raw, end, struct_fields)
        return merge(Shape(fields={}), Shape(fields=fields), struct_fields), pos + 1
    return _LEAVES[letter], pos


_LEAVES = {letter: Shape(frozenset(letter)) for letter in _LETTERS}


def _to_plain(shape: Shape) -> Any:
    """Returns letters alone, or a list of letters, element and fields."""
    leaves = "".join(sorted(shape.leaves))
    if shape.element is None and shape.fields is None:
        return leaves
    element = None if shape.element is None else _to_plain(shape.element)
    if shape.fields is None:
        return [leaves, element]
    return [leaves, element, {name: _to_plain(each) for name, each in shape.fields.items()}]


def _from_plain(plain: Any) -> Shape:
    if isinstance(plain, str):
        if not _LETTERS.issuperset(plain):
            raise ValueError("unknown letter")
        return Shape(frozenset(plain))
    leaves, element, *rest = plain
    return Shape(
        _from_plain(leaves).leaves,
        None if element is None else _from_plain(element),
        {name: _from_plain(each) for name, each in rest[0].items()} if rest else None,
    )
