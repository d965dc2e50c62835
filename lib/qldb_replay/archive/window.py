"""The part of a decompressed object that is in memory.

An object may expand to many gigabytes, so only a stretch of it is held at a time. Wherever a
record could begin the window shows as many bytes as decide about it, so that nobody who looks for
records has to ask for more in the middle of one. Plain content is one chunk and is never copied.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from qldb_replay.errors import ArchiveFormatError

Chunk = tuple[bytes, int]
"""Decompressed bytes, and the number of stored bytes read by then."""


class Window:
    """A stretch of a decompressed object that moves forward over it.

    Args:
        chunks: the object's content in order.
        lookahead: bytes that are in the window behind any position given to `advance`, unless the
            object ends before.

    Attributes:
        data: the bytes in memory.
        base: offset in the object of the first of them.
        last: whether the window reaches the object's end.
        failure: why no more could be decompressed, if it ended for that.
    """

    def __init__(self, chunks: Iterator[Chunk], lookahead: int) -> None:
        self._chunks = chunks
        self._lookahead = lookahead
        self.data = b""
        self.base = 0
        self.last = False
        self.failure: ArchiveFormatError | None = None

    def advance(self, pos: int) -> int:
        """Makes sure that enough of the object is visible from a position on.

        Args:
            pos: index in `data`; what lies before it may be dropped.

        Returns:
            The index that the same byte has now.
        """
        size = len(self.data) - pos
        if self.last or size >= self._lookahead:
            return pos
        # A buffer made from bytes shares them until it is written to, and so does what it gives.
        buffer = io.BytesIO(self.data[pos:] if size else self._next_chunk())
        size = buffer.seek(0, io.SEEK_END)
        while size < 2 * self._lookahead and not self.last:
            size += buffer.write(self._next_chunk())
        self.base += pos
        self.data = buffer.getvalue()
        return 0

    def _next_chunk(self) -> bytes:
        """Returns the next bytes, none at the end, where `last` (and `failure`) is set."""
        try:
            return next(self._chunks)[0]
        except StopIteration:
            self.last = True
        except ArchiveFormatError as error:
            self.last = True
            self.failure = error
        return b""
