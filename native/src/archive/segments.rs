//! What an object's bytes are split into.

use std::borrow::Cow;
use std::ops::Range;

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

/// A segment before its bytes have been looked up.
pub struct Piece {
    /// As [`Segment::kind`].
    pub kind: Kind,
    /// As [`Segment::offset`].
    pub offset: u64,
    /// As [`Segment::length`].
    pub length: u64,
    /// Where its bytes are.
    pub data: Bytes,
    /// As [`Segment::reason`].
    pub reason: Cow<'static, str>,
    /// As [`Segment::part`].
    pub part: i32,
}

/// Where the bytes of a [`Piece`] are.
pub enum Bytes {
    /// In the window from which it was cut.
    Window(Range<usize>),
    /// Here, because the window has moved on.
    Kept(Vec<u8>),
}

impl Piece {
    /// Looks up the bytes in the data of the window from which the piece was cut.
    pub fn segment(self, window: &[u8]) -> Segment<'_> {
        let Piece { kind, offset, length, data, reason, part } = self;
        let data = match data {
            Bytes::Window(place) => Cow::Borrowed(&window[place]),
            Bytes::Kept(bytes) => Cow::Owned(bytes),
        };
        Segment { kind, offset, length, data, reason, part }
    }
}
