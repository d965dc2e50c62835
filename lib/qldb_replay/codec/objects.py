"""From fetched objects to Arrow batches: framing, decoding and checking in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from qldb_replay.archive import ObjectReader, Segment, read_object
from qldb_replay.codec.columns import BLOCK, DECODED, REVISION
from qldb_replay.codec.decode import Decoded, RecordDecoder
from qldb_replay.errors import IonFormatError, RecordFormatError
from qldb_replay.limits import MIB, Limits

BATCH_BYTES = 4 * MIB
BATCH_ROWS = 20_000

FetchedObject = tuple[str, bytes, "bytes | None"]
"""URI, stored bytes, and the hash of the content read before (empty: lost; None: new object)."""

_RECORD = (
    "offset",
    "length",
    "part",
    "record_type",
    "stream_arn",
    "strand_id",
    "sequence_no",
    "document_id",
    "version",
    "hash",
    "ion",
)
_QUARANTINE = ("object_uri", "offset", "length", "reason", "bytes")
_OBJECT = (
    "object_uri",
    "sha256",
    "compression",
    "records",
    "unreadable_bytes",
    "quarantined",
    "unchanged",
)


def decode_objects(objects: Iterable[FetchedObject], limits: Limits) -> Iterator[pa.RecordBatch]:
    """Decodes objects.

    Args:
        objects: fetched objects; each is released before the next is taken.
        limits: what archive content may ask of us.

    Yields:
        Batches of the schema `columns.DECODED`, of about 4 MiB at most; small objects share one.
        An object whose content is the one read before gives its `object` row alone, marked
        `unchanged`.
    """
    decoder = RecordDecoder(limits)
    rows = _Rows(decoder, limits)
    for uri, content, known_sha256 in objects:
        reader = read_object(content, limits, decoder.decode)
        unchanged = known_sha256 is not None and known_sha256 == reader.sha256
        rows.begin(uri)
        if not unchanged:
            for segment in reader:
                rows.add(segment)
                if rows.full:
                    yield rows.batch()
        rows.end(reader, unchanged)
        del content, reader
    if not rows.empty:
        yield rows.batch()


class _Rows:
    """Rows that wait for their batch, which takes them away."""

    def __init__(self, decoder: RecordDecoder, limits: Limits) -> None:
        self._decoder = decoder
        self._most_quarantined = limits.quarantine_bytes
        self._clear()

    def _clear(self) -> None:
        self._uris: list[str] = []
        self._records = _Tuples(len(_RECORD))
        self._revisions = _Tuples(REVISION.num_fields)
        self._blocks = _Tuples(BLOCK.num_fields)
        self._quarantine = _Tuples(len(_QUARANTINE))
        self._objects = _Tuples(len(_OBJECT))
        self._bytes = 0

    @property
    def full(self) -> bool:
        rows = len(self._records) + len(self._quarantine)
        return self._bytes >= BATCH_BYTES or rows >= BATCH_ROWS

    @property
    def empty(self) -> bool:
        return not len(self._records) + len(self._quarantine) + len(self._objects)

    def begin(self, uri: str) -> None:
        """Takes the next object's rows from here on."""
        self._uri = uri
        self._records_given = 0
        self._unreadable_bytes = 0
        self._quarantined = 0

    def add(self, segment: Segment) -> None:
        kind, offset, length, data, reason, part = segment
        if kind == "framing":
            return
        if kind == "record":
            try:
                decoded = self._decoder.decode(data)
            except (IonFormatError, RecordFormatError) as error:
                data, reason = data[: self._most_quarantined], str(error)
            else:
                self._record(offset, length, part, decoded, data)
                return
        self._quarantine.add((self._uri, offset, length, reason, data))
        self._bytes += len(data)
        self._quarantined += 1
        self._unreadable_bytes += length

    def _record(self, offset: int, length: int, part: int, decoded: Decoded, data: bytes) -> None:
        *envelope, revision, block = decoded
        self._uris.append(self._uri)
        self._records.add((offset, length, part, *envelope, data))
        self._revisions.add(revision)
        self._blocks.add(block)
        json = None if decoded.revision is None else decoded.revision.data_json
        self._bytes += length + (length if json is None else len(json.encode()))
        self._records_given += 1

    def end(self, reader: ObjectReader, unchanged: bool) -> None:
        """Adds the object's own row."""
        counts = (self._records_given, self._unreadable_bytes, self._quarantined)
        self._objects.add((self._uri, reader.sha256, reader.compression, *counts, unchanged))

    def batch(self) -> pa.RecordBatch:
        """Returns the rows as one Arrow batch: records, quarantine, the objects' own."""
        kinds = (
            ("record", ("object_uri", *_RECORD), [self._uris, *self._records.columns()]),
            ("quarantine", _QUARANTINE, self._quarantine.columns()),
            ("object", _OBJECT, self._objects.columns()),
        )
        sizes = [len(columns[0]) for _, _, columns in kinds]
        total = sum(sizes)
        filled: dict[str, Any] = {"kind": []}
        for (kind, names, columns), size in zip(kinds, sizes, strict=True):
            before = len(filled["kind"])
            filled["kind"].extend([kind] * size)
            if not size:
                continue
            for name, values in zip(names, columns, strict=True):
                column = filled.setdefault(name, [])
                column.extend([None] * (before - len(column)))
                column.extend(values)
        for column in filled.values():
            column.extend([None] * (total - len(column)))
        filled["revision"] = self._revisions.array(REVISION, total - sizes[0])
        filled["block"] = self._blocks.array(BLOCK, total - sizes[0])
        self._clear()
        arrays = [_array(filled.get(field.name), field.type, total) for field in DECODED]
        return pa.RecordBatch.from_arrays(arrays, schema=DECODED)


class _Tuples:
    """Rows of a struct, kept flat: a tuple kept for each would slow the garbage collector down."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._absent = (None,) * width
        self._items: list[Any] = []
        self._missing: list[bool] = []

    def __len__(self) -> int:
        return len(self._missing)

    def add(self, row: tuple[Any, ...] | None) -> None:
        self._items.extend(self._absent if row is None else row)
        self._missing.append(row is None)

    def columns(self) -> list[list[Any]]:
        return [self._items[index :: self._width] for index in range(self._width)]

    def array(self, of: pa.StructType, nulls: int = 0) -> pa.Array:
        """Builds the struct column, with further nulls at its end."""
        missing = self._missing + [True] * nulls
        if all(missing):
            return pa.nulls(len(missing), of)
        children = [
            _array(values + [None] * nulls, field.type, len(missing))
            for values, field in zip(self.columns(), of, strict=True)
        ]
        mask = pa.array(missing, pa.bool_())
        return pa.StructArray.from_arrays(children, fields=list(of), mask=mask)


def _array(values: list[Any] | pa.Array | None, of: pa.DataType, length: int) -> pa.Array:
    """Builds one column; rows of structs in lists come as tuples in the order of their fields."""
    if values is None:
        return pa.nulls(length, of)
    if isinstance(values, pa.Array):
        return values
    if pa.types.is_list(of) and pa.types.is_struct(of.value_type):
        return _list_array(values, of)
    return pa.array(values, of)


def _list_array(values: list[Any], of: pa.ListType) -> pa.Array:
    items = _Tuples(of.value_type.num_fields)
    offsets = [0]
    for value in values:
        for item in value or ():
            items.add(item)
        offsets.append(len(items))
    mask = pa.array([value is None for value in values], pa.bool_())
    children = items.array(of.value_type)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), children, of, mask=mask)
