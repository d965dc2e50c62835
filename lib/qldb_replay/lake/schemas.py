"""The schemas of the lake's tables, as the contract lists their columns; ours stand behind."""

from __future__ import annotations

from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import (
    BinaryType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from qldb_replay.codec.columns import DECODED

_DECODED = from_arrow_schema(DECODED)


def _take(*names: str) -> list[StructField]:
    return [_DECODED[name] for name in names]


def _strings(*names: str) -> list[StructField]:
    return [StructField(name, StringType()) for name in names]


PLANNED = StructType(
    [
        *_strings("object_uri"),
        StructField("size", LongType()),
        StructField("modified", TimestampType()),
        *_strings("etag"),
        StructField("known_sha256", BinaryType()),
    ]
)

OBJECTS = StructType(
    [
        *_strings("object_uri"),
        StructField("size", LongType()),
        StructField("modified", TimestampType()),
        *_strings("etag", "status"),
        *_take("sha256", "compression"),
        StructField("records", LongType()),
        StructField("unreadable_bytes", LongType()),
        *_strings("run_id"),
        StructField("batch", LongType()),
    ]
)

RECORDS = StructType(
    [
        *_take("object_uri", "offset", "length", "record_type", "stream_arn", "strand_id"),
        *_take("sequence_no", "document_id", "version"),
        StructField("batch", LongType()),
        *_take("part", "hash", "revision", "block", "ion"),
        *_strings("holds"),
    ]
)
"""`holds` is `block`, `revision` or `other`. Each lies in a partition of its own: what reads one
kind does not touch the other's payload.
"""

QUARANTINE = StructType(
    [
        *_take("object_uri", "offset", "length", "reason", "bytes"),
        StructField("batch", LongType()),
    ]
)

RUNS = StructType(
    [
        *_strings("run_id", "command"),
        StructField("started", TimestampType()),
        StructField("ended", TimestampType()),
        *_strings("version", "options", "counts", "verdict"),
    ]
)
