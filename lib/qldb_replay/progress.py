"""Progress on stderr: a bar on a terminal, one line for each step everywhere else."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, TextIO

from tqdm import tqdm

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

POLL_SECONDS = 0.5


class Progress:
    """Tells what a command is doing.

    Args:
        command: the command's name, which begins each line.
        stream: where to write.
    """

    def __init__(self, command: str, stream: TextIO | None = None) -> None:
        self._command = command
        self._stream = stream if stream is not None else sys.stderr
        self._started = time.monotonic()
        self._bar: tqdm | None = None  # type: ignore[type-arg]
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __call__(self, step: str) -> None:
        """Says which step begins now."""
        elapsed = time.monotonic() - self._started
        line = f"qldb-replay {self._command}: {step} ({elapsed:.0f} s)"
        if self._bar is None:
            print(line, file=self._stream, flush=True)
        else:
            self._bar.write(line, file=self._stream)

    def watch(self, spark: SparkSession) -> None:
        """Shows a bar of Spark's tasks until `close`, if this is a terminal."""
        if not self._stream.isatty() or self._thread is not None:
            return
        self._bar = tqdm(file=self._stream, unit="task", leave=False)
        self._thread = threading.Thread(target=self._poll, args=(spark,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Takes the bar away."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _poll(self, spark: SparkSession) -> None:
        tracker = spark.sparkContext.statusTracker()
        while not self._stop.wait(POLL_SECONDS):
            stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
            known = [stage for stage in stages if stage is not None]
            if self._bar is not None:
                self._bar.total = sum(stage.numTasks for stage in known)
                self._bar.n = sum(stage.numCompletedTasks for stage in known)
                self._bar.refresh()
