"""Everything that the page shows, as plain values of bounded size, however large the lake is.

Each attribute is what one aggregate over the lake's tables gives. No document value and no text of
a statement has a place here. Lists that could be long are `Listed`: the first or largest, and how
many there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from qldb_replay.journal.gaps import Gap
from qldb_replay.journal.verification import Check, Digest, Finding, Run, Scope, Strand

POINTS = 120
"""Most steps of the timeline."""
BARS = 12
"""Most bars of a histogram."""
ROWS = 100
"""Most rows of a table."""
FINDINGS = 25
"""Most findings shown of one code."""
GAPS = 50
"""Most gaps drawn of one strand."""
STRANDS = 8
"""Most strands whose coverage is drawn."""
EVENTS = 20
"""Most events shown of one table's life."""
INDEXES = 10
"""Most indexes shown of one table."""

T = TypeVar("T")


@dataclass(frozen=True)
class Listed(Generic[T]):
    """Some of the items that there are.

    Attributes:
        items: those that are shown.
        total: how many there are.
    """

    items: tuple[T, ...] = ()
    total: int = 0

    def __post_init__(self) -> None:
        if self.total < len(self.items):
            raise ValueError(f"a list of {len(self.items)} items has a total of {self.total}")

    @property
    def rest(self) -> int:
        """How many are not shown."""
        return self.total - len(self.items)


def listed(items: tuple[T, ...]) -> Listed[T]:
    """Makes the list of all items that there are."""
    return Listed(items, len(items))


@dataclass(frozen=True)
class Archive:
    """What was delivered.

    Attributes:
        objects: objects of the archive.
        stored_bytes: their size.
        records: records delivered, repeated deliveries included.
        duplicates: records beyond the first of each block and revision.
        quarantined: stretches of bytes that are no record.
        quarantined_bytes: their length.
    """

    objects: int = 0
    stored_bytes: int = 0
    records: int = 0
    duplicates: int = 0
    quarantined: int = 0
    quarantined_bytes: int = 0


@dataclass(frozen=True)
class Ledger:
    """The ledger in numbers.

    Attributes:
        blocks: blocks that are there.
        transactions: transactions, by their ID.
        revisions: revisions.
        documents: documents.
        live_documents: documents whose last revision is no deletion.
        deleted_documents: documents whose last revision is a deletion.
        redacted_revisions: revisions whose data was taken away.
        tables: tables, by their ID.
        first_time: of the first transaction, None without one.
        last_time: of the last transaction.
    """

    blocks: int = 0
    transactions: int = 0
    revisions: int = 0
    documents: int = 0
    live_documents: int = 0
    deleted_documents: int = 0
    redacted_revisions: int = 0
    tables: int = 0
    first_time: datetime | None = None
    last_time: datetime | None = None


@dataclass(frozen=True)
class Activity:
    """What happened in one step of time.

    Attributes:
        start: when the step begins, with a zone.
        inserts: first revisions of documents.
        updates: later ones.
        deletes: deletions.
        blocks: blocks.
    """

    start: datetime
    inserts: int
    updates: int
    deletes: int
    blocks: int


@dataclass(frozen=True)
class Timeline:
    """Activity over time.

    Attributes:
        step: length of a step; see `time_axis.time_step`.
        steps: at most `POINTS`, in order; steps without activity may be left out.
    """

    step: timedelta = timedelta(seconds=1)
    steps: tuple[Activity, ...] = ()


@dataclass(frozen=True)
class TableOperations:
    """What happened to one table.

    Attributes:
        table_id: the table.
        table_name: its name.
        inserts: first revisions of documents.
        updates: later ones.
        deletes: deletions.
    """

    table_id: str
    table_name: str
    inserts: int
    updates: int
    deletes: int

    @property
    def operations(self) -> int:
        """How much happened to it."""
        return self.inserts + self.updates + self.deletes


@dataclass(frozen=True)
class Bar:
    """A bar of a histogram.

    Attributes:
        low: smallest value that it counts.
        high: largest one, None for any above.
        count: how many have such a value.
    """

    low: int
    high: int | None
    count: int


@dataclass(frozen=True)
class Delivery:
    """How the archive's records arrived.

    Attributes:
        copies: how many blocks and revisions were delivered once, twice, …; at most `BARS`.
        lateness: how many records arrived how many blocks after a later block had arrived;
            0 is in order. At most `BARS`.
    """

    copies: tuple[Bar, ...] = ()
    lateness: tuple[Bar, ...] = ()


@dataclass(frozen=True)
class Coverage:
    """Which blocks of a strand are there.

    Attributes:
        strand_id: the strand.
        last: number of the last block that is there, or of the farthest saved digest's tip if that
            is higher.
        missing: how many of blocks 0 to `last` are missing.
        gaps: the largest gaps, in order of their numbers; a missing head and tail are gaps too.
    """

    strand_id: str
    last: int
    missing: int
    gaps: Listed[Gap]


