"""What workers tell of each object, and how it is put together."""

from __future__ import annotations

from qldb_replay.codec import decode_objects
from qldb_replay.lake.outcomes import OUTCOME, ByObject, outcomes_in
from qldb_replay.limits import DEFAULT_LIMITS


def told(*objects: tuple[str, bytes]) -> dict[str, dict[str, object]]:
    """Puts together what the batches of some objects tell, as Spark does."""
    rule = ByObject()
    whole = rule.zero({})
    for batch in decode_objects(((uri, data, None) for uri, data in objects), DEFAULT_LIMITS):
        whole = rule.addInPlace(whole, outcomes_in(batch))
    return whole


def test_each_object_has_one_outcome() -> None:
    found = told(("file:///a", b""), ("file:///b", b"no record at all"))
    assert set(found) == {"file:///a", "file:///b"}
    assert {tuple(row) for row in found.values()} == {OUTCOME}
    assert [found[uri]["quarantined"] for uri in ("file:///a", "file:///b")] == [0, 1]
    assert found["file:///b"]["records"] == 0


def test_an_outcome_that_is_told_again_counts_once() -> None:
    twice = told(("file:///a", b"damaged"), ("file:///a", b"damaged"))
    assert twice == told(("file:///a", b"damaged"))


def test_nothing_is_shared_between_readings() -> None:
    rule = ByObject()
    first = rule.addInPlace(rule.zero({}), told(("file:///a", b"")))
    assert rule.zero(first) == {}
