"""One pass over a value's bytes that gives its Ion Hash, its JSON text and its type sketch.

The three are made together because walking the bytes costs more than any of them. No object model
is built: a scalar becomes a triple of hash message, JSON text and sketch (`forms`), and containers
put their children's triples together:

- Ion Hash 1.0: a list is its children's messages one after the other; a struct is the sorted
  digests of its fields (name's message, value's message); an annotated value is the annotations'
  messages and the value's.
- JSON: annotations are dropped. Of repeated field names the last one counts, at its own place.
- Sketch: `[`, the distinct sketches of the elements, sorted, `]` · `{`, for each field sorted by
  name the name's length in UTF-8, `:`, the name and the sketch, `}` · `z` for a container deeper
  than `struct_levels` (the value itself is level 1) · `w` for a struct of more than
  `struct_fields` distinct fields · `y` for a symbol.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from json.encoder import encode_basestring
from typing import Protocol

from qldb_replay.errors import IonFormatError
from qldb_replay.ion.canonical import escape
from qldb_replay.ion.forms import NULLS, READERS, Form
from qldb_replay.ion.framing import BODY_LENGTHS, VARUINT_LENGTH, body_bounds, read_varuint
from qldb_replay.ion.scalars import read_int
from qldb_replay.ion.symbols import (
    SymbolTable,
    fields,
    is_pad,
    open_wrapper,
    symbol_message,
)
from qldb_replay.limits import DEFAULT_LIMITS, MIB, Limits

_MEMO_BYTES = 15
"""Longest value that is remembered with its name: flags, states, small numbers, short codes."""

_MOST_LENT = 16 * MIB
"""Most that symbols may lend a value. A byte refers to a text of any length, so without a bound
the forms of a value could be as long as the square of its bytes."""

_MEMO_KEY_BYTES = 256
_MEMO_ENTRIES = 8192
_SHAPES = 4096
_SHAPE_KEY_LENGTH = 8192


class Digest(Protocol):
    """What a hash function such as `hashlib.sha256` gives."""

    def digest(self) -> bytes:
        """Gives the hash."""


class Evaluator:
    """Evaluates values, and remembers what repeats: field names, shapes, short fields.

    Not for use by several threads at once.

    Attributes:
        hasher: the hash function.
        unresolved: offset at which the last symbol was met that has no text, -1 if none was. Its
            value's hash is undefined (Ion Hash 1.0), though its JSON text is not. The caller
            resets it.
    """

    def __init__(
        self, limits: Limits = DEFAULT_LIMITS, hasher: Callable[[bytes], Digest] = hashlib.sha256
    ) -> None:
        self.hasher = hasher
        self.unresolved = -1
        self._limits = limits
        self._lent = 0
        self._memo: dict[bytes, Form] = {}
        self._shapes: dict[str, tuple[str, list[int] | None]] = {}

    def evaluate(
        self, buf: bytes, start: int, end: int, table: SymbolTable, level: int = 1
    ) -> Form:
        """Evaluates one value.

        Args:
            buf: bytes to read from.
            start: offset of the type descriptor.
            end: offset behind the value.
            table: the symbol table in force.
            level: how deep the value is in what is evaluated.

        Returns:
            The message, whose hash is the Ion Hash, the JSON text and the sketch.

        Raises:
            IonFormatError: not exactly one valid value, or one beyond the limits.
        """
        self._lent = 0
        body, stop = body_bounds(buf, start, end)
        if stop != end:
            raise IonFormatError("value does not fill its place", start)
        return self._value(buf, start, body, end, table, level)

    def check_resolved(self) -> None:
        """Refuses what was evaluated where a symbol in it has no text.

        Raises:
            IonFormatError: there was one, for which Ion Hash has no rule.
        """
        if self.unresolved >= 0:
            raise IonFormatError("symbol of unknown text has no hash", self.unresolved)

    def _value(
        self, buf: bytes, pos: int, body: int, end: int, table: SymbolTable, level: int
    ) -> Form:
        descriptor = buf[pos]
        kind = descriptor >> 4
        if descriptor & 15 == 15:
            return NULLS[kind]
        if kind == 13:
            return self._struct(buf, pos, body, end, table, level)
        if kind == 7:
            return self._symbol(buf, body, end, table)
        if kind in (11, 12):
            return self._sequence(buf, pos, body, end, table, level)
        if kind == 14:
            return self._annotated(buf, body, end, table, level)
        reader = READERS[kind]
        if reader is None:
            raise IonFormatError("NOP pad in the place of a value", pos)
        return reader(buf, descriptor, body, end)

    def _symbol(self, buf: bytes, body: int, end: int, table: SymbolTable) -> Form:
        sid = read_int(buf, 0x20, body, end)
        text = table.text(sid, body)
        message = symbol_message(text)
        self._lend(message, body)
        if text is None:
            if sid != 0:
                self.unresolved = body
            return message, f'"${sid}"', "y"
        return message, encode_basestring(text), "y"

    def _annotated(self, buf: bytes, body: int, end: int, table: SymbolTable, level: int) -> Form:
        sids, pos = open_wrapper(buf, body, end)
        inner, _ = body_bounds(buf, pos, end)
        message, text, sketch = self._value(buf, pos, inner, end, table, level)
        parts = []
        for sid in sids:
            name = table.name(sid, body)
            self._lend(name.message, body)
            if not name.known:
                self.unresolved = body
            parts.append(name.message)
        return b"\x0b\xe0" + b"".join(parts) + message + b"\x0e", text, sketch

    def _sequence(
        self, buf: bytes, pos: int, body: int, end: int, table: SymbolTable, level: int
    ) -> Form:
        self._check_depth(level, pos)
        opening = b"\x0b\xb0" if buf[pos] < 0xC0 else b"\x0b\xc0"
        messages = []
        texts = []
        sketches = set()
        while body < end:
            inner, stop = body_bounds(buf, body, end)
            if not is_pad(buf[body]):
                message, text, sketch = self._value(buf, body, inner, stop, table, level + 1)
                messages.append(message)
                texts.append(text)
                sketches.add(sketch)
            body = stop
        sketch = f"[{''.join(sorted(sketches))}]" if level <= self._limits.struct_levels else "z"
        return opening + b"".join(messages) + b"\x0e", f"[{','.join(texts)}]", sketch

    def _struct(  # noqa: C901 - the hot loop: calls per field would cost as much as the work
        self, buf: bytes, pos: int, body: int, end: int, table: SymbolTable, level: int
    ) -> Form:
        self._check_depth(level, pos)
        if buf[pos] == 0xD1:
            _check_order(buf, body, end)
        names = table.names
        memo = self._memo
        hasher = self.hasher
        forms: list[Form] = []  # digest, key and JSON text, name and sketch of each field
        while body < end:
            start = body
            sid = buf[body]
            if sid >= 0x80:
                sid -= 0x80
                body += 1
            else:
                sid, body = read_varuint(buf, body, end)
            if body >= end:
                raise IonFormatError("field name without a value", start)
            descriptor = buf[body]
            if descriptor < 0x0F:
                _, body = body_bounds(buf, body, end)
                continue
            length = BODY_LENGTHS[descriptor]
            inner = body + 1
            stop = inner + length
            if length == VARUINT_LENGTH and inner < end and buf[inner] >= 0x80:
                length = 0
                stop = inner + buf[inner] - 0x7F
                inner += 1
            if length < 0 or stop > end:
                inner, stop = body_bounds(buf, body, end)
            name = names.get(sid)
            if name is None:
                name = table.name(sid, start)
            message, prefix, key, sketch_key, string_sketch, known = name
            self._lent += len(message)
            if self._lent > _MOST_LENT:
                raise _lent_too_much(start)
            # Names of unknown text all hash as `$0` does, but are not written or judged as it is.
            short = known and stop - body <= _MEMO_BYTES
            if short:
                raw = message + buf[body:stop]
                remembered = memo.get(raw)
                if remembered is not None:
                    forms.append(remembered)
                    body = stop
                    continue
            if 0x80 <= descriptor < 0x8F:
                value = buf[inner:stop]
                try:
                    text = value.decode()
                except UnicodeDecodeError as error:
                    raise IonFormatError("text is not UTF-8", inner + error.start) from None
                # Printable text holds no control character, and so no marker to escape.
                if not text.isprintable():
                    value = escape(value)
                form = (
                    hasher(prefix + value + b"\x0e").digest(),
                    key + encode_basestring(text),
                    string_sketch,
                )
            else:
                value, text, sketch = self._value(buf, body, inner, stop, table, level + 1)
                form = hasher(message + value).digest(), key + text, sketch_key + sketch
                # Containers depend on their level, symbols on their table.
                short = short and descriptor < 0xB0 and descriptor >> 4 != 7
            if not known:
                self.unresolved = start
            elif short and len(raw) <= _MEMO_KEY_BYTES:
                if len(memo) >= _MEMO_ENTRIES:
                    memo.clear()
                memo[raw] = form
            forms.append(form)
            body = stop
        digests, texts, sketches = zip(*forms, strict=True) if forms else ((), (), ())
        message = b"\x0b\xd0" + escape(b"".join(sorted(digests))) + b"\x0e"
        sketch, kept = self._shape(sketches)
        if kept is not None:
            texts = tuple(texts[index] for index in kept)
        if level > self._limits.struct_levels:
            sketch = "z"
        return message, f"{{{','.join(texts)}}}", sketch

    def _shape(self, sketches: tuple[str, ...]) -> tuple[str, list[int] | None]:
        """Sketch of a struct, and if names repeat the indexes of the fields that count.

        The fields' sketches in the order met say all that decides this, and few orders occur.
        """
        key = "".join(sketches)
        shape = self._shapes.get(key)
        if shape is None:
            shape = _combine(sketches, self._limits.struct_fields)
            if len(key) <= _SHAPE_KEY_LENGTH:
                if len(self._shapes) >= _SHAPES:
                    self._shapes.clear()
                self._shapes[key] = shape
        return shape

    def _lend(self, message: bytes, offset: int) -> None:
        self._lent += len(message)
        if self._lent > _MOST_LENT:
            raise _lent_too_much(offset)

    def _check_depth(self, level: int, pos: int) -> None:
        if level > self._limits.depth:
            raise IonFormatError(f"containers nested deeper than {self._limits.depth}", pos)


def _lent_too_much(offset: int) -> IonFormatError:
    return IonFormatError("texts of symbols expand beyond the limit", offset)


def _check_order(buf: bytes, start: int, end: int) -> None:
    """A struct with length code 1 promises names in the order of their symbol IDs."""
    last = 0
    for sid, pos, _, _ in fields(buf, start, end):
        if sid < last:
            raise IonFormatError("struct of ordered fields is not in order", pos)
        last = sid


def _combine(sketches: tuple[str, ...], most: int) -> tuple[str, list[int] | None]:
    last: dict[str, int] = {}
    for index, sketch in enumerate(sketches):
        last[_name_of(sketch)] = index
    if len(last) > most:
        text = "w"
    else:
        text = f"{{{''.join(sketches[last[name]] for name in sorted(last))}}}"
    return text, sorted(last.values()) if len(last) < len(sketches) else None


def _name_of(sketch: str) -> str:
    size, _, rest = sketch.partition(":")
    return rest.encode()[: int(size)].decode()
