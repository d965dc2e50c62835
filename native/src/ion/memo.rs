//! What repeats among the structs of a ledger: short fields, and the shapes of documents.
//!
//! Each is remembered in the one place that its bytes lead to, where it replaces the one before: a
//! field when it comes again. So whatever comes, room is bounded, and what does not repeat costs
//! little.

use crate::ion::copies::Prepared;
use crate::ion::scan::{mix, mix_bytes, place};
use crate::ion::symbols::{FieldName, Place};
use crate::sha256::Digest;

/// Longest value that is remembered with its name: flags, states, small numbers, short codes.
const LONGEST_VALUE: usize = 15;
/// Longest JSON text of such a value, all but those of odd decimals and control characters.
const LONGEST_JSON: usize = 32;
/// Longest sketch of a shape that is remembered.
const LONGEST_SHAPE: usize = 4096;
/// Places for fields and for shapes, powers of two.
const FIELDS: usize = 2048;
const SHAPES: usize = 256;

const SYMBOL: u8 = 7;
const FIRST_CONTAINER: u8 = 11;

/// Tells fields apart: a name, and a value that means the same wherever it stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FieldKey {
    name: u64,
    /// The value's bytes, and in the last one their number.
    value: u128,
}

impl FieldKey {
    /// Makes the key of a field; None if its value is too long or depends on where it stands: a
    /// container on its level, a symbol on its table.
    #[inline]
    pub fn new(name: &FieldName, buf: &[u8], place: Place) -> Option<Self> {
        let raw = &buf[place.pos..place.end];
        let kind = raw[0] >> 4;
        if raw.len() > LONGEST_VALUE || kind == SYMBOL || kind >= FIRST_CONTAINER || !name.known {
            return None;
        }
        let bits = u8::BITS as usize * raw.len();
        let value = match buf[place.pos..].first_chunk() {
            Some(bytes) => u128::from_le_bytes(*bytes) & ((1 << bits) - 1),
            None => raw.iter().rev().fold(0, |value, &byte| value << 8 | u128::from(byte)),
        };
        Some(FieldKey { name: name.id, value: value | (raw.len() as u128) << 120 })
    }

    #[inline]
    fn mixed(&self) -> u64 {
        mix([self.name, self.value as u64, (self.value >> 64) as u64].into_iter())
    }
}

/// A field that was evaluated before.
#[derive(Clone, Default)]
pub struct KnownField {
    key: FieldKey,
    /// Its digest.
    pub digest: Digest,
    /// JSON text of its value.
    pub json: Prepared,
    /// Type sketch of its value.
    pub sketch: u8,
}

/// The sketch of a struct whose fields' sketches, one behind the other, are `raw`.
#[derive(Clone, Default)]
struct KnownShape {
    raw: Vec<u8>,
    sketch: Vec<u8>,
}

/// What looking a field up gives.
pub enum Found<'a> {
    /// It was evaluated before.
    Known(&'a KnownField),
    /// It came before, and is to be remembered when it has been evaluated.
    Again,
    /// It has not come since others led to its place.
    New,
}

/// Fields and shapes that were met before.
pub struct Memo {
    /// By place what mixing the field gave that led there last. These few bytes are nearly always in
    /// the processor's cache, the fields are not.
    last: Box<[u32]>,
    fields: Box<[KnownField]>,
    shapes: Box<[KnownShape]>,
}

impl Default for Memo {
    fn default() -> Self {
        Memo {
            last: vec![0; FIELDS].into(),
            fields: vec![KnownField::default(); FIELDS].into(),
            shapes: vec![KnownShape::default(); SHAPES].into(),
        }
    }
}

impl Memo {
    /// Looks a field up.
    #[inline]
    pub fn field(&mut self, key: &FieldKey) -> Found<'_> {
        let mixed = key.mixed();
        let place = place(mixed, FIELDS);
        if std::mem::replace(&mut self.last[place], mixed as u32) != mixed as u32 {
            return Found::New;
        }
        let field = &self.fields[place];
        if field.key == *key { Found::Known(field) } else { Found::Again }
    }

    /// Remembers a field, with the JSON text and the type sketch of its value.
    pub fn add_field(&mut self, key: FieldKey, digest: Digest, json: &[u8], sketch: u8) {
        if json.len() <= LONGEST_JSON {
            let field = &mut self.fields[place(key.mixed(), FIELDS)];
            let json = Prepared::new(json);
            *field = KnownField { key, digest, json, sketch };
        }
    }

    /// Looks the sketch of a struct up.
    #[inline]
    pub fn shape(&self, raw: &[u8]) -> Option<&[u8]> {
        let shape = &self.shapes[shape_place(raw)];
        // No sketch is empty, but the raw one of a struct without fields is.
        (shape.raw == raw && !shape.sketch.is_empty()).then_some(&shape.sketch)
    }

    /// Remembers the sketch of a struct.
    pub fn add_shape(&mut self, raw: &[u8], sketch: &[u8]) {
        if raw.len() <= LONGEST_SHAPE {
            let shape = &mut self.shapes[shape_place(raw)];
            shape.raw.clear();
            shape.raw.extend_from_slice(raw);
            shape.sketch.clear();
            shape.sketch.extend_from_slice(sketch);
        }
    }
}

fn shape_place(raw: &[u8]) -> usize {
    place(mix_bytes(raw), SHAPES)
}
