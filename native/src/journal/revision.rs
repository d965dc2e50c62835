//! Revisions: one version of one document, in whichever of its three kinds.
//!
//! QLDB: a revision is {blockAddress, hash, data, metadata{id, version, txTime, txId}}. Its hash is
//! H(metadata) and H(data) joined by `dot`, H being Ion Hash with SHA-256; address and hash are not
//! hashed.
//!
//! - `data`: the document as it was written.
//! - `redacted`: `data` was replaced by `dataHash`, the hash that it had, so the revision's own hash
//!   still recomputes.
//! - `delete`: neither. The one published deletion that prints its hash has H(metadata) alone, and
//!   so that is the rule. What AWS's samples and a missing value's possible hashes would give
//!   instead is tried only to say what an archive used that does not keep to it.

use crate::error::Error;
use crate::ion::evaluate::Evaluator;
use crate::ion::symbols::{Place, Source};
use crate::journal::address::read_address;
use crate::journal::fields::{
    Name, check_rest, evaluate_hashed, hash_value, required, struct_fields,
};
use crate::journal::hashed::{hash_and_read, read_number, read_string, read_struct, read_time};
use crate::journal::merkle::{Hash, dot};
use crate::known_names::Known;
use crate::sha256::{Digest, Hasher};

/// What the missing data of a deletion could have been hashed as, by name.
const NO_DATA: [(&str, &[u8]); 4] = [
    ("null", b"\x0b\x0f\x0e"),
    ("nothing", b""),
    ("null.struct", b"\x0b\xdf\x0e"),
    ("empty struct", b"\x0b\xd0\x0e"),
];

/// A revision, and what was computed from it.
pub struct Revision<'a> {
    /// Strand of its block.
    pub strand_id: &'a str,
    /// Its block's number in the strand.
    pub sequence_no: i64,
    /// What its metadata says.
    pub metadata: Metadata<'a>,
    /// Stored hash; None where it has none.
    pub hash: Option<&'a [u8]>,
    /// `data`, `delete` or `redacted`.
    pub kind: &'static str,
    /// H(metadata).
    pub metadata_hash: Digest,
    /// H(data), the stored dataHash of a redacted one, None for a deletion.
    pub data_hash: Option<Hash>,
    /// Whether the stored hash is the recomputed one.
    pub hash_matches: bool,
    /// For a deletion that does not match, as what the missing data was hashed, if that would
    /// match.
    pub delete_rule: Option<&'static str>,
    /// The data, None without data. Its JSON text and type sketch are the evaluator's.
    pub data: Option<Place>,
    /// The metadata.
    pub metadata_place: Place,
}

/// What a revision's metadata says.
pub struct Metadata<'a> {
    /// Document.
    pub document_id: &'a str,
    /// Version of the document, from zero.
    pub version: i64,
    /// Transaction that wrote it.
    pub tx_id: Option<&'a str>,
    /// Its time, in microseconds since 1970 UTC.
    pub tx_time: Option<i64>,
}

/// Reads a revision and recomputes its hash.
///
/// Refuses malformed Ion, and what has not a revision's fields or types.
pub fn read_revision<'a>(
    evaluator: &mut Evaluator,
    source: Source<'a>,
    place: Place,
) -> Result<Revision<'a>, Error> {
    let names = [Known::BlockAddress, Known::Hash, Known::Data, Known::Metadata, Known::DataHash];
    let fields = struct_fields(source, place, "revision", names)?;
    let [address, stored, data, metadata, data_hash] = fields.known;
    let address = required(address, "blockAddress", place.pos)?;
    let metadata_place = required(metadata, "metadata", place.pos)?;
    let (strand_id, sequence_no) = read_address(evaluator, source, address)?;
    let (metadata_hash, metadata) =
        hash_and_read(evaluator, |evaluator| read_metadata(evaluator, source, metadata_place))?;
    let hash = hash_value(source, stored, "hash")?;
    let mut data_hash = hash_value(source, data_hash, "dataHash")?.map(Hash::new);
    check_rest(evaluator, source, &fields.rest)?;
    if let Some(data) = data {
        evaluate_hashed(evaluator, source, data)?;
        data_hash = Some(evaluator.hash().into());
    }
    let kind = match (data, data_hash) {
        (Some(_), _) => "data",
        (None, None) => "delete",
        (None, Some(_)) => "redacted",
    };
    let hasher = &mut evaluator.hasher;
    let recomputed = dot(hasher, metadata_hash.into(), data_hash.unwrap_or(Hash::EMPTY));
    let hash_matches = hash == Some(recomputed.as_slice());
    let mut delete_rule = None;
    if kind == "delete" && !hash_matches {
        delete_rule = find_delete_rule(hasher, hash, metadata_hash);
    }
    Ok(Revision {
        strand_id,
        sequence_no,
        metadata,
        hash,
        kind,
        metadata_hash,
        data_hash,
        hash_matches,
        delete_rule,
        data,
        metadata_place,
    })
}

fn read_metadata<'a>(
    evaluator: &mut Evaluator,
    source: Source<'a>,
    place: Place,
) -> Result<Metadata<'a>, Error> {
    let (mut id, mut version, mut tx_time, mut tx_id) = (None, None, None, None);
    read_struct(evaluator, source, place, "metadata", 1, |evaluator, name, value| {
        match name {
            Name::Known(Known::Id) => {
                id = Some(read_string(evaluator, source, value, "metadata.id")?)
            }
            Name::Known(Known::Version) => {
                version = Some(read_number(evaluator, source, value, "metadata.version")?);
            }
            Name::Known(Known::TxTime) => {
                tx_time = Some(read_time(evaluator, source, value, "metadata.txTime")?)
            }
            Name::Known(Known::TxId) => {
                tx_id = Some(read_string(evaluator, source, value, "metadata.txId")?)
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let document_id = required(id, "metadata.id", place.pos)?;
    let version = required(version, "metadata.version", place.pos)?;
    Ok(Metadata { document_id, version, tx_id, tx_time })
}

fn find_delete_rule(
    hasher: &mut Hasher,
    stored: Option<&[u8]>,
    metadata_hash: Digest,
) -> Option<&'static str> {
    let mut matches = |no_data: &[u8]| {
        let no_data = hasher.digest(no_data);
        stored == Some(dot(hasher, metadata_hash.into(), no_data.into()).as_slice())
    };
    NO_DATA.into_iter().find(|(_, no_data)| matches(no_data)).map(|(name, _)| name)
}
