//! Values of Ion numbers from the bytes of their bodies, and their decimal digits.
//!
//! A number longer than [`LONGEST_NUMBER`] bytes is refused: QLDB's documents end at 128 KB, and
//! turning binary into decimal digits costs more than linear time.

use std::io::Write;

use dashu_int::UBig;

use crate::error::Error;
use crate::ion::framing::read_varint;

/// Longest number, in bytes.
pub const LONGEST_NUMBER: usize = 256 * 1024;

/// Digits of the largest number of 64 bits.
const MOST_FEW: usize = 20;

/// Fewest digits of two numbers half way between which a double lies that both stand for.
const FEWEST_TIED_DIGITS: usize = 16;

/// A number from zero of any length, big-endian, without leading zeros.
#[derive(Debug, Clone, Copy)]
pub struct Magnitude<'a> {
    head: u8,
    tail: &'a [u8],
}

impl<'a> Magnitude<'a> {
    /// Zero.
    pub const ZERO: Magnitude<'static> = Magnitude { head: 0, tail: &[] };

    /// Takes the bytes of a number.
    pub fn new(raw: &'a [u8]) -> Self {
        match raw.iter().position(|&byte| byte != 0) {
            Some(first) => Magnitude { head: raw[first], tail: &raw[first + 1..] },
            None => Magnitude::ZERO,
        }
    }

    /// Takes the bytes of a number of which the first bit is the sign; says whether that is set.
    fn signed(raw: &'a [u8]) -> (Self, bool) {
        match raw.split_first() {
            None => (Magnitude::ZERO, false),
            Some((&first, tail)) if first & 0x7F != 0 => {
                (Magnitude { head: first & 0x7F, tail }, first >= 0x80)
            }
            Some((&first, tail)) => (Magnitude::new(tail), first >= 0x80),
        }
    }

    /// The first byte, zero only of the number zero.
    pub fn head(&self) -> u8 {
        self.head
    }

    /// The bytes behind the first one.
    pub fn tail(&self) -> &'a [u8] {
        self.tail
    }

    /// Whether the number is zero.
    pub fn is_zero(&self) -> bool {
        self.head == 0
    }

    /// How many bits the number has, none if it is zero.
    pub fn bits(&self) -> usize {
        8 * self.tail.len() + (u8::BITS - self.head.leading_zeros()) as usize
    }

    /// The number, None if it is beyond 128 bits.
    pub fn to_u128(&self) -> Option<u128> {
        if self.tail.len() >= size_of::<u128>() {
            return None;
        }
        let head = u128::from(self.head);
        Some(self.tail.iter().fold(head, |number, &byte| number << 8 | u128::from(byte)))
    }

    /// The number, None if it is beyond 64 bits.
    #[inline]
    pub fn to_u64(&self) -> Option<u64> {
        if self.tail.len() >= size_of::<u64>() {
            return None;
        }
        let head = u64::from(self.head);
        Some(self.tail.iter().fold(head, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// Gives the number's decimal digits.
    #[inline]
    pub fn digits(&self) -> Digits {
        match self.to_u64() {
            Some(number) => Digits::few(number),
            None => Digits::Many(self.many_digits()),
        }
    }

    fn many_digits(&self) -> String {
        match self.to_u128() {
            Some(number) => number.to_string(),
            None => {
                let raw: Vec<u8> = std::iter::once(self.head).chain(self.tail.to_vec()).collect();
                UBig::from_be_bytes(&raw).to_string()
            }
        }
    }
}

/// Decimal digits of a number.
pub enum Digits {
    /// Those of a number of 64 bits, and where they begin.
    Few([u8; MOST_FEW], usize),
    /// Those of another one.
    Many(String),
}

impl Digits {
    #[inline]
    fn few(mut number: u64) -> Self {
        let mut digits = [b'0'; MOST_FEW];
        let mut start = MOST_FEW;
        while start == MOST_FEW || number > 0 {
            start -= 1;
            digits[start] = b'0' + (number % 10) as u8;
            number /= 10;
        }
        Digits::Few(digits, start)
    }

    /// The digits as text.
    #[inline]
    pub fn as_str(&self) -> &str {
        match self {
            // Digits are UTF-8.
            Digits::Few(digits, start) => str::from_utf8(&digits[*start..]).unwrap_or_default(),
            Digits::Many(digits) => digits,
        }
    }
}

/// Reads the body of an int by its type descriptor, of type 2 (positive) or 3 (negative).
///
/// Refuses negative zero, which an int cannot be, and a number too long.
pub fn read_int(
    buf: &[u8],
    descriptor: u8,
    start: usize,
    end: usize,
) -> Result<Magnitude<'_>, Error> {
    if end - start > LONGEST_NUMBER {
        let reason = format!("int of {} bytes is beyond the limit", end - start);
        return Err(Error::ion(reason, start));
    }
    let magnitude = Magnitude::new(&buf[start..end]);
    if descriptor >= 0x30 && magnitude.is_zero() {
        return Err(Error::ion("int is negative zero", start));
    }
    Ok(magnitude)
}

/// A decimal as binary Ion has it.
#[derive(Debug, Clone, Copy)]
pub struct Decimal<'a> {
    /// The coefficient without its sign.
    pub coefficient: Magnitude<'a>,
    /// Whether the coefficient is negative, which zero can be, too.
    pub negative: bool,
    /// Power of ten, of at most 70 bits.
    pub exponent: i128,
}

