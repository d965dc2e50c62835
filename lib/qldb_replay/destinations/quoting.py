"""Names and strings in SQL text."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256


def quoted(name: str) -> str:
    """Quotes an identifier as standard SQL does.

    Raises:
        ValueError: it has U+0000, which no database takes.
    """
    if "\0" in name:
        raise ValueError("identifier with U+0000")
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quotes a string, for definitions, which take no parameters."""
    if "\0" in text:
        raise ValueError("string with U+0000")
    return "'" + text.replace("'", "''") + "'"


def listed(names: Iterable[str]) -> str:
    """Quotes and lists identifiers."""
    return ", ".join(map(quoted, names))


def short_name(prefix: str, *parts: str) -> str:
    """Makes a name for an index, constraint or trigger that no ledger table's names can collide."""
    return f"ledger_{prefix}_{sha256(chr(0).join(parts).encode()).hexdigest()[:16]}"
