//! The module `qldb_replay.codec._native`.

use pyo3::prelude::*;

/// Rust behind `qldb_replay.codec`.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::archive::python::read_object;
}
