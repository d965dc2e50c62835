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

BATCH_BYTES = 16 * MIB
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


def decode_objects(objects: Iterable[FetchedObject], limits: Limits) -> Iterator[pa.RecordBatch]:
    """Decodes objects.

    Args:
        objects: fetched objects; each is released before the next is taken.
        limits: what archive content may ask of us.

    Yields:
        Batches of the schema `columns.DECODED`, of about 16 MiB at most. An object whose content
        is the one read before gives its `object` row alone, marked `unchanged`.
    """
    decoder = RecordDecoder(limits)
    for uri, content, known_sha256 in objects:
        reader = read_object(content, limits, decoder.decode)
        unchanged = known_sha256 is not None and known_sha256 == reader.sha256
        rows = _Rows(uri)
        if not unchanged:
            for segment in reader:
                rows.add(segment, decoder)
                if rows.full:
                    yield rows.batch()
                    rows.clear()
        rows.close(reader, unchanged)
        yield rows.batch()


class _Rows:
    """Rows of one object that wait for their batch."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._records_given = 0
        self._unreadable_bytes = 0
        self._quarantined = 0
        self.clear()

    def clear(self) -> None:
        self._records = _Tuples(len(_RECORD))
        self._revisions = _Tuples(REVISION.num_fields)
        self._blocks = _Tuples(BLOCK.num_fields)
        self._quarantine: list[tuple[int, int, str, bytes]] = []
        self._summary: dict[str, Any] | None = None
        self._bytes = 0

    @property
    def full(self) -> bool:
        rows = len(self._records) + len(self._quarantine)
        return self._bytes >= BATCH_BYTES or rows >= BATCH_ROWS

    def add(self, segment: Segment, decoder: RecordDecoder) -> None:
        kind, offset, length, data, reason, part = segment
        if kind == "framing":
            return
        if kind == "record":
            try:
                decoded = decoder.decode(data)
            except (IonFormatError, RecordFormatError) as error:
                data, reason = data[:MIB], str(error)
            else:
                self._record(offset, length, part, decoded, data)
                return
        self._quarantine.append((offset, length, reason, data))
        self._bytes += len(data)
        self._quarantined += 1
        self._unreadable_bytes += length

    def _record(self, offset: int, length: int, part: int, decoded: Decoded, data: bytes) -> None:
        *envelope, revision, block = decoded
        self._records.add((offset, length, part, *envelope, data))
        self._revisions.add(revision)
        self._blocks.add(block)
        self._bytes += 2 * length
        self._records_given += 1

    def close(self, reader: ObjectReader, unchanged: bool) -> None:
        """Adds the object's own row."""
        self._summary = {
            "sha256": reader.sha256,
            "compression": reader.compression,
            "records": self._records_given,
            "unreadable_bytes": self._unreadable_bytes,
            "quarantined": self._quarantined,
            "unchanged": unchanged,
        }

    def batch(self) -> pa.RecordBatch:
        """Returns the rows as one Arrow batch: records, quarantine, the object's own."""
        records, quarantine = len(self._records), len(self._quarantine)
        own = 0 if self._summary is None else 1
        total = records + quarantine + own
        columns: dict[str, Any] = {
            "kind": ["record"] * records + ["quarantine"] * quarantine + ["object"] * own,
            "object_uri": [self._uri] * total,
        }
        if records:
            others = total - records
            for name, values in zip(_RECORD, self._records.columns(), strict=True):
                columns[name] = values + [None] * others
            columns["revision"] = self._revisions.array(REVISION, others)
            columns["block"] = self._blocks.array(BLOCK, others)
        if quarantine:
            places = zip(*self._quarantine, strict=True)
            for name, place in zip(("offset", "length", "reason", "bytes"), places, strict=True):
                before = columns.get(name, [None] * total)[:records]
                columns[name] = [*before, *place, *[None] * own]
        for name, value in (self._summary or {}).items():
            columns[name] = [*[None] * (total - 1), value]
        arrays = [_array(columns.get(field.name), field.type, total) for field in DECODED]
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


def _check_order() -> None:
    """Fails at import where the decoder's tuples and the Arrow structs disagree."""
    from qldb_replay.codec.decode import BlockColumns, RevisionColumns

    for columns, of in ((RevisionColumns, REVISION), (BlockColumns, BLOCK)):
        if list(columns._fields) != [field.name for field in of]:
            raise RuntimeError(f"{columns.__name__} and its Arrow struct differ")


_check_order()
