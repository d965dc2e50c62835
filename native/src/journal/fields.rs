//! Reading structs whose fields are known, as those of stream records are.
//!
//! A field that is null counts as absent: the stream has no nulls of its own, and both say the same.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::error::Error;
use crate::ion::evaluate::{Evaluator, read_field};
use crate::ion::forms::read_text;
use crate::ion::scalars::read_int;
use crate::ion::symbols::{Place, Source, SymbolTable, elements, is_pad, shown};
use crate::ion::timestamps::{read_timestamp, read_utc};
use crate::known_names::Known;

/// Bytes of a hash.
pub const HASH_BYTES: usize = 32;

/// Names that are few enough to be compared one by one.
const FEW: usize = 16;

/// The name of a field.
#[derive(Clone, Copy)]
pub enum Name<'a> {
    /// One of QLDB's own.
    Known(Known),
    /// Any other text.
    Text(&'a str),
    /// None that is known of the symbol, for which `$` and its ID stand.
    Unknown(u128),
}

impl<'a> Name<'a> {
    /// Looks a name up by its symbol ID, which was read at an offset.
    #[inline]
    pub fn read(table: &'a SymbolTable, sid: u128, offset: usize) -> Result<Self, Error> {
        Ok(match table.known_name(sid, offset)? {
            Some(name) => Name::Known(name),
            None => table.text(sid, offset)?.map_or(Name::Unknown(sid), Name::Text),
        })
    }

    /// The name as text.
    pub fn text(self) -> Cow<'a, str> {
        match self {
            Name::Known(name) => Cow::Borrowed(name.text()),
            Name::Text(text) => Cow::Borrowed(text),
            Name::Unknown(sid) => shown(None, sid),
        }
    }
}

/// Names that were met in a struct.
pub struct Names<'a> {
    /// The bit of each known one.
    known: u64,
    few: [&'a str; FEW],
    count: usize,
    /// What is beyond the few, or is no text of the table's. Few structs have that.
    many: Option<HashSet<Cow<'a, str>>>,
}

impl Default for Names<'_> {
    fn default() -> Self {
        Names { known: 0, few: [""; FEW], count: 0, many: None }
    }
}

impl<'a> Names<'a> {
    /// Whether a name was added.
    #[inline]
    pub fn contains(&self, name: Name<'a>) -> bool {
        if let Name::Known(name) = name {
            return self.known & bit(name) != 0;
        }
        let text = name.text();
        self.few[..self.count].contains(&&*text)
            || self.many.as_ref().is_some_and(|many| many.contains(&text))
    }

    /// Adds a name.
    #[inline]
    pub fn add(&mut self, name: Name<'a>) {
        match (name, self.few.get_mut(self.count)) {
            (Name::Known(name), _) => self.known |= bit(name),
            (Name::Text(text), Some(place)) => {
                *place = text;
                self.count += 1;
            }
            _ => drop(self.many.get_or_insert_default().insert(name.text())),
        }
    }
}

fn bit(name: Known) -> u64 {
    1 << name as u8
}

/// The fields of a struct, those that were asked for by the place of their names.
pub struct Fields<const N: usize> {
    /// The fields that were asked for.
    pub known: [Option<Place>; N],
    /// All others.
    pub rest: Vec<Place>,
}

/// Whether a value with this type descriptor is a struct that is no null.
pub fn is_struct(descriptor: u8) -> bool {
    (0xD0..0xDF).contains(&descriptor)
}

/// Finds the fields of a struct, nulls left out; `what` is its name for errors. A name of unknown
/// text counts as `$` and its symbol ID.
///
/// Refuses malformed headers, a value that is no struct, and a name that occurs twice.
pub fn struct_fields<const N: usize>(
    source: Source<'_>,
    place: Place,
    what: &str,
    names: [Known; N],
) -> Result<Fields<N>, Error> {
    let Source { buf, table } = source;
    if !is_struct(buf[place.pos]) {
        return Err(Error::record(format!("{what} is no struct"), place.pos));
    }
    let mut fields = Fields { known: [None; N], rest: Vec::new() };
    let mut others = Names::default();
    let mut expected = 0;
    let mut next = place.body;
    while next < place.end {
        let start = next;
        let (sid, value) = read_field(buf, start, place.end)?;
        next = value.end;
        let descriptor = buf[value.pos];
        if is_pad(descriptor) {
            continue;
        }
        let name = Name::read(table, sid, start)?;
        let index = match name {
            // Records have their fields in an order, in which they are asked for.
            Name::Known(name) if names.get(expected) == Some(&name) => Some(expected),
            Name::Known(name) => names.iter().position(|each| *each == name),
            _ => None,
        };
        expected = index.map_or(expected, |index| index + 1);
        let twice = match index {
            Some(index) => fields.known[index].is_some(),
            None => others.contains(name),
        };
        if twice {
            return Err(Error::record(format!("{what} has a field twice"), start));
        }
        if descriptor & 15 == 15 {
            continue;
        }
        match index {
            Some(index) => fields.known[index] = Some(value),
            None => {
                others.add(name);
                fields.rest.push(value);
            }
        }
    }
    Ok(fields)
}

