//! Aggregates of the Kinesis Producer Library that were stored as they came.
//!
//! A frame is F3 89 9A C2, a protobuf message `AggregatedRecord` (1: partition keys, 2: explicit
//! hash keys, 3: records of 1: partition key index, 2: hash key index, 3: data, 4: tags) and the
//! MD5 of that message. There is no length: the message ends at the first field boundary where the
//! MD5 fits.

use std::ops::Range;

use md5::{Digest, Md5};

use crate::archive::compression::KPL_MAGIC;

// Field number << 3 | 2, the wire type of bytes.
const KEY: u8 = 0x0A;
const HASH_KEY: u8 = 0x12;
const RECORD: u8 = 0x1A;
const RECORD_DATA: u8 = 0x1A;

const VARINT: u8 = 0;
const BYTES: u8 = 2;
const LONGEST_VARINT: usize = 10;

/// A frame whose MD5 fits.
pub struct Frame {
    /// Index of the first byte behind it.
    pub end: usize,
    /// Begin and end of each record's data, in order.
    pub records: Vec<Range<usize>>,
}

/// Reads the frame that begins at `pos` and must not pass `end`.
///
/// Where no MD5 fits, gives the index up to which it was read, which is the work that it took.
pub fn read_frame(data: &[u8], pos: usize, end: usize) -> Result<Frame, usize> {
    let mut digest = Md5::new();
    let mut records = Vec::new();
    let mut field = pos + KPL_MAGIC.len();
    while field < end && matches!(data[field], KEY | HASH_KEY | RECORD) {
        let Some(body) = bytes_field(data, field, end) else {
            break;
        };
        digest.update(&data[field..body.end]);
        if data[field] == RECORD {
            match record_data(data, body.clone()) {
                Some(found) => records.push(found),
                None => break,
            }
        }
        field = body.end;
        let found = digest.clone().finalize();
        if data[field..end].starts_with(&found) {
            return Ok(Frame { end: field + found.len(), records });
        }
    }
    Err(field.min(end))
}

/// Finds the data field of a record message, None where the message is broken or has none.
fn record_data(data: &[u8], message: Range<usize>) -> Option<Range<usize>> {
    let mut found = None;
    let mut pos = message.start;
    while pos < message.end {
        pos = match data[pos] & 7 {
            VARINT => varint(data, pos + 1, message.end)?.1,
            BYTES => {
                let body = bytes_field(data, pos, message.end)?;
                if data[pos] == RECORD_DATA {
                    found = Some(body.clone());
                }
                body.end
            }
            _ => return None,
        };
    }
    found
}

/// Gives the place of a field's bytes, None where they do not fit.
fn bytes_field(data: &[u8], pos: usize, end: usize) -> Option<Range<usize>> {
    let (length, body) = varint(data, pos + 1, end)?;
    (length <= (end - body) as u128).then(|| body..body + length as usize)
}

/// Reads a varint of at most ten bytes; gives it and the index behind it.
fn varint(data: &[u8], pos: usize, end: usize) -> Option<(u128, usize)> {
    let mut value = 0;
    for (index, &byte) in data.get(pos..end)?.iter().take(LONGEST_VARINT).enumerate() {
        value |= u128::from(byte & 0x7F) << (7 * index);
        if byte < 0x80 {
            return Some((value, pos + index + 1));
        }
    }
    None
}
