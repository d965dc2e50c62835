"""Cuts a decompressed object into segments.

At each position that a record could begin at, the bytes there say what comes: a version marker, a
KPL frame, a line break, a JSON line, or something that is no record. In the latter case the next
record is searched for: the next marker (or frame, or error line at the beginning of a line) that
holds what the caller's `check` accepts as a real record. Markers also occur in blobs, so headers
alone do not prove a candidate there, whereas a real record proves itself, wherever it stands.

Hostile bytes must not cost more than their number. A candidate costs a few headers. Whatever
costs more, checking a candidate or hashing a frame, is paid from an allowance that grows with the
position in the object, so all of it together is linear; candidates beyond it count as damage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator

from qldb_replay.archive.compression import KPL_MAGIC
from qldb_replay.archive.error_lines import LONGEST_LINE, ErrorLines
from qldb_replay.archive.foreign import HEAD_BYTES, describe
from qldb_replay.archive.kpl import Frame, read_frame
from qldb_replay.archive.records import BOUNDARY_BYTES, first_end, plain_end, whole_end
from qldb_replay.archive.segments import Segment
from qldb_replay.archive.window import Window
from qldb_replay.errors import IonFormatError, RecordFormatError
from qldb_replay.ion.framing import IVM
from qldb_replay.limits import Limits

# Repeats of groups are bounded, because each takes memory in a match.
_BLANK_LINES = re.compile(rb"\n+|(?:\r\n){1,1024}")
_START = re.compile(rb'\xe0\x01\x00\xea|\xf3\x89\x9a\xc2|\n\{"')
_ALLOWANCE_AT_START = 4  # records of the largest size
_ALLOWANCE_PER_BYTE = 4


def lookahead(limits: Limits) -> int:
    """Returns how many bytes a `Framer` must see from any position on."""
    return max(limits.record_bytes, limits.quarantine_bytes, LONGEST_LINE) + BOUNDARY_BYTES


class Framer:
    """Iterates over the segments of one object.

    Args:
        window: the object, with the `lookahead` that the limits ask for.
        limits: longest record, and bytes kept of damage.
        check: raises `IonFormatError` or `RecordFormatError` for bytes that are no record.
        lines: reads Firehose error lines; None where JSON is damage.
    """

    def __init__(
        self,
        window: Window,
        limits: Limits,
        check: Callable[[bytes], object],
        lines: ErrorLines | None,
    ) -> None:
        self._window = window
        self._limits = limits
        self._check = check
        self._lines = lines
        self._spent = 0

    def __iter__(self) -> Iterator[Segment]:
        """Yields the segments in order of their offsets."""
        window = self._window
        pos = 0
        while True:
            pos = window.advance(pos)
            data = window.data
            if pos == len(data):
                return
            if data.startswith(IVM, pos):
                end, reason = self._record_end(data, pos)
                if end > 0:
                    yield Segment("record", window.base + pos, end - pos, data[pos:end])
                    pos = end
                    continue
            else:
                end, segments, reason = self._other(data, pos)
                if end > 0:
                    yield from segments
                    pos = end
                    continue
            pos = yield from self._damage(pos, reason)

    def _record_end(self, data: bytes, pos: int) -> tuple[int, str]:
        """Finds the end of the record at a marker; -1 and the reason where there is none."""
        limit = min(len(data), pos + self._limits.record_bytes)
        end = plain_end(data, pos, limit)
        if end > 0:
            return end, ""
        reason = ""
        try:
            end = whole_end(data, pos, limit)
        except IonFormatError as error:
            reason = f"{error.reason} at {self._window.base + error.offset}, in a record"
            if limit < len(data):
                reason += f" of at most {self._limits.record_bytes} bytes"
        if end > 0 and self._accepts(data, pos, end):
            return end, ""
        first = first_end(data, pos, limit)
        if 0 < first != end and self._accepts(data, pos, first):
            return first, ""
        if end > 0 and data.find(IVM, pos + 4, end) < 0:
            return end, ""  # swallows nothing: whoever decodes it says what is wrong
        return -1, reason or "record that contains version markers is none"

    def _other(self, data: bytes, pos: int) -> tuple[int, Iterable[Segment], str]:
        """Reads what begins with no marker; an end of -1 and the reason where it is damage."""
        offset = self._window.base + pos
        if blank := _BLANK_LINES.match(data, pos):
            return blank.end(), [Segment("framing", offset, blank.end() - pos)], ""
        if data.startswith(KPL_MAGIC, pos):
            frame = self._frame(data, pos)
            if frame is None:
                return -1, (), "KPL frame whose MD5 fits nowhere"
            return frame.end, self._frame_segments(data, pos, frame), ""
        if self._lines is not None and data.startswith(b"{", pos):
            line = self._lines.parse(data, pos, offset)
            if line is not None:
                return line.end, self._lines.segments(line, data, pos, offset), ""
        return -1, (), describe(data[pos : pos + HEAD_BYTES])

    def _frame(self, data: bytes, pos: int) -> Frame | None:
        most = min(self._limits.record_bytes, max(0, self._allowance(pos)))
        frame = read_frame(data, pos, min(len(data), pos + most))
        if isinstance(frame, Frame):
            return frame
        self._spent += frame.end - pos
        return None

    def _frame_segments(self, data: bytes, pos: int, frame: Frame) -> Iterator[Segment]:
        base = self._window.base
        for start, end in frame.records:
            yield Segment("framing", base + pos, start - pos)
            content = data[start:end]
            if content.startswith(IVM):
                yield Segment("record", base + start, end - start, content)
            elif content:
                head = content[: self._limits.quarantine_bytes]
                reason = "KPL record that is no binary Ion"
                yield Segment("damage", base + start, end - start, head, reason)
            pos = end
        yield Segment("framing", base + pos, frame.end - pos)

    def _damage(self, pos: int, reason: str) -> Generator[Segment, None, int]:
        """Yields the damage that begins at a position.

        Returns:
            The index of the next start of something readable, or of the object's end.
        """
        window = self._window
        offset = window.base + pos
        head = window.data[pos : pos + self._limits.quarantine_bytes]
        end = self._next_start(pos + 1)
        length = window.base + end - offset
        yield Segment("damage", offset, length, head[:length], reason)
        return end

    def _next_start(self, pos: int) -> int:
        """Finds the next position that something readable begins at, moving the window."""
        window = self._window
        while True:
            pos = window.advance(pos)
            data = window.data
            match = _START.search(data, pos)
            if match is None:
                if window.last:
                    return len(data)
                pos = max(pos, len(data) - len(IVM))  # a start may lie across the window's end
                continue
            found = match.start()
            pos = window.advance(found + data.startswith(b"\n", found))
            if self._readable(window.data, pos):
                return pos
            pos += 1

    def _readable(self, data: bytes, pos: int) -> bool:
        """Tells whether a record, a frame or an error line begins at a place that looks so."""
        if data.startswith(IVM, pos):
            end = first_end(data, pos, min(len(data), pos + self._limits.record_bytes))
            return end > 0 and self._accepts(data, pos, end)
        if data.startswith(KPL_MAGIC, pos):
            return self._frame(data, pos) is not None
        if self._lines is None:
            return False
        line = self._lines.parse(data, pos, self._window.base + pos)
        return line is not None and line.raw is not None

    def _accepts(self, data: bytes, pos: int, end: int) -> bool:
        if end - pos > self._allowance(pos):
            return False
        self._spent += end - pos
        try:
            self._check(data[pos:end])
        except (IonFormatError, RecordFormatError):
            return False
        return True

    def _allowance(self, pos: int) -> int:
        """Returns the bytes that may still be checked or hashed at a position."""
        at_start = _ALLOWANCE_AT_START * self._limits.record_bytes
        return at_start + _ALLOWANCE_PER_BYTE * (self._window.base + pos) - self._spent
