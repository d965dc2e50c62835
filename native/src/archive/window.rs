//! The part of a decompressed object that is in memory.
//!
//! An object may expand to many gigabytes, so only a stretch of it is held at a time. Wherever a
//! record could begin the window shows as many bytes as decide about it. Plain content is one
//! borrowed chunk and is never copied.

use std::borrow::Cow;

use crate::error::ArchiveError;

/// Some of an object's content.
pub struct Chunk<'a> {
    /// Decompressed bytes.
    pub data: Cow<'a, [u8]>,
    /// Number of stored bytes read by then.
    pub end: usize,
}

/// An object's content in order; not asked again after it has given an error.
pub type Chunks<'a> = Box<dyn Iterator<Item = Result<Chunk<'a>, ArchiveError>> + Send + 'a>;

/// A stretch of a decompressed object that moves forward over it.
pub struct Window<'a> {
    chunks: Chunks<'a>,
    lookahead: usize,
    data: Cow<'a, [u8]>,
    base: u64,
    last: bool,
    failure: Option<ArchiveError>,
}

impl<'a> Window<'a> {
    /// Makes an empty window before an object's first byte.
    ///
    /// `lookahead` bytes are in it behind any position given to [`Window::advance`], unless the
    /// object ends before.
    pub fn new(chunks: Chunks<'a>, lookahead: usize) -> Self {
        let data = Cow::Borrowed(&[][..]);
        Window { chunks, lookahead, data, base: 0, last: false, failure: None }
    }

    /// The bytes in memory.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Offset in the object of the first byte in memory.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Whether the window reaches the object's end, and so never moves again.
    pub fn last(&self) -> bool {
        self.last
    }

    /// Why no more could be decompressed, if the object ended for that.
    pub fn failure(&self) -> Option<&ArchiveError> {
        self.failure.as_ref()
    }

    /// Makes sure that enough of the object is visible from an index in `data` on.
    ///
    /// What lies before it may be dropped. Gives the index that the same byte has now.
    pub fn advance(&mut self, pos: usize) -> usize {
        if self.last || self.data.len() - pos >= self.lookahead {
            return pos;
        }
        match &mut self.data {
            Cow::Borrowed(data) => *data = &data[pos..],
            Cow::Owned(data) => drop(data.drain(..pos)),
        }
        self.base += pos as u64;
        while self.data.len() < 2 * self.lookahead && !self.last {
            self.append_chunk();
        }
        0
    }

    fn append_chunk(&mut self) {
        match self.chunks.next() {
            Some(Ok(chunk)) if self.data.is_empty() => self.data = chunk.data,
            Some(Ok(chunk)) => self.data.to_mut().extend_from_slice(&chunk.data),
            Some(Err(error)) => {
                self.last = true;
                self.failure = Some(error);
            }
            None => self.last = true,
        }
    }
}
