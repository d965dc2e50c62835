"""Where a record ends.

A record is the version marker, a symbol table and one struct. Its end is known by walking headers;
that it is a true end shows in what follows: the next marker, frame or JSON line, or the object's
end, each also behind delimiters. 0x0A is a ten-byte NOP pad in binary Ion, so it is a delimiter
only there; any other NOP pad behind a value is part of the record.

A corrupted length can make a record end at a later record's boundary. Its body then contains the
markers of those that it swallows, so a record that contains one is never taken unseen.
"""

from __future__ import annotations

import re

from qldb_replay.errors import IonFormatError
from qldb_replay.ion.framing import IVM, value_end

_NEWLINE_IVM = b"\n" + IVM
# '{"' read as Ion is a symbol whose ID has eleven bytes, which no stream has.
_BOUNDARY = re.compile(rb'(?:\r?\n){0,64}(?:\xe0\x01\x00\xea|\xf3\x89\x9a\xc2|\{"|\Z)')

BOUNDARY_BYTES = 256
"""Bytes behind a record that may have to be seen to know that it ends there."""

# Real records have two. A small bound keeps the work linear on hostile bytes, where every value
# could contain the beginning of a next candidate.
_MOST_VALUES = 64
_MOST_TABLES = 4


def plain_end(data: bytes, pos: int, end: int) -> int:
    """Finds the end of a record of the usual shape that nothing about its bytes casts doubt on.

    Args:
        data: bytes that hold the record.
        pos: index of its version marker.
        end: index that it must not pass.

    Returns:
        Index of the first byte behind it; -1 if `whole_end` has to tell.
    """
    # Runs once for each record of an archive, so the usual case comes first at every step.
    table = pos + 4
    try:
        if not 0xE0 < data[table] < 0xEF:
            return -1
        struct = value_end(data, table, end)
        if data[struct] & 0xF0 != 0xD0:
            return -1
        found = value_end(data, struct, end)
    except (IonFormatError, IndexError):
        return -1
    if (
        data.startswith(IVM, found)
        or data.startswith(_NEWLINE_IVM, found)
        or _BOUNDARY.match(data, found)
    ) and data.find(IVM, table, found) < 0:
        return found
    return -1


def whole_end(data: bytes, pos: int, end: int) -> int:
    """Finds the end of a record of any number of values, which must be a boundary.

    Args:
        data: bytes that hold the record.
        pos: index of its version marker.
        end: index that it must not pass.

    Returns:
        Index of the first byte behind it.

    Raises:
        IonFormatError: headers are invalid, reach past `end`, or come to no boundary.
    """
    index = pos + 4
    if _BOUNDARY.match(data, index):
        raise IonFormatError("version marker without a value", pos)
    for _ in range(_MOST_VALUES):
        index = value_end(data, index, end)
        if _BOUNDARY.match(data, index):
            return index
    raise IonFormatError(f"more than {_MOST_VALUES} values in a record", index)


def first_end(data: bytes, pos: int, end: int) -> int:
    """Finds the end of a record's first value that is no symbol table, whatever follows it.

    Args:
        data: bytes that hold the record.
        pos: index of its version marker.
        end: index that it must not pass.

    Returns:
        Index of the first byte behind that value; -1 if there is none.
    """
    index = pos + 4
    try:
        for _ in range(_MOST_TABLES):
            kind = data[index] >> 4
            index = value_end(data, index, end)
            if kind == 0xD:
                return index
            if kind not in (0x0, 0xE):
                return -1
    except (IonFormatError, IndexError):
        pass
    return -1
