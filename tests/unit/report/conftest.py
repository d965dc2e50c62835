from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from qldb_replay.journal.findings import SEVERITY
from qldb_replay.journal.verification import Check, Digest, Finding, Run, Scope, Strand
from qldb_replay.report.evidence import ArchiveObject, Evidence

STRAND = "JdxjkR9bSYB5jMHWcI464T"


@pytest.fixture
def run() -> Run:
    started = datetime(2024, 5, 17, 9, 30, tzinfo=timezone.utc)
    return Run("20240517T093000Z-0a1b2c3d", started, started + timedelta(seconds=41))


@pytest.fixture
def findings() -> list[Finding]:
    """Sorted as the evidence file demands."""
    return [
        Finding("block-missing", "incomplete", STRAND, 6, expected="7 to 9"),
        Finding(
            "record-unreadable",
            "incomplete",
            object_uri="s3://archive/2024/01/01/00/ledger-1",
            offset=1024,
            detail="no Ion value",
            acknowledged=True,
        ),
    ]


@pytest.fixture
def objects() -> list[ArchiveObject]:
    return [
        ArchiveObject("s3://archive/2024/01/01/00/ledger-1", 4096, bytes(32), "read"),
        ArchiveObject("s3://archive/2024/01/01/00/ledger-2", 17, None, "unreadable"),
    ]


@pytest.fixture
def evidence(run, findings) -> Evidence:
    found = {finding.code: 1 for finding in findings}
    return Evidence(
        tool_version="0.1.0",
        run=run,
        scope=Scope("full", False, {"blocks": 10, "revisions": 12}, {}),
        verdict="incomplete",
        counts={"objects": 2, "blocks": 10, "revisions": 12},
        checks=[Check(code, 12, found.get(code, 0)) for code in SEVERITY],
        strands=[Strand(STRAND, 0, 12, 10, None, "incomplete", 5)],
        digests=[
            Digest(STRAND, 5, b"\x05" * 32, "match"),
            Digest(STRAND, 12, b"\x0c" * 32, "undecidable"),
        ],
    )


@pytest.fixture
def passing(evidence) -> Evidence:
    """Evidence of a whole strand without findings or objects."""
    return replace(
        evidence,
        verdict="pass",
        counts={"objects": 0},
        checks=[Check("chain-break", 12, 0)],
        strands=[Strand(STRAND, 0, 12, 13, b"\x0c" * 32, "pass", 12)],
        digests=[Digest(STRAND, 12, b"\x0c" * 32, "match")],
    )
