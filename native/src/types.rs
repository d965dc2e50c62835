//! Types of the columns that documents become: `qldb_replay.codec.types`, handed over by the caller.

use std::sync::Arc;

use arrow_schema::{DataType, FieldRef, Fields, TimeUnit};
#[cfg(feature = "python")]
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::columns::of;

/// Digits of a decimal.
pub const DECIMAL_DIGITS: u8 = 38;

/// Digits of a decimal behind the point.
pub const DECIMAL_SCALE: i8 = 18;

/// A type without parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// `bool`.
    Bool,
    /// 64 bits.
    Bigint,
    /// 38 digits, 18 of them behind the point.
    Decimal,
    /// 64 bits of IEEE 754.
    Double,
    /// Microseconds, in UTC.
    Timestamp,
    /// Bytes.
    Binary,
    /// Plain text.
    Text,
    /// JSON text.
    Json,
}

/// The type of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "python", derive(FromPyObject))]
pub enum ColumnType {
    /// A list of values of one type, each of which may be null.
    Array {
        /// Type of the elements.
        #[cfg_attr(feature = "python", pyo3(from_py_with = boxed))]
        element: Box<ColumnType>,
    },
    /// A struct.
    Struct {
        /// Its columns.
        fields: Vec<Field>,
    },
    /// Anything else.
    Scalar {
        /// Which it is.
        #[cfg_attr(feature = "python", pyo3(from_py_with = scalar))]
        value: Scalar,
    },
}

/// A column of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "python", derive(FromPyObject))]
pub struct Field {
    /// The column's name.
    pub name: String,
    /// The field's name in the documents.
    pub original: String,
    /// Type of its values, which may be null.
    #[cfg_attr(feature = "python", pyo3(attribute("type")))]
    pub column: ColumnType,
}

/// Converts to Arrow's type, with the column names.
pub fn to_arrow(column: &ColumnType) -> DataType {
    match column {
        ColumnType::Array { element } => DataType::List(item(element)),
        ColumnType::Struct { fields } => DataType::Struct(members(fields)),
        ColumnType::Scalar { value } => match value {
            Scalar::Bool => DataType::Boolean,
            Scalar::Bigint => DataType::Int64,
            Scalar::Decimal => DataType::Decimal128(DECIMAL_DIGITS, DECIMAL_SCALE),
            Scalar::Double => DataType::Float64,
            Scalar::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Scalar::Binary => DataType::Binary,
            Scalar::Text | Scalar::Json => DataType::Utf8,
        },
    }
}

/// The elements of a list, as Arrow describes them.
pub fn item(element: &ColumnType) -> FieldRef {
    Arc::new(of("item", to_arrow(element)))
}

/// The columns of a struct, as Arrow describes them.
pub fn members(fields: &[Field]) -> Fields {
    fields.iter().map(|field| of(&field.name, to_arrow(&field.column))).collect()
}

#[cfg(feature = "python")]
fn boxed(element: &Bound<'_, PyAny>) -> PyResult<Box<ColumnType>> {
    element.extract().map(Box::new)
}

#[cfg(feature = "python")]
fn scalar(value: &Bound<'_, PyAny>) -> PyResult<Scalar> {
    Ok(match &*value.extract::<String>()? {
        "bool" => Scalar::Bool,
        "bigint" => Scalar::Bigint,
        "decimal" => Scalar::Decimal,
        "double" => Scalar::Double,
        "timestamp" => Scalar::Timestamp,
        "binary" => Scalar::Binary,
        "text" => Scalar::Text,
        "json" => Scalar::Json,
        other => return Err(PyValueError::new_err(format!("no type is named {other}"))),
    })
}
