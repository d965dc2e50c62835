"""JSON in PostgreSQL: it shows what we say, and what it refuses has a substitute."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qldb_replay.destinations import jsonb

numbers = st.one_of(
    st.integers().map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.from_regex(r"\A-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?\Z"),
    st.sampled_from(["-0", "-0.00", "0e5", "1e-16383", "1e131071", "1e131072", "1e-16384"]),
    st.sampled_from(["1e999999999", "-1.5e-999999999", "9" * 20_000, "0." + "1" * 16_384]),
)
texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["\0", "a\0b", "\\u0000", "\x7f", "\x1f", "\u2028", '"', "\\", "/"]
)
documents = st.recursive(
    numbers | texts.map(json.dumps) | st.sampled_from(["null", "true", "false"]),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda each: f"[{','.join(each)}]")
        | st.dictionaries(texts, inner, max_size=4).map(
            lambda each: "{" + ",".join(f"{json.dumps(k)}:{v}" for k, v in each.items()) + "}"
        )
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def connection(server: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server, autocommit=True) as connection:
        yield connection


@settings(max_examples=300)
@given(text=documents)
def test_postgresql_shows_what_we_say_it_shows(connection, text) -> None:
    stored = jsonb.storable(text)
    (row,) = connection.execute("SELECT (%s::jsonb)::text", (stored,))
    assert row[0] == jsonb.shown(text) == jsonb.shown(stored)


@pytest.mark.parametrize("text", ['"a\\u0000b"', '{"\\u0000": 1}', "[1e131072]", "1e-16384"])
def test_what_jsonb_refuses_is_refused_and_has_a_substitute(connection, text) -> None:
    with pytest.raises(psycopg.Error):
        connection.execute("SELECT %s::jsonb", (text,))
    assert jsonb.is_suspect(text)
    connection.execute("SELECT %s::jsonb", (jsonb.storable(text),))


@given(text=documents)
def test_what_is_no_suspect_stays_as_it_is(text) -> None:
    if not jsonb.is_suspect(text):
        assert jsonb.storable(text) is text
