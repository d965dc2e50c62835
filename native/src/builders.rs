//! Arrow builders of the struct columns, to which decoded records are appended directly.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, GenericByteBuilder, Int32Builder, Int64Builder, ListBuilder,
    StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::types::ByteArrayType;
use arrow_array::{ArrayRef, ListArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBufferBuilder};
use arrow_schema::{ArrowError, DataType, Fields};

use crate::columns::{BLOCK, DOCUMENT, REDACTION, REVISION, STATEMENT, SUMMARY, of};
use crate::decode::{BlockColumns, RevisionColumns};
use crate::journal::block::{Document, Redaction, Statement, Summary};
use crate::journal::merkle::Hash;

/// Builders of a struct's fields.
pub trait Members: Default {
    /// What a row is made from.
    type Row<'a>;

    /// The struct's fields.
    fn fields() -> &'static Fields;

    /// Appends a row.
    fn append(&mut self, row: &Self::Row<'_>);

    /// Appends rows of nulls.
    fn append_nulls(&mut self, count: usize);

    /// Makes the arrays of the fields.
    fn finish(self) -> Result<Vec<ArrayRef>, ArrowError>;
}

/// Finishes the builders of a struct, which are its fields, and lists their arrays.
macro_rules! finish {
    ($builders:ident: $($field:ident),+ $(,)?) => {
        vec![$(Arc::new($builders.$field.finish()) as ArrayRef),+]
    };
}

/// Appends nulls to builders.
macro_rules! append_nulls {
    ($count:ident, $builders:ident: $($field:ident),+ $(,)?) => {
        $($builders.$field.append_nulls($count);)+
    };
}

/// Makes an empty builder with room for as much as another one holds, so that filling it moves
/// nothing.
pub fn alike<T: ByteArrayType>(builder: &GenericByteBuilder<T>) -> GenericByteBuilder<T> {
    let (rows, bytes) = (builder.offsets_slice().len(), builder.values_slice().len());
    // A sixteenth more, because batches are not equally long.
    GenericByteBuilder::with_capacity(rows + rows / 16, bytes + bytes / 16)
}

/// The builder of a column of structs.
pub struct Structs<M> {
    members: M,
    present: NullBufferBuilder,
    /// How many nulls at the end the members lack, which get them all at once.
    lacking: usize,
}

impl<M: Members> Default for Structs<M> {
    fn default() -> Self {
        Structs { members: M::default(), present: NullBufferBuilder::new(0), lacking: 0 }
    }
}

impl<M: Members> Structs<M> {
    /// Appends a struct.
    pub fn append(&mut self, row: &M::Row<'_>) {
        self.fill();
        self.members.append(row);
        self.present.append_non_null();
    }

    /// Appends a null.
    pub fn append_null(&mut self) {
        self.lacking += 1;
        self.present.append_null();
    }

    fn fill(&mut self) {
        if self.lacking > 0 {
            self.members.append_nulls(std::mem::take(&mut self.lacking));
        }
    }

    /// Makes the column.
    pub fn finish(mut self) -> Result<StructArray, ArrowError> {
        self.fill();
        let present = self.present.finish();
        StructArray::try_new(M::fields().clone(), self.members.finish()?, present)
    }
}

impl Structs<Revisions> {
    /// Makes an empty builder with room for as many long values as this one holds.
    pub fn alike(&self) -> Self {
        let Revisions { metadata_ion, sketch, data_json, .. } = &self.members;
        let members = Revisions {
            metadata_ion: alike(metadata_ion),
            sketch: alike(sketch),
            data_json: alike(data_json),
            ..Revisions::default()
        };
        Structs { members, ..Structs::default() }
    }
}

/// The builder of a column of lists of structs.
struct Lists<M> {
    items: Structs<M>,
    ends: OffsetBufferBuilder<i32>,
    present: NullBufferBuilder,
}

impl<M: Members> Default for Lists<M> {
    fn default() -> Self {
        Lists {
            items: Structs::default(),
            ends: OffsetBufferBuilder::new(0),
            present: NullBufferBuilder::new(0),
        }
    }
}

impl<M: Members> Lists<M> {
    fn append(&mut self, rows: Option<&[M::Row<'_>]>) {
        rows.into_iter().flatten().for_each(|row| self.items.append(row));
        self.ends.push_length(rows.map_or(0, <[_]>::len));
        self.present.append(rows.is_some());
    }

    fn append_nulls(&mut self, count: usize) {
        (0..count).for_each(|_| self.ends.push_length(0));
        self.present.append_n_nulls(count);
    }

    fn finish(mut self) -> Result<ArrayRef, ArrowError> {
        let item = Arc::new(of("item", DataType::Struct(M::fields().clone())));
        let items = Arc::new(self.items.finish()?);
        let lists = ListArray::try_new(item, self.ends.finish(), items, self.present.finish())?;
        Ok(Arc::new(lists))
    }
}

/// The builder of a column of times in UTC.
pub struct Times(TimestampMicrosecondBuilder);

impl Default for Times {
    fn default() -> Self {
        Times(TimestampMicrosecondBuilder::new().with_timezone("UTC"))
    }
}

impl Times {
    fn append(&mut self, micros: Option<i64>) {
        self.0.append_option(micros);
    }

