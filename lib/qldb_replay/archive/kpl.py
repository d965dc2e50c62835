"""Aggregates of the Kinesis Producer Library that were stored as they came.

A frame is F3 89 9A C2, a protobuf message `AggregatedRecord` (1: partition keys, 2: explicit hash
keys, 3: records of 1: partition key index, 2: hash key index, 3: data, 4: tags) and the MD5 of that
message. There is no length: the message ends at the first field boundary where the MD5 fits.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from qldb_replay.archive.compression import KPL_MAGIC

_KEY, _HASH_KEY, _RECORD = 0x0A, 0x12, 0x1A  # field number << 3 | 2, the wire type of bytes
_RECORD_DATA = 0x1A
_MD5_BYTES = 16


class Frame(NamedTuple):
    """A frame whose MD5 fits.

    Attributes:
        end: index of the first byte behind it.
        records: begin and end of each record's data, in order.
    """

    end: int
    records: list[tuple[int, int]]


class NoFrame(NamedTuple):
    """A place where a frame begins and no MD5 fits.

    Attributes:
        end: index up to which it was read, which is the work that it took.
    """

    end: int


def read_frame(data: bytes, pos: int, end: int) -> Frame | NoFrame:
    """Reads the frame that begins at a position.

    Args:
        data: bytes that hold it.
        pos: index of its first byte.
        end: index that it must not pass.

    Returns:
        The frame, or how far it was read before it proved to be none.
    """
    digest = hashlib.md5(usedforsecurity=False)
    view = memoryview(data)
    records = []
    field = pos + len(KPL_MAGIC)
    while field < end and data[field] in (_KEY, _HASH_KEY, _RECORD):
        body, after = _bytes_field(data, field, end)
        if after < 0:
            break
        digest.update(view[field:after])
        if data[field] == _RECORD:
            found = _record_data(data, body, after)
            if found is None:
                break
            records.append(found)
        field = after
        if data[field : field + _MD5_BYTES] == digest.digest() and field + _MD5_BYTES <= end:
            return Frame(field + _MD5_BYTES, records)
    return NoFrame(min(field, end))


def _record_data(data: bytes, pos: int, end: int) -> tuple[int, int] | None:
    """Finds the data field of a record message, None where the message is broken."""
    found = None
    while pos < end:
        kind = data[pos] & 7
        if kind == 0:
            _, after = _varint(data, pos + 1, end)
            body = pos
        elif kind == 2:
            body, after = _bytes_field(data, pos, end)
        else:
            return None
        if after < 0:
            return None
        if data[pos] == _RECORD_DATA:
            found = (body, after)
        pos = after
    return found


def _bytes_field(data: bytes, pos: int, end: int) -> tuple[int, int]:
    """Returns begin and end of a field's bytes; an end of -1 where it does not fit."""
    length, body = _varint(data, pos + 1, end)
    if body < 0 or body + length > end:
        return pos, -1
    return body, body + length


def _varint(data: bytes, pos: int, end: int) -> tuple[int, int]:
    """Returns a varint and the index behind it; -1 as index where there is none."""
    value = 0
    for index in range(pos, min(pos + 10, end)):
        value |= (data[index] & 0x7F) << 7 * (index - pos)
        if data[index] < 0x80:
            return value, index + 1
    return 0, -1
