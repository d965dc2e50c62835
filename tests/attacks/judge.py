"""What an archive's records say about the ledger: every finding, one plain function for each code.

Deliberately simple, in memory, and without Spark: the oracle that `verify` is held against. What
one record alone decides (its hashes) is the decoder's; everything between records is judged here.

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

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from qldb_replay.archive import read_object
from qldb_replay.codec.decode import EXPORT_BLOCK, Decoded, RecordDecoder
from qldb_replay.errors import IonFormatError, RecordFormatError
from qldb_replay.limits import DEFAULT_LIMITS
from qldb_replay.simulate.merkle import dot, root

FAIL = """
    revision-hash-mismatch revisions-root-mismatch transaction-info-mismatch
    redaction-info-mismatch entries-hash-mismatch block-hash-mismatch chain-break
    revision-unlisted version-order revision-after-delete table-mismatch transaction-mismatch
    revision-conflict block-conflict digest-mismatch proof-mismatch
"""
INCOMPLETE = """
    block-missing head-missing tail-missing revision-missing revision-orphan version-missing
    record-unreadable object-unreadable export-unread redaction-unrequested digest-undecidable
"""
WARNING = """
    block-unexplained redaction-unapplied literal-in-statement table-unknown time-order
"""
SEVERITY = {
    code: severity
    for severity, codes in (("fail", FAIL), ("incomplete", INCOMPLETE), ("warning", WARNING))
    for code in codes.split()
}
"""The severity of every code that is judged here."""


class Finding(NamedTuple):
    """One finding, without the values that it compares."""

    code: str
    severity: str
    strand_id: str | None
    sequence_no: int | None
    document_id: str | None = None
    version: int | None = None
    object_uri: str | None = None
    offset: int | None = None


def finding(code: str, strand_id: str | None, sequence_no: int | None, **where: Any) -> Finding:
    return Finding(code, SEVERITY[code], strand_id, sequence_no, **where)


def at_block(code: str, block: Decoded) -> Finding:
    return finding(code, block.strand_id, block.sequence_no)


def at_revision(code: str, copy: Decoded) -> Finding:
    return finding(
        code,
        copy.strand_id,
        copy.sequence_no,
        document_id=copy.document_id,
        version=copy.version,
    )


class Archive:
    """An archive's records, decoded and grouped.

    Attributes:
        block_copies: every copy of each block, by strand and sequence number.
        revision_copies: every copy of each revision, by strand, document and version.
        blocks: of each block's copies the one that counts.
        revisions: of each revision's copies the one that counts.
        unreadable: object, offset and reason of every stretch of bytes that is no record.
        unread: objects that could not be fetched.
    """

    def __init__(self, objects: Mapping[str, bytes | None]) -> None:
        """Read an archive's objects by URI; None for those that could not be fetched."""
        blocks: dict[tuple[str, int], list[tuple[Decoded, bytes]]] = defaultdict(list)
        revisions: dict[tuple[str, str, int], list[tuple[Decoded, bytes]]] = defaultdict(list)
        self.unreadable: list[tuple[str, int, str]] = []
        self.unread = [uri for uri, content in objects.items() if content is None]
        decoder = RecordDecoder()
        for uri, content in objects.items():
            if content is None:
                continue
            for segment in read_object(content, DEFAULT_LIMITS, decoder.decode):
                if segment.kind == "framing":
                    continue
                reason = segment.reason
                if segment.kind == "record":
                    try:
                        record = decoder.decode(segment.data)
                    except (IonFormatError, RecordFormatError) as error:
                        reason = str(error)
                    else:
                        if record.block is not None:
                            block_key = record.strand_id, record.sequence_no
                            blocks[block_key].append((record, segment.data))
                        elif record.revision is not None:
                            key = record.strand_id, record.document_id, record.version
                            revisions[key].append((record, segment.data))
                        continue
                self.unreadable.append((uri, segment.offset, reason))
        self.block_copies = {key: [copy for copy, _ in each] for key, each in blocks.items()}
        self.revision_copies = {key: [copy for copy, _ in each] for key, each in revisions.items()}
        self.blocks = {
            key: min(copies, key=lambda copy: (not recomputes(copy[0]), copy[1]))[0]
            for key, copies in blocks.items()
        }
        self.revisions = {
            key: min(
                copies,
                key=lambda copy: (not self.proven(copy[0]), not shown_redacted(copy[0]), copy[1]),
            )[0]
            for key, copies in revisions.items()
        }
        self.requests = {
            (request[0], request[3], request[4], request[1])
            for block in self.blocks.values()
            if recomputes(block) and block.block.redaction_info_listed
            for request in block.block.redactions or []
        }

    def strands(self) -> dict[str, list[int]]:
        """The sequence numbers of each strand's blocks, in order."""
        strands: dict[str, list[int]] = defaultdict(list)
        for strand_id, sequence_no in sorted(self.blocks):
            strands[strand_id].append(sequence_no)
        return strands

    def all_blocks(self) -> Iterator[Decoded]:
        """Every copy of every block."""
        return (copy for copies in self.block_copies.values() for copy in copies)

    def all_revisions(self) -> Iterator[Decoded]:
        """Every copy of every revision."""
        return (copy for copies in self.revision_copies.values() for copy in copies)

    def documents(self) -> Iterator[list[Decoded]]:
        """Each document's revisions by version."""
        documents: dict[tuple[str, str], list[Decoded]] = defaultdict(list)
        for strand_id, document_id, version in sorted(self.revisions):
            revision = self.revisions[strand_id, document_id, version]
            documents[strand_id, document_id].append(revision)
        yield from documents.values()

    def block_of(self, copy: Decoded) -> Decoded | None:
        """The block that a revision says that it is in."""
        return self.blocks.get((copy.strand_id, copy.sequence_no))

    def place(self, copy: Decoded) -> int | None:
        """Where its block lists a revision's hash; None where it does not, or is absent."""
        block = self.block_of(copy)
        hashes = [] if block is None else [leaf for leaf, _ in block.block.revision_summaries or []]
        return hashes.index(copy.hash) if copy.hash is not None and copy.hash in hashes else None

    def proven(self, copy: Decoded) -> bool:
        """Whether a revision recomputes and its block lists it."""
        return copy.revision.hash_matches and self.place(copy) is not None

    def requested(self, copy: Decoded) -> bool:
        """Whether a block whose hashes recompute requests to redact a revision."""
        key = copy.strand_id, copy.document_id, copy.version, copy.sequence_no
        return key in self.requests

    def is_redacted(self, key: tuple[str, str, int]) -> bool:
        """Whether a revision is redacted: by a request, or by the copy that counts."""
        chosen = self.revisions[key]
        return self.requested(chosen) or shown_redacted(chosen)


