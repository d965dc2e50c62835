//! The native codec: archive objects in, Arrow columns out.
//!
//! The Python codec of `qldb_replay` is the readable reference; this one gives the same answers,
//! byte for byte, and a differential suite holds the two against each other.

pub mod archive;
pub mod builders;
pub mod column_builder;
pub mod columns;
pub mod decode;
pub mod error;
pub mod ion;
pub mod journal;
pub mod known_names;
pub mod limits;
pub mod objects;
#[cfg(feature = "python")]
mod python;
pub mod sha256;
pub mod typed;
pub mod typed_names;
pub mod typed_scalars;
pub mod types;
