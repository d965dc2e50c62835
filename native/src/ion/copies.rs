//! Appending a few bytes, as most texts, names and values of records are.
//!
//! To copy a number of bytes that is known beforehand is an instruction or two. To copy one that is
//! not known is a call and some branches that nobody can predict, which costs more than all else
//! about a short field. So more than enough is copied, and what is too much is dropped again.

/// Bytes that are copied at once.
pub const CHUNK: usize = 32;

/// Appends a stretch of a buffer.
#[inline(always)]
pub fn push_part(out: &mut Vec<u8>, buf: &[u8], start: usize, end: usize) {
    match buf[start..].first_chunk::<CHUNK>() {
        Some(chunk) if end - start <= CHUNK => push_first(out, chunk, end - start),
        _ => out.extend_from_slice(&buf[start..end]),
    }
}

/// Appends the first bytes of a chunk, so many.
#[inline(always)]
pub fn push_first(out: &mut Vec<u8>, chunk: &[u8; CHUNK], length: usize) {
    let end = out.len() + length;
    out.extend_from_slice(chunk);
    out.truncate(end);
}

/// Bytes that are appended time and again.
#[derive(Clone, Debug)]
pub enum Prepared {
    /// Few, with anything behind them, and their number.
    Short([u8; CHUNK], u8),
    /// Many.
    Long(Box<[u8]>),
}

impl Default for Prepared {
    fn default() -> Self {
        Prepared::Short([0; CHUNK], 0)
    }
}

impl Prepared {
    /// Prepares bytes.
    pub fn new(bytes: &[u8]) -> Self {
        if bytes.len() > CHUNK {
            return Prepared::Long(bytes.into());
        }
        let mut chunk = [0; CHUNK];
        chunk[..bytes.len()].copy_from_slice(bytes);
        Prepared::Short(chunk, bytes.len() as u8)
    }

    /// Appends the bytes.
    #[inline(always)]
    pub fn push_to(&self, out: &mut Vec<u8>) {
        match self {
            Prepared::Short(chunk, length) => push_first(out, chunk, usize::from(*length)),
            Prepared::Long(bytes) => out.extend_from_slice(bytes),
        }
    }

    /// Number of bytes.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Prepared::Short(_, length) => usize::from(*length),
            Prepared::Long(bytes) => bytes.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::{Prepared, push_part};

    #[test]
    fn as_many_bytes_are_appended_as_were_asked_for() {
        let all: Vec<u8> = (0..100).collect();
        for start in 0..all.len() {
            for end in start..=all.len() {
                let (mut part, mut prepared) = (vec![7], vec![7]);
                push_part(&mut part, &all, start, end);
                let bytes = Prepared::new(&all[start..end]);
                bytes.push_to(&mut prepared);
                assert_eq!((part[0], &part[1..]), (7, &all[start..end]));
                assert_eq!((prepared, bytes.len()), (part, end - start));
            }
        }
    }
}
