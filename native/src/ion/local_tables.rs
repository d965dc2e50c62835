//! Local symbol tables: structs at top level annotated with `$ion_symbol_table`.
//!
//! Ion 1.0: `symbols` lists texts, and whatever in it is no string declares a symbol without text;
//! `imports` is a list of shared tables, or the symbol `$ion_symbol_table` to go on from the
//! current table. Shared tables are never at hand, so the symbols that they would bring have a
//! number and no text.

use crate::error::Error;
use crate::ion::evaluate::Evaluator;
use crate::ion::forms::read_text;
use crate::ion::framing::{BODY_LENGTHS, body_bounds};
use crate::ion::scalars::{Magnitude, read_int};
use crate::ion::symbols::{
    Place, SYSTEM, Source, SymbolTable, elements, fields, is_pad, open_wrapper,
};

/// Symbols for which there is room from the beginning.
const USUAL_SYMBOLS: usize = 64;
const SYMBOL_TABLE: &str = "$ion_symbol_table";

/// Reads the struct of a local symbol table between two offsets, behind the annotations.
///
/// The source's table is the one in force, which gives the struct's field names their meaning and
/// is extended if `imports` is the symbol `$ion_symbol_table`. The evaluator validates what Ion
/// lets a symbol table contain without meaning.
///
/// Refuses malformed Ion, `symbols` or `imports` twice, a shared table imported without its
/// `max_id`, and more entries than `limit`.
pub fn read_local_table(
    evaluator: &mut Evaluator,
    source: Source<'_>,
    start: usize,
    end: usize,
    limit: usize,
) -> Result<SymbolTable, Error> {
    let mut imports: Option<SymbolTable> = None;
    let mut symbols: Option<Vec<Option<&str>>> = None;
    let (body, _) = body_bounds(source.buf, start, end)?;
    for field in fields(source.buf, body, end) {
        let (sid, place) = field?;
        match source.table.text(sid, place.pos)? {
            Some("imports") => {
                if imports.is_some() {
                    let reason = "symbol table with two lists of imports";
                    return Err(Error::ion(reason, place.pos));
                }
                evaluator.evaluate(source, place.pos, place.end)?;
                imports = Some(read_imports(source, place, limit)?);
            }
            Some("symbols") => {
                if symbols.is_some() {
                    let reason = "symbol table with two lists of symbols";
                    return Err(Error::ion(reason, place.pos));
                }
                symbols = Some(read_symbols(evaluator, source, place)?);
            }
            _ => evaluator.evaluate(source, place.pos, place.end)?,
        }
    }
    let symbols = symbols.unwrap_or_default();
    let own = || SymbolTable::extending(&SYSTEM, symbols.len(), end - start);
    let mut table = imports.unwrap_or_else(own);
    let entries = table.len() + symbols.len();
    if entries > limit {
        let reason = format!("symbol table of {entries} entries is beyond the limit");
        return Err(Error::ion(reason, start));
    }
    for text in symbols {
        match text {
            Some(text) => table.push(text),
            None => table.push_unknown(1),
        }
    }
    Ok(table)
}

/// Texts that the field `symbols` declares; whatever is no string declares unknown text.
fn read_symbols<'a>(
    evaluator: &mut Evaluator,
    source: Source<'a>,
    field: Place,
) -> Result<Vec<Option<&'a str>>, Error> {
    let buf = source.buf;
    let mut list = field;
    if buf[field.pos] >= 0xE0 {
        evaluator.evaluate(source, field.pos, field.end)?;
        list = bare(buf, field)?;
    }
    if buf[list.pos] >> 4 != 11 {
        evaluator.evaluate(source, list.pos, list.end)?;
        return Ok(Vec::new());
    }
    let mut texts = Vec::with_capacity(USUAL_SYMBOLS);
    let mut next = list.body;
    while next < list.end {
        let pos = next;
        let (body, end) = symbol_bounds(buf, pos, list.end)?;
        if is_string(buf[pos]) {
            texts.push(Some(read_text(buf, body, end)?));
        } else if !is_pad(buf[pos]) {
            texts.push(odd_symbol(evaluator, source, Place { pos, body, end })?);
        }
        next = end;
    }
    Ok(texts)
}

