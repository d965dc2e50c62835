"""A run that breaks off anywhere, with objects arriving meanwhile, and is then repeated."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from program import PROGRAM
from qldb_replay.cli import main
from qldb_replay.lake.delta import Lake
from qldb_replay.lake.files import LakeFiles
from qldb_replay.lake.state import LakeState
from qldb_replay.simulate import SimulateOptions, simulate
from small_spark import SMALL

SPARK = {**SMALL, "spark.driver.memory": "1g"}


class Killed(BaseException):
    """No `except Exception` catches a kill."""


class Deliveries:
    """An archive whose objects arrive one after the other, as old as they are in the whole."""

    def __init__(self, folder: Path, whole: Path) -> None:
        self.archive, self.lake = folder / "archive", folder / "lake"
        self._all = whole
        self._left = sorted(path for path in self._all.rglob("*") if path.is_file())
        self.arrive(1)

    def arrive(self, objects: int | None = None) -> None:
        """Lets some objects arrive, or all that are left."""
        count = len(self._left) if objects is None else objects
        for path in self._left[:count]:
            target = self.archive / path.relative_to(self._all)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
        self._left = self._left[count:]

    def run(self) -> list[str]:
        return ["run", "--archive", str(self.archive), "--lake", str(self.lake)]

    def stages(self) -> list[list[str]]:
        ingest = ["ingest", "--archive", str(self.archive)]
        return [[*stage, "--lake", str(self.lake)] for stage in (ingest, ["rebuild"], ["verify"])]


@pytest.fixture(scope="module")
def in_one_go(tmp_path_factory: pytest.TempPathFactory, spark) -> tuple[Path, Path]:
    """An archive as it is in the end, and the lake that a single run builds from it."""
    folder = tmp_path_factory.mktemp("one-go")
    archive, lake = folder / "archive", folder / "lake"
    options = {"revisions": 200, "tables": ("Person",), "redactions": 1, "duplicates": 0.05}
    simulate(SimulateOptions(out=archive, object_bytes=25_000, **options))
    assert main(["run", "--archive", str(archive), "--lake", str(lake)]) == 0
    return archive, lake


@pytest.fixture
def deliveries(tmp_path: Path, in_one_go) -> Deliveries:
    return Deliveries(tmp_path, in_one_go[0])


@pytest.fixture
def same_as_in_one_go(in_one_go, read_table) -> Callable[[Deliveries], None]:
    """Compares a lake with one that a single run builds from the same archive."""

    def rows(archive: Path, lake: Path, table: str) -> list[str]:
        volatile = ("batch", "run_id")
        found = read_table(lake, table)
        if table == "findings":  # each verification writes its own set
            last = max(row["run_id"] for row in read_table(lake, "runs"))
            found = [row for row in found if row["run_id"] == last]
        return sorted(
            str([(name, row[name]) for name in sorted(row) if name not in volatile]).replace(
                archive.as_uri(), ""
            )
            for row in found
        )

    def check(deliveries: Deliveries) -> None:
        archive, lake = in_one_go
        names = [log.parent.relative_to(lake).as_posix() for log in lake.rglob("_delta_log")]
        assert {"records", "history/Person", "current/Person", "findings"} < set(names)
        for name in set(names) - {"runs"}:
            theirs = rows(deliveries.archive, deliveries.lake, name)
            assert theirs == rows(archive, lake, name), name

    return check


# A kill behind a mark is only a pause: what was written and not yet noted is what matters.
STEPS = (
    (Lake, ("append", "replace", "widen", "overwrite", "merge")),
    (LakeState, ("open", "close")),
)


@pytest.fixture
def mortal(monkeypatch) -> Iterator[set[str]]:
    """Kills the command right after each step that it does for the first time, in any batch."""
    done: set[str] = set()

    def wrapped(name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, *arguments: Any, **named: Any) -> Any:
            result = step(self, *arguments, **named)
            where = [word for word in arguments if isinstance(word, str)]
            this = re.sub(r"\d+", "N", " ".join([name, *where]))
            if "runs" not in where and this not in done:
                done.add(this)
                raise Killed(this)
            return result

        return call

    for owner, names in STEPS:
        for name in names:
            monkeypatch.setattr(owner, name, wrapped(name, getattr(owner, name)))
    yield done
    monkeypatch.undo()


def stutter(deliveries: Deliveries, done: set[str], arriving: tuple[int, ...]) -> int:
    """Repeats each stage until it gets through; returns how often one was killed."""
    kills = 0
    for stage in deliveries.stages():
        while kills < 100:
            if kills in arriving:
                deliveries.arrive(1)
            try:
                code = main(stage)
            except Killed:
                kills += 1
                continue
            assert code in (0, 3)  # records of blocks that are still to arrive are orphans
            break
        else:
            pytest.fail(f"never got through: {sorted(done)}")
    return kills


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_kill_after_any_step_loses_and_repeats_nothing(
    deliveries: Deliveries, mortal: set[str], same_as_in_one_go, monkeypatch, read_table
) -> None:
    kills = stutter(deliveries, mortal, arriving=(1, 2, 4))
    assert {"open", "replace records batch = N", "close", "overwrite revisions"} < mortal
    deliveries.arrive()
    kills += stutter(deliveries, mortal, arriving=())
    assert {"open", "merge objects", "append findings"} < mortal
    monkeypatch.undo()

    same_as_in_one_go(deliveries)
    assert len(read_table(deliveries.lake, "runs")) == kills + 6


def test_a_batch_whose_end_was_noted_is_not_read_again(
    tmp_path, monkeypatch, quiet_command, read_table
) -> None:
    archive, lake = tmp_path / "archive", tmp_path / "lake"
    simulate(SimulateOptions(archive, 80, tables=("Person",), redactions=2, seed=4))
    ingest = ("ingest", "--archive", archive, "--lake", lake)

    def die(self: LakeFiles, name: str) -> None:
        raise Killed(name)

    with monkeypatch.context() as patch:
        patch.setattr(LakeFiles, "delete", die)
        with pytest.raises(Killed):
            quiet_command(*ingest)
    (lake / "_qldb_replay" / "lock.json").unlink(missing_ok=True)
    quiet_command("rebuild", "--lake", lake, "--break-lock")
    taken = sum(row["ion"] is None for row in read_table(lake, "records"))

    assert quiet_command(*ingest)["counts"]["objects"] == 0
    assert sum(row["ion"] is None for row in read_table(lake, "records")) == taken > 0


def seen(lake: Path, *names: str) -> bool:
    return all((lake / name).exists() for name in names)


def first_commit(table: str) -> str:
    return f"{table}/_delta_log/{0:020}.json"


POINTS = [
    (first_commit("records"), first_commit("objects")),
    (first_commit("blocks"), first_commit("revisions")),
    (first_commit("history/Person"), "_qldb_replay/tables/history.json"),
    (first_commit("findings"), "_qldb_replay/tables/findings.json"),
]


def killed_at(deliveries: Deliveries, there: str, not_yet: str) -> None:
    """Starts the command in a process of its own and kills it with all its children."""
    settings = [word for item in SPARK.items() for word in ("--spark", "=".join(item))]
    arguments = [sys.executable, "-c", PROGRAM, *deliveries.run(), *settings]
    process = subprocess.Popen(
        arguments, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while not seen(deliveries.lake, there):
            assert process.poll() is None, f"ended before {there} was written"
            time.sleep(0.005)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not seen(deliveries.lake, not_yet)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_kill_9_at_any_stage_is_survived(
    deliveries: Deliveries, same_as_in_one_go, read_table
) -> None:
    for there, not_yet in POINTS:
        killed_at(deliveries, there, not_yet)
        deliveries.arrive(1)
    deliveries.arrive()

    assert main(deliveries.run()) == 0

    same_as_in_one_go(deliveries)
    ended = [row["ended"] is not None for row in read_table(deliveries.lake, "runs")]
    assert (ended.count(False), ended.count(True)) == (len(POINTS), 1)
