"""Checking proof files, which need neither lake nor archive, only a digest to be held against.

QLDB: a revision's proof is the hashes that `dot` joins to the revision's hash, one after the other,
up to the digest: siblings among the block's revisions, then among its entries, then the previous
block's hash, where there is one, then the block's siblings in the ledger.

The file (contract, section 3) also has what these hashes are made of, as far as anyone outside QLDB
can remake them, and so more can be checked than a proof alone shows. `check_proof_file` does:

1. the revision's hash recomputes from its metadata and data (or from its dataHash, if redacted),
2. the revision's Ion names the document, version, block and hash that the file names,
3. `entries_hash` is the root over `entries_hash_list`,
4. `block_hash` joins `entries_hash` and `previous_block_hash`,
5. `transaction_info_ion` is one of the entries, by its hash,
6. it has the revision's document in the table of that name; if it names documents at all, it names
   that one,
7. the proof leads from the revision's hash through one of the entries to `block_hash`,
8. it leads on to the digest, by as many hashes as a ledger up to the digest's tip has for this
   block; of an odd block the first of them is `previous_block_hash`,
9. the digest is the one that the reader brought,
10. a deletion, whose hash is that of its metadata alone, is no revision whose data was taken away:
    of that the hash of the data would be what the metadata's is first joined with. `beside` shows
    what that is made of instead; the last pair of the entries has transactionInfo in it, or the
    revisions' root has its place elsewhere.

The block's number is in no hash: it is only held against the length of the proof and the side from
which it begins. What 9 compares with comes from outside. Without it a file that fits proves only
that it fits itself. tools/check_proof.py says the same in the same words, with no code in common.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import accumulate
from typing import NamedTuple

from qldb_replay.errors import IonFormatError, RecordFormatError, UsageError
from qldb_replay.ion.stream import ion_hash
from qldb_replay.journal.digest import path_length
from qldb_replay.journal.fields import struct_fields, text
from qldb_replay.journal.merkle import check_proof, dot, merkle_root
from qldb_replay.journal.proof_file import ProofFile, read_proof_file
from qldb_replay.journal.revision import Revision, read_revision
from qldb_replay.journal.saved import SavedDigest
from qldb_replay.journal.streams import open_stream

NO_TAKEN_DATA = "deletion is no revision without its data"
"""The step that a proof can lack where the archive lacks what is beside the deletion."""


class Step(NamedTuple):
    """One thing that was checked.

    Attributes:
        what: what should be so.
        holds: whether it is.
    """

    what: str
    holds: bool


class ProofVerdict(NamedTuple):
    """What checking a proof file gave.

    Attributes:
        steps: everything that was checked, in order.
        anchored: whether it was held against a digest of the reader's own.
        table_proven: whether the steps cover the table's name, which only a transactionInfo that
            has the document can prove.
    """

    steps: tuple[Step, ...]
    anchored: bool
    table_proven: bool

    @property
    def ok(self) -> bool:
        """Whether every step holds."""
        return all(step.holds for step in self.steps)

    @property
    def failures(self) -> list[str]:
        """What should be so and is not."""
        return [step.what for step in self.steps if not step.holds]

    @property
    def conclusion(self) -> str:
        """The verdict in a few words."""
        if not self.ok:
            return "does not hold"
        return "proven by the digest given" if self.anchored else "consistent, not anchored"


def check_proof_file(document: object, digest: SavedDigest | None) -> ProofVerdict:
    """Checks a proof file, offline.

    Args:
        document: the file's JSON object, as `json.loads` gives it.
        digest: what GetDigest gave the reader, None to see only whether the file fits itself.

    Returns:
        Every step and whether it holds.

    Raises:
        UsageError: no proof file, or a digest that covers another strand or ends at another tip
            and so cannot be compared.
    """
    file = read_proof_file(document)
    if digest is not None and (digest.strand_id, digest.sequence_no) != (
        file.tip_strand_id,
        file.tip_sequence_no,
    ):
        raise UsageError(
            f"the proof leads to the digest of strand {file.tip_strand_id} at block"
            f" {file.tip_sequence_no}, the digest given is of strand {digest.strand_id} at block"
            f" {digest.sequence_no}"
        )
    named, listed = _check_table(file)
    steps = [
        *_check_revision(file),
        Step(
            "entries hash recomputes",
            file.entries_hash == merkle_root(file.entries),
        ),
        Step(
            "block hash recomputes",
            file.block_hash == dot(file.entries_hash, file.previous_block_hash),
        ),
        *listed,
        *_check_path(file),
    ]
    if digest is not None:
        steps.append(Step("digest is the one given", file.digest == digest.digest))
    return ProofVerdict(tuple(steps), digest is not None, named)


def _check_revision(file: ProofFile) -> list[Step]:
    found: Revision | None = None
    # Bytes that are no revision have neither this hash nor these names.
    with suppress(IonFormatError, RecordFormatError):
        found = read_revision(*open_stream(file.revision))
    names = (file.strand_id, file.sequence_no, file.document_id, file.version)
    steps = [
        Step(
            "revision hash recomputes",
            found is not None and found.hash_matches,
        ),
        Step(
            "revision is the one named",
            found is not None and found[:4] == names and found.hash == file.revision_hash,
        ),
    ]
    if found is not None and found.kind == "delete":
        steps.append(Step(NO_TAKEN_DATA, _has_no_data_beside(file)))
    return steps


def _has_no_data_beside(file: ProofFile) -> bool:
    """Whether what a deletion's hash is first joined with is shown not to be the hash of data."""
    if file.revision_hash in file.entries:
        at, last_pair = file.entries.index(file.revision_hash), len(file.entries) - 2
        if len(file.entries) % 2 == 1 or at < last_pair:
            return True
        return file.transaction_info is not None and _is_hash_of(
            file.transaction_info, file.entries[at ^ 1]
        )
    return len(file.beside) == 2 and file.proof[:1] == (dot(*file.beside),)


