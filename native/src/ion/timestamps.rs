//! Ion timestamps: from their bodies to text, to microseconds and to the form that is hashed.
//!
//! A body holds an offset (VarInt minutes, negative zero for unknown) and the components year,
//! month, day, hour and minute, second, fraction, as many as the precision has, in UTC. Text is in
//! local time.

use crate::error::Error;
use crate::ion::canonical::{BEGIN, END, push_escaped, push_signed, varint, varuint};
use crate::ion::framing::{read_varint, read_varuint};
use crate::ion::scalars::{Magnitude, read_decimal};

const DAY: usize = 3;
const MINUTE: usize = 5;
const SECOND: usize = 6;

/// Digits; more would let a few bytes demand a text of any length.
const LONGEST_FRACTION: i128 = 400;
/// More bits than that many digits have.
const LONGEST_FRACTION_BITS: usize = 1_400;

const MINUTES_OF_DAY: i32 = 24 * 60;
const MICROS: i64 = 1_000_000;
const MICRO_DIGITS: usize = 6;
/// Length of a timestamp's text with microseconds, in UTC.
const LONGEST_UTC: usize = 27;
/// Where the fraction of a second begins in it.
const FRACTION_START: usize = 20;
const MONTH_DAYS: [u8; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// A timestamp as binary Ion has it: components in UTC, beside the local offset.
#[derive(Debug, Clone, Copy)]
pub struct Timestamp<'a> {
    /// Number of components present: 1 year, 2 month, 3 day, 5 minute, 6 second.
    precision: usize,
    /// From 0 to 10,000, which are in the years 1 to 9999 in local time.
    year: i32,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    /// Digits of the fraction of a second as an integer.
    fraction: Magnitude<'a>,
    /// Number of digits of the fraction, 0 for none.
    scale: usize,
    /// Minutes that local time is ahead of UTC; None if unknown, as it is for all timestamps
    /// coarser than minutes.
    offset: Option<i32>,
}

/// Year, month, day, hour and minute.
type Minute = (i32, u8, u8, u8, u8);

/// Reads the body of a timestamp. The offset of one coarser than minutes is dropped.
///
/// Refuses what is no valid date, time, offset or fraction, an hour without its minute, local time
/// outside the years 1 to 9999, and a fraction of more than 400 digits.
pub fn read_timestamp(buf: &[u8], start: usize, end: usize) -> Result<Timestamp<'_>, Error> {
    let (minutes, behind, mut pos) = read_varint(buf, start, end)?;
    let mut parts: [u128; SECOND] = [0, 1, 1, 0, 0, 0];
    let mut precision = 0;
    while pos < end && precision < SECOND {
        (parts[precision], pos) = read_varuint(buf, pos, end)?;
        precision += 1;
    }
    let (fraction, scale) =
        if pos < end { read_fraction(buf, pos, end)? } else { (Magnitude::ZERO, 0) };
    let [year, month, day, hour, minute, second] = parts;
    if matches!(precision, 0 | 4)
        || !(1..=12).contains(&month)
        || !(1..=u128::from(days_of_month(year, month as u8))).contains(&day)
        || hour > 23
        || minute > 59
        || second > 59
        || minutes >= MINUTES_OF_DAY as u128
    {
        return Err(Error::ion("timestamp is no valid date and time", start));
    }
    let minutes = if behind { -(minutes as i32) } else { minutes as i32 };
    let stamp = Timestamp {
        precision,
        year: year.min(10_001) as i32,
        month: month as u8,
        day: day as u8,
        hour: hour as u8,
        minute: minute as u8,
        second: second as u8,
        fraction,
        scale,
        offset: (precision >= MINUTE && !(behind && minutes == 0)).then_some(minutes),
    };
    if !(1..=9999).contains(&stamp.local().0) {
        return Err(Error::ion("timestamp outside the years 1 to 9999", start));
    }
    Ok(stamp)
}

/// The fraction's digits as an integer, and how many there are.
fn read_fraction(buf: &[u8], pos: usize, end: usize) -> Result<(Magnitude<'_>, usize), Error> {
    let decimal = read_decimal(buf, pos, end)?;
    let zero = decimal.coefficient.is_zero();
    if zero && decimal.exponent >= 0 {
        return Ok((Magnitude::ZERO, 0));
    }
    if decimal.exponent < -LONGEST_FRACTION {
        return Err(Error::ion("fraction of a second is too precise", pos));
    }
    if decimal.exponent >= 0
        || (decimal.negative && !zero)
        || has_more_digits(decimal.coefficient, decimal.exponent.unsigned_abs() as usize)
    {
        return Err(Error::ion("fraction of a second is not from 0 to below 1", pos));
    }
    Ok((decimal.coefficient, decimal.exponent.unsigned_abs() as usize))
}

