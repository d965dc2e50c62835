"""What a command did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from qldb_replay.errors import UsageError
from qldb_replay.journal.findings import FAIL, INCOMPLETE, PASS

EXIT_CODES = {PASS: 0, FAIL: 1, INCOMPLETE: 3}
"""By verdict."""


@dataclass
class Outcome:
    """What a command did.

    Attributes:
        counts: by name.
        lines: what a person reads on stdout.
        exit_code: 0, or what the command judges.
        judged: what the summary says beyond that: `verdict`, `findings` and `strands`.
        refused: why the rest of a command was not begun; what is here stands.
    """

    counts: dict[str, int] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    exit_code: int = 0
    judged: dict[str, Any] = field(default_factory=dict)
    refused: UsageError | None = None
