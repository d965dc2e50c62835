"""What a lake knows of its own progress."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime, timezone

import pytest

from qldb_replay.errors import UsageError
from qldb_replay.lake.state import FORMAT, LakeState, Plan, PlannedObject
from qldb_replay.storage import StoredObject

MODIFIED = datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=timezone.utc)
PLAN = Plan(
    3,
    (
        PlannedObject(StoredObject('s3://b/ä %2F"\n', 0, MODIFIED, "e-2"), None),
        PlannedObject(StoredObject("file:///a", 1 << 40, MODIFIED, None), b""),
        PlannedObject(StoredObject("file:///b", 1, MODIFIED.replace(microsecond=0), None), b"\0x"),
    ),
)


def test_a_new_lake_is_claimed_once(files) -> None:
    state = LakeState(files)
    assert not state.exists()

    state.claim()
    state.claim()

    assert state.exists()
    assert json.loads(files.read("_qldb_replay/lake.json"))["format"] == FORMAT


def test_a_newer_lake_is_refused_with_both_versions(files) -> None:
    newer = json.dumps({"format": FORMAT + 1, "version": "7.8.9"})
    files.write("_qldb_replay/lake.json", newer)

    with pytest.raises(UsageError, match=rf"format {FORMAT + 1}.*7\.8\.9.*up to {FORMAT}"):
        LakeState(files).claim()

    assert newer == files.read("_qldb_replay/lake.json")


def test_a_plan_comes_back_as_it_was_written(files) -> None:
    LakeState(files).open(PLAN)

    assert LakeState(files).open_plan() == PLAN


def test_an_open_batch_is_planned_but_not_ingested(files) -> None:
    state = LakeState(files)
    assert (state.last_batch(), state.ingested_batch(), state.open_plan()) == (0, 0, None)

    state.open(PLAN)
    assert (state.last_batch(), state.ingested_batch()) == (3, 0)

    state.close(3, records=10)
    assert (state.last_batch(), state.ingested_batch(), state.open_plan()) == (3, 3, None)


def test_the_records_of_all_batches_are_counted_once(files) -> None:
    state = LakeState(files)
    assert state.ingested_records() == 0
    for batch, records in ((1, 10), (2, 0), (3, 5), (3, 5)):
        state.close(batch, records=records)

    assert (state.ingested_batch(), state.ingested_records()) == (3, 15)


def test_a_batch_without_records_is_nothing_to_rebuild(files) -> None:
    state = LakeState(files)
    state.open(Plan(1, ()))
    state.close(1, records=10)
    state.open(Plan(2, ()))
    state.close(2, records=0)

    assert (state.last_batch(), state.ingested_batch(), state.open_plan()) == (2, 1, None)


@pytest.mark.parametrize("written", [0, 1, 2])
def test_no_kill_while_a_plan_is_written_gives_its_number_to_another(
    files, monkeypatch, written: int
) -> None:
    """Delta drops a batch whose number it has seen: its records would be lost without a word."""
    state = LakeState(files)
    state.open(Plan(1, ()))
    state.close(1, records=10)
    write = files.write
    left = iter([write] * written)
    monkeypatch.setattr(files, "write", lambda *given: next(left)(*given))
    with contextlib.suppress(StopIteration):
        state.open(PLAN)
    monkeypatch.setattr(files, "write", write)

    assert (state.open_plan() is not None) == (written == 2)
    assert state.last_batch() == (3 if written else 1)
    assert state.ingested_batch() == 1


@pytest.mark.parametrize("text", ["", '{"batch"'])
def test_a_first_write_that_was_killed_is_no_write(files, text: str) -> None:
    files.write("_qldb_replay/plan.json", text)

    assert LakeState(files).open_plan() is None


def test_marks_are_kept_for_each_table(files) -> None:
    state = LakeState(files)
    assert state.mark("history/Person") == {}

    state.set_mark("history/Person", batch=2, name="Person")
    state.set_mark("history", batch=1)

    assert state.mark("history/Person") == {"batch": 2, "name": "Person"}
    assert state.mark("history") == {"batch": 1}