fn has_more_digits(number: Magnitude<'_>, digits: usize) -> bool {
    if let (Some(number), Some(end)) = (number.to_u128(), 10_u128.checked_pow(digits as u32)) {
        return number >= end;
    }
    number.bits() > LONGEST_FRACTION_BITS || number.digits().as_str().len() > digits
}

fn days_of_month(year: u128, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    if month == 2 && leap { 29 } else { MONTH_DAYS[usize::from(month) - 1] }
}

impl Timestamp<'_> {
    /// Local time. An offset crosses one midnight at most.
    fn local(&self) -> Minute {
        let Timestamp { mut year, mut month, mut day, hour, minute, .. } = *self;
        let offset = self.offset.unwrap_or(0);
        let minutes = i32::from(hour) * 60 + i32::from(minute) + offset;
        if minutes < 0 {
            day -= 1;
            if day < 1 {
                (year, month) = if month > 1 { (year, month - 1) } else { (year - 1, 12) };
                day = days_of_month(year.max(0) as u128, month);
            }
        } else if minutes >= MINUTES_OF_DAY {
            day += 1;
            if day > days_of_month(year as u128, month) {
                (year, month) = if month < 12 { (year, month + 1) } else { (year + 1, 1) };
                day = 1;
            }
        }
        let minutes = minutes.rem_euclid(MINUTES_OF_DAY);
        (year, month, day, (minutes / 60) as u8, (minutes % 60) as u8)
    }

    /// Appends the timestamp in Ion's text form, with the precision and the offset that it has:
    /// for instance `2007T`, `2007-02T`, `2007-02-23`, `2007-02-23T12:14:33.079-08:00`, the offset
    /// `Z` for UTC and `-00:00` for unknown.
    pub fn push_text(&self, out: &mut String) {
        let (year, month, day, hour, minute) = self.local();
        push_two_digits(out, (year / 100) as u8);
        push_two_digits(out, (year % 100) as u8);
        for part in [month, day].into_iter().take(self.precision - 1) {
            out.push('-');
            push_two_digits(out, part);
        }
        if self.precision <= DAY {
            if self.precision < DAY {
                out.push('T');
            }
            return;
        }
        out.push('T');
        push_two_digits(out, hour);
        out.push(':');
        push_two_digits(out, minute);
        if self.precision == SECOND {
            out.push(':');
            push_two_digits(out, self.second);
            if self.scale > 0 {
                out.push('.');
                self.push_fraction(out);
            }
        }
        push_offset(out, self.offset);
    }

    fn push_fraction(&self, out: &mut String) {
        let digits = self.fraction.digits();
        let digits = digits.as_str();
        (digits.len()..self.scale).for_each(|_| out.push('0'));
        out.push_str(digits);
    }

    /// Microseconds since 1970-01-01T00:00Z, where they hold the timestamp exactly.
    ///
    /// None for a timestamp coarser than seconds, of unknown offset, with digits other than zero
    /// beyond the sixth of the fraction, or outside the years 1 to 9999 in UTC.
    pub fn micros(&self) -> Option<i64> {
        if self.precision < SECOND || self.offset.is_none() {
            return None;
        }
        let (instant, exact) = self.split_instant()?;
        exact.then_some(instant)
    }

    /// The microsecond in which the timestamp begins, since 1970-01-01T00:00Z, UTC where the offset
    /// is unknown. None outside the years 1 to 9999 in UTC.
    pub fn instant(&self) -> Option<i64> {
        Some(self.split_instant()?.0)
    }

    /// The instant, and whether it is exact.
    fn split_instant(&self) -> Option<(i64, bool)> {
        if !(1..=9999).contains(&self.year) {
            return None;
        }
        let days = days_since_1970(self.year.into(), self.month.into(), self.day.into());
        let seconds = ((days * 24 + i64::from(self.hour)) * 60 + i64::from(self.minute)) * 60
            + i64::from(self.second);
        let (micros, exact) = self.split_fraction();
        Some((seconds * MICROS + micros, exact))
    }

    /// Microseconds of the fraction, and whether no digit behind them is lost.
    fn split_fraction(&self) -> (i64, bool) {
        if self.scale <= MICRO_DIGITS {
            let fraction = self.fraction.to_u128().unwrap_or(0) as i64;
            return (fraction * 10_i64.pow((MICRO_DIGITS - self.scale) as u32), true);
        }
        let mut digits = String::new();
        self.push_fraction(&mut digits);
        let (micros, rest) = digits.split_at(MICRO_DIGITS);
        (micros.parse().unwrap_or(0), rest.bytes().all(|digit| digit == b'0'))
    }

    /// Appends what is hashed of the timestamp: its shortest body.
    ///
    /// Ion Hash 1.0: no padding, and no fraction where it is zero with an exponent of zero or more.
    /// An offset before a date counts as unknown, as in ion-java, which QLDB hashed with.
    pub fn push_message(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[BEGIN, 0x60]);
        match self.offset {
            None => out.push(0xC0),
            Some(offset) => {
                push_escaped(out, varint(offset.unsigned_abs().into(), offset < 0).as_slice());
            }
        }
        push_escaped(out, varuint(self.year as u128).as_slice());
        let parts = [self.month, self.day, self.hour, self.minute, self.second];
        // All of these are below 64, and so one byte, whose first bit is set as no marker's is.
        out.extend(parts.into_iter().take(self.precision - 1).map(|part| part | 0x80));
        if self.scale > 0 {
            push_escaped(out, varint(self.scale as u128, true).as_slice());
            if !self.fraction.is_zero() {
                push_signed(out, self.fraction, false);
            }
        }
        out.push(END);
    }
}

