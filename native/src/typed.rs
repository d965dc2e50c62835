//! From exact Ion documents to the Arrow array that is the column `data`.
//!
//! Documents are walked once, and each value is appended to its column. A column has one entry for
//! each row of the column that holds it: each element of the lists in an array, each struct, null
//! ones included. Fields that a struct does not have are made up for when the next one is added, or
//! at the end, so that absent fields cost nothing where they are absent.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, BinaryArray, ListArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use arrow_schema::{FieldRef, Fields};

use crate::error::{ColumnError, Error};
use crate::ion::evaluate::{Evaluator, read_field};
use crate::ion::framing::body_bounds;
use crate::ion::stream::{StreamReader, Value};
use crate::ion::symbols::{Place, Source, elements, is_pad, open_wrapper};
use crate::limits::Limits;
use crate::typed_names::{FieldNames, NamesOfTable};
use crate::typed_scalars::{ScalarColumn, append_bytes, misfit};
use crate::types::{ColumnType, Field, Scalar, item, members};

const SIZE_OF_NULL: u8 = 15;
const LIST: u8 = 11;
const SEXP: u8 = 12;
const STRUCT: u8 = 13;
const WRAPPER: u8 = 0xE0;

/// Builds the typed column of documents, each an Ion stream of its own with one value.
///
/// The type was derived from a shape into which all of these documents were folded. Gives an array
/// of `to_arrow` of it, one entry for each document. Values are exact; fields and documents that
/// are null or absent are null, as are fields that are no column yet.
///
/// Refuses a document that is not exactly one valid Ion value, and a value that does not fit.
pub fn build(
    documents: &BinaryArray,
    column: &ColumnType,
    limits: Limits,
) -> Result<ArrayRef, ColumnError> {
    let mut names = FieldNames::default();
    let mut column = Column::new(column, &mut names);
    let (mut evaluator, mut reader) = (Evaluator::new(limits), StreamReader::new(limits));
    for stream in documents {
        let Some(buf) = stream else {
            column.append_nulls(1);
            continue;
        };
        let mut position = reader.open(buf)?;
        let mut count = 0;
        while let Some(value) = reader.next(&mut evaluator, buf, &mut position)? {
            let Value { table, start, end, .. } = &value;
            let (body, _) = body_bounds(buf, *start, *end)?;
            let source = Source { buf, table };
            let mut document =
                Document { source, names: names.of(table), evaluator: &mut evaluator };
            column.append(&mut document, Place { pos: *start, body, end: *end })?;
            count += 1;
        }
        if count != 1 {
            return Err(Error::ion("document is not exactly one value", 0).into());
        }
    }
    column.finish()
}

/// A document's bytes, and what reading them takes.
struct Document<'a> {
    source: Source<'a>,
    names: NamesOfTable<'a>,
    evaluator: &'a mut Evaluator,
}

/// A column that is being filled.
enum Column {
    Scalar(ScalarColumn),
    Json(StringBuilder),
    List(Box<ListColumn>),
    Struct(StructColumn),
}

impl Column {
    fn new(column: &ColumnType, names: &mut FieldNames) -> Self {
        match column {
            ColumnType::Scalar { value: Scalar::Json } => Column::Json(StringBuilder::new()),
            ColumnType::Scalar { value } => Column::Scalar(ScalarColumn::new(*value)),
            ColumnType::Array { element } => {
                Column::List(Box::new(ListColumn::new(element, names)))
            }
            ColumnType::Struct { fields } => Column::Struct(StructColumn::new(fields, names)),
        }
    }

    /// Number of rows.
    fn rows(&self) -> usize {
        match self {
            Column::Scalar(column) => column.rows(),
            Column::Json(texts) => texts.offsets_slice().len() - 1,
            Column::List(column) => column.present.len(),
            Column::Struct(column) => column.present.len(),
        }
    }

    fn append_nulls(&mut self, count: usize) {
        match self {
            Column::Scalar(column) => column.append_nulls(count),
            Column::Json(texts) => texts.append_nulls(count),
            Column::List(column) => column.append_nulls(count),
            Column::Struct(column) => column.present.append_n_nulls(count),
        }
    }

    /// Appends as many nulls as the column lacks to have so many rows.
    fn fill(&mut self, rows: usize) {
        let missing = rows - self.rows();
        if missing > 0 {
            self.append_nulls(missing);
        }
    }

    /// Appends any value.
    fn append(&mut self, document: &mut Document<'_>, place: Place) -> Result<(), ColumnError> {
        let place = unwrapped(document.source.buf, place)?;
        if document.source.buf[place.pos] & 15 == SIZE_OF_NULL {
            self.append_nulls(1);
            return Ok(());
        }
        match self {
            Column::Scalar(column) => column.append(document.source, place),
            Column::Json(texts) => append_json(texts, document, place),
            Column::List(column) => column.append(document, place),
            Column::Struct(column) => column.append(document, place),
        }
    }

    /// Makes the Arrow array of all the values.
    fn finish(self) -> Result<ArrayRef, ColumnError> {
        match self {
            Column::Scalar(column) => Ok(column.finish()),
            Column::Json(mut texts) => Ok(Arc::new(texts.finish())),
            Column::List(column) => column.finish(),
            Column::Struct(column) => column.finish(),
        }
    }
}

