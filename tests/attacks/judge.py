"""What an archive's records say about the ledger: every finding, one plain function for each code.

Deliberately simple, in memory, and without Spark: the oracle that `verify` is held against. What
one record alone decides (its hashes) is the decoder's; everything between records is judged here
and in `redactions`, what the owner saved in `saved`.

Where findings are placed, if a function does not say otherwise: those about a block at its strand
and sequence number, those about a revision at its block's strand and sequence number, its document
and its version, those about bytes at their object and offset. The same finding about several copies
of a record is one finding.

Which copies are judged: what a record says of itself or against its block is judged for every
delivered copy, whichever of them counts. Order, completeness and chain are judged between the
copies that count: of a block's the ones that recompute first, of a revision's the ones that their
block lists and that recompute, then the redacted ones; then the smallest bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from attacks.evidence import Archive
from attacks.findings import Finding, at_block, at_revision, finding
from attacks.redactions import (
    literal_in_statement,
    redaction_unapplied,
    redaction_unrequested,
)
from qldb_replay.codec.decode import EXPORT_BLOCK, Decoded


def judge(archive: Archive) -> set[Finding]:
    """Every finding but those of digests and proofs."""
    return {each for check in CHECKS for each in check(archive)}


# What one record decides: every copy.


def revision_hash_mismatch(archive: Archive) -> Iterator[Finding]:
    """A revision's hash is not that of its metadata and data."""
    for copy in archive.all_revisions():
        if not copy.revision.hash_matches:
            yield at_revision("revision-hash-mismatch", copy)


def revisions_root_mismatch(archive: Archive) -> Iterator[Finding]:
    """The root over a block's revisions is none of its entries."""
    for copy in archive.all_blocks():
        if copy.block.revisions_root_listed is False:
            yield at_block("revisions-root-mismatch", copy)


def transaction_info_mismatch(archive: Archive) -> Iterator[Finding]:
    """H(transactionInfo) is none of the block's entries."""
    for copy in archive.all_blocks():
        if copy.block.transaction_info_listed is False:
            yield at_block("transaction-info-mismatch", copy)


def redaction_info_mismatch(archive: Archive) -> Iterator[Finding]:
    """H(redactionInfo) is none of the block's entries."""
    for copy in archive.all_blocks():
        if copy.block.redaction_info_listed is False:
            yield at_block("redaction-info-mismatch", copy)


def entries_hash_mismatch(archive: Archive) -> Iterator[Finding]:
    """A block's entriesHash is not the root over its entries."""
    for copy in archive.all_blocks():
        if not copy.block.entries_hash_matches:
            yield at_block("entries-hash-mismatch", copy)


def block_hash_mismatch(archive: Archive) -> Iterator[Finding]:
    """A block's hash does not join its entriesHash and previousBlockHash."""
    for copy in archive.all_blocks():
        if not copy.block.block_hash_matches:
            yield at_block("block-hash-mismatch", copy)


# Copies against each other.


def revision_conflict(archive: Archive) -> Iterator[Finding]:
    """A key twice that says something else, redaction aside. Placed where the copy that counts is.

    What a copy says is its block, its hashes, its table, and whether it is a deletion. H(metadata)
    and H(data) stand for metadata and data, and a redacted copy has H(data) too.
    """
    for key, copies in archive.revision_copies.items():
        said = {
            (
                copy.sequence_no,
                copy.hash,
                copy.revision.table_id,
                copy.revision.table_name,
                copy.revision.metadata_hash,
                copy.revision.data_hash,
            )
            for copy in copies
        }
        if len(said) > 1:
            yield at_revision("revision-conflict", archive.revisions[key])


def block_conflict(archive: Archive) -> Iterator[Finding]:
    """A block twice that says something else; the stream it came over does not count."""
    for copies in archive.block_copies.values():
        said = {
            (
                copy.hash,
                copy.block.entries_hash,
                copy.block.previous_block_hash,
                repr(copy.block.entries_hash_list),
                copy.block.tx_id,
                copy.block.block_timestamp,
                copy.block.transaction_info_hash,
                copy.block.redaction_info_hash,
                repr(copy.block.revision_summaries),
            )
            for copy in copies
        }
        if len(said) > 1:
            yield at_block("block-conflict", copies[0])


# A strand's blocks.


def chain_break(archive: Archive) -> Iterator[Finding]:
    """A block's previousBlockHash is not its predecessor's hash. Placed at the later block."""
    for (strand_id, sequence_no), block in archive.blocks.items():
        before = archive.blocks.get((strand_id, sequence_no - 1))
        if before is not None and block.block.previous_block_hash != before.hash:
            yield at_block("chain-break", block)


