"""One writer for each lake: a lock file with a heartbeat.

A killed run leaves its lock behind. The next one takes it over at once where it can see that the
holder's process is gone, else as soon as the heartbeat has stopped for `STALE_SECONDS`.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator

from py4j.protocol import Py4JError

from qldb_replay.errors import StageError, UsageError
from qldb_replay.lake.files import LakeFiles
from qldb_replay.lake.state import FOLDER

NAME = f"{FOLDER}/lock.json"
BEAT_SECONDS = 10.0
STALE_SECONDS = 60.0
_UNKNOWN = {"run_id": "unknown", "host": "unknown", "boot": "", "pid": 0, "beat": None}


@contextlib.contextmanager
def writer_lock(files: LakeFiles, run_id: str) -> Iterator[Callable[[], None]]:
    """Holds the lake for one command.

    Args:
        files: the lake's small files.
        run_id: the run that holds it.

    Yields:
        A guard to call before each write: it raises `StageError` once another run has taken the
        lock, as after a machine slept or by `--break-lock`.

    Raises:
        UsageError: another run holds the lock and its heartbeat goes on.
    """
    _acquire(files, run_id)
    stop = threading.Event()
    beating = threading.Thread(target=_beat, args=(files, run_id, stop), daemon=True)
    beating.start()

    def guard() -> None:
        holder = _holder(files)
        if holder is not _UNKNOWN and (holder or {}).get("run_id") != run_id:
            raise StageError("another run has taken the lake's lock: this one writes no more")

    try:
        yield guard
    finally:
        stop.set()
        beating.join()
        if (_holder(files) or {}).get("run_id") == run_id:
            files.delete(NAME)


def break_lock(files: LakeFiles) -> None:
    """Takes the lock away from whoever holds it (`--break-lock`)."""
    files.delete(NAME)


def _acquire(files: LakeFiles, run_id: str) -> None:
    deadline: float | None = None
    seen: dict[str, object] | None = None
    while not files.create(NAME, _text(run_id)):
        holder = _holder(files)
        if holder is None:
            continue
        if _is_dead(holder):
            _take_from(files, holder)
        elif deadline is None or seen is None:
            seen, deadline = holder, time.monotonic() + STALE_SECONDS
        elif holder is not _UNKNOWN and holder["beat"] != seen["beat"]:
            raise UsageError(
                f"run {holder['run_id']} on {holder['host']} (process {holder['pid']}) is writing "
                "to this lake: wait for it, or take the lock away with --break-lock if it is gone"
            )
        elif time.monotonic() > deadline:
            _take_from(files, holder)
        else:
            time.sleep(1.0)


def _take_from(files: LakeFiles, holder: dict[str, object]) -> None:
    """Takes the lock from a holder that is gone, unless another run was faster."""
    if _holder(files) == holder:
        files.delete(NAME)


def _is_dead(holder: dict[str, object]) -> bool:
    """Says whether the holder ran where its process would be seen, and is gone."""
    if (holder["host"], holder["boot"]) != (socket.gethostname(), _boot_id()):
        return False
    try:
        os.kill(int(str(holder["pid"])), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _boot_id() -> str:
    """Tells one start of the machine (and its process IDs) from the next, where it says so.

    Machines and containers may share a host name, and containers a machine, with process IDs of
    their own each.
    """
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return f"{file.read().strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _beat(files: LakeFiles, run_id: str, stop: threading.Event) -> None:
    while not stop.wait(BEAT_SECONDS):
        # A storage that fails once may answer the next time; the guard judges before each write.
        with contextlib.suppress(Py4JError):
            if (_holder(files) or {}).get("run_id") != run_id:
                return
            # In place: where the lock is gone for a moment, another run takes it.
            files.overwrite(NAME, _text(run_id))


def _holder(files: LakeFiles) -> dict[str, object] | None:
    text = files.read(NAME)
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError:  # half written, by a killed run or at this moment
        found = None
    return found if isinstance(found, dict) and found.keys() >= _UNKNOWN.keys() else _UNKNOWN


def _text(run_id: str) -> str:
    holder = {
        "run_id": run_id,
        "host": socket.gethostname(),
        "boot": _boot_id(),
        "pid": os.getpid(),
        "beat": time.time(),
    }
    return json.dumps(holder)
