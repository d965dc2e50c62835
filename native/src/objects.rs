//! From fetched objects to Arrow batches: framing, decoding and checking in one pass.

use arrow_array::RecordBatch;
use arrow_array::builder::{
    ArrayBuilder, BinaryBuilder, BooleanBuilder, Int32Builder, Int64Builder, StringBuilder,
};
use arrow_schema::ArrowError;

use crate::archive::{Kind, ObjectReader, Segment};
use crate::builders::{Blocks, Revisions};
use crate::column_builder::{Column, Columns, Structs, columns};
use crate::columns::DECODED;
use crate::decode::{Body, Decoded, RecordDecoder};
use crate::limits::Limits;
use crate::sha256::Digest;

const BATCH_BYTES: usize = 4 * 1024 * 1024;
const BATCH_ROWS: usize = 20_000;

/// Decodes objects one after the other; small ones share a batch.
pub struct ObjectsDecoder {
    decoder: RecordDecoder,
    rows: Rows,
    object: ObjectRow,
    /// How many of the object's bytes were given to be hashed.
    hashed: usize,
    /// How many bytes of a record that cannot be decoded are kept.
    most_quarantined: usize,
}

impl ObjectsDecoder {
    /// Makes a decoder of objects within limits.
    pub fn new(limits: Limits) -> Self {
        let decoder = RecordDecoder::new(limits);
        ObjectsDecoder {
            decoder,
            rows: Rows::default(),
            object: ObjectRow::default(),
            hashed: 0,
            most_quarantined: limits.quarantine_bytes,
        }
    }

    /// Begins an object; its segments are read by `read`, which also hashes it if its hash is not
    /// known yet.
    pub fn begin(&mut self, uri: String, sha256: Option<Digest>) {
        self.object = ObjectRow { uri, sha256, ..ObjectRow::default() };
        self.hashed = 0;
        self.decoder.hasher().begin_stream();
    }

    /// Reads segments of the object until a batch is full, which it gives, or the object ends.
    pub fn read(
        &mut self,
        reader: &mut ObjectReader<'_>,
    ) -> Result<Option<RecordBatch>, ArrowError> {
        let content = reader.content();
        while let Some(segment) = reader.next(&mut |record| self.decoder.decode(record).map(drop)) {
            self.hash(content, segment.length);
            self.add(segment);
            if self.rows.is_full() {
                return self.rows.take().map(Some);
            }
        }
        self.end(reader, false);
        Ok(None)
    }

    /// Ends the object with its own row, `unchanged` where nothing of it was read.
    pub fn end(&mut self, reader: &ObjectReader<'_>, unchanged: bool) {
        self.hash(reader.content(), u64::MAX);
        let mut object = std::mem::take(&mut self.object);
        object.sha256.get_or_insert_with(|| self.decoder.hasher().finish_stream());
        object.compression = reader.compression();
        object.unchanged = unchanged;
        self.rows.objects.push(object);
    }

    /// Has some more of the object's bytes hashed, beside what is hashed of its records.
    fn hash(&mut self, content: &[u8], most: u64) {
        if self.object.sha256.is_none() {
            let rest = &content[self.hashed..];
            let more = &rest[..rest.len().min(usize::try_from(most).unwrap_or(usize::MAX))];
            self.hashed += more.len();
            self.decoder.hasher().stream(more);
        }
    }

    /// Decodes a record that is no object's to a batch of one row, of records or of quarantine.
    pub fn decode(&mut self, record: &[u8]) -> Result<RecordBatch, ArrowError> {
        let (rows, object) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.object));
        self.add(Segment {
            kind: Kind::Record,
            offset: 0,
            length: record.len() as u64,
            data: record.into(),
            reason: "".into(),
            part: 0,
        });
        let batch = self.rows.take();
        (self.rows, self.object) = (rows, object);
        batch
    }

    /// Gives the rows that no batch has taken, None if there are none.
    pub fn finish(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if self.rows.is_empty() { Ok(None) } else { self.rows.take().map(Some) }
    }

    fn add(&mut self, segment: Segment<'_>) {
        let reason = match segment.kind {
            Kind::Framing => return,
            Kind::Record => match self.decoder.decode(&segment.data) {
                Ok(decoded) => {
                    self.rows.records.append(&self.object.uri, &segment, &decoded);
                    self.rows.bytes += size(&segment, &decoded);
                    self.object.records += 1;
                    return;
                }
                Err(error) => error.to_string(),
            },
            _ => segment.reason.to_string(),
        };
        let most = if segment.kind == Kind::Record { self.most_quarantined } else { usize::MAX };
        let bytes = segment.data[..segment.data.len().min(most)].to_vec();
        self.rows.bytes += bytes.len();
        self.object.quarantined += 1;
        self.object.unreadable_bytes += segment.length as i64;
        self.rows.quarantine.push(QuarantineRow {
            uri: self.object.uri.clone(),
            offset: segment.offset as i64,
            length: segment.length as i64,
            reason,
            bytes,
        });
    }
}

/// How much a record adds to its batch: its bytes, and about as many again or its JSON text.
fn size(segment: &Segment<'_>, decoded: &Decoded<'_>) -> usize {
    let length = segment.length as usize;
    let shown = match &decoded.body {
        Body::Revision(columns) if columns.revision.data.is_some() => columns.data_json.len(),
        _ => length,
    };
    length + shown
}

/// What is not a record.
struct QuarantineRow {
    uri: String,
    offset: i64,
    length: i64,
    reason: String,
    bytes: Vec<u8>,
}