/// Where an element of `symbols` begins and ends; strings have an error of their own if they reach
/// past the end of the list.
fn symbol_bounds(buf: &[u8], pos: usize, end: usize) -> Result<(usize, usize), Error> {
    let (body, stop) = match (buf[pos], buf.get(pos + 1)) {
        (0x8E, Some(&length)) if pos + 1 < end && length >= 0x80 => {
            (pos + 2, pos + 2 + usize::from(length - 0x80))
        }
        (descriptor @ 0x80..0x8E, _) => {
            (pos + 1, pos + 1 + BODY_LENGTHS[usize::from(descriptor)] as usize)
        }
        _ => body_bounds(buf, pos, end)?,
    };
    if stop > end {
        return Err(Error::ion("symbol reaches past the end of its list", pos));
    }
    Ok((body, stop))
}

/// Text of an element of `symbols` that is not a plain string, or annotated.
fn odd_symbol<'a>(
    evaluator: &mut Evaluator,
    source: Source<'a>,
    element: Place,
) -> Result<Option<&'a str>, Error> {
    evaluator.evaluate(source, element.pos, element.end)?;
    let value = bare(source.buf, element)?;
    if is_string(source.buf[value.pos]) {
        return read_text(source.buf, value.body, value.end).map(Some);
    }
    Ok(None)
}

/// Whether a descriptor is that of a string that is no null.
fn is_string(descriptor: u8) -> bool {
    (0x80..0x8F).contains(&descriptor)
}

/// A value without its annotations.
fn bare(buf: &[u8], place: Place) -> Result<Place, Error> {
    let (body, end) = body_bounds(buf, place.pos, place.end)?;
    if buf[place.pos] < 0xE0 {
        return Ok(Place { pos: place.pos, body, end });
    }
    let (_, pos) = open_wrapper(buf, body, place.end)?;
    let (body, end) = body_bounds(buf, pos, place.end)?;
    Ok(Place { pos, body, end })
}

/// The symbols that the field `imports` brings, after the system's own. It has been validated.
fn read_imports(source: Source<'_>, field: Place, limit: usize) -> Result<SymbolTable, Error> {
    let buf = source.buf;
    let value = bare(buf, field)?;
    let descriptor = buf[value.pos];
    if (0x70..0x7F).contains(&descriptor) {
        let id = Magnitude::new(&buf[value.body..value.end]);
        let sid = source.table.sid(id, value.pos)?;
        let appends = source.table.text(sid, value.pos)? == Some(SYMBOL_TABLE);
        return Ok(if appends {
            SymbolTable::extending(source.table, 0, 0)
        } else {
            SymbolTable::system()
        });
    }
    let mut table = SymbolTable::system();
    if (0xB0..0xBF).contains(&descriptor) {
        for element in elements(buf, value.body, value.end) {
            let shared = bare(buf, element?)?;
            if (0xD0..0xDF).contains(&buf[shared.pos]) {
                let size = imported_size(source, shared)?;
                if table.len() as u128 + size > limit as u128 {
                    let reason = "imported symbols are beyond the limit";
                    return Err(Error::ion(reason, shared.pos));
                }
                table.push_unknown(size as usize);
            }
        }
    }
    Ok(table)
}

/// Number of symbols that an import reserves; an import without a name reserves none.
fn imported_size(source: Source<'_>, shared: Place) -> Result<u128, Error> {
    let buf = source.buf;
    let mut name = "";
    let mut size = None;
    for field in fields(buf, shared.body, shared.end) {
        let (sid, place) = field?;
        let text = source.table.text(sid, place.pos)?;
        let value = bare(buf, place)?;
        let descriptor = buf[value.pos];
        if text == Some("name") && is_string(descriptor) {
            name = read_text(buf, value.body, value.end)?;
        } else if text == Some("max_id") {
            size = None;
            if (0x20..0x2F).contains(&descriptor) {
                let number = read_int(buf, descriptor, value.body, value.end)?;
                // More than any limit, and nothing that can overflow.
                size = Some(number.to_u128().unwrap_or(u128::MAX / 2));
            }
        }
    }
    if matches!(name, "" | "$ion") {
        return Ok(0);
    }
    size.ok_or_else(|| Error::ion("shared symbol table imported without max_id", shared.body))
}
