"""What an invented ledger and its archive look like: every option with its default."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from qldb_replay.errors import UsageError
from qldb_replay.limits import MIB
from qldb_replay.simulate.documents import KINDS

DELIMITERS = {"none": b"", "lf": b"\n", "crlf": b"\r\n"}
COMPRESSIONS = ("none", "gzip", "zip", "snappy", "hadoop-snappy")


@dataclass(frozen=True)
class SimulateOptions:
    """Options of `simulate`; the same options always give the same bytes.

    Attributes:
        out: folder that becomes the archive's root. The saved digest and proofs are written beside
            it, as `<out>.digest.json` and `<out>.proofs.json`.
        revisions: document revisions in the ledger. Transactions that only read, define tables or
            redact add blocks of their own.
        seed: everything invented follows from it.
        tables: names of the tables to have; see `documents.KINDS`.
        delimiter: what follows each record: `none`, `lf` or `crlf`.
        compression: of objects: `none`, `gzip`, `zip`, `snappy` or `hadoop-snappy`.
        object_bytes: size before compression at which an object is closed.
        duplicates: share of records that are delivered once more, a little later.
        disorder: how far records stray: each waits among about this many others. 0 keeps blocks
            and their revisions in journal order.
        streams: streams of the same ledger, each delivering all of it under an ARN of its own.
            All but the first were started after the redactions took effect.
        versions_per_document: mean number of revisions a document gets.
        delete_share: share of revisions that delete their document.
        select_share: share of transactions that only read.
        hot_documents: documents that are updated throughout the ledger and never deleted.
        hot_share: share of updates that go to those.
        live_documents: documents a table keeps in memory for further updates; older ones stay live
            in the ledger and are not touched again.
        redactions: redaction requests, spread evenly over the ledger.
        error_share: share of deliveries that failed and lie in Firehose error objects.
        kpl: whether records lie in KPL aggregates, as another archive writer may leave them.
        first_sequence: blocks before this one, and their revisions, are not delivered.
        untold_share: share of blocks without transactionInfo, which AWS's own code at times takes
            for optional. One that has no revisions either explains nothing of what it holds.
        transaction_ms: mean time between transactions.
        start: time of the first transaction, with a zone.
        ledger: name of the ledger, part of the stream's ARN.
        proofs: saved GetRevision answers, spread evenly over the ledger.
        damage: kinds of damage or attack that the archive suffers, one after the other; a name
            that is none is answered with all of them. The saved digest and proofs stay true.
    """

    out: Path
    revisions: int
    seed: int = 1
    tables: tuple[str, ...] = tuple(kind.name for kind in KINDS)
    delimiter: str = "none"
    compression: str = "none"
    object_bytes: int = 5 * MIB
    duplicates: float = 0.01
    disorder: int = 100
    streams: int = 1
    versions_per_document: float = 5.0
    delete_share: float = 0.02
    select_share: float = 0.05
    hot_documents: int = 1
    hot_share: float = 0.01
    live_documents: int = 500
    redactions: int = 3
    error_share: float = 0.0
    kpl: bool = False
    first_sequence: int = 0
    untold_share: float = 0.0
    transaction_ms: int = 400
    start: datetime = datetime(2024, 1, 1, tzinfo=timezone.utc)
    ledger: str = "vehicle-registration"
    proofs: int = 5
    damage: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = set(self.tables) - {kind.name for kind in KINDS}
        if unknown or not self.tables:
            raise UsageError(f"tables: expected some of {[kind.name for kind in KINDS]}")
        if self.delimiter not in DELIMITERS:
            raise UsageError(f"delimiter: expected one of {list(DELIMITERS)}")
        if self.compression not in COMPRESSIONS:
            raise UsageError(f"compression: expected one of {list(COMPRESSIONS)}")
        for name in _SHARES:
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"{name}: expected a share from 0 up to but not 1")
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise UsageError(f"{name}: expected at least {least}")
        if self.start.tzinfo is None:
            raise UsageError("start: expected a time with a zone")
        if self.start.year > _LAST_YEAR:
            raise UsageError(f"start: expected a year up to {_LAST_YEAR}")


_LAST_YEAR = 9_000  # no ledger is so long that it goes on beyond 9999 from there
_SHARES = (
    "duplicates",
    "delete_share",
    "select_share",
    "hot_share",
    "error_share",
    "untold_share",
)
_LEAST = {
    "revisions": 1,
    "object_bytes": 1,
    "disorder": 0,
    "streams": 1,
    "versions_per_document": 1,
    "hot_documents": 0,
    "live_documents": 1,
    "redactions": 0,
    "first_sequence": 0,
    "transaction_ms": 1,
    "proofs": 0,
}
