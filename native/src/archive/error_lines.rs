//! Objects that Firehose wrote under its error prefix: JSON lines with the record in them.
//!
//! Firehose: what a transformation or conversion failed on is delivered as one JSON object a line,
//! with errorCode, errorMessage, attemptsMade and such, and the record itself as base64 in rawData.

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::archive::compression::open_content;
use crate::archive::framer::{Found, Framer, lookahead};
use crate::archive::json;
use crate::archive::reader::Check;
use crate::archive::segments::{Bytes, Kind, Piece};
use crate::archive::window::Window;
use crate::limits::Limits;

/// Bytes of the longest line that is read: a record has 1,000 KiB at most, as base64 a third more.
pub const LONGEST_LINE: usize = 4 * 1024 * 1024;

const DEEPEST: usize = 100;

// The padding is judged before, and bits that it leaves over do not count, as in Python.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// One JSON object.
pub struct ErrorLine {
    /// Index of the first byte behind it.
    pub end: usize,
    /// The record's bytes, or why it has none that can be read.
    pub raw: Result<Vec<u8>, &'static str>,
}

/// Reads the JSON object that begins at `pos`; None if there is none.
pub fn parse(data: &[u8], pos: usize) -> Option<ErrorLine> {
    let text = &data[pos..data.len().min(pos + LONGEST_LINE)];
    let mut raw_data = None;
    let end = json::object_end(text, DEEPEST, &mut |member| {
        if json::ascii(&text[member.key]).as_deref() == Some(b"rawData") {
            raw_data = Some(member.value); // of members with the same name the last one counts
        }
    })?;
    let raw = match raw_data {
        Some(value) => decode(&text[value]).ok_or("rawData that is not base64"),
        None => Err("JSON object without rawData"),
    };
    Some(ErrorLine { end: pos + end, raw })
}

/// Cuts a line: its records, each at the line's place, and one damage for all else.
pub struct LineReader {
    framer: Framer<'static>,
    quarantine_bytes: usize,
    offset: u64,
    place: Range<usize>,
    reason: Cow<'static, str>,
    part: i32,
    ended: bool,
}

/// What a [`LineReader`] finds.
pub enum LinePiece {
    /// A record, in the line's own window.
    Record(Piece),
    /// The line itself, in the window that holds it.
    Line(Piece),
}

impl LineReader {
    /// Begins with the line at `pos` of the window that holds it, and at `offset` in the object.
    pub fn new(line: ErrorLine, pos: usize, offset: u64, limits: Limits) -> Self {
        let (raw, reason) = match line.raw {
            Ok(raw) => (raw, ""),
            Err(reason) => (Vec::new(), reason),
        };
        // What Firehose could not deliver may be compressed or aggregated.
        let (_, chunks) = open_content(Cow::Owned(raw), &limits);
        let window = Window::new(chunks, lookahead(&limits));
        LineReader {
            framer: Framer::new(window, limits, false),
            quarantine_bytes: limits.quarantine_bytes,
            offset,
            place: pos..line.end,
            reason: Cow::Borrowed(reason),
            part: 0,
            ended: false,
        }
    }

    /// The window in which records lie.
    pub fn window(&self) -> &Window<'static> {
        self.framer.window()
    }

    /// Finds what comes next.
    pub fn next(&mut self, check: &mut Check<'_>) -> Option<LinePiece> {
        while let Some(found) = self.framer.next(check) {
            let Found::Piece(piece) = found else {
                continue;
            };
            if piece.kind == Kind::Record {
                let (offset, length, part) = (self.offset, self.place.len() as u64, self.part);
                self.part += 1;
                return Some(LinePiece::Record(Piece { offset, length, part, ..piece }));
            }
            self.note(&piece.reason);
        }
        if self.ended {
            return None;
        }
        self.ended = true;
        if let Some(failure) = self.framer.window().failure().cloned() {
            self.note(&failure.reason);
        }
        self.itself().map(LinePiece::Line)
    }

    fn note(&mut self, reason: &str) {
        if self.reason.is_empty() && !reason.is_empty() {
            self.reason = format!("in rawData: {reason}").into();
        }
    }

    fn itself(&mut self) -> Option<Piece> {
        let start = self.place.start;
        let (kind, end) = if !self.reason.is_empty() {
            (Kind::Damage, self.place.end.min(start + self.quarantine_bytes))
        } else if self.part == 0 {
            (Kind::Framing, start)
        } else {
            return None;
        };
        let reason = std::mem::take(&mut self.reason);
        let data = Bytes::Window(start..end);
        let length = self.place.len() as u64;
        Some(Piece { kind, offset: self.offset, length, data, reason, part: 0 })
    }
}

fn decode(value: &[u8]) -> Option<Vec<u8>> {
    let string = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let text = json::ascii(string)?;
    let digits = text.iter().position(|&byte| byte == b'=').unwrap_or(text.len());
    let (digits, padding) = text.split_at(digits);
    let enough = match digits.len() % 4 {
        // Python takes any padding where none is needed, but not alone.
        0 => padding.is_empty() || !digits.is_empty(),
        1 => false,
        left => padding.len() == 4 - left,
    };
    let padded = enough && padding.iter().all(|&byte| byte == b'=');
    padded.then(|| BASE64.decode(digits).ok()).flatten()
}
