"""Commands that need no Spark: `doctor` starts it where it is there."""

from __future__ import annotations

import argparse
import json
from dataclasses import fields
from pathlib import Path

from qldb_replay.codec.inspection import inspect_object
from qldb_replay.commands.given import one_digest
from qldb_replay.commands.outcome import EXIT_CODES, Outcome
from qldb_replay.config import spark_settings
from qldb_replay.doctor import examine
from qldb_replay.errors import UsageError
from qldb_replay.journal.findings import FAIL, PASS
from qldb_replay.journal.proof import check_proof_file
from qldb_replay.limits import DEFAULT_LIMITS
from qldb_replay.output import show
from qldb_replay.report.evidence_check import VALID, Checked, check_evidence
from qldb_replay.report.signing import read_public_key
from qldb_replay.simulate import SimulateOptions
from qldb_replay.simulate import simulate as write_simulation
from qldb_replay.storage import S3Access, list_objects, source_of
from qldb_replay.uris import read_file


def simulate(options: argparse.Namespace) -> Outcome:
    """Writes an invented ledger's archive."""
    given = {f.name: getattr(options, f.name) for f in fields(SimulateOptions)}
    counts = write_simulation(SimulateOptions(**given))
    lines = [f"{name:<12} {count:>14,}" for name, count in counts.items()]
    lines.append(f"archive in {options.out}, saved digest in {options.out}.digest.json")
    return Outcome(counts, lines)


def check_report(options: argparse.Namespace) -> Outcome:
    """Checks an evidence file."""
    key = None if options.public_key is None else read_public_key(read_file(options.public_key))
    try:
        with Path(options.check_report).open("rb") as stream:
            checked = check_evidence(stream, key)
    except OSError as error:
        raise UsageError(f"{options.check_report} cannot be read") from error
    lines = [f"{'PROBLEM':<11}{problem}" for problem in checked.problems]
    lines.append(f"{'says':<11}{checked.verdict}, {checked.findings:,} findings")
    lines.append(f"{'signature':<11}{_signature(checked)}")
    sound = not checked.problems
    lines.append(f"{'verdict':<11}{'the file is as it was written' if sound else 'changed'}")
    counts = {"findings": checked.findings, "objects": checked.objects}
    judged = {
        "verdict": PASS if sound else FAIL,
        "report_verdict": checked.verdict,
        "contents_sha256": checked.contents_sha256,
        "signature": checked.signature,
        "signed_by": checked.signed_by,
        "trusted": checked.trusted,
    }
    return Outcome(counts, lines, EXIT_CODES[PASS if sound else FAIL], judged)


def _signature(checked: Checked) -> str:
    if checked.signed_by is None:
        return "none: the file is worth as much as its bearer's word"
    if checked.signature != VALID:
        return f"not valid, of key {checked.signed_by}"
    whose = "the key given" if checked.trusted else "a key that nobody named"
    return f"valid, of {whose}, {checked.signed_by}"


def check_proof(options: argparse.Namespace) -> Outcome:
    """Checks a proof file."""
    digest = one_digest(options)
    try:
        document = json.loads(read_file(options.check))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{options.check}: expected a proof file, which is JSON") from error
    checked = check_proof_file(document, digest)
    lines = [f"{'holds' if step.holds else 'FAILS':<7}{step.what}" for step in checked.steps]
    if not checked.table_proven:
        lines.append("note   no transactionInfo of the block proves the table's name")
    lines.append("note   no hash covers the block's number")
    lines.append(f"verdict {checked.conclusion}")
    verdict = PASS if checked.ok else FAIL
    counts = {"steps": len(checked.steps), "failures": len(checked.failures)}
    judged = {"verdict": verdict, "anchored": checked.anchored}
    return Outcome(counts, lines, EXIT_CODES[verdict], judged)


def inspect(options: argparse.Namespace) -> Outcome:
    """Prints objects' records as JSON lines."""
    access = S3Access(endpoint=options.endpoint_url)
    counts = {"objects": 0, "records": 0, "quarantined": 0}
    for stored in list_objects(options.objects, access).values():
        counts["objects"] += 1
        try:
            content = source_of(stored.uri, access).read(stored)
        except OSError as error:
            raise UsageError(f"{stored.uri} cannot be read ({type(error).__name__})") from error
        for line in inspect_object(stored.uri, content, DEFAULT_LIMITS):
            counts["records" if line.is_record else "quarantined"] += 1
            show(line.text)
    return Outcome(counts)


def doctor(options: argparse.Namespace) -> Outcome:
    """Says what this machine has and lacks."""
    checks = examine(spark_settings(options.spark))
    lines = [f"{check.verdict:<8}{check.name:<14}{check.says}" for check in checks]
    able = all(check.ok for check in checks if check.required)
    lines.append("the main job can run here" if able else "the main job cannot run here")
    counts = {"checks": len(checks), "missing": sum(not c.ok for c in checks if c.required)}
    return Outcome(counts, lines, 0 if able else UsageError.exit_code)
