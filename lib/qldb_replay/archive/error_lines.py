"""Objects that Firehose wrote under its error prefix: JSON lines with the record in them.

Firehose: what a transformation or conversion failed on is delivered as one JSON object a line, with
errorCode, errorMessage, attemptsMade and such, and the record itself as base64 in rawData.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from qldb_replay.archive.segments import Segment
from qldb_replay.limits import MIB, Limits

LONGEST_LINE = 4 * MIB
"""Bytes of the longest line that is read.

Firehose: a record has 1,000 KiB at most, as base64 a third more. No more than that, because parsed
JSON can take fifty times the memory of its text.
"""

_DECODER = json.JSONDecoder()
_DEEPEST = 100  # far from where `json` gives up, which depends on its caller's depth
_STRUCTURE = re.compile(r'\\.|["{}\[\]]')


class ErrorLine(NamedTuple):
    """One JSON object.

    Attributes:
        end: index of the first byte behind it.
        raw: the record's bytes; None if it has none that can be read.
        reason: why there are none.
    """

    end: int
    raw: bytes | None
    reason: str


class ErrorLines:
    """Reads error lines.

    Args:
        limits: bytes that are kept of damage.
        split: cuts the bytes of a rawData into segments.
    """

    def __init__(self, limits: Limits, split: Callable[[bytes], Iterable[Segment]]) -> None:
        self._limits = limits
        self._split = split
        self._text = ""
        self._text_offset = 0

    def parse(self, data: bytes, pos: int, offset: int) -> ErrorLine | None:
        """Reads the JSON object that begins at a position.

        Args:
            data: bytes that hold it.
            pos: index of its brace.
            offset: the same position in the object, by which the line read last is known.

        Returns:
            The object; None if there is no JSON object.
        """
        begin = offset - self._text_offset
        if not 0 <= begin < len(self._text):
            self._load(data, pos, offset)
            begin = 0
        try:
            value, end = _DECODER.raw_decode(self._text, begin)
        except (ValueError, RecursionError):
            if begin == 0:
                return None
            # It may have been cut off behind many objects on one line.
            self._load(data, pos, offset)
            return self.parse(data, pos, offset)
        if _levels(self._text[begin:end]) > _DEEPEST:
            return None
        end = pos + end - begin
        if not isinstance(value, dict) or "rawData" not in value:
            return ErrorLine(end, None, "JSON object without rawData")
        try:
            return ErrorLine(end, base64.b64decode(value["rawData"], validate=True), "")
        except (TypeError, ValueError):
            return ErrorLine(end, None, "rawData that is not base64")

    def _load(self, data: bytes, pos: int, offset: int) -> None:
        most = pos + LONGEST_LINE
        end = data.find(b"\n", pos, most)
        # Latin-1, so that each character is a byte. What JSON gives meaning to is ASCII.
        self._text = data[pos : most if end < 0 else end].decode("latin-1")
        self._text_offset = offset

    def segments(self, line: ErrorLine, data: bytes, pos: int, offset: int) -> Iterator[Segment]:
        """Yields the records of a line, each at the line's place, and one damage for all else.

        Args:
            line: the line.
            data: bytes that hold it.
            pos: index of its brace.
            offset: the same position in the object.
        """
        length = line.end - pos
        reason = line.reason
        part = 0
        for segment in self._split(line.raw or b""):
            if segment.kind == "record":
                yield Segment("record", offset, length, segment.data, "", part)
                part += 1
            elif segment.kind != "framing" and not reason:
                reason = f"in rawData: {segment.reason}"
        if reason:
            head = data[pos : min(line.end, pos + self._limits.quarantine_bytes)]
            yield Segment("damage", offset, length, head, reason)
        elif part == 0:
            yield Segment("framing", offset, length)


def _levels(text: str) -> int:
    """Returns how deep JSON nests; for the usual, which cannot nest too deep, an upper bound."""
    brackets = text.count("{") + text.count("[")
    if brackets <= _DEEPEST:
        return brackets
    depth = deepest = 0
    quoted = False
    for match in _STRUCTURE.finditer(text):
        mark = match[0]
        if mark == '"':
            quoted = not quoted
        elif not quoted:
            depth += 1 if mark in "{[" else -1
            deepest = max(deepest, depth)
    return deepest