def head_missing(archive: Archive) -> Iterator[Finding]:
    """A strand's blocks do not start at 0. Placed at 0, the first one missing."""
    for strand_id, numbers in archive.strands().items():
        if numbers[0] > 0:
            yield finding("head-missing", strand_id, 0)


def block_missing(archive: Archive) -> Iterator[Finding]:
    """A gap between two blocks of a strand, one finding each. Placed at the first one missing."""
    for strand_id, numbers in archive.strands().items():
        for before, after in pairwise(numbers):
            if after > before + 1:
                yield finding("block-missing", strand_id, before + 1)


def time_order(archive: Archive) -> Iterator[Finding]:
    """A block's time is before its direct predecessor's. Placed at the later block."""
    for (strand_id, sequence_no), block in archive.blocks.items():
        before = archive.blocks.get((strand_id, sequence_no - 1))
        if before is None:
            continue
        time, time_before = block.block.block_timestamp, before.block.block_timestamp
        if time is not None and time_before is not None and time < time_before:
            yield at_block("time-order", block)


# Revisions against their blocks.


def revision_orphan(archive: Archive) -> Iterator[Finding]:
    """A revision's block is absent."""
    for copy in archive.all_revisions():
        if archive.block_of(copy) is None:
            yield at_revision("revision-orphan", copy)


def revision_unlisted(archive: Archive) -> Iterator[Finding]:
    """A revision's block is there and does not list its hash."""
    for copy in archive.all_revisions():
        if archive.block_of(copy) is not None and archive.place(copy) is None:
            yield at_revision("revision-unlisted", copy)


def revision_missing(archive: Archive) -> Iterator[Finding]:
    """A document that a block names, and no record of that document in that block.

    A block names documents in its summaries and, if its hash is an entry, in transactionInfo.
    Placed at block and document; the version is not known. A record whose hash is another one than
    the summary's is there, and `revision-unlisted`.
    """
    there = {
        (copy.strand_id, copy.sequence_no, copy.document_id) for copy in archive.all_revisions()
    }
    for (strand_id, sequence_no), block in archive.blocks.items():
        named = {document_id for _, document_id in block.block.revision_summaries or []} - {None}
        if block.block.transaction_info_listed:
            named |= {document_id for document_id, *_ in block.block.documents or []}
        for document_id in named:
            if (strand_id, sequence_no, document_id) not in there:
                yield finding("revision-missing", strand_id, sequence_no, document_id=document_id)
    yield from _lone_deletions(archive)


def _lone_deletions(archive: Archive) -> Iterator[Finding]:
    """A deletion beside the hash of no record, in the pairs that the block's hash tree begins with.

    Its hash is that of its metadata alone, so a revision that was split into the hashes of its
    metadata and its data looks the same. Placed at the deletion.
    """
    hashes: dict[tuple[str, int], set[bytes]] = {}
    for copy in archive.all_revisions():
        if archive.proven(copy):
            hashes.setdefault((copy.strand_id, copy.sequence_no), set()).add(copy.hash)
    for copy in archive.all_revisions():
        if copy.revision.kind != "delete" or not archive.proven(copy):
            continue
        summaries = archive.block_of(copy).block.revision_summaries
        beside = summaries[archive.place(copy) ^ 1 :][:1]
        if beside and beside[0][0] not in hashes[copy.strand_id, copy.sequence_no]:
            yield at_revision("revision-missing", copy)


def block_unexplained(archive: Archive) -> Iterator[Finding]:
    """Nothing tells whether a block's content is all there.

    That is a block without transactionInfo, if it has no summaries, or one that has neither a
    document ID nor a record: it may be QLDB's own, or one whose ID was taken away.
    """
    delivered = {(copy.strand_id, copy.sequence_no, copy.hash) for copy in archive.all_revisions()}
    for (strand_id, sequence_no), block in archive.blocks.items():
        if block.block.transaction_info_hash is not None:
            continue
        summaries = block.block.revision_summaries or []
        explained = [
            document_id is not None
            or (leaf is not None and (strand_id, sequence_no, leaf) in delivered)
            for leaf, document_id in summaries
        ]
        if len(explained) == 0 or not all(explained):
            yield at_block("block-unexplained", block)


def transaction_mismatch(archive: Archive) -> Iterator[Finding]:
    """A block's transaction ID is not the hashed one of its revisions. Placed at the block.

    Only revisions that recompute and are listed have a hashed one. An ID that is absent contradicts
    nothing.
    """
    for copy in archive.all_revisions():
        if not archive.proven(copy) or copy.revision.tx_id is None:
            continue
        for block in archive.block_copies[copy.strand_id, copy.sequence_no]:
            if block.block.tx_id not in (None, copy.revision.tx_id):
                yield at_block("transaction-mismatch", block)


