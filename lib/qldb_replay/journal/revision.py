"""Revisions: one version of one document, in whichever of its three kinds.

QLDB: a revision is {blockAddress, hash, data, metadata{id, version, txTime, txId}}. Its hash is
H(metadata) and H(data) joined by `dot`, H being Ion Hash with SHA-256; address and hash are not
hashed.

- `data`: the document as it was written.
- `redacted`: `data` was replaced by `dataHash`, the hash that it had, so the revision's own hash
  still recomputes.
- `delete`: neither. The one published deletion that prints its hash has H(metadata) alone, and so
  that is the rule. What AWS's samples and a missing value's possible hashes would give instead is
  tried only to say what an archive used that does not keep to it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from qldb_replay.journal.address import read_address
from qldb_replay.journal.fields import (
    Field,
    Source,
    check_rest,
    hash_value,
    ion_hash_of,
    required,
    struct_fields,
)
from qldb_replay.journal.hashed import (
    hash_and_read,
    known,
    read_number,
    read_string,
    read_struct,
    read_time,
)
from qldb_replay.journal.merkle import dot
from qldb_replay.journal.streams import open_stream

DATA, DELETE, REDACTED = "data", "delete", "redacted"

_NO_DATA = {
    "null": sha256(b"\x0b\x0f\x0e").digest(),
    "nothing": sha256(b"").digest(),
    "null.struct": sha256(b"\x0b\xdf\x0e").digest(),
    "empty struct": sha256(b"\x0b\xd0\x0e").digest(),
}
"""What the missing data of a deletion could have been hashed as, by name."""


class Revision(NamedTuple):
    """A revision, and what was computed from it.

    Attributes:
        strand_id: strand of its block.
        sequence_no: its block's number in the strand.
        document_id: document.
        version: version of the document, from zero.
        tx_id: transaction that wrote it.
        tx_time: its time, in microseconds since 1970 UTC.
        hash: stored hash; None where it has none.
        kind: `data`, `delete` or `redacted`.
        metadata_hash: H(metadata).
        data_hash: H(data), the stored dataHash of a redacted one, None for a deletion.
        hash_matches: whether the stored hash is the recomputed one.
        delete_rule: for a deletion that does not match, as what the missing data was hashed, if
            that would match.
        json: JSON text of the data, None without data.
        sketch: type sketch of the data, None without data.
        data: offsets of the data, None without data.
        metadata: offsets of the metadata.
    """

    strand_id: str
    sequence_no: int
    document_id: str
    version: int
    tx_id: str | None
    tx_time: int | None
    hash: bytes | None
    kind: str
    metadata_hash: bytes
    data_hash: bytes | None
    hash_matches: bool
    delete_rule: str | None
    json: str | None
    sketch: str | None
    data: Field | None
    metadata: Field


def read_revision(source: Source, field: Field) -> Revision:
    """Reads a revision and recomputes its hash.

    Args:
        source: where it is.
        field: offsets of its struct.

    Returns:
        The revision.

    Raises:
        IonFormatError: malformed Ion.
        RecordFormatError: not a revision's fields or types.
    """
    offset = field[0]
    fields = struct_fields(source, field, "revision")
    address = required(fields.pop("blockAddress", None), "blockAddress", offset)
    metadata = required(fields.pop("metadata", None), "metadata", offset)
    strand_id, sequence_no = read_address(source, address)
    metadata_hash, (document_id, version, tx_id, tx_time) = hash_and_read(
        source, metadata, _read_metadata
    )
    stored = hash_value(source, fields.pop("hash", None), "hash")
    data = fields.pop("data", None)
    data_hash = hash_value(source, fields.pop("dataHash", None), "dataHash")
    if fields:
        check_rest(source, fields)
    json = sketch = None
    if data is not None:
        data_hash, json, sketch = ion_hash_of(source, data)
    kind = DATA if data is not None else DELETE if data_hash is None else REDACTED
    matches = stored == dot(metadata_hash, data_hash or b"")
    rule = None
    if kind == DELETE and not matches:
        rule = _delete_rule(stored, metadata_hash)
    return Revision(
        strand_id,
        sequence_no,
        document_id,
        version,
        tx_id,
        tx_time,
        stored,
        kind,
        metadata_hash,
        data_hash,
        matches,
        rule,
        json,
        sketch,
        data,
        metadata,
    )


def _read_metadata(
    source: Source, field: Field
) -> tuple[bytes, tuple[str, int, str | None, int | None]]:
    """Hash message, document ID, version, transaction ID and time."""
    message, found = read_struct(source, field, "metadata", 1, _METADATA)
    take = found.get
    document_id = required(take("id"), "metadata.id", field[0])
    version = required(take("version"), "metadata.version", field[0])
    return message, (document_id, version, take("txId"), take("txTime"))


_METADATA = known(
    "metadata.",
    {"id": read_string, "version": read_number, "txTime": read_time, "txId": read_string},
    {},
)


def _delete_rule(stored: bytes | None, metadata_hash: bytes) -> str | None:
    for name, data_hash in _NO_DATA.items():
        if stored == dot(metadata_hash, data_hash):
            return name
    return None


def revision_hash(revision: bytes) -> bytes:
    """Recomputes a revision's hash.

    Args:
        revision: binary Ion stream of one revision, whole, redacted or deleted.

    Returns:
        The hash that it should have, 32 bytes.

    Raises:
        IonFormatError: malformed Ion, or not exactly one value.
        RecordFormatError: not a revision's fields or types.
    """
    found = read_revision(*open_stream(revision))
    return dot(found.metadata_hash, b"" if found.data_hash is None else found.data_hash)
