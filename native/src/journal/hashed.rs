//! Reading values and hashing them in the same walk, for what is hashed and has known fields.
//!
//! The evaluator hashes any value, and is what fields go to that are not known here; but it also
//! writes JSON and a type sketch, which nobody needs of a journal's own structs. A reader appends a
//! value's hash message to the evaluator's and gives what it says, so metadata and transaction infos
//! are walked once.

use crate::error::Error;
use crate::ion::canonical::{BEGIN, END, push_message};
use crate::ion::evaluate::{Evaluator, read_field};
use crate::ion::symbols::{Place, Source, elements, is_pad, push_symbol};
use crate::ion::timestamps::{read_timestamp, read_utc};
use crate::journal::fields::{
    Name, Names, check_resolved, hash_value, is_struct, number, outside, text,
};
use crate::sha256::Digest;

/// Reads a value that is hashed by itself: gives its Ion Hash, and what `read` gave.
///
/// Refuses a symbol of unknown text, which has no hash, and what `read` refuses.
pub fn hash_and_read<T>(
    evaluator: &mut Evaluator,
    read: impl FnOnce(&mut Evaluator) -> Result<T, Error>,
) -> Result<(Digest, T), Error> {
    evaluator.unresolved = None;
    evaluator.clear();
    let content = read(evaluator)?;
    check_resolved(evaluator)?;
    Ok((evaluator.hash(), content))
}

/// Reads a struct's known fields, evaluates the others, and appends the struct's hash message.
///
/// `what` is its name for errors, and `level` says how deep it is in what is hashed, which is at
/// level 1. `read` is offered each field that is no null, with its name; it either appends the value's
/// message and gives true, or gives false and leaves the value to be evaluated.
///
/// Refuses malformed Ion, a value that is no struct, a name that occurs twice, and what `read`
/// refuses.
pub fn read_struct<'a>(
    evaluator: &mut Evaluator,
    source: Source<'a>,
    place: Place,
    what: &str,
    level: usize,
    mut read: impl FnMut(&mut Evaluator, Name<'a>, Place) -> Result<bool, Error>,
) -> Result<(), Error> {
    let Source { buf, table } = source;
    if !is_struct(buf[place.pos]) {
        return Err(Error::record(format!("{what} is no struct"), place.pos));
    }
    if buf[place.pos] == 0xD1 {
        check_ordered(evaluator, source, place, level)?;
    }
    let digests = evaluator.open_digests();
    let mut names = Names::default();
    let mut next = place.body;
    while next < place.end {
        let start = next;
        let (sid, value) = read_field(buf, start, place.end)?;
        next = value.end;
        if is_pad(buf[value.pos]) {
            continue;
        }
        let name = Name::read(table, sid, start)?;
        if names.contains(name) {
            return Err(Error::record(format!("{what} has a field twice"), start));
        }
        let message = evaluator.forms.message.len();
        match name {
            Name::Known(name) => name.push_message(&mut evaluator.forms.message),
            Name::Text(text) => push_symbol(&mut evaluator.forms.message, Some(text)),
            Name::Unknown(sid) => {
                if sid != 0 {
                    evaluator.unresolved = Some(start);
                }
                push_symbol(&mut evaluator.forms.message, None);
            }
        }
        let is_null = buf[value.pos] & 15 == 15;
        if is_null || !read(evaluator, name, value)? {
            evaluator.append(source, value, level + 1)?;
        }
        if !is_null {
            names.add(name);
        }
        evaluator.push_digest(message);
    }
    evaluator.close_digests(digests);
    Ok(())
}

/// Validates a struct of ordered fields as a whole, which also finds names out of order.
fn check_ordered(
    evaluator: &mut Evaluator,
    source: Source<'_>,
    place: Place,
    level: usize,
) -> Result<(), Error> {
    let start = evaluator.forms.message.len();
    evaluator.append(source, place, level)?;
    evaluator.forms.message.truncate(start);
    Ok(())
}

/// Reads a list of which all elements are alike, and appends its hash message.
///
/// Refuses malformed Ion, what is no list, and what `read` refuses.
pub fn read_list<T>(
    evaluator: &mut Evaluator,
    source: Source<'_>,
    place: Place,
    what: &str,
    mut read: impl FnMut(&mut Evaluator, Place) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    if source.buf[place.pos] >> 4 != 11 {
        return Err(Error::record(format!("{what} is no list"), place.pos));
    }
    evaluator.forms.message.extend_from_slice(&[BEGIN, 0xB0]);
    let found = elements(source.buf, place.body, place.end)
        .map(|element| read(evaluator, element?))
        .collect::<Result<_, _>>()?;
    evaluator.forms.message.push(END);
    Ok(found)
}

/// Reads a string.
pub fn read_string<'a>(
    evaluator: &mut Evaluator,
    source: Source<'a>,
    place: Place,
    what: &str,
) -> Result<&'a str, Error> {
    let content = text(source, place, what)?;
    push_message(&mut evaluator.forms.message, 0x80, content.as_bytes());
    Ok(content)
}

/// Reads a number that is not negative and fits 64 bits.
pub fn read_number(
    evaluator: &mut Evaluator,
    source: Source<'_>,
    place: Place,
    what: &str,
) -> Result<i64, Error> {
    let content = number(source, place, what)?;
    // In a list it may be a null, which is hashed as one.
    evaluator.append(source, place, 1)?;
    Ok(content)
}

/// Reads a time as microseconds since 1970 in UTC.
pub fn read_time(
    evaluator: &mut Evaluator,
    source: Source<'_>,
    place: Place,
    what: &str,
) -> Result<i64, Error> {
    if source.buf[place.pos] >> 4 != 6 {
        return Err(Error::record(format!("{what} is no timestamp"), place.pos));
    }
    let body = &source.buf[place.body..place.end];
    if let Some(stamp) = read_utc(body) {
        push_message(&mut evaluator.forms.message, 0x60, body);
        return Ok(stamp.micros);
    }
    let stamp = read_timestamp(source.buf, place.body, place.end)?;
    stamp.push_message(&mut evaluator.forms.message);
    stamp.instant().ok_or_else(|| outside(what, place.pos))
}

/// Reads a hash: a blob of 32 bytes or none.
pub fn read_hash<'a>(
    evaluator: &mut Evaluator,
    source: Source<'a>,
    place: Place,
    what: &str,
) -> Result<&'a [u8], Error> {
    let content = hash_value(source, Some(place), what)?.unwrap_or_default();
    push_message(&mut evaluator.forms.message, 0xA0, content);
    Ok(content)
}
