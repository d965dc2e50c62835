//! Zip files: their directory, and the content of their entries.
//!
//! The directory is read as Python's zipfile does, which finds it from the file's end. Firehose
//! writes one entry, and ZIP64 is for more than 4 GiB or 65,535 entries, so its directories are
//! refused.

use std::borrow::Cow;
use std::ops::Range;
use std::vec::IntoIter;

use flate2::Crc;

use crate::archive::inflate::{Piece, Stream, Wrapping};
use crate::archive::window::Chunk;
use crate::error::ArchiveError;

/// How an entry begins.
pub const ENTRY_MAGIC: &[u8] = b"PK\x03\x04";
/// How the end of the directory begins, and so an empty file.
pub const END_MAGIC: &[u8] = b"PK\x05\x06";

const ZIP64_LOCATOR_MAGIC: &[u8] = b"PK\x06\x07";
const DIRECTORY_MAGIC: &[u8] = b"PK\x01\x02";
const END_BYTES: usize = 22;
const LOCATOR_BYTES: usize = 20;
const ENTRY_BYTES: usize = 30;
const DIRECTORY_ENTRY_BYTES: usize = 46;
const LONGEST_COMMENT: usize = 65_536;
const LARGEST_DIRECTORY: usize = 1024 * 1024;
const NEWEST_VERSION: u8 = 63;
const ENCRYPTED: u16 = 0x1;
const HAS_DESCRIPTOR: u16 = 0x8;
/// Lengths of what may repeat an entry's sizes behind it: with and without a signature, sizes of 4
/// or 8 bytes.
const DESCRIPTORS: [usize; 4] = [16, 24, 12, 20];
const UTF8_NAME: u16 = 0x800;
const IN_ZIP64: u64 = 0xFFFF_FFFF;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// An entry as the directory has it.
struct Entry {
    start: usize,
    flags: u16,
    method: u16,
    crc: u32,
    stored_bytes: u64,
}

/// Expands the entries in the order of the directory.
pub struct Zip<'a> {
    content: Cow<'a, [u8]>,
    entries: Option<IntoIter<Entry>>,
    open: Option<OpenEntry>,
    piece: Piece,
    /// Stretches that are an entry or the directory.
    spans: Vec<Range<usize>>,
}

struct OpenEntry {
    body: Body,
    end: usize,
    crc: Crc,
    wanted_crc: u32,
}

enum Body {
    Stored(usize),
    Deflated(Stream),
    Given,
}

impl<'a> Zip<'a> {
    /// Begins with the first entry.
    pub fn new(content: Cow<'a, [u8]>) -> Self {
        Zip { content, entries: None, open: None, piece: Piece::new(), spans: Vec::new() }
    }

    fn next_entry(&mut self) -> Result<Option<OpenEntry>, ArchiveError> {
        let entries = match &mut self.entries {
            Some(entries) => entries,
            None => {
                let (found, directory) = read_directory(&self.content)?;
                self.spans.push(directory);
                self.entries.insert(found.into_iter())
            }
        };
        let Some(entry) = entries.next() else {
            self.check_covered()?;
            return Ok(None);
        };
        let open = open_entry(&self.content, &entry)?;
        let behind = open.end + descriptor_bytes(&self.content, entry.flags, open.end);
        self.spans.push(entry.start..behind);
        Ok(Some(open))
    }

    /// Refuses bytes that are neither an entry nor the directory: before, between or behind them.
    fn check_covered(&mut self) -> Result<(), ArchiveError> {
        self.spans.sort_unstable_by_key(|span| (span.start, span.end));
        let mut covered = 0;
        for span in &self.spans {
            if span.start > covered {
                break;
            }
            covered = covered.max(span.end);
        }
        if covered < self.content.len() {
            return Err(ArchiveError::new("bytes that are no zip entry", covered));
        }
        Ok(())
    }
}

impl<'a> Iterator for Zip<'a> {
    type Item = Result<Chunk<'a>, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(open) = &mut self.open {
                if let Some(chunk) = open.next(&self.content, &mut self.piece) {
                    return Some(chunk);
                }
                if open.crc.sum() != open.wanted_crc {
                    let reason = "zip entry does not fit its checksum";
                    return Some(Err(ArchiveError::new(reason, open.end)));
                }
            }
            self.open = match self.next_entry() {
                Ok(None) => return None,
                Ok(open) => open,
                Err(error) => return Some(Err(error)),
            };
        }
    }
}

impl OpenEntry {
    fn next(
        &mut self,
        content: &[u8],
        piece: &mut Piece,
    ) -> Option<Result<Chunk<'static>, ArchiveError>> {
        let chunk = match &mut self.body {
            Body::Given => return None,
            Body::Stored(start) => {
                let data = content[*start..self.end].to_vec();
                self.body = Body::Given;
                Ok(Chunk { data: data.into(), end: self.end })
            }
            Body::Deflated(stream) => stream.next(content, piece)?,
        };
        if let Ok(chunk) = &chunk {
            self.crc.update(&chunk.data);
        }
        Some(chunk)
    }
}

fn open_entry(content: &[u8], entry: &Entry) -> Result<OpenEntry, ArchiveError> {
    let start = entry.start;
    if entry.flags & ENCRYPTED != 0 {
        return Err(ArchiveError::new("encrypted zip entry", start));
    }
    let Some((pos, end)) = body_bounds(content, entry) else {
        return Err(ArchiveError::new("zip entry not where the directory says", start));
    };
    let body = match entry.method {
        STORED => Body::Stored(pos),
        DEFLATED => Body::Deflated(Stream::new(Wrapping::Bare, pos, end)),
        method => {
            return Err(ArchiveError::new(format!("zip method {method} is not known"), start));
        }
    };
    Ok(OpenEntry { body, end, crc: Crc::new(), wanted_crc: entry.crc })
}

