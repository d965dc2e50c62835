//! Cuts a decompressed object into pieces.
//!
//! At each position that a record could begin at, the bytes there say what comes: a version marker,
//! a KPL frame, a line break, a JSON line, or something that is no record. In the latter case the
//! next record is searched for: the next marker (or frame, or error line at the beginning of a
//! line) that holds what the caller's check accepts as a real record. Markers also occur in blobs,
//! so headers alone do not prove a candidate there, whereas a real record proves itself, wherever
//! it stands.
//!
//! Hostile bytes must not cost more than their number. A candidate costs a few headers. Whatever
//! costs more, checking a candidate or hashing a frame, is paid from an allowance that grows with
//! the position in the object, so all of it together is linear; candidates beyond it count as
//! damage.

use std::borrow::Cow;
use std::ops::Range;
use std::vec::IntoIter;

use crate::archive::compression::KPL_MAGIC;
use crate::archive::error_lines::{self, ErrorLine, LONGEST_LINE};
use crate::archive::foreign::{HEAD_BYTES, describe};
use crate::archive::kpl::{Frame, read_frame};
use crate::archive::reader::Check;
use crate::archive::records::{BOUNDARY_BYTES, contains_marker, first_end, plain_end, whole_end};
use crate::archive::segments::{Bytes, Kind, Piece};
use crate::archive::window::Window;
use crate::error::Error;
use crate::ion::framing::IVM;
use crate::limits::Limits;

const MOST_CRLFS: usize = 1024;
const ALLOWANCE_AT_START: u64 = 4; // records of the largest size
const ALLOWANCE_PER_BYTE: u64 = 4;

/// Gives how many bytes a [`Framer`] must see from any position on.
pub fn lookahead(limits: &Limits) -> usize {
    limits.record_bytes.max(limits.quarantine_bytes).max(LONGEST_LINE) + BOUNDARY_BYTES
}

/// What a [`Framer`] finds.
pub enum Found {
    /// A segment of its own.
    Piece(Piece),
    /// A Firehose error line, which is to be cut further, and where it begins.
    Line(ErrorLine, usize),
}

/// Goes over one object.
pub struct Framer<'a> {
    window: Window<'a>,
    limits: Limits,
    lines: bool,
    pos: usize,
    frame: Option<OpenFrame>,
    allowance: Allowance,
}

impl<'a> Framer<'a> {
    /// Begins at the window's first byte; the window has the [`lookahead`] that the limits ask for.
    ///
    /// Without `lines`, JSON is damage.
    pub fn new(window: Window<'a>, limits: Limits, lines: bool) -> Self {
        let allowance = Allowance { record_bytes: limits.record_bytes as u64, spent: 0 };
        Framer { window, limits, lines, pos: 0, frame: None, allowance }
    }

