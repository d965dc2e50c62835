//! A revision's exact metadata alone, which hashes need and no delivered record has by itself.

use crate::error::Error;
use crate::ion::canonical::push_varuint;
use crate::ion::copies::push_part;
use crate::ion::framing::IVM;
use crate::ion::symbols::{Place, SYSTEM_SYMBOLS, Source, fields};

const SYMBOL: u8 = 7;
const FIRST_CONTAINER: u8 = 11;
const SHORT: usize = 14;
/// Annotation, as length and symbol: `$ion_symbol_table`.
const SYMBOL_TABLE: [u8; 2] = [0x81, 0x83];
/// Field name `symbols`.
const SYMBOLS: u8 = 0x87;

/// Writes the exact metadata of revisions, and remembers what is the same in all of them.
#[derive(Default)]
pub struct MetadataWriter {
    names: Vec<String>,
    /// Version marker and symbol table for the names.
    head: Vec<u8>,
    members: Vec<u8>,
    stream: Vec<u8>,
}

impl MetadataWriter {
    /// Writes a revision's metadata as a stream of its own: its values' bytes as they are, with no
    /// names but its own in the symbol table.
    ///
    /// `symbols` is the record up to the end of its symbol tables, all of which stay where a value
    /// depends on symbols.
    pub fn write(
        &mut self,
        source: Source<'_>,
        place: Place,
        symbols: &[u8],
    ) -> Result<&[u8], Error> {
        self.stream.clear();
        self.members.clear();
        let mut count = 0;
        for field in fields(source.buf, place.body, place.end) {
            let (sid, value) = field?;
            let (Some(name), true) =
                (source.table.text(sid, place.pos)?, is_plain(source.buf[value.pos]))
            else {
                self.stream.extend_from_slice(symbols);
                self.stream.extend_from_slice(&source.buf[place.pos..place.end]);
                return Ok(&self.stream);
            };
            let index = self.index(name, &mut count);
            push_varuint(&mut self.members, SYSTEM_SYMBOLS + index);
            push_part(&mut self.members, source.buf, value.pos, value.end);
        }
        if count < self.names.len() {
            self.names.truncate(count);
            self.head.clear();
        }
        if self.head.is_empty() {
            self.head.extend_from_slice(&IVM);
            push_symbol_table(&mut self.head, &self.names);
        }
        self.stream.extend_from_slice(&self.head);
        push_value(&mut self.stream, 0xD0, &self.members);
        Ok(&self.stream)
    }

    /// The place of a name among the distinct ones, of which `count` were met. What stands behind
    /// these is what the metadata before had, most often the same.
    fn index(&mut self, name: &str, count: &mut usize) -> usize {
        if self.names.get(*count).is_none_or(|next| next != name) {
            if let Some(index) = self.names[..*count].iter().position(|each| each == name) {
                return index;
            }
            self.names.truncate(*count);
            self.names.push(name.to_owned());
            self.head.clear();
        }
        *count += 1;
        *count - 1
    }
}

/// Whether a value's bytes mean the same under any symbol table.
fn is_plain(descriptor: u8) -> bool {
    let kind = descriptor >> 4;
    kind != SYMBOL && kind < FIRST_CONTAINER
}

fn push_symbol_table(out: &mut Vec<u8>, names: &[String]) {
    let mut texts = Vec::new();
    names.iter().for_each(|name| push_value(&mut texts, 0x80, name.as_bytes()));
    let mut described = vec![SYMBOLS];
    push_value(&mut described, 0xB0, &texts);
    let mut annotated = SYMBOL_TABLE.to_vec();
    push_value(&mut annotated, 0xD0, &described);
    push_value(out, 0xE0, &annotated);
}

fn push_value(out: &mut Vec<u8>, kind: u8, body: &[u8]) {
    // A struct of one byte would read as one of ordered fields; none is that short, a field takes 2.
    if body.len() < SHORT {
        out.push(kind | body.len() as u8);
    } else {
        out.push(kind | SHORT as u8);
        push_varuint(out, body.len());
    }
    out.extend_from_slice(body);
}
