"""The envelope of stream records, and how journal exports differ from it.

QLDB: a record is {qldbStreamArn, recordType, payload}; recordType is CONTROL, BLOCK_SUMMARY or
REVISION_DETAILS. A REVISION_DETAILS payload is {tableInfo{tableName, tableId}, revision}.
"""

from __future__ import annotations

from typing import NamedTuple

from qldb_replay.journal.fields import (
    Field,
    Source,
    check_rest,
    required,
    struct_fields,
    text,
)
from qldb_replay.journal.heads import after_head, keep_head
from qldb_replay.journal.revision import Revision, read_revision

CONTROL, BLOCK_SUMMARY, REVISION_DETAILS = "CONTROL", "BLOCK_SUMMARY", "REVISION_DETAILS"


class Envelope(NamedTuple):
    """What every record says of itself.

    Attributes:
        stream_arn: the stream that delivered it.
        record_type: its kind.
        payload: offsets of what it carries.
    """

    stream_arn: str
    record_type: str
    payload: Field


class RevisionDetails(NamedTuple):
    """A revision and the table that it belongs to.

    Attributes:
        table_id: ID of the ledger table.
        table_name: its name.
        revision: the revision.
    """

    table_id: str
    table_name: str
    revision: Revision


def read_envelope(source: Source, field: Field) -> Envelope:
    """Reads a record's envelope, not what it carries.

    Args:
        source: where the record is.
        field: offsets of its struct.

    Returns:
        The envelope.

    Raises:
        IonFormatError: malformed Ion.
        RecordFormatError: no envelope's fields or types.
    """
    if (known := after_head(source, field, "record")) is not None:
        return Envelope(*known)
    fields = struct_fields(source, field, "record")
    arn = required(fields.pop("qldbStreamArn", None), "qldbStreamArn", field[0])
    kind = required(fields.pop("recordType", None), "recordType", field[0])
    payload = required(fields.pop("payload", None), "payload", field[0])
    if fields:
        check_rest(source, fields)
    stream_arn, record_type = text(source, arn, "qldbStreamArn"), text(source, kind, "recordType")
    keep_head(source, field, "record", (stream_arn, record_type), payload)
    return Envelope(stream_arn, record_type, payload)


def read_revision_details(source: Source, field: Field) -> RevisionDetails:
    """Reads the payload of a REVISION_DETAILS record and recomputes the revision's hash.

    Args:
        source: where it is.
        field: the payload's offsets.

    Returns:
        The revision with its table.

    Raises:
        IonFormatError: malformed Ion.
        RecordFormatError: not the fields or types of such a payload.
    """
    if (known := after_head(source, field, "payload")) is not None:
        return RevisionDetails(known[0], known[1], read_revision(source, known[2]))
    fields = struct_fields(source, field, "payload")
    table = required(fields.pop("tableInfo", None), "tableInfo", field[0])
    revision = required(fields.pop("revision", None), "revision", field[0])
    if fields:
        check_rest(source, fields)
    fields = struct_fields(source, table, "tableInfo")
    name = required(fields.pop("tableName", None), "tableName", table[0])
    table_id = required(fields.pop("tableId", None), "tableId", table[0])
    if fields:
        check_rest(source, fields)
    content = text(source, table_id, "tableId"), text(source, name, "tableName")
    keep_head(source, field, "payload", content, revision)
    return RevisionDetails(*content, read_revision(source, revision))


def is_export_block(source: Source, field: Field) -> bool:
    """Tells whether a top-level value is a block of a journal export.

    QLDB: an export has the blocks without an envelope, and their revisions in full.

    Args:
        source: where the value is.
        field: its offsets.

    Returns:
        Whether it is a struct that has an address, a hash and a transaction, and no record type.

    Raises:
        IonFormatError: malformed Ion.
        RecordFormatError: a name occurs twice.
    """
    if not 0xD0 <= source.buf[field[0]] < 0xDF:
        return False
    names = struct_fields(source, field, "value").keys()
    return names >= {"blockAddress", "transactionId", "blockHash"} and "recordType" not in names
