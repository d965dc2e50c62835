"""An object's records as JSON lines, for people who look at one object."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from qldb_replay.archive import read_object
from qldb_replay.codec.decode import Decoded, RecordDecoder
from qldb_replay.errors import IonFormatError, RecordFormatError
from qldb_replay.ion import to_json
from qldb_replay.limits import Limits


class Line(NamedTuple):
    """What is said of a stretch of an object.

    Attributes:
        is_record: whether it is a record.
        text: a JSON object.
    """

    is_record: bool
    text: str


def inspect_object(uri: str, content: bytes, limits: Limits) -> Iterator[Line]:
    """Describes what an object holds, without Spark.

    Args:
        uri: the object's name, repeated in each line.
        content: its stored bytes.
        limits: what archive content may ask of us.

    Yields:
        For a record its place, keys, whether its hash recomputes (`hash_matches`, null where it
        has none) and `record`, its JSON form with every digit that it has; for anything else its
        place and `reason`.
    """
    decoder = RecordDecoder(limits)
    for segment in read_object(content, limits, decoder.decode):
        if segment.kind == "framing":
            continue
        place = {"object_uri": uri, "offset": segment.offset, "length": segment.length}
        if segment.kind != "record":
            yield Line(False, _json({**place, "reason": segment.reason}))
            continue
        try:
            decoded = decoder.decode(segment.data)
        except (IonFormatError, RecordFormatError) as error:
            yield Line(False, _json({**place, "reason": str(error)}))
            continue
        said = _json({**place, **_said(decoded)})
        # Spliced in, as Python's numbers would not keep what it says.
        yield Line(True, f'{said[:-1]}, "record": {_shown(segment.data)}}}')


def _said(decoded: Decoded) -> dict[str, Any]:
    matches = None
    if decoded.revision is not None:
        matches = decoded.revision.hash_matches
    elif decoded.block is not None:
        matches = decoded.block.entries_hash_matches and decoded.block.block_hash_matches
    return {
        "record_type": decoded.record_type,
        "strand_id": decoded.strand_id,
        "sequence_no": decoded.sequence_no,
        "document_id": decoded.document_id,
        "version": decoded.version,
        "hash": None if decoded.hash is None else decoded.hash.hex(),
        "hash_matches": matches,
    }


def _shown(record: bytes) -> str:
    """A record's JSON form, null where its data is as deep as it may be and the record deeper."""
    try:
        return to_json(record)
    except IonFormatError:
        return "null"


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False)
