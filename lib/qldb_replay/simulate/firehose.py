# ruff: noqa: S311 - object names follow from the seed
"""Delivered records to archive objects, named and laid out as Firehose does it.

Keys are `YYYY/MM/dd/HH/<stream>-1-YYYY-MM-dd-HH-mm-ss-<uuid><extension>`, the time being the
arrival of the object's oldest record. Records are concatenated, with the delimiter of the option
behind each, and an object is closed when it reaches its size before compression. Records whose
delivery failed lie as JSON lines below `processing-failed/`, their bytes in base64.
"""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterable
from hashlib import md5
from io import BytesIO
from pathlib import Path
from random import Random
from typing import NamedTuple
from uuid import UUID

import pyarrow as pa

from qldb_replay.simulate.delivery import Record
from qldb_replay.simulate.options import DELIMITERS, SimulateOptions
from qldb_replay.simulate.values import Instant

_KPL_MAGIC = b"\xf3\x89\x9a\xc2"
_KPL_RECORDS = 20
_HADOOP_BLOCK = 256 * 1024
_SNAPPY = pa.Codec("snappy")


class Placed(NamedTuple):
    """Where a record came to lie.

    Attributes:
        record: which one.
        path: the object.
        offset: of the record in the decompressed object, or of its JSON line in an error object.
        length: of the same.
    """

    record: Record
    path: Path
    offset: int
    length: int


class Written(NamedTuple):
    """What was written: counts of objects, of their stored bytes, and of records in them."""

    objects: int
    stored_bytes: int
    records: int


class _Object:
    """An object being filled."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.oldest = 0
        self.placed: list[tuple[Record, int, int]] = []

    def add(self, record: Record, before: bytes, data: bytes, after: bytes) -> None:
        """Append a record between bytes that are not the record's."""
        if not self.content or record.arrival < self.oldest:
            self.oldest = record.arrival
        self.content += before
        self.placed.append((record, len(self.content), len(data)))
        self.content += data
        self.content += after


class Archive:
    """Writes delivered records below a folder; memory holds an object at a time."""

    def __init__(self, options: SimulateOptions, watch: Callable[[Placed], None]) -> None:
        """Begin an archive.

        Args:
            options: folder, sizes and formats.
            watch: called with every record once its object is written.
        """
        self._options = options
        self._watch = watch
        self._rng = Random(f"archive {options.seed}")
        self._delimiter = DELIMITERS[options.delimiter]
        self._objects = 0
        self._stored_bytes = 0
        self._records = 0

    def write(self, source: Iterable[Record]) -> Written:
        """Write all records and close every object.

        Raises:
            OSError: the folder cannot be written.
        """
        good, failed = _Object(), _Object()
        aggregate: list[Record] = []
        for record in source:
            if self._rng.random() < self._options.error_share:
                failed.add(record, b"", _error_line(record), b"\n")
                failed = self._closed_if_full(failed, "processing-failed/")
                continue
            if self._options.kpl:
                aggregate.append(record)
                if len(aggregate) < _KPL_RECORDS:
                    continue
                self._add_aggregate(good, aggregate)
                aggregate = []
            else:
                good.add(record, b"", record.data, self._delimiter)
            good = self._closed_if_full(good, "")
        if aggregate:
            self._add_aggregate(good, aggregate)
        for rest, prefix in ((good, ""), (failed, "processing-failed/")):
            if rest.content:
                self._close(rest, prefix)
        return Written(self._objects, self._stored_bytes, self._records)

    def _closed_if_full(self, filled: _Object, prefix: str) -> _Object:
        if len(filled.content) < self._options.object_bytes:
            return filled
        self._close(filled, prefix)
        return _Object()

    def _close(self, filled: _Object, prefix: str) -> None:
        when = Instant(filled.oldest).datetime()
        name = UUID(int=self._rng.getrandbits(128), version=4)
        # Error lines stay legible: Firehose writes them apart from the records it compresses.
        compression = self._options.compression if not prefix else "none"
        extension, compress = _COMPRESSIONS[compression]
        key = f"{prefix}{when:%Y/%m/%d/%H}/{self._options.ledger}-1-{when:%Y-%m-%d-%H-%M-%S}-{name}"
        path = self._options.out / f"{key}{extension}"
        path.parent.mkdir(parents=True, exist_ok=True)
        stored = compress(bytes(filled.content))
        path.write_bytes(stored)
        self._objects += 1
        self._stored_bytes += len(stored)
        self._records += len(filled.placed)
        for record, offset, length in filled.placed:
            self._watch(Placed(record, path, offset, length))

    def _add_aggregate(self, target: _Object, aggregate: list[Record]) -> None:
        """One KPL frame: magic number, protobuf with key table and records, MD5 of the protobuf."""
        keys = sorted({record.hash.hex() or "a" for record in aggregate})
        message = b"".join([_protobuf(1, key.encode()) for key in keys])
        offsets = []
        for record in aggregate:
            key_index = keys.index(record.hash.hex() or "a")
            head = b"\x08" + _varint(key_index) + b"\x1a" + _varint(len(record.data))
            framed = _protobuf(3, head + record.data)
            offsets.append(len(message) + len(framed) - len(record.data))
            message += framed
        end = 0
        for record, offset in zip(aggregate, offsets, strict=True):
            before = message[end:offset]
            target.add(record, before if end else _KPL_MAGIC + before, record.data, b"")
            end = offset + len(record.data)
        target.content += md5(message, usedforsecurity=False).digest() + self._delimiter


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _protobuf(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _error_line(record: Record) -> bytes:
    """A line of a Firehose error object, as a failed Lambda transformation leaves it."""
    line = {
        "attemptsMade": 4,
        "arrivalTimestamp": record.arrival,
        "errorCode": "Lambda.FunctionError",
        "errorMessage": "The Lambda function was successfully invoked but it returned an error.",
        "attemptEndingTimestamp": record.arrival + 60_000,
        "rawData": b64encode(record.data).decode(),
        "lambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:transform:$LATEST",
    }
    return json.dumps(line).encode()


def _gzip(content: bytes) -> bytes:
    # zlib's own gzip header carries no time, so the same content gives the same bytes.
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return packer.compress(content) + packer.flush()


def _zip(content: bytes) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo("records", date_time=(1980, 1, 1, 0, 0, 0))
        archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _snappy(content: bytes) -> bytes:
    packed: bytes = _SNAPPY.compress(content, asbytes=True)
    return packed


def _hadoop_snappy(content: bytes) -> bytes:
    """Hadoop's blocks: length before compression, then one chunk with its length."""
    out = bytearray()
    for start in range(0, len(content), _HADOOP_BLOCK):
        block = content[start : start + _HADOOP_BLOCK]
        packed = _snappy(block)
        out += struct.pack(">II", len(block), len(packed)) + packed
    return bytes(out)


_COMPRESSIONS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "none": ("", bytes),
    "gzip": (".gz", _gzip),
    "zip": (".zip", _zip),
    "snappy": (".snappy", _snappy),
    "hadoop-snappy": (".hsnappy", _hadoop_snappy),
}
