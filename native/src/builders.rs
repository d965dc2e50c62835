//! The struct columns of what is decoded, to which records are appended directly.

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Int32Builder, Int64Builder, ListBuilder, StringBuilder,
};
use arrow_schema::Fields;

use crate::column_builder::{Lists, Members, Times, columns};
use crate::columns::{BLOCK, DOCUMENT, REDACTION, REVISION, STATEMENT, SUMMARY};
use crate::decode::{BlockColumns, RevisionColumns};
use crate::journal::block::{Document, Redaction, Statement, Summary};
use crate::journal::merkle::Hash;

columns! {
    struct Statements {
        statement: StringBuilder,
        start_time: Times,
        statement_digest: BinaryBuilder,
    }
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
}

columns! {
    struct Documents {
        document_id: StringBuilder,
        table_id: StringBuilder,
        table_name: StringBuilder,
        statements: ListBuilder<Int32Builder>,
    }
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
}

columns! {
    struct Summaries {
        hash: BinaryBuilder,
        document_id: StringBuilder,
    }
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
}

columns! {
    struct Redactions {
        strand_id: StringBuilder,
        sequence_no: Int64Builder,
        table_id: StringBuilder,
        document_id: StringBuilder,
        version: Int64Builder,
    }
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
}

columns! {
    /// Builders of the column `revision`.
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
}

columns! {
    /// Builders of the column `block`.
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
}
