"""Folding sketches into shapes."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qldb_replay.codec.sketch import NOTHING, Shape, fold, merge


def struct(fields):
    return "{" + "".join(f"{len(n.encode())}:{n}{fields[n]}" for n in sorted(fields)) + "}"


NAMES = st.one_of(st.sampled_from(["a", "A", "", "1:", "}", "{0:", "é", "😀"]), st.text(max_size=3))
SKETCHES = st.recursive(
    st.sampled_from("nbijkldeftusyxczw"),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda each: f"[{''.join(sorted(set(each)))}]"),
        st.dictionaries(NAMES, inner, max_size=4).map(struct),
    ),
    max_leaves=12,
)


def leaves(letters):
    return Shape(frozenset(letters))


@pytest.mark.parametrize(
    ("sketches", "shape"),
    [
        ([], NOTHING),
        (["n"], leaves("n")),
        (["i", "j", "i", "s"], leaves("ijs")),
        (["[]"], Shape(element=NOTHING)),
        (["[in]", "[[s]]"], Shape(element=Shape(frozenset("in"), element=leaves("s")))),
        (["{}"], Shape(fields={})),
        (["{1:ai}", "{1:bs}", "{1:an}"], Shape(fields={"a": leaves("in"), "b": leaves("s")})),
        (["{4:1:}{s0:n}"], Shape(fields={"1:}{": leaves("s"), "": leaves("n")})),
        (["{2:éb}"], Shape(fields={"é": leaves("b")})),
        (["[{1:ai}{1:bs}]"], Shape(element=Shape(fields={"a": leaves("i"), "b": leaves("s")}))),
    ],
)
def test_fold(sketches, shape):
    assert fold(sketches) == shape


@settings(deadline=None)
@given(st.lists(SKETCHES, max_size=8), st.randoms(use_true_random=False), st.integers(1, 3))
def test_order_grouping_and_repetition_do_not_matter(sketches, rand, limit):
    whole = fold(sketches, limit)
    mixed = sketches * 2
    rand.shuffle(mixed)
    cut = rand.randint(0, len(mixed))
    left, right = fold(mixed[:cut], limit), fold(mixed[cut:], limit)
    assert merge(left, right, limit) == merge(right, left, limit) == whole
    assert merge(whole, left, limit) == whole
    assert merge(NOTHING, whole, limit) == merge(whole, NOTHING, limit) == whole


@settings(deadline=None)
@given(st.lists(SKETCHES, max_size=6))
def test_text_round_trip(sketches):
    shape = fold(sketches)
    text = shape.to_text()
    assert Shape.from_text(text) == shape
    assert fold(reversed(sketches)).to_text() == text


def test_a_struct_that_becomes_too_wide_stays_so():
    sketches = [struct({f"f{number}": "i"}) for number in range(5)]
    for _ in range(10):
        random.shuffle(sketches)
        shape = fold(sketches, struct_fields=4)
        assert shape == leaves("w")
        assert merge(shape, fold(["{1:as}"]), 4) == leaves("w")
    assert len(fold(sketches, struct_fields=5).fields) == 5


def test_fields_of_one_list_can_be_too_many():
    assert fold(["[{1:ai}{1:bi}]"], struct_fields=1) == Shape(element=leaves("w"))


def test_merging_what_is_known_makes_no_new_shape():
    shape = fold(["{1:a{1:bi}1:c[s]}"])
    assert merge(shape, fold(["{1:a{1:bi}1:c[]}"])) is shape


@pytest.mark.parametrize("text", ["", "q", "ii", "[i", "{", "{1:a", "{1:ai", "{x:ai}", "{9:ai}"])
def test_broken_sketches(text):
    with pytest.raises(ValueError, match="sketch of"):
        fold([text])


@pytest.mark.parametrize(
    "text", ["", "7", '"q"', "[]", "[1]", '["i",7]', '["",null,[]]', '["i",null,7]']
)
def test_broken_shapes(text):
    with pytest.raises(ValueError, match="is not a shape"):
        Shape.from_text(text)
