//! What an object's bytes are split into.

use std::borrow::Cow;

/// What a stretch of an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A record.
    Record,
    /// Bytes that carry none: delimiters, KPL frame bytes, error lines without content.
    Framing,
    /// Bytes that are no record.
    Damage,
    /// All of an object that belongs to a journal export.
    Export,
    /// The stored bytes from which nothing could be decompressed.
    Unreadable,
}

/// A stretch of an object and what it is; the Python `Segment` says how they cover the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment<'a> {
    /// What it is.
    pub kind: Kind,
    /// Position in the decompressed object, for [`Kind::Unreadable`] in the stored one.
    pub offset: u64,
    /// Number of bytes, counted as `offset` is.
    pub length: u64,
    /// The exact bytes of a record; empty for framing; else the first `Limits::quarantine_bytes`.
    pub data: Cow<'a, [u8]>,
    /// Why this is no record; empty for records and framing.
    pub reason: Cow<'static, str>,
    /// Place among the records of the same error line, from 0; 0 everywhere else.
    pub part: i32,
}
