"""Strict splitting of concatenated records, for bytes that are known to be whole."""

from __future__ import annotations

from qldb_replay.errors import IonFormatError
from qldb_replay.ion.framing import IVM, value_end


def split_records(data: bytes) -> list[bytes]:
    r"""Splits concatenated records, each of which begins with a version marker.

    Between records, and behind the last one, there may be nothing, `\n` or `\r\n`. A line feed is
    also the header of a ten-byte NOP pad, so it counts as delimiter only where a version marker or
    the end follows.

    Args:
        data: the bytes of whole records.

    Returns:
        The bytes of each record, delimiters left out.

    Raises:
        IonFormatError: anything else between records, or a record that does not end where its
            length headers say.
    """
    records = []
    pos, end = 0, len(data)
    while pos < end:
        if data[pos : pos + 4] != IVM:
            raise IonFormatError("record expected to begin with a version marker", pos)
        stop, after = _record_end(data, pos + 4, end)
        records.append(data[pos:stop])
        pos = after
    return records


def _record_end(data: bytes, pos: int, end: int) -> tuple[int, int]:
    """Offsets behind a record, without and with its delimiter."""
    while pos < end:
        for delimiter in (b"", b"\n", b"\r\n"):
            after = pos + len(delimiter)
            if data.startswith(delimiter, pos) and (after == end or data.startswith(IVM, after)):
                return pos, after
        pos = value_end(data, pos, end)
    return pos, pos
