//! The columns that decoding gives: one Arrow schema for records, quarantine and objects.
//! `qldb_replay.codec.columns` says what each column means.

use std::sync::{Arc, LazyLock};

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

/// A column or field, which may be null as all are.
pub fn of(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}

fn string(name: &str) -> Field {
    of(name, DataType::Utf8)
}

fn binary(name: &str) -> Field {
    of(name, DataType::Binary)
}

fn boolean(name: &str) -> Field {
    of(name, DataType::Boolean)
}

fn long(name: &str) -> Field {
    of(name, DataType::Int64)
}

fn int(name: &str) -> Field {
    of(name, DataType::Int32)
}

fn time(name: &str) -> Field {
    of(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
}

fn list(name: &str, item: DataType) -> Field {
    of(name, DataType::List(Arc::new(of("item", item))))
}

/// Statements of a block.
pub static STATEMENT: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![string("statement"), time("start_time"), binary("statement_digest")])
});

/// Documents of a block.
pub static DOCUMENT: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        string("document_id"),
        string("table_id"),
        string("table_name"),
        list("statements", DataType::Int32),
    ])
});

/// Revision summaries of a block.
pub static SUMMARY: LazyLock<Fields> =
    LazyLock::new(|| Fields::from(vec![binary("hash"), string("document_id")]));

/// Redactions that a block requests.
pub static REDACTION: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        string("strand_id"),
        long("sequence_no"),
        string("table_id"),
        string("document_id"),
        long("version"),
    ])
});

/// What a REVISION_DETAILS record says and what was computed from it.
pub static REVISION: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        string("table_id"),
        string("table_name"),
        string("tx_id"),
        time("tx_time"),
        string("kind"),
        binary("metadata_hash"),
        binary("data_hash"),
        boolean("hash_matches"),
        string("delete_rule"),
        binary("content"),
        int("symbols_length"),
        int("data_offset"),
        int("data_length"),
        binary("metadata_ion"),
        string("sketch"),
        string("data_json"),
    ])
});

/// What a BLOCK_SUMMARY record says, and its checks.
pub static BLOCK: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        binary("entries_hash"),
        binary("previous_block_hash"),
        list("entries_hash_list", DataType::Binary),
        string("tx_id"),
        time("block_timestamp"),
        list("statements", DataType::Struct(STATEMENT.clone())),
        list("documents", DataType::Struct(DOCUMENT.clone())),
        list("revision_summaries", DataType::Struct(SUMMARY.clone())),
        list("redactions", DataType::Struct(REDACTION.clone())),
        binary("revisions_root"),
        boolean("revisions_root_listed"),
        binary("transaction_info_hash"),
        boolean("transaction_info_listed"),
        binary("redaction_info_hash"),
        boolean("redaction_info_listed"),
        boolean("entries_hash_matches"),
        boolean("block_hash_matches"),
        binary("content"),
    ])
});

/// The schema of all batches.
pub static DECODED: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        string("kind"),
        string("object_uri"),
        long("offset"),
        long("length"),
        int("part"),
        string("record_type"),
        string("stream_arn"),
        string("strand_id"),
        long("sequence_no"),
        string("document_id"),
        long("version"),
        binary("hash"),
        of("revision", DataType::Struct(REVISION.clone())),
        of("block", DataType::Struct(BLOCK.clone())),
        binary("ion"),
        string("reason"),
        binary("bytes"),
        binary("sha256"),
        string("compression"),
        long("records"),
        long("unreadable_bytes"),
        long("quarantined"),
        boolean("unchanged"),
    ]))
});
