//! Binary Ion 1.0: walking, hashing, JSON: `qldb_replay.ion`.

pub mod framing;