/// Validates the fields that nothing has read; refuses malformed Ion.
pub fn check_rest(
    evaluator: &mut Evaluator,
    source: Source<'_>,
    rest: &[Place],
) -> Result<(), Error> {
    rest.iter().try_for_each(|place| evaluator.evaluate(source, place.pos, place.end))
}

/// Insists on a field or its content, which is refused as missing at the offset where it should
/// have been.
pub fn required<T>(field: Option<T>, what: &str, offset: usize) -> Result<T, Error> {
    field.ok_or_else(|| Error::record(format!("{what} is missing"), offset))
}

/// Reads a string, refusing another type.
pub fn text<'a>(source: Source<'a>, place: Place, what: &str) -> Result<&'a str, Error> {
    if source.buf[place.pos] >> 4 != 8 {
        return Err(Error::record(format!("{what} is no string"), place.pos));
    }
    read_text(source.buf, place.body, place.end)
}

/// Reads a string that may be absent.
pub fn optional_text<'a>(
    source: Source<'a>,
    place: Option<Place>,
    what: &str,
) -> Result<Option<&'a str>, Error> {
    place.map(|place| text(source, place, what)).transpose()
}

/// Reads a number that is not negative and fits 64 bits, refusing others.
pub fn number(source: Source<'_>, place: Place, what: &str) -> Result<i64, Error> {
    let descriptor = source.buf[place.pos];
    if descriptor >> 4 != 2 {
        return Err(Error::record(format!("{what} is no int from zero"), place.pos));
    }
    let value = read_int(source.buf, descriptor, place.body, place.end)?;
    value
        .to_u128()
        .and_then(|value| i64::try_from(value).ok())
        .ok_or_else(|| Error::record(format!("{what} is beyond 64 bits"), place.pos))
}

/// Reads a hash: a blob of 32 bytes or none, None where it is absent; refuses others.
pub fn hash_value<'a>(
    source: Source<'a>,
    place: Option<Place>,
    what: &str,
) -> Result<Option<&'a [u8]>, Error> {
    let Some(Place { pos, body, end }) = place else { return Ok(None) };
    if source.buf[pos] >> 4 != 10 {
        return Err(Error::record(format!("{what} is no blob"), pos));
    }
    if !matches!(end - body, 0 | HASH_BYTES) {
        return Err(Error::record(format!("{what} has {} bytes", end - body), pos));
    }
    Ok(Some(&source.buf[body..end]))
}

/// Reads a time as microseconds since 1970 in UTC, None where it is absent: of a timestamp coarser
/// than that its beginning, digits beyond dropped.
///
/// Refuses malformed Ion, what is no timestamp, and years outside 1 to 9999.
pub fn time(source: Source<'_>, place: Option<Place>, what: &str) -> Result<Option<i64>, Error> {
    let Some(Place { pos, body, end }) = place else { return Ok(None) };
    if source.buf[pos] >> 4 != 6 {
        return Err(Error::record(format!("{what} is no timestamp"), pos));
    }
    if let Some(stamp) = read_utc(&source.buf[body..end]) {
        return Ok(Some(stamp.micros));
    }
    let instant = read_timestamp(source.buf, body, end)?.instant();
    instant.map(Some).ok_or_else(|| outside(what, pos))
}

/// The error for a time outside the years 1 to 9999.
pub fn outside(what: &str, pos: usize) -> Error {
    Error::record(format!("{what} is outside the years 1 to 9999"), pos)
}

/// Finds the elements of a list, None where it is absent; refuses what is no list.
pub fn list_of(
    source: Source<'_>,
    place: Option<Place>,
    what: &str,
) -> Result<Option<Vec<Place>>, Error> {
    let Some(Place { pos, body, end }) = place else { return Ok(None) };
    if source.buf[pos] >> 4 != 11 {
        return Err(Error::record(format!("{what} is no list"), pos));
    }
    let mut found = Vec::with_capacity((end - body) / HASH_BYTES + 1);
    for element in elements(source.buf, body, end) {
        found.push(element?);
    }
    Ok(Some(found))
}

/// Evaluates a value that is hashed, and refuses a symbol of unknown text, which has no hash.
pub fn evaluate_hashed(
    evaluator: &mut Evaluator,
    source: Source<'_>,
    place: Place,
) -> Result<(), Error> {
    evaluator.unresolved = None;
    evaluator.evaluate(source, place.pos, place.end)?;
    check_resolved(evaluator)
}

/// Refuses a symbol of unknown text in what was evaluated.
pub fn check_resolved(evaluator: &Evaluator) -> Result<(), Error> {
    match evaluator.unresolved {
        Some(offset) => Err(Error::ion("symbol of unknown text has no hash", offset)),
        None => Ok(()),
    }
}