def recomputes(block: Decoded) -> bool:
    """Whether a block's own hashes recompute."""
    return block.block.entries_hash_matches and block.block.block_hash_matches


def shown_redacted(copy: Decoded) -> bool:
    """Whether a record shows the hash of its data, and that hash recomputes."""
    return copy.revision.kind == "redacted" and copy.revision.hash_matches


def judge(archive: Archive) -> set[Finding]:
    """Every finding but those of digests and proofs."""
    return {each for check in CHECKS for each in check(archive)}


def verdict(findings: Iterable[Finding]) -> str:
    """`fail` if anything contradicts, else `incomplete` if anything is missing, else `pass`."""
    severities = {each.severity for each in findings}
    return next((each for each in ("fail", "incomplete") if each in severities), "pass")


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

    Only revisions that recompute and are listed have a hashed one.
    """
    for copy in archive.all_revisions():
        if not archive.proven(copy):
            continue
        for block in archive.block_copies[copy.strand_id, copy.sequence_no]:
            if block.block.tx_id != copy.revision.tx_id:
                yield at_block("transaction-mismatch", block)


def table_mismatch(archive: Archive) -> Iterator[Finding]:
    """A revision's table is not the one that its block's hashed transactionInfo has for it."""
    for copy in archive.all_revisions():
        block = archive.block_of(copy)
        if block is None or not block.block.transaction_info_listed:
            continue
        for document_id, table_id, table_name, _ in block.block.documents or []:
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


# Redactions.


def redaction_unrequested(archive: Archive) -> Iterator[Finding]:
    """A redacted copy, and no block whose hashes recompute requests it."""
    for copy in archive.all_revisions():
        if copy.revision.kind == "redacted" and not archive.requested(copy):
            yield at_revision("redaction-unrequested", copy)


def redaction_unapplied(archive: Archive) -> Iterator[Finding]:
    """A copy that still carries the data of a redacted revision."""
    for key, copies in archive.revision_copies.items():
        for copy in copies:
            if copy.revision.kind == "data" and archive.is_redacted(key):
                yield at_revision("redaction-unapplied", copy)


def literal_in_statement(archive: Archive) -> Iterator[Finding]:
    """A statement linked to a document with a redacted revision carries a literal.

    Linked by the block's transactionInfo. Placed at the block, once however many there are.
    """
    redacted = {(strand_id, document_id) for strand_id, document_id, _, _ in archive.requests}
    redacted |= {key[:2] for key in archive.revisions if archive.is_redacted(key)}
    for (strand_id, _), block in archive.blocks.items():
        statements = block.block.statements or []
        linked = {
            index
            for document_id, _, _, indexes in block.block.documents or []
            if (strand_id, document_id) in redacted
            for index in indexes or []
            if index < len(statements)
        }
        if any(has_literal(statements[index][0] or "") for index in linked):
            yield at_block("literal-in-statement", block)


_TOKEN = re.compile(
    r"""
    (?P<other> --[^\n]* | /\*.*?\*/ | "(?:[^"]|"")*" | \[\s*\d+\s*\] )
  | (?P<literal> '(?:[^']|'')*' | `[^`]*` | \d[\w.]* | \.\d[\w.]* | \b(?:true|false)\b )
  | (?P<word> [^\W\d][\w$]* )
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def has_literal(statement: str) -> bool:
    """Whether a statement has a string, an Ion literal, a number or a truth value in its text.

    Not what stands in comments or quoted names, nor a path's index, nor NULL, which tests ask for.
    """
    return any(token["literal"] is not None for token in _TOKEN.finditer(statement))


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


