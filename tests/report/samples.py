"""Figures of invented verifications, for the tests of the page."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from qldb_replay.journal.findings import SEVERITY
from qldb_replay.journal.gaps import Gap
from qldb_replay.journal.verification import Check, Digest, Finding, Run, Scope, Strand
from qldb_replay.report.figures import (
    BARS,
    EVENTS,
    FINDINGS,
    GAPS,
    INDEXES,
    POINTS,
    ROWS,
    STRANDS,
    Activity,
    Archive,
    Bar,
    Carrier,
    Coverage,
    Delivery,
    Event,
    Figures,
    FindingGroup,
    Ledger,
    Listed,
    Redactions,
    Table,
    TableOperations,
    Timeline,
    listed,
)

STRAND = "JdxjkR9bSYB5jMHWcI464T"
START = datetime(2023, 3, 1, tzinfo=timezone.utc)
RUN = Run(
    "20240517T093000Z-0a1b2c3d",
    datetime(2024, 5, 17, 9, 30, tzinfo=timezone.utc),
    datetime(2024, 5, 17, 9, 31, 12, 345678, tzinfo=timezone.utc),
)


def empty() -> Figures:
    """A lake of an archive without a single record."""
    return Figures("file:///data/lake", "0.1.0", RUN, Scope("full", False, {}, {}), "pass")


def healthy() -> Figures:
    """A whole ledger, anchored to its last block."""
    random.seed(7)
    step = timedelta(days=1)
    steps = []
    for day in range(92):
        busy = 40 + 30 * (day % 7 < 5) + random.randint(0, 25) + (150 if day == 61 else 0)
        steps.append(
            Activity(START + step * day, busy, int(busy * 1.7), random.randint(0, 9), busy * 2)
        )
    return replace(
        empty(),
        lake="s3://vehicle-registry/lake",
        scope=Scope("full", False, {"blocks": 12_480, "revisions": 21_377}, {}),
        checks=tuple(Check(code, 12_480, 0) for code in SEVERITY),
        strands=listed((Strand(STRAND, 0, 12_479, 12_480, b"\x9f" * 32, "pass", 12_479),)),
        digests=listed(
            (
                Digest(STRAND, 12_479, b"\x9f" * 32, "match"),
                Digest(STRAND, 8_000, b"\x51" * 32, "match"),
            )
        ),
        archive=Archive(1_288, 734_003_200, 34_512, 655, 0, 0),
        ledger=Ledger(12_480, 12_480, 21_377, 7_940, 7_502, 438, 0, 4, START, START + step * 92),
        timeline=Timeline(step, tuple(steps)),
        operations=listed(
            (
                TableOperations("t1", "VehicleRegistration", 5_100, 9_870, 210),
                TableOperations("t2", "Vehicle", 1_900, 2_310, 97),
                TableOperations("t3", "Person", 800, 902, 131),
                TableOperations("t4", "DriversLicense", 140, 17, 0),
            )
        ),
        delivery=Delivery(
            (Bar(1, 1, 33_221), Bar(2, 2, 610), Bar(3, 3, 19), Bar(4, None, 7)),
            (
                Bar(0, 0, 30_118),
                Bar(1, 9, 3_120),
                Bar(10, 99, 950),
                Bar(100, 999, 311),
                Bar(1_000, None, 13),
            ),
        ),
        coverage=listed((Coverage(STRAND, 12_479, 0, Listed()),)),
        tables=listed(
            (
                Table(
                    "8F0TPCmdNQ6JTRpiLj2TmW",
                    "VehicleRegistration",
                    "ACTIVE",
                    listed(("VIN", "LicensePlateNumber")),
                    listed((Event("created", 3, START),)),
                    15_180,
                    5_100,
                ),
                Table(
                    "JdxjkR9bSYB5jMHWcI464A",
                    "Person",
                    "INACTIVE",
                    listed(("GovId",)),
                    listed(
                        (
                            Event("created", 3, START),
                            Event("dropped", 4_120, START + step * 30),
                            Event("undropped", 4_131, START + step * 30),
                            Event("dropped", 11_002, START + step * 80),
                        )
                    ),
                    1_833,
                    800,
                ),
                Table(None, "Audit", "ACTIVE", Listed(), Listed(), 0, 0),
            )
        ),
    )


def unanchored() -> Figures:
    figures = healthy()
    strand = replace(figures.strands.items[0], anchored_to=None)
    return replace(figures, strands=listed((strand,)), digests=Listed())


def damaged() -> Figures:
    """A ledger with findings of every severity."""
    figures = healthy()
    chain = Finding(
        "chain-break",
        "fail",
        STRAND,
        4_212,
        expected="n5+9ZxWGrIsXWgqQbP4nxv0nTVHrNVNEiDc0VSpTLqc=",
        actual="bZQkLNwjqH2R9Zxw0u7jhVRiTk8ysgbVmBqvVnnvDkI=",
        detail="previous_block_hash against block 4,211",
    )
    revision = Finding(
        "revision-hash-mismatch",
        "fail",
        STRAND,
        4_211,
        "6WXz9yM4kD3CYtEXAMPLE1",
        3,
        "s3://vehicle-registry-journal/2023/04/01/07/ledger-1-2023-04-01-07-12-55-1b2c",
        88_120,
        "S+1nT2zqLr1tDNJLvHPcvq3rJkr8QwTuZ4Gk1kTHJ8k=",
        "0kSxqZLyXBCRTt7uVzMOR9GfWKBYnR2PZt+uLq5bxEY=",
    )
    missing = [
        Finding(
            "block-missing",
            "incomplete",
            STRAND,
            first,
            expected=f"blocks {first} to {last}",
            acknowledged=first == 6_000,
        )
        for first, last in ((6_000, 6_099), (9_004, 9_004), (10_500, 11_200))
    ]
    return replace(
        figures,
        verdict="fail",
        outdated=True,
        scope=Scope("incremental", True, {"blocks": 240, "revisions": 402}, {"findings": 3}),
        strands=listed((Strand(STRAND, 0, 12_479, 11_678, None, "fail", 3_999),)),
        digests=listed(
            (
                Digest(STRAND, 12_900, b"\x33" * 32, "beyond"),
                Digest(STRAND, 8_000, b"\x51" * 32, "undecidable"),
                Digest(STRAND, 5_000, b"\x61" * 32, "mismatch"),
                Digest(STRAND, 3_999, b"\x71" * 32, "match"),
            )
        ),
        archive=replace(figures.archive, quarantined=2, quarantined_bytes=1_312),
        checks=tuple(
            Check(code, 12_480, {"chain-break": 1, "block-missing": 3}.get(code, 0))
            for code in SEVERITY
        ),
        findings=(
            FindingGroup("revision-hash-mismatch", "fail", 0, listed((revision,))),
            FindingGroup("chain-break", "fail", 0, listed((chain,))),
            FindingGroup("block-missing", "incomplete", 1, listed(tuple(missing))),
            FindingGroup(
                "redaction-unapplied",
                "warning",
                0,
                Listed(
                    (Finding("redaction-unapplied", "warning", STRAND, 77, "6WXz9yM4kD3C", 1),), 9
                ),
            ),
        ),
        coverage=listed(
            (
                Coverage(
                    STRAND,
                    12_900,
                    1_223,
                    Listed(
                        (
                            Gap(6_000, 6_099),
                            Gap(9_004, 9_004),
                            Gap(10_500, 11_200),
                            Gap(12_480, 12_900),
                        ),
                        9,
                    ),
                ),
            )
        ),
        redactions=Redactions(
            12, 9, 3, 1, listed((Carrier("s3://vehicle-registry-journal/2023/03/02/11/a", 3),))
        ),
    )


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "‮redro‬ \u2066hidden\u2069",
    "Orders\u200d",
    "Приказы 订单 الطلبات",
    "👩‍💻📦",
    "a\x00b\x1b[31m\ud800\u2028",
    "&lt;b&gt;&amp;",
    "Z̸̢̛͉̺͍̲͚͛̓̏a̵̢̨̛̹̗̞̓l̴̡̛̝̺̥̓g̶̢̛̘̝̓̄o̷̢̡̝̺̓",
    "javascript:alert(1)",
    "$\\frac{1}{0}$",
    "]]></svg></style><style>*{display:none}</style>",
    "x" * 5_000,
    "",
)


def hostile() -> Figures:
    """Every name as an attacker would choose it."""
    figures = damaged()
    names = HOSTILE
    findings = tuple(
        Finding("table-mismatch", "fail", name, 1, name, 2, name, 3, name, name, name)
        for name in names
    )
    events = tuple(Event(name, 1, None) for name in names)
    return replace(
        figures,
        lake=names[0],
        tool_version=names[1],
        run=replace(RUN, run_id=names[0]),
        strands=listed(tuple(Strand(name, 0, 1, 2, None, "fail", None) for name in names)),
        digests=listed(tuple(Digest(name, 1, bytes(32), "mismatch") for name in names)),
        operations=listed(tuple(TableOperations(name, name, 1, 2, 3) for name in names)),
        coverage=listed(tuple(Coverage(name, 1, 0, Listed()) for name in names[:STRANDS])),
        findings=(
            FindingGroup("table-mismatch", "fail", 0, listed(findings)),
            FindingGroup(names[1], "fail", 0, listed(findings[:1])),
        ),
        tables=listed(
            tuple(
                Table(name, name, name, listed(names[:INDEXES]), listed(events), 1, 1)
                for name in names
            )
        ),
        redactions=Redactions(1, 0, 1, 0, listed(tuple(Carrier(name, 1) for name in names))),
    )


def huge() -> Figures:
    """As much as a page can hold, of a ledger of a thousand million blocks, all names long."""
    figures = damaged()
    last, long = 10**9 - 1, "\N{PERSONAL COMPUTER}" * 4_000
    steps = tuple(
        Activity(START + timedelta(days=each), 10**8, 10**9, 10**7, 10**7) for each in range(POINTS)
    )
    bars = tuple(Bar(10**each, 10 ** (each + 1) - 1, 10**9) for each in range(BARS))
    gaps = Listed(tuple(Gap(each * 10**7, each * 10**7) for each in range(GAPS)), 10**6)
    strands = tuple(
        Strand(f"{index:04}{long}", 0, last, last, None, "incomplete", None)
        for index in range(ROWS)
    )
    fields = listed((long,) * INDEXES)
    events = listed((Event("created", last, START),) * EVENTS)
    return replace(
        figures,
        strands=Listed(strands, 10**6),
        digests=Listed((Digest(long, last, bytes(32), "mismatch"),) * ROWS, 10**6),
        archive=Archive(10**6, 10**14, 10**10, 10**9, 10**6, 10**9),
        ledger=Ledger(*(10**9,) * 8, START, START + timedelta(days=3_000)),
        timeline=Timeline(timedelta(days=1), steps),
        operations=Listed((TableOperations(long, long, 10**9, 10**9, 10**9),) * ROWS, 10**6),
        delivery=Delivery(bars, bars),
        coverage=Listed(
            tuple(Coverage(each.strand_id, last, 10**6, gaps) for each in strands[:STRANDS]), 10**6
        ),
        findings=tuple(
            FindingGroup(
                code,
                severity,
                10**5,
                Listed(
                    (Finding(code, severity, long, last, long, 9, long, last, long, long, long),)
                    * FINDINGS,
                    10**6,
                ),
            )
            for code, severity in SEVERITY.items()
        ),
        tables=Listed((Table(long, long, "ACTIVE", fields, events, 10**9, 10**9),) * ROWS, 10**6),
        redactions=Redactions(
            *(10**6,) * 4, Listed((Carrier(f"s3://{long}", 10**6),) * ROWS, 10**6)
        ),
    )
