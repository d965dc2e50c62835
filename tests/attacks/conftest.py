from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from amazon.ion import simpleion

from attacks.evidence import Archive
from attacks.findings import Finding
from attacks.judge import judge
from attacks.saved import against_digest
from attacks.table import LEDGER
from qldb_replay.simulate import SimulateOptions, simulate


@dataclass(frozen=True)
class Delivered:
    """An archive as it lies there, and what the ledger's owner saved beside it."""

    out: Path

    @cached_property
    def objects(self) -> dict[str, bytes]:
        files = sorted(path for path in self.out.rglob("*") if path.is_file())
        return {path.relative_to(self.out).as_posix(): path.read_bytes() for path in files}

    @cached_property
    def archive(self) -> Archive:
        return Archive(self.objects)

    @cached_property
    def findings(self) -> set[Finding]:
        return judge(self.archive)

    @cached_property
    def digest(self) -> tuple[str, int, bytes]:
        """Strand and number of the tip, and the digest."""
        saved = json.loads(self.out.with_name(f"{self.out.name}.digest.json").read_text())
        tip = simpleion.loads(saved["DigestTipAddress"]["IonText"])
        return str(tip["strandId"]), int(tip["sequenceNo"]), b64decode(saved["Digest"])

    @cached_property
    def proofs(self) -> list[tuple[tuple[str, str, int], list[bytes]]]:
        """Strand, document and version of each saved proof, and its hashes."""
        saved = json.loads(self.out.with_name(f"{self.out.name}.proofs.json").read_text())
        proofs = []
        for each in saved:
            revision = simpleion.loads(each["Revision"]["IonText"])
            metadata = revision["metadata"]
            strand_id = str(revision["blockAddress"]["strandId"])
            key = strand_id, str(metadata["id"]), int(metadata["version"])
            proof = simpleion.loads(each["Proof"]["IonText"])
            proofs.append((key, [bytes(sibling) for sibling in proof]))
        return proofs

    def against_digest(self) -> set[Finding]:
        return against_digest(self.archive, *self.digest)


@pytest.fixture(scope="session")
def deliver(tmp_path_factory: pytest.TempPathFactory):
    """Simulates `LEDGER`, with other options where given; `damage` names one verb."""

    def make(damage: str = "", **options: Any) -> Delivered:
        out = tmp_path_factory.mktemp("attacked") / "archive"
        verbs = tuple(filter(None, damage.split(",")))
        simulate(SimulateOptions(out=out, damage=verbs, **{**LEDGER, **options}))
        return Delivered(out)

    return make


@pytest.fixture(scope="session")
def undamaged(deliver) -> Delivered:
    return deliver()
