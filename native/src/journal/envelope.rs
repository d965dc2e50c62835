//! The envelope of stream records, and how journal exports differ from it.
//!
//! QLDB: a record is {qldbStreamArn, recordType, payload}; recordType is CONTROL, BLOCK_SUMMARY or
//! REVISION_DETAILS. A REVISION_DETAILS payload is {tableInfo{tableName, tableId}, revision}.

use crate::error::Error;
use crate::ion::evaluate::Evaluator;
use crate::ion::symbols::{Place, Source};
use crate::journal::fields::{check_rest, is_struct, required, struct_fields, text};
use crate::journal::revision::{Revision, read_revision};
use crate::known_names::Known;

/// Type of the records that carry a block.
pub const BLOCK_SUMMARY: &str = "BLOCK_SUMMARY";
/// Type of the records that carry a revision.
pub const REVISION_DETAILS: &str = "REVISION_DETAILS";

/// What every record says of itself.
pub struct Envelope<'a> {
    /// The stream that delivered it.
    pub stream_arn: &'a str,
    /// Its kind.
    pub record_type: &'a str,
    /// What it carries.
    pub payload: Place,
}

/// A revision and the table that it belongs to.
pub struct RevisionDetails<'a> {
    /// ID of the ledger table.
    pub table_id: &'a str,
    /// Its name.
    pub table_name: &'a str,
    /// The revision.
    pub revision: Revision<'a>,
}

/// Reads a record's envelope, not what it carries.
///
/// Refuses malformed Ion, and what has not an envelope's fields or types.
pub fn read_envelope<'a>(
    evaluator: &mut Evaluator,
    source: Source<'a>,
    place: Place,
) -> Result<Envelope<'a>, Error> {
    let names = [Known::QldbStreamArn, Known::RecordType, Known::Payload];
    let fields = struct_fields(source, place, "record", names)?;
    let [arn, kind, payload] = fields.known;
    let arn = required(arn, "qldbStreamArn", place.pos)?;
    let kind = required(kind, "recordType", place.pos)?;
    let payload = required(payload, "payload", place.pos)?;
    check_rest(evaluator, source, &fields.rest)?;
    let stream_arn = text(source, arn, "qldbStreamArn")?;
    Ok(Envelope { stream_arn, record_type: text(source, kind, "recordType")?, payload })
}

/// Reads the payload of a REVISION_DETAILS record and recomputes the revision's hash.
///
/// Refuses malformed Ion, and what has not the fields or types of such a payload.
pub fn read_revision_details<'a>(
    evaluator: &mut Evaluator,
    source: Source<'a>,
    place: Place,
) -> Result<RevisionDetails<'a>, Error> {
    let fields = struct_fields(source, place, "payload", [Known::TableInfo, Known::Revision])?;
    let [table, revision] = fields.known;
    let table = required(table, "tableInfo", place.pos)?;
    let revision = required(revision, "revision", place.pos)?;
    check_rest(evaluator, source, &fields.rest)?;
    let fields = struct_fields(source, table, "tableInfo", [Known::TableName, Known::TableId])?;
    let [name, id] = fields.known;
    let name = required(name, "tableName", table.pos)?;
    let id = required(id, "tableId", table.pos)?;
    check_rest(evaluator, source, &fields.rest)?;
    let table_id = text(source, id, "tableId")?;
    let table_name = text(source, name, "tableName")?;
    let revision = read_revision(evaluator, source, revision)?;
    Ok(RevisionDetails { table_id, table_name, revision })
}

/// Tells whether a top-level value is a block of a journal export: a struct that has an address, a
/// hash and a transaction, and no record type.
///
/// QLDB: an export has the blocks without an envelope, and their revisions in full. Refuses
/// malformed Ion, and a name that occurs twice.
pub fn is_export_block(source: Source<'_>, place: Place) -> Result<bool, Error> {
    if !is_struct(source.buf[place.pos]) {
        return Ok(false);
    }
    let names = [Known::BlockAddress, Known::TransactionId, Known::BlockHash, Known::RecordType];
    let fields = struct_fields(source, place, "value", names)?;
    Ok(matches!(fields.known, [Some(_), Some(_), Some(_), None]))
}
