"""How a benchmark says what it measured."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any


def told(result: Mapping[str, Any], out: Path | None) -> None:
    """Prints a result with its day as JSON, and writes it into a file where one is named."""
    text = json.dumps({"date": f"{datetime.now(timezone.utc):%Y-%m-%d}", **result}, indent=2)
    print(text)
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")


def middle(values: Iterable[float]) -> float:
    """Returns the median, with the digits that are shown."""
    return float(f"{statistics.median(values):.3g}")
