"""From an object's stored bytes to its segments: the door of this package."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from qldb_replay.archive.compression import open_content
from qldb_replay.archive.error_lines import ErrorLines
from qldb_replay.archive.foreign import HEAD_BYTES, Foreign, recognise
from qldb_replay.archive.framer import Framer, lookahead
from qldb_replay.archive.segments import Segment
from qldb_replay.archive.window import Window
from qldb_replay.limits import Limits

Check = Callable[[bytes], object]


class ObjectReader:
    """Iterates once over the segments of an object, in flat memory.

    Nothing that an object contains makes it raise: what cannot be read is a segment.

    Attributes:
        compression: `none`, `gzip`, `zip`, `snappy` or `hadoop-snappy`.
        sha256: hash of the stored bytes.
    """

    def __init__(self, content: bytes, limits: Limits, check: Check) -> None:
        self._content = content
        self._limits = limits
        self._check = check
        self.compression, chunks = open_content(content, limits)
        self._window = Window(chunks, max(lookahead(limits), HEAD_BYTES))
        self.sha256 = hashlib.sha256(content).digest()

    def __iter__(self) -> Iterator[Segment]:
        """Yields the segments in order of their offsets."""
        lines = ErrorLines(self._limits, self._split_raw)
        self._window.advance(0)
        foreign = recognise(self._window.data[:HEAD_BYTES])
        if foreign is None:
            yield from Framer(self._window, self._limits, self._check, lines)
        else:
            yield from self._whole(foreign)
        yield from self._unreadable()

    def _split_raw(self, raw: bytes) -> Iterator[Segment]:
        """Cuts the bytes of an error line's record, which may be compressed or aggregated."""
        _, chunks = open_content(raw, self._limits)
        window = Window(chunks, lookahead(self._limits))
        yield from Framer(window, self._limits, self._check, None)
        if window.failure is not None:
            yield Segment("unreadable", 0, len(raw), b"", window.failure.reason)

    def _whole(self, foreign: Foreign) -> Iterator[Segment]:
        window = self._window
        head = window.data[: self._limits.quarantine_bytes]
        while not window.last:
            window.advance(len(window.data))
        length = window.base + len(window.data)
        yield Segment(foreign.kind, 0, length, head, foreign.reason)

    def _unreadable(self) -> Iterator[Segment]:
        error = self._window.failure
        if error is None:
            return
        length = len(self._content) - error.offset
        head = self._content[error.offset : error.offset + self._limits.quarantine_bytes]
        yield Segment("unreadable", error.offset, length, head, error.reason)


def read_object(content: bytes, limits: Limits, check: Check) -> ObjectReader:
    """Splits an archive object into records and what lies between them.

    Args:
        content: the object's stored bytes, compressed or not.
        limits: longest record, bytes kept of damage, and what the object may expand to.
        check: raises `IonFormatError` or `RecordFormatError` if bytes are no record; called where
            a record's place alone does not prove it, which is behind damage, and for records that
            contain a version marker or are not of the usual shape.

    Returns:
        An iterable over its segments, which also says what was found.
    """
    return ObjectReader(content, limits, check)
