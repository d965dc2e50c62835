"""What people saved of their ledgers, in every form that it came in."""

import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qldb_replay.errors import UsageError
from qldb_replay.journal.saved import (
    BLOCK,
    REVISION,
    SavedDigest,
    SavedProof,
    read_digest,
    read_proofs,
)
from qldb_replay.journal.saved_check import check_content, check_way
from qldb_replay.simulate import SimulateOptions, simulate

STRAND = "KmA3ZZca7vAIiJAK9S5Iwl"
BASE64 = "6m6BMXobbJKpMhahwVthAEsN6awgnHK62Qq5McGP1Gk="
DIGEST = SavedDigest(b64decode(BASE64), STRAND, 123)
ADDRESS = f'{{strandId:"{STRAND}",sequenceNo:123}}'
CLI = {"Digest": BASE64, "DigestTipAddress": {"IonText": ADDRESS}}

# Of the AWS CLI's examples of get-revision and get-block.
BLOCK_ADDRESS = f'blockAddress:{{strandId:"{STRAND}",sequenceNo:100}}'
IN_REVISION = [
    "eRSwnmAM7WWANWDd5iGOyK+T4tDXyzUq6HZ/0fgLHos=",
    "VV1rdaNuf+yJZVGlmsM6gr2T52QvBO8Lg+KgpjcnWAU=",
    "7kewBXhpdbClcZKxhVmpoMHpUGOJtWQD0iY2LPfZkYA=",
]
IN_BLOCK = [
    "l3+EXs69K1+rehlqyWLkt+oHDlw4Zi9pCLW/t/mgTPM=",
    "48CXG3ehPqsxCYd34EEa8Fso0ORpWWAO8010RJKf3Do=",
    "9UnwnKSQT0i3ge1JMVa+tMIqCEDaOPTkWxmyHSn8UPQ=",
    "3nW6Vryghk+7pd6wFCtLufgPM6qXHyTNeCb1sCwcDaI=",
    "Irb5fNhBrNEQ1VPhzlnGT/ZQPadSmgfdtMYcwkNOxoI=",
    "+3CWpYG/ytf/vq9GidpzSx6JJiLXt1hMQWNnqOy3jfY=",
    "NPx6cRhwsiy5m9UEWS5JTJrZoUdO2jBOAAOmyZAT+qE=",
]
OWNERS = (
    '{PrimaryOwner:{PersonId:"BFJKdXhnLRT27sXBnojNGW"},'
    'SecondaryOwners:[{PersonId:"CMVdR77XP8zAglmmFDGTvt"}]}'
)
REVISION_ION = (
    f"{{{BLOCK_ADDRESS},hash:{{{{mHVex/yjHAWjFPpwhBuH2GKXmKJjK2FBa9faqoUVNtg=}}}},"
    'data:{VIN:"1N4AL11D75C109151",LicensePlateNumber:"LEWISR261LL",State:"WA",'
    "PendingPenaltyTicketAmount:90.25,ValidFromDate:2017-08-21,ValidToDate:2020-05-11,"
    f'Owners:{OWNERS},City:"Everett"}},metadata:{{id:"JUJgkIcNbhS2goq8RqLuZ4",version:3,'
    'txTime:2019-09-16T19:37:05.344Z,txId:"FnQeJBAicTX0Ah32ZnVtSX"}}'
)
STATEMENT = (
    "FROM VehicleRegistration AS r \\nWHERE r.VIN = '1N4AL11D75C109151'\\n"
    "INSERT INTO r.Owners.SecondaryOwners\\n    VALUE { 'PersonId' : 'CMVdR77XP8zAglmmFDGTvt' }"
)
BLOCK_ION = (
    f'{{{BLOCK_ADDRESS},transactionId:"FnQeJBAicTX0Ah32ZnVtSX",'
    "blockTimestamp:2019-09-16T19:37:05.360Z,"
    "blockHash:{{NoChM92yKRuJAb/jeLd1VnYn4DHiWIf071ACfic9uHc=}},"
    "entriesHash:{{l05LOsiKV14SDbuaYnH7uwXzUvqzIwUiRLXGbTyj/nY=}},"
    "previousBlockHash:{{7kewBXhpdbClcZKxhVmpoMHpUGOJtWQD0iY2LPfZkYA=}},"
    "entriesHashList:[{{eRSwnmAM7WWANWDd5iGOyK+T4tDXyzUq6HZ/0fgLHos=}},"
    "{{mHVex/yjHAWjFPpwhBuH2GKXmKJjK2FBa9faqoUVNtg=}},"
    "{{y5cCBr7pOAIUfsVQ1j0TqtE97b4b4oo1R0vnYyE5wWM=}},"
    "{{TvTXygML1bMe6NvEZtGkX+KR+W/EJl4qD1mmV77KZQg=}}],"
    f'transactionInfo:{{statements:[{{statement:"{STATEMENT}",startTime:2019-09-16T19:37:05.302Z,'
    "statementDigest:{{jcgPX2vsOJ0waum4qmDYtn1pCAT9xKNIzA+2k4R+mxA=}}}],"
    'documents:{JUJgkIcNbhS2goq8RqLuZ4:{tableName:"VehicleRegistration",'
    f'tableId:"BFJKdXgzt9oF4wjMbuxy4G",statements:[0]}}}}}},revisions:[{REVISION_ION}]}}'
)


