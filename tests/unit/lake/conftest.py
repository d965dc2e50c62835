from __future__ import annotations

from pathlib import Path

import pytest


class FolderFiles:
    """What `LakeFiles` does, on a folder and without Spark."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, name: str) -> str | None:
        path = self.root / name
        return path.read_text(encoding="utf-8") if path.exists() else None

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def overwrite(self, name: str, text: str) -> None:
        self.write(name, text)

    def create(self, name: str, text: str) -> bool:
        if (self.root / name).exists():
            return False
        self.write(name, text)
        return True

    def delete(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)


@pytest.fixture
def files(tmp_path: Path) -> FolderFiles:
    return FolderFiles(tmp_path / "lake")
