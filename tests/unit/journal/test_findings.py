from __future__ import annotations

import pytest

from attacks import findings as independent
from qldb_replay.journal.findings import MEANINGS, SEVERITY, severity_of, verdict_of
from qldb_replay.journal.literals import has_literal
from qldb_replay.lake.verify.result import LOOKED_AT


def test_severities_are_those_of_the_independent_judge():
    assert independent.SEVERITY.items() <= SEVERITY.items()


def test_strict_takes_unexplained_blocks_for_incomplete():
    strict = {code: severity_of(code, strict=True) for code in SEVERITY}
    assert {code for code in SEVERITY if strict[code] != SEVERITY[code]} == {"block-unexplained"}
    assert strict["block-unexplained"] == "incomplete"


def test_what_each_verification_looks_at_is_known_for_every_code_that_it_finds():
    elsewhere = {"late-revision", "destination-mismatch"}
    assert set(LOOKED_AT) == set(MEANINGS) - elsewhere


@pytest.mark.parametrize(
    ("severities", "expected"),
    [
        ([], "pass"),
        (["warning"], "pass"),
        (["warning", "incomplete"], "incomplete"),
        (["incomplete", "fail"], "fail"),
    ],
)
def test_a_verdict_is_the_worst_that_was_found(severities, expected):
    assert verdict_of(severities) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO Person VALUE {'name': 'Ada'}",
        "UPDATE Person SET age = 36",
        "UPDATE Person SET born = `1815-12-10`",
        "UPDATE Person SET alive = FALSE",
        "UPDATE Person SET share = .5",
        "UPDATE \"Person 2\" SET a = ? WHERE b = 'x'",
    ],
)
def test_a_value_in_a_statement_is_a_literal(statement):
    assert has_literal(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "INSERT INTO Person ?",
        "SELECT p.a[0] FROM Person2 AS p WHERE p.b IS NOT NULL -- 'name' 36",
        "UPDATE \"Person 36\" SET a = ? /* 'x' */",
        'SELECT "it\'s" FROM t1 WHERE true_name = ?',
        "SELECT v2.x9 FROM Person AS v2",
    ],
)
def test_parameters_names_and_comments_are_none(statement):
    assert not has_literal(statement)
