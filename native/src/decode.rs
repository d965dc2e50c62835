//! From one record's bytes to its columns, in one pass that also recomputes its hashes.
//!
//! Every byte of a record is validated, the fields that nobody reads included: a flipped bit either
//! changes a column or a hash, or breaks the Ion, and never vanishes.

use crate::error::Error;
use crate::ion::evaluate::Evaluator;
use crate::ion::framing::body_bounds;
use crate::ion::stream::{StreamReader, Value};
use crate::ion::symbols::{Place, Source};
use crate::journal::block::{Block, read_block};
use crate::journal::envelope::{
    BLOCK_SUMMARY, Envelope, REVISION_DETAILS, RevisionDetails, is_export_block, read_envelope,
    read_revision_details,
};
use crate::journal::revision::Revision;
use crate::journal::written::MetadataWriter;
use crate::limits::Limits;
use crate::sha256::Hasher;

/// Reason of the error that a block of a journal export raises.
pub const EXPORT_BLOCK: &str = "block of a journal export";

/// Length of what tells contents apart.
const CONTENT_BYTES: usize = 16;

/// What tells contents apart.
pub type ContentId = [u8; CONTENT_BYTES];

/// What a revision's record says beyond the envelope, and what was computed from it.
///
/// Offsets count from the record's start. `record[..symbols_length]` and the bytes of the revision's
/// data are together a stream of its own that holds exactly the document: the prefix has the version
/// marker and every symbol table up to the one in force, of which there can be several that build on
/// one another.
pub struct RevisionColumns<'a> {
    /// ID of the ledger table.
    pub table_id: &'a str,
    /// The table's name.
    pub table_name: &'a str,
    /// The revision itself.
    pub revision: Revision<'a>,
    /// Tells contents apart.
    pub content: ContentId,
    /// Length of the version marker and the symbol tables.
    pub symbols_length: usize,
    /// The exact metadata, a stream of its own.
    pub metadata_ion: &'a [u8],
    /// Type sketch of the data, empty without data.
    pub sketch: &'a str,
    /// JSON text of the data, empty without data.
    pub data_json: &'a str,
}

/// What a block's record says beyond the envelope, and what was computed from it.
pub struct BlockColumns<'a> {
    /// The block itself.
    pub block: Block<'a>,
    /// Tells contents apart.
    pub content: ContentId,
}

/// What a record has beyond the envelope.
pub enum Body<'a> {
    /// Nothing that is known here.
    Other,
    /// A revision.
    Revision(RevisionColumns<'a>),
    /// A block.
    Block(BlockColumns<'a>),
}

/// A record's columns.
pub struct Decoded<'a> {
    /// Kind of the record, as found.
    pub record_type: &'a str,
    /// The stream that delivered it.
    pub stream_arn: &'a str,
    /// What it has beyond that.
    pub body: Body<'a>,
}

