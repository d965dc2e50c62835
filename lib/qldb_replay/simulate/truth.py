"""What the lake must show for an invented archive, told from the values and not from the bytes.

For ledgers small enough for memory. Rows are plain dicts with the lake's column names; hashes are
`bytes`, times aware `datetime`s. `ion` and `data_ion` are the exact bytes that were written.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from qldb_replay.simulate.firehose import Placed
from qldb_replay.simulate.ledger import Block, Revision
from qldb_replay.simulate.text import json_text
from qldb_replay.simulate.transaction import Table

Row = dict[str, Any]


class Truth:
    """Collects what happened (`block`) and what was delivered (`delivered`); then has the rows.

    Attributes:
        strand_id: the ledger's strand.
        digest: the ledger digest, of all blocks whether delivered or not.
        last_sequence_no: the digest's tip.
    """

    def __init__(self) -> None:
        self.strand_id = ""
        self.digest = b""
        self.last_sequence_no = -1
        self._blocks: dict[int, Row] = {}
        self._revisions: dict[tuple[str, int], Row] = {}
        self._tables: dict[str, Row] = {}
        self._redacted: set[tuple[str, int]] = set()
        self._deliveries: Counter[tuple[int | str, ...]] = Counter()
        self._forms: dict[tuple[int | str, ...], bytes] = {}
        self._records: list[Row] = []

    def block(self, strand_id: str, block: Block) -> None:
        """Note a block and its revisions, once, from the first stream's pass over the ledger."""
        self.strand_id = strand_id
        self.last_sequence_no = block.sequence_no
        self._blocks[block.sequence_no] = _block_row(strand_id, block)
        for revision in block.revisions:
            change = revision.change
            row = _revision_row(strand_id, revision)
            self._revisions[change.document_id, change.version] = row
        for event, table, indexed in block.transaction.defined:
            self._define(event, table, indexed, block)
        if block.transaction.redaction is not None:
            request = block.transaction.redaction
            self._redacted.add((request.document_id, request.version))

    def delivered(self, placed: Placed) -> None:
        """Note a record that was written."""
        record = placed.record
        self._deliveries[record.key] += 1
        # Of several forms of a block, as streams with different ARNs give them, the lake keeps
        # the smallest bytes.
        known = self._forms.get(record.key)
        if known is None or record.data < known:
            self._forms[record.key] = record.data
        self._records.append(
            {
                "path": placed.path,
                "offset": placed.offset,
                "length": placed.length,
                "arrival": record.arrival,
                "record_type": record.kind,
                "key": record.key,
                "hash": record.hash if record.kind != "CONTROL" else None,
                "ion": record.data,
            }
        )

    def records(self) -> list[Row]:
        """Every delivered record: path, offset, length, arrival, record_type, key, hash, ion."""
        return sorted(self._records, key=lambda row: (row["path"], row["offset"]))

    def blocks(self) -> list[Row]:
        """Rows of `blocks`: every delivered block, in order."""
        return [
            {**row, "ion": self._forms[number,]}
            for number, row in self._blocks.items()
            if (number,) in self._forms
        ]

    def revisions(self) -> list[Row]:
        """Rows of `revisions`: every delivered revision, in the order of the ledger.

        Besides the contract's columns each row has `data`, the document as plain values.
        """
        rows = [dict(row) for key, row in self._revisions.items() if key in self._deliveries]
        for row in rows:
            key = row["document_id"], row["version"]
            row["deliveries"] = self._deliveries[key]
            successor = self._revisions.get((row["document_id"], row["version"] + 1))
            row["valid_from"] = row["tx_time"]
            row["valid_to"] = None if successor is None else successor["tx_time"]
            row["is_current"] = successor is None and row["operation"] != "DELETE"
            row["is_redacted"] = key in self._redacted
            if row["is_redacted"]:
                row["data_json"] = row["data_ion"] = row["data"] = None
        return rows

    def history(self, table_name: str) -> list[Row]:
        """Rows of `history/<table_name>`, with `data` as plain values and `data_json` beside."""
        return [row for row in self.revisions() if row["table_name"] == table_name]

    def current(self, table_name: str) -> list[Row]:
        """Rows of `current/<table_name>`, with `data` as plain values and `data_json` beside."""
        active = {row["table_id"] for row in self.tables() if row["status"] == "ACTIVE"}
        return [
            row
            for row in self.history(table_name)
            if row["is_current"] and row["table_id"] in active
        ]

    def tables(self) -> list[Row]:
        """Rows of `tables`, in order of creation; `time` in `lifecycle` is the block's."""
        return list(self._tables.values())

    def _define(self, event: str, table: Table, indexed: str | None, block: Block) -> None:
        row = self._tables.setdefault(
            table.table_id,
            {
                "table_id": table.table_id,
                "table_name": table.kind.name,
                "status": "ACTIVE",
                "indexes": [],
                "lifecycle": [],
            },
        )
        if event == "indexed":
            row["indexes"].append(indexed)
            return
        row["status"] = "INACTIVE" if event == "dropped" else "ACTIVE"
        time = block.time.datetime()
        row["lifecycle"].append({"event": event, "sequence_no": block.sequence_no, "time": time})


def _block_row(strand_id: str, block: Block) -> Row:
    redaction = block.transaction.redaction
    return {
        "strand_id": strand_id,
        "sequence_no": block.sequence_no,
        "block_hash": block.block_hash,
        "entries_hash": block.entries_hash,
        "previous_block_hash": block.previous_block_hash,
        "entries_hash_list": block.entries,
        "tx_id": block.transaction.transaction_id,
        "block_timestamp": block.time.datetime(),
        "statements": [
            {
                "statement": statement.text,
                "start_time": start.datetime(),
                "statement_digest": digest,
            }
            for statement, start, digest in block.statements
        ]
        if block.told
        else None,
        "documents": [
            {
                "document_id": change.document_id,
                "table_id": change.table.table_id,
                "table_name": change.table.kind.name,
                "statements": change.statements,
            }
            for change in block.transaction.changes
            if block.told
        ]
        or None,
        "revision_summaries": [
            {"hash": summary, "document_id": document_id}
            for summary, document_id in block.summaries
        ]
        or None,
        "redactions": None
        if redaction is None
        else [
            {
                "strand_id": strand_id,
                "sequence_no": redaction.sequence_no,
                "table_id": redaction.table_id,
                "document_id": redaction.document_id,
                "version": redaction.version,
            }
        ],
    }


def _revision_row(strand_id: str, revision: Revision) -> Row:
    change = revision.change
    operation = "INSERT" if change.version == 0 else "UPDATE"
    return {
        "strand_id": strand_id,
        "sequence_no": revision.sequence_no,
        "revision_index": revision.revision_index,
        "table_id": change.table.table_id,
        "table_name": change.table.kind.name,
        "document_id": change.document_id,
        "version": change.version,
        "tx_id": revision.transaction_id,
        "tx_time": revision.time.datetime(),
        "hash": revision.hash,
        "operation": "DELETE" if change.data is None else operation,
        "data_json": None if change.data is None else json_text(change.data),
        "data_ion": None if change.data is None else revision.symbols + revision.data,
        "data": change.data,
    }