/// Length of what may repeat an entry's sizes behind it: what follows shows which it is.
fn descriptor_bytes(content: &[u8], flags: u16, end: usize) -> usize {
    let fits = |length: &usize| {
        content
            .get(end + length..)
            .is_some_and(|rest| rest.starts_with(ENTRY_MAGIC) || rest.starts_with(DIRECTORY_MAGIC))
    };
    if flags & HAS_DESCRIPTOR == 0 { 0 } else { DESCRIPTORS.into_iter().find(fits).unwrap_or(0) }
}

fn body_bounds(content: &[u8], entry: &Entry) -> Option<(usize, usize)> {
    let header = content[entry.start..].first_chunk::<ENTRY_BYTES>()?;
    let names = usize::from(u16_at(header, 26)) + usize::from(u16_at(header, 28));
    let pos = entry.start + ENTRY_BYTES + names;
    let end = pos.checked_add(usize::try_from(entry.stored_bytes).ok()?)?;
    (header.starts_with(ENTRY_MAGIC) && end <= content.len()).then_some((pos, end))
}

/// The entries, and the stretch that the directory takes.
fn read_directory(content: &[u8]) -> Result<(Vec<Entry>, Range<usize>), ArchiveError> {
    let broken = || ArchiveError::new("broken zip directory", 0);
    let end = directory_end(content).ok_or_else(broken)?;
    let record = content[end..].first_chunk::<END_BYTES>().ok_or_else(broken)?;
    let size = u32_at(record, 12) as usize;
    let before = &content[end.saturating_sub(LOCATOR_BYTES)..end];
    if size > LARGEST_DIRECTORY || before.starts_with(ZIP64_LOCATOR_MAGIC) {
        return Err(ArchiveError::new("zip directory beyond the limit", end));
    }
    let start = end.checked_sub(size).ok_or_else(broken)?;
    // Not zero where the zip file is not at the object's beginning.
    let shift = start as i128 - i128::from(u32_at(record, 16));
    let found = entries(&content[start..end], shift, content.len()).ok_or_else(broken)?;
    Ok((found, start..end + END_BYTES))
}

fn directory_end(content: &[u8]) -> Option<usize> {
    let without_comment = content.len().checked_sub(END_BYTES)?;
    let last = &content[without_comment..];
    if last.starts_with(END_MAGIC) && last.ends_with(b"\0\0") {
        return Some(without_comment);
    }
    let first = without_comment.saturating_sub(LONGEST_COMMENT);
    memchr::memmem::rfind(&content[first..], END_MAGIC).map(|index| first + index)
}

fn entries(directory: &[u8], shift: i128, most: usize) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut rest = directory;
    while !rest.is_empty() {
        let header = rest.first_chunk::<DIRECTORY_ENTRY_BYTES>()?;
        let flags = u16_at(header, 8);
        rest = &rest[DIRECTORY_ENTRY_BYTES..];
        let name = take(&mut rest, u16_at(header, 28));
        let extra = take(&mut rest, u16_at(header, 30));
        take(&mut rest, u16_at(header, 32));
        let readable = flags & UTF8_NAME == 0 || str::from_utf8(name).is_ok();
        if !header.starts_with(DIRECTORY_MAGIC) || !readable || header[6] > NEWEST_VERSION {
            return None;
        }
        let (stored_bytes, offset) = with_extra(header, extra)?;
        entries.push(Entry {
            start: (i128::from(offset) + shift).clamp(0, most as i128) as usize,
            flags,
            method: u16_at(header, 10),
            crc: u32_at(header, 16),
            stored_bytes,
        });
    }
    Some(entries)
}

/// Reads an entry's stored size and offset, which may be in its ZIP64 extra field.
fn with_extra(header: &[u8], mut extra: &[u8]) -> Option<(u64, u64)> {
    let mut expanded_bytes = u64::from(u32_at(header, 24));
    let mut stored_bytes = u64::from(u32_at(header, 20));
    let mut offset = u64::from(u32_at(header, 42));
    while let Some((head, rest)) = extra.split_first_chunk::<4>() {
        let mut field = rest.get(..usize::from(u16_at(head, 2)))?;
        extra = &rest[field.len()..];
        if u16_at(head, 0) != 1 {
            continue;
        }
        let mut fill = |value: &mut u64| {
            let (number, rest) = field.split_first_chunk::<8>()?;
            *value = u64::from_le_bytes(*number);
            field = rest;
            Some(())
        };
        if matches!(expanded_bytes, IN_ZIP64 | u64::MAX) {
            fill(&mut expanded_bytes)?;
        }
        if stored_bytes == IN_ZIP64 {
            fill(&mut stored_bytes)?;
        }
        if offset == IN_ZIP64 {
            fill(&mut offset)?;
        }
    }
    Some((stored_bytes, offset))
}

fn take<'a>(rest: &mut &'a [u8], length: u16) -> &'a [u8] {
    let (taken, behind) = rest.split_at(rest.len().min(usize::from(length)));
    *rest = behind;
    taken
}

fn u16_at(bytes: &[u8], pos: usize) -> u16 {
    u16::from_le_bytes([bytes[pos], bytes[pos + 1]])
}

fn u32_at(bytes: &[u8], pos: usize) -> u32 {
    u32::from_le_bytes([bytes[pos], bytes[pos + 1], bytes[pos + 2], bytes[pos + 3]])
}
