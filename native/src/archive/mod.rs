//! From an object's stored bytes to its segments: `qldb_replay.archive`.

mod reader;
mod segments;

pub use reader::{Check, ObjectReader};
pub use segments::{Kind, Segment};
