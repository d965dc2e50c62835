//! How an object is compressed, told by its content, and its content in chunks.
//!
//! Firehose writes uncompressed, GZIP, ZIP, Snappy or Hadoop-compatible Snappy objects. Names are
//! not looked at: file extensions can be set freely. What expands beyond the limits, or breaks,
//! ends with an error after all that could be read has been given.

use std::borrow::Cow;
use std::iter;

use crate::archive::inflate::{GZIP_MAGIC, Gzip};
use crate::archive::snappy;
use crate::archive::window::{Chunk, Chunks};
use crate::archive::zip::{self, Zip};
use crate::error::ArchiveError;
use crate::ion::framing::IVM;
use crate::limits::Limits;

/// How a frame of the Kinesis Producer Library begins.
pub const KPL_MAGIC: [u8; 4] = [0xF3, 0x89, 0x9A, 0xC2];

/// Recognises the compression of an object and begins to expand it.
///
/// Gives `none`, `gzip`, `zip`, `snappy` or `hadoop-snappy`, and the expanded content.
pub fn open_content<'a>(content: Cow<'a, [u8]>, limits: &Limits) -> (&'static str, Chunks<'a>) {
    let stored = content.len() as u64;
    let by_ratio = limits.expansion_floor.max(limits.expansion_ratio.saturating_mul(stored));
    let most = limits.expanded_bytes.min(by_ratio);
    let within = |chunks| Box::new(WithinLimits { chunks, most, expanded: 0, position: 0 });
    // Raw Snappy of 123 or 10 bytes begins with a brace or a line break: these prove nothing.
    if content.starts_with(&IVM) || content.starts_with(&KPL_MAGIC) {
        ("none", whole(content))
    } else if content.starts_with(GZIP_MAGIC) {
        ("gzip", within(Box::new(Gzip::new(content))))
    } else if content.starts_with(zip::ENTRY_MAGIC) || content.starts_with(zip::END_MAGIC) {
        ("zip", within(Box::new(Zip::new(content))))
    } else if content.starts_with(snappy::FRAMED_MARKER) {
        ("snappy", within(Box::new(snappy::Framed::new(content))))
    } else if snappy::looks_hadoop(&content, begins_archive) {
        ("hadoop-snappy", within(Box::new(snappy::Hadoop::new(content))))
    } else if let Some(expanded) = expand_raw(&content) {
        let chunk = Chunk { data: expanded.into(), end: content.len() };
        ("snappy", within(Box::new(iter::once(Ok(chunk)))))
    } else {
        ("none", whole(content))
    }
}

/// Tells whether bytes begin like an archive: Ion, a KPL frame, a JSON line or a blank line.
fn begins_archive(head: &[u8]) -> bool {
    [&IVM[..], &KPL_MAGIC, b"{", b"\n", b"\r\n"].iter().any(|begin| head.starts_with(begin))
}

fn whole<'a>(content: Cow<'a, [u8]>) -> Chunks<'a> {
    let end = content.len();
    Box::new(iter::once(Ok(Chunk { data: content, end })))
}

/// Expands raw Snappy; a few bytes of garbage before a record can look like it, and fail here.
fn expand_raw(content: &[u8]) -> Option<Vec<u8>> {
    let looks_raw = snappy::looks_raw(content, begins_archive);
    looks_raw.then(|| snappy::expand(content, 0).ok()).flatten()
}

struct WithinLimits<'a> {
    chunks: Chunks<'a>,
    most: u64,
    expanded: u64,
    position: usize,
}

impl<'a> Iterator for WithinLimits<'a> {
    type Item = Result<Chunk<'a>, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        let chunk = match self.chunks.next()? {
            Ok(chunk) => chunk,
            error => return Some(error),
        };
        self.expanded += chunk.data.len() as u64;
        if self.expanded > self.most {
            let reason = format!("expands beyond the limit of {} bytes", self.most);
            return Some(Err(ArchiveError::new(reason, self.position)));
        }
        self.position = chunk.end;
        Some(Ok(chunk))
    }
}
