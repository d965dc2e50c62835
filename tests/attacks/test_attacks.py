"""Damage and attacks against what a judge finds: verb by verb, and whatever the seed."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from attacks.evidence import Archive
from attacks.findings import SEVERITY, verdict
from attacks.judge import judge
from attacks.table import OBJECT_VERBS, TABLE
from qldb_replay.cli import main
from qldb_replay.errors import UsageError
from qldb_replay.simulate import SimulateOptions, simulate
from qldb_replay.simulate.damage import VERBS

# Everything that delivery may do to a ledger without harming it.
ROUGH = {
    "streams": 2,
    "duplicates": 0.2,
    "disorder": 50,
    "error_share": 0.1,
    "compression": "gzip",
    "object_bytes": 20_000,
}
FOUND_WITHOUT_DIGEST = sorted(
    verb for verb, expected in TABLE.items() if expected.verdict != "pass"
)


def codes(findings):
    return {each.code for each in findings}


def test_the_table_has_every_verb():
    assert set(VERBS) == set(TABLE)
    assert set(TABLE) >= OBJECT_VERBS


@pytest.mark.parametrize("verb", TABLE)
def test_damage_is_found_as_what_it_is(verb, deliver, undamaged):
    damaged = deliver(verb)
    expected = TABLE[verb]

    assert damaged.objects != undamaged.objects
    assert (verdict(damaged.findings), codes(damaged.findings)) == (
        expected.verdict,
        expected.codes,
    )
    assert codes(damaged.against_digest()) == {expected.digest} - {""}
    assert codes(damaged.findings | damaged.against_digest())


@pytest.mark.parametrize("verb", sorted(TABLE.keys() - OBJECT_VERBS))
def test_how_damaged_records_are_delivered_does_not_matter(verb, deliver):
    assert deliver(verb, **ROUGH).findings == deliver(verb).findings


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"seed": 2, "redactions": 4},
        {**ROUGH, "redactions": 4, "seed": 3},
        {"seed": 4, "untold_share": 0.2},
        {"seed": 5, "delimiter": "lf", "kpl": True, "duplicates": 0.5},
    ],
    ids=["plain", "redactions", "rough", "untold", "aggregated"],
)
def test_nothing_speaks_against_an_undamaged_archive(options, deliver):
    delivered = deliver(**options)

    assert verdict(delivered.findings) == "pass"
    assert not delivered.against_digest()
    allowed = set()
    if "redactions" in options:
        # The first stream delivered the data before their redaction was asked for.
        allowed = {"redaction-unapplied"}
    elif "untold_share" in options:
        allowed = {"block-unexplained"}
    assert codes(delivered.findings) == allowed


def test_every_code_is_shown_by_some_test():
    shown = {code for expected in TABLE.values() for code in (*expected.codes, expected.digest)}
    # tests/attacks/test_judge.py
    elsewhere = {"proof-mismatch", "object-unreadable", "export-unread"}

    assert set(SEVERITY) == shown - {""} | elsewhere


@settings(max_examples=40, deadline=None)
@given(
    verb=st.sampled_from(FOUND_WITHOUT_DIGEST),
    seed=st.integers(0, 10_000),
    revisions=st.integers(60, 200),
)
def test_no_seed_hides_damage(verb, seed, revisions, deliver):
    try:
        damaged = deliver(verb, seed=seed, revisions=revisions)
    except UsageError:
        assume(False)  # too small a ledger has nothing for the verb

    if verb in OBJECT_VERBS:
        assert verdict(damaged.findings) != "pass"
    else:
        # What is damaged may be all that told a deletion beside it from data taken away.
        more = codes(damaged.findings) - TABLE[verb].codes
        assert TABLE[verb].codes <= codes(damaged.findings)
        assert more <= {"revision-missing"}
        # At the deletion itself; what is missing elsewhere has no version.
        assert all(each.version is not None for each in damaged.findings if each.code in more)


@settings(max_examples=30, deadline=None)
@given(
    verbs=st.lists(st.sampled_from(sorted(TABLE)), min_size=2, max_size=3),
    seed=st.integers(0, 10_000),
)
def test_verbs_compose(verbs, seed, deliver):
    try:
        damaged = deliver(",".join(verbs), seed=seed, revisions=80)
    except UsageError:
        assume(False)  # one verb took away what another one wants

    judge(damaged.archive)


def test_the_same_options_damage_alike(deliver):
    options = {"damage": "forge-block,drop-range,cut-object", **ROUGH}

    assert deliver(**options).objects == deliver(**options).objects


def test_damage_leaves_the_rest_of_the_ledger_alone(deliver, undamaged):
    damaged = deliver("forge-block")

    assert damaged.digest == undamaged.digest
    assert damaged.proofs == undamaged.proofs
    assert len(damaged.archive.blocks) == len(undamaged.archive.blocks)
    differing = [
        place
        for place, block in undamaged.archive.blocks.items()
        if damaged.archive.blocks[place].hash != block.hash
    ]
    assert len(differing) == 1


def test_an_unknown_verb_is_answered_with_all_of_them(tmp_path, capsys):
    out = tmp_path / "archive"

    assert main(["simulate", "--out", str(out), "--revisions", "9", "--damage", "burn"]) == 2
    message = capsys.readouterr().err
    assert "'burn'" in message
    assert all(verb in message for verb in VERBS)
    assert not out.exists()


def test_damage_is_an_option_of_the_command(tmp_path, deliver, undamaged):
    out = tmp_path / "archive"
    damage = "drop-tail,forge-block"

    arguments = ["simulate", "--out", str(out), "--revisions", "150", "--damage", damage]
    assert main(arguments) == 0
    objects = {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file()
    }
    assert codes(judge(Archive(objects))) >= {"chain-break"}


def test_a_ledger_without_anything_to_damage_is_refused(tmp_path):
    options = SimulateOptions(
        out=tmp_path / "archive", revisions=20, delete_share=0.0, damage=("revive-document",)
    )

    with pytest.raises(UsageError, match="deletion"):
        simulate(options)
