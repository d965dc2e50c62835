//! Binary Ion 1.0: walking, hashing, JSON: `qldb_replay.ion`.

pub mod canonical;
pub mod copies;
pub mod evaluate;
pub mod forms;
pub mod framing;
pub mod local_tables;
mod memo;
pub mod scalars;
mod scan;
pub mod stream;
pub mod symbols;
pub mod timestamps;
