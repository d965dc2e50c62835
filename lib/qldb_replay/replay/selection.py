"""What of a ledger is written to a destination, as its owner chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qldb_replay.journal.redactions import HONOUR


@dataclass(frozen=True)
class Selection:
    """What a destination holds of a ledger. It is the same in every run on a destination.

    Attributes:
        tables: names of the ledger tables, empty for all.
        documents: document IDs, empty for all.
        first: number of the first block, None for the ledger's first.
        renamed: other names in the destination, by name of the ledger table (`--map`).
        redactions: `honour`, or `keep` to write data that was redacted, where the lake kept it.
        columns: whether views show the fields of documents as typed columns.
    """

    tables: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    first: int | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    redactions: str = HONOUR
    columns: bool = False

    def chosen(self) -> str:
        """Says what chose a part of the ledger, empty where all of it is held."""
        parts = [f"tables {', '.join(self.tables)}"] if self.tables else []
        parts += [f"{len(self.documents):,} documents"] if self.documents else []
        parts += [f"blocks from {self.first:,} on"] if self.first is not None else []
        return " · ".join(parts)

    def document(self) -> dict[str, Any]:
        """Returns it as JSON can hold it; what is not chosen is left out."""
        found: dict[str, Any] = {"redactions": self.redactions}
        if self.tables:
            found["tables"] = sorted(self.tables)
        if self.documents:
            found["documents"] = sorted(self.documents)
        if self.first is not None:
            found["first"] = self.first
        if self.renamed:
            found["renamed"] = dict(sorted(self.renamed.items()))
        if self.columns:
            found["columns"] = True
        return found

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Selection:
        """Reads what `document` gave."""
        return cls(
            tuple(document.get("tables", ())),
            tuple(document.get("documents", ())),
            document.get("first"),
            dict(document.get("renamed", {})),
            document.get("redactions", HONOUR),
            document.get("columns", False),
        )
