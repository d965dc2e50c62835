"""How a benchmark says what it measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any


def told(result: Mapping[str, Any], out: Path | None) -> None:
    """Prints a result with its day as JSON, and writes it into a file where one is named."""
    text = json.dumps({"date": f"{datetime.now(timezone.utc):%Y-%m-%d}", **result}, indent=2)
    print(text)
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")
