# ruff: noqa: S311, S608 - the seed decides everything; no statement is ever executed
"""What happens in the invented ledger: transaction after transaction, in bounded memory.

Tables are created with their indexes, documents are inserted, updated, deleted, read and redacted.
At fixed points `Drafts` is dropped and created anew under its name, and `Legacy` is dropped and
undropped. Only a window of documents a table stays in memory for updates.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from random import Random

from qldb_replay.simulate.documents import KINDS, Document, Kind
from qldb_replay.simulate.options import SimulateOptions
from qldb_replay.simulate.transaction import (
    Change,
    LiveDocument,
    Redaction,
    Statement,
    Table,
    Transaction,
    unique_id,
)

_BULK = 3


class Story:
    """Iterates, once, over a ledger's transactions; the n-th becomes block n, counted from 0.

    Attributes:
        strand_id: the ledger's only strand.
    """

    def __init__(self, options: SimulateOptions) -> None:
        self._options = options
        self._rng = Random(options.seed)
        self._kinds = [kind for kind in KINDS if kind.name in options.tables]
        self._tables: dict[str, Table] = {}
        self._new_tables: deque[Table] = deque()
        self.strand_id = unique_id(self._rng)
        self._clock = int(options.start.timestamp() * 1000)
        self._sequence_no = 0
        self._revisions = 0
        self._hot_left = options.hot_documents
        mean = options.versions_per_document
        # Inserts take a 1/mean part of all revisions, so deletes are drawn from the rest.
        self._delete_chance = options.delete_share * mean / (mean - 1) if mean > 1 else 0.0
        self._redacted: set[str] = set()

    def __iter__(self) -> Iterator[Transaction]:
        for kind in self._kinds:
            self._add_table(kind)
        yield self._committed(self._create_tables(list(self._tables.values())))
        for table in tuple(self._tables.values()):
            yield self._committed(self._create_indexes(table))
        planned = deque(sorted(self._plan(), key=lambda step: step[0]))
        while self._revisions < self._options.revisions:
            if self._new_tables:
                yield self._committed(self._write([(self._new_tables.popleft(), 1)]))
            elif planned and planned[0][0] <= self._revisions:
                for transaction in planned.popleft()[1]():
                    yield self._committed(transaction)
            elif self._rng.random() < self._options.select_share:
                yield self._committed(self._read())
            else:
                yield self._committed(self._write(self._any_parts()))

    def _plan(self) -> Iterator[tuple[int, Callable[[], Iterator[Transaction]]]]:
        """What happens once that many revisions are written."""
        total = self._options.revisions
        steady = self._tables.keys() - {"Drafts", "Legacy"}
        if steady and "Drafts" in self._tables:
            yield int(total * 0.4), lambda: self._drop("Drafts")
            yield int(total * 0.5), lambda: self._create_anew("Drafts")
        if steady and "Legacy" in self._tables:
            yield int(total * 0.6), lambda: self._drop("Legacy")
            yield int(total * 0.8), lambda: self._undrop("Legacy")
        for number in range(self._options.redactions):
            yield total * (number + 1) // (self._options.redactions + 1), self._redact

    def _begin(self) -> Transaction:
        rng = self._rng
        self._clock += 40 + int(rng.random() * 2 * self._options.transaction_ms)
        return Transaction(unique_id(rng), self._clock)

    def _committed(self, transaction: Transaction) -> Transaction:
        self._sequence_no += 1
        self._revisions += len(transaction.changes)
        return transaction

    def _add_table(self, kind: Kind) -> Table:
        table = self._tables[kind.name] = Table(kind, unique_id(self._rng))
        self._new_tables.append(table)
        return table

    def _create_tables(self, tables: list[Table]) -> Transaction:
        transaction = self._begin()
        for position, table in enumerate(tables):
            # Statements are written by people: with and without quotes, in either case.
            word = ("CREATE TABLE {}", 'CREATE TABLE "{}"', "create table {}")[position % 3]
            transaction.statements.append(Statement(word.format(table.kind.name)))
            transaction.defined.append(("created", table, None))
        transaction.system_revisions = len(tables)
        return transaction

    def _create_indexes(self, table: Table) -> Transaction:
        transaction = self._begin()
        for name in table.kind.indexes:
            quoted = name if name.isalnum() else f'"{name}"'
            text = f"CREATE INDEX ON {table.kind.name} ({quoted})"
            transaction.statements.append(Statement(text))
            transaction.defined.append(("indexed", table, name))
        transaction.system_revisions = len(table.kind.indexes)
        return transaction

    def _drop(self, name: str) -> Iterator[Transaction]:
        table = self._tables[name]
        table.active = False
        transaction = self._begin()
        transaction.statements.append(Statement(f'DROP TABLE "{name}"'))
        transaction.defined.append(("dropped", table, None))
        transaction.system_revisions = 1
        yield transaction

    def _undrop(self, name: str) -> Iterator[Transaction]:
        table = self._tables[name]
        table.active = True
        transaction = self._begin()
        transaction.statements.append(Statement(f'UNDROP TABLE "{table.table_id}"'))
        transaction.defined.append(("undropped", table, None))
        transaction.system_revisions = 1
        yield transaction

    def _create_anew(self, name: str) -> Iterator[Transaction]:
        table = self._add_table(self._tables[name].kind)
        yield self._create_tables([table])
        yield self._create_indexes(table)

    def _redact(self) -> Iterator[Transaction]:
        document = self._redactable()
        if document is None or document.older is None:
            return
        sequence_no, version = document.older
        self._redacted.add(document.document_id)
        table_id = document.table.table_id
        transaction = self._begin()
        address = {"strandId": self.strand_id, "sequenceNo": sequence_no}
        text = f"EXEC REDACT_REVISION ?, '{table_id}', '{document.document_id}'"
        transaction.statements.append(Statement(text, (address,)))
        transaction.redaction = Redaction(sequence_no, table_id, document.document_id, version)
        yield transaction

    def _redactable(self) -> LiveDocument | None:
        candidates = [
            document
            for table in self._tables.values()
            if table.active
            for document in table.live
            if document.older is not None and document.document_id not in self._redacted
        ]
        return self._rng.choice(candidates) if candidates else None

    def _any_table(self) -> Table:
        kinds = self._kinds
        while True:
            kind = self._rng.choices(kinds, [kind.weight for kind in kinds])[0]
            if self._tables[kind.name].active:
                return self._tables[kind.name]

    def _size(self) -> int:
        """Documents in a transaction: mostly one, up to QLDB's limit of 40."""
        draw = self._rng.random()
        if draw < 0.6:
            wanted = 1
        elif draw < 0.97:
            wanted = 2 + int(self._rng.random() ** 2 * 9)
        else:
            wanted = 10 + int(self._rng.random() * 31)
        return min(wanted, self._options.revisions - self._revisions)

    def _any_parts(self) -> list[tuple[Table, int]]:
        """Tables that a transaction turns to, with a number of documents: one or two tables."""
        table, size = self._any_table(), self._size()
        other = self._any_table()
        if size > 1 and other is not table and self._rng.random() < 0.3:
            return [(table, size - 1), (other, 1)]
        return [(table, size)]

    def _read(self) -> Transaction:
        transaction = self._begin()
        kind = self._any_table().kind
        text = f'SELECT * FROM {kind.name} AS d WHERE d."{kind.key}" = ?'
        transaction.statements.append(Statement(text, (unique_id(self._rng),)))
        if self._rng.random() < 0.2:
            text = f'UPDATE {kind.name} AS d SET d.Unseen = ? WHERE d."{kind.key}" = ?'
            transaction.statements.append(Statement(text, (1, unique_id(self._rng))))
        return transaction

    def _write(self, parts: list[tuple[Table, int]]) -> Transaction:
        transaction = self._begin()
        for table, size in parts:
            self._write_to(transaction, table, size)
        transaction.system_revisions = int(self._rng.random() < 0.02)
        return transaction

    def _write_to(self, transaction: Transaction, table: Table, size: int) -> None:
        rng, options = self._rng, self._options
        chosen: dict[str, LiveDocument] = {}
        inserts = 0
        for _ in range(size):
            document = None
            if rng.random() * options.versions_per_document >= 1:
                document = self._existing(table)
            if document is None:
                inserts += 1
            else:
                chosen[document.document_id] = document
        if chosen and rng.random() < 0.1:
            self._look_first(transaction, table)
        if rng.random() < self._delete_chance:
            self._delete(transaction, table, chosen)
        if len(chosen) > _BULK:
            self._update_all(transaction, table, list(chosen.values()))
        else:
            for document in chosen.values():
                self._update(transaction, table, document)
        if inserts:
            self._insert(transaction, table, inserts)

    def _existing(self, table: Table) -> LiveDocument | None:
        rng = self._rng
        if table.hot and rng.random() < self._options.hot_share:
            return table.hot[int(rng.random() * len(table.hot))]
        return table.live[int(rng.random() * len(table.live))] if table.live else None

    def _look_first(self, transaction: Transaction, table: Table) -> None:
        text = f'SELECT d."{table.kind.key}" FROM {table.kind.name} AS d'
        transaction.statements.append(Statement(text))

    def _insert(self, transaction: Transaction, table: Table, count: int) -> None:
        documents = tuple(table.kind.make(self._rng) for _ in range(count))
        if count == 1:
            text = f"INSERT INTO {table.kind.name} ?"
        else:
            text = f"INSERT INTO {table.kind.name} << {', '.join('?' * count)} >>"
        position = len(transaction.statements)
        transaction.statements.append(Statement(text, documents))
        for data in documents:
            document = LiveDocument(table, unique_id(self._rng), data, 0, self._sequence_no)
            self._keep(table, document)
            transaction.changes.append(Change(table, document.document_id, 0, data, [position]))

    def _keep(self, table: Table, document: LiveDocument) -> None:
        if self._hot_left:
            self._hot_left -= 1
            table.hot.append(document)
        elif len(table.live) < self._options.live_documents:
            table.live.append(document)
        else:
            table.live[int(self._rng.random() * len(table.live))] = document

    def _update(self, transaction: Transaction, table: Table, document: LiveDocument) -> None:
        rng, mutable = self._rng, table.kind.mutable
        name, invent = mutable[int(rng.random() * len(mutable))]
        other, invent_other = mutable[int(rng.random() * len(mutable))]
        values = {name: invent(rng)}
        if rng.random() < 0.3:
            values[other] = invent_other(rng)
        paths = ", ".join(f"d.{path} = ?" for path in values)
        text = f'UPDATE {table.kind.name} AS d SET {paths} WHERE d."{table.kind.key}" = ?'
        parameters = (*values.values(), document.data[table.kind.key])
        positions = [len(transaction.statements)] * len(values)
        transaction.statements.append(Statement(text, parameters))
        self._revise(transaction, document, values, positions)

    def _update_all(
        self, transaction: Transaction, table: Table, documents: list[LiveDocument]
    ) -> None:
        """One statement that sets the same field of several documents to the same value."""
        mutable = table.kind.mutable
        name, invent = mutable[int(self._rng.random() * len(mutable))]
        value = invent(self._rng)
        keys = [document.data[table.kind.key] for document in documents]
        marks = ", ".join("?" * len(keys))
        where = f'd."{table.kind.key}" IN ({marks})'
        text = f"UPDATE {table.kind.name} AS d SET d.{name} = ? WHERE {where}"
        position = len(transaction.statements)
        transaction.statements.append(Statement(text, (value, *keys)))
        for document in documents:
            self._revise(transaction, document, {name: value}, [position])

    def _revise(
        self,
        transaction: Transaction,
        document: LiveDocument,
        values: Document,
        positions: list[int],
    ) -> None:
        document.older = document.sequence_no, document.version
        document.data = {**document.data, **values}
        document.version += 1
        document.sequence_no = self._sequence_no
        transaction.changes.append(
            Change(document.table, document.document_id, document.version, document.data, positions)
        )

    def _delete(
        self, transaction: Transaction, table: Table, chosen: dict[str, LiveDocument]
    ) -> None:
        """Delete the chosen documents, but for hot ones, which stay chosen."""
        key = table.kind.key
        text = f'DELETE FROM {table.kind.name} AS d WHERE d."{key}" = ?'
        doomed = [document for document in chosen.values() if document not in table.hot]
        table.live = [kept for kept in table.live if kept.document_id not in chosen]
        for document in doomed:
            del chosen[document.document_id]
            position = len(transaction.statements)
            transaction.statements.append(Statement(text, (document.data[key],)))
            change = Change(table, document.document_id, document.version + 1, None, [position])
            transaction.changes.append(change)
