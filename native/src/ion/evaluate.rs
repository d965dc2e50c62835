//! One pass over a value's bytes that gives its Ion Hash, its JSON text and its type sketch.
//!
//! The three are made together because walking the bytes costs more than any of them. No object
//! model is built: each value appends its forms to those of its container, which are put together
//! where the container ends:
//!
//! - Ion Hash 1.0: a list is its children's messages one after the other; a struct is the sorted
//!   digests of its fields (name's message, value's message); an annotated value is the
//!   annotations' messages and the value's.
//! - JSON: annotations are dropped. Of repeated field names the last one counts, at its own place.
//! - Sketch: `[`, the distinct sketches of the elements, sorted, `]` · `{`, for each field sorted by
//!   name the name's length in UTF-8, `:`, the name and the sketch, `}` · `z` for a container deeper
//!   than `struct_levels` (the value itself is level 1) · `w` for a struct of more than
//!   `struct_fields` distinct fields · `y` for a symbol.

use std::ops::Range;

use crate::error::Error;
use crate::ion::canonical::{BEGIN, END, push_escaped};
use crate::ion::forms::{Forms, push_json_string};
use crate::ion::framing::{body_bounds, read_varuint};
use crate::ion::memo::{FieldKey, Found, Memo};
use crate::ion::scalars::read_int;
use crate::ion::symbols::{
    Place, Source, elements, fields, is_pad, open_wrapper, push_symbol, shown,
};
use crate::limits::Limits;
use crate::sha256::{Digest, Hasher, pad};

/// Digests that are few enough to be counted against one another.
const FEW: usize = 16;
/// Most that symbols may lend a value. A byte refers to a text of any length, so without a bound the
/// forms of a value could be as long as the square of its bytes.
const MOST_LENT: usize = 16 * 1024 * 1024;

/// A field of a struct, by offsets in the forms.
struct Member {
    sketch: Range<usize>,
    name: Range<usize>,
    json: Range<usize>,
}

/// What is remembered of a field once it is hashed, but for the digest.
struct NewField {
    /// Where its message begins.
    message: usize,
    key: FieldKey,
    /// Its value in the JSON text.
    json: Range<usize>,
    sketch: u8,
}

/// A struct whose fields are being hashed.
pub struct OpenStruct {
    /// Number of digests of the structs around it.
    digests: usize,
    /// What waits of the struct around it.
    waiting: Option<usize>,
}

/// Evaluates values.
pub struct Evaluator {
    /// The forms of what was evaluated last.
    pub forms: Forms,
    /// Offset at which the last symbol was met that has no text. Its value's hash is undefined (Ion
    /// Hash 1.0), though its JSON text is not. The caller resets it.
    pub unresolved: Option<usize>,
    /// Hashes what is evaluated.
    pub hasher: Hasher,
    limits: Limits,
    members: Vec<Member>,
    digests: Vec<Digest>,
    /// Where the message of a field begins that waits for another one, to be hashed with it.
    waiting: Option<usize>,
    /// Those of the fields whose messages are not hashed yet that are to be remembered.
    fresh: Vec<NewField>,
    elements: Vec<Range<usize>>,
    memo: Memo,
    sorted: Vec<u8>,
    lent: usize,
}

impl Evaluator {
    /// Makes an evaluator of values within limits.
    pub fn new(limits: Limits) -> Self {
        Evaluator {
            forms: Forms::default(),
            unresolved: None,
            hasher: Hasher::new(),
            limits,
            members: Vec::new(),
            digests: Vec::new(),
            waiting: None,
            fresh: Vec::new(),
            elements: Vec::new(),
            memo: Memo::default(),
            sorted: Vec::new(),
            lent: 0,
        }
    }

    /// Forgets what was evaluated.
    pub fn clear(&mut self) {
        self.forms.clear();
        self.members.clear();
        self.elements.clear();
        self.digests.clear();
        self.waiting = None;
        self.fresh.clear();
        self.lent = 0;
    }

    /// Evaluates the value between two offsets, whose forms are then the evaluator's.
    ///
    /// Refuses what is not exactly one valid value, or beyond the limits.
    pub fn evaluate(&mut self, source: Source<'_>, start: usize, end: usize) -> Result<(), Error> {
        self.clear();
        let (body, stop) = body_bounds(source.buf, start, end)?;
        if stop != end {
            return Err(Error::ion("value does not fill its place", start));
        }
        self.append(source, Place { pos: start, body, end }, 1)
    }

    /// Hashes what was evaluated, and forgets its message.
    pub fn hash(&mut self) -> Digest {
        pad(&mut self.forms.message, 0);
        let digest = self.hasher.digest_padded(&self.forms.message);
        self.forms.message.clear();
        digest
    }

