from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qldb_replay.simulate import SimulateOptions, Truth, simulate


@dataclass(frozen=True)
class Simulated:
    """An archive on disk, what it was made from, and what is true of it."""

    options: SimulateOptions
    truth: Truth
    counts: dict[str, int]

    def objects(self) -> dict[str, bytes]:
        root = self.options.out
        files = sorted(path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="session")
def make_archive(tmp_path_factory: pytest.TempPathFactory):
    """Writes an archive with the given options into a folder of its own."""

    def make(revisions: int = 300, **options: Any) -> Simulated:
        out: Path = tmp_path_factory.mktemp("simulated") / "archive"
        chosen = SimulateOptions(out=out, revisions=revisions, **options)
        truth = Truth()
        return Simulated(chosen, truth, simulate(chosen, truth))

    return make


@pytest.fixture(scope="session")
def ledger(make_archive) -> Simulated:
    """One archive that most tests only look at."""
    return make_archive(1_500, object_bytes=200_000)
