"""What an object's bytes are split into."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["record", "framing", "damage", "export", "unreadable"]


class Segment(NamedTuple):
    """A stretch of an object and what it is.

    Segments come in the order of their offsets. Those of every kind but `unreadable` cover each
    byte of the decompressed object once; where an error line carries several records, these share
    the line's offset and length.

    Attributes:
        kind: `record`; `framing` for bytes that carry none (delimiters, KPL frame bytes, error
            lines without content); `damage` for bytes that are no record; `export` for all of an
            object that belongs to a journal export; `unreadable` for the stored bytes from which
            nothing could be decompressed.
        offset: position in the decompressed object, for `unreadable` in the stored one.
        length: number of bytes, counted as `offset` is.
        data: the exact bytes of a record; of the last three kinds the first bytes, at most
            `Limits.quarantine_bytes`; empty for framing.
        reason: why this is no record, without any of its content; empty for records and framing.
        part: place among the records of the same error line, from 0; 0 everywhere else.
    """

    kind: Kind
    offset: int
    length: int
    data: bytes = b""
    reason: str = ""
    part: int = 0
