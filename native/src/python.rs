//! The module `qldb_replay.codec._native`: the native codec as Python sees it.

use std::sync::{Mutex, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, make_array};
use arrow_data::ArrayData;
use arrow_pyarrow::PyArrowType;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::import_exception;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use self_cell::self_cell;

use crate::archive::ObjectReader;
use crate::error::{ColumnError, Error};
use crate::ion::evaluate::Evaluator;
use crate::ion::stream::StreamReader;
use crate::ion::symbols::Source;
use crate::limits::Limits;
use crate::objects::ObjectsDecoder;
use crate::sha256::digest;
use crate::typed;
use crate::types::ColumnType;

import_exception!(qldb_replay.errors, IonFormatError);

/// Deepest nesting that a caller may allow: each level takes some of the thread's stack.
const DEEPEST: usize = 1_000;

/// Takes limits that the native codec can keep.
fn checked(limits: Limits) -> PyResult<Limits> {
    if limits.depth > DEEPEST {
        let message = format!("the native codec goes no deeper than {DEEPEST} containers");
        return Err(PyValueError::new_err(message));
    }
    Ok(limits)
}

self_cell!(
    /// An object's bytes, which stay Python's, and how far they were read.
    struct OpenObject {
        owner: PyBackedBytes,
        #[not_covariant]
        dependent: ObjectReader,
    }
);

/// Decodes objects one after the other; small ones share a batch.
#[pyclass]
struct Decoder {
    limits: Limits,
    objects: ObjectsDecoder,
    /// What a mutex guards may be held by a class that several threads see; it is never locked.
    open: Mutex<Option<OpenObject>>,
}

#[pymethods]
impl Decoder {
    #[new]
    fn new(limits: Limits) -> PyResult<Self> {
        let limits = checked(limits)?;
        Ok(Decoder { limits, objects: ObjectsDecoder::new(limits), open: Mutex::new(None) })
    }

    /// Begins an object: its URI, its stored bytes, and the hash of the content read before.
    fn begin(
        &mut self,
        py: Python<'_>,
        uri: String,
        content: PyBackedBytes,
        known_sha256: Option<PyBackedBytes>,
    ) {
        let Decoder { limits, objects, open } = self;
        let open = open.get_mut().unwrap_or_else(PoisonError::into_inner);
        py.detach(|| {
            let sha256 = known_sha256.as_ref().map(|_| digest(&content));
            let unchanged =
                matches!((&known_sha256, &sha256), (Some(known), Some(found)) if **known == *found);
            let mut object = OpenObject::new(content, |raw| ObjectReader::new(raw, *limits));
            objects.begin(uri, sha256);
            if unchanged {
                object.with_dependent_mut(|_, reader| objects.end(reader, true));
            }
            *open = (!unchanged).then_some(object);
        });
    }

    /// Reads on in the object until a batch is full; gives None when the object has been read.
    fn read(&mut self, py: Python<'_>) -> PyResult<Option<PyArrowType<RecordBatch>>> {
        let Decoder { objects, open, .. } = self;
        let open = open.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(object) = open else { return Ok(None) };
        let batch = py
            .detach(|| object.with_dependent_mut(|_, reader| objects.read(reader)))
            .map_err(to_python)?;
        if batch.is_none() {
            *open = None;
        }
        Ok(batch.map(PyArrowType))
    }

    /// Gives the rows that no batch has taken, None if there are none.
    fn finish(&mut self) -> PyResult<Option<PyArrowType<RecordBatch>>> {
        Ok(self.objects.finish().map_err(to_python)?.map(PyArrowType))
    }

    /// Decodes one record, beside the objects, to a batch of one row; of bytes that are no record
    /// that row is one of quarantine.
    fn decode(&mut self, record: &[u8]) -> PyResult<PyArrowType<RecordBatch>> {
        self.objects.decode(record).map(PyArrowType).map_err(to_python)
    }
}

/// Builds the typed column of an Arrow array of documents.
#[pyfunction]
fn build(
    py: Python<'_>,
    documents: PyArrowType<ArrayData>,
    column: ColumnType,
    limits: Limits,
) -> PyResult<PyArrowType<ArrayData>> {
    let limits = checked(limits)?;
    let documents = make_array(documents.0);
    let Some(documents) = documents.as_binary_opt::<i32>() else {
        let message = format!("documents are of Arrow's type {}", documents.data_type());
        return Err(PyTypeError::new_err(message));
    };
    match py.detach(|| typed::build(documents, &column, limits)) {
        Ok(column) => Ok(PyArrowType(column.into_data())),
        Err(ColumnError::Ion(Error::Ion { reason, offset })) => {
            Err(IonFormatError::new_err((reason, offset)))
        }
        Err(error) => Err(to_python(error)),
    }
}

/// Hash message, JSON text and type sketch of each user value of a stream; raises ValueError with
/// the reason if it is malformed.
#[pyfunction]
fn evaluate<'py>(
    py: Python<'py>,
    stream: &[u8],
    limits: Limits,
) -> PyResult<Vec<(Bound<'py, PyBytes>, String, String)>> {
    let limits = checked(limits)?;
    let (mut evaluator, mut reader) = (Evaluator::new(limits), StreamReader::new(limits));
    let mut position = reader.open(stream).map_err(to_python)?;
    let mut values = Vec::new();
    while let Some(value) = reader.next(&mut evaluator, stream, &mut position).map_err(to_python)? {
        let source = Source { buf: stream, table: &value.table };
        evaluator.evaluate(source, value.start, value.end).map_err(to_python)?;
        let forms = &evaluator.forms;
        let message = PyBytes::new(py, &forms.message);
        let json = forms.json_text().map_err(to_python)?;
        let sketch = forms.sketch_text().map_err(to_python)?;
        values.push((message, json.to_owned(), sketch.to_owned()));
    }
    Ok(values)
}

fn to_python(error: impl std::error::Error) -> PyErr {
    PyValueError::new_err(error.to_string())
}

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::{Decoder, build, evaluate};
    #[pymodule_export]
    use crate::archive::python::read_object;
}
