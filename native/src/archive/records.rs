//! Where a record ends.
//!
//! A record is the version marker, a symbol table and one struct. Its end is known by walking
//! headers; that it is a true end shows in what follows: the next marker, frame or JSON line, or
//! the object's end, each also behind delimiters. 0x0A is a ten-byte NOP pad in binary Ion, so it
//! is a delimiter only there; any other NOP pad behind a value is part of the record.
//!
//! A corrupted length can make a record end at a later record's boundary. Its body then contains
//! the markers of those that it swallows, so a record that contains one is never taken unseen.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::archive::compression::KPL_MAGIC;
use crate::error::Error;
use crate::ion::framing::{IVM, value_end};

/// Bytes behind a record that may have to be seen to know that it ends there.
pub const BOUNDARY_BYTES: usize = 256;

const MOST_LINE_BREAKS: usize = 64;
// Real records have two. A small bound keeps the work linear on hostile bytes, where every value
// could contain the beginning of a next candidate.
const MOST_VALUES: usize = 64;
const MOST_TABLES: usize = 4;

static MARKER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(&IVM));

/// Finds the end of the usual record that begins at `pos` and that nothing casts doubt on.
///
/// None if [`whole_end`] has to tell. The record must not pass `end`.
pub fn plain_end(data: &[u8], pos: usize, end: usize) -> Option<usize> {
    let table = pos + IVM.len();
    if !matches!(data.get(table), Some(0xE1..=0xEE)) {
        return None;
    }
    let body = value_end(data, table, end).ok()?;
    if data.get(body)? & 0xF0 != 0xD0 {
        return None;
    }
    let found = value_end(data, body, end).ok()?;
    (is_boundary(data, found) && !contains_marker(&data[table..found])).then_some(found)
}

/// Finds the end of a record of any number of values, which must be a boundary.
///
/// Fails where headers are invalid, reach past `end`, or come to no boundary.
pub fn whole_end(data: &[u8], pos: usize, end: usize) -> Result<usize, Error> {
    let mut index = pos + IVM.len();
    if is_boundary(data, index) {
        return Err(Error::ion("version marker without a value", pos));
    }
    for _ in 0..MOST_VALUES {
        index = value_end(data, index, end)?;
        if is_boundary(data, index) {
            return Ok(index);
        }
    }
    Err(Error::ion(format!("more than {MOST_VALUES} values in a record"), index))
}

/// Finds the end of a record's first value that is no symbol table, whatever follows it.
pub fn first_end(data: &[u8], pos: usize, end: usize) -> Option<usize> {
    let mut index = pos + IVM.len();
    for _ in 0..MOST_TABLES {
        let kind = data.get(index)? >> 4;
        index = value_end(data, index, end).ok()?;
        match kind {
            0xD => return Some(index),
            0x0 | 0xE => {}
            _ => return None,
        }
    }
    None
}

/// Tells whether a version marker occurs in bytes.
pub fn contains_marker(bytes: &[u8]) -> bool {
    MARKER.find(bytes).is_some()
}

fn is_boundary(data: &[u8], pos: usize) -> bool {
    let mut rest = &data[pos..];
    for _ in 0..MOST_LINE_BREAKS {
        match rest {
            [b'\n', behind @ ..] | [b'\r', b'\n', behind @ ..] => rest = behind,
            _ => break,
        }
    }
    // '{"' read as Ion is a symbol whose ID has eleven bytes, which no stream has.
    rest.is_empty()
        || rest.starts_with(&IVM)
        || rest.starts_with(&KPL_MAGIC)
        || rest.starts_with(b"{\"")
}