@dataclass(frozen=True)
class FindingGroup:
    """Findings of one code.

    Attributes:
        code: the code.
        severity: `fail`, `incomplete` or `warning`.
        acknowledged: how many of them are known.
        findings: at most `FINDINGS`, in the order of the journal.
    """

    code: str
    severity: str
    acknowledged: int
    findings: Listed[Finding]


@dataclass(frozen=True)
class Event:
    """An event in a table's life.

    Attributes:
        event: `created`, `dropped` or `undropped`.
        sequence_no: its block.
        time: when, None where the block does not say.
    """

    event: str
    sequence_no: int
    time: datetime | None


@dataclass(frozen=True)
class Table:
    """A table of the ledger.

    Attributes:
        table_id: its ID, None where no document of it was ever seen.
        table_name: its name.
        status: `ACTIVE` or `INACTIVE`.
        indexes: indexed fields, at most `INDEXES`.
        lifecycle: at most `EVENTS` events, in order.
        revisions: how many it has.
        documents: how many it has, deleted ones included.
    """

    table_id: str | None
    table_name: str
    status: str
    indexes: Listed[str]
    lifecycle: Listed[Event]
    revisions: int
    documents: int


@dataclass(frozen=True)
class Carrier:
    """An object of the archive that still carries redacted data.

    Attributes:
        object_uri: the object.
        copies: how many copies in it.
    """

    object_uri: str
    copies: int


@dataclass(frozen=True)
class Redactions:
    """What became of redactions.

    Attributes:
        requested: revisions whose redaction the journal asks for.
        applied: of these, revisions of which no copy carries the data.
        unapplied: of these, revisions of which a copy in the archive still carries the data.
        unrequested: revisions without data that no request in the archive names.
        carriers: objects that still carry the data, those with most copies first.
    """

    requested: int = 0
    applied: int = 0
    unapplied: int = 0
    unrequested: int = 0
    carriers: Listed[Carrier] = field(default_factory=Listed)


@dataclass(frozen=True)
class Figures:
    """The page's contents.

    Attributes:
        lake: the lake's URI.
        tool_version: of qldb-replay.
        run: the verification's run.
        scope: what it computed anew.
        verdict: `pass`, `fail` or `incomplete`.
        outdated: whether the lake has changed since.
        checks: what was checked and how often.
        strands: the strands, those that failed first.
        digests: saved digests, those that do not match first.
        archive: what was delivered.
        ledger: the ledger in numbers.
        timeline: activity over time.
        operations: by table, the busiest first.
        delivery: copies and disorder.
        coverage: of at most `STRANDS` strands.
        findings: all codes that were found, the most severe first.
        tables: tables by name and age.
        redactions: what became of them.
    """

    lake: str
    tool_version: str
    run: Run
    scope: Scope
    verdict: str
    outdated: bool = False
    checks: tuple[Check, ...] = ()
    strands: Listed[Strand] = field(default_factory=Listed)
    digests: Listed[Digest] = field(default_factory=Listed)
    archive: Archive = field(default_factory=Archive)
    ledger: Ledger = field(default_factory=Ledger)
    timeline: Timeline = field(default_factory=Timeline)
    operations: Listed[TableOperations] = field(default_factory=Listed)
    delivery: Delivery = field(default_factory=Delivery)
    coverage: Listed[Coverage] = field(default_factory=Listed)
    findings: tuple[FindingGroup, ...] = ()
    tables: Listed[Table] = field(default_factory=Listed)
    redactions: Redactions = field(default_factory=Redactions)

    def __post_init__(self) -> None:
        sizes = [
            ("timeline", len(self.timeline.steps), POINTS),
            ("copies", len(self.delivery.copies), BARS),
            ("lateness", len(self.delivery.lateness), BARS),
            ("coverage", len(self.coverage.items), STRANDS),
            *((name, len(getattr(self, name).items), ROWS) for name in _TABLES),
            ("carriers", len(self.redactions.carriers.items), ROWS),
            *(("gaps", len(each.gaps.items), GAPS) for each in self.coverage.items),
            *((each.code, len(each.findings.items), FINDINGS) for each in self.findings),
            *(("lifecycle", len(each.lifecycle.items), EVENTS) for each in self.tables.items),
            *(("indexes", len(each.indexes.items), INDEXES) for each in self.tables.items),
        ]
        for name, size, most in sizes:
            if size > most:
                raise ValueError(f"{name}: {size} items for the page, at most {most} fit")


_TABLES = ("strands", "digests", "operations", "tables")
