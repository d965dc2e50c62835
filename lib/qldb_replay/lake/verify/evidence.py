"""The evidence file of a verification, written from the lake as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qldb_replay import __version__
from qldb_replay.journal.verification import FINDING_ORDER, Finding
from qldb_replay.lake.delta import Lake
from qldb_replay.lake.state import FOLDER
from qldb_replay.lake.verify.findings import read_findings
from qldb_replay.lake.verify.result import Verification
from qldb_replay.report.evidence import ArchiveObject, Evidence, write_evidence
from qldb_replay.report.signing import SigningKey

_FINDING = tuple(Finding.__dataclass_fields__)


def store_evidence(
    lake: Lake, verification: Verification, key: SigningKey | None, file: Path
) -> str:
    """Writes the evidence file of the last verification, and keeps it with the lake.

    Args:
        lake: the lake.
        verification: its last verification.
        key: signs the file, None for one without a signature.
        file: a local file to write.

    Returns:
        The URI under which the lake has it.
    """
    evidence = Evidence(
        __version__,
        verification.run,
        verification.scope,
        verification.verdict,
        verification.counts,
        verification.checks,
        verification.strands,
        verification.digests,
    )
    findings = _findings(lake, verification.run.run_id)
    with file.open("w", encoding="ascii") as stream:
        stream.writelines(write_evidence(evidence, findings, _objects(lake), key))
    name = f"{FOLDER}/evidence/{verification.run.run_id}.json"
    lake.files.upload(file, name)
    return lake.path(name)


def _findings(lake: Lake, run_id: str) -> Iterator[Finding]:
    rows = read_findings(lake, run_id).select(*_FINDING).orderBy(*FINDING_ORDER)
    return (Finding(*row) for row in rows.toLocalIterator())


def _objects(lake: Lake) -> Iterator[ArchiveObject]:
    columns = ("object_uri", "size", "sha256", "status")
    rows = lake.read("objects").select(*columns).orderBy("object_uri", "sha256")
    for uri, size, sha256, status in rows.toLocalIterator():
        yield ArchiveObject(uri, size, None if sha256 is None else bytes(sha256), status)
