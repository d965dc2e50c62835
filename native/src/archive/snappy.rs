//! The ways in which Snappy is stored: raw, framed, and Hadoop's blocks.
//!
//! Raw: a varint with the expanded size, then elements, the first always a literal. Framed: chunks
//! of one type byte, a three-byte little-endian length and, where they carry data, a masked
//! CRC-32C. Hadoop: blocks of a four-byte big-endian expanded size, then chunks of a four-byte
//! big-endian length and raw Snappy until that size is reached.

use std::borrow::Cow;

use crc32c::crc32c;

use crate::archive::window::Chunk;
use crate::error::ArchiveError;

/// How framed Snappy begins.
pub const FRAMED_MARKER: &[u8] = b"\xff\x06\x00\x00sNaPpY";

// Firehose buffers at most 128 MiB before it compresses; raw Snappy expands in one piece only.
const LARGEST_BLOCK: u64 = 512 * 1024 * 1024;
const LARGEST_FRAMED_CHUNK: usize = 65_536;
const CRC_MASK: u32 = 0xA282_EAD8;

/// Expands one raw Snappy block, after its claimed size has been found possible.
///
/// `at` is the block's place in the stored bytes, for the error.
pub fn expand(block: &[u8], at: usize) -> Result<Vec<u8>, ArchiveError> {
    let Some((size, _)) = expanded_size(block) else {
        return Err(ArchiveError::new("Snappy block without a possible size", at));
    };
    let mut expanded = vec![0; size];
    match snap::raw::Decoder::new().decompress(block, &mut expanded) {
        Ok(length) if length == size => Ok(expanded),
        _ => Err(ArchiveError::new("broken Snappy block", at)),
    }
}

/// Expands framed Snappy, chunk by chunk.
pub struct Framed<'a> {
    content: Cow<'a, [u8]>,
    pos: usize,
}

impl<'a> Framed<'a> {
    /// Begins with the marker.
    pub fn new(content: Cow<'a, [u8]>) -> Self {
        Framed { content, pos: 0 }
    }

    fn chunk(&self, start: usize, end: usize) -> Result<Vec<u8>, ArchiveError> {
        let stored = &self.content[start..end];
        let error = |reason: &'static str| Err(ArchiveError::new(reason, start - 4));
        let kind = self.content[start - 4];
        if kind >= 0x80 {
            return Ok(Vec::new());
        }
        if kind > 1 {
            let reason = format!("unknown Snappy chunk type 0x{kind:02x}");
            return Err(ArchiveError::new(reason, start - 4));
        }
        let Some((checksum, body)) = stored.split_first_chunk::<4>() else {
            return error("Snappy chunk without checksum");
        };
        let expanded = if kind == 1 { body.to_vec() } else { expand(body, start + 4)? };
        if expanded.len() > LARGEST_FRAMED_CHUNK {
            return error("Snappy chunk of more than 64 KiB");
        }
        let masked = crc32c(&expanded).rotate_right(15).wrapping_add(CRC_MASK);
        if masked != u32::from_le_bytes(*checksum) {
            return error("Snappy chunk does not fit its checksum");
        }
        Ok(expanded)
    }
}

impl<'a> Iterator for Framed<'a> {
    type Item = Result<Chunk<'a>, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        let header = self.content.get(self.pos..).filter(|rest| !rest.is_empty())?;
        let past = ArchiveError::new("Snappy chunk reaches past the end", self.pos);
        let &[_, low, middle, high, ..] = header else {
            return Some(Err(past));
        };
        let start = self.pos + 4;
        let end = start + u32::from_le_bytes([low, middle, high, 0]) as usize;
        if end > self.content.len() {
            return Some(Err(past));
        }
        self.pos = end;
        Some(self.chunk(start, end).map(|data| Chunk { data: data.into(), end }))
    }
}

/// Expands Hadoop's Snappy blocks.
pub struct Hadoop<'a> {
    content: Cow<'a, [u8]>,
    pos: usize,
    block: usize,
    missing: usize,
}

