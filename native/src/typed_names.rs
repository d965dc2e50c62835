//! Which fields of a type the symbols of documents name.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Error;
use crate::ion::symbols::{SymbolTable, shown};

/// Symbols whose meaning is remembered, in all tables together.
const MOST_REMEMBERED: usize = 1 << 20;

/// Numbers the names of all fields in a type, and remembers which symbols stand for them: documents
/// of one ledger table often share their symbol table.
#[derive(Default)]
pub struct FieldNames {
    numbers: HashMap<String, usize>,
    tables: HashMap<usize, Resolved>,
    remembered: usize,
}

/// What is known of a table's symbols.
struct Resolved {
    /// Keeps the address, by which this is found, from becoming another table's.
    _table: Arc<SymbolTable>,
    symbols: Box<[OnceCell<Option<usize>>]>,
}

/// The field names that a symbol table has.
#[derive(Clone, Copy)]
pub struct NamesOfTable<'a> {
    numbers: &'a HashMap<String, usize>,
    table: &'a SymbolTable,
    symbols: &'a [OnceCell<Option<usize>>],
}

impl FieldNames {
    /// Gives a field's name its number.
    pub fn add(&mut self, name: &str) -> usize {
        let next = self.numbers.len();
        *self.numbers.entry(name.to_owned()).or_insert(next)
    }

    /// Takes a symbol table in use.
    pub fn of<'a>(&'a mut self, table: &'a Arc<SymbolTable>) -> NamesOfTable<'a> {
        let address = Arc::as_ptr(table).addr();
        if !self.tables.contains_key(&address) {
            if self.remembered + table.len() > MOST_REMEMBERED {
                self.tables.clear();
                self.remembered = 0;
            }
            self.remembered += table.len();
        }
        let resolved = self.tables.entry(address).or_insert_with(|| Resolved {
            _table: table.clone(),
            symbols: (0..table.len()).map(|_| OnceCell::new()).collect(),
        });
        NamesOfTable { numbers: &self.numbers, table, symbols: &resolved.symbols }
    }
}

impl NamesOfTable<'_> {
    /// The number of the field that a symbol read at an offset names, None if the type has no such
    /// field. Refuses symbols that the table does not have.
    #[inline]
    pub fn number(&self, sid: u128, offset: usize) -> Result<Option<usize>, Error> {
        let text = self.table.text(sid, offset)?;
        let known = &self.symbols[sid as usize];
        Ok(*known.get_or_init(|| self.numbers.get(&*shown(text, sid)).copied()))
    }
}