    /// The object's part in memory, in which the indices of what was found last lie.
    pub fn window(&self) -> &Window<'a> {
        &self.window
    }

    /// Shows the object's beginning.
    pub fn head(&mut self) -> &[u8] {
        self.pos = self.window.advance(self.pos);
        self.window.data()
    }

    /// Goes to the object's end; gives the object's length.
    pub fn skip_all(&mut self) -> u64 {
        while !self.window.last() {
            self.window.advance(self.window.data().len());
        }
        self.pos = self.window.data().len();
        self.window.base() + self.pos as u64
    }

    /// Finds what comes next, in order of offsets.
    pub fn next(&mut self, check: &mut Check<'_>) -> Option<Found> {
        if let Some(frame) = &mut self.frame {
            if let Some(piece) = frame.next(&self.window, self.limits.quarantine_bytes) {
                return Some(Found::Piece(piece));
            }
            self.frame = None;
        }
        self.pos = self.window.advance(self.pos);
        let rest = &self.window.data()[self.pos..];
        if rest.is_empty() {
            return None;
        }
        let found = if rest.starts_with(&IVM) { self.record(check) } else { self.other() };
        Some(found.unwrap_or_else(|reason| Found::Piece(self.damage(reason, check))))
    }

    fn record(&mut self, check: &mut Check<'_>) -> Result<Found, Cow<'static, str>> {
        let end = self.record_end(check)?;
        Ok(self.take(Kind::Record, end))
    }

    /// Finds the end of the record at a marker, or the reason why there is none.
    fn record_end(&mut self, check: &mut Check<'_>) -> Result<usize, Cow<'static, str>> {
        let (data, pos, base) = (self.window.data(), self.pos, self.window.base());
        let limit = data.len().min(pos + self.limits.record_bytes);
        if let Some(end) = plain_end(data, pos, limit) {
            return Ok(end);
        }
        let whole = whole_end(data, pos, limit);
        if let Ok(end) = whole
            && self.allowance.accepts(&data[pos..end], base + pos as u64, check)
        {
            return Ok(end);
        }
        if let Some(first) = first_end(data, pos, limit)
            && whole.as_ref() != Ok(&first)
            && self.allowance.accepts(&data[pos..first], base + pos as u64, check)
        {
            return Ok(first);
        }
        match whole {
            // Swallows nothing: whoever decodes it says what is wrong.
            Ok(end) if !contains_marker(&data[pos + IVM.len()..end]) => Ok(end),
            Ok(_) => Err("record that contains version markers is none".into()),
            Err(Error::Ion { reason, offset } | Error::Record { reason, offset }) => {
                let mut reason = format!("{reason} at {}, in a record", base + offset as u64);
                if limit < data.len() {
                    reason += &format!(" of at most {} bytes", self.limits.record_bytes);
                }
                Err(reason.into())
            }
        }
    }

    /// Reads what begins with no marker, or gives the reason why it is damage.
    fn other(&mut self) -> Result<Found, Cow<'static, str>> {
        let (data, pos) = (self.window.data(), self.pos);
        let rest = &data[pos..];
        let blank = blank_bytes(rest);
        if blank > 0 {
            return Ok(self.take(Kind::Framing, pos + blank));
        }
        if rest.starts_with(&KPL_MAGIC) {
            let frame = self.allowance.frame(data, pos, self.window.base());
            let frame = frame.ok_or("KPL frame whose MD5 fits nowhere")?;
            self.pos = frame.end;
            let start = frame.records.first().map_or(frame.end, |record| record.start);
            self.frame = Some(OpenFrame::new(frame, start));
            return Ok(Found::Piece(piece(&self.window, Kind::Framing, pos..start)));
        }
        if self.lines
            && rest.starts_with(b"{")
            && let Some(line) = error_lines::parse(data, pos)
        {
            self.pos = line.end;
            return Ok(Found::Line(line, pos));
        }
        Err(describe(&rest[..rest.len().min(HEAD_BYTES)]))
    }

    fn take(&mut self, kind: Kind, end: usize) -> Found {
        let place = self.pos..end;
        self.pos = end;
        Found::Piece(piece(&self.window, kind, place))
    }

    /// Reads the damage up to the next start of something readable, or the object's end.
    fn damage(&mut self, reason: Cow<'static, str>, check: &mut Check<'_>) -> Piece {
        let (data, pos) = (self.window.data(), self.pos);
        let offset = self.window.base() + pos as u64;
        let head = pos..data.len().min(pos + self.limits.quarantine_bytes);
        // The search drops the damage from a window that still moves.
        let kept = (!self.window.last()).then(|| data[head.clone()].to_vec());
        self.pos = self.next_start(pos + 1, check);
        let length = self.window.base() + self.pos as u64 - offset;
        let data = match kept {
            Some(mut kept) => {
                kept.truncate(usize::try_from(length).unwrap_or(usize::MAX));
                Bytes::Kept(kept)
            }
            None => Bytes::Window(pos..head.end.min(self.pos)),
        };
        Piece { kind: Kind::Damage, offset, length, data, reason, part: 0 }
    }

    /// Finds the next index that something readable begins at, moving the window.
    fn next_start(&mut self, mut pos: usize, check: &mut Check<'_>) -> usize {
        loop {
            pos = self.window.advance(pos);
            let data = self.window.data();
            let Some(found) = find_start(&data[pos..]) else {
                if self.window.last() {
                    return data.len();
                }
                // A start may lie across the window's end.
                pos = pos.max(data.len().saturating_sub(IVM.len()));
                continue;
            };
            pos += found + usize::from(data[pos + found] == b'\n');
            pos = self.window.advance(pos);
            if self.readable(pos, check) {
                return pos;
            }
            pos += 1;
        }
    }

    /// Tells whether a record, a frame or an error line begins at a place that looks so.
    fn readable(&mut self, pos: usize, check: &mut Check<'_>) -> bool {
        let (data, base) = (self.window.data(), self.window.base());
        if data[pos..].starts_with(&IVM) {
            let limit = data.len().min(pos + self.limits.record_bytes);
            let end = first_end(data, pos, limit);
            let offset = base + pos as u64;
            return end.is_some_and(|end| self.allowance.accepts(&data[pos..end], offset, check));
        }
        if data[pos..].starts_with(&KPL_MAGIC) {
            return self.allowance.frame(data, pos, base).is_some();
        }
        self.lines && error_lines::parse(data, pos).is_some_and(|line| line.raw.is_ok())
    }
}

