//! Symbols, from the numbers in binary Ion to texts, and the containers that are made of them.
//!
//! Every stream starts with the system table, which local tables replace or extend
//! ([`local_tables`](crate::ion::local_tables)).

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use crate::error::Error;
use crate::ion::canonical::push_message;
use crate::ion::copies::Prepared;
use crate::ion::forms::push_json_string;
use crate::ion::framing::{body_bounds, read_varuint};
use crate::ion::scalars::Magnitude;
use crate::known_names::Known;

/// Texts of the symbols that every table begins with, the first of which has none.
const SYSTEM_TEXTS: [&str; 10] = [
    "",
    "$ion",
    "$ion_1_0",
    "$ion_symbol_table",
    "name",
    "version",
    "imports",
    "symbols",
    "max_id",
    "$ion_shared_symbol_table",
];

/// Number of symbols that every table begins with.
pub const SYSTEM_SYMBOLS: usize = SYSTEM_TEXTS.len();

/// What is hashed of a symbol of unknown text.
pub const UNKNOWN_SYMBOL: [u8; 3] = [0x0B, 0x71, 0x0E];

const SYMBOL: u8 = 0x70;

/// Offsets of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Of its type descriptor.
    pub pos: usize,
    /// Of its body.
    pub body: usize,
    /// Behind its body.
    pub end: usize,
}

/// Bytes with what is needed to read them.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// Bytes of a record, or of another stream.
    pub buf: &'a [u8],
    /// Symbol table in force.
    pub table: &'a SymbolTable,
}

/// A field's name in the forms that evaluating a struct needs.
pub struct FieldName {
    /// Tells it apart from all others.
    pub id: u64,
    /// What Ion Hash hashes of it, as a symbol.
    pub message: Prepared,
    /// JSON key with its colon.
    pub key: Prepared,
    /// Length in UTF-8, colon, and the name.
    pub sketch: Prepared,
    /// Where in `sketch` the name begins.
    pub name_start: usize,
    /// Whether the symbol has a text, or is `$0`, whose hash is defined.
    pub known: bool,
}

/// Number of field names so far, and one.
static NAMES: AtomicU64 = AtomicU64::new(1);

impl FieldName {
    fn new(text: Option<&str>, sid: u128) -> Self {
        let shown = shown(text, sid);
        let mut message = Vec::new();
        push_symbol(&mut message, text);
        let mut key = Vec::new();
        push_json_string(&mut key, &shown);
        key.push(b':');
        let sketch = format!("{}:{shown}", shown.len());
        FieldName {
            id: NAMES.fetch_add(1, Ordering::Relaxed),
            message: Prepared::new(&message),
            key: Prepared::new(&key),
            name_start: sketch.len() - shown.len(),
            sketch: Prepared::new(sketch.as_bytes()),
            known: text.is_some() || sid == 0,
        }
    }
}

/// A symbol of a table.
#[derive(Clone, Copy)]
struct Symbol {
    /// Where in the table's texts its own begins.
    start: usize,
    /// Where that ends.
    end: usize,
    meaning: Meaning,
}

/// What is known of a symbol.
#[derive(Clone, Copy)]
enum Meaning {
    /// Not even its text.
    Unknown,
    Text,
    /// A name that QLDB's records have.
    Name(Known),
}

impl Symbol {
    const UNKNOWN: Symbol = Symbol { start: 0, end: 0, meaning: Meaning::Unknown };

    #[inline]
    fn text<'a>(&self, texts: &'a str) -> Option<&'a str> {
        match self.meaning {
            Meaning::Unknown => None,
            _ => Some(&texts[self.start..self.end]),
        }
    }
}

/// Texts of the symbols in use, and what was already derived from them.
#[derive(Default)]
pub struct SymbolTable {
    texts: String,
    symbols: Vec<Symbol>,
    names: OnceLock<Box<[OnceLock<Box<FieldName>>]>>,
}

/// The table that each version marker sets.
pub static SYSTEM: LazyLock<Arc<SymbolTable>> = LazyLock::new(|| Arc::new(SymbolTable::system()));

impl SymbolTable {
    /// A table of the system's symbols alone.
    pub fn system() -> Self {
        let mut table = SymbolTable::default();
        table.push_unknown(1);
        SYSTEM_TEXTS[1..].iter().for_each(|text| table.push(text));
        table
    }

    /// A table that begins with the symbols of another one, and has room for more of them, with so
    /// many bytes of text.
    pub fn extending(other: &SymbolTable, symbols: usize, bytes: usize) -> Self {
        let mut table = SymbolTable {
            texts: String::with_capacity(other.texts.len() + bytes),
            symbols: Vec::with_capacity(other.len() + symbols),
            names: OnceLock::new(),
        };
        table.texts.push_str(&other.texts);
        table.symbols.extend_from_slice(&other.symbols);
        table
    }

    /// Adds a symbol. For tables that are not yet in use.
    #[inline]
    pub fn push(&mut self, text: &str) {
        let start = self.texts.len();
        self.texts.push_str(text);
        let meaning = Known::of(text).map_or(Meaning::Text, Meaning::Name);
        self.symbols.push(Symbol { start, end: self.texts.len(), meaning });
    }

    /// Adds symbols of unknown text.
    pub fn push_unknown(&mut self, count: usize) {
        self.symbols.resize(self.len() + count, Symbol::UNKNOWN);
    }

    /// Number of symbols.
    pub fn len(&self) -> usize {
        self.symbols.len()
    }

