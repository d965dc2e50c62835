"""What a transaction did: its statements, the documents and tables it changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from qldb_replay.simulate.documents import Document, Kind
from qldb_replay.simulate.values import Value

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGIT_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)


def unique_id(rng: Random) -> str:
    """A QLDB identifier: a 128-bit number as 22 base-62 digits."""
    number = rng.getrandbits(128)
    pairs = []
    for _ in range(11):
        number, pair = divmod(number, 3_844)
        pairs.append(_DIGIT_PAIRS[pair])
    return "".join(reversed(pairs))


@dataclass(slots=True, eq=False)
class Table:
    """A ledger table.

    Attributes:
        kind: its kind of document.
        table_id: the key; names repeat.
        active: neither dropped nor yet to be undropped.
        live: documents that further updates choose from.
        hot: documents that are updated again and again.
    """

    kind: Kind
    table_id: str
    active: bool = True
    live: list[LiveDocument] = field(default_factory=list)
    hot: list[LiveDocument] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class LiveDocument:
    """A document's latest revision, and where an older one lies that can be redacted."""

    table: Table
    document_id: str
    data: Document
    version: int
    sequence_no: int
    older: tuple[int, int] | None = None


@dataclass(slots=True)
class Statement:
    """A PartiQL statement as the journal records it, and the parameters it only has a hash of."""

    text: str
    parameters: tuple[Value, ...] = ()


@dataclass(slots=True)
class Change:
    """What a transaction does to one document, all of its statements together.

    Attributes:
        table: the document's table.
        document_id: the document's ID.
        version: the version this change makes.
        data: the document afterwards, `None` once deleted.
        statements: positions of the statements that changed it, repeated for each path they set.
    """

    table: Table
    document_id: str
    version: int
    data: Document | None
    statements: list[int]


@dataclass(slots=True)
class Redaction:
    """A request to redact one superseded revision."""

    sequence_no: int
    table_id: str
    document_id: str
    version: int


@dataclass(slots=True)
class Transaction:
    """One committed transaction.

    Attributes:
        transaction_id: its ID.
        time: commit time, in milliseconds since 1970.
        statements: in order of execution.
        changes: documents changed.
        system_revisions: revisions of QLDB's own data, of which a stream shows only the hashes.
        redaction: the request, for a transaction that is one.
        defined: what the transaction did to tables: (event, table, index field or `None`).
    """

    transaction_id: str
    time: int
    statements: list[Statement] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    system_revisions: int = 0
    redaction: Redaction | None = None
    defined: list[tuple[str, Table, str | None]] = field(default_factory=list)
