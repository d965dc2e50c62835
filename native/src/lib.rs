//! The native codec: archive objects in, Arrow columns out.
//!
//! The Python codec of `qldb_replay` is the readable reference; this one gives the same answers,
//! byte for byte, and a differential suite holds the two against each other.

pub mod archive;
pub mod error;
pub mod ion;
pub mod journal;
pub mod limits;
#[cfg(feature = "python")]
mod python;