/// What nearly every timestamp in a journal is: one to the second or to at most six digits behind
/// it, in UTC, in its shortest form, so that its body is what is hashed.
pub struct Utc {
    /// Microseconds since 1970-01-01T00:00Z.
    pub micros: i64,
    text: [u8; LONGEST_UTC],
    length: usize,
}

impl Utc {
    /// The timestamp in Ion's text form.
    #[inline]
    pub fn text(&self) -> &str {
        // Digits and signs are UTF-8.
        str::from_utf8(&self.text[..self.length]).unwrap_or_default()
    }
}

/// Reads the body of a timestamp as [`read_timestamp`] does; None if it is not as [`Utc`] says.
#[inline]
pub fn read_utc(body: &[u8]) -> Option<Utc> {
    let &[0x80, century, year, month, day, hour, minute, second, ref fraction @ ..] = body else {
        return None;
    };
    if century >= 0x80 || [year, month, day, hour, minute, second].iter().any(|&part| part < 0x80) {
        return None;
    }
    let year = u32::from(century) << 7 | u32::from(year - 0x80);
    let [month, day, hour, minute, second] =
        [month, day, hour, minute, second].map(|part| part - 0x80);
    if !(1..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || !(1..=days_of_month(year.into(), month)).contains(&day)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    let (scale, fraction) = short_fraction(fraction)?;
    let days = days_since_1970(year.into(), month.into(), day.into());
    let seconds = ((days * 24 + i64::from(hour)) * 60 + i64::from(minute)) * 60 + i64::from(second);
    let power = 10_u32.pow((MICRO_DIGITS - scale) as u32);
    let micros = seconds * MICROS + i64::from(fraction * power);
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    let parts = [(year / 100) as u8, (year % 100) as u8, month, day, hour, minute, second];
    for (at, part) in [0, 2, 5, 8, 11, 14, 17].into_iter().zip(parts) {
        (text[at], text[at + 1]) = (b'0' + part / 10, b'0' + part % 10);
    }
    let mut rest = fraction;
    for at in (0..scale).rev() {
        text[FRACTION_START + at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let end = if scale == 0 { FRACTION_START - 1 } else { FRACTION_START + scale };
    text[end] = b'Z';
    Some(Utc { micros, text, length: end + 1 })
}

/// Number of digits of the fraction of a second, and the digits as an integer.
fn short_fraction(raw: &[u8]) -> Option<(usize, u32)> {
    let Some((&exponent, digits)) = raw.split_first() else { return Some((0, 0)) };
    let scale = usize::from(exponent.checked_sub(0xC0)?);
    let fraction = match *digits {
        [] => 0,
        [low @ 1..0x80] => u32::from(low),
        [high @ 1..0x80, low] => u32::from_be_bytes([0, 0, high, low]),
        [0, low @ 0x80..=0xFF] => u32::from(low),
        [high @ 1..0x80, middle, low] => u32::from_be_bytes([0, high, middle, low]),
        [0, middle @ 0x80..=0xFF, low] => u32::from_be_bytes([0, 0, middle, low]),
        _ => return None,
    };
    let fits = (1..=MICRO_DIGITS).contains(&scale) && fraction < 10_u32.pow(scale as u32);
    fits.then_some((scale, fraction))
}

fn push_two_digits(out: &mut String, number: u8) {
    out.push(char::from(b'0' + number / 10));
    out.push(char::from(b'0' + number % 10));
}

fn push_offset(out: &mut String, offset: Option<i32>) {
    match offset {
        Some(0) => out.push('Z'),
        None => out.push_str("-00:00"),
        Some(minutes) => {
            out.push(if minutes < 0 { '-' } else { '+' });
            push_two_digits(out, (minutes.abs() / 60) as u8);
            out.push(':');
            push_two_digits(out, (minutes.abs() % 60) as u8);
        }
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, in years that begin with March so
/// that the leap day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}
