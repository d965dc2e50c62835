"""Making proof files: all that is needed to believe one revision, in one JSON object.

QLDB: a revision's proof is what `dot` joins to the revision's hash on the way to the digest: its
siblings among the block's revisions, their root's siblings among the entries, the previous block's
hash, where there is one, then the block's siblings in the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qldb_replay.errors import RecordFormatError
from qldb_replay.journal.block import read_block
from qldb_replay.journal.digest import siblings
from qldb_replay.journal.envelope import read_envelope, read_revision_details
from qldb_replay.journal.fields import required, struct_fields
from qldb_replay.journal.merkle import dot, level_above
from qldb_replay.journal.proof_file import ProofFile
from qldb_replay.journal.revision import read_revision
from qldb_replay.journal.saved import SavedDigest
from qldb_replay.journal.streams import open_stream, part_of


def build_proof(
    revision: bytes,
    table_name: str,
    block: bytes,
    above: Sequence[bytes],
    digest: SavedDigest,
    source: str,
    made_of: Mapping[bytes, tuple[bytes, bytes]],
) -> dict[str, Any]:
    """Makes the proof file of a revision.

    Args:
        revision: binary Ion stream of the revision, as `revision_of` or `redacted_revision` gives
            it.
        table_name: name of its table.
        block: exact BLOCK_SUMMARY record of its block.
        above: hashes from the block to the digest, as `block_path` gives them.
        digest: the digest that they lead to.
        source: `supplied` or `computed`.
        made_of: for a deletion, the hashes of metadata and data of other revisions in its block, by
            the revision's hash.

    Returns:
        The file's JSON object. Whether it proves anything is for `check_proof_file` to say: what is
        wrong in an archive goes into the file as it is.

    Raises:
        IonFormatError: malformed Ion.
        RecordFormatError: no revision, no block, a block without the hashes that a proof is made
            of, or one that does not list the revision or has no entry for its revisions.
    """
    opened, field = open_stream(revision)
    found = read_revision(opened, field)
    record, at = open_stream(block)
    payload = read_envelope(record, at).payload
    summary = read_block(record, payload)
    entries = required(summary.entries_hash_list, "entriesHashList", payload[0])
    leaves = [b"" if leaf is None else leaf for leaf, _ in summary.revision_summaries or []]
    stored = required(found.hash, "hash", field[0])
    root = summary.checks.revisions_root
    if stored not in leaves or root not in entries:
        raise RecordFormatError("block that does not list the revision", payload[0])
    previous = b"" if summary.previous_block_hash is None else summary.previous_block_hash
    info = struct_fields(record, payload, "block").get("transactionInfo")
    beside = siblings(leaves, leaves.index(stored))
    joined = {**_joined(leaves), **made_of} if found.kind == "delete" else {}
    return ProofFile(
        found.document_id,
        found.version,
        table_name,
        revision,
        stored,
        summary.strand_id,
        summary.sequence_no,
        required(summary.block_hash, "blockHash", payload[0]),
        required(summary.entries_hash, "entriesHash", payload[0]),
        previous,
        tuple(entries),
        None if info is None else part_of(block, info),
        (
            *beside,
            *siblings(entries, entries.index(root)),
            *([previous] if previous != b"" else []),
            *above,
        ),
        digest.digest,
        source,
        digest.strand_id,
        digest.sequence_no,
        joined.get(beside[0], ()) if beside else (),
    ).document()


def _joined(leaves: Sequence[bytes]) -> dict[bytes, tuple[bytes, bytes]]:
    """Gives the two hashes that each inner one of a tree is made of."""
    found: dict[bytes, tuple[bytes, bytes]] = {}
    level = list(leaves)
    while len(level) > 1:
        found.update((dot(*pair), pair) for pair in zip(level[::2], level[1::2], strict=False))
        level = level_above(level)
    return found


def revision_of(record: bytes) -> tuple[str, bytes]:
    """Takes the revision out of a record.

    Args:
        record: exact REVISION_DETAILS record.

    Returns:
        The table's name, and the revision as a binary Ion stream: the record's symbol tables and
        the revision's own bytes.

    Raises:
        IonFormatError: malformed Ion.
        RecordFormatError: not such a record's fields or types.
    """
    source, field = open_stream(record)
    payload = read_envelope(source, field).payload
    details = struct_fields(source, payload, "payload")
    revision = required(details.get("revision"), "revision", payload[0])
    return read_revision_details(source, payload).table_name, part_of(record, revision)
