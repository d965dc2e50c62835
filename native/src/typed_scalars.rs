//! Exact column values of Ion scalars, and the builders that they are appended to.

use std::borrow::Cow;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    ArrayBuilder, BinaryBuilder, BooleanBuilder, Decimal128Builder, Float64Builder,
    GenericByteBuilder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::types::ByteArrayType;

use crate::error::ColumnError;
use crate::ion::forms::read_text;
use crate::ion::scalars::{Decimal, Magnitude, read_decimal, read_float, read_int};
use crate::ion::symbols::{Place, Source, shown};
use crate::ion::timestamps::read_timestamp;
use crate::types::{ColumnType, DECIMAL_DIGITS, DECIMAL_SCALE, Scalar, to_arrow};

const BOOL: u8 = 1;
const FLOAT: u8 = 4;
const DECIMAL: u8 = 5;
const TIMESTAMP: u8 = 6;
const SYMBOL: u8 = 7;
const STRING: u8 = 8;
const CLOB: u8 = 9;
const BLOB: u8 = 10;

const UNITS: i128 = 10_i128.pow(DECIMAL_SCALE as u32);
const DECIMAL_END: u128 = 10_u128.pow(DECIMAL_DIGITS as u32);
const SAFE_INT: u128 = 1 << f64::MANTISSA_DIGITS;
/// Bytes that Arrow's offsets reach.
const LONGEST_COLUMN: usize = i32::MAX as usize;

/// The error for a value that its column's type does not hold.
///
/// Types are derived from all the values, so this shows that the two do not belong together.
#[cold]
pub fn misfit(descriptor: u8, wanted: &'static str) -> ColumnError {
    ColumnError::Misfit { kind: descriptor >> 4, wanted }
}

/// A column of one scalar type.
pub enum ScalarColumn {
    /// `bool`.
    Bool(BooleanBuilder),
    /// 64 bits.
    Bigint(Int64Builder),
    /// Units of the 18th digit behind the point.
    Decimal(Decimal128Builder),
    /// 64 bits of IEEE 754.
    Double(Float64Builder),
    /// Microseconds since 1970.
    Timestamp(TimestampMicrosecondBuilder),
    /// Bytes.
    Binary(BinaryBuilder),
    /// Plain text, or JSON text, which [`append`](Self::append) does not make.
    Text(StringBuilder),
}

/// Does the same with the builder of any column.
macro_rules! with_builder {
    ($column:expr, $builder:ident => $done:expr) => {
        match $column {
            ScalarColumn::Bool($builder) => $done,
            ScalarColumn::Bigint($builder) => $done,
            ScalarColumn::Decimal($builder) => $done,
            ScalarColumn::Double($builder) => $done,
            ScalarColumn::Timestamp($builder) => $done,
            ScalarColumn::Binary($builder) => $done,
            ScalarColumn::Text($builder) => $done,
        }
    };
}

