//! From an object's stored bytes to its segments: `qldb_replay.archive`.
