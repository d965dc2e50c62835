"""Blocks: the published one, and each of its hashes broken."""

from collections.abc import Callable

import pytest

from qldb_replay.errors import RecordFormatError
from qldb_replay.ion import ion_hash
from qldb_replay.ion.evaluate import Evaluator
from qldb_replay.ion.framing import body_bounds
from qldb_replay.ion.stream import single_value
from qldb_replay.journal import check_block
from qldb_replay.journal.block import Block, read_block
from qldb_replay.journal.fields import Source

Ion = Callable[[str], bytes]

TRANSACTION_INFO = r"""{statements:[{statement:"FROM VehicleRegistration AS r \nWHERE r.VIN =
'1N4AL11D75C109151'\nINSERT INTO r.Owners.SecondaryOwners\n    VALUE { 'PersonId' :
'CMVdR77XP8zAglmmFDGTvt' }",startTime:2019-09-16T19:37:05.302Z,
statementDigest:{{jcgPX2vsOJ0waum4qmDYtn1pCAT9xKNIzA+2k4R+mxA=}}}],
documents:{JUJgkIcNbhS2goq8RqLuZ4:{tableName:"VehicleRegistration",
tableId:"BFJKdXgzt9oF4wjMbuxy4G",statements:[0]}}}""".replace("\n", " ")
BLOCK = f"""{{blockAddress:{{strandId:"KmA3ZZca7vAIiJAK9S5Iwl",sequenceNo:100}},
transactionId:"FnQeJBAicTX0Ah32ZnVtSX",blockTimestamp:2019-09-16T19:37:05.360Z,
blockHash:{{{{NoChM92yKRuJAb/jeLd1VnYn4DHiWIf071ACfic9uHc=}}}},
entriesHash:{{{{l05LOsiKV14SDbuaYnH7uwXzUvqzIwUiRLXGbTyj/nY=}}}},
previousBlockHash:{{{{7kewBXhpdbClcZKxhVmpoMHpUGOJtWQD0iY2LPfZkYA=}}}},
entriesHashList:[{{{{eRSwnmAM7WWANWDd5iGOyK+T4tDXyzUq6HZ/0fgLHos=}}}},
{{{{mHVex/yjHAWjFPpwhBuH2GKXmKJjK2FBa9faqoUVNtg=}}}},
{{{{y5cCBr7pOAIUfsVQ1j0TqtE97b4b4oo1R0vnYyE5wWM=}}}},
{{{{TvTXygML1bMe6NvEZtGkX+KR+W/EJl4qD1mmV77KZQg=}}}}],
transactionInfo:{TRANSACTION_INFO},
revisionSummaries:[{{hash:{{{{mHVex/yjHAWjFPpwhBuH2GKXmKJjK2FBa9faqoUVNtg=}}}},
documentId:"JUJgkIcNbhS2goq8RqLuZ4"}}]}}"""


def read(stream: bytes) -> Block:
    evaluator = Evaluator()
    table, _, start, end = single_value(stream, evaluator)
    body, _ = body_bounds(stream, start, end)
    return read_block(Source(stream, table, evaluator), (start, body, end))


def test_the_block_in_the_aws_clis_examples_verifies(ion: Ion) -> None:
    checks = check_block(ion(BLOCK))
    assert checks.revisions_root_listed
    assert checks.transaction_info_listed
    assert checks.entries_hash_matches
    assert checks.block_hash_matches
    assert checks.redaction_info_hash is None
    assert checks.redaction_info_listed is None


def test_a_block_says_what_its_transaction_did(ion: Ion) -> None:
    block = read(ion(BLOCK))
    assert (block.strand_id, block.sequence_no) == ("KmA3ZZca7vAIiJAK9S5Iwl", 100)
    assert (block.tx_id, block.block_timestamp) == ("FnQeJBAicTX0Ah32ZnVtSX", 1568662625360_000)
    assert block.statements is not None
    ((text, started, digest),) = block.statements
    assert text is not None
    assert text.startswith("FROM VehicleRegistration AS r")
    assert started == 1568662625302_000
    assert digest == ion_hash(ion(TRANSACTION_INFO.split("statement:")[1].split(",startTime")[0]))
    assert block.documents == [
        ("JUJgkIcNbhS2goq8RqLuZ4", "BFJKdXgzt9oF4wjMbuxy4G", "VehicleRegistration", [0])
    ]
    assert block.revision_summaries is not None
    assert block.revision_summaries[0][1] == "JUJgkIcNbhS2goq8RqLuZ4"
    assert block.redactions is None


