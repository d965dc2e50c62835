"""The form of a proof file: which keys, of which types, binary in Base64."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from qldb_replay.errors import UsageError
from qldb_replay.journal.fields import HASH_BYTES

FORMAT = "qldb-replay/proof/1"
SUPPLIED, COMPUTED = "supplied", "computed"


class ProofFile(NamedTuple):
    """What a proof file says. Nothing of it is proven before it was checked.

    Attributes:
        document_id: document.
        version: version of the document, from zero.
        table_name: name of its table.
        revision: binary Ion stream of the revision.
        revision_hash: its hash.
        strand_id: strand of its block.
        sequence_no: its block's number.
        block_hash: hash of the block.
        entries_hash: hash of the block's entries.
        previous_block_hash: hash of the block before, empty where there is none.
        entries: the block's entriesHashList.
        transaction_info: binary Ion stream of the block's transactionInfo, None without one.
        proof: hashes from the revision to the digest.
        digest: the digest.
        digest_source: `supplied` by who had the file made, or `computed` from the lake.
        tip_strand_id: strand of the digest.
        tip_sequence_no: number of the last block under the digest.
        beside: of a deletion, the two hashes that the first one of `proof` is made of, where it is
            another revision's or what several make; empty of all others.
    """

    document_id: str
    version: int
    table_name: str
    revision: bytes
    revision_hash: bytes
    strand_id: str
    sequence_no: int
    block_hash: bytes
    entries_hash: bytes
    previous_block_hash: bytes
    entries: tuple[bytes, ...]
    transaction_info: bytes | None
    proof: tuple[bytes, ...]
    digest: bytes
    digest_source: str
    tip_strand_id: str
    tip_sequence_no: int
    beside: tuple[bytes, ...] = ()

    def document(self) -> dict[str, Any]:
        """Gives the file's JSON object."""
        info = self.transaction_info
        return {
            "format": FORMAT,
            "document_id": self.document_id,
            "version": self.version,
            "table_name": self.table_name,
            "revision": {"ion": _text(self.revision), "hash": _text(self.revision_hash)},
            "block": {
                "strand_id": self.strand_id,
                "sequence_no": self.sequence_no,
                "block_hash": _text(self.block_hash),
                "entries_hash": _text(self.entries_hash),
                "previous_block_hash": _text(self.previous_block_hash),
                "entries_hash_list": [_text(entry) for entry in self.entries],
                "transaction_info_ion": None if info is None else _text(info),
            },
            "proof": [_text(each) for each in self.proof],
            **({"beside": [_text(each) for each in self.beside]} if self.beside else {}),
            "digest": _text(self.digest),
            "digest_source": self.digest_source,
            "digest_tip": {
                "strand_id": self.tip_strand_id,
                "sequence_no": self.tip_sequence_no,
            },
        }


def read_proof_file(document: object) -> ProofFile:
    """Reads a proof file's JSON object.

    Args:
        document: as `json.loads` gives it. Keys that are not known are left alone.

    Returns:
        What it says.

    Raises:
        UsageError: no such object; the message names the key and what was expected.
    """
    top = _Part(document, "")
    if top.get("format") != FORMAT:
        raise UsageError(f'proof file: expected "format": "{FORMAT}"')
    revision, block, tip = top.part("revision"), top.part("block"), top.part("digest_tip")
    source = top.text("digest_source")
    if source not in (SUPPLIED, COMPUTED):
        raise UsageError(f"proof file: digest_source: expected {SUPPLIED} or {COMPUTED}")
    has_info = block.get("transaction_info_ion") is not None
    return ProofFile(
        top.text("document_id"),
        top.number("version"),
        top.text("table_name"),
        revision.binary("ion"),
        revision.hash("hash"),
        block.text("strand_id"),
        block.number("sequence_no"),
        block.hash("block_hash"),
        block.hash("entries_hash"),
        block.hash("previous_block_hash"),
        block.hashes("entries_hash_list"),
        block.binary("transaction_info_ion") if has_info else None,
        top.hashes("proof"),
        top.hash("digest"),
        source,
        tip.text("strand_id"),
        tip.number("sequence_no"),
        top.hashes("beside") if top.has("beside") else (),
    )


class _Part:
    """An object of the file, whose values are asked for by name and type."""

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, Mapping):
            raise UsageError(f"proof file: {place or 'content'}: expected an object")
        self._value = value
        self._prefix = f"{place}." if place else ""

    def get(self, name: str) -> object:
        if name not in self._value:
            raise UsageError(f"proof file: {self._prefix}{name} is missing")
        return self._value[name]

    def has(self, name: str) -> bool:
        return name in self._value

    def part(self, name: str) -> _Part:
        return _Part(self.get(name), self._prefix + name)

    def text(self, name: str) -> str:
        return _of_type(str, self.get(name), self._prefix + name, "text")

    def number(self, name: str) -> int:
        value = _of_type(int, self.get(name), self._prefix + name, "a number")
        if isinstance(value, bool) or value < 0:
            raise UsageError(f"proof file: {self._prefix}{name}: expected a number from zero")
        return value

    def binary(self, name: str) -> bytes:
        return _binary(self.get(name), self._prefix + name)

    def hash(self, name: str) -> bytes:
        return _hash(self.get(name), self._prefix + name)

    def hashes(self, name: str) -> tuple[bytes, ...]:
        place = self._prefix + name
        values = _of_type(list, self.get(name), place, "a list")
        return tuple(_full_hash(each, f"{place}[{index}]") for index, each in enumerate(values))


T = TypeVar("T")


def _of_type(type_: type[T], value: object, place: str, wanted: str) -> T:
    if not isinstance(value, type_):
        raise UsageError(f"proof file: {place}: expected {wanted}")
    return value


def _text(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def _binary(value: object, place: str) -> bytes:
    try:
        return b64decode(_of_type(str, value, place, "Base64"), validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(f"proof file: {place}: expected Base64") from None


def _full_hash(value: object, place: str) -> bytes:
    """Reads a hash of several: an empty one would let its neighbour stand for both."""
    found = _hash(value, place)
    if not found:
        raise UsageError(f"proof file: {place}: expected {HASH_BYTES} bytes, found none")
    return found


def _hash(value: object, place: str) -> bytes:
    found = _binary(value, place)
    if len(found) not in (0, HASH_BYTES):
        raise UsageError(f"proof file: {place}: expected {HASH_BYTES} bytes, found {len(found)}")
    return found
