"""The judge on what no kind of damage shows: proofs, objects, places, words."""

from __future__ import annotations

import pytest

from attacks.evidence import Archive
from attacks.findings import Finding, verdict
from attacks.judge import judge
from attacks.redactions import has_literal
from attacks.saved import against_digest, against_proof


def test_saved_proofs_lead_to_the_digest(undamaged):
    _, _, digest = undamaged.digest

    assert undamaged.proofs
    for key, proof in undamaged.proofs:
        assert not against_proof(undamaged.archive.revisions[key], proof, digest)


def test_a_proof_of_something_else_is_named(undamaged):
    _, _, digest = undamaged.digest
    (key, proof), (other, _) = undamaged.proofs[:2]
    revision = undamaged.archive.revisions[other]
    place = ("proof-mismatch", "fail", other[0], revision.sequence_no, *other[1:], None, None)

    assert against_proof(revision, proof, digest) == {Finding(*place)}
    assert against_proof(undamaged.archive.revisions[key], proof, b"")


def test_a_block_is_proven_by_the_rest_of_the_proof(undamaged):
    strand_id, _, digest = undamaged.digest
    key, proof = undamaged.proofs[-1]
    sequence_no = undamaged.archive.revisions[key].sequence_no
    block = undamaged.archive.blocks[strand_id, sequence_no]
    rest = proof[proof.index(block.block.previous_block_hash) + 1 :]

    assert not against_proof(block, rest, digest)
    assert against_proof(block, rest[1:], digest) == {
        Finding("proof-mismatch", "fail", strand_id, sequence_no)
    }


def test_a_digest_of_an_earlier_tip_is_compared_there(deliver):
    grown = deliver("unapplied-redaction")
    strand_id, tip, digest = grown.digest

    assert (strand_id, tip + 1) in grown.archive.blocks
    assert not against_digest(grown.archive, strand_id, tip, digest)
    assert against_digest(grown.archive, strand_id, tip + 1, digest) == {
        Finding("digest-mismatch", "fail", strand_id, tip + 1)
    }


def test_a_missing_head_is_missing_from_zero(deliver):
    late = deliver(first_sequence=20)
    strand_id, tip, _ = late.digest
    found = late.findings

    assert {each for each in found if each.document_id is None} == {
        Finding("head-missing", "incomplete", strand_id, 0)
    }
    begun = [each for each in found if each.code == "version-missing"]
    assert begun
    for each in begun:
        assert each.version == 0
        assert (strand_id, each.document_id, 0) not in late.archive.revisions
    assert late.against_digest() == {Finding("digest-undecidable", "incomplete", strand_id, tip)}


def test_ledgers_are_told_apart_by_their_strand(deliver, undamaged):
    other = deliver("forge-block", seed=2)
    both = Archive({**undamaged.objects, **other.objects})

    assert len(both.strands()) == 2
    assert judge(both) == other.findings
    assert not against_digest(both, *undamaged.digest)
    assert against_digest(both, *other.digest) == other.against_digest()


@pytest.mark.parametrize(
    ("verb", "conflict"),
    [
        ("forge-revision", "revision-conflict"),
        ("forge-table-name", "revision-conflict"),
        ("forge-table-id", "revision-conflict"),
        ("disguise-as-deletion", "revision-conflict"),
        ("flip-bit-in-metadata", "revision-conflict"),
        ("flip-bit-in-data", "revision-conflict"),
        ("move-time-back", "block-conflict"),
        ("forge-transaction-id", "block-conflict"),
        ("flip-bit-in-statement", "block-conflict"),
        ("flip-bit-in-entries-list", "block-conflict"),
        ("flip-bit-in-entries-hash", "block-conflict"),
        ("flip-bit-in-block-hash", "block-conflict"),
        ("flip-bit-in-previous-block-hash", "block-conflict"),
        ("strip-summary-ids", "block-conflict"),
        ("fake-redaction-request", "block-conflict"),
        ("fake-redaction", None),
        ("drop-range", None),
    ],
)
def test_a_second_delivery_conflicts_where_it_says_something_else(
    verb, conflict, deliver, undamaged
):
    damaged = deliver(verb)
    second = {f"second/{name}": content for name, content in damaged.objects.items()}
    found = {each.code for each in judge(Archive({**undamaged.objects, **second}))}

    assert (conflict in found) if conflict else not [c for c in found if c.endswith("conflict")]
    assert not found & {"chain-break", "revision-missing", "version-missing", "block-missing"}


def test_a_gap_is_one_finding(deliver, undamaged):
    damaged = deliver("drop-range")
    gone = sorted(undamaged.archive.blocks.keys() - damaged.archive.blocks.keys())

    assert len(gone) == 3
    assert [each for each in damaged.findings if each.code == "block-missing"] == [
        Finding("block-missing", "incomplete", *gone[0])
    ]


def test_an_object_that_could_not_be_fetched_is_named(undamaged):
    found = judge(Archive({**undamaged.objects, "lost": None}))

    assert found == {
        Finding("object-unreadable", "incomplete", None, None, object_uri="lost"),
    }
    assert verdict(found) == "incomplete"


def test_an_export_is_named(undamaged):
    export = b'{"blockAddress":{"strandId":"S","sequenceNo":0}}'
    found = judge(Archive({**undamaged.objects, "export.json": export}))

    assert found == {
        Finding("export-unread", "incomplete", None, None, object_uri="export.json"),
    }


def test_bytes_that_are_no_record_are_named_by_their_place(undamaged):
    found = judge(Archive({**undamaged.objects, "notes.txt": b"these are no records"}))

    assert found == {
        Finding("record-unreadable", "incomplete", None, None, object_uri="notes.txt", offset=0),
    }


@pytest.mark.parametrize(
    ("statement", "literal"),
    [
        ("SELECT * FROM Person AS p WHERE p.GovId = ?", False),
        ('SELECT * FROM "it\'s 5" AS t WHERE t."a\'b" = ?', False),
        ("UPDATE t SET lines[0] = ? WHERE v2 = ?", False),
        ("DELETE FROM t WHERE x IS NULL -- not '5'", False),
        ("/* 'x' */ DELETE FROM t WHERE x = ?", False),
        ("INSERT INTO t << ?, ? >>", False),
        ("UPDATE t SET Name = 'Ann' WHERE id = ?", True),
        ("UPDATE t SET Name = '' WHERE id = ?", True),
        ("UPDATE t SET n = 5", True),
        ("UPDATE t SET n = -.5", True),
        ("UPDATE t SET lines[0] = 1e3", True),
        ("INSERT INTO t VALUE `{a: 1}`", True),
        ("INSERT INTO t VALUE {'Ill': TRUE}", True),
    ],
)
def test_literals_are_told_from_names(statement, literal):
    assert has_literal(statement) is literal