/// A frame that is being cut.
struct OpenFrame {
    records: IntoIter<Range<usize>>,
    record: Option<Range<usize>>,
    pos: usize,
    end: usize,
}

impl OpenFrame {
    /// Begins at the first record, or at the frame's end if it has none.
    fn new(frame: Frame, pos: usize) -> Self {
        let mut records = frame.records.into_iter();
        OpenFrame { record: records.next(), records, pos, end: frame.end }
    }

    /// Cuts a record, or the framing before the next one or the frame's end.
    fn next(&mut self, window: &Window<'_>, quarantine_bytes: usize) -> Option<Piece> {
        if let Some(place) = self.record.take() {
            self.pos = place.end;
            if window.data()[place.clone()].starts_with(&IVM) {
                return Some(piece(window, Kind::Record, place));
            }
            if !place.is_empty() {
                let head = place.start..place.end.min(place.start + quarantine_bytes);
                let damage = piece(window, Kind::Damage, place);
                let reason = "KPL record that is no binary Ion".into();
                return Some(Piece { data: Bytes::Window(head), reason, ..damage });
            }
        }
        self.record = self.records.next();
        let end = self.record.as_ref().map_or(self.end, |record| record.start);
        let between = self.pos..end;
        self.pos = end;
        (!between.is_empty()).then(|| piece(window, Kind::Framing, between))
    }
}

/// What may still be spent on checking candidates and hashing frames.
struct Allowance {
    record_bytes: u64,
    spent: u64,
}

impl Allowance {
    fn left(&self, offset: u64) -> u64 {
        let earned = ALLOWANCE_AT_START.saturating_mul(self.record_bytes);
        earned.saturating_add(ALLOWANCE_PER_BYTE.saturating_mul(offset)).saturating_sub(self.spent)
    }

    fn accepts(&mut self, candidate: &[u8], offset: u64, check: &mut Check<'_>) -> bool {
        let cost = candidate.len() as u64;
        if cost > self.left(offset) {
            return false;
        }
        self.spent += cost;
        check(candidate).is_ok()
    }

    fn frame(&mut self, data: &[u8], pos: usize, base: u64) -> Option<Frame> {
        let most = self.record_bytes.min(self.left(base + pos as u64));
        let end = data.len().min(pos.saturating_add(most as usize));
        match read_frame(data, pos, end) {
            Ok(frame) => Some(frame),
            Err(read) => {
                self.spent += read.saturating_sub(pos) as u64;
                None
            }
        }
    }
}

fn piece(window: &Window<'_>, kind: Kind, place: Range<usize>) -> Piece {
    Piece {
        kind,
        offset: window.base() + place.start as u64,
        length: place.len() as u64,
        data: Bytes::Window(if kind == Kind::Framing { 0..0 } else { place }),
        reason: Cow::Borrowed(""),
        part: 0,
    }
}

/// Counts the bytes of line breaks of one kind that `bytes` begin with.
fn blank_bytes(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"\n") {
        return bytes.iter().take_while(|&&byte| byte == b'\n').count();
    }
    2 * bytes.chunks(2).take(MOST_CRLFS).take_while(|&pair| pair == b"\r\n").count()
}

/// Finds the first place that looks as if something readable began there, or before it a line.
fn find_start(bytes: &[u8]) -> Option<usize> {
    memchr::memchr3_iter(IVM[0], KPL_MAGIC[0], b'\n', bytes).find(|&pos| {
        let rest = &bytes[pos..];
        rest.starts_with(&IVM) || rest.starts_with(&KPL_MAGIC) || rest.starts_with(b"\n{\"")
    })
}
