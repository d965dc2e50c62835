//! Questions about all bytes of a slice, answered for eight bytes at a time.

use std::str::Utf8Error;

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = LOW << 7;
const SPACES: u64 = 0x20 * LOW;
/// Odd, with bits in no order.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
/// Bytes of a word.
const WORD: usize = 8;

/// Tells whether bytes are ASCII text that no JSON string and no hash message has to escape.
#[inline]
pub fn is_plain(bytes: &[u8]) -> bool {
    // Markers are control characters.
    !any(bytes, |word| word | below_space(word) | equal(word, b'"') | equal(word, b'\\'))
}

/// Takes bytes as text if they are all ASCII.
///
/// Texts in records are short, for which the standard library's check of UTF-8 takes some four times
/// as long: 3 % of what decoding takes.
#[inline]
fn ascii(bytes: &[u8]) -> Option<&str> {
    // SAFETY: ASCII is UTF-8.
    (!any(bytes, |word| word)).then(|| unsafe { str::from_utf8_unchecked(bytes) })
}

/// Tells whether a JSON string has to escape any byte of a text.
#[inline]
pub fn has_json_escape(bytes: &[u8]) -> bool {
    any(bytes, |word| below_space(word) | equal(word, b'"') | equal(word, b'\\'))
}

/// Tells whether one of three bytes occurs, none of which is the space.
#[inline]
pub fn has_any_of(bytes: &[u8], [a, b, c]: [u8; 3]) -> bool {
    any(bytes, |word| equal(word, a) | equal(word, b) | equal(word, c))
}

/// Sets the highest bit of some byte if a byte is below the space, which it never is for spaces.
#[inline]
fn below_space(word: u64) -> u64 {
    word.wrapping_sub(SPACES) & !word
}

/// Sets the highest bit of some byte if a byte is the one looked for.
#[inline]
fn equal(word: u64, byte: u8) -> u64 {
    let zero_if_equal = word ^ (u64::from(byte) * LOW);
    zero_if_equal.wrapping_sub(LOW) & !zero_if_equal
}

/// Asks about all bytes: `found` sets the highest bit of any byte of a word for yes, of none for no.
///
/// Words may be padded with spaces, and have bytes twice.
#[inline]
fn any(bytes: &[u8], found: impl Fn(u64) -> u64) -> bool {
    let (words, rest) = bytes.as_chunks::<WORD>();
    let all = words.iter().fold(0, |all, word| all | found(u64::from_le_bytes(*word)));
    let last = match bytes.last_chunk::<WORD>() {
        Some(_) if rest.is_empty() => SPACES,
        Some(word) => u64::from_le_bytes(*word),
        None => rest.iter().fold(SPACES, |word, &byte| word << 8 | u64::from(byte)),
    };
    (all | found(last)) & HIGH != 0
}

/// Takes bytes as text; fails where they are not UTF-8.
#[inline]
pub fn text(bytes: &[u8]) -> Result<&str, Utf8Error> {
    ascii(bytes).map_or_else(|| str::from_utf8(bytes), Ok)
}

/// Mixes bytes as [`mix`] does words, in lanes that do not wait for one another.
#[inline]
pub fn mix_bytes(bytes: &[u8]) -> u64 {
    const LANES: usize = 4;
    let (words, rest) = bytes.as_chunks();
    let (groups, others) = words.as_chunks::<LANES>();
    let mut lanes = [FACTOR; LANES];
    for group in groups {
        for (lane, word) in lanes.iter_mut().zip(group) {
            *lane = mixed(*lane, u64::from_le_bytes(*word));
        }
    }
    let last = rest.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
    let others = others.iter().map(|word| u64::from_le_bytes(*word));
    mix(lanes.into_iter().chain(others).chain([last, bytes.len() as u64]))
}

/// Mixes words to a number; of different ones the first bits differ as a rule, unless somebody takes
/// pains that they do not.
#[inline]
pub fn mix(words: impl Iterator<Item = u64>) -> u64 {
    words.fold(FACTOR, mixed).wrapping_mul(FACTOR)
}

#[inline]
fn mixed(before: u64, word: u64) -> u64 {
    (before ^ word).wrapping_mul(FACTOR).rotate_left(29)
}

/// The place that a mixed number leads to, of so many, a power of two.
#[inline]
pub fn place(mixed: u64, places: usize) -> usize {
    (mixed >> (u64::BITS - places.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use super::{has_any_of, has_json_escape, is_plain};

    #[test]
    fn every_byte_counts_wherever_it_stands() {
        for length in 0..40 {
            for at in 0..length {
                for byte in 0..=255 {
                    let mut bytes = vec![b'~'; length];
                    bytes[at] = byte;
                    let escaped = byte < 0x20 || byte == b'"' || byte == b'\\';
                    assert_eq!(has_json_escape(&bytes), escaped);
                    assert_eq!(is_plain(&bytes), !escaped && byte < 0x80);
                    let marker = matches!(byte, 0x0B | 0x0C | 0x0E);
                    assert_eq!(has_any_of(&bytes, [0x0B, 0x0C, 0x0E]), marker);
                }
            }
        }
    }
}