/// What was read before the forms of the data are taken from the evaluator.
enum Read<'a> {
    Other,
    Revision(RevisionDetails<'a>, ContentId),
    Block(BlockColumns<'a>),
}

/// Decodes records, and keeps what repeats among them: symbol tables and names.
pub struct RecordDecoder {
    evaluator: Evaluator,
    reader: StreamReader,
    metadata: MetadataWriter,
    found: Option<Value>,
}

impl RecordDecoder {
    /// Makes a decoder of records within limits.
    pub fn new(limits: Limits) -> Self {
        let (evaluator, reader) = (Evaluator::new(limits), StreamReader::new(limits));
        RecordDecoder { evaluator, reader, metadata: MetadataWriter::default(), found: None }
    }

    /// Hashes what is decoded.
    pub fn hasher(&mut self) -> &mut Hasher {
        &mut self.evaluator.hasher
    }

    /// Decodes a record's exact bytes, from the version marker on. Of a record type that is not
    /// known it gives only the envelope's columns.
    ///
    /// Refuses malformed Ion anywhere in the record, and well-formed Ion that is no record.
    pub fn decode<'a>(&'a mut self, record: &'a [u8]) -> Result<Decoded<'a>, Error> {
        let value = find(&mut self.reader, &mut self.evaluator, record)?;
        let value: &'a Value = self.found.insert(value);
        let source = Source { buf: record, table: &value.table };
        let (body, end) = body_bounds(record, value.start, value.end)?;
        let place = Place { pos: value.start, body, end };
        let symbols = &record[..value.symbols_end];
        match read_record(&mut self.evaluator, source, place, symbols) {
            Ok((record_type, stream_arn, read)) => {
                let body = complete(&self.evaluator, &mut self.metadata, source, symbols, read)?;
                Ok(Decoded { record_type, stream_arn, body })
            }
            Err(error @ Error::Ion { .. }) => Err(error),
            Err(error) => {
                // Damage is the better reason, wherever it is.
                self.evaluator.evaluate(source, place.pos, place.end)?;
                let is_export = is_export_block(source, place)?;
                Err(if is_export { Error::record(EXPORT_BLOCK, place.pos) } else { error })
            }
        }
    }
}

/// The one value of a record; further values are validated before they are refused.
fn find(
    reader: &mut StreamReader,
    evaluator: &mut Evaluator,
    record: &[u8],
) -> Result<Value, Error> {
    let mut position = reader.open(record)?;
    let first = reader.next(evaluator, record, &mut position)?;
    let mut extra = None;
    while let Some(value) = reader.next(evaluator, record, &mut position)? {
        let source = Source { buf: record, table: &value.table };
        evaluator.evaluate(source, value.start, value.end)?;
        extra = Some(value.start);
    }
    match (first, extra) {
        (None, _) => Err(Error::record("record without a value", record.len())),
        (_, Some(start)) => Err(Error::record("record with more than one value", start)),
        (Some(value), None) => Ok(value),
    }
}

/// Record type, stream, and what was read of the payload.
fn read_record<'a>(
    evaluator: &mut Evaluator,
    source: Source<'a>,
    place: Place,
    symbols: &[u8],
) -> Result<(&'a str, &'a str, Read<'a>), Error> {
    let Envelope { stream_arn, record_type, payload } = read_envelope(evaluator, source, place)?;
    let carried = &source.buf[payload.pos..payload.end];
    let read = match record_type {
        REVISION_DETAILS => {
            evaluator.hasher.begin(&[symbols, carried]);
            let details = read_revision_details(evaluator, source, payload)?;
            Read::Revision(details, content_id(evaluator))
        }
        BLOCK_SUMMARY => {
            evaluator.hasher.begin(&[source.buf]);
            let block = read_block(evaluator, source, payload)?;
            Read::Block(BlockColumns { block, content: content_id(evaluator) })
        }
        _ => {
            evaluator.evaluate(source, payload.pos, payload.end)?;
            Read::Other
        }
    };
    Ok((record_type, stream_arn, read))
}

/// What was hashed beside the values of a record tells its content apart.
fn content_id(evaluator: &mut Evaluator) -> ContentId {
    let mut id = [0; CONTENT_BYTES];
    id.copy_from_slice(&evaluator.hasher.finish()[..CONTENT_BYTES]);
    id
}

/// Adds the exact metadata, and the forms of the data that was evaluated last.
fn complete<'a>(
    evaluator: &'a Evaluator,
    metadata: &'a mut MetadataWriter,
    source: Source<'a>,
    symbols: &[u8],
    read: Read<'a>,
) -> Result<Body<'a>, Error> {
    Ok(match read {
        Read::Other => Body::Other,
        Read::Block(columns) => Body::Block(columns),
        Read::Revision(RevisionDetails { table_id, table_name, revision }, content) => {
            let metadata_ion = metadata.write(source, revision.metadata_place, symbols)?;
            let (mut sketch, mut data_json) = ("", "");
            if revision.data.is_some() {
                data_json = evaluator.forms.json_text()?;
                sketch = evaluator.forms.sketch_text()?;
            }
            Body::Revision(RevisionColumns {
                table_id,
                table_name,
                revision,
                content,
                symbols_length: symbols.len(),
                metadata_ion,
                sketch,
                data_json,
            })
        }
    })
}
