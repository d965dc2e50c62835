"""The native codec: what `codec.objects` and `codec.typed` do, by compiled code, many times faster.

Importing this module fails where the extension was not built.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from qldb_replay.codec import _native
from qldb_replay.codec._native import Decoder
from qldb_replay.codec.objects import FetchedObject
from qldb_replay.codec.types import DataType
from qldb_replay.limits import DEFAULT_LIMITS, Limits


def decode_objects(objects: Iterable[FetchedObject], limits: Limits) -> Iterator[pa.RecordBatch]:
    """Decodes objects.

    Args:
        objects: fetched objects; each is released before the next is taken.
        limits: what archive content may ask of us.

    Yields:
        Batches of the schema `columns.DECODED`, of about 4 MiB at most; small objects share one.
        An object whose content is the one read before gives its `object` row alone, marked
        `unchanged`.

    Raises:
        ValueError: `limits.depth` is beyond 1,000, which the native codec's stack does not bear.
    """
    decoder = Decoder(limits)
    for uri, content, known_sha256 in objects:
        decoder.begin(uri, content, known_sha256)
        del content
        while (batch := decoder.read()) is not None:
            yield batch
    if (batch := decoder.finish()) is not None:
        yield batch


def build(documents: pa.Array, type_: DataType) -> pa.Array:
    """Builds the typed column of documents.

    Args:
        documents: each an Ion stream of its own with one value; null for no document.
        type_: a type that was derived from a shape into which all of these documents were folded.

    Returns:
        An array of `to_arrow(type_)`, one entry for each document. Values are exact; fields and
        documents that are null or absent are null, as are fields that are no column yet.

    Raises:
        IonFormatError: a document is not exactly one valid Ion value.
        ValueError: a value does not fit its type.
    """
    return _native.build(documents.cast(pa.binary()), type_, DEFAULT_LIMITS)
