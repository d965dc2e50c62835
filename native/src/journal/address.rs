//! Block addresses: a strand's ID and the place of a block in it.

use crate::error::Error;
use crate::ion::evaluate::Evaluator;
use crate::ion::symbols::{Place, Source};
use crate::journal::fields::{check_rest, number, required, struct_fields, text};
use crate::known_names::Known;

/// Reads a block address: gives strand ID and sequence number.
///
/// Refuses malformed Ion, and a field that is missing or of another type.
pub fn read_address<'a>(
    evaluator: &mut Evaluator,
    source: Source<'a>,
    place: Place,
) -> Result<(&'a str, i64), Error> {
    let fields =
        struct_fields(source, place, "blockAddress", [Known::StrandId, Known::SequenceNo])?;
    let [strand, sequence] = fields.known;
    let strand = required(strand, "strandId", place.pos)?;
    let sequence = required(sequence, "sequenceNo", place.pos)?;
    check_rest(evaluator, source, &fields.rest)?;
    Ok((text(source, strand, "strandId")?, number(source, sequence, "sequenceNo")?))
}
