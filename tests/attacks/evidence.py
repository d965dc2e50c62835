"""An archive's records, decoded and grouped, and which of several copies counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from qldb_replay.archive import read_object
from qldb_replay.codec.decode import Decoded, RecordDecoder
from qldb_replay.errors import IonFormatError, RecordFormatError
from qldb_replay.limits import DEFAULT_LIMITS


class Copy(NamedTuple):
    """A delivered record and its exact bytes."""

    record: Decoded
    ion: bytes


class Archive:
    """An archive's records, decoded and grouped.

    Attributes:
        block_copies: every copy of each block, by strand and sequence number.
        revision_copies: every copy of each revision, by strand, document and version.
        blocks: of each block's copies the one that counts.
        revisions: of each revision's copies the one that counts.
        requests: strand, document, version and sequence number of what is validly to be redacted.
        unreadable: object, offset and reason of every stretch of bytes that is no record.
        unread: objects that could not be fetched.
    """

    def __init__(self, objects: Mapping[str, bytes | None]) -> None:
        """Read an archive's objects by URI; None for those that could not be fetched."""
        self.unreadable: list[tuple[str, int, str]] = []
        self.unread = [uri for uri, content in objects.items() if content is None]
        blocks: dict[tuple[Any, ...], list[Copy]] = defaultdict(list)
        revisions: dict[tuple[Any, ...], list[Copy]] = defaultdict(list)
        for copy in self._read(objects):
            record = copy.record
            if record.block is not None:
                blocks[record.strand_id, record.sequence_no].append(copy)
            elif record.revision is not None:
                revisions[record.strand_id, record.document_id, record.version].append(copy)
        self.block_copies = {key: [copy.record for copy in each] for key, each in blocks.items()}
        self.revision_copies = {
            key: [copy.record for copy in each] for key, each in revisions.items()
        }
        self.blocks = {key: min(each, key=_block_rank).record for key, each in blocks.items()}
        self.revisions = {
            key: min(each, key=self._revision_rank).record for key, each in revisions.items()
        }
        self.requests = {
            (strand_id, document_id, version, sequence_no)
            for block in self.blocks.values()
            if recomputes(block) and block.block.redaction_info_listed
            for strand_id, sequence_no, _, document_id, version in block.block.redactions or []
        }

    def _read(self, objects: Mapping[str, bytes | None]) -> Iterator[Copy]:
        decoder = RecordDecoder()
        for uri, content in objects.items():
            if content is None:
                continue
            for segment in read_object(content, DEFAULT_LIMITS, decoder.decode):
                if segment.kind == "framing":
                    continue
                if segment.kind != "record":
                    self.unreadable.append((uri, segment.offset, segment.reason))
                    continue
                try:
                    yield Copy(decoder.decode(segment.data), segment.data)
                except (IonFormatError, RecordFormatError) as error:
                    self.unreadable.append((uri, segment.offset, str(error)))

    def _revision_rank(self, copy: Copy) -> tuple[bool, bool, bytes]:
        return not self.proven(copy.record), not shown_redacted(copy.record), copy.ion

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


def _block_rank(copy: Copy) -> tuple[bool, bool, int, bytes]:
    block = copy.record.block
    listed = (
        block.revisions_root_listed,
        block.transaction_info_listed,
        block.redaction_info_listed,
    )
    return not recomputes(copy.record), False in listed, -listed.count(True), copy.ion


def recomputes(block: Decoded) -> bool:
    """Whether a block's own hashes recompute."""
    return block.block.entries_hash_matches and block.block.block_hash_matches


def shown_redacted(copy: Decoded) -> bool:
    """Whether a record shows the hash of its data, and that hash recomputes."""
    return copy.revision.kind == "redacted" and copy.revision.hash_matches
