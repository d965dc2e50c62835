"""Proof files of simulated ledgers, and every way to break one."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs import made_of
from qldb_replay.errors import RecordFormatError, UsageError
from qldb_replay.ion import IonFormatError, ion_hash, to_json
from qldb_replay.journal import merkle_root
from qldb_replay.journal.digest import block_path, subtree_root
from qldb_replay.journal.fields import struct_fields
from qldb_replay.journal.proof import check_proof_file
from qldb_replay.journal.proof_file import COMPUTED, SUPPLIED
from qldb_replay.journal.prove import build_proof, revision_of
from qldb_replay.journal.saved import SavedDigest
from qldb_replay.journal.streams import open_stream, part_of
from qldb_replay.journal.written import redacted_revision
from qldb_replay.simulate import SimulateOptions
from qldb_replay.simulate.ledger import Block, Ledger

BITS = 3


class Simulated(NamedTuple):
    blocks: list[Block]
    digest: SavedDigest

    def proofs(self) -> Iterator[dict[str, Any]]:
        hashes = [block.block_hash for block in self.blocks]
        ranges = [hashes[at : at + 2**BITS] for at in range(0, len(hashes), 2**BITS)]
        roots = [subtree_root(each) for each in ranges]
        for block in self.blocks:
            number = block.sequence_no
            above = block_path(number, BITS, ranges[number >> BITS], roots)
            for revision in block.revisions:
                name, ion = revision_of(revision.record)
                yield build_proof(
                    ion, name, block.record, above, self.digest, COMPUTED, made_of(block)
                )


@cache
def simulated(blocks: int, seed: int = 1, untold: float = 0.0) -> Simulated:
    """A ledger's first blocks; what its whole story redacts is redacted from the beginning on."""
    options = SimulateOptions(out=Path("unused"), revisions=120, seed=seed, untold_share=untold)
    requests = [block.transaction.redaction for block in Ledger(options)]
    redacted = frozenset((each.document_id, each.version) for each in requests if each is not None)
    ledger = Ledger(options, 0, redacted)
    found = [block for block in ledger if block.sequence_no < blocks]
    digest = merkle_root([block.block_hash for block in found])
    return Simulated(found, SavedDigest(digest, ledger.strand_id, len(found) - 1))


@cache
def proofs() -> list[str]:
    return [json.dumps(each) for each in simulated(40).proofs()]


@pytest.mark.parametrize("blocks", range(1, 41))
def test_every_revision_of_a_ledger_of_any_length_has_a_proof_that_checks(blocks: int) -> None:
    ledger = simulated(blocks)
    for document in ledger.proofs():
        document = json.loads(json.dumps(document))
        verdict = check_proof_file(document, ledger.digest)
        assert verdict.ok, verdict.failures
        assert verdict.anchored
        assert verdict.table_proven
        assert verdict.conclusion == "proven by the digest given"


def test_the_proofs_are_of_all_kinds() -> None:
    ledger = simulated(1_000)
    documents = list(ledger.proofs())
    kinds = set()
    for document in documents:
        assert check_proof_file(document, ledger.digest).ok
        revision = json.loads(to_json(b64decode(document["revision"]["ion"])))
        kinds.add(tuple(sorted({"data", "dataHash"} & revision.keys())))
    assert kinds == {("data",), ("dataHash",), ()}
    assert len(documents) == 120


def test_without_a_digest_of_ones_own_a_proof_is_not_anchored() -> None:
    verdict = check_proof_file(json.loads(proofs()[0]), None)
    assert verdict.ok
    assert not verdict.anchored
    assert verdict.conclusion == "consistent, not anchored"


def test_without_transaction_info_the_table_is_not_proven() -> None:
    ledger = simulated(60, untold=0.9)
    verdicts = {}
    for document in ledger.proofs():
        told = document["block"]["transaction_info_ion"] is not None
        verdict = check_proof_file(document, ledger.digest)
        assert verdict.ok
        verdicts[told] = verdict.table_proven
    assert verdicts == {True: True, False: False}


