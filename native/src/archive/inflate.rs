//! Deflated streams, alone or as gzip members, expanded piece by piece.

use std::borrow::Cow;

use flate2::{Decompress, FlushDecompress, Status};

use crate::archive::window::Chunk;
use crate::error::ArchiveError;

/// How gzip members begin.
pub const GZIP_MAGIC: &[u8] = b"\x1f\x8b";

const PIECE: usize = 4 * 1024 * 1024;
const FIRST_STEP: usize = 1024;
const LAST_STEP: usize = 256 * 1024;
const WINDOW_BITS: u8 = 15;

/// Room for the output of one call.
pub struct Piece(Vec<u8>);

impl Piece {
    /// Makes room of the size that every stream takes.
    pub fn new() -> Self {
        Piece(vec![0; PIECE])
    }
}

/// What a deflated stream is wrapped in.
#[derive(Clone, Copy)]
pub enum Wrapping {
    /// A gzip header and trailer.
    Gzip,
    /// Nothing, as in zip entries.
    Bare,
}

impl Wrapping {
    fn inflater(self) -> Decompress {
        match self {
            Wrapping::Gzip => Decompress::new_gzip(WINDOW_BITS),
            Wrapping::Bare => Decompress::new(false),
        }
    }
}

/// One deflated stream in stored bytes; the last chunk comes with the position behind it.
///
/// The steps through the stored bytes, and so the chunks, are those of the Python codec: where a
/// limit ends an object, it ends both at the same byte.
pub struct Stream {
    wrapping: Wrapping,
    start: usize,
    end: usize,
    pos: usize,
    step: usize,
    inflater: Decompress,
    state: State,
}

enum State {
    Flowing,
    Broken,
    Ended,
}

impl Stream {
    /// Begins at `start`; the stream must not pass `end`.
    pub fn new(wrapping: Wrapping, start: usize, end: usize) -> Self {
        let inflater = wrapping.inflater();
        Stream {
            wrapping,
            start,
            end,
            pos: start,
            step: FIRST_STEP,
            inflater,
            state: State::Flowing,
        }
    }

    /// Expands the next chunk; None behind the stream's end.
    pub fn next(
        &mut self,
        content: &[u8],
        piece: &mut Piece,
    ) -> Option<Result<Chunk<'static>, ArchiveError>> {
        match self.state {
            State::Ended => return None,
            State::Broken => return Some(Err(ArchiveError::new("broken deflated data", self.pos))),
            State::Flowing if self.pos >= self.end => {
                let reason = "deflated data ends in the middle";
                return Some(Err(ArchiveError::new(reason, self.pos)));
            }
            State::Flowing => {}
        }
        let stop = self.end.min(self.pos + self.step);
        let (fed, made) = (self.fed(), self.inflater.total_out());
        let room = piece.0.as_mut_slice();
        let data = match self.inflater.decompress(&content[fed..stop], room, FlushDecompress::Sync)
        {
            Ok(status) => {
                let length = (self.inflater.total_out() - made) as usize;
                let ended = status == Status::StreamEnd;
                if ended {
                    self.state = State::Ended;
                }
                if ended || (length < PIECE && self.fed() == stop) {
                    self.pos = self.fed();
                    self.step = LAST_STEP.min(2 * self.step);
                }
                room[..length].to_vec()
            }
            Err(_) => {
                self.state = State::Broken;
                let (data, end) = self.until_broken(&content[..stop], fed, made, room);
                self.pos = end;
                data
            }
        };
        Some(Ok(Chunk { data: data.into(), end: self.pos }))
    }

    fn fed(&self) -> usize {
        self.start + self.inflater.total_in() as usize
    }

    /// Repeats a failed step byte by byte: the Python codec cannot have more of it.
    ///
    /// There zlib drops the output of the call that fails. Its state before the step is had again
    /// by expanding the stream anew, which happens once at most: an object ends where it breaks.
    fn until_broken(
        &self,
        content: &[u8],
        fed: usize,
        made: u64,
        room: &mut [u8],
    ) -> (Vec<u8>, usize) {
        let mut inflater = self.wrapping.inflater();
        let mut pos = self.start;
        while pos < fed || inflater.total_out() < made {
            let most = room.len().min((made - inflater.total_out()) as usize);
            let before = (pos, inflater.total_out());
            let input = &content[pos..fed];
            let again = inflater.decompress(input, &mut room[..most], FlushDecompress::Sync);
            pos = self.start + inflater.total_in() as usize;
            if again.is_err() || (pos, inflater.total_out()) == before {
                break;
            }
        }
        let mut data = Vec::new();
        while pos < content.len() {
            let before = inflater.total_out();
            let byte = &content[pos..=pos];
            if inflater.decompress(byte, room, FlushDecompress::Sync).is_err() {
                break;
            }
            data.extend_from_slice(&room[..(inflater.total_out() - before) as usize]);
            pos += 1;
        }
        (data, pos)
    }
}

/// Expands gzip members.
pub struct Gzip<'a> {
    content: Cow<'a, [u8]>,
    pos: usize,
    member: Option<Stream>,
    piece: Piece,
}

impl<'a> Gzip<'a> {
    /// Begins with the first member's header.
    pub fn new(content: Cow<'a, [u8]>) -> Self {
        Gzip { content, pos: 0, member: None, piece: Piece::new() }
    }
}

impl<'a> Iterator for Gzip<'a> {
    type Item = Result<Chunk<'a>, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(member) = &mut self.member {
                if let Some(chunk) = member.next(&self.content, &mut self.piece) {
                    return Some(chunk);
                }
                self.pos = member.pos;
                self.member = None;
            }
            let rest = &self.content[self.pos..];
            if !rest.starts_with(GZIP_MAGIC) {
                // Zeros are padding that gzip's own tools accept.
                let reason = "bytes behind the end of the gzip data";
                let padded = rest.iter().all(|&byte| byte == 0);
                return (!padded).then(|| Err(ArchiveError::new(reason, self.pos)));
            }
            self.member = Some(Stream::new(Wrapping::Gzip, self.pos, self.content.len()));
        }
    }
}
