"""What else lies in buckets: journal exports, and files that are no archive at all.

Such an object is one segment from its first byte to its last: a Parquet file may well hold records,
but it is not their archive.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from qldb_replay.archive.segments import Kind
from qldb_replay.errors import IonFormatError
from qldb_replay.ion.framing import IVM, value_end

HEAD_BYTES = 65_536
"""Bytes of an object's beginning that are looked at."""

_SIGNATURES = (
    (b"PAR1", "Parquet"),
    (b"ORC", "ORC"),
    (b"Obj\x01", "Avro"),
    (b"SEQ\x06", "a Hadoop sequence file"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"%PDF-", "PDF"),
    (b"SQLite format 3\x00", "SQLite"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bzip2"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x7fELF", "a program"),
)
_FIRST_FIELD = re.compile(
    rb"""\s*(?:\$ion_1_0\s*)?\{\s*(["']?)"""
    rb"""(blockAddress|ledgerName|exportId|inclusiveStartTime|exclusiveEndTime|keys)\1\s*:"""
)
_TEXT = re.compile(rb"[\t\n\r -~\x80-\xff]+\Z")


class Foreign(NamedTuple):
    """An object that is no stream archive.

    Attributes:
        kind: `export` for a journal export, else `damage`.
        reason: what it looks like.
    """

    kind: Kind
    reason: str


def recognise(head: bytes) -> Foreign | None:
    """Recognises an object that is no stream archive by its beginning.

    Args:
        head: the first `HEAD_BYTES` of the decompressed object.

    Returns:
        What it is; None if it may be an archive, or is unknown.
    """
    field = _FIRST_FIELD.match(head)
    if field is not None:
        if field[2] != b"blockAddress":
            return Foreign("export", "export: manifest")
        form = "JSON" if field[1] == b'"' else "Ion text"
        return Foreign("export", f"export: blocks as {form}")
    if head.startswith(IVM) and _is_binary_export(head):
        return Foreign("export", "export: blocks as binary Ion")
    name = _signature(head)
    return None if name is None else Foreign("damage", f"looks like {name}")


def describe(head: bytes) -> str:
    """Says what bytes look like that are no record."""
    name = _signature(head)
    if name is None and _TEXT.match(head[:64]):
        name = "JSON that is no Firehose error line" if head.startswith(b"{") else "text"
    return "no record begins here" if name is None else f"looks like {name}"


def _signature(head: bytes) -> str | None:
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    return None


def _is_binary_export(head: bytes) -> bool:
    """Tells whether the first symbol table names a block's fields and no stream record's.

    QLDB: a record of a stream has the fields qldbStreamArn, recordType and payload around what an
    export gives bare.
    """
    try:
        table = head[4 : value_end(head, 4, len(head))]
    except IonFormatError:
        table = head[4:]
    names = (b"qldbStreamArn", b"recordType", b"payload")
    return b"blockAddress" in table and not any(name in table for name in names)