def test_a_digest_of_another_history_is_not_the_proofs() -> None:
    document = json.loads(proofs()[0])
    digest = simulated(40).digest
    other = digest._replace(digest=bytes(32))
    assert check_proof_file(document, other).failures == ["digest is the one given"]
    for changed in (digest._replace(sequence_no=40), digest._replace(strand_id="elsewhere")):
        with pytest.raises(UsageError, match="the digest given is of strand"):
            check_proof_file(document, changed)


BINARY = [
    ("revision", "ion"),
    ("revision", "hash"),
    ("block", "block_hash"),
    ("block", "entries_hash"),
    ("block", "previous_block_hash"),
    ("block", "entries_hash_list"),
    ("block", "transaction_info_ion"),
    ("proof",),
    ("digest",),
]


def flip(document: dict[str, Any], path: tuple[str, ...], draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Changes one bit of a binary field in place; gives the field before and after."""
    *way, key = path
    holder: Any = document
    for name in way:
        holder = holder[name]
    if isinstance(holder[key], list):
        holder, key = holder[key], draw(st.integers(0, len(holder[key]) - 1))
    before = b64decode(holder[key])
    bit = draw(st.integers(0, 8 * len(before) - 1))
    after = bytearray(before)
    after[bit // 8] ^= 1 << bit % 8
    holder[key] = b64encode(after).decode()
    return before, bytes(after)


def means_the_same(before: bytes, after: bytes) -> bool:
    """Whether two Ion streams hold the same value, as where only an unused symbol differs."""
    try:
        return ion_hash(before) == ion_hash(after)
    except IonFormatError:
        return False


@st.composite
def flipped(draw: st.DrawFn) -> tuple[dict[str, Any], bool]:
    """A proof file with one bit changed, and whether the change says nothing."""
    document = json.loads(draw(st.sampled_from(proofs())))
    fields = [path for path in BINARY if path != ("proof",) or document["proof"]]
    if document["block"]["previous_block_hash"] == "":
        fields.remove(("block", "previous_block_hash"))
    path = draw(st.sampled_from(fields))
    before, after = flip(document, path, draw)
    return document, path[-1].endswith("ion") and means_the_same(before, after)


@given(flipped())
def test_no_bit_of_a_proof_can_change(case: tuple[dict[str, Any], bool]) -> None:
    document, same = case
    assert check_proof_file(document, None).ok == same


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (("document_id",), lambda value: value[::-1]),
        (("version",), lambda value: value + 1),
        (("table_name",), lambda value: value + "s"),
        (("block", "strand_id"), lambda value: value[::-1]),
        (("block", "sequence_no"), lambda value: value + 1),
        (("digest_tip", "strand_id"), lambda value: value[::-1]),
        (("digest_tip", "sequence_no"), lambda value: value + 100),
        (("digest_tip", "sequence_no"), lambda value: 0),
        (("proof",), lambda value: value[:-1]),
        (("proof",), lambda value: value[1:]),
        (("proof",), lambda value: []),
        (("proof",), lambda value: [*value, value[0]]),
        (("block", "entries_hash_list"), lambda value: value[1:] + value[:1]),
        (("block", "entries_hash_list"), lambda value: []),
        (("digest",), lambda value: ""),
    ],
)
def test_no_other_field_can_change(path: tuple[str, ...], change: Any) -> None:
    for text in proofs()[5::7]:
        document = json.loads(text)
        holder = document if len(path) == 1 else document[path[0]]
        holder[path[-1]] = change(holder[path[-1]])
        assert not check_proof_file(document, None).ok


def test_bytes_that_are_no_revision_prove_nothing() -> None:
    for ion in (b"", b"\xe0\x01\x00\xea", b"\xe0\x01\x00\xea\x20"):
        document = json.loads(proofs()[0])
        document["revision"]["ion"] = b64encode(ion).decode()
        failures = check_proof_file(document, None).failures
        assert failures == [
            "revision hash recomputes",
            "revision is the one named",
        ]


def remove(document: Any, *path: str) -> None:
    for name in path[:-1]:
        document = document[name]
    del document[path[-1]]


@pytest.mark.parametrize(
    "path",
    [
        ("format",),
        ("document_id",),
        ("version",),
        ("table_name",),
        ("revision",),
        ("revision", "ion"),
        ("revision", "hash"),
        ("block", "strand_id"),
        ("block", "sequence_no"),
        ("block", "entries_hash_list"),
        ("block", "transaction_info_ion"),
        ("proof",),
        ("digest",),
        ("digest_source",),
        ("digest_tip", "sequence_no"),
    ],
)
def test_a_missing_field_is_named(path: tuple[str, ...]) -> None:
    document = json.loads(proofs()[0])
    remove(document, *path)
    with pytest.raises(UsageError, match=f"{'.'.join(path)} is missing"):
        check_proof_file(document, None)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("format",), "qldb-replay/proof/2", "format"),
        (("version",), "0", "version: expected a number"),
        (("version",), True, "version: expected a number"),
        (("version",), -1, "version: expected a number from zero"),
        (("table_name",), None, "table_name: expected text"),
        (("revision",), [], "revision: expected an object"),
        (("revision", "ion"), "secret!", "revision.ion: expected Base64"),
        (("revision", "ion"), "gehäuse=", "revision.ion: expected Base64"),
        (("digest",), "c2VjcmV0", "digest: expected 32 bytes, found 6"),
        (("proof",), {}, "proof: expected a list"),
        (("proof",), [5], r"proof\[0\]: expected Base64"),
        (("digest_source",), "secret", "digest_source: expected supplied or computed"),
    ],
)
def test_what_is_no_proof_file_is_refused_by_name(
    path: tuple[str, ...], value: object, expected: str
) -> None:
    document = json.loads(proofs()[0])
    holder = document if len(path) == 1 else document[path[0]]
    holder[path[-1]] = value
    with pytest.raises(UsageError, match=expected) as caught:
        check_proof_file(document, None)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("document", [None, [], "text", 5])
def test_only_an_object_is_a_proof_file(document: object) -> None:
    with pytest.raises(UsageError, match="content: expected an object"):
        check_proof_file(document, None)


def test_a_redacted_revision_is_proven_without_its_data() -> None:
    ledger = simulated(40)
    written = [(block, each) for block in ledger.blocks for each in block.revisions]
    block, revision = next(each for each in written if each[1].change.data is not None)
    name, ion = revision_of(revision.record)
    source, field = open_stream(ion)
    metadata = part_of(ion, struct_fields(source, field, "revision")["metadata"])
    shown = redacted_revision(
        ledger.digest.strand_id, block.sequence_no, revision.hash, metadata, revision.data_hash
    )
    hashes = [each.block_hash for each in ledger.blocks]
    above = block_path(block.sequence_no, 6, hashes, [subtree_root(hashes)])
    document = build_proof(shown, name, block.record, above, ledger.digest, SUPPLIED, {})
    assert check_proof_file(document, ledger.digest).ok
    said = json.loads(to_json(shown))
    assert list(said) == ["blockAddress", "hash", "dataHash", "metadata"]
    assert said["metadata"] == json.loads(to_json(metadata))
    assert not any(field.encode() in shown for field in revision.change.data if len(field) > 3)


def test_a_block_that_does_not_list_the_revision_makes_no_proof() -> None:
    ledger = simulated(40)
    with_revisions = [block for block in ledger.blocks if block.revisions]
    name, ion = revision_of(with_revisions[0].revisions[0].record)
    with pytest.raises(RecordFormatError, match="does not list"):
        build_proof(ion, name, with_revisions[1].record, [], ledger.digest, COMPUTED, {})


def test_failures_say_which_step_does_not_hold() -> None:
    zero = b64encode(bytes(32)).decode()
    document = json.loads(proofs()[5])
    document["revision"]["hash"] = zero
    assert check_proof_file(document, None).failures == [
        "revision is the one named",
        "proof leads to the block",
    ]
    document = json.loads(proofs()[5])
    document["block"]["entries_hash_list"] = [zero]
    assert check_proof_file(document, None).failures == [
        "entries hash recomputes",
        "transactionInfo is an entry",
        "proof leads to the block",
    ]


def test_the_place_of_an_odd_block_is_held_against_the_block_before() -> None:
    even = next(
        document
        for document in map(json.loads, proofs())
        if document["block"]["sequence_no"] % 2 == 0
        and document["block"]["sequence_no"] < document["digest_tip"]["sequence_no"]
    )
    even["block"]["sequence_no"] += 1
    assert check_proof_file(even, None).failures == [
        "revision is the one named",
        "proof leads on to the digest",
    ]
