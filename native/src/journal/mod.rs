//! What records of a QLDB stream mean: `qldb_replay.journal`.

pub mod address;
pub mod block;
pub mod envelope;
pub mod fields;
pub mod hashed;
pub mod merkle;
pub mod revision;
pub mod written;