impl ScalarColumn {
    /// Begins a column.
    pub fn new(value: Scalar) -> Self {
        let arrow = to_arrow(&ColumnType::Scalar { value });
        match value {
            Scalar::Bool => Self::Bool(BooleanBuilder::new()),
            Scalar::Bigint => Self::Bigint(Int64Builder::new()),
            Scalar::Decimal => Self::Decimal(Decimal128Builder::new().with_data_type(arrow)),
            Scalar::Double => Self::Double(Float64Builder::new()),
            Scalar::Timestamp => {
                Self::Timestamp(TimestampMicrosecondBuilder::new().with_data_type(arrow))
            }
            Scalar::Binary => Self::Binary(BinaryBuilder::new()),
            Scalar::Text | Scalar::Json => Self::Text(StringBuilder::new()),
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        with_builder!(self, builder => builder.len())
    }

    /// Appends nulls.
    pub fn append_nulls(&mut self, count: usize) {
        with_builder!(self, builder => builder.append_nulls(count));
    }

    /// Makes the Arrow array of all the values.
    pub fn finish(mut self) -> ArrayRef {
        with_builder!(&mut self, builder => ArrayBuilder::finish(builder))
    }

    /// Appends a value that is neither null nor annotated.
    ///
    /// Refuses a value that the type does not hold, and malformed Ion.
    #[inline]
    pub fn append(&mut self, source: Source<'_>, place: Place) -> Result<(), ColumnError> {
        match self {
            Self::Bool(builder) => builder.append_value(read_bool(source.buf, place)?),
            Self::Bigint(builder) => builder.append_value(read_bigint(source.buf, place)?),
            Self::Decimal(builder) => builder.append_value(read_units(source.buf, place)?),
            Self::Double(builder) => builder.append_value(read_double(source.buf, place)?),
            Self::Timestamp(builder) => builder.append_value(read_micros(source.buf, place)?),
            Self::Binary(builder) => append_bytes(builder, read_binary(source.buf, place)?)?,
            Self::Text(builder) => append_bytes(builder, &*read_plain(source, place)?)?,
        }
        Ok(())
    }
}

/// Appends bytes or a text, where Arrow's offsets still reach its end.
pub fn append_bytes<T: ByteArrayType>(
    builder: &mut GenericByteBuilder<T>,
    value: &T::Native,
) -> Result<(), ColumnError> {
    let bytes: &[u8] = value.as_ref();
    if bytes.len() > LONGEST_COLUMN - builder.values_slice().len() {
        return Err(ColumnError::TooLong);
    }
    builder.append_value(value);
    Ok(())
}

fn read_bool(buf: &[u8], place: Place) -> Result<bool, ColumnError> {
    let descriptor = buf[place.pos];
    if descriptor >> 4 != BOOL {
        return Err(misfit(descriptor, "bool"));
    }
    Ok(descriptor & 15 == 1)
}

/// An int, None if it is beyond 127 bits; refuses a value that is none.
fn read_number(
    buf: &[u8],
    place: Place,
    wanted: &'static str,
) -> Result<Option<i128>, ColumnError> {
    let descriptor = buf[place.pos];
    if !(0x20..0x40).contains(&descriptor) {
        return Err(misfit(descriptor, wanted));
    }
    let magnitude = read_int(buf, descriptor, place.body, place.end)?;
    let number = magnitude.to_u128().and_then(|number| i128::try_from(number).ok());
    Ok(number.map(|number| if descriptor >= 0x30 { -number } else { number }))
}

fn read_bigint(buf: &[u8], place: Place) -> Result<i64, ColumnError> {
    let number = read_number(buf, place, "bigint")?;
    number.and_then(|number| number.try_into().ok()).ok_or_else(|| misfit(buf[place.pos], "bigint"))
}

fn read_units(buf: &[u8], place: Place) -> Result<i128, ColumnError> {
    let descriptor = buf[place.pos];
    let units = if descriptor >> 4 == DECIMAL {
        units_of(read_decimal(buf, place.body, place.end)?)
    } else {
        read_number(buf, place, "decimal")?.and_then(|number| number.checked_mul(UNITS))
    };
    units
        .filter(|units| units.unsigned_abs() < DECIMAL_END)
        .ok_or_else(|| misfit(descriptor, "decimal"))
}

/// Units of a decimal, None if they are not whole or of far too many digits.
fn units_of(decimal: Decimal<'_>) -> Option<i128> {
    let Decimal { coefficient, negative, exponent } = decimal;
    if coefficient.is_zero() {
        return Some(0);
    }
    let shift = exponent + i128::from(DECIMAL_SCALE);
    let power = u32::try_from(shift.unsigned_abs()).ok().and_then(|s| 10_u128.checked_pow(s));
    let units = match (coefficient.to_u128(), power) {
        (Some(number), Some(power)) if shift >= 0 => number.checked_mul(power)?,
        (Some(number), Some(power)) => number.is_multiple_of(power).then(|| number / power)?,
        (None, _) if shift < 0 => without_zeros(coefficient, shift.unsigned_abs())?,
        _ => return None,
    };
    let units = i128::try_from(units).ok()?;
    Some(if negative { -units } else { units })
}

/// A long number without the zeros at its end, of which it must have so many.
fn without_zeros(number: Magnitude<'_>, zeros: u128) -> Option<u128> {
    let digits = number.digits();
    let digits = digits.as_str();
    let kept = digits.len().checked_sub(usize::try_from(zeros).ok()?)?;
    let (units, rest) = digits.split_at(kept);
    if rest.bytes().all(|digit| digit == b'0') { units.parse().ok() } else { None }
}

fn read_double(buf: &[u8], place: Place) -> Result<f64, ColumnError> {
    let descriptor = buf[place.pos];
    if descriptor >> 4 == FLOAT {
        return Ok(read_float(&buf[place.body..place.end]));
    }
    match read_number(buf, place, "double")? {
        Some(number) if number.unsigned_abs() <= SAFE_INT => Ok(number as f64),
        _ => Err(misfit(descriptor, "double")),
    }
}

fn read_micros(buf: &[u8], place: Place) -> Result<i64, ColumnError> {
    let descriptor = buf[place.pos];
    if descriptor >> 4 != TIMESTAMP {
        return Err(misfit(descriptor, "timestamp"));
    }
    let stamp = read_timestamp(buf, place.body, place.end)?;
    stamp.micros().ok_or_else(|| misfit(descriptor, "timestamp"))
}

fn read_binary(buf: &[u8], place: Place) -> Result<&[u8], ColumnError> {
    match buf[place.pos] >> 4 {
        CLOB | BLOB => Ok(&buf[place.body..place.end]),
        _ => Err(misfit(buf[place.pos], "binary")),
    }
}

fn read_plain<'a>(source: Source<'a>, place: Place) -> Result<Cow<'a, str>, ColumnError> {
    let Source { buf, table } = source;
    match buf[place.pos] >> 4 {
        STRING => Ok(read_text(buf, place.body, place.end)?.into()),
        TIMESTAMP => {
            let mut text = String::new();
            read_timestamp(buf, place.body, place.end)?.push_text(&mut text);
            Ok(text.into())
        }
        SYMBOL => {
            let id = read_int(buf, 0x20, place.body, place.end)?;
            let sid = table.sid(id, place.body)?;
            Ok(shown(table.text(sid, place.body)?, sid))
        }
        _ => Err(misfit(buf[place.pos], "text")),
    }
}
