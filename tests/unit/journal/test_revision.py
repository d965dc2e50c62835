"""Revisions: the published ones, and each kind made from one of them."""

from base64 import b64encode
from collections.abc import Callable

import pytest

from qldb_replay.errors import IonFormatError, RecordFormatError
from qldb_replay.ion import ion_hash
from qldb_replay.ion.evaluate import Evaluator
from qldb_replay.ion.framing import body_bounds
from qldb_replay.ion.stream import single_value
from qldb_replay.journal import dot, revision_hash
from qldb_replay.journal.fields import Source
from qldb_replay.journal.revision import Revision, read_revision

Ion = Callable[[str], bytes]

ADDRESS = 'blockAddress:{strandId:"KmA3ZZca7vAIiJAK9S5Iwl",sequenceNo:100}'
HASH = "mHVex/yjHAWjFPpwhBuH2GKXmKJjK2FBa9faqoUVNtg="
DATA = """{VIN:"1N4AL11D75C109151",LicensePlateNumber:"LEWISR261LL",State:"WA",
    PendingPenaltyTicketAmount:90.25,ValidFromDate:2017-08-21,ValidToDate:2020-05-11,
    Owners:{PrimaryOwner:{PersonId:"BFJKdXhnLRT27sXBnojNGW"},
        SecondaryOwners:[{PersonId:"CMVdR77XP8zAglmmFDGTvt"}]},City:"Everett"}"""
METADATA = """{id:"JUJgkIcNbhS2goq8RqLuZ4",version:3,txTime:2019-09-16T19:37:05.344Z,
    txId:"FnQeJBAicTX0Ah32ZnVtSX"}"""


def read(stream: bytes) -> Revision:
    evaluator = Evaluator()
    table, _, start, end = single_value(stream, evaluator)
    body, _ = body_bounds(stream, start, end)
    return read_revision(Source(stream, table, evaluator), (start, body, end))


def blob(value: bytes) -> str:
    return f"{{{{{b64encode(value).decode()}}}}}"


def test_the_revision_in_the_aws_clis_examples_verifies(ion: Ion) -> None:
    stream = ion(f"{{{ADDRESS},hash:{{{{{HASH}}}}},data:{DATA},metadata:{METADATA}}}")
    found = read(stream)
    assert found.hash_matches
    assert found.kind == "data"
    assert (found.strand_id, found.sequence_no) == ("KmA3ZZca7vAIiJAK9S5Iwl", 100)
    assert (found.document_id, found.version) == ("JUJgkIcNbhS2goq8RqLuZ4", 3)
    assert (found.tx_id, found.tx_time) == ("FnQeJBAicTX0Ah32ZnVtSX", 1568662625344_000)
    assert revision_hash(stream) == found.hash
    assert found.json is not None
    assert '"PendingPenaltyTicketAmount":90.25,"ValidFromDate":"2017-08-21"' in found.json


def test_any_changed_value_breaks_the_hash(ion: Ion) -> None:
    for old, new in (("90.25", "90.250"), ("2017-08-21", "2017-08-22"), ('"WA"', "WA")):
        data = DATA.replace(old, new)
        stream = ion(f"{{{ADDRESS},hash:{{{{{HASH}}}}},data:{data},metadata:{METADATA}}}")
        assert not read(stream).hash_matches


def test_a_redacted_revision_verifies_by_its_data_hash(ion: Ion) -> None:
    data_hash = ion_hash(ion(DATA))
    stream = ion(
        f"{{{ADDRESS},hash:{{{{{HASH}}}}},dataHash:{blob(data_hash)},metadata:{METADATA}}}"
    )
    found = read(stream)
    assert (found.kind, found.hash_matches, found.data_hash) == ("redacted", True, data_hash)
    assert (found.json, found.sketch, found.data) == (None, None, None)


@pytest.mark.parametrize("data", ["", "data:null,", "data:null.struct,"])
def test_a_deletion_has_the_hash_of_its_metadata(ion: Ion, data: str) -> None:
    stored = ion_hash(ion(METADATA))
    found = read(ion(f"{{{ADDRESS},hash:{blob(stored)},{data}metadata:{METADATA}}}"))
    assert (found.kind, found.hash_matches, found.delete_rule) == ("delete", True, None)
    assert found.data_hash is None


@pytest.mark.parametrize(
    ("rule", "value"), [("null", "null"), ("null.struct", "null.struct"), ("empty struct", "{}")]
)
def test_a_deletion_by_another_rule_is_named_and_does_not_match(
    ion: Ion, rule: str, value: str
) -> None:
    stored = dot(ion_hash(ion(METADATA)), ion_hash(ion(value)))
    found = read(ion(f"{{{ADDRESS},hash:{blob(stored)},metadata:{METADATA}}}"))
    assert (found.hash_matches, found.delete_rule) == (False, rule)


def test_taking_the_data_away_makes_no_deletion(ion: Ion) -> None:
    found = read(ion(f"{{{ADDRESS},hash:{{{{{HASH}}}}},metadata:{METADATA}}}"))
    assert (found.kind, found.hash_matches, found.delete_rule) == ("delete", False, None)


def test_a_revision_without_a_hash_does_not_match(ion: Ion) -> None:
    found = read(ion(f"{{{ADDRESS},data:{DATA},metadata:{METADATA}}}"))
    assert (found.hash, found.hash_matches) == (None, False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("5", "no struct"),
        (f"{{hash:{{{{}}}},metadata:{METADATA}}}", "blockAddress is missing"),
        (f"{{{ADDRESS},metadata:null}}", "metadata is missing"),
        (f"{{{ADDRESS},metadata:[]}}", "metadata is no struct"),
        (f"{{{ADDRESS},metadata:{{id:'x',version:1}}}}", "metadata.id is no string"),
        (f'{{{ADDRESS},metadata:{{id:"x"}}}}', "metadata.version is missing"),
        (f'{{{ADDRESS},metadata:{{id:"x",version:-1}}}}', "no int from zero"),
        (f'{{{ADDRESS},metadata:{{id:"x",version:9223372036854775808}}}}', "beyond 64 bits"),
        (f'{{{ADDRESS},metadata:{{id:"x",version:1,txTime:"now"}}}}', "no timestamp"),
        (f"{{{ADDRESS},hash:{{{{aGk=}}}},metadata:{METADATA}}}", "hash has 2 bytes"),
        (f"{{{ADDRESS},hash:1,metadata:{METADATA}}}", "hash is no blob"),
        ('{blockAddress:{strandId:"x"},metadata:{}}', "sequenceNo is missing"),
    ],
)
def test_what_is_no_revision_is_refused_by_name(ion: Ion, text: str, reason: str) -> None:
    with pytest.raises(RecordFormatError, match=reason):
        revision_hash(ion(text))


def test_damage_in_a_field_that_nobody_reads_is_refused(ion: Ion) -> None:
    stream = ion(f'{{{ADDRESS},metadata:{METADATA},other:["mark"]}}')
    revision_hash(stream)
    with pytest.raises(IonFormatError, match="UTF-8"):
        revision_hash(stream.replace(b"mark", b"m\xffrk"))
