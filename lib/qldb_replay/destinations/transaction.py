"""What replay writes to an SQL destination, in statements that all databases take."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qldb_replay.destinations.interface import Checkpoint, Chunk, Key, LedgerTable
from qldb_replay.destinations.quoting import quoted
from qldb_replay.destinations.tables import (
    BLOCKS_TABLE,
    CHECKPOINT_TABLE,
    GAPS_TABLE,
    STATEMENTS_TABLE,
    checkpoint_row,
    history_table,
)
from qldb_replay.errors import DestinationError
from qldb_replay.journal.gaps import Gap, between

if TYPE_CHECKING:
    from qldb_replay.destinations.sql import SqlDestination


class SqlTransaction:
    """One transaction; see `interface.Transaction`.

    Args:
        destination: where; its connection has a transaction open.
    """

    def __init__(self, destination: SqlDestination) -> None:
        self._to = destination
        self._tables = destination.tables()

    def write(
        self, chunk: Chunk, active: Mapping[str, str | None], anew: Collection[str] = ()
    ) -> None:
        """Adds source transactions, and brings the current tables to where they lead."""
        self._to.load(BLOCKS_TABLE, chunk.blocks)
        self._to.load(STATEMENTS_TABLE, chunk.statements)
        by_id = {table.table_id: table for table in self._tables}
        for table_id, rows in chunk.revisions.items():
            self._to.load(history_table(by_id[table_id]), rows)
        for table in {each.current_table: each for each in self._tables}.values():
            now = active.get(table.table_name)
            if table.table_name in anew:
                self._fill_anew(table, now)
            elif now is not None and now in chunk.revisions:
                self._bring_up(table, now, chunk)

    def _bring_up(self, table: LedgerTable, active: str, chunk: Chunk) -> None:
        """Brings a current table up to the documents that a chunk changed.

        A chunk that fills a gap can be older than what is there: only a newer version replaces.
        """
        mark, current = self._to.mark, quoted(table.current_table)
        history = quoted(table.history_table)
        within = f"sequence_no BETWEEN {mark} AND {mark}"
        newest = (
            f"SELECT max(h.version) FROM {history} AS h "
            f"WHERE h.table_id = {mark} AND h.document_id = {current}.document_id"
        )
        self._to.run(
            f"DELETE FROM {current} WHERE document_id IN "
            f"(SELECT document_id FROM {history} WHERE {within} AND operation = 'DELETE') "
            f"AND version < ({newest})",
            (chunk.first, chunk.last, active),
        )
        self._insert_live(table, active, f"AND {within}", (chunk.first, chunk.last))

    def _fill_anew(self, table: LedgerTable, active: str | None) -> None:
        """Fills a current table with the live documents of the table that is active now."""
        self._to.run(f"DELETE FROM {quoted(table.current_table)}")
        if active is not None:
            self._insert_live(table, active, "", ())

    def _insert_live(
        self, table: LedgerTable, active: str, among: str, values: Sequence[Any]
    ) -> None:
        """Puts the newest versions of documents in place, where they are among some revisions.

        The table's ID is compared as no index has it: nearly all rows have it, and SQLite would
        prefer it to the few block numbers of a chunk.
        """
        history, mark = quoted(table.history_table), self._to.mark
        self._to.run(
            f"INSERT INTO {quoted(table.current_table)} (document_id, version, data) "
            f"SELECT document_id, version, data FROM {history} AS h "
            f"WHERE operation <> 'DELETE' {among} AND h.table_id || '' = {mark} AND NOT EXISTS ("
            f"SELECT 1 FROM {history} AS n WHERE n.table_id = h.table_id "
            "AND n.document_id = h.document_id AND n.version > h.version) "
            "ON CONFLICT (document_id) DO UPDATE "
            "SET version = excluded.version, data = excluded.data",
            (*values, active),
        )

    def redact(self, keys: Sequence[Key], run_id: str) -> int:
        """Takes the data of revisions away where it is there; returns of how many."""
        by_id = {table.table_id: table for table in self._tables}
        count = 0
        for table_id in {key.table_id for key in keys}:
            own = [key for key in keys if key.table_id == table_id]
            count += self._to.redact(by_id[table_id], own, run_id)
        return count

    def record_gaps(self, gaps: Sequence[Gap]) -> None:
        """Notes blocks that are passed over."""
        if gaps:
            strand_id = self._strand()
            self._to.insert(GAPS_TABLE, [(strand_id, *gap, None) for gap in gaps])

    def fill_gap(self, gap: Gap, filled: Sequence[Gap], run_id: str) -> None:
        """Notes which blocks of a gap are there now; the others stay a gap."""
        strand_id = self._strand()
        self._to.run(
            f"DELETE FROM {quoted(GAPS_TABLE.name)} WHERE strand_id = {self._to.mark} "
            f"AND {quoted('first')} = {self._to.mark}",
            (strand_id, gap.first),
        )
        rows: list[tuple[Any, ...]] = [(strand_id, *part, run_id) for part in filled]
        rows += [(strand_id, *part, None) for part in between(gap, filled)]
        self._to.insert(GAPS_TABLE, rows)

    def move(self, before: Checkpoint, after: Checkpoint) -> None:
        """Moves the checkpoint, if it is where it was left."""
        names = [column.name for column in CHECKPOINT_TABLE.columns]
        changes = ", ".join(f"{quoted(name)} = {self._to.mark}" for name in names)
        moved = self._to.run(
            f"UPDATE {quoted(CHECKPOINT_TABLE.name)} SET {changes} "
            f"WHERE strand_id = {self._to.mark} AND sequence_no = {self._to.mark} "
            f"AND revisions = {self._to.mark} AND redacted = {self._to.mark}",
            (
                *checkpoint_row(after),
                before.strand_id,
                before.sequence_no,
                before.revisions,
                before.redacted,
            ),
        )
        if moved != 1:
            raise DestinationError(
                f"{self._to.shown} was changed by somebody else while this replay wrote to it: "
                "let one replay at a time write, and run it again"
            )

    def _strand(self) -> str:
        rows = self._to.query(f"SELECT strand_id FROM {quoted(CHECKPOINT_TABLE.name)}")
        return str(rows[0][0])