    fn append_nulls(&mut self, count: usize) {
        self.0.append_nulls(count);
    }

    fn finish(&mut self) -> impl arrow_array::Array + use<> {
        self.0.finish()
    }
}

#[derive(Default)]
struct Statements {
    statement: StringBuilder,
    start_time: Times,
    statement_digest: BinaryBuilder,
}

impl Members for Statements {
    type Row<'a> = Statement<'a>;

    fn fields() -> &'static Fields {
        &STATEMENT
    }

    fn append(&mut self, row: &Statement<'_>) {
        self.statement.append_option(row.statement);
        self.start_time.append(row.start_time);
        self.statement_digest.append_option(row.digest);
    }

    fn append_nulls(&mut self, count: usize) {
        append_nulls!(count, self: statement, start_time, statement_digest);
    }

    fn finish(mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        Ok(finish!(self: statement, start_time, statement_digest))
    }
}

#[derive(Default)]
struct Documents {
    document_id: StringBuilder,
    table_id: StringBuilder,
    table_name: StringBuilder,
    statements: ListBuilder<Int32Builder>,
}

impl Members for Documents {
    type Row<'a> = Document<'a>;

    fn fields() -> &'static Fields {
        &DOCUMENT
    }

    fn append(&mut self, row: &Document<'_>) {
        self.document_id.append_value(&row.document_id);
        self.table_id.append_option(row.table_id);
        self.table_name.append_option(row.table_name);
        let indexes = row.statements.iter().flatten().copied().map(Some);
        self.statements.append_option(row.statements.as_ref().map(|_| indexes));
    }

    fn append_nulls(&mut self, count: usize) {
        append_nulls!(count, self: document_id, table_id, table_name, statements);
    }

    fn finish(mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        Ok(finish!(self: document_id, table_id, table_name, statements))
    }
}

#[derive(Default)]
struct Summaries {
    hash: BinaryBuilder,
    document_id: StringBuilder,
}

impl Members for Summaries {
    type Row<'a> = Summary<'a>;

    fn fields() -> &'static Fields {
        &SUMMARY
    }

    fn append(&mut self, row: &Summary<'_>) {
        self.hash.append_option(row.hash);
        self.document_id.append_option(row.document_id);
    }

    fn append_nulls(&mut self, count: usize) {
        append_nulls!(count, self: hash, document_id);
    }

    fn finish(mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        Ok(finish!(self: hash, document_id))
    }
}

#[derive(Default)]
struct Redactions {
    strand_id: StringBuilder,
    sequence_no: Int64Builder,
    table_id: StringBuilder,
    document_id: StringBuilder,
    version: Int64Builder,
}

impl Members for Redactions {
    type Row<'a> = Redaction<'a>;

    fn fields() -> &'static Fields {
        &REDACTION
    }

    fn append(&mut self, row: &Redaction<'_>) {
        self.strand_id.append_value(row.strand_id);
        self.sequence_no.append_value(row.sequence_no);
        self.table_id.append_option(row.table_id);
        self.document_id.append_option(row.document_id);
        self.version.append_option(row.version);
    }

    fn append_nulls(&mut self, count: usize) {
        append_nulls!(count, self: strand_id, sequence_no, table_id, document_id, version);
    }

    fn finish(mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        Ok(finish!(self: strand_id, sequence_no, table_id, document_id, version))
    }
}

/// Builders of the column `revision`.
#[derive(Default)]
pub struct Revisions {
    table_id: StringBuilder,
    table_name: StringBuilder,
    tx_id: StringBuilder,
    tx_time: Times,
    kind: StringBuilder,
    metadata_hash: BinaryBuilder,
    data_hash: BinaryBuilder,
    hash_matches: BooleanBuilder,
    delete_rule: StringBuilder,
    content: BinaryBuilder,
    symbols_length: Int32Builder,
    data_offset: Int32Builder,
    data_length: Int32Builder,
    metadata_ion: BinaryBuilder,
    sketch: StringBuilder,
    data_json: StringBuilder,
}

impl Members for Revisions {
    type Row<'a> = RevisionColumns<'a>;

