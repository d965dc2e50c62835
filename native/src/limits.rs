//! What an archive may ask of us: `qldb_replay.limits.Limits`, handed over by the caller.

/// Limits on everything that archive content controls; the Python class describes each.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "python", derive(pyo3::FromPyObject))]
pub struct Limits {
    /// Longest record.
    pub record_bytes: usize,
    /// Deepest nesting of Ion containers.
    pub depth: usize,
    /// Largest symbol table, in entries.
    pub symbols: usize,
    /// Most bytes that one object may expand to.
    pub expanded_bytes: u64,
    /// Most expanded bytes for each stored byte, once past `expansion_floor`.
    pub expansion_ratio: u64,
    /// Expanded bytes up to which any ratio is accepted.
    pub expansion_floor: u64,
    /// Most bytes of one stretch that are kept in quarantine.
    pub quarantine_bytes: usize,
    /// Most fields of a struct in `data`.
    pub struct_fields: usize,
    /// Most levels of nesting in `data`.
    pub struct_levels: usize,
}
