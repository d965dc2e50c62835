"""Reading what people saved from a ledger while it was there: digests and proofs.

QLDB: GetDigest answers {Digest, DigestTipAddress{IonText}}, GetRevision {Revision{IonText},
Proof{IonText}}, GetBlock the same with Block; a proof is a list of blobs, in the order in which
they are joined. The AWS CLI prints Digest in Base64, JavaScript SDKs an object of numbers. The
console saved {digest, digestTipAddress, ledger, date} in an `.ion.txt`, with the address as text.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, NamedTuple

from qldb_replay.errors import IonFormatError, RecordFormatError, UsageError
from qldb_replay.journal.address import read_address
from qldb_replay.journal.block import read_block
from qldb_replay.journal.fields import (
    HASH_BYTES,
    Field,
    Source,
    hash_value,
    list_of,
    struct_fields,
)
from qldb_replay.journal.merkle import folded
from qldb_replay.journal.revision import read_revision
from qldb_replay.journal.saved_text import Saved, read_values
from qldb_replay.journal.streams import open_stream

REVISION, BLOCK = "revision", "block"


class SavedDigest(NamedTuple):
    """A digest that GetDigest gave.

    Attributes:
        digest: 32 bytes.
        strand_id: strand that it covers.
        sequence_no: number of the last block under it.
    """

    digest: bytes
    strand_id: str
    sequence_no: int


class SavedProof(NamedTuple):
    """A revision or a block with the proof that GetRevision or GetBlock gave.

    Attributes:
        kind: `revision` or `block`.
        strand_id: strand of the block.
        sequence_no: the block's number.
        hash: stored hash of the revision or the block.
        proof: the hashes from there to the digest, whose tip the answer does not name.
        ion: the revision or the block, a binary Ion stream.
        document_id: document of a revision, None of a block.
        version: version of a revision, None of a block.
    """

    kind: str
    strand_id: str
    sequence_no: int
    hash: bytes
    proof: tuple[bytes, ...]
    ion: bytes
    document_id: str | None
    version: int | None

    @property
    def root(self) -> bytes:
        """What the proof leads to."""
        return folded(self.hash, self.proof)


def read_digest(content: str | bytes) -> SavedDigest:
    """Reads what somebody saved from GetDigest, or with the console.

    Args:
        content: the file: JSON or Ion text.

    Returns:
        The digest.

    Raises:
        UsageError: anything else, or several digests; says what was expected and where, never what
            was found.
    """
    values = read_values(content)
    if len(values) != 1:
        raise UsageError(f"expected one digest, found {len(values)} values")
    saved = values[0]
    address = saved.need("DigestTipAddress").ion()
    try:
        strand_id, sequence_no = read_address(*open_stream(address.binary()))
    except (IonFormatError, RecordFormatError) as error:
        raise address.error(error.reason) from None
    return SavedDigest(_digest_bytes(saved.need("Digest")), strand_id, sequence_no)


def _digest_bytes(saved: Saved) -> bytes:
    value: Any = saved.value
    if isinstance(value, Mapping):
        value = _javascript_bytes(saved)
    elif isinstance(value, str):
        try:
            value = b64decode(str(value), validate=True)
        except (binascii.Error, ValueError):
            raise saved.error("expected Base64") from None
    if not isinstance(value, bytes) or len(value) != HASH_BYTES:
        raise saved.error(f"expected {HASH_BYTES} bytes")
    return bytes(value)


def _javascript_bytes(saved: Saved) -> bytes:
    """Bytes as JSON.stringify writes a Buffer, {type, data: [...]}, or a Uint8Array, {"0": ...}."""
    data = saved.get("data")
    if data is not None and isinstance(data.value, list):
        numbers = data.value
    else:
        numbers = [saved.need(str(index)).value for index in range(len(saved.value))]
    try:
        return bytes(numbers)
    except (TypeError, ValueError):
        raise saved.error("expected bytes") from None


def read_proofs(content: str | bytes) -> list[SavedProof]:
    """Reads what somebody saved from GetRevision or GetBlock.

    Args:
        content: the file: one or several answers, in JSON or Ion text.

    Returns:
        The proofs, in their order, at least one.

    Raises:
        UsageError: anything else, or an answer without a proof, which is what QLDB gives where it
            was not asked for one; says what was expected and where, never what was found.
    """
    proofs = [_read_proof(saved) for saved in read_values(content)]
    if not proofs:
        raise UsageError("empty, expected answers of GetRevision or GetBlock")
    return proofs


def _read_proof(saved: Saved) -> SavedProof:
    path = saved.need("Proof").ion()
    if not isinstance(path.value, list):
        raise path.error("expected a list of hashes")
    proof = tuple(
        _hash_bytes(Saved(each, f"{path.place}[{index}]")) for index, each in enumerate(path.value)
    )
    block, revision = saved.get("Block"), saved.get("Revision")
    if (block is None) == (revision is None):
        raise saved.error("expected either Revision or Block")
    value = saved.need("Block" if revision is None else "Revision").ion()
    ion = value.binary()
    try:
        return _proof_of_block(ion, proof) if revision is None else _proof_of_revision(ion, proof)
    except (IonFormatError, RecordFormatError) as error:
        raise value.error(error.reason) from None


def _hash_bytes(saved: Saved) -> bytes:
    if not isinstance(saved.value, bytes) or len(saved.value) not in (0, HASH_BYTES):
        raise saved.error(f"expected a blob of {HASH_BYTES} bytes")
    return bytes(saved.value)


def _proof_of_revision(ion: bytes, proof: tuple[bytes, ...]) -> SavedProof:
    found = read_revision(*open_stream(ion))
    stored = b"" if found.hash is None else found.hash
    strand_id, sequence_no, document_id, version = found[:4]
    return SavedProof(REVISION, strand_id, sequence_no, stored, proof, ion, document_id, version)


def _proof_of_block(ion: bytes, proof: tuple[bytes, ...]) -> SavedProof:
    source, field = open_stream(ion)
    found = read_block(source, field)
    read_revisions(source, field)
    stored = b"" if found.block_hash is None else found.block_hash
    return SavedProof(BLOCK, found.strand_id, found.sequence_no, stored, proof, ion, None, None)


def read_revisions(source: Source, field: Field) -> list[tuple[bytes, bool]] | None:
    """Reads the revisions of a block as GetBlock gives it.

    QLDB: they stand in it as in journal exports, in full and in the order of the tree's leaves; of
    those of system data there is nothing but the hash.

    Args:
        source: where the block is.
        field: offsets of its struct.

    Returns:
        Each one's stored hash, and whether it recomputes as far as that can be told. None for a
        block without revisions.

    Raises:
        IonFormatError: malformed Ion.
        RecordFormatError: not a revision's fields or types.
    """
    listed = list_of(source, struct_fields(source, field, "block").get("revisions"), "revisions")
    if listed is None:
        return None
    found = []
    for each in listed:
        fields = struct_fields(source, each, "revision")
        stored = hash_value(source, fields.get("hash"), "hash")
        matches = fields.keys() == {"hash"} or read_revision(source, each).hash_matches
        found.append((b"" if stored is None else stored, matches))
    return found
