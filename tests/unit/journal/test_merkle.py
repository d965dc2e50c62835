"""The hash tree, against what AWS published of the ledger behind its CLI's examples."""

from base64 import b64decode
from hashlib import sha256
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qldb_replay.journal import check_proof, dot, merkle_root

DIGEST = b64decode("6m6BMXobbJKpMhahwVthAEsN6awgnHK62Qq5McGP1Gk=")
REVISION_HASH = b64decode("mHVex/yjHAWjFPpwhBuH2GKXmKJjK2FBa9faqoUVNtg=")
BLOCK_HASH = b64decode("NoChM92yKRuJAb/jeLd1VnYn4DHiWIf071ACfic9uHc=")
ENTRIES_HASH = b64decode("l05LOsiKV14SDbuaYnH7uwXzUvqzIwUiRLXGbTyj/nY=")
PREVIOUS_BLOCK_HASH = b64decode("7kewBXhpdbClcZKxhVmpoMHpUGOJtWQD0iY2LPfZkYA=")
ENTRIES = [
    b64decode("eRSwnmAM7WWANWDd5iGOyK+T4tDXyzUq6HZ/0fgLHos="),
    REVISION_HASH,
    b64decode("y5cCBr7pOAIUfsVQ1j0TqtE97b4b4oo1R0vnYyE5wWM="),
    b64decode("TvTXygML1bMe6NvEZtGkX+KR+W/EJl4qD1mmV77KZQg="),
]
BLOCK_PROOF = [
    b64decode("l3+EXs69K1+rehlqyWLkt+oHDlw4Zi9pCLW/t/mgTPM="),
    b64decode("48CXG3ehPqsxCYd34EEa8Fso0ORpWWAO8010RJKf3Do="),
    b64decode("9UnwnKSQT0i3ge1JMVa+tMIqCEDaOPTkWxmyHSn8UPQ="),
    b64decode("3nW6Vryghk+7pd6wFCtLufgPM6qXHyTNeCb1sCwcDaI="),
    b64decode("Irb5fNhBrNEQ1VPhzlnGT/ZQPadSmgfdtMYcwkNOxoI="),
    b64decode("+3CWpYG/ytf/vq9GidpzSx6JJiLXt1hMQWNnqOy3jfY="),
    b64decode("NPx6cRhwsiy5m9UEWS5JTJrZoUdO2jBOAAOmyZAT+qE="),
]
REVISION_PROOF = [
    b64decode("eRSwnmAM7WWANWDd5iGOyK+T4tDXyzUq6HZ/0fgLHos="),
    b64decode("VV1rdaNuf+yJZVGlmsM6gr2T52QvBO8Lg+KgpjcnWAU="),
    PREVIOUS_BLOCK_HASH,
    *BLOCK_PROOF,
]

hashes = st.binary(min_size=32, max_size=32)


def test_published_entries_give_the_published_hashes() -> None:
    assert merkle_root(ENTRIES) == ENTRIES_HASH
    assert dot(ENTRIES_HASH, PREVIOUS_BLOCK_HASH) == BLOCK_HASH


def test_published_proofs_lead_to_the_published_digest() -> None:
    assert check_proof(BLOCK_HASH, BLOCK_PROOF, DIGEST)
    assert check_proof(REVISION_HASH, REVISION_PROOF, DIGEST)
    assert REVISION_PROOF[1] == dot(ENTRIES[2], ENTRIES[3])


@pytest.mark.parametrize("position", range(len(REVISION_PROOF)))
def test_a_proof_with_one_changed_bit_leads_elsewhere(position: int) -> None:
    changed = bytes([REVISION_PROOF[position][0] ^ 1]) + REVISION_PROOF[position][1:]
    proof = [*REVISION_PROOF[:position], changed, *REVISION_PROOF[position + 1 :]]
    assert not check_proof(REVISION_HASH, proof, DIGEST)


def test_a_proof_of_nothing_proves_nothing() -> None:
    assert not check_proof(b"", [], b"")
    assert check_proof(DIGEST, [], DIGEST)
    assert not check_proof(BLOCK_HASH, [], DIGEST)


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        (b"\x01" * 31 + b"\x80", b"\x00" * 31 + b"\x7f"),
        (b"\x01" * 31 + b"\xff", b"\x00" * 31 + b"\x00"),
        (b"\x01" * 30 + b"\x80\x05", b"\x00" * 30 + b"\x7f\x05"),
        (b"\x00" + b"\x05" * 31, b"\x01" + b"\x05" * 31),
    ],
)
def test_hashes_are_ordered_as_signed_bytes_from_the_last(smaller: bytes, larger: bytes) -> None:
    expected = sha256(smaller + larger).digest()
    assert dot(smaller, larger) == dot(larger, smaller) == expected


@given(hashes, hashes)
def test_the_order_agrees_with_the_definition(left: bytes, right: bytes) -> None:
    def signed(value: bytes) -> list[int]:
        return [byte - 256 if byte > 127 else byte for byte in reversed(value)]

    first, second = sorted((left, right), key=signed)
    assert dot(left, right) == sha256(first + second).digest()


def test_an_empty_hash_leaves_the_other() -> None:
    assert dot(b"", BLOCK_HASH) == dot(BLOCK_HASH, b"") == BLOCK_HASH
    assert dot(b"", b"") == b""


def test_an_odd_last_hash_moves_up() -> None:
    a, b, c, d = ENTRIES
    assert merkle_root([]) == b""
    assert merkle_root([a]) == a
    assert merkle_root([a, b, c]) == dot(dot(a, b), c)
    assert merkle_root([a, b, c, d, a]) == dot(dot(dot(a, b), dot(c, d)), a)


def test_the_order_of_leaves_counts() -> None:
    assert len({merkle_root(leaves) for leaves in permutations(ENTRIES)}) == 3