    /// Evaluates a value and appends its forms to those that are there; `level` says how deep it is
    /// in what is evaluated.
    #[inline]
    pub fn append(&mut self, source: Source<'_>, place: Place, level: usize) -> Result<(), Error> {
        let descriptor = source.buf[place.pos];
        let kind = descriptor >> 4;
        if descriptor & 15 == 15 {
            self.forms.push_null(kind);
            return Ok(());
        }
        match kind {
            13 => self.append_struct(source, place, level),
            7 => self.append_symbol(source, place),
            11 | 12 => self.append_sequence(source, place, level),
            14 => self.append_annotated(source, place, level),
            _ => self.forms.push_scalar(source.buf, place),
        }
    }

    #[inline(never)]
    fn append_symbol(&mut self, source: Source<'_>, place: Place) -> Result<(), Error> {
        let id = read_int(source.buf, 0x20, place.body, place.end)?;
        let sid = source.table.sid(id, place.body)?;
        let text = source.table.text(sid, place.body)?;
        if text.is_none() && sid != 0 {
            self.unresolved = Some(place.body);
        }
        let start = self.forms.message.len();
        push_symbol(&mut self.forms.message, text);
        self.lend(self.forms.message.len() - start, place.body)?;
        push_json_string(&mut self.forms.json, &shown(text, sid));
        self.forms.sketch.push(b'y');
        Ok(())
    }

    #[inline(never)]
    fn append_annotated(
        &mut self,
        source: Source<'_>,
        place: Place,
        level: usize,
    ) -> Result<(), Error> {
        let (sids, pos) = open_wrapper(source.buf, place.body, place.end)?;
        let (body, end) = body_bounds(source.buf, pos, place.end)?;
        self.forms.message.extend_from_slice(&[BEGIN, 0xE0]);
        let start = self.forms.message.len();
        self.append(source, Place { pos, body, end }, level)?;
        let value_end = self.forms.message.len();
        for sid in sids {
            let name = source.table.name(sid, place.body)?;
            self.lend(name.message.len(), place.body)?;
            if !name.known {
                self.unresolved = Some(place.body);
            }
            name.message.push_to(&mut self.forms.message);
        }
        // Faults of the value come before those of its annotations, and so it is read first.
        self.forms.message[start..].rotate_left(value_end - start);
        self.forms.message.push(END);
        Ok(())
    }

    #[inline(never)]
    fn append_sequence(
        &mut self,
        source: Source<'_>,
        place: Place,
        level: usize,
    ) -> Result<(), Error> {
        self.check_depth(level, place.pos)?;
        let type_byte = if source.buf[place.pos] < 0xC0 { 0xB0 } else { 0xC0 };
        self.forms.message.extend_from_slice(&[BEGIN, type_byte]);
        self.forms.json.push(b'[');
        let (first, sketch) = (self.forms.json.len(), self.forms.sketch.len());
        let elements_before = self.elements.len();
        for element in elements(source.buf, place.body, place.end) {
            if self.forms.json.len() > first {
                self.forms.json.push(b',');
            }
            let start = self.forms.sketch.len();
            self.append(source, element?, level + 1)?;
            self.keep_sketch(elements_before, start);
        }
        self.forms.message.push(END);
        self.forms.json.push(b']');
        self.close_sequence(elements_before, sketch, level);
        Ok(())
    }

    /// Keeps the sketch of an element, unless it is that of the element before.
    fn keep_sketch(&mut self, first: usize, start: usize) {
        let text = &self.forms.sketch;
        match self.elements[first..].last() {
            Some(last) if text[last.clone()] == text[start..] => self.forms.sketch.truncate(start),
            _ => self.elements.push(start..text.len()),
        }
    }

    /// Sorts the sketches of a sequence's elements, and keeps each once.
    fn close_sequence(&mut self, first: usize, start: usize, level: usize) {
        let text = &self.forms.sketch;
        let sketches = &mut self.elements[first..];
        sketches.sort_unstable_by(|a, b| text[a.clone()].cmp(&text[b.clone()]));
        self.sorted.clear();
        let mut last = 0..0;
        for range in sketches {
            if text[range.clone()] != text[last] {
                self.sorted.extend_from_slice(&text[range.clone()]);
            }
            last = range.clone();
        }
        self.elements.truncate(first);
        self.forms.sketch.truncate(start);
        if level > self.limits.struct_levels {
            self.forms.sketch.push(b'z');
        } else {
            self.forms.sketch.push(b'[');
            self.forms.sketch.extend_from_slice(&self.sorted);
            self.forms.sketch.push(b']');
        }
    }

