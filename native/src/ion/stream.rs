//! Streams of top-level values: version markers, symbol tables, and what lies between.

use std::sync::Arc;

use crate::error::Error;
use crate::ion::evaluate::Evaluator;
use crate::ion::framing::{IVM, body_bounds, value_end};
use crate::ion::local_tables::read_local_table;
use crate::ion::scalars::Magnitude;
use crate::ion::scan::{mix_bytes, place};
use crate::ion::symbols::{SYSTEM, Source, SymbolTable, is_pad, open_wrapper};
use crate::limits::Limits;

/// Places for tables to be remembered in, a power of two.
const PLACES: usize = 256;
const LONGEST_TABLE: usize = 64 * 1024;
const MOST_SYMBOLS: usize = 10_000;

/// A user value of a stream.
#[derive(Clone)]
pub struct Value {
    /// The symbol table in force.
    pub table: Arc<SymbolTable>,
    /// Offset behind the last table's bytes, or behind the version marker where there is none.
    pub symbols_end: usize,
    /// Offset of the value.
    pub start: usize,
    /// Offset behind the value.
    pub end: usize,
}

/// How far a stream was read.
pub struct Position {
    next: usize,
    table: Arc<SymbolTable>,
    symbols_end: usize,
}

/// Finds user values and the symbol tables that they depend on.
///
/// A table that directly follows a version marker means the same wherever its bytes occur, and the
/// records of one ledger table often begin with the same one. Such tables are remembered when they
/// come again, each in the one place that its bytes lead to, where it replaces the one before: the
/// many tables that occur once (those of blocks, which name documents) are not worth it. Big ones,
/// which only an attacker would write, are not remembered.
pub struct StreamReader {
    limits: Limits,
    remembered: Box<[Remembered]>,
}

/// A symbol table that came at least twice.
#[derive(Clone, Default)]
struct Remembered {
    /// What mixing the bytes gave that led here last.
    mixed: u64,
    raw: Box<[u8]>,
    table: Option<Arc<SymbolTable>>,
}

impl StreamReader {
    /// Makes a reader of streams within limits.
    pub fn new(limits: Limits) -> Self {
        StreamReader { limits, remembered: vec![Remembered::default(); PLACES].into() }
    }

    /// Opens a stream; refuses one that does not begin with a version marker.
    pub fn open(&self, buf: &[u8]) -> Result<Position, Error> {
        if !buf.starts_with(&IVM) {
            return Err(Error::ion("stream does not begin with a version marker", 0));
        }
        Ok(Position { next: 0, table: SYSTEM.clone(), symbols_end: 0 })
    }

    /// Finds the next user value, whose body is not looked into; None at the stream's end.
    ///
    /// The evaluator validates what symbol tables hold. Refuses another Ion version, a malformed
    /// symbol table, and an invalid header.
    pub fn next(
        &mut self,
        evaluator: &mut Evaluator,
        buf: &[u8],
        position: &mut Position,
    ) -> Result<Option<Value>, Error> {
        while position.next < buf.len() {
            let start = position.next;
            let descriptor = buf[start];
            if descriptor == 0xE0 {
                if !buf[start..].starts_with(&IVM) {
                    return Err(Error::ion("version marker of no known Ion version", start));
                }
                position.next = start + IVM.len();
                position.table = SYSTEM.clone();
                position.symbols_end = position.next;
                continue;
            }
            let end = value_end(buf, start, buf.len())?;
            position.next = end;
            if is_pad(descriptor) {
                continue;
            }
            if descriptor > 0xE0
                && let Some(table) = self.table(evaluator, buf, start, end, &position.table)?
            {
                position.table = table;
                position.symbols_end = end;
            } else if !(0x71..0x7F).contains(&descriptor)
                || !is_marker_symbol(buf, start, end, &position.table)?
            {
                let table = position.table.clone();
                let symbols_end = position.symbols_end;
                return Ok(Some(Value { table, symbols_end, start, end }));
            }
        }
        Ok(None)
    }

    /// The table that an annotated value declares, None if it is a user value.
    fn table(
        &mut self,
        evaluator: &mut Evaluator,
        buf: &[u8],
        pos: usize,
        end: usize,
        current: &Arc<SymbolTable>,
    ) -> Result<Option<Arc<SymbolTable>>, Error> {
        if !Arc::ptr_eq(current, &SYSTEM) || end - pos > LONGEST_TABLE {
            return self.read_table(evaluator, buf, pos, end, current);
        }
        let raw = &buf[pos..end];
        let mixed = mix_bytes(raw);
        let place = place(mixed, PLACES);
        let remembered = &mut self.remembered[place];
        if let (Some(table), true) = (&remembered.table, *remembered.raw == *raw) {
            return Ok(Some(table.clone()));
        }
        let again = std::mem::replace(&mut remembered.mixed, mixed) == mixed;
        let table = self.read_table(evaluator, buf, pos, end, current)?;
        if again && table.as_ref().is_some_and(|table| table.len() <= MOST_SYMBOLS) {
            self.remembered[place] = Remembered { mixed, raw: raw.into(), table: table.clone() };
        }
        Ok(table)
    }

    fn read_table(
        &self,
        evaluator: &mut Evaluator,
        buf: &[u8],
        pos: usize,
        end: usize,
        current: &Arc<SymbolTable>,
    ) -> Result<Option<Arc<SymbolTable>>, Error> {
        let (body, _) = body_bounds(buf, pos, end)?;
        let (sids, inner) = open_wrapper(buf, body, end)?;
        let is_struct = buf[inner] >> 4 == 13;
        if !is_struct || current.text(sids[0], body)? != Some("$ion_symbol_table") {
            return Ok(None);
        }
        for sid in sids {
            current.text(sid, body)?;
        }
        let source = Source { buf, table: current };
        let table = read_local_table(evaluator, source, inner, end, self.limits.symbols)?;
        Ok(Some(Arc::new(table)))
    }
}

/// Whether a symbol is the bare `$ion_1_0`, which at top level means nothing.
fn is_marker_symbol(
    buf: &[u8],
    pos: usize,
    end: usize,
    table: &SymbolTable,
) -> Result<bool, Error> {
    let (body, _) = body_bounds(buf, pos, end)?;
    let sid = table.sid(Magnitude::new(&buf[body..end]), pos)?;
    Ok(table.text(sid, pos)? == Some("$ion_1_0"))
}
