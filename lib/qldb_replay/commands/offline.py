"""Commands that need no Spark."""

from __future__ import annotations

import argparse
import json
from dataclasses import fields

from qldb_replay.commands.outcome import EXIT_CODES, Outcome, content_of
from qldb_replay.errors import UsageError
from qldb_replay.journal.findings import FAIL, PASS
from qldb_replay.journal.proof import check_proof_file
from qldb_replay.journal.saved import read_digest
from qldb_replay.simulate import SimulateOptions
from qldb_replay.simulate import simulate as write_simulation


def simulate(options: argparse.Namespace) -> Outcome:
    """Writes an invented ledger's archive."""
    given = {f.name: getattr(options, f.name) for f in fields(SimulateOptions)}
    summary = write_simulation(SimulateOptions(**given))
    counts: dict[str, int] = summary["counts"]
    lines = [f"{name:<12} {count:>14,}" for name, count in counts.items()]
    lines.append(f"archive in {options.out}, saved digest in {options.out}.digest.json")
    return Outcome(counts, lines)


def check_proof(options: argparse.Namespace) -> Outcome:
    """Checks a proof file."""
    if len(options.digest) > 1:
        raise UsageError("--check takes one --digest, the one that the proof leads to")
    digest = read_digest(content_of(options.digest[0])) if options.digest else None
    try:
        document = json.loads(content_of(options.check))
    except ValueError as error:
        raise UsageError(f"{options.check}: expected a proof file, which is JSON") from error
    checked = check_proof_file(document, digest)
    lines = [f"{'holds' if step.holds else 'FAILS':<7}{step.what}" for step in checked.steps]
    if not checked.table_proven:
        lines.append("note   no transactionInfo of the block proves the table's name")
    lines.append(f"verdict {checked.conclusion}")
    verdict = PASS if checked.ok else FAIL
    counts = {"steps": len(checked.steps), "failures": len(checked.failures)}
    judged = {"verdict": verdict, "anchored": checked.anchored}
    return Outcome(counts, lines, EXIT_CODES[verdict], judged)
