"""CPU seconds and memory of this process and all below it (the JVM, Spark's Python workers)."""

from __future__ import annotations

import os
import threading
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def tree() -> dict[int, list[str]]:
    """Returns the fields of /proc/PID/stat behind the name, of this process and all below it."""
    stats: dict[int, list[str]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                text = (folder / "stat").read_text()
            except OSError:
                continue
            stats[int(folder.name)] = text.rpartition(")")[2].split()
    inside = {os.getpid()}
    grown = True
    while grown:
        more = {pid for pid, fields in stats.items() if int(fields[1]) in inside} - inside
        inside |= more
        grown = bool(more)
    return {pid: stats[pid] for pid in inside if pid in stats}


class Usage:
    """Watches CPU time and memory while a `with` block runs.

    Each process counts for itself as long as it is seen, because Spark's workers come and go and
    not all are waited for by a parent whose time would then include theirs.

    Attributes:
        jvm: most resident bytes of any Java process.
        worker: most resident bytes of any one Python worker.
    """

    def __enter__(self) -> Usage:
        self.jvm = self.worker = 0
        self._ticks: dict[tuple[int, str], int] = {}
        self._look()
        self._before = sum(self._ticks.values())
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    @property
    def cpu(self) -> float:
        """User and system seconds of this process and all below it since the block began."""
        return (sum(self._ticks.values()) - self._before) / TICKS

    def _watch(self) -> None:
        while not self._stop.wait(0.2):
            self._look()

    def _look(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        for pid, fields in tree().items():
            self._ticks[pid, fields[19]] = int(fields[11]) + int(fields[12])
            resident = int(fields[21]) * page
            try:
                name = Path(f"/proc/{pid}/comm").read_text().strip()
            except OSError:
                continue
            if name == "java":
                self.jvm = max(self.jvm, resident)
            elif name.startswith("python") and pid != os.getpid():
                self.worker = max(self.worker, resident)
