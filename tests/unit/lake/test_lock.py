"""One writer for each lake."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from qldb_replay.errors import StageError, UsageError
from qldb_replay.lake import lock
from qldb_replay.lake.lock import break_lock, writer_lock

HOLDER = {"run_id": "other", "host": "elsewhere", "boot": "b", "pid": 1, "beat": 1.0}


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(
        time=time.time, monotonic=time.monotonic, sleep=lambda seconds: time.sleep(seconds / 100)
    )
    monkeypatch.setattr(lock, "time", clock)
    monkeypatch.setattr(lock, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(lock, "STALE_SECONDS", 0.3)


def held(files, **changes: object) -> None:
    files.write(lock.NAME, json.dumps({**HOLDER, **changes}))


def holder(files) -> dict[str, object]:
    """What the lock says, read as the lock's own code reads it: again where a beat halves it."""
    while (found := lock._holder(files)) is lock._UNKNOWN:
        time.sleep(0.001)
    return found


def test_the_lock_is_there_while_it_is_held_and_gone_afterwards(files) -> None:
    with writer_lock(files, "mine"):
        assert holder(files)["run_id"] == "mine"

    assert files.read(lock.NAME) is None


def test_the_lock_is_given_back_when_the_work_fails(files) -> None:
    with pytest.raises(KeyError), writer_lock(files, "mine"):
        raise KeyError

    assert files.read(lock.NAME) is None


def test_the_heart_beats(files) -> None:
    with writer_lock(files, "mine"):
        first = holder(files)["beat"]
        time.sleep(0.2)
        assert holder(files)["beat"] > first


def test_a_living_holder_is_named_and_left_alone(files) -> None:
    with writer_lock(files, "first"):
        with (
            pytest.raises(UsageError, match=rf"run first on .* \(process {os.getpid()}\).*break"),
            writer_lock(files, "second"),
        ):
            pytest.fail("two writers")
        assert holder(files)["run_id"] == "first"


def test_a_holder_elsewhere_whose_heart_stopped_is_replaced_after_a_while(files) -> None:
    held(files)
    began = time.monotonic()

    with writer_lock(files, "mine"):
        assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', '{"run_id": "half"}'])
def test_a_lock_that_a_kill_left_half_written_is_replaced_after_a_while(files, text: str) -> None:
    files.write(lock.NAME, text)

    with writer_lock(files, "mine"):
        assert holder(files)["run_id"] == "mine"


def test_a_dead_process_of_this_machine_is_replaced_at_once(files, monkeypatch) -> None:
    monkeypatch.setattr(lock, "STALE_SECONDS", 60.0)
    print_pid = [sys.executable, "-c", "import os; print(os.getpid())"]
    gone = subprocess.run(print_pid, capture_output=True, check=True)
    held(files, host=socket.gethostname(), boot=lock._boot_id(), pid=int(gone.stdout))
    began = time.monotonic()

    with writer_lock(files, "mine"):
        assert time.monotonic() - began < 10


def test_a_dead_runs_lock_that_another_took_meanwhile_is_left_alone(files, monkeypatch) -> None:
    held(files)
    dead = lock._holder(files)
    held(files, run_id="faster")

    lock._take_from(files, dead)

    assert holder(files)["run_id"] == "faster"


def test_a_process_of_another_start_or_container_is_waited_for(files) -> None:
    """Host names repeat, so that its process is not seen here proves nothing."""
    held(files, host=socket.gethostname(), boot="another", pid=2**22 + 1)
    began = time.monotonic()

    with writer_lock(files, "mine"):
        assert time.monotonic() - began >= 0.3


def test_who_lost_the_lock_does_not_take_it_from_the_new_holder(files) -> None:
    with writer_lock(files, "first") as guard:
        guard()
        break_lock(files)
        held(files, run_id="second")
        time.sleep(0.1)
        with pytest.raises(StageError, match="writes no more"):
            guard()
        assert holder(files)["run_id"] == "second"

    assert holder(files)["run_id"] == "second"


def test_the_lock_never_vanishes_while_the_heart_beats(files, monkeypatch) -> None:
    """A second run that asks just then would take it."""
    monkeypatch.setattr(lock, "BEAT_SECONDS", 0.0)
    deleted: list[str] = []
    monkeypatch.setattr(files, "delete", deleted.append)
    with writer_lock(files, "mine"):
        for _ in range(1_000):
            assert files.read(lock.NAME) is not None
        assert not deleted
