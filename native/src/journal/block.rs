//! Blocks: what one transaction wrote, and the hashes that bind it to the ledger.
//!
//! QLDB, each checked by recomputing:
//!
//! 1. the root over the hashes of `revisionSummaries`, system revisions included, is an entry of
//!    `entriesHashList`,
//! 2. so is H(transactionInfo),
//! 3. and H(redactionInfo), in a block that requests a redaction,
//! 4. `entriesHash` is the root over `entriesHashList`,
//! 5. `blockHash` joins `entriesHash` and `previousBlockHash`.
//!
//! Entries are looked for anywhere in the list, as AWS's own verifier does; the other entries are
//! hashes of system data that nobody outside can recompute.

use std::borrow::Cow;

use crate::error::Error;
use crate::ion::evaluate::Evaluator;
use crate::ion::symbols::{Place, Source};
use crate::journal::address::read_address;
use crate::journal::fields::{
    Name, check_rest, evaluate_hashed, hash_value, list_of, number, optional_text, required,
    struct_fields, time,
};
use crate::journal::hashed::{
    hash_and_read, read_hash, read_list, read_number, read_string, read_struct, read_time,
};
use crate::journal::merkle::{Hash, dot, merkle_root};
use crate::known_names::Known;
use crate::sha256::Digest;

/// A statement of a transaction.
#[derive(Default)]
pub struct Statement<'a> {
    /// Its text.
    pub statement: Option<&'a str>,
    /// Start time in microseconds since 1970 UTC.
    pub start_time: Option<i64>,
    /// Its digest.
    pub digest: Option<&'a [u8]>,
}

/// A document that a transaction touched.
#[derive(Default)]
pub struct Document<'a> {
    /// Document ID.
    pub document_id: Cow<'a, str>,
    /// Table ID.
    pub table_id: Option<&'a str>,
    /// Table name.
    pub table_name: Option<&'a str>,
    /// Indexes of the statements that touched it.
    pub statements: Option<Vec<i32>>,
}

/// A revision as its block lists it.
pub struct Summary<'a> {
    /// Its hash.
    pub hash: Option<&'a [u8]>,
    /// Its document's ID, None for revisions of system data.
    pub document_id: Option<&'a str>,
}

/// A revision that is to be redacted.
pub struct Redaction<'a> {
    /// Strand of its block.
    pub strand_id: &'a str,
    /// Its block's number in the strand.
    pub sequence_no: i64,
    /// Table ID.
    pub table_id: Option<&'a str>,
    /// Document ID.
    pub document_id: Option<&'a str>,
    /// Version of the document.
    pub version: Option<i64>,
}

/// What recomputing a block's hashes gave.
pub struct BlockChecks {
    /// Root over the revision summaries, empty if there are none.
    pub revisions_root: Hash,
    /// Whether it is an entry of the block; None if there are none.
    pub revisions_root_listed: Option<bool>,
    /// H(transactionInfo), None without it.
    pub transaction_info_hash: Option<Digest>,
    /// Whether it is an entry; None without transactionInfo.
    pub transaction_info_listed: Option<bool>,
    /// H(redactionInfo), None without it.
    pub redaction_info_hash: Option<Digest>,
    /// Whether it is an entry; None without redactionInfo.
    pub redaction_info_listed: Option<bool>,
    /// Whether entriesHash is the root over the entries.
    pub entries_hash_matches: bool,
    /// Whether blockHash joins entriesHash and previousBlockHash.
    pub block_hash_matches: bool,
}

/// A block summary, and its checks. What the record has no field for is None.
pub struct Block<'a> {
    /// Strand.
    pub strand_id: &'a str,
    /// Number in the strand.
    pub sequence_no: i64,
    /// Stored hash.
    pub block_hash: Option<&'a [u8]>,
    /// Stored hash of the entries.
    pub entries_hash: Option<&'a [u8]>,
    /// Stored hash of the block before.
    pub previous_block_hash: Option<&'a [u8]>,
    /// The entries.
    pub entries_hash_list: Option<Vec<&'a [u8]>>,
    /// Transaction.
    pub tx_id: Option<&'a str>,
    /// Microseconds since 1970 UTC.
    pub block_timestamp: Option<i64>,
    /// What the transaction did.
    pub transaction: TransactionInfo<'a>,
    /// The revisions, in the order of the tree's leaves.
    pub revision_summaries: Option<Vec<Summary<'a>>>,
    /// Revisions that the transaction asked to redact.
    pub redactions: Option<Vec<Redaction<'a>>>,
    /// What recomputing the hashes gave.
    pub checks: BlockChecks,
}

/// What a transaction did.
#[derive(Default)]
pub struct TransactionInfo<'a> {
    /// Its statements, in order.
    pub statements: Option<Vec<Statement<'a>>>,
    /// Documents that it touched.
    pub documents: Option<Vec<Document<'a>>>,
}

