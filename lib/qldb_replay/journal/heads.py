"""What the records of one ledger table begin with, read once.

Up to the revision, records under the same symbol table repeat the same bytes: stream, record type,
ledger table. Where the bytes in front of a struct's last field are those of the record before, they
say the same, and only that field is left to be found.
"""

from __future__ import annotations

from qldb_replay.ion.framing import body_bounds
from qldb_replay.journal.fields import Field, Source

_LONGEST = 512
"""Bytes of a head that are remembered, which an attacker could choose."""


def after_head(source: Source, field: Field, what: str) -> tuple[str, str, Field] | None:
    """Finds the last field of a struct that begins as the one before did.

    Args:
        source: where the struct is.
        field: its offsets.
        what: which of the structs of a record it is.

    Returns:
        What the head says and the last field's offsets; None if the struct has to be read.

    Raises:
        IonFormatError: a malformed header of the last field.
    """
    buf, table, _ = source
    pos, start, end = field
    head = table.heads.get(what)
    # Behind the head there must be a byte at least, or the struct has to say what it lacks.
    if head is None or not 0xD0 <= buf[pos] < 0xDF or not buf.startswith(head[0], start, end - 1):
        return None
    last = start + len(head[0])
    body, stop = body_bounds(buf, last, end)
    if stop != end or buf[last] < 0x0F or buf[last] & 15 == 15:
        return None
    return head[1], head[2], (last, body, stop)


def keep_head(
    source: Source, field: Field, what: str, content: tuple[str, str], last: Field
) -> None:
    """Remembers how a struct begins.

    Args:
        source: where the struct is.
        field: its offsets.
        what: which of the structs of a record it is.
        content: what the fields before the last one say.
        last: offsets of a field; unless it is the last one nothing is remembered.
    """
    if last[2] == field[2] and last[0] - field[1] <= _LONGEST:
        source.table.heads[what] = source.buf[field[1] : last[0]], *content
