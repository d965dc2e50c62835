"""What an archive may ask of us: sizes, depths and ratios that an attacker could choose."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True)
class Limits:
    """Limits on everything that archive content controls; beyond them bytes are quarantined.

    Attributes:
        record_bytes: longest record. QLDB documents end at 128 KB and Kinesis records at 1 MiB.
        depth: deepest nesting of Ion containers.
        symbols: largest symbol table, in entries.
        expanded_bytes: most bytes that one object may expand to.
        expansion_ratio: most expanded bytes for each stored byte, once past `expansion_floor`.
        expansion_floor: expanded bytes up to which any ratio is accepted.
        quarantine_bytes: most bytes of one stretch that are kept in `quarantine`.
        struct_fields: most fields of a struct in `data`, more make it a JSON string.
        struct_levels: most levels of nesting in `data`, deeper ones are JSON strings.
    """

    record_bytes: int = 16 * MIB
    depth: int = 200
    symbols: int = 200_000
    expanded_bytes: int = 16 * GIB
    expansion_ratio: int = 200
    expansion_floor: int = 64 * MIB
    quarantine_bytes: int = MIB
    struct_fields: int = 1_000
    struct_levels: int = 20


DEFAULT_LIMITS = Limits()