def path(hashes: list[str]) -> str:
    return f"[{','.join(f'{{{{{each}}}}}' for each in hashes)}]"


def answer(kind: str, ion: str, hashes: list[str]) -> dict[str, Any]:
    return {"Proof": {"IonText": path(hashes)}, kind: {"IonText": ion}}


GET_REVISION = answer("Revision", REVISION_ION, IN_REVISION + IN_BLOCK)
GET_BLOCK = answer("Block", BLOCK_ION, IN_BLOCK)

DIGESTS: dict[str, str | bytes] = {
    "AWS CLI": json.dumps(CLI, indent=4),
    "AWS CLI in bytes": json.dumps(CLI).encode(),
    "PowerShell": json.dumps(CLI).encode("utf-16"),
    "with a byte order mark": json.dumps(CLI).encode("utf-8-sig"),
    "in a list": json.dumps([CLI]),
    "SDK response": json.dumps({"ResponseMetadata": {"HTTPStatusCode": 200}, **CLI}),
    "camel case": json.dumps({"digest": BASE64, "digestTipAddress": {"ionText": ADDRESS}}),
    "JavaScript Buffer": json.dumps(
        {**CLI, "Digest": {"type": "Buffer", "data": list(b64decode(BASE64))}}
    ),
    "JavaScript Uint8Array": json.dumps(
        {**CLI, "$metadata": {}, "Digest": dict(enumerate(b64decode(BASE64)))}
    ),
    "console": json.dumps(
        {
            "digest": BASE64,
            "digestTipAddress": ADDRESS,
            "ledger": "my-ledger",
            "date": "2019-09-16T19:40:26.749Z",
        }
    ),
    "Ion": f"{{Digest:{{{{{BASE64}}}}},DigestTipAddress:{ADDRESS}}}",
    "Ion like JSON": f'{{Digest:"{BASE64}",DigestTipAddress:{{IonText:{json.dumps(ADDRESS)}}}}}',
}


@pytest.mark.parametrize("form", DIGESTS)
def test_a_digest_is_read_in_every_form(form: str) -> None:
    assert read_digest(DIGESTS[form]) == DIGEST


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "empty"),
        (b" \n", "empty"),
        (b"\xff\xfe\xff", "no text"),
        ("{secret", "no JSON from line 1, column 2 on: not readable as Ion text"),
        ('{"Digest":\n"secret"', "no JSON from line 2, column 9 on"),
        ("[" * 100_000, "not readable as"),
        ("1" * 5000, "not readable as JSON|expected an object with DigestTipAddress"),
        ("{}", "expected an object with DigestTipAddress"),
        ("5", "expected an object with DigestTipAddress"),
        (json.dumps([CLI, CLI]), "expected one digest, found 2 values"),
        ('{"a":1,"a":2}', "a field twice"),
        (json.dumps({**CLI, "digest": BASE64}), "Digest: the field is there 2 times"),
        (json.dumps({"DigestTipAddress": CLI["DigestTipAddress"]}), "object with Digest"),
        (json.dumps({**CLI, "Digest": "secret"}), "Digest: expected Base64"),
        (json.dumps({**CLI, "Digest": BASE64[:-4]}), "Digest: expected (32 bytes|Base64)"),
        (json.dumps({**CLI, "Digest": None}), "Digest: expected 32 bytes"),
        (json.dumps({**CLI, "Digest": {"0": 1}}), "Digest: expected 32 bytes"),
        (json.dumps({**CLI, "Digest": {"0": 256}}), "Digest: expected bytes"),
        (json.dumps({**CLI, "Digest": {"secret": 1}}), "Digest: expected an object with 0"),
        (
            json.dumps({**CLI, "DigestTipAddress": {"IonText": "{secret"}}),
            "DigestTipAddress: IonText: not readable as Ion text",
        ),
        (
            json.dumps({**CLI, "DigestTipAddress": "1 2"}),
            "DigestTipAddress: expected one Ion value, found 2",
        ),
        (
            json.dumps({**CLI, "DigestTipAddress": "{strandId:1,sequenceNo:1}"}),
            "DigestTipAddress: strandId is no string",
        ),
        (
            json.dumps({**CLI, "DigestTipAddress": '{strandId:"S",sequenceNo:true}'}),
            "DigestTipAddress: sequenceNo is no int",
        ),
        (
            json.dumps({**CLI, "DigestTipAddress": '{strandId:"S",sequenceNo:-1}'}),
            "DigestTipAddress: sequenceNo is no int from zero",
        ),
        (
            json.dumps({**CLI, "DigestTipAddress": '{strandId:"S"}'}),
            "DigestTipAddress: sequenceNo is missing",
        ),
    ],
)
def test_what_is_no_digest_is_refused_by_name(content: str | bytes, expected: str) -> None:
    with pytest.raises(UsageError, match=expected) as caught:
        read_digest(content)
    assert "secret" not in str(caught.value)