def _is_hash_of(value: bytes, hashed: bytes) -> bool:
    with suppress(IonFormatError):
        return ion_hash(value) == hashed
    return False


def _check_table(file: ProofFile) -> tuple[bool, list[Step]]:
    """Whether there is proof of the table's name, and the steps about transactionInfo."""
    if file.transaction_info is None:
        return False, []
    listed, is_named, table_name = False, True, None
    # Bytes that are no transactionInfo are no entry either.
    with suppress(IonFormatError, RecordFormatError):
        listed = ion_hash(file.transaction_info) in file.entries
        is_named, table_name = _naming(file.transaction_info, file.document_id)
    steps = [Step("transactionInfo is an entry", listed)]
    if not is_named:
        steps.append(Step("transactionInfo names the document", False))
    if table_name is not None:
        steps.append(Step("transactionInfo names the table", table_name == file.table_name))
    return listed and table_name is not None, steps


def _naming(transaction_info: bytes, document_id: str) -> tuple[bool, str | None]:
    """Whether a transaction may have touched a document, and in which table it says it did."""
    source, field = open_stream(transaction_info)
    documents = struct_fields(source, field, "transactionInfo").get("documents")
    named = {} if documents is None else struct_fields(source, documents, "documents")
    document = named.get(document_id)
    if document is None:
        return not named, None
    name = struct_fields(source, document, "document").get("tableName")
    return True, None if name is None else text(source, name, "tableName")


def _check_path(file: ProofFile) -> list[Step]:
    start = len(file.proof) - _levels_above(file)
    within = file.strand_id == file.tip_strand_id and 0 <= start <= len(file.proof)
    way = [*accumulate(file.proof[: max(start, 0)], dot, initial=file.revision_hash)]
    above = file.proof[max(start, 0) :]
    # QLDB: the sibling of an odd leaf is the block before.
    beside = file.sequence_no % 2 == 0 or above[:1] == (file.previous_block_hash,)
    return [
        Step(
            "proof leads to the block",
            within and way[-1] == file.block_hash and not set(file.entries).isdisjoint(way),
        ),
        Step(
            "proof leads on to the digest",
            within and beside and check_proof(file.block_hash, above, file.digest),
        ),
    ]


def _levels_above(file: ProofFile) -> int:
    """How many hashes lead from the block to the digest; more than there are, beyond the tip."""
    if file.sequence_no > file.tip_sequence_no:
        return len(file.proof) + 1
    return path_length(file.sequence_no, file.tip_sequence_no + 1)
