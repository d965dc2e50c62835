"""Many invented ledgers, each damaged in one way, as archives on disk."""

from __future__ import annotations

import json
from base64 import b64decode
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

from amazon.ion import simpleion

from attacks.evidence import Archive
from attacks.findings import Finding
from attacks.judge import judge
from attacks.saved import against_digest
from attacks.table import LEDGER, TABLE
from qldb_replay.errors import UsageError
from qldb_replay.simulate import SimulateOptions, simulate

PAIRS = 15
UNDAMAGED = {
    "plain": {},
    "redactions": {"redactions": 5},
    "rough": {
        "redactions": 4,
        "streams": 2,
        "duplicates": 0.2,
        "disorder": 50,
        "error_share": 0.1,
        "compression": "gzip",
        "object_bytes": 20_000,
    },
    "untold": {"untold_share": 0.2},
}


@dataclass(frozen=True)
class Ledger:
    """A ledger's archive, what was saved from it, and what the judge finds."""

    name: str
    out: Path
    archive: Archive
    digest: tuple[str, int, bytes]

    @property
    def strand_id(self) -> str:
        return self.digest[0]

    @property
    def digest_file(self) -> Path:
        return self.out.with_name(f"{self.out.name}.digest.json")

    @cached_property
    def findings(self) -> set[Finding]:
        return judge(self.archive) | against_digest(self.archive, *self.digest)


def make_ledger(name: str, out: Path, seed: int, **options: Any) -> Ledger:
    simulate(SimulateOptions(out=out, seed=seed, **{**LEDGER, **options}))
    objects = {
        path.as_uri(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()
    }
    saved = json.loads(out.with_name(f"{out.name}.digest.json").read_text())
    tip = simpleion.loads(saved["DigestTipAddress"]["IonText"])
    digest = str(tip["strandId"]), int(tip["sequenceNo"]), b64decode(saved["Digest"])
    return Ledger(name, out, Archive(objects), digest)


def make_ledgers(folder: Path) -> dict[str, Ledger]:
    """A ledger for each kind of damage, some for two kinds, and some without any.

    Each is a strand of its own.
    """
    wanted: dict[str, dict[str, Any]] = {verb: {"damage": (verb,)} for verb in TABLE}
    wanted.update(UNDAMAGED)
    random = Random(4)
    for _ in range(PAIRS):
        verbs = tuple(random.sample(sorted(TABLE), 2))
        wanted["-and-".join(verbs)] = {"damage": verbs, **random.choice([{}, UNDAMAGED["rough"]])}
    ledgers = {}
    for seed, (name, options) in enumerate(wanted.items(), start=1):
        with suppress(UsageError):  # one kind of damage took away what the other one wants
            ledgers[name] = make_ledger(name, folder / name, seed, **options)
    assert set(TABLE) < set(ledgers)
    return ledgers


def archives(ledgers: dict[str, Ledger]) -> list[str]:
    return [f"--archive={ledger.out}" for ledger in ledgers.values()]


def digests(ledgers: dict[str, Ledger]) -> list[str]:
    return [f"--digest={ledger.digest_file}" for ledger in ledgers.values()]
