//! From an object's stored bytes to its segments: `qldb_replay.archive`.

mod compression;
mod error_lines;
mod foreign;
mod framer;
mod inflate;
mod json;
mod kpl;
#[cfg(feature = "python")]
pub mod python;
mod reader;
mod records;
mod segments;
mod snappy;
mod window;
mod zip;

pub use reader::{Check, ObjectReader};
pub use segments::{Kind, Segment};