# What the owner saved.


def against_digest(archive: Archive, strand_id: str, tip: int, digest: bytes) -> set[Finding]:
    """Compares a saved digest with the blocks from 0 to its tip; growth beyond it is no matter.

    `tail-missing`, at the first block missing, where the tip lies beyond the last block, whatever
    else is missing; else `digest-undecidable`, at the tip, where any block is; else
    `digest-mismatch`, at the tip.
    """
    numbers = archive.strands()[strand_id]
    if tip > numbers[-1]:
        return {finding("tail-missing", strand_id, numbers[-1] + 1)}
    if numbers[: tip + 1] != list(range(tip + 1)):
        return {finding("digest-undecidable", strand_id, tip)}
    hashes = [archive.blocks[strand_id, number].hash or b"" for number in range(tip + 1)]
    return set() if root(hashes) == digest else {finding("digest-mismatch", strand_id, tip)}


def against_proof(copy: Decoded, proof: Iterable[bytes], digest: bytes) -> set[Finding]:
    """Folds a saved proof of a revision's or a block's hash to the digest. Placed at either."""
    folded = copy.hash or b""
    for sibling in proof:
        folded = dot(folded, sibling)
    if folded == digest and copy.hash is not None:
        return set()
    place = at_block if copy.revision is None else at_revision
    return {place("proof-mismatch", copy)}


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
