//! The field names that QLDB gives to its records, known by number instead of by text.
//!
//! All records have the same few, so a symbol table tells them apart once, where its texts are read,
//! and whoever reads a record's structs compares numbers.

use crate::ion::canonical::{BEGIN, END};
use crate::ion::copies::{CHUNK, push_first};

/// Places of names by their texts, a power of two and several times as many as there are names.
const PLACES: usize = 128;

const SYMBOL: u8 = 0x70;

macro_rules! known_names {
    ($($name:ident = $text:literal,)+) => {
        /// A field name of QLDB's records.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Known {
            $(#[doc = $text] $name,)+
        }

        /// All names with their texts, each at its number.
        const NAMES: &[(Known, &str)] = &[$((Known::$name, $text),)+];
    };
}

known_names! {
    BlockAddress = "blockAddress",
    BlockHash = "blockHash",
    BlockTimestamp = "blockTimestamp",
    Data = "data",
    DataHash = "dataHash",
    DocumentId = "documentId",
    Documents = "documents",
    EntriesHash = "entriesHash",
    EntriesHashList = "entriesHashList",
    Hash = "hash",
    Id = "id",
    Metadata = "metadata",
    Payload = "payload",
    PreviousBlockHash = "previousBlockHash",
    QldbStreamArn = "qldbStreamArn",
    RecordType = "recordType",
    RedactionInfo = "redactionInfo",
    Revision = "revision",
    RevisionSummaries = "revisionSummaries",
    Revisions = "revisions",
    SequenceNo = "sequenceNo",
    StartTime = "startTime",
    Statement = "statement",
    StatementDigest = "statementDigest",
    Statements = "statements",
    StrandId = "strandId",
    TableId = "tableId",
    TableInfo = "tableInfo",
    TableName = "tableName",
    TransactionId = "transactionId",
    TransactionInfo = "transactionInfo",
    TxId = "txId",
    TxTime = "txTime",
    Version = "version",
}

/// By the place that a text leads to, the name that is there, or in the first free place behind.
const BY_PLACE: [Option<Known>; PLACES] = {
    let mut places = [None; PLACES];
    let mut index = 0;
    while index < NAMES.len() {
        let mut at = place(NAMES[index].1.as_bytes());
        while places[at].is_some() {
            at = (at + 1) % PLACES;
        }
        places[at] = Some(NAMES[index].0);
        index += 1;
    }
    places
};

/// What Ion Hash hashes of each name, behind which zeros follow, and its length.
const MESSAGES: [([u8; CHUNK], usize); NAMES.len()] = {
    let mut messages = [([0; CHUNK], 0); NAMES.len()];
    let mut index = 0;
    while index < NAMES.len() {
        let text = NAMES[index].1.as_bytes();
        let (message, length) = &mut messages[index];
        (message[0], message[1], message[text.len() + 2]) = (BEGIN, SYMBOL, END);
        let mut at = 0;
        while at < text.len() {
            message[at + 2] = text[at];
            at += 1;
        }
        *length = text.len() + 3;
        index += 1;
    }
    messages
};

/// The names differ in their lengths and in their first and last letters.
const fn place(text: &[u8]) -> usize {
    match text {
        [first, .., last] => (text.len() + 21 * *first as usize + 6 * *last as usize) % PLACES,
        _ => 0,
    }
}

impl Known {
    /// The name of a text, None if it is no record's.
    #[inline]
    pub fn of(text: &str) -> Option<Self> {
        let mut at = place(text.as_bytes());
        while let Some(name) = BY_PLACE[at] {
            if name.text() == text {
                return Some(name);
            }
            at = (at + 1) % PLACES;
        }
        None
    }

    /// The name itself.
    #[inline]
    pub fn text(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// Appends what Ion Hash hashes of the name, as a symbol.
    #[inline]
    pub fn push_message(self, out: &mut Vec<u8>) {
        let (message, length) = &MESSAGES[self as usize];
        push_first(out, message, *length);
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, NAMES};
    use crate::ion::symbols::push_symbol;

    #[test]
    fn each_name_is_found_by_its_text_and_nothing_else_is() {
        for (name, text) in NAMES {
            assert_eq!(Known::of(text), Some(*name));
            assert_eq!(name.text(), *text);
            let (mut expected, mut found) = (vec![1], vec![1]);
            push_symbol(&mut expected, Some(text));
            name.push_message(&mut found);
            assert_eq!(found, expected);
            for other in [format!("{text}s"), text[1..].to_owned(), text.to_uppercase()] {
                assert!(
                    NAMES.iter().any(|(_, each)| *each == other) || Known::of(&other).is_none()
                );
            }
        }
        assert_eq!(Known::of(""), None);
    }
}
