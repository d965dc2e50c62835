//! The three forms of an Ion value that the evaluator makes at once, for scalars.
//!
//! - what Ion Hash 1.0 hashes of it (`message`),
//! - its JSON text: every null is `null`, numbers keep their digits, nan and infinities are `null`,
//!   timestamps are strings in Ion's text form, a blob is Base64, a clob the Latin-1 text of its
//!   bytes,
//! - its type sketch, one letter:
//!   `n` null · `b` bool · ints `i` (at most 2^53 away from zero), `j` (64 bits), `k` (20 digits),
//!   `l` (longer) · decimals `d` (exact with 20 digits before and 18 behind the point), `e` (not) ·
//!   `f` float · timestamps `t` (exact as microseconds), `u` (not) · `s` string · `x` blob ·
//!   `c` clob.
//!
//! Symbols need a symbol table and are the evaluator's, as are containers.

use std::io::Write;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;

use crate::error::Error;
use crate::ion::canonical::{BEGIN, END, push_escaped, push_message, push_signed, varint};
use crate::ion::copies::push_part;
use crate::ion::scalars::{
    Magnitude, push_decimal, push_float, read_decimal, read_float, read_int,
};
use crate::ion::scan::{has_json_escape, is_plain, text};
use crate::ion::symbols::Place;
use crate::ion::timestamps::{read_timestamp, read_utc};

const SAFE_INT: u128 = 1 << 53;
const LONG_END: u128 = 1 << 63;
const DECIMAL_END: u128 = 10_u128.pow(20);
const DECIMAL_SCALE: i128 = 18;
const DECIMAL_POINT: i128 = 20;
const NAN: [u8; 8] = [0x7F, 0xF8, 0, 0, 0, 0, 0, 0];
const HEX: &[u8; 16] = b"0123456789abcdef";

/// The forms of a value, each appended to what is there.
#[derive(Default)]
pub struct Forms {
    /// What is hashed.
    pub message: Vec<u8>,
    /// JSON text.
    pub json: Vec<u8>,
    /// Type sketch.
    pub sketch: Vec<u8>,
}

impl Forms {
    /// Forgets all values.
    pub fn clear(&mut self) {
        self.message.clear();
        self.json.clear();
        self.sketch.clear();
    }

    /// Gives the JSON text.
    pub fn json_text(&self) -> Result<&str, Error> {
        appended_text(&self.json)
    }

    /// Gives the type sketch as text.
    pub fn sketch_text(&self) -> Result<&str, Error> {
        appended_text(&self.sketch)
    }

    /// Appends a null of a type. Null ints are hashed as type 2 whatever their sign.
    pub fn push_null(&mut self, kind: u8) {
        let kind = if kind == 3 { 2 } else { kind };
        self.message.extend_from_slice(&[BEGIN, kind << 4 | 15, END]);
        self.json.extend_from_slice(b"null");
        self.sketch.push(b'n');
    }

    /// Appends a scalar that is no null and no symbol.
    ///
    /// Refuses what its type does not allow, and NOP pads.
    pub fn push_scalar(&mut self, buf: &[u8], place: Place) -> Result<(), Error> {
        let Place { pos, body, end } = place;
        let descriptor = buf[pos];
        match descriptor >> 4 {
            1 => self.push_bool(descriptor & 1 == 1),
            2 | 3 => self.push_int(descriptor, read_int(buf, descriptor, body, end)?),
            4 => self.push_float(read_float(&buf[body..end])),
            5 => self.push_decimal(buf, body, end)?,
            6 => self.push_timestamp(buf, body, end)?,
            8 => self.push_string(buf, body, end)?,
            9 => self.push_clob(&buf[body..end]),
            10 => self.push_blob(&buf[body..end]),
            _ => return Err(Error::ion("NOP pad in the place of a value", pos)),
        }
        Ok(())
    }

    fn push_bool(&mut self, value: bool) {
        self.message.extend_from_slice(&[BEGIN, 0x10 | u8::from(value), END]);
        self.json.extend_from_slice(if value { b"true" } else { b"false" });
        self.sketch.push(b'b');
    }

    fn push_int(&mut self, descriptor: u8, magnitude: Magnitude<'_>) {
        push_int_message(&mut self.message, descriptor, magnitude);
        let negative = descriptor >= 0x30;
        if negative {
            self.json.push(b'-');
        }
        self.json.extend_from_slice(magnitude.digits().as_str().as_bytes());
        self.sketch.push(match magnitude.to_u128() {
            Some(number) if number <= SAFE_INT => b'i',
            Some(number) if number < LONG_END || (negative && number == LONG_END) => b'j',
            Some(number) if number < DECIMAL_END => b'k',
            _ => b'l',
        });
    }

    fn push_float(&mut self, number: f64) {
        if number.to_bits() == 0 {
            push_message(&mut self.message, 0x40, &[]);
        } else if number.is_nan() {
            push_message(&mut self.message, 0x40, &NAN);
        } else {
            push_message(&mut self.message, 0x40, &number.to_be_bytes());
        }
        if number.is_finite() {
            push_float(&mut self.json, number);
        } else {
            self.json.extend_from_slice(b"null");
        }
        self.sketch.push(b'f');
    }

