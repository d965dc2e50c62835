"""Digests and proofs that the ledger's owner saved, against the lake. Once given, always compared.

Of a saved revision only its place and hashes are remembered, never its content.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qldb_replay.errors import UsageError
from qldb_replay.journal.saved import BLOCK, SavedDigest, SavedProof
from qldb_replay.journal.saved_check import check_content, check_way
from qldb_replay.journal.verification import BEYOND, MATCH, MISMATCH, UNDECIDABLE, Digest
from qldb_replay.lake.delta import Lake
from qldb_replay.lake.keys import BLOCK_KEYS, REVISION_KEYS
from qldb_replay.lake.verify.found import LAKE
from qldb_replay.lake.verify.strands import Strands, digests_at


@dataclass(frozen=True)
class HeldProof:
    """A saved proof without its content.

    Attributes:
        proof: the answer, `ion` empty.
        failures: what recomputing the content gave when it was there.
    """

    proof: SavedProof
    failures: tuple[str, ...]

    @classmethod
    def of(cls, proof: SavedProof) -> HeldProof:
        """Checks a proof's content and lets go of it."""
        return cls(proof._replace(ion=b""), check_content(proof))


@dataclass(frozen=True)
class Saved:
    """What the ledger's owner saved, each once and in an order of its own.

    Attributes:
        digests: saved digests.
        proofs: saved proofs.
    """

    digests: tuple[SavedDigest, ...] = ()
    proofs: tuple[HeldProof, ...] = ()

    def with_more(self, digests: Iterable[SavedDigest], proofs: Iterable[SavedProof]) -> Saved:
        """Adds what a command was given."""
        held = {*self.proofs, *map(HeldProof.of, proofs)}
        return Saved(
            tuple(sorted({*self.digests, *digests}, key=lambda each: (each[1:], each[0]))),
            tuple(sorted(held, key=lambda each: (_place(each.proof), each.proof.proof))),
        )

    def document(self) -> dict[str, Any]:
        """Gives a JSON object that `read` takes."""
        return {
            "digests": [[_text(each.digest), *each[1:]] for each in self.digests],
            "proofs": [
                {
                    **each.proof._asdict(),
                    "ion": "",
                    "hash": _text(each.proof.hash),
                    "proof": [_text(sibling) for sibling in each.proof.proof],
                    "failures": list(each.failures),
                }
                for each in self.proofs
            ],
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Saved:
        """Reads what `document` gave; an empty object is nothing saved."""
        return cls(
            tuple(SavedDigest(b64decode(d), s, n) for d, s, n in document.get("digests", [])),
            tuple(_held(dict(each)) for each in document.get("proofs", [])),
        )


def _held(fields: dict[str, Any]) -> HeldProof:
    failures = tuple(fields.pop("failures"))
    siblings = tuple(b64decode(each) for each in fields.pop("proof"))
    fields.update(ion=b"", hash=b64decode(fields["hash"]), proof=siblings)
    return HeldProof(SavedProof(**fields), failures)


def _place(proof: SavedProof) -> tuple[Any, ...]:
    document = ("", -1) if proof.document_id is None else (proof.document_id, proof.version)
    return proof.strand_id, proof.sequence_no, *document, proof.hash


def _text(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def check_strands(saved: Saved, strands: Iterable[str]) -> None:
    """Refuses what was saved from another ledger.

    Args:
        saved: what was given or is remembered.
        strands: the strands of the lake.

    Raises:
        UsageError: a digest or proof is of a strand that is not in the lake.
    """
    known = set(strands)
    named = {each.strand_id for each in saved.digests}
    named |= {each.proof.strand_id for each in saved.proofs}
    for strand_id in sorted(named - known):
        raise UsageError(
            f"a saved digest or proof is of strand {strand_id}, which is not in the lake; expected "
            f"one of {', '.join(sorted(known)) or 'none: the lake has no block'}: is it of another "
            "ledger?"
        )


def compare_digests(
    lake: Lake, strands: Strands, saved: Saved
) -> tuple[list[Digest], list[dict[str, Any]]]:
    """Compares saved digests with the lake's blocks up to each one's tip.

    Args:
        lake: the lake.
        strands: all ranges.
        saved: what was saved, of strands of the lake.

    Returns:
        All digests and what comparing them gave, and fields of `FOUND` for those that differ or
        cannot be compared.
    """
    tips = [
        (each.strand_id, each.sequence_no)
        for each in saved.digests
        if each.sequence_no <= _last(strands, each)
    ]
    computed = digests_at(lake, strands, tips)
    compared, found = [], []
    for digest in saved.digests:
        place = digest.strand_id, digest.sequence_no
        outcome, finding = _compare(digest, _last(strands, digest), computed.get(place))
        compared.append(Digest(*place, digest.digest, outcome))
        if finding is not None:
            where = {"strand_id": digest.strand_id, "sequence_no": digest.sequence_no}
            found.append({"unit": LAKE, **where, **finding})
    return compared, found


def _last(strands: Strands, digest: SavedDigest) -> int:
    return strands[digest.strand_id][-1].last.sequence_no


def _compare(
    digest: SavedDigest, last: int, computed: bytes | None
) -> tuple[str, dict[str, Any] | None]:
    tip, expected = digest.sequence_no, digest.digest.hex()
    if tip > last:
        return BEYOND, {
            "code": "tail-missing",
            "sequence_no": last + 1,
            "expected": f"blocks up to {tip}",
            "actual": f"blocks up to {last}",
            "detail": f"a saved digest covers block {tip}, the last one there is block {last}",
        }
    if computed is None:
        detail = f"blocks up to {tip} are missing, so the digest saved there cannot be compared"
        finding = {"code": "digest-undecidable", "expected": expected, "detail": detail}
        return UNDECIDABLE, finding
    if computed == digest.digest:
        return MATCH, None
    return MISMATCH, {
        "code": "digest-mismatch",
        "expected": expected,
        "actual": computed.hex(),
        "detail": f"the saved digest of blocks 0 to {tip} is not that of the blocks in the lake",
    }


def check_proofs(lake: Lake, saved: Saved) -> Iterator[dict[str, Any]]:
    """Folds saved proofs to the saved digests, and compares what they prove with the lake.

    Args:
        lake: the lake.
        saved: what was saved.

    Yields:
        Fields of `FOUND` for each proof that does not hold.

    Raises:
        UsageError: there is no digest of a proof's strand.
    """
    hashes = _hashes_in_lake(lake, [each.proof for each in saved.proofs])
    for held in saved.proofs:
        proof = held.proof
        failures = [*held.failures, *check_way(proof, saved.digests).failures]
        there = hashes.get(_key(proof), proof.hash)
        if there != proof.hash:
            failures.append("what it proves is what the lake has")
        if failures:
            yield {
                "code": "proof-mismatch",
                "unit": LAKE,
                "strand_id": proof.strand_id,
                "sequence_no": proof.sequence_no,
                "document_id": proof.document_id,
                "version": proof.version,
                "expected": proof.hash.hex(),
                "actual": there.hex(),
                "detail": f"of a saved proof does not hold: {'; '.join(failures)}",
            }


def _key(proof: SavedProof) -> tuple[Any, ...]:
    names = BLOCK_KEYS if proof.kind == BLOCK else REVISION_KEYS
    return tuple(getattr(proof, name) for name in names)


def _hashes_in_lake(lake: Lake, proofs: Sequence[SavedProof]) -> dict[tuple[Any, ...], bytes]:
    """Reads the hashes that the lake has of what was saved, by `_key`."""
    found: dict[tuple[Any, ...], bytes] = {}
    for kind, table, columns, hash_name in (
        ("revision", "revisions", list(REVISION_KEYS), "hash"),
        ("block", "blocks", list(BLOCK_KEYS), "block_hash"),
    ):
        keys = [_key(proof) for proof in proofs if proof.kind == kind]
        if not keys:
            continue
        rows = lake.read(table)
        schema = rows.select(*columns).schema
        wanted = lake.spark.createDataFrame(keys, schema).distinct()
        for *key, hash_ in rows.join(wanted, columns).select(*columns, hash_name).collect():
            found[tuple(key)] = bytes(hash_ or b"")
    return found
