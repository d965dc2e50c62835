"""The columns that decoding gives: one Arrow schema for records, quarantine and objects.

One pass over an object yields rows of three kinds. `record` rows fill the record's columns,
`quarantine` rows `reason` and `bytes`, the one `object` row of each object the `sha256` …
`unreadable_bytes`; everything else is null.
"""

from __future__ import annotations

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")

REVISION = pa.struct(
    [
        pa.field("table_id", pa.string()),
        pa.field("table_name", pa.string()),
        pa.field("tx_id", pa.string()),
        pa.field("tx_time", TIME),
        pa.field("kind", pa.string()),
        pa.field("metadata_hash", pa.binary()),
        pa.field("data_hash", pa.binary()),
        pa.field("hash_matches", pa.bool_()),
        pa.field("delete_rule", pa.string()),
        pa.field("content", pa.binary()),
        pa.field("symbols_length", pa.int32()),
        pa.field("data_offset", pa.int32()),
        pa.field("data_length", pa.int32()),
        pa.field("metadata_ion", pa.binary()),
        pa.field("sketch", pa.string()),
        pa.field("data_json", pa.string()),
    ]
)
"""What a REVISION_DETAILS record says and what was computed from it.

`kind` is `data`, `delete` or `redacted`. `content` tells contents apart: 16 bytes over the exact
bytes that `revisions` shows of the record. Lengths and offsets are bytes from the record's start:
`ion[:symbols_length] + ion[data_offset:][:data_length]` is the exact document. `metadata_ion` is
the exact metadata, a stream of its own without the document's names.
"""

BLOCK = pa.struct(
    [
        pa.field("entries_hash", pa.binary()),
        pa.field("previous_block_hash", pa.binary()),
        pa.field("entries_hash_list", pa.list_(pa.binary())),
        pa.field("tx_id", pa.string()),
        pa.field("block_timestamp", TIME),
        pa.field(
            "statements",
            pa.list_(
                pa.struct(
                    [
                        pa.field("statement", pa.string()),
                        pa.field("start_time", TIME),
                        pa.field("statement_digest", pa.binary()),
                    ]
                )
            ),
        ),
        pa.field(
            "documents",
            pa.list_(
                pa.struct(
                    [
                        pa.field("document_id", pa.string()),
                        pa.field("table_id", pa.string()),
                        pa.field("table_name", pa.string()),
                        pa.field("statements", pa.list_(pa.int32())),
                    ]
                )
            ),
        ),
        pa.field(
            "revision_summaries",
            pa.list_(
                pa.struct([pa.field("hash", pa.binary()), pa.field("document_id", pa.string())])
            ),
        ),
        pa.field(
            "redactions",
            pa.list_(
                pa.struct(
                    [
                        pa.field("strand_id", pa.string()),
                        pa.field("sequence_no", pa.int64()),
                        pa.field("table_id", pa.string()),
                        pa.field("document_id", pa.string()),
                        pa.field("version", pa.int64()),
                    ]
                )
            ),
        ),
        pa.field("revisions_root", pa.binary()),
        pa.field("revisions_root_listed", pa.bool_()),
        pa.field("transaction_info_hash", pa.binary()),
        pa.field("transaction_info_listed", pa.bool_()),
        pa.field("redaction_info_hash", pa.binary()),
        pa.field("redaction_info_listed", pa.bool_()),
        pa.field("entries_hash_matches", pa.bool_()),
        pa.field("block_hash_matches", pa.bool_()),
        pa.field("content", pa.binary()),
    ]
)
"""What a BLOCK_SUMMARY record says, and its checks: each `_matches` and `_listed` was recomputed.

`content` stands for the exact record, because `blocks` shows all of it.
"""

DECODED = pa.schema(
    [
        pa.field("kind", pa.string()),
        pa.field("object_uri", pa.string()),
        pa.field("offset", pa.int64()),
        pa.field("length", pa.int64()),
        pa.field("part", pa.int32()),
        pa.field("record_type", pa.string()),
        pa.field("stream_arn", pa.string()),
        pa.field("strand_id", pa.string()),
        pa.field("sequence_no", pa.int64()),
        pa.field("document_id", pa.string()),
        pa.field("version", pa.int64()),
        pa.field("hash", pa.binary()),
        pa.field("revision", REVISION),
        pa.field("block", BLOCK),
        pa.field("ion", pa.binary()),
        pa.field("reason", pa.string()),
        pa.field("bytes", pa.binary()),
        pa.field("sha256", pa.binary()),
        pa.field("compression", pa.string()),
        pa.field("records", pa.int64()),
        pa.field("unreadable_bytes", pa.int64()),
        pa.field("quarantined", pa.int64()),
        pa.field("unchanged", pa.bool_()),
    ]
)
"""`part` numbers the records of one Firehose error line, which share offset and length, from 0."""