@pytest.mark.parametrize(
    ("old", "new", "broken"),
    [
        ("NoChM92yKRuJ", "AAAAAAAAAAAA", {"block_hash_matches"}),
        ("7kewBXhpdbCl", "AAAAAAAAAAAA", {"block_hash_matches"}),
        ("l05LOsiKV14S", "AAAAAAAAAAAA", {"block_hash_matches", "entries_hash_matches"}),
        ("eRSwnmAM7WWA", "AAAAAAAAAAAA", {"entries_hash_matches"}),
        ("hash:{{mHVex/yjHAW", "hash:{{AAAAAAAAAAA", {"revisions_root_listed"}),
        ("statements:[0]", "statements:[1]", {"transaction_info_listed"}),
        ("TvTXygML1bMe", "AAAAAAAAAAAA", {"transaction_info_listed", "entries_hash_matches"}),
    ],
)
def test_each_broken_hash_is_told_apart(ion: Ion, old: str, new: str, broken: set[str]) -> None:
    text = BLOCK.replace(old, new, 1)
    assert text != BLOCK
    checks = check_block(ion(text))._asdict()
    assert {name for name, value in checks.items() if value is False} == broken


def test_a_block_that_redacts_lists_what(ion: Ion) -> None:
    info = """{revisions:[{blockAddress:{strandId:"KmA3ZZca7vAIiJAK9S5Iwl",sequenceNo:7},
        tableId:"T",documentId:"D",version:2}]}"""
    block = read(ion(BLOCK[:-1] + f",redactionInfo:{info}}}"))
    assert block.redactions == [("KmA3ZZca7vAIiJAK9S5Iwl", 7, "T", "D", 2)]
    assert block.checks.redaction_info_hash == ion_hash(ion(info))
    assert block.checks.redaction_info_listed is False


def test_absent_fields_are_none(ion: Ion) -> None:
    block = read(ion('{blockAddress:{strandId:"S",sequenceNo:0}}'))
    assert block[2:-1] == (None,) * 10
    assert block.checks == (b"", None, None, None, None, None, False, False)


def test_empty_fields_are_empty(ion: Ion) -> None:
    block = read(
        ion(
            """{blockAddress:{strandId:"S",sequenceNo:0},previousBlockHash:{{}},
            entriesHashList:[{{}}],transactionInfo:{statements:[],documents:{}},
            revisionSummaries:[],redactionInfo:{revisions:[]}}"""
        )
    )
    assert (block.previous_block_hash, block.entries_hash_list) == (b"", [b""])
    assert (block.statements, block.documents) == ([], [])
    assert (block.revision_summaries, block.redactions) == ([], [])


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("statements:[0]", "statements:[-1]", "index of a statement"),
        ("statements:[0]", "statements:[2147483648]", "beyond 32 bits"),
        ("statements:[0]", "statements:0", "no list"),
        ("revisionSummaries:[", "revisionSummaries:[1,", "revision summary is no struct"),
        ("entriesHashList:[", "entriesHashList:[{{aGk=}},", "2 bytes"),
        ("transactionId:", "transactionId:symbol::", "transactionId is no string"),
        ("2019-09-16T19:37:05.360Z", "5", "blockTimestamp is no timestamp"),
        ("sequenceNo:100", "sequenceNo:null", "sequenceNo is missing"),
        ("sequenceNo:100", "strandId:100", "a field twice"),
    ],
)
def test_what_is_no_block_is_refused_by_name(ion: Ion, old: str, new: str, reason: str) -> None:
    assert old in BLOCK
    with pytest.raises(RecordFormatError, match=reason):
        check_block(ion(BLOCK.replace(old, new, 1)))
