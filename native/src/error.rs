//! Errors of bytes, with the text that the Python codec gives them.

use std::borrow::Cow;
use std::fmt;

use arrow_schema::ArrowError;

/// Why bytes are no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Not valid binary Ion 1.0, or beyond the limits set for it (`IonFormatError`).
    Ion {
        /// What is wrong.
        reason: Cow<'static, str>,
        /// Byte position in the buffer at which the format was found broken.
        offset: usize,
    },
    /// Well-formed Ion that is no record of a QLDB stream (`RecordFormatError`).
    Record {
        /// What is wrong.
        reason: Cow<'static, str>,
        /// Byte position in the record of what is wrong or lacks something.
        offset: usize,
    },
}

impl Error {
    /// Makes an error of malformed Ion.
    #[cold]
    pub fn ion(reason: impl Into<Cow<'static, str>>, offset: usize) -> Self {
        Error::Ion { reason: reason.into(), offset }
    }

    /// Makes an error of well-formed Ion that is no record.
    #[cold]
    pub fn record(reason: impl Into<Cow<'static, str>>, offset: usize) -> Self {
        Error::Record { reason: reason.into(), offset }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Error::Ion { reason, offset } | Error::Record { reason, offset }) = self;
        write!(f, "{reason} at offset {offset}")
    }
}

impl std::error::Error for Error {}

/// Why an object cannot be decompressed further (`ArchiveFormatError`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveError {
    /// What is wrong.
    pub reason: Cow<'static, str>,
    /// Position in the stored bytes up to which the object could be read.
    pub offset: usize,
}

impl ArchiveError {
    /// Makes the error.
    #[cold]
    pub fn new(reason: impl Into<Cow<'static, str>>, offset: usize) -> Self {
        ArchiveError { reason: reason.into(), offset }
    }
}

/// Why documents do not become a column.
#[derive(Debug)]
pub enum ColumnError {
    /// A document is not exactly one valid Ion value (`IonFormatError`).
    Ion(Error),
    /// A value does not fit its type (`ValueError`).
    Misfit {
        /// The value's Ion type.
        kind: u8,
        /// What its column holds.
        wanted: &'static str,
    },
    /// A column has more elements or bytes than Arrow's offsets reach.
    TooLong,
    /// The arrays of a struct's fields do not belong together.
    Arrow(ArrowError),
}

impl fmt::Display for ColumnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ColumnError::Ion(error) => error.fmt(f),
            ColumnError::Misfit { kind, wanted } => {
                write!(f, "Ion value of type {kind} in a column of type {wanted}")
            }
            ColumnError::TooLong => f.write_str("column is longer than Arrow's offsets reach"),
            ColumnError::Arrow(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ColumnError {}

impl From<Error> for ColumnError {
    fn from(error: Error) -> Self {
        ColumnError::Ion(error)
    }
}

impl From<ArrowError> for ColumnError {
    fn from(error: ArrowError) -> Self {
        ColumnError::Arrow(error)
    }
}