    /// Whether there is no symbol at all.
    pub fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }

    /// Looks a symbol up that was read at an offset; gives None if its text is unknown, and refuses
    /// symbols that the table does not have.
    #[inline]
    pub fn text(&self, sid: u128, offset: usize) -> Result<Option<&str>, Error> {
        Ok(self.symbols[self.index(sid, offset)?].text(&self.texts))
    }

    /// Looks up which name of QLDB's records a symbol is that was read at an offset, None if it is
    /// another one; refuses symbols that the table does not have.
    #[inline]
    pub fn known_name(&self, sid: u128, offset: usize) -> Result<Option<Known>, Error> {
        Ok(match self.symbols[self.index(sid, offset)?].meaning {
            Meaning::Name(name) => Some(name),
            _ => None,
        })
    }

    /// Takes a symbol ID out of a symbol's body; refuses one that no table could have.
    pub fn sid(&self, id: Magnitude<'_>, offset: usize) -> Result<u128, Error> {
        id.to_u128().ok_or_else(|| beyond(id, offset))
    }

    /// Gives a field name in all its forms, and refuses symbols that the table does not have.
    #[inline]
    pub fn name(&self, sid: u128, offset: usize) -> Result<&FieldName, Error> {
        let index = self.index(sid, offset)?;
        let unused = || self.symbols.iter().map(|_| OnceLock::new()).collect();
        Ok(self.names.get_or_init(unused)[index]
            .get_or_init(|| Box::new(FieldName::new(self.symbols[index].text(&self.texts), sid))))
    }

    #[inline]
    fn index(&self, sid: u128, offset: usize) -> Result<usize, Error> {
        if sid < self.symbols.len() as u128 {
            return Ok(sid as usize);
        }
        Err(beyond(Magnitude::new(&sid.to_be_bytes()), offset))
    }
}

/// The error for a symbol that its table does not have.
#[cold]
fn beyond(id: Magnitude<'_>, offset: usize) -> Error {
    let shown = match id.to_u128().map(u64::try_from) {
        Some(Ok(sid)) => sid.to_string(),
        _ => format!("of {} bits", id.bits()),
    };
    Error::ion(format!("symbol ID {shown} is beyond the symbol table"), offset)
}

/// A symbol's text, or `$` and its ID where that is unknown.
pub fn shown(text: Option<&str>, sid: u128) -> Cow<'_, str> {
    text.map_or_else(|| Cow::Owned(format!("${sid}")), Cow::Borrowed)
}

/// Appends what is hashed of a symbol; one of unknown text counts as symbol zero.
pub fn push_symbol(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => out.extend_from_slice(&UNKNOWN_SYMBOL),
        Some(text) => push_message(out, SYMBOL, text.as_bytes()),
    }
}

/// Whether a value with this type descriptor is a NOP pad.
#[inline]
pub fn is_pad(descriptor: u8) -> bool {
    descriptor < 0x0F
}

/// Goes through the values in a list's or s-expression's body, NOP pads left out.
///
/// Ends with the error of an invalid header, or of a value that reaches past the end.
pub fn elements(
    buf: &[u8],
    start: usize,
    end: usize,
) -> impl Iterator<Item = Result<Place, Error>> + '_ {
    let mut next = start;
    std::iter::from_fn(move || {
        while next < end {
            let pos = next;
            match body_bounds(buf, pos, end) {
                Err(error) => {
                    next = end;
                    return Some(Err(error));
                }
                Ok((body, stop)) => {
                    next = stop;
                    if !is_pad(buf[pos]) {
                        return Some(Ok(Place { pos, body, end: stop }));
                    }
                }
            }
        }
        None
    })
}

/// Goes through the fields in a struct's body, NOP pads left out: the name's symbol ID and the
/// value's place.
///
/// Ends with the error of a name without a value, an invalid header, or a value that reaches past
/// the end.
pub fn fields(
    buf: &[u8],
    start: usize,
    end: usize,
) -> impl Iterator<Item = Result<(u128, Place), Error>> + '_ {
    let mut next = start;
    std::iter::from_fn(move || {
        while next < end {
            let found = read_varuint(buf, next, end).and_then(|(sid, pos)| {
                let (body, stop) = body_bounds(buf, pos, end)?;
                Ok((sid, Place { pos, body, end: stop }))
            });
            next = found.as_ref().map_or(end, |(_, place)| place.end);
            match found {
                Ok((_, place)) if is_pad(buf[place.pos]) => {}
                other => return Some(other),
            }
        }
        None
    })
}

/// Reads the body of an annotation wrapper: gives symbol IDs of the annotations, and the offset of
/// the value, which ends at `end`.
///
/// Refuses no annotation, no value, more than one, and a wrapper or NOP pad as value.
pub fn open_wrapper(buf: &[u8], start: usize, end: usize) -> Result<(Vec<u128>, usize), Error> {
    let (length, mut pos) = read_varuint(buf, start, end)?;
    if length == 0 || pos as u128 + length >= end as u128 {
        return Err(Error::ion("annotation wrapper without annotation or value", start));
    }
    let stop = pos + length as usize;
    let mut sids = Vec::new();
    while pos < stop {
        let sid;
        (sid, pos) = read_varuint(buf, pos, stop)?;
        sids.push(sid);
    }
    if is_pad(buf[stop]) || buf[stop] >= 0xE0 {
        return Err(Error::ion("annotations on something that is no value", stop));
    }
    if body_bounds(buf, stop, end)?.1 != end {
        return Err(Error::ion("annotated value does not fill its wrapper", stop));
    }
    Ok((sids, stop))
}
