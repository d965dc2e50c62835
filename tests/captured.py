"""Records captured from real ledgers, which are not part of the project."""

import os
from pathlib import Path

REAL = Path(
    os.environ.get("QLDB_REPLAY_REAL", Path(__file__).resolve().parents[2] / "shared" / "real")
)
LACKING = f"no real records in {REAL}: set QLDB_REPLAY_REAL to a folder of them"
