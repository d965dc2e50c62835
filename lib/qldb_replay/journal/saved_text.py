"""JSON or Ion text, whichever somebody saved, as values of which every Ion type is kept.

JSON may be one value, a list, lines, or values one behind the other, which is what appending one
answer after the other to a file gives; where it makes no sense as JSON it is read as Ion text.
Fields are found in whatever letters, as SDKs differ in that.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from qldb_replay.errors import UsageError

_BLANK = " \t\r\n"


class Saved(NamedTuple):
    """A value of a saved file.

    Attributes:
        value: a mapping, a list, text, a number, bytes for a blob, None.
        place: what errors call it, for instance `answer 2: Proof`.
    """

    value: Any
    place: str

    def get(self, name: str) -> Saved | None:
        """Finds a field.

        Args:
            name: its name, in whatever letters.

        Returns:
            The field, None if there is none, or the value has no fields.

        Raises:
            UsageError: there are several.
        """
        if not isinstance(self.value, Mapping):
            return None
        place = f"{self.place}: {name}" if self.place else name
        found = [each for key, each in self.value.items() if str(key).lower() == name.lower()]
        if len(found) > 1:
            raise UsageError(f"{place}: the field is there {len(found)} times")
        return Saved(found[0], place) if found else None

    def need(self, name: str) -> Saved:
        """Finds a field, raising UsageError unless there is exactly one of that name."""
        found = self.get(name)
        if found is None:
            raise self.error(f"expected an object with {name}")
        return found

    def ion(self) -> Saved:
        """Unpacks Ion text.

        QLDB: values of a document, addresses and proofs come as {IonText: "..."}. The console and
        some tools leave that envelope out, Ion text needs neither.

        Returns:
            The one value that the text holds, or, if there is no text, the value as it is.

        Raises:
            UsageError: not readable as Ion text, or not exactly one value.
        """
        envelope = self.get("IonText")
        inner = self if envelope is None else envelope
        if not isinstance(inner.value, str):
            return inner
        values = _ion_values(str(inner.value), inner.place)
        if len(values) != 1:
            raise inner.error(f"expected one Ion value, found {len(values)}")
        return Saved(values[0], inner.place)

    def binary(self) -> bytes:
        """Writes an Ion value.

        Returns:
            A binary Ion stream.

        Raises:
            UsageError: the value came from JSON, which does not tell Ion's types, or has in it what
                binary Ion cannot say.
        """
        if not hasattr(self.value, "ion_type"):
            raise self.error("expected Ion text")
        out = io.BytesIO()
        try:
            _simpleion().dump_python(self.value, out, binary=True)
        except Exception as error:
            # The writer raises whatever it stumbles over.
            raise self.error(f"not writable as Ion: {type(error).__name__}") from None
        return out.getvalue()

    def error(self, reason: str) -> UsageError:
        """Makes the error that names the place."""
        return UsageError(f"{self.place}: {reason}" if self.place else reason)


def read_values(content: str | bytes) -> list[Saved]:
    """Reads a saved file.

    Args:
        content: text, or its bytes in UTF-8, UTF-16 or UTF-32.

    Returns:
        Its values in order, lists at top level taken apart.

    Raises:
        UsageError: neither JSON nor Ion text, or empty.
    """
    text = _decoded(content) if isinstance(content, bytes) else content
    if text.strip() == "":
        raise UsageError("empty, expected JSON or Ion text")
    try:
        values = list(_json_values(text))
    except json.JSONDecodeError as error:
        place = f"no JSON from line {error.lineno}, column {error.colno} on"
        values = _ion_values(text, place)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not readable as JSON: {type(error).__name__}") from None
    found: list[Any] = []
    for value in values:
        found.extend(value if isinstance(value, list) else [value])
    if len(found) == 1:
        return [Saved(found[0], "")]
    return [Saved(value, f"answer {number}") for number, value in enumerate(found, 1)]


def _decoded(content: bytes) -> str:
    # PowerShell redirects into UTF-16 with a byte order mark.
    try:
        return content.decode(json.detect_encoding(content))
    except UnicodeDecodeError as error:
        raise UsageError(f"no text: byte {error.start} is not {error.encoding}") from None


def _json_values(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder(object_pairs_hook=_json_object)
    pos = 0
    while True:
        while pos < len(text) and text[pos] in _BLANK:
            pos += 1
        if pos == len(text):
            return
        value, pos = decoder.raw_decode(text, pos)
        yield value


def _json_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        # Readers differ in which of them counts.
        raise UsageError("a JSON object has a field twice")
    return found


def _ion_values(text: str, place: str) -> list[Any]:
    try:
        # The C reader loses digits of long fractions of a second; this one does not.
        return list(_simpleion().load_python(io.StringIO(text), single_value=False))
    except Exception as error:
        # The reader raises whatever it stumbles over.
        raise UsageError(f"{place}: not readable as Ion text: {type(error).__name__}") from None


def _simpleion() -> Any:
    # Only who brings Ion text needs the library.
    from amazon.ion import simpleion

    return simpleion