    #[inline(never)]
    fn append_struct(
        &mut self,
        source: Source<'_>,
        place: Place,
        level: usize,
    ) -> Result<(), Error> {
        let Source { buf, table } = source;
        self.check_depth(level, place.pos)?;
        if buf[place.pos] == 0xD1 {
            check_order(buf, place.body, place.end)?;
        }
        let (members, digests) = (self.members.len(), self.open_digests());
        self.forms.json.push(b'{');
        let mut next = place.body;
        while next < place.end {
            let start = next;
            let (sid, value) = read_field(buf, start, place.end)?;
            next = value.end;
            if is_pad(buf[value.pos]) {
                continue;
            }
            let name = table.name(sid, start)?;
            self.lend(name.message.len(), start)?;
            let forms = &mut self.forms;
            if self.members.len() > members {
                forms.json.push(b',');
            }
            let (sketch, json) = (forms.sketch.len(), forms.json.len());
            name.key.push_to(&mut forms.json);
            name.sketch.push_to(&mut forms.sketch);
            let name_range = sketch + name.name_start..forms.sketch.len();
            let key = FieldKey::new(name, buf, value);
            let found = key.as_ref().map_or(Found::New, |key| self.memo.field(key));
            if let Found::Known(known) = found {
                known.json.push_to(&mut forms.json);
                forms.sketch.push(known.sketch);
                self.digests.push(known.digest);
            } else {
                let key = key.filter(|_| matches!(found, Found::Again));
                let (message, text) = (forms.message.len(), forms.json.len());
                name.message.push_to(&mut forms.message);
                self.append(source, value, level + 1)?;
                if !name.known {
                    self.unresolved = Some(start);
                }
                if let Some(key) = key {
                    let Forms { json, sketch, .. } = &self.forms;
                    let sketch = sketch.last().copied().unwrap_or_default();
                    self.fresh.push(NewField { message, key, json: text..json.len(), sketch });
                }
                self.push_digest(message);
            }
            self.members.push(Member {
                sketch: sketch..self.forms.sketch.len(),
                name: name_range,
                json: json..self.forms.json.len(),
            });
        }
        self.close_digests(digests);
        self.close_members(members, level);
        self.forms.json.push(b'}');
        Ok(())
    }

    /// Begins a struct, whose fields' messages `push_digest` takes and `close_digests` ends.
    pub fn open_digests(&mut self) -> OpenStruct {
        OpenStruct { digests: self.digests.len(), waiting: self.waiting.take() }
    }

    /// Takes a field's message, from an offset on. It waits for the next one, to be hashed with it.
    pub fn push_digest(&mut self, start: usize) {
        let message = &mut self.forms.message;
        pad(message, start);
        let Some(waiting) = self.waiting.take() else {
            self.waiting = Some(start);
            return;
        };
        let (left, right) = message[waiting..].split_at(start - waiting);
        let [first, second] = self.hasher.digest_pair(left, right);
        message.truncate(waiting);
        self.add_digest(start, second);
        self.add_digest(waiting, first);
    }

    /// Adds the digest of the message that began at an offset, the last one that is not hashed yet.
    fn add_digest(&mut self, start: usize, digest: Digest) {
        self.digests.push(digest);
        if let Some(NewField { key, json, sketch, .. }) =
            self.fresh.pop_if(|field| field.message == start)
        {
            self.memo.add_field(key, digest, &self.forms.json[json], sketch);
        }
    }

    /// Ends a struct by appending its message.
    pub fn close_digests(&mut self, open: OpenStruct) {
        if let Some(waiting) = std::mem::replace(&mut self.waiting, open.waiting) {
            let digest = self.hasher.digest_padded(&self.forms.message[waiting..]);
            self.forms.message.truncate(waiting);
            self.add_digest(waiting, digest);
        }
        let message = &mut self.forms.message;
        let digests = &mut self.digests[open.digests..];
        // Twice as long if each byte has to be escaped.
        message.reserve(2 * size_of::<Digest>() * digests.len() + 3);
        message.extend_from_slice(&[BEGIN, 0xD0]);
        match order(digests) {
            Some(order) => order[..digests.len()]
                .iter()
                .for_each(|&at| push_escaped(message, &digests[usize::from(at)])),
            None => {
                digests.sort_unstable();
                digests.iter().for_each(|digest| push_escaped(message, digest));
            }
        }
        message.push(END);
        self.digests.truncate(open.digests);
    }