/// Reads the body of a decimal, or the fraction of a timestamp: an exponent, a coefficient.
///
/// Refuses an exponent that does not end, and a coefficient too long.
pub fn read_decimal(buf: &[u8], start: usize, end: usize) -> Result<Decimal<'_>, Error> {
    if start == end {
        return Ok(Decimal { coefficient: Magnitude::ZERO, negative: false, exponent: 0 });
    }
    let (exponent, below, pos) = read_varint(buf, start, end)?;
    let exponent = if below { -(exponent as i128) } else { exponent as i128 };
    if end - pos > LONGEST_NUMBER {
        let reason = format!("coefficient of {} bytes is beyond the limit", end - pos);
        return Err(Error::ion(reason, pos));
    }
    let (coefficient, negative) = Magnitude::signed(&buf[pos..end]);
    Ok(Decimal { coefficient, negative, exponent })
}

/// Reads the body of a float: nothing (zero), four or eight bytes of IEEE 754, big-endian.
pub fn read_float(body: &[u8]) -> f64 {
    if let Ok(raw) = body.try_into() {
        f64::from_be_bytes(raw)
    } else if let Ok(raw) = body.try_into() {
        f64::from(f32::from_be_bytes(raw))
    } else {
        0.0
    }
}

/// Appends a decimal as a JSON number that keeps every digit and the exponent's meaning.
///
/// These are plain digits, or scientific notation where the exponent is positive or would need
/// more than six zeros behind the point. A minus sign stands before a negative zero, too.
pub fn push_decimal(out: &mut Vec<u8>, coefficient: &str, negative: bool, exponent: i128) {
    if negative {
        out.push(b'-');
    }
    let point = coefficient.len() as i128 + exponent;
    if exponent == 0 {
        out.extend_from_slice(coefficient.as_bytes());
    } else if exponent < 0 && point > 0 {
        let (whole, fraction) = coefficient.split_at(point as usize);
        out.extend_from_slice(whole.as_bytes());
        out.push(b'.');
        out.extend_from_slice(fraction.as_bytes());
    } else if exponent < 0 && point > -6 {
        out.extend_from_slice(b"0.");
        (point..0).for_each(|_| out.push(b'0'));
        out.extend_from_slice(coefficient.as_bytes());
    } else {
        let (first, rest) = coefficient.split_at(1);
        out.extend_from_slice(first.as_bytes());
        if !rest.is_empty() {
            out.push(b'.');
            out.extend_from_slice(rest.as_bytes());
        }
        let _ = write!(out, "e{}", point - 1);
    }
}

/// Appends a finite float as Python writes it: the fewest digits that give the same number again,
/// in scientific notation below 0.0001 and from 10^16 on.
pub fn push_float(out: &mut Vec<u8>, number: f64) {
    let shortest = shortest_digits(number);
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "{mantissa}e{sign}{:02}", exponent.unsigned_abs());
        return;
    }
    let digits = mantissa.replace(['-', '.'], "");
    let lacking = exponent as i128 + 1 - digits.len() as i128;
    push_decimal(out, &digits, number.is_sign_negative(), lacking.min(0));
    if lacking >= 0 {
        (0..lacking).for_each(|_| out.push(b'0'));
        out.extend_from_slice(b".0");
    }
}

/// The fewest digits that give the same finite number again, in scientific notation. Of two that
/// are as close Python takes the even one, which rounding to so many digits gives.
fn shortest_digits(number: f64) -> String {
    let shortest = format!("{number:e}");
    let mantissa = shortest.bytes().take_while(|&byte| byte != b'e');
    let digits = mantissa.filter(u8::is_ascii_digit).count();
    if digits < FEWEST_TIED_DIGITS || !may_be_tied(number) {
        return shortest;
    }
    let rounded = format!("{number:.*e}", digits - 1);
    if rounded.parse() == Ok(number) { rounded } else { shortest }
}

/// Whether a finite number may lie half way between two that have as few digits as any that stand
/// for it, which are 17 at most, and so has 18 itself.
///
/// With `n` binary places, of which the last is set, it is an odd multiple of 5^n in decimal places,
/// whose digits are all significant.
fn may_be_tied(number: f64) -> bool {
    const STORED: i64 = f64::MANTISSA_DIGITS as i64 - 1;
    const MOST_PLACES: i64 = 25;
    let bits = number.to_bits();
    let exponent = (bits >> STORED & 0x7FF) as i64 - i64::from(f64::MAX_EXP - 1);
    let unset = i64::from(bits.trailing_zeros()).min(STORED);
    STORED - unset - exponent <= MOST_PLACES
}
