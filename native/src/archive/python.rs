//! A door for tests: the segments of one object.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::archive::{Kind, ObjectReader};
use crate::error::Error;
use crate::limits::Limits;
use crate::sha256::digest;

type PySegment = (&'static str, u64, u64, Py<PyBytes>, String, i32);

/// Splits an object, with `check` raising for what is no record.
///
/// Gives its compression, its hash, and its segments with the fields of the Python `Segment`.
#[pyfunction]
pub fn read_object(
    py: Python<'_>,
    content: &[u8],
    limits: Limits,
    check: &Bound<'_, PyAny>,
) -> (&'static str, [u8; 32], Vec<PySegment>) {
    let mut reader = ObjectReader::new(content, limits);
    let mut check = |candidate: &[u8]| match check.call1((PyBytes::new(py, candidate),)) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::record(error.to_string(), 0)),
    };
    let mut segments = Vec::new();
    while let Some(segment) = reader.next(&mut check) {
        let data = PyBytes::new(py, &segment.data).unbind();
        let reason = segment.reason.into_owned();
        let kind = name(segment.kind);
        segments.push((kind, segment.offset, segment.length, data, reason, segment.part));
    }
    (reader.compression(), digest(content), segments)
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Record => "record",
        Kind::Framing => "framing",
        Kind::Damage => "damage",
        Kind::Export => "export",
        Kind::Unreadable => "unreadable",
    }
}
