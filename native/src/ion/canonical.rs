//! Shortest encodings of Ion's basic fields, and the escaping around them, as Ion Hash 1.0 demands.
//!
//! What is hashed of a scalar is its type byte and its representation between a begin and an end
//! marker; of a container the same around what its children give. Representations have no padding,
//! so that values that are equal hash equal however they were written.

use crate::ion::scalars::Magnitude;
use crate::ion::scan::has_any_of;

/// Opens what is hashed of a value.
pub const BEGIN: u8 = 0x0B;
/// Closes what is hashed of a value.
pub const END: u8 = 0x0E;

const ESCAPE: u8 = 0x0C;
const LONGEST: usize = 19;
/// Bytes of a digest, of which most of what is escaped consists.
const CHUNK: usize = 32;

/// Appends bytes with an escape byte before each marker or escape byte.
#[inline]
pub fn push_escaped(out: &mut Vec<u8>, representation: &[u8]) {
    let (chunks, rest) = representation.as_chunks();
    chunks.iter().for_each(|chunk| push_chunk_escaped(out, chunk));
    if !rest.is_empty() {
        let start = out.len();
        out.extend_from_slice(rest);
        if has_any_of(rest, [BEGIN, ESCAPE, END]) {
            let mut padded = [0; CHUNK];
            padded[..rest.len()].copy_from_slice(rest);
            put_escapes(out, start, specials(&padded));
        }
    }
}

#[inline]
fn push_chunk_escaped(out: &mut Vec<u8>, chunk: &[u8; CHUNK]) {
    let start = out.len();
    out.extend_from_slice(chunk);
    put_escapes(out, start, specials(chunk));
}

/// Puts an escape byte before each byte, from an offset on, of which the bit is set.
#[inline]
fn put_escapes(out: &mut Vec<u8>, start: usize, mut bits: u32) {
    while bits != 0 {
        let last = bits.ilog2();
        bits ^= 1 << last;
        out.insert(start + last as usize, ESCAPE);
    }
}

/// Sets the bit of each byte that is a marker or the escape byte.
#[inline]
fn specials(chunk: &[u8; CHUNK]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: all processors of this architecture have these instructions.
    return unsafe { sse2::specials(chunk) };
    #[cfg(not(target_arch = "x86_64"))]
    portable::specials(chunk)
}

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
    };

    use super::{BEGIN, CHUNK, END, ESCAPE};

    #[target_feature(enable = "sse2")]
    #[inline]
    pub fn specials(chunk: &[u8; CHUNK]) -> u32 {
        let words = chunk.as_chunks().0;
        let [a, b, c, d] = [0, 1, 2, 3].map(|at| i64::from_le_bytes(words[at]));
        half(a, b) | half(c, d) << 16
    }

    #[target_feature(enable = "sse2")]
    #[inline]
    fn half(low: i64, high: i64) -> u32 {
        let bytes = _mm_set_epi64x(high, low);
        let [begin, escape, end] =
            [BEGIN, ESCAPE, END].map(|byte| _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte as i8)));
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(begin, escape), end)) as u32
    }
}

#[cfg(any(test, not(target_arch = "x86_64")))]
mod portable {
    use super::{BEGIN, CHUNK, END, ESCAPE};

    /// Without branches this is a few vector instructions, and one multiplication for each word.
    #[inline]
    pub fn specials(chunk: &[u8; CHUNK]) -> u32 {
        // Moves the lowest bit of each byte to the highest byte, the first one's lowest.
        const GATHER: u64 = 0x0102_0408_1020_4080;
        let found = chunk.map(|byte| u8::from((byte == BEGIN) | (byte == ESCAPE) | (byte == END)));
        let words = found.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
        words.rev().fold(0, |bits, word| bits << 8 | (word.wrapping_mul(GATHER) >> 56) as u32)
    }
}

/// Appends what is hashed of a scalar, from its type byte and its representation.
#[inline]
pub fn push_message(out: &mut Vec<u8>, type_byte: u8, representation: &[u8]) {
    out.extend_from_slice(&[BEGIN, type_byte]);
    push_escaped(out, representation);
    out.push(END);
}

/// An encoded number of at most 128 bits.
pub struct Encoded {
    bytes: [u8; LONGEST],
    start: usize,
}

impl Encoded {
    /// The encoding's bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    fn new(number: u128, least: usize) -> Self {
        let mut bytes = [0; LONGEST];
        let mut start = LONGEST - 1;
        let mut rest = number;
        bytes[start] = (rest & 0x7F) as u8 | 0x80;
        rest >>= 7;
        while rest > 0 {
            start -= 1;
            bytes[start] = (rest & 0x7F) as u8;
            rest >>= 7;
        }
        Encoded { bytes, start: start.min(LONGEST - least) }
    }
}

/// Encodes a VarUInt in as few bytes as it needs.
pub fn varuint(number: u128) -> Encoded {
    Encoded::new(number, 1)
}

/// Appends a VarUInt in as few bytes as it needs.
#[inline]
pub fn push_varuint(out: &mut Vec<u8>, number: usize) {
    if number < 0x80 {
        out.push(number as u8 | 0x80);
    } else {
        out.extend_from_slice(varuint(number as u128).as_slice());
    }
}

/// Encodes a VarInt of at most 80 bits in as few bytes as it needs; zero is never negative.
pub fn varint(magnitude: u128, negative: bool) -> Encoded {
    let size = (u128::BITS - magnitude.leading_zeros()) as usize / 7 + 1;
    let sign = if negative && magnitude != 0 { 1 << (7 * size - 1) } else { 0 };
    Encoded::new(magnitude | sign, size)
}

/// Appends an escaped Int, a sign and a magnitude, in as few bytes as it needs, at least one.
pub fn push_signed(out: &mut Vec<u8>, magnitude: Magnitude<'_>, negative: bool) {
    let sign = if negative { 0x80 } else { 0 };
    if magnitude.head() < 0x80 {
        push_escaped(out, &[magnitude.head() | sign]);
    } else {
        push_escaped(out, &[sign, magnitude.head()]);
    }
    push_escaped(out, magnitude.tail());
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, CHUNK, END, ESCAPE, portable, specials};

    #[test]
    fn every_special_byte_is_found_wherever_it_stands() {
        for at in 0..CHUNK {
            for byte in 0..=255 {
                let mut chunk = [END; CHUNK];
                chunk[at] = byte;
                let special = [BEGIN, ESCAPE, END].contains(&byte);
                let expected = if special { u32::MAX } else { !(1 << at) };
                assert_eq!(specials(&chunk), expected);
                assert_eq!(portable::specials(&chunk), expected);
            }
        }
    }
}
