//! Where a JSON object of one line ends, as Python's json module sees it.
//!
//! That is JSON with `NaN`, `Infinity` and `-Infinity`, and integers of at most 4,300 digits.
//! Strings may hold any bytes from 0x20 on; what JSON gives meaning to is ASCII. A line break is
//! no space, because nothing behind it belongs to the line.

use std::borrow::Cow;
use std::ops::Range;

const LONGEST_INT: usize = 4300;

/// One member of an object: the places of its key, without the quotes, and of its value.
pub struct Member {
    /// Place of the key.
    pub key: Range<usize>,
    /// Place of the value.
    pub value: Range<usize>,
}

/// Finds the end of the object that `text` begins with, which nests at most `levels` deep.
///
/// Shows each of the object's own members to `visit`. None where there is no such object.
pub fn object_end(text: &[u8], levels: usize, visit: &mut dyn FnMut(Member)) -> Option<usize> {
    let mut scanner = Scanner { text, pos: 0 };
    scanner.expect(b'{')?;
    scanner.members(levels, visit)?;
    Some(scanner.pos)
}

/// Decodes what is between the quotes of a string; None if it has characters beyond ASCII.
pub fn ascii(string: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !string.is_ascii() {
        return None;
    }
    if !string.contains(&b'\\') {
        return Some(Cow::Borrowed(string));
    }
    let mut decoded = Vec::with_capacity(string.len());
    let mut rest = string.iter();
    while let Some(&byte) = rest.next() {
        decoded.push(if byte != b'\\' {
            byte
        } else {
            match rest.next()? {
                b'b' => 0x08,
                b'f' => 0x0C,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'u' => {
                    let (digits, behind) = rest.as_slice().split_first_chunk::<4>()?;
                    rest = behind.iter();
                    let code = u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
                    u8::try_from(code).ok().filter(u8::is_ascii)?
                }
                &escaped => escaped,
            }
        });
    }
    Some(Cow::Owned(decoded))
}

struct Scanner<'t> {
    text: &'t [u8],
    pos: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.pos).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.pos += 1)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r')) {
            self.pos += 1;
        }
    }

    fn value(&mut self, levels: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'{' => {
                self.pos += 1;
                self.members(levels, &mut |_| ())
            }
            b'[' => {
                self.pos += 1;
                self.elements(levels)
            }
            b'-' | b'0'..=b'9' => self.number(),
            _ => ["null", "true", "false", "NaN", "Infinity"].iter().find_map(|w| self.word(w)),
        }
    }

    /// Reads an object behind its brace.
    fn members(&mut self, levels: usize, visit: &mut dyn FnMut(Member)) -> Option<()> {
        let levels = levels.checked_sub(1)?;
        self.skip_space();
        if self.expect(b'}').is_some() {
            return Some(());
        }
        loop {
            let key = self.string()?;
            self.skip_space();
            self.expect(b':')?;
            self.skip_space();
            let start = self.pos;
            self.value(levels)?;
            visit(Member { key, value: start..self.pos });
            self.skip_space();
            if self.expect(b'}').is_some() {
                return Some(());
            }
            self.expect(b',')?;
            self.skip_space();
        }
    }

    /// Reads a list behind its bracket.
    fn elements(&mut self, levels: usize) -> Option<()> {
        let levels = levels.checked_sub(1)?;
        self.skip_space();
        if self.expect(b']').is_some() {
            return Some(());
        }
        loop {
            self.value(levels)?;
            self.skip_space();
            if self.expect(b']').is_some() {
                return Some(());
            }
            self.expect(b',')?;
            self.skip_space();
        }
    }

    /// Reads a string; gives the place of what is between its quotes.
    fn string(&mut self) -> Option<Range<usize>> {
        self.expect(b'"')?;
        let start = self.pos;
        loop {
            match self.peek()? {
                b'"' => {
                    self.pos += 1;
                    return Some(start..self.pos - 1);
                }
                b'\\' => self.escape()?,
                0..0x20 => return None,
                _ => self.pos += 1,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let behind = match self.text.get(self.pos + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.pos + 2,
            b'u' => self.pos + 6,
            _ => return None,
        };
        let digits = self.text.get(self.pos + 2..behind)?;
        digits.iter().all(u8::is_ascii_hexdigit).then(|| self.pos = behind)
    }

    fn number(&mut self) -> Option<()> {
        let negative = self.expect(b'-').is_some();
        if negative && self.word("Infinity").is_some() {
            return Some(());
        }
        let start = self.pos;
        if self.expect(b'0').is_none() && self.digits() == 0 {
            return None;
        }
        let behind_int = self.pos;
        self.fraction();
        self.exponent();
        (self.pos > behind_int || self.pos - start <= LONGEST_INT).then_some(())
    }

    fn fraction(&mut self) {
        let start = self.pos;
        if self.expect(b'.').is_some() && self.digits() == 0 {
            self.pos = start;
        }
    }

    fn exponent(&mut self) {
        let start = self.pos;
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.pos += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.pos += 1;
            }
            if self.digits() == 0 {
                self.pos = start;
            }
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.pos;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.pos += 1;
        }
        self.pos - start
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.text[self.pos..].starts_with(word.as_bytes()).then(|| self.pos += word.len())
    }
}