def table_mismatch(archive: Archive) -> Iterator[Finding]:
    """A revision's table is not the one that its block's hashed transactionInfo has for it."""
    for copy in archive.all_revisions():
        block = archive.block_of(copy)
        if block is None or not block.block.transaction_info_listed:
            continue
        documents = block.block.documents or []
        if documents and archive.proven(copy) and copy.document_id not in [d[0] for d in documents]:
            yield at_revision("table-mismatch", copy)
        for document_id, table_id, table_name, _ in documents:
            if document_id == copy.document_id and (
                table_id not in (None, copy.revision.table_id)
                or table_name not in (None, copy.revision.table_name)
            ):
                yield at_revision("table-mismatch", copy)


def table_unknown(archive: Archive) -> Iterator[Finding]:
    """A table ID that no hashed transactionInfo of the strand names, so its name is not proven.

    CREATE TABLE has no ID, so only the documents of transactionInfo tie an ID to a name. One
    finding a table, at the first of its revisions by block, document and version.
    """
    known = {
        (strand_id, table_id)
        for (strand_id, _), block in archive.blocks.items()
        if block.block.transaction_info_listed
        for _, table_id, _, _ in block.block.documents or []
    }
    first: dict[tuple[str, str], Decoded] = {}
    ordered = sorted(
        archive.all_revisions(), key=lambda c: (c.sequence_no, c.document_id, c.version)
    )
    for copy in ordered:
        first.setdefault((copy.strand_id, copy.revision.table_id), copy)
    for table, copy in first.items():
        if table not in known:
            yield at_revision("table-unknown", copy)


# A document's revisions.


def version_missing(archive: Archive) -> Iterator[Finding]:
    """A gap in a document's versions, which start at 0, one finding each.

    Placed at the first version missing, and at the block of the next one that is there.
    """
    for revisions in archive.documents():
        expected = 0
        for revision in revisions:
            if revision.version > expected:
                yield finding(
                    "version-missing",
                    revision.strand_id,
                    revision.sequence_no,
                    document_id=revision.document_id,
                    version=expected,
                )
            expected = revision.version + 1


def version_order(archive: Archive) -> Iterator[Finding]:
    """A version does not lie behind the one before it that is there. Placed at the later version.

    By block, and within a block by its list, as far as both are listed.
    """
    for revisions in archive.documents():
        for before, after in pairwise(revisions):
            places = archive.place(before), archive.place(after)
            same_block = after.sequence_no == before.sequence_no
            if after.sequence_no < before.sequence_no or (
                same_block and None not in places and places[1] <= places[0]
            ):
                yield at_revision("version-order", after)


def revision_after_delete(archive: Archive) -> Iterator[Finding]:
    """A version behind a deletion, one finding each."""
    for revisions in archive.documents():
        deleted = False
        for revision in revisions:
            if deleted:
                yield at_revision("revision-after-delete", revision)
            deleted = deleted or revision.revision.kind == "delete"


# Bytes.


def record_unreadable(archive: Archive) -> Iterator[Finding]:
    """Bytes that are no record. Placed at object and offset."""
    for uri, offset, reason in archive.unreadable:
        if not _of_export(reason):
            yield finding("record-unreadable", None, None, object_uri=uri, offset=offset)


def export_unread(archive: Archive) -> Iterator[Finding]:
    """An object of a journal export, which is not read as a source. Placed at the object."""
    for uri, _, reason in archive.unreadable:
        if _of_export(reason):
            yield finding("export-unread", None, None, object_uri=uri)


def object_unreadable(archive: Archive) -> Iterator[Finding]:
    """An object that could not be fetched. Placed at the object."""
    for uri in archive.unread:
        yield finding("object-unreadable", None, None, object_uri=uri)


def _of_export(reason: str) -> bool:
    return reason.startswith(("export:", EXPORT_BLOCK))


CHECKS: tuple[Callable[[Archive], Iterator[Finding]], ...] = (
    revision_hash_mismatch,
    revisions_root_mismatch,
    transaction_info_mismatch,
    redaction_info_mismatch,
    entries_hash_mismatch,
    block_hash_mismatch,
    revision_conflict,
    block_conflict,
    chain_break,
    head_missing,
    block_missing,
    time_order,
    revision_orphan,
    revision_unlisted,
    revision_missing,
    block_unexplained,
    transaction_mismatch,
    table_mismatch,
    table_unknown,
    version_missing,
    version_order,
    revision_after_delete,
    redaction_unrequested,
    redaction_unapplied,
    literal_in_statement,
    record_unreadable,
    export_unread,
    object_unreadable,
)