    fn push_decimal(&mut self, buf: &[u8], start: usize, end: usize) -> Result<(), Error> {
        let decimal = read_decimal(buf, start, end)?;
        let (coefficient, exponent) = (decimal.coefficient, decimal.exponent);
        let has_coefficient = !coefficient.is_zero() || decimal.negative;
        self.message.extend_from_slice(&[BEGIN, 0x50]);
        if has_coefficient || exponent != 0 {
            let exponent = varint(exponent.unsigned_abs(), exponent < 0);
            push_escaped(&mut self.message, exponent.as_slice());
        }
        if has_coefficient {
            push_signed(&mut self.message, coefficient, decimal.negative);
        }
        self.message.push(END);
        let figures = coefficient.digits();
        push_decimal(&mut self.json, figures.as_str(), decimal.negative, exponent);
        self.sketch.push(if is_exact(figures.as_str(), exponent) { b'd' } else { b'e' });
        Ok(())
    }

    fn push_timestamp(&mut self, buf: &[u8], start: usize, end: usize) -> Result<(), Error> {
        if let Some(stamp) = read_utc(&buf[start..end]) {
            push_message(&mut self.message, 0x60, &buf[start..end]);
            self.json.push(b'"');
            self.json.extend_from_slice(stamp.text().as_bytes());
            self.json.push(b'"');
            self.sketch.push(b't');
            return Ok(());
        }
        let stamp = read_timestamp(buf, start, end)?;
        stamp.push_message(&mut self.message);
        self.json.push(b'"');
        let mut text = String::new();
        stamp.push_text(&mut text);
        self.json.extend_from_slice(text.as_bytes());
        self.json.push(b'"');
        self.sketch.push(if stamp.micros().is_some() { b't' } else { b'u' });
        Ok(())
    }

    fn push_string(&mut self, buf: &[u8], start: usize, end: usize) -> Result<(), Error> {
        if is_plain(&buf[start..end]) {
            self.message.extend_from_slice(&[BEGIN, 0x80]);
            push_part(&mut self.message, buf, start, end);
            self.message.push(END);
            self.json.push(b'"');
            push_part(&mut self.json, buf, start, end);
            self.json.push(b'"');
        } else {
            let text = read_text(buf, start, end)?;
            push_message(&mut self.message, 0x80, text.as_bytes());
            push_json_string(&mut self.json, text);
        }
        self.sketch.push(b's');
        Ok(())
    }

    fn push_clob(&mut self, raw: &[u8]) {
        push_message(&mut self.message, 0x90, raw);
        let text: String = raw.iter().copied().map(char::from).collect();
        push_json_string(&mut self.json, &text);
        self.sketch.push(b'c');
    }

    fn push_blob(&mut self, raw: &[u8]) {
        push_message(&mut self.message, 0xA0, raw);
        self.json.push(b'"');
        let _ = write!(self.json, "{}", Base64Display::new(raw, &STANDARD));
        self.json.push(b'"');
        self.sketch.push(b'x');
    }
}

/// Bytes as text, to which only texts were appended.
fn appended_text(bytes: &[u8]) -> Result<&str, Error> {
    text(bytes).map_err(|_| Error::ion("form that is not UTF-8", 0))
}

/// Appends what is hashed of an int that is no null.
pub fn push_int_message(out: &mut Vec<u8>, descriptor: u8, magnitude: Magnitude<'_>) {
    out.extend_from_slice(&[BEGIN, descriptor & 0xF0]);
    if !magnitude.is_zero() {
        push_escaped(out, &[magnitude.head()]);
        push_escaped(out, magnitude.tail());
    }
    out.push(END);
}

/// Whether a decimal with these digits is exact with 20 digits before and 18 behind the point.
fn is_exact(figures: &str, exponent: i128) -> bool {
    let significant = figures.trim_end_matches('0');
    let point = figures.len() as i128 + exponent;
    significant.is_empty()
        || (point <= DECIMAL_POINT && significant.len() as i128 - point <= DECIMAL_SCALE)
}

/// Reads the body of a string, or a symbol's text in a symbol table; refuses what is not UTF-8.
#[inline]
pub fn read_text(buf: &[u8], start: usize, end: usize) -> Result<&str, Error> {
    text(&buf[start..end])
        .map_err(|error| Error::ion("text is not UTF-8", start + error.valid_up_to()))
}

/// Appends a JSON string: of all characters only quotes, backslashes and controls are escaped.
#[inline]
pub fn push_json_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    if has_json_escape(text.as_bytes()) {
        text.chars().for_each(|char| push_json_char(out, char));
    } else {
        out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
}

fn push_json_char(out: &mut Vec<u8>, char: char) {
    match char {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\x08' => out.extend_from_slice(b"\\b"),
        '\x0C' => out.extend_from_slice(b"\\f"),
        '\0'..='\x1F' => {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[char as usize >> 4]);
            out.push(HEX[char as usize & 15]);
        }
        _ => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}