    /// Turns the sketches of a struct's fields into that of the struct.
    fn close_members(&mut self, first: usize, level: usize) {
        let start =
            self.members.get(first).map_or(self.forms.sketch.len(), |member| member.sketch.start);
        match self.memo.shape(&self.forms.sketch[start..]) {
            Some(sketch) => {
                self.sorted.clear();
                self.sorted.extend_from_slice(sketch);
            }
            None => self.sort_members(first, start),
        }
        self.members.truncate(first);
        self.forms.sketch.truncate(start);
        if level > self.limits.struct_levels {
            self.forms.sketch.push(b'z');
        } else {
            self.forms.sketch.extend_from_slice(&self.sorted);
        }
    }

    /// Sorts the sketches of a struct's fields into `sorted`, and drops fields whose name comes
    /// again. Remembers the shape where none does.
    fn sort_members(&mut self, first: usize, start: usize) {
        let (members, text) = (&self.members[first..], &self.forms.sketch);
        let name = |index: usize| &text[members[index].name.clone()];
        let mut order: Vec<usize> = (0..members.len()).collect();
        // The last of a name comes first.
        order.sort_unstable_by(|&a, &b| name(a).cmp(name(b)).then(b.cmp(&a)));
        order.dedup_by(|a, b| name(*a) == name(*b));
        self.sorted.clear();
        if order.len() > self.limits.struct_fields {
            self.sorted.push(b'w');
        } else {
            self.sorted.push(b'{');
            order
                .iter()
                .for_each(|&at| self.sorted.extend_from_slice(&text[members[at].sketch.clone()]));
            self.sorted.push(b'}');
        }
        if order.len() == members.len() {
            self.memo.add_shape(&text[start..], &self.sorted);
        } else {
            order.sort_unstable();
            keep_members(&mut self.forms.json, members, &order);
        }
    }

    /// Counts bytes that a symbol at an offset stands for.
    fn lend(&mut self, bytes: usize, offset: usize) -> Result<(), Error> {
        self.lent += bytes;
        if self.lent > MOST_LENT {
            return Err(Error::ion("texts of symbols expand beyond the limit", offset));
        }
        Ok(())
    }

    fn check_depth(&self, level: usize, pos: usize) -> Result<(), Error> {
        if level > self.limits.depth {
            let reason = format!("containers nested deeper than {}", self.limits.depth);
            return Err(Error::ion(reason, pos));
        }
        Ok(())
    }
}

/// The indexes of a few digests in the order of their first bytes; None where these are too many or
/// not all different.
///
/// How many are smaller than a digest is counted without a branch, of which half would be mistaken.
#[inline]
fn order(digests: &[Digest]) -> Option<[u8; FEW]> {
    let heads: &mut [u64] = &mut [0; FEW];
    let heads = heads.get_mut(..digests.len())?;
    for (head, digest) in heads.iter_mut().zip(digests) {
        *head = u64::from_be_bytes(*digest.first_chunk()?);
    }
    let mut order = [0; FEW];
    for (at, head) in heads.iter().enumerate() {
        let smaller: usize = heads.iter().map(|other| usize::from(other < head)).sum();
        order[smaller] = at as u8;
    }
    let sorted = order[..heads.len()].iter().map(|&at| heads[usize::from(at)]);
    // A head that is there twice leaves a place to another index, which is out of order there.
    sorted.is_sorted_by(|left, right| left < right).then_some(order)
}

/// Writes the JSON text of a struct's fields anew, with only some of them, in order.
fn keep_members(json: &mut Vec<u8>, members: &[Member], kept: &[usize]) {
    let texts: Vec<&[u8]> = kept.iter().map(|&index| &json[members[index].json.clone()]).collect();
    let joined = texts.join(&b',');
    json.truncate(members[0].json.start);
    json.extend_from_slice(&joined);
}

/// Reads the name and the header of the field at an offset, which may be a NOP pad.
///
/// Refuses a name without a value, an invalid header, and a value that reaches past `end`.
#[inline(always)]
pub fn read_field(buf: &[u8], start: usize, end: usize) -> Result<(u128, Place), Error> {
    let (sid, pos) = read_varuint(buf, start, end)?;
    if pos >= end {
        return Err(Error::ion("field name without a value", start));
    }
    let (body, end) = body_bounds(buf, pos, end)?;
    Ok((sid, Place { pos, body, end }))
}

/// A struct with length code 1 promises names in the order of their symbol IDs.
fn check_order(buf: &[u8], start: usize, end: usize) -> Result<(), Error> {
    let mut last = 0;
    for field in fields(buf, start, end) {
        let (sid, place) = field?;
        if sid < last {
            return Err(Error::ion("struct of ordered fields is not in order", place.pos));
        }
        last = sid;
    }
    Ok(())
}
