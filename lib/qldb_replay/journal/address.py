"""Block addresses: a strand's ID and the place of a block in it."""

from __future__ import annotations

from qldb_replay.journal.fields import (
    Field,
    Source,
    check_rest,
    number,
    required,
    struct_fields,
    text,
)


def read_address(source: Source, field: Field) -> tuple[str, int]:
    """Reads a block address.

    Args:
        source: where it is.
        field: its offsets.

    Returns:
        Strand ID and sequence number.

    Raises:
        IonFormatError: malformed Ion.
        RecordFormatError: a field is missing or of another type.
    """
    fields = struct_fields(source, field, "blockAddress")
    strand = required(fields.pop("strandId", None), "strandId", field[0])
    sequence = required(fields.pop("sequenceNo", None), "sequenceNo", field[0])
    if fields:
        check_rest(source, fields)
    return text(source, strand, "strandId"), number(source, sequence, "sequenceNo")