/// The value behind annotations, if a value has any.
#[inline]
fn unwrapped(buf: &[u8], place: Place) -> Result<Place, Error> {
    if buf[place.pos] < WRAPPER {
        return Ok(place);
    }
    let (_, pos) = open_wrapper(buf, place.body, place.end)?;
    let (body, end) = body_bounds(buf, pos, place.end)?;
    Ok(Place { pos, body, end })
}

fn append_json(
    texts: &mut StringBuilder,
    document: &mut Document<'_>,
    place: Place,
) -> Result<(), ColumnError> {
    document.evaluator.evaluate(document.source, place.pos, place.end)?;
    append_bytes(texts, document.evaluator.forms.json_text()?)
}

/// Lists and s-expressions.
struct ListColumn {
    item: FieldRef,
    element: Column,
    /// Rows of the elements' column at which the lists begin, and behind the last one.
    offsets: Vec<i32>,
    present: NullBufferBuilder,
}

impl ListColumn {
    fn new(element: &ColumnType, names: &mut FieldNames) -> Self {
        ListColumn {
            item: item(element),
            element: Column::new(element, names),
            offsets: vec![0],
            present: NullBufferBuilder::new(0),
        }
    }

    fn append(&mut self, document: &mut Document<'_>, place: Place) -> Result<(), ColumnError> {
        let buf = document.source.buf;
        if !matches!(buf[place.pos] >> 4, LIST | SEXP) {
            return Err(misfit(buf[place.pos], "array"));
        }
        for element in elements(buf, place.body, place.end) {
            self.element.append(document, element?)?;
        }
        let end = i32::try_from(self.element.rows()).map_err(|_| ColumnError::TooLong)?;
        self.offsets.push(end);
        self.present.append_non_null();
        Ok(())
    }

    fn append_nulls(&mut self, count: usize) {
        let end = self.offsets.last().copied().unwrap_or(0);
        self.offsets.extend(std::iter::repeat_n(end, count));
        self.present.append_n_nulls(count);
    }

    fn finish(mut self) -> Result<ArrayRef, ColumnError> {
        let offsets = OffsetBuffer::new(self.offsets.into());
        let elements = self.element.finish()?;
        let lists = ListArray::try_new(self.item, offsets, elements, self.present.finish())?;
        Ok(Arc::new(lists))
    }
}

/// Structs.
struct StructColumn {
    fields: Fields,
    columns: Vec<Column>,
    /// Which column is a field name's, sorted by the names' numbers.
    by_name: Vec<(usize, usize)>,
    /// Where the struct that is being added has a column's value.
    places: Vec<Option<Place>>,
    /// Columns of which it has one, in the order met.
    found: Vec<usize>,
    present: NullBufferBuilder,
}

impl StructColumn {
    fn new(fields: &[Field], names: &mut FieldNames) -> Self {
        let numbered = fields.iter().enumerate();
        let mut by_name: Vec<_> =
            numbered.map(|(column, field)| (names.add(&field.original), column)).collect();
        by_name.sort_unstable();
        StructColumn {
            fields: members(fields),
            columns: fields.iter().map(|field| Column::new(&field.column, names)).collect(),
            by_name,
            places: vec![None; fields.len()],
            found: Vec::new(),
            present: NullBufferBuilder::new(0),
        }
    }

    fn append(&mut self, document: &mut Document<'_>, place: Place) -> Result<(), ColumnError> {
        self.find(document, place)?;
        let rows = self.present.len();
        for index in self.found.drain(..) {
            let column = &mut self.columns[index];
            column.fill(rows);
            if let Some(value) = self.places[index].take() {
                column.append(document, value)?;
            }
        }
        self.present.append_non_null();
        Ok(())
    }

    /// Finds the columns' values in a struct. Of fields with the same name the last one counts.
    fn find(&mut self, document: &Document<'_>, place: Place) -> Result<(), ColumnError> {
        let buf = document.source.buf;
        if buf[place.pos] >> 4 != STRUCT {
            return Err(misfit(buf[place.pos], "struct"));
        }
        let mut next = place.body;
        while next < place.end {
            let start = next;
            let (sid, value) = read_field(buf, start, place.end)?;
            next = value.end;
            if !is_pad(buf[value.pos])
                && let Some(index) = self.column_of(document.names.number(sid, start)?)
                && self.places[index].replace(value).is_none()
            {
                self.found.push(index);
            }
        }
        Ok(())
    }

    /// The column of a field by its name's number.
    fn column_of(&self, name: Option<usize>) -> Option<usize> {
        let found = self.by_name.binary_search_by_key(&name?, |(name, _)| *name).ok()?;
        Some(self.by_name[found].1)
    }

    fn finish(mut self) -> Result<ArrayRef, ColumnError> {
        let rows = self.present.len();
        let finished = self.columns.into_iter().map(|mut column| {
            column.fill(rows);
            column.finish()
        });
        let arrays = finished.collect::<Result<Vec<_>, _>>()?;
        let present = self.present.finish();
        let structs = StructArray::try_new_with_length(self.fields, arrays, present, rows)?;
        Ok(Arc::new(structs))
    }
}
