//! What records of a QLDB stream mean: `qldb_replay.journal`.