/// An object's own row.
#[derive(Default)]
struct ObjectRow {
    uri: String,
    sha256: Option<Digest>,
    compression: &'static str,
    records: i64,
    unreadable_bytes: i64,
    quarantined: i64,
    unchanged: bool,
}

/// Rows that wait for their batch, which takes them away: records, quarantine, the objects' own.
#[derive(Default)]
struct Rows {
    records: Decoding,
    quarantine: Vec<QuarantineRow>,
    objects: Vec<ObjectRow>,
    bytes: usize,
}

impl Rows {
    fn is_full(&self) -> bool {
        self.bytes >= BATCH_BYTES || self.records.rows() + self.quarantine.len() >= BATCH_ROWS
    }

    fn is_empty(&self) -> bool {
        self.records.rows() == 0 && self.quarantine.is_empty() && self.objects.is_empty()
    }

    fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let next = Rows { records: self.records.alike(), ..Rows::default() };
        let Rows { mut records, quarantine, objects, .. } = std::mem::replace(self, next);
        records.end_records();
        quarantine.iter().for_each(|row| records.append_quarantine(row));
        objects.iter().for_each(|row| records.append_object(row));
        records.finish()
    }
}

columns! {
    /// All columns.
    struct Decoding {
        kind: StringBuilder,
        object_uri: StringBuilder,
        offset: Int64Builder,
        length: Int64Builder,
        part: Int32Builder,
        record_type: StringBuilder,
        stream_arn: StringBuilder,
        strand_id: StringBuilder,
        sequence_no: Int64Builder,
        document_id: StringBuilder,
        version: Int64Builder,
        hash: BinaryBuilder,
        revision: Structs<Revisions>,
        block: Structs<Blocks>,
        ion: BinaryBuilder,
        reason: StringBuilder,
        bytes: BinaryBuilder,
        sha256: BinaryBuilder,
        compression: StringBuilder,
        records: Int64Builder,
        unreadable_bytes: Int64Builder,
        quarantined: Int64Builder,
        unchanged: BooleanBuilder,
    }
}

impl Decoding {
    fn rows(&self) -> usize {
        self.kind.len()
    }

    fn append(&mut self, uri: &str, segment: &Segment<'_>, decoded: &Decoded<'_>) {
        self.begin("record", uri);
        self.offset.append_value(segment.offset as i64);
        self.length.append_value(segment.length as i64);
        self.part.append_value(segment.part);
        self.record_type.append_value(decoded.record_type);
        self.stream_arn.append_value(decoded.stream_arn);
        self.append_body(&decoded.body);
        self.ion.append_value(&segment.data);
    }

    /// Ends the records, which all rows so far are, with what none of them has.
    fn end_records(&mut self) {
        let rows = self.rows();
        self.reason.append_nulls(rows);
        self.bytes.append_nulls(rows);
        self.append_no_objects(rows);
    }

    fn append_body(&mut self, body: &Body<'_>) {
        match body {
            Body::Other => self.append_no_keys(),
            Body::Revision(columns) => {
                let revision = &columns.revision;
                self.strand_id.append_value(revision.strand_id);
                self.sequence_no.append_value(revision.sequence_no);
                self.document_id.append_value(revision.metadata.document_id);
                self.version.append_value(revision.metadata.version);
                self.hash.append_option(revision.hash);
                self.revision.append(columns);
                self.block.nulls(1);
            }
            Body::Block(columns) => {
                let block = &columns.block;
                self.strand_id.append_value(block.strand_id);
                self.sequence_no.append_value(block.sequence_no);
                self.document_id.append_null();
                self.version.append_null();
                self.hash.append_option(block.block_hash);
                self.revision.nulls(1);
                self.block.append(columns);
            }
        }
    }

    fn append_quarantine(&mut self, row: &QuarantineRow) {
        self.begin("quarantine", &row.uri);
        self.offset.append_value(row.offset);
        self.length.append_value(row.length);
        self.append_no_record();
        self.reason.append_value(&row.reason);
        self.bytes.append_value(&row.bytes);
        self.append_no_objects(1);
    }

    fn append_object(&mut self, row: &ObjectRow) {
        self.begin("object", &row.uri);
        self.offset.append_null();
        self.length.append_null();
        self.append_no_record();
        self.reason.append_null();
        self.bytes.append_null();
        self.sha256.append_option(row.sha256);
        self.compression.append_value(row.compression);
        self.records.append_value(row.records);
        self.unreadable_bytes.append_value(row.unreadable_bytes);
        self.quarantined.append_value(row.quarantined);
        self.unchanged.append_value(row.unchanged);
    }

    fn begin(&mut self, kind: &str, uri: &str) {
        self.kind.append_value(kind);
        self.object_uri.append_value(uri);
    }

    fn append_no_record(&mut self) {
        self.part.append_null();
        self.record_type.append_null();
        self.stream_arn.append_null();
        self.append_no_keys();
        self.ion.append_null();
    }

    fn append_no_keys(&mut self) {
        self.strand_id.append_null();
        self.sequence_no.append_null();
        self.document_id.append_null();
        self.version.append_null();
        self.hash.append_null();
        self.revision.nulls(1);
        self.block.nulls(1);
    }

    fn append_no_objects(&mut self, count: usize) {
        self.sha256.append_nulls(count);
        self.compression.append_nulls(count);
        self.records.append_nulls(count);
        self.unreadable_bytes.append_nulls(count);
        self.quarantined.append_nulls(count);
        self.unchanged.append_nulls(count);
    }

    fn finish(self) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_new(DECODED.clone(), self.arrays()?)
    }
}