    fn fields() -> &'static Fields {
        &REVISION
    }

    fn append(&mut self, row: &RevisionColumns<'_>) {
        let revision = &row.revision;
        self.table_id.append_value(row.table_id);
        self.table_name.append_value(row.table_name);
        self.tx_id.append_option(revision.metadata.tx_id);
        self.tx_time.append(revision.metadata.tx_time);
        self.kind.append_value(revision.kind);
        self.metadata_hash.append_value(revision.metadata_hash);
        self.data_hash.append_option(revision.data_hash.as_ref().map(Hash::as_slice));
        self.hash_matches.append_value(revision.hash_matches);
        self.delete_rule.append_option(revision.delete_rule);
        self.content.append_value(row.content);
        self.symbols_length.append_value(row.symbols_length as i32);
        let data = revision.data;
        self.data_offset.append_option(data.map(|data| data.pos as i32));
        self.data_length.append_option(data.map(|data| (data.end - data.pos) as i32));
        self.metadata_ion.append_value(row.metadata_ion);
        self.sketch.append_option(data.map(|_| row.sketch));
        self.data_json.append_option(data.map(|_| row.data_json));
    }

    fn append_nulls(&mut self, count: usize) {
        append_nulls!(
            count, self: table_id, table_name, tx_id, tx_time, kind, metadata_hash, data_hash,
            hash_matches, delete_rule, content, symbols_length, data_offset, data_length,
            metadata_ion, sketch, data_json,
        );
    }

    fn finish(mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        Ok(finish!(
            self: table_id, table_name, tx_id, tx_time, kind, metadata_hash, data_hash,
            hash_matches, delete_rule, content, symbols_length, data_offset, data_length,
            metadata_ion, sketch, data_json,
        ))
    }
}

/// Builders of the column `block`.
#[derive(Default)]
pub struct Blocks {
    entries_hash: BinaryBuilder,
    previous_block_hash: BinaryBuilder,
    entries_hash_list: ListBuilder<BinaryBuilder>,
    tx_id: StringBuilder,
    block_timestamp: Times,
    statements: Lists<Statements>,
    documents: Lists<Documents>,
    revision_summaries: Lists<Summaries>,
    redactions: Lists<Redactions>,
    revisions_root: BinaryBuilder,
    revisions_root_listed: BooleanBuilder,
    transaction_info_hash: BinaryBuilder,
    transaction_info_listed: BooleanBuilder,
    redaction_info_hash: BinaryBuilder,
    redaction_info_listed: BooleanBuilder,
    entries_hash_matches: BooleanBuilder,
    block_hash_matches: BooleanBuilder,
    content: BinaryBuilder,
}

impl Members for Blocks {
    type Row<'a> = BlockColumns<'a>;

    fn fields() -> &'static Fields {
        &BLOCK
    }

    fn append(&mut self, row: &BlockColumns<'_>) {
        let BlockColumns { block, content } = row;
        let checks = &block.checks;
        self.entries_hash.append_option(block.entries_hash);
        self.previous_block_hash.append_option(block.previous_block_hash);
        let entries = block.entries_hash_list.iter().flatten().map(Some);
        self.entries_hash_list.append_option(block.entries_hash_list.as_ref().map(|_| entries));
        self.tx_id.append_option(block.tx_id);
        self.block_timestamp.append(block.block_timestamp);
        self.statements.append(block.transaction.statements.as_deref());
        self.documents.append(block.transaction.documents.as_deref());
        self.revision_summaries.append(block.revision_summaries.as_deref());
        self.redactions.append(block.redactions.as_deref());
        self.revisions_root.append_value(checks.revisions_root.as_slice());
        self.revisions_root_listed.append_option(checks.revisions_root_listed);
        self.transaction_info_hash.append_option(checks.transaction_info_hash);
        self.transaction_info_listed.append_option(checks.transaction_info_listed);
        self.redaction_info_hash.append_option(checks.redaction_info_hash);
        self.redaction_info_listed.append_option(checks.redaction_info_listed);
        self.entries_hash_matches.append_value(checks.entries_hash_matches);
        self.block_hash_matches.append_value(checks.block_hash_matches);
        self.content.append_value(content);
    }

    fn append_nulls(&mut self, count: usize) {
        append_nulls!(
            count, self: entries_hash, previous_block_hash, entries_hash_list, tx_id, block_timestamp,
            statements, documents, revision_summaries, redactions, revisions_root,
            revisions_root_listed, transaction_info_hash, transaction_info_listed,
            redaction_info_hash, redaction_info_listed, entries_hash_matches, block_hash_matches,
            content,
        );
    }

    fn finish(mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        let mut columns = finish!(
            self: entries_hash, previous_block_hash, entries_hash_list, tx_id, block_timestamp,
        );
        columns.push(self.statements.finish()?);
        columns.push(self.documents.finish()?);
        columns.push(self.revision_summaries.finish()?);
        columns.push(self.redactions.finish()?);
        columns.extend(finish!(
            self: revisions_root, revisions_root_listed, transaction_info_hash,
            transaction_info_listed, redaction_info_hash, redaction_info_listed,
            entries_hash_matches, block_hash_matches, content,
        ));
        Ok(columns)
    }
}
