//! Where binary Ion values end, told from their length headers alone.

use crate::error::Error;

/// Binary version marker: every Ion 1.0 stream, and so every journal record, begins with it.
pub const IVM: [u8; 4] = [0xE0, 0x01, 0x00, 0xEA];

/// Stands for "a VarUInt follows with the length" in [`BODY_LENGTHS`].
pub const VARUINT_LENGTH: i8 = -2;

const LONGEST_VARUINT: usize = 10;
const INVALID: i8 = -1;
const ORDERED: i8 = -3;

const fn fixed_lengths() -> [i8; 256] {
    let mut lengths = [0i8; 256];
    let mut descriptor = 0;
    while descriptor < 256 {
        let (kind, low) = (descriptor >> 4, descriptor & 15);
        lengths[descriptor] = if kind == 1 {
            if matches!(low, 0 | 1 | 15) { 0 } else { INVALID }
        } else if descriptor == 0xD1 {
            ORDERED
        } else if (kind == 4 && !matches!(low, 0 | 4 | 8 | 15))
            || (kind == 14 && matches!(low, 0 | 1 | 2 | 15))
            || kind == 15
            || matches!(descriptor, 0x30 | 0x60 | 0x61)
        {
            INVALID
        } else if low < 14 {
            low as i8
        } else if low == 14 {
            VARUINT_LENGTH
        } else {
            0
        };
        descriptor += 1;
    }
    lengths
}

/// Length of the body by type descriptor; negative where it is not in the descriptor.
pub const BODY_LENGTHS: [i8; 256] = fixed_lengths();

/// Reads a VarUInt of at most ten bytes; gives the number and the offset behind it.
#[inline(always)]
pub fn read_varuint(buf: &[u8], pos: usize, end: usize) -> Result<(u128, usize), Error> {
    // One byte is what nearly all have.
    match buf.get(pos) {
        Some(&byte) if byte >= 0x80 && pos < end => Ok((u128::from(byte - 0x80), pos + 1)),
        _ => read_long_varuint(buf, pos, end),
    }
}

#[cold]
fn read_long_varuint(buf: &[u8], pos: usize, end: usize) -> Result<(u128, usize), Error> {
    let start = pos;
    let mut pos = pos;
    let mut value: u128 = 0;
    while pos < end {
        let byte = buf[pos];
        pos += 1;
        if byte >= 0x80 {
            return Ok((value << 7 | u128::from(byte - 0x80), pos));
        }
        value = value << 7 | u128::from(byte);
        if pos - start == LONGEST_VARUINT {
            return Err(Error::ion("VarUInt too long", start));
        }
    }
    Err(Error::ion("VarUInt does not end", start))
}

/// Reads a VarInt; gives the magnitude, whether the sign is negative (which zero can have, too),
/// and the offset behind it.
pub fn read_varint(buf: &[u8], pos: usize, end: usize) -> Result<(u128, bool, usize), Error> {
    let (raw, stop) = read_varuint(buf, pos, end)?;
    let sign = 1u128 << (7 * (stop - pos) - 1);
    Ok((raw & (sign - 1), raw & sign != 0, stop))
}

/// Finds where the body of the value at `pos` begins and ends, from its header.
///
/// A version marker is not a value, and an error as any other invalid descriptor is.
#[inline(always)]
pub fn body_bounds(buf: &[u8], pos: usize, end: usize) -> Result<(usize, usize), Error> {
    if let Some([descriptor, next, ..]) = buf.get(pos..end) {
        let length = BODY_LENGTHS[usize::from(*descriptor)];
        let (body, length) = if length != VARUINT_LENGTH {
            // Of the negative ones all reach past the end.
            (pos + 1, length as usize)
        } else if *next >= 0x80 {
            (pos + 2, usize::from(next - 0x80))
        } else {
            match buf.get(pos + 2) {
                Some(&last) if last >= 0x80 => {
                    (pos + 3, usize::from(*next) << 7 | usize::from(last - 0x80))
                }
                _ => return find_bounds(buf, pos, end),
            }
        };
        if body <= end && length <= end - body {
            return Ok((body, body + length));
        }
    }
    find_bounds(buf, pos, end)
}

#[cold]
fn find_bounds(buf: &[u8], pos: usize, end: usize) -> Result<(usize, usize), Error> {
    if pos >= end {
        return Err(Error::ion("value expected, found the end", pos));
    }
    let fixed = BODY_LENGTHS[usize::from(buf[pos])];
    let mut start = pos + 1;
    let length = if fixed >= 0 {
        fixed as u128
    } else if fixed == INVALID {
        return Err(Error::ion(format!("invalid type descriptor 0x{:02x}", buf[pos]), pos));
    } else {
        let (length, behind) = read_varuint(buf, start, end)?;
        start = behind;
        if length == 0 && buf[pos] == 0xD1 {
            return Err(Error::ion("struct of ordered fields has none", pos));
        }
        length
    };
    if start as u128 + length > end as u128 {
        return Err(Error::ion(format!("value of {length} bytes reaches past the end"), pos));
    }
    Ok((start, start + length as usize))
}

/// Finds the end of the value, annotation wrapper or NOP pad that begins at `pos`.
#[inline]
pub fn value_end(buf: &[u8], pos: usize, end: usize) -> Result<usize, Error> {
    Ok(body_bounds(buf, pos, end)?.1)
}