const NAMES: [Known; 10] = [
    Known::BlockAddress,
    Known::TransactionId,
    Known::BlockTimestamp,
    Known::BlockHash,
    Known::EntriesHash,
    Known::PreviousBlockHash,
    Known::EntriesHashList,
    Known::RevisionSummaries,
    Known::TransactionInfo,
    Known::RedactionInfo,
];

/// Reads a block summary and recomputes its hashes.
///
/// Refuses malformed Ion, and what has not a block's fields or types.
pub fn read_block<'a>(
    evaluator: &mut Evaluator,
    source: Source<'a>,
    place: Place,
) -> Result<Block<'a>, Error> {
    let fields = struct_fields(source, place, "block", NAMES)?;
    let [address, tx_id, timestamp, hash, entries_hash, previous, entries, summaries, ..] =
        fields.known;
    let [.., transaction_info, redaction_info] = fields.known;
    let address = required(address, "blockAddress", place.pos)?;
    let (strand_id, sequence_no) = read_address(evaluator, source, address)?;
    let tx_id = optional_text(source, tx_id, "transactionId")?;
    let block_timestamp = time(source, timestamp, "blockTimestamp")?;
    let block_hash = hash_value(source, hash, "blockHash")?;
    let entries_hash = hash_value(source, entries_hash, "entriesHash")?;
    let previous_block_hash = hash_value(source, previous, "previousBlockHash")?;
    let entries_hash_list = read_entries(source, entries)?;
    let revision_summaries = read_summaries(evaluator, source, summaries)?;
    check_rest(evaluator, source, &fields.rest)?;
    let (transaction_info_hash, transaction) =
        read_transaction_info(evaluator, source, transaction_info)?;
    let redactions = read_redaction_info(evaluator, source, redaction_info)?;
    let redaction_info_hash = hash_of(evaluator, source, redaction_info)?;
    let listed = |hash: &[u8]| entries_hash_list.iter().flatten().any(|entry| *entry == hash);
    let hasher = &mut evaluator.hasher;
    let root = merkle_root(
        hasher,
        revision_summaries
            .iter()
            .flatten()
            .map(|summary| Hash::new(summary.hash.unwrap_or_default()))
            .collect(),
    );
    let checks = BlockChecks {
        revisions_root: root,
        revisions_root_listed: (!root.is_empty()).then(|| listed(root.as_slice())),
        transaction_info_hash,
        transaction_info_listed: transaction_info_hash.map(|hash| listed(&hash)),
        redaction_info_hash,
        redaction_info_listed: redaction_info_hash.map(|hash| listed(&hash)),
        entries_hash_matches: entries_hash_list.as_ref().is_some_and(|entries| {
            let leaves = entries.iter().map(|entry| Hash::new(entry)).collect();
            entries_hash == Some(merkle_root(hasher, leaves).as_slice())
        }),
        block_hash_matches: block_hash.is_some_and(|hash| {
            let entries_hash = Hash::new(entries_hash.unwrap_or_default());
            let previous = Hash::new(previous_block_hash.unwrap_or_default());
            hash == dot(hasher, entries_hash, previous).as_slice()
        }),
    };
    Ok(Block {
        strand_id,
        sequence_no,
        block_hash,
        entries_hash,
        previous_block_hash,
        entries_hash_list,
        tx_id,
        block_timestamp,
        transaction,
        revision_summaries,
        redactions,
        checks,
    })
}

fn read_entries<'a>(
    source: Source<'a>,
    place: Option<Place>,
) -> Result<Option<Vec<&'a [u8]>>, Error> {
    let Some(entries) = list_of(source, place, "entriesHashList")? else { return Ok(None) };
    let mut hashes = Vec::with_capacity(entries.len());
    for entry in entries {
        let hash = hash_value(source, Some(entry), "entry of entriesHashList")?;
        hashes.push(hash.unwrap_or_default());
    }
    Ok(Some(hashes))
}

fn read_summaries<'a>(
    evaluator: &mut Evaluator,
    source: Source<'a>,
    place: Option<Place>,
) -> Result<Option<Vec<Summary<'a>>>, Error> {
    let Some(summaries) = list_of(source, place, "revisionSummaries")? else { return Ok(None) };
    let mut found = Vec::with_capacity(summaries.len());
    for summary in summaries {
        let names = [Known::Hash, Known::DocumentId];
        let fields = struct_fields(source, summary, "revision summary", names)?;
        let [leaf, document] = fields.known;
        let hash = hash_value(source, leaf, "hash of a revision summary")?;
        let document_id = optional_text(source, document, "documentId")?;
        check_rest(evaluator, source, &fields.rest)?;
        found.push(Summary { hash, document_id });
    }
    Ok(Some(found))
}