def ion_form(answer: dict[str, Any]) -> str:
    fields = [f"{name}:{each['IonText']}" for name, each in answer.items()]
    return f"{{{','.join(fields)}}}"


PROOFS: dict[str, str | bytes] = {
    "list": json.dumps([GET_REVISION, GET_BLOCK]),
    "lines": f"{json.dumps(GET_REVISION)}\n{json.dumps(GET_BLOCK)}\n",
    "appended": f"{json.dumps(GET_REVISION, indent=4)}\n{json.dumps(GET_BLOCK, indent=4)}",
    "Ion": f"{ion_form(GET_REVISION)}\n{ion_form(GET_BLOCK)}",
    "PowerShell": json.dumps([GET_REVISION, GET_BLOCK], indent=4).encode("utf-16"),
}


def failures_of(proof: SavedProof) -> list[str]:
    return [*check_content(proof), *check_way(proof, [DIGEST]).failures]


@pytest.mark.parametrize("form", PROOFS)
def test_published_proofs_lead_to_the_published_digest(form: str) -> None:
    revision, block = read_proofs(PROOFS[form])
    assert (revision.kind, revision.document_id, revision.version) == (
        REVISION,
        "JUJgkIcNbhS2goq8RqLuZ4",
        3,
    )
    assert (block.kind, block.document_id, block.version) == (BLOCK, None, None)
    for proof in (revision, block):
        assert (proof.strand_id, proof.sequence_no) == (STRAND, 100)
        assert proof.root == DIGEST.digest
        other = DIGEST._replace(sequence_no=99, digest=bytes(32))
        assert check_content(proof) == ()
        assert check_way(proof, [other, DIGEST]) == ((), DIGEST)


@pytest.mark.parametrize(
    ("old", "new", "failures"),
    [
        ('State:"WA"', 'State:"WB"', ["the revision's hash is that of its metadata and data"]),
        ("90.25", "90.250", ["the revision's hash is that of its metadata and data"]),
        ("2017-08-21", "2017-08-21T", None),
        ("2017-08-21", "2017-08T", ["the revision's hash is that of its metadata and data"]),
        ("version:3", "version:4", ["the revision's hash is that of its metadata and data"]),
        ("sequenceNo:100", "sequenceNo:124", ["the proof is one of its block's place"]),
        ("sequenceNo:100", "sequenceNo:101", ["the proof is one of its block's place"]),
        (
            "hash:{{mHVex",
            "hash:{{AAAAA",
            [
                "the revision's hash is that of its metadata and data",
                "the proof leads to a saved digest",
            ],
        ),
    ],
)
def test_a_changed_revision_fails_and_says_how(
    old: str, new: str, failures: list[str] | None
) -> None:
    assert old in REVISION_ION
    changed = REVISION_ION.replace(old, new, 1)
    (proof,) = read_proofs(json.dumps(answer("Revision", changed, IN_REVISION + IN_BLOCK)))
    assert failures_of(proof) == ([] if failures is None else failures)


BLOCK_HASH_FAILS = "the block's hash joins its entries' hash and the previous block's hash"
ENTRIES_FAIL = "the entries' hash is the root over the entries"