impl<'a> Hadoop<'a> {
    /// Begins with the first block's size.
    pub fn new(content: Cow<'a, [u8]>) -> Self {
        Hadoop { content, pos: 0, block: 0, missing: 0 }
    }

    fn chunk(&mut self) -> Result<Vec<u8>, ArchiveError> {
        let length = self.number()?;
        let start = self.pos;
        let Some(stored) = self.content.get(start..start + length) else {
            return Err(ArchiveError::new("Snappy chunk reaches past the end", start - 4));
        };
        let expanded = expand(stored, start)?;
        if expanded.is_empty() || expanded.len() > self.missing {
            return Err(ArchiveError::new("Snappy chunk does not fit its block", self.block));
        }
        self.pos += length;
        self.missing -= expanded.len();
        Ok(expanded)
    }

    fn number(&mut self) -> Result<usize, ArchiveError> {
        let Some(number) = self.content[self.pos..].first_chunk::<4>() else {
            let reason = "Snappy block header reaches past the end";
            return Err(ArchiveError::new(reason, self.pos));
        };
        self.pos += 4;
        Ok(u32::from_be_bytes(*number) as usize)
    }
}

impl<'a> Iterator for Hadoop<'a> {
    type Item = Result<Chunk<'a>, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.missing == 0 {
            if self.pos == self.content.len() {
                return None;
            }
            self.block = self.pos;
            match self.number() {
                Ok(size) => self.missing = size,
                Err(error) => return Some(Err(error)),
            }
        }
        Some(self.chunk().map(|data| Chunk { data: data.into(), end: self.pos }))
    }
}

/// Tells whether raw Snappy whose first literal begins like an archive starts here.
pub fn looks_raw(content: &[u8], begins_archive: fn(&[u8]) -> bool) -> bool {
    literal_begins(content, begins_archive)
}

/// Tells whether a Hadoop block whose content begins like an archive starts here.
pub fn looks_hadoop(content: &[u8], begins_archive: fn(&[u8]) -> bool) -> bool {
    let Some((&[a, b, c, d, e, f, g, h], rest)) = content.split_first_chunk::<8>() else {
        return false;
    };
    let block = u32::from_be_bytes([a, b, c, d]) as usize;
    let length = u32::from_be_bytes([e, f, g, h]) as usize;
    let Some(chunk) = rest.get(..length).filter(|chunk| !chunk.is_empty()) else {
        return false;
    };
    expanded_size(chunk).is_some_and(|(size, _)| size <= block)
        && literal_begins(chunk, begins_archive)
}

fn literal_begins(block: &[u8], begins_archive: fn(&[u8]) -> bool) -> bool {
    let Some((size, pos)) = expanded_size(block) else {
        return false;
    };
    let longest = 32 + size + size / 6; // what Snappy's compressor promises never to exceed
    let Some(&tag) = block.get(pos) else {
        return false;
    };
    if size == 0 || block.len() > longest || tag & 3 != 0 {
        return false;
    }
    let literal = usize::from(tag >> 2);
    let start = pos + 1 + literal.saturating_sub(59); // 60 to 63: one to four bytes of length
    let end = block.len().min(start + size.min(literal + 1));
    block.get(start..end).is_some_and(begins_archive)
}

/// Reads a block's claimed size; gives it and the offset behind it.
///
/// None where there is none or it is a lie: three bytes copy at most 64, so no block expands more
/// than 22 times.
fn expanded_size(block: &[u8]) -> Option<(usize, usize)> {
    let mut size = 0u64;
    for (index, &byte) in block.iter().take(5).enumerate() {
        size |= u64::from(byte & 0x7F) << (7 * index);
        if byte < 0x80 {
            let possible = size <= LARGEST_BLOCK.min(22 * block.len() as u64);
            return possible.then_some((size as usize, index + 1));
        }
    }
    None
}
