"""From one record's bytes to its columns, in one pass that also recomputes its hashes.

Every byte of a record is validated, the fields that nobody reads included: a flipped bit either
changes a column or a hash, or breaks the Ion, and never vanishes.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from qldb_replay.errors import RecordFormatError
from qldb_replay.ion.evaluate import Evaluator
from qldb_replay.ion.framing import body_bounds
from qldb_replay.ion.stream import StreamReader
from qldb_replay.journal.block import (
    Block,
    Document,
    Redaction,
    Statement,
    Summary,
    read_block,
)
from qldb_replay.journal.envelope import (
    BLOCK_SUMMARY,
    REVISION_DETAILS,
    RevisionDetails,
    is_export_block,
    read_envelope,
    read_revision_details,
)
from qldb_replay.journal.fields import Field, Source
from qldb_replay.journal.written import metadata_ion
from qldb_replay.limits import DEFAULT_LIMITS, Limits

_CONTENT_BYTES = 16

EXPORT_BLOCK = "block of a journal export"
"""Reason of the error that a block of a journal export raises."""


class RevisionColumns(NamedTuple):
    """Columns of a revision, in the order of `columns.REVISION`, whose field names these are.

    Times are microseconds since 1970 UTC. Offsets count from the record's start.
    `record[:symbols_length] + record[data_offset:][:data_length]` is a stream of its own that holds
    exactly the document: the prefix has the version marker and every symbol table up to the one in
    force, of which there can be several that build on one another.
    """

    table_id: str
    table_name: str
    tx_id: str | None
    tx_time: int | None
    kind: str
    metadata_hash: bytes
    data_hash: bytes | None
    hash_matches: bool
    delete_rule: str | None
    content: bytes
    symbols_length: int
    data_offset: int | None
    data_length: int | None
    metadata_ion: bytes
    sketch: str | None
    data_json: str | None


class BlockColumns(NamedTuple):
    """Columns of a block, in the order of `columns.BLOCK`, whose field names these are."""

    entries_hash: bytes | None
    previous_block_hash: bytes | None
    entries_hash_list: list[bytes] | None
    tx_id: str | None
    block_timestamp: int | None
    statements: list[Statement] | None
    documents: list[Document] | None
    revision_summaries: list[Summary] | None
    redactions: list[Redaction] | None
    revisions_root: bytes
    revisions_root_listed: bool | None
    transaction_info_hash: bytes | None
    transaction_info_listed: bool | None
    redaction_info_hash: bytes | None
    redaction_info_listed: bool | None
    entries_hash_matches: bool
    block_hash_matches: bool
    content: bytes


class Decoded(NamedTuple):
    """A record's columns.

    Attributes:
        record_type: kind of the record, as found.
        stream_arn: the stream that delivered it.
        strand_id: strand; like all below, None for kinds other than block and revision.
        sequence_no: block's number in the strand.
        document_id: document; None for blocks, as is `version`.
        version: version of the document.
        hash: stored hash of the block or the revision; None where it has none.
        revision: what a revision has beyond that.
        block: what a block has beyond that.
    """

    record_type: str
    stream_arn: str
    strand_id: str | None
    sequence_no: int | None
    document_id: str | None
    version: int | None
    hash: bytes | None
    revision: RevisionColumns | None
    block: BlockColumns | None


class RecordDecoder:
    """Decodes records, and keeps what repeats among them: symbol tables, names, short values.

    Keep one for as many records as possible, in one thread.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._evaluator = Evaluator(limits)
        self._reader = StreamReader(self._evaluator, limits)

    def decode(self, record: bytes) -> Decoded:
        """Decodes a record.

        Args:
            record: its exact bytes, from the version marker on.

        Returns:
            Its columns. Of a record type that is not known only the envelope's.

        Raises:
            IonFormatError: malformed Ion anywhere in the record.
            RecordFormatError: well-formed Ion that is no record, the reason says why.
        """
        source, symbols_end, start, end = self._find(record)
        body, _ = body_bounds(record, start, end)
        field = (start, body, end)
        try:
            return self._columns(source, symbols_end, field)
        except RecordFormatError:
            # Damage is the better reason, wherever it is.
            self._evaluator.evaluate(record, start, end, source.table)
            if is_export_block(source, field):
                raise RecordFormatError(EXPORT_BLOCK, start) from None
            raise

    def _columns(self, source: Source, symbols_end: int, field: Field) -> Decoded:
        record = source.buf
        stream_arn, record_type, payload = read_envelope(source, field)
        if record_type == REVISION_DETAILS:
            details = read_revision_details(source, payload)
            content = _digest(record[:symbols_end] + record[payload[0] : payload[2]])
            metadata = metadata_ion(source, details.revision.metadata, record[:symbols_end])
            return _revision(record_type, stream_arn, details, symbols_end, content, metadata)
        if record_type == BLOCK_SUMMARY:
            return _block(record_type, stream_arn, read_block(source, payload), _digest(record))
        self._evaluator.evaluate(record, payload[0], payload[2], source.table)
        return Decoded(record_type, stream_arn, None, None, None, None, None, None, None)

    def _find(self, record: bytes) -> tuple[Source, int, int, int]:
        """The one value of a record; further values are validated before they are refused."""
        found = None
        extra = -1
        for table, symbols_end, start, end in self._reader.values(record, 0, len(record)):
            if found is None:
                found = Source(record, table, self._evaluator), symbols_end, start, end
            else:
                self._evaluator.evaluate(record, start, end, table)
                extra = start
        if found is None:
            raise RecordFormatError("record without a value", len(record))
        if extra >= 0:
            raise RecordFormatError("record with more than one value", extra)
        return found


def _digest(content: bytes) -> bytes:
    return sha256(content).digest()[:_CONTENT_BYTES]


def _revision(
    record_type: str,
    stream_arn: str,
    details: RevisionDetails,
    symbols_length: int,
    content: bytes,
    metadata: bytes,
) -> Decoded:
    table_id, table_name, revision = details
    data = revision.data
    columns = RevisionColumns(
        table_id,
        table_name,
        revision.tx_id,
        revision.tx_time,
        revision.kind,
        revision.metadata_hash,
        revision.data_hash,
        revision.hash_matches,
        revision.delete_rule,
        content,
        symbols_length,
        None if data is None else data[0],
        None if data is None else data[2] - data[0],
        metadata,
        revision.sketch,
        revision.json,
    )
    return Decoded(
        record_type,
        stream_arn,
        revision.strand_id,
        revision.sequence_no,
        revision.document_id,
        revision.version,
        revision.hash,
        columns,
        None,
    )


def _block(record_type: str, stream_arn: str, block: Block, content: bytes) -> Decoded:
    columns = BlockColumns(
        block.entries_hash,
        block.previous_block_hash,
        block.entries_hash_list,
        block.tx_id,
        block.block_timestamp,
        block.statements,
        block.documents,
        block.revision_summaries,
        block.redactions,
        *block.checks,
        content,
    )
    return Decoded(
        record_type,
        stream_arn,
        block.strand_id,
        block.sequence_no,
        None,
        None,
        block.block_hash,
        None,
        columns,
    )