@pytest.mark.parametrize(
    ("old", "new", "failures"),
    [
        ("7kewBXhpdbCl", "AAAAAAAAAAAA", {BLOCK_HASH_FAILS}),
        ("l05LOsiKV14S", "AAAAAAAAAAAA", {BLOCK_HASH_FAILS, ENTRIES_FAIL}),
        ("eRSwnmAM7WWA", "AAAAAAAAAAAA", {ENTRIES_FAIL}),
        ("statements:[0]", "statements:[1]", {"the transactionInfo is an entry"}),
        ('State:"WA"', 'State:"WB"', {"each revision's hash is that of its metadata and data"}),
        ("NoChM92yKRuJ", "AAAAAAAAAAAA", {BLOCK_HASH_FAILS, "the proof leads to a saved digest"}),
        ("sequenceNo:100", "sequenceNo:122", {"the proof is one of its block's place"}),
        (
            "revisions:[",
            "revisions:[{hash:{{eRSwnmAM7WWANWDd5iGOyK+T4tDXyzUq6HZ/0fgLHos=}}},",
            {"the root over the revisions is an entry"},
        ),
    ],
)
def test_a_changed_block_fails_and_says_how(old: str, new: str, failures: set[str]) -> None:
    assert old in BLOCK_ION
    (proof,) = read_proofs(json.dumps(answer("Block", BLOCK_ION.replace(old, new, 1), IN_BLOCK)))
    assert set(failures_of(proof)) == failures


def test_without_revisions_a_block_is_checked_all_the_same() -> None:
    text = BLOCK_ION.replace(f"revisions:[{REVISION_ION}]", "revisions:null")
    (proof,) = read_proofs(json.dumps(answer("Block", text, IN_BLOCK)))
    assert failures_of(proof) == []


def test_a_digest_of_another_ledger_cannot_be_compared() -> None:
    (proof,) = read_proofs(json.dumps(GET_REVISION))
    for digests in ([], [DIGEST._replace(strand_id="elsewhere")]):
        with pytest.raises(UsageError, match=f"a digest of strand {STRAND}"):
            check_way(proof, digests)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[]", "empty"),
        ("{}", "expected an object with Proof"),
        (
            [GET_REVISION, {"Revision": {"IonText": "{}"}}],
            "answer 2: expected an object with Proof",
        ),
        ({"Proof": {"IonText": "[]"}}, "expected either Revision or Block"),
        ({**GET_REVISION, **GET_BLOCK}, "expected either Revision or Block"),
        ({**GET_REVISION, "Proof": None}, "Proof: expected a list of hashes"),
        ({**GET_REVISION, "Proof": {"IonText": "{}"}}, "expected a list of hashes"),
        ({**GET_REVISION, "Proof": {"IonText": '["secret"]'}}, r"IonText\[0\]: expected a blob"),
        ({**GET_REVISION, "Proof": {"IonText": "[{{c2VjcmV0}}]"}}, r"\[0\]: expected a blob"),
        (answer("Revision", "{secret:5}", []), "Revision: IonText: blockAddress is missing"),
        (answer("Revision", "secret", []), "Revision: IonText: revision is no struct"),
        (answer("Revision", "{secret", []), "Revision: IonText: not readable as Ion text"),
        (answer("Block", "{secret:5}", []), "Block: IonText: blockAddress is missing"),
        ({**GET_REVISION, "Revision": {"secret": 1}}, "Revision: expected Ion text"),
        (
            answer("Block", f"{{{BLOCK_ADDRESS},revisions:[secret]}}", []),
            "Block: IonText: revision is no struct",
        ),
        (
            answer("Revision", "{a:0001-01-01T00:00:00+01:00}", []),
            "Revision: IonText: not (read|writ)able",
        ),
    ],
)
def test_what_is_no_answer_is_refused_by_name(content: Any, expected: str) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    with pytest.raises(UsageError, match=expected) as caught:
        read_proofs(text)
    assert "secret" not in str(caught.value)


def test_fields_of_documents_may_differ_in_letters_only(ion: Callable[[str], bytes]) -> None:
    text = REVISION_ION.replace("data:{", "data:{vin:1,Revision:2,revision:3,")
    (proof,) = read_proofs(ion_form(answer("Revision", text, [])))
    assert proof.ion == ion(text)


def test_what_the_simulator_saves_checks(tmp_path: Path) -> None:
    simulate(SimulateOptions(out=tmp_path / "archive", revisions=300))
    digest = read_digest((tmp_path / "archive.digest.json").read_bytes())
    proofs = read_proofs((tmp_path / "archive.proofs.json").read_bytes())
    assert len(proofs) == 5
    for proof in proofs:
        assert check_content(proof) == ()
        assert check_way(proof, [digest]) == ((), digest)