fn read_transaction_info<'a>(
    evaluator: &mut Evaluator,
    source: Source<'a>,
    place: Option<Place>,
) -> Result<(Option<Digest>, TransactionInfo<'a>), Error> {
    let Some(place) = place else { return Ok((None, TransactionInfo::default())) };
    let mut found = TransactionInfo::default();
    let (hash, ()) = hash_and_read(evaluator, |evaluator| {
        read_struct(evaluator, source, place, "transactionInfo", 1, |evaluator, name, value| {
            match name {
                Name::Known(Known::Statements) => {
                    found.statements = Some(read_statements(evaluator, source, value)?);
                }
                Name::Known(Known::Documents) => {
                    found.documents = Some(read_documents(evaluator, source, value)?)
                }
                _ => return Ok(false),
            }
            Ok(true)
        })
    })?;
    Ok((Some(hash), found))
}

fn read_statements<'a>(
    evaluator: &mut Evaluator,
    source: Source<'a>,
    place: Place,
) -> Result<Vec<Statement<'a>>, Error> {
    read_list(evaluator, source, place, "statements", |evaluator, element| {
        let mut found = Statement::default();
        read_struct(evaluator, source, element, "statement", 3, |evaluator, name, value| {
            match name {
                Name::Known(Known::Statement) => {
                    found.statement = Some(read_string(evaluator, source, value, "statement")?);
                }
                Name::Known(Known::StartTime) => {
                    found.start_time = Some(read_time(evaluator, source, value, "startTime")?);
                }
                Name::Known(Known::StatementDigest) => {
                    found.digest = Some(read_hash(evaluator, source, value, "statementDigest")?);
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(found)
    })
}

fn read_documents<'a>(
    evaluator: &mut Evaluator,
    source: Source<'a>,
    place: Place,
) -> Result<Vec<Document<'a>>, Error> {
    let mut documents = Vec::new();
    read_struct(evaluator, source, place, "documents", 2, |evaluator, name, value| {
        let mut found = Document { document_id: name.text(), ..Document::default() };
        read_struct(evaluator, source, value, "document", 3, |evaluator, name, value| {
            match name {
                Name::Known(Known::TableId) => {
                    found.table_id = Some(read_string(evaluator, source, value, "tableId")?);
                }
                Name::Known(Known::TableName) => {
                    found.table_name = Some(read_string(evaluator, source, value, "tableName")?);
                }
                Name::Known(Known::Statements) => {
                    found.statements = Some(read_indexes(evaluator, source, value)?);
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        documents.push(found);
        Ok(true)
    })?;
    Ok(documents)
}

fn read_indexes(
    evaluator: &mut Evaluator,
    source: Source<'_>,
    place: Place,
) -> Result<Vec<i32>, Error> {
    const WHAT: &str = "index of a statement";
    read_list(evaluator, source, place, "statements", |evaluator, element| {
        let index = read_number(evaluator, source, element, WHAT)?;
        i32::try_from(index)
            .map_err(|_| Error::record(format!("{WHAT} is beyond 32 bits"), element.pos))
    })
}

/// The revisions to be redacted. All of redactionInfo is hashed, and so validated.
fn read_redaction_info<'a>(
    evaluator: &mut Evaluator,
    source: Source<'a>,
    place: Option<Place>,
) -> Result<Option<Vec<Redaction<'a>>>, Error> {
    let Some(place) = place else { return Ok(None) };
    let fields = struct_fields(source, place, "redactionInfo", [Known::Revisions])?;
    let [revisions] = fields.known;
    let Some(found) = list_of(source, revisions, "revisions of redactionInfo")? else {
        return Ok(None);
    };
    found
        .into_iter()
        .map(|place| read_redaction(evaluator, source, place))
        .collect::<Result<_, _>>()
        .map(Some)
}

fn read_redaction<'a>(
    evaluator: &mut Evaluator,
    source: Source<'a>,
    place: Place,
) -> Result<Redaction<'a>, Error> {
    let names = [Known::BlockAddress, Known::Version, Known::TableId, Known::DocumentId];
    let [address, version, table, document] =
        struct_fields(source, place, "redaction", names)?.known;
    let address = required(address, "blockAddress", place.pos)?;
    let (strand_id, sequence_no) = read_address(evaluator, source, address)?;
    Ok(Redaction {
        strand_id,
        sequence_no,
        table_id: optional_text(source, table, "tableId")?,
        document_id: optional_text(source, document, "documentId")?,
        version: version.map(|version| number(source, version, "version")).transpose()?,
    })
}

fn hash_of(
    evaluator: &mut Evaluator,
    source: Source<'_>,
    place: Option<Place>,
) -> Result<Option<Digest>, Error> {
    let Some(place) = place else { return Ok(None) };
    evaluate_hashed(evaluator, source, place)?;
    Ok(Some(evaluator.hash()))
}
