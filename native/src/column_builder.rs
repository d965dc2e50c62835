//! Arrow columns that are being built, alike in how they lack values, begin anew and end.

use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, GenericByteBuilder, ListBuilder, PrimitiveBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::types::{ArrowPrimitiveType, ByteArrayType};
use arrow_array::{ArrayRef, ListArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBufferBuilder};
use arrow_schema::{ArrowError, DataType, Fields};

use crate::columns::of;

/// A column that is being built.
pub trait Column: Default {
    /// Appends nulls.
    fn nulls(&mut self, count: usize);

    /// Makes an empty column with room for as much as this one holds, so that filling it moves
    /// nothing.
    fn alike(&self) -> Self;

    /// Makes the column's array.
    fn array(self) -> Result<ArrayRef, ArrowError>;
}

/// Columns side by side.
pub trait Columns: Default {
    /// Appends rows of nulls.
    fn nulls(&mut self, count: usize);

    /// Makes empty columns, each with room for as much as this one holds.
    fn alike(&self) -> Self;

    /// Makes the columns' arrays.
    fn arrays(self) -> Result<Vec<ArrayRef>, ArrowError>;
}

/// Declares a struct of columns, which are its fields.
macro_rules! columns {
    ($(#[$meta:meta])* $visible:vis struct $name:ident { $($field:ident: $kind:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Default)]
        $visible struct $name {
            $($field: $kind,)+
        }

        impl crate::column_builder::Columns for $name {
            fn nulls(&mut self, count: usize) {
                $(crate::column_builder::Column::nulls(&mut self.$field, count);)+
            }

            fn alike(&self) -> Self {
                $name { $($field: crate::column_builder::Column::alike(&self.$field),)+ }
            }

            fn arrays(
                self,
            ) -> Result<Vec<arrow_array::ArrayRef>, arrow_schema::ArrowError> {
                Ok(vec![$(crate::column_builder::Column::array(self.$field)?,)+])
            }
        }
    };
}
pub(crate) use columns;

/// The fields of a struct, which a row is appended to at once.
pub trait Members: Columns {
    /// What a row is made from.
    type Row<'a>;

    /// The struct's fields.
    fn fields() -> &'static Fields;

    /// Appends a row.
    fn append(&mut self, row: &Self::Row<'_>);
}

/// A sixteenth more, because batches are not equally long.
fn room(used: usize) -> usize {
    used + used / 16
}

/// Makes columns of Arrow's builders, which differ in how one is made with room for as much.
macro_rules! columns_of_arrow {
    ($([$($generics:tt)*] $builder:ty: |$other:ident| $alike:expr;)+) => {
        $(impl $($generics)* Column for $builder {
            fn nulls(&mut self, count: usize) {
                self.append_nulls(count);
            }

            fn alike(&self) -> Self {
                let $other = self;
                $alike
            }

            fn array(mut self) -> Result<ArrayRef, ArrowError> {
                Ok(Arc::new(self.finish()))
            }
        })+
    };
}

columns_of_arrow! {
    [<T: ByteArrayType>] GenericByteBuilder<T>:
        |other| Self::with_capacity(room(other.len()), room(other.values_slice().len()));
    [<T: ArrowPrimitiveType>] PrimitiveBuilder<T>: |other| Self::with_capacity(room(other.len()));
    [] BooleanBuilder: |other| Self::with_capacity(room(other.len()));
    [<C: Column + ArrayBuilder>] ListBuilder<C>:
        |other| Self::with_capacity(other.values_ref().alike(), room(other.len()));
}

/// A column of times in UTC.
pub struct Times(TimestampMicrosecondBuilder);

impl Default for Times {
    fn default() -> Self {
        Times(TimestampMicrosecondBuilder::new().with_timezone("UTC"))
    }
}

impl Times {
    /// Appends a time, in microseconds since 1970.
    pub fn append(&mut self, micros: Option<i64>) {
        self.0.append_option(micros);
    }
}

impl Column for Times {
    fn nulls(&mut self, count: usize) {
        self.0.append_nulls(count);
    }

    fn alike(&self) -> Self {
        Times(self.0.alike().with_timezone("UTC"))
    }

    fn array(self) -> Result<ArrayRef, ArrowError> {
        self.0.array()
    }
}

/// A column of structs.
pub struct Structs<M> {
    members: M,
    present: NullBufferBuilder,
    /// How many nulls at the end the members lack, which get them all at once.
    lacking: usize,
}

impl<M: Members> Default for Structs<M> {
    fn default() -> Self {
        Structs { members: M::default(), present: NullBufferBuilder::new(0), lacking: 0 }
    }
}

impl<M: Members> Structs<M> {
    /// Appends a struct.
    pub fn append(&mut self, row: &M::Row<'_>) {
        self.fill();
        self.members.append(row);
        self.present.append_non_null();
    }

    fn fill(&mut self) {
        if self.lacking > 0 {
            self.members.nulls(std::mem::take(&mut self.lacking));
        }
    }

    fn structs(mut self) -> Result<StructArray, ArrowError> {
        self.fill();
        let present = self.present.finish();
        StructArray::try_new(M::fields().clone(), self.members.arrays()?, present)
    }
}

impl<M: Members> Column for Structs<M> {
    fn nulls(&mut self, count: usize) {
        self.lacking += count;
        self.present.append_n_nulls(count);
    }

    fn alike(&self) -> Self {
        let present = NullBufferBuilder::new(room(self.present.len()));
        Structs { members: self.members.alike(), present, lacking: 0 }
    }

    fn array(self) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(self.structs()?))
    }
}

/// A column of lists of structs.
pub struct Lists<M> {
    items: Structs<M>,
    ends: OffsetBufferBuilder<i32>,
    present: NullBufferBuilder,
}

impl<M: Members> Default for Lists<M> {
    fn default() -> Self {
        Lists {
            items: Structs::default(),
            ends: OffsetBufferBuilder::new(0),
            present: NullBufferBuilder::new(0),
        }
    }
}

impl<M: Members> Lists<M> {
    /// Appends a list, or a null.
    pub fn append(&mut self, rows: Option<&[M::Row<'_>]>) {
        rows.into_iter().flatten().for_each(|row| self.items.append(row));
        self.ends.push_length(rows.map_or(0, <[_]>::len));
        self.present.append(rows.is_some());
    }
}

impl<M: Members> Column for Lists<M> {
    fn nulls(&mut self, count: usize) {
        (0..count).for_each(|_| self.ends.push_length(0));
        self.present.append_n_nulls(count);
    }

    fn alike(&self) -> Self {
        let lists = room(self.present.len());
        Lists {
            items: self.items.alike(),
            ends: OffsetBufferBuilder::new(lists),
            present: NullBufferBuilder::new(lists),
        }
    }

    fn array(mut self) -> Result<ArrayRef, ArrowError> {
        let item = Arc::new(of("item", DataType::Struct(M::fields().clone())));
        let items = Arc::new(self.items.structs()?);
        let lists = ListArray::try_new(item, self.ends.finish(), items, self.present.finish())?;
        Ok(Arc::new(lists))
    }
}
