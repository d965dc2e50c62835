//! From an object's stored bytes to its segments: the door of this module.

use std::borrow::Cow;

use crate::archive::compression::open_content;
use crate::archive::error_lines::{LinePiece, LineReader};
use crate::archive::foreign::{Foreign, HEAD_BYTES, recognise};
use crate::archive::framer::{Found, Framer, lookahead};
use crate::archive::segments::{Kind, Piece, Segment};
use crate::archive::window::Window;
use crate::error::Error;
use crate::limits::Limits;

/// Tells whether bytes are a real record; called where a record's place alone does not prove it.
///
/// That is behind damage, and for records that contain a version marker or are not of the usual
/// shape.
pub type Check<'a> = dyn FnMut(&[u8]) -> Result<(), Error> + 'a;

/// Goes once over the segments of an object, in flat memory.
///
/// Nothing that an object contains makes it fail: what cannot be read is a segment.
pub struct ObjectReader<'a> {
    content: &'a [u8],
    limits: Limits,
    compression: &'static str,
    framer: Framer<'a>,
    line: Option<LineReader>,
    stage: Stage,
}

#[derive(PartialEq, Eq)]
enum Stage {
    Begun,
    Framing,
    Ended,
}

impl<'a> ObjectReader<'a> {
    /// Begins to read an object's stored bytes, compressed or not.
    pub fn new(content: &'a [u8], limits: Limits) -> Self {
        let (compression, chunks) = open_content(Cow::Borrowed(content), &limits);
        let window = Window::new(chunks, lookahead(&limits).max(HEAD_BYTES));
        ObjectReader {
            content,
            limits,
            compression,
            framer: Framer::new(window, limits, true),
            line: None,
            stage: Stage::Begun,
        }
    }

    /// `none`, `gzip`, `zip`, `snappy` or `hadoop-snappy`.
    pub fn compression(&self) -> &'static str {
        self.compression
    }

    /// The stored bytes.
    pub fn content(&self) -> &'a [u8] {
        self.content
    }

    /// Gives the next segment in order of their offsets.
    pub fn next(&mut self, check: &mut Check<'_>) -> Option<Segment<'_>> {
        if self.stage == Stage::Begun {
            self.stage = Stage::Framing;
            if let Some(foreign) = recognise(first(self.framer.head(), HEAD_BYTES)) {
                return Some(self.whole(foreign));
            }
        }
        loop {
            if let Some(line) = &mut self.line {
                match line.next(check) {
                    // Looked up anew: what borrowed from `line` here would hold it in every branch.
                    Some(LinePiece::Record(piece)) => return self.record_of_line(piece),
                    Some(LinePiece::Line(piece)) => return Some(self.of_object(piece)),
                    None => self.line = None,
                }
            }
            match self.framer.next(check) {
                Some(Found::Piece(piece)) => return Some(self.of_object(piece)),
                Some(Found::Line(line, pos)) => {
                    let offset = self.framer.window().base() + pos as u64;
                    self.line = Some(LineReader::new(line, pos, offset, self.limits));
                }
                None => return self.unreadable(),
            }
        }
    }

    fn of_object(&self, piece: Piece) -> Segment<'_> {
        piece.segment(self.framer.window().data())
    }

    fn record_of_line(&self, piece: Piece) -> Option<Segment<'_>> {
        self.line.as_ref().map(|line| piece.segment(line.window().data()))
    }

    fn whole(&mut self, foreign: Foreign) -> Segment<'static> {
        let head = first(self.framer.head(), self.limits.quarantine_bytes).to_vec();
        let length = self.framer.skip_all();
        let Foreign { kind, reason } = foreign;
        Segment { kind, offset: 0, length, data: Cow::Owned(head), reason, part: 0 }
    }

    fn unreadable(&mut self) -> Option<Segment<'_>> {
        if self.stage == Stage::Ended {
            return None;
        }
        self.stage = Stage::Ended;
        let failure = self.framer.window().failure()?;
        let rest = &self.content[failure.offset.min(self.content.len())..];
        Some(Segment {
            kind: Kind::Unreadable,
            offset: failure.offset as u64,
            length: rest.len() as u64,
            data: Cow::Borrowed(first(rest, self.limits.quarantine_bytes)),
            reason: failure.reason.clone(),
            part: 0,
        })
    }
}

fn first(bytes: &[u8], most: usize) -> &[u8] {
    &bytes[..bytes.len().min(most)]
}
