"""Commands that work on a lake."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from qldb_replay.codec.choice import AUTO, PYTHON, lack_of_native, settled
from qldb_replay.commands import destinations
from qldb_replay.commands.given import digests_of, one_digest, proofs_of
from qldb_replay.commands.outcome import EXIT_CODES, Outcome
from qldb_replay.config import spark_settings, without_secrets
from qldb_replay.destinations.interface import Destination
from qldb_replay.errors import StageError, UsageError
from qldb_replay.journal.findings import FAIL, VERDICTS, severity_of
from qldb_replay.journal.redactions import HONOUR
from qldb_replay.journal.saved import SavedDigest, SavedProof
from qldb_replay.journal.verification import Strand
from qldb_replay.lake.delta import Lake
from qldb_replay.lake.figures import collect_figures
from qldb_replay.lake.files import java_class
from qldb_replay.lake.ingest import Ingest, IngestCounts
from qldb_replay.lake.lock import break_lock, writer_lock
from qldb_replay.lake.prove import prove as make_proof
from qldb_replay.lake.rebuild import Rebuild
from qldb_replay.lake.runs import Run, new_run_id
from qldb_replay.lake.session import build_session, s3_access, stage_settings
from qldb_replay.lake.state import LakeState
from qldb_replay.lake.verify import Verification, Verify
from qldb_replay.lake.verify.evidence import store_evidence
from qldb_replay.lake.verify.findings import Known, read_known
from qldb_replay.lake.verify.result import base64_of
from qldb_replay.progress import Progress
from qldb_replay.report.page import check_installed, render
from qldb_replay.report.signing import SigningKey, read_signing_key
from qldb_replay.report.wording import anchored
from qldb_replay.storage import StoredObject, canonical_uri, list_objects
from qldb_replay.uris import (
    check_writable,
    local_path,
    read_file,
    read_text,
    scheme_of,
    write_file,
    write_text,
)


def ingest(options: argparse.Namespace) -> Outcome:
    """Reads objects not seen before."""
    _settle_codec(options)
    with _session(options) as (spark, progress):
        listed = _listed(options, spark)
        with _writing(options, spark) as run:
            counts = vars(_ingest(options, run, listed, progress))
            return _ended(run, Outcome(counts, _ingest_lines(options, counts)))


def rebuild(options: argparse.Namespace) -> Outcome:
    """Puts the ledger's history in order."""
    _settle_codec(options)
    with _session(options) as (spark, progress):
        _need_lake(options, spark)
        with _writing(options, spark) as run:
            counts = _rebuild(options, run.lake, progress)
            return _ended(run, Outcome(counts, _lake_lines(options, counts)))


def run(options: argparse.Namespace) -> Outcome:
    """Does every stage in order."""
    _settle_codec(options)
    given = _given(options)
    wanted = None if options.to is None else destinations.given(options)
    with _session(options) as (spark, progress), ExitStack() as ends:
        listed = _listed(options, spark)
        to = None if wanted is None else ends.enter_context(destinations.destination(options))
        with _writing(options, spark) as run:
            ingested = vars(_ingest(options, run, listed, progress))
            counts = _rebuild(options, run.lake, progress)
            lines = [*_ingest_lines(options, ingested), *_lake_lines(options, counts)]
            counts["unreadable"], counts["changed"] = ingested["unreadable"], ingested["changed"]
            verification, evidence = _verify(options, run, progress, given)
            outcome = _judged(options, verification, evidence)
            outcome.counts.update(counts)
            outcome.lines[:0] = lines
            if to is not None and wanted is not None:
                _hand_on(options, run, progress, to, wanted, outcome)
            return _ended(run, outcome, outcome.judged["verdict"])


def _hand_on(
    options: argparse.Namespace,
    run: Run,
    progress: Progress,
    to: Destination,
    wanted: destinations.Given,
    outcome: Outcome,
) -> None:
    """Replays into a destination and compares it, and adds what that gave to an outcome."""
    later = []
    try:
        later.append(destinations.write(options, run, new_run_id(), progress, to, wanted))
        if "verdict" in later[0].judged and later[0].exit_code != EXIT_CODES[FAIL]:
            later.append(destinations.hold_against(options, run.lake, new_run_id(), progress, to))
    except UsageError as error:
        outcome.refused = error
    for stage, each in zip(("replay", "compare"), later, strict=False):
        outcome.lines += each.lines
        outcome.judged[stage] = {"counts": each.counts, "verdict": each.judged.get("verdict")}
    codes = {outcome.exit_code, *(each.exit_code for each in later)}
    verdict = next(each for each in VERDICTS if EXIT_CODES[each] in codes)
    outcome.exit_code = EXIT_CODES[verdict]
    if outcome.refused is not None and verdict != FAIL:
        outcome.exit_code = outcome.refused.exit_code


def replay(options: argparse.Namespace) -> Outcome:
    """Writes the history into a destination ledger."""
    wanted = destinations.given(options)
    with _session(options) as (spark, progress):
        _need_lake(options, spark)
        with destinations.destination(options) as to, _writing(options, spark) as run:
            outcome = destinations.write(options, run, run.run_id, progress, to, wanted)
            return _ended(run, outcome, outcome.judged.get("verdict"))


def compare(options: argparse.Namespace) -> Outcome:
    """Reads a destination back and compares it with the lake."""
    with _session(options) as (spark, progress):
        _need_lake(options, spark)
        with destinations.destination(options) as to, _writing(options, spark) as run:
            outcome = destinations.hold_against(options, run.lake, run.run_id, progress, to)
            return _ended(run, outcome, outcome.judged["verdict"])


def report(options: argparse.Namespace) -> Outcome:
    """Writes the page about a lake and its last verification."""
    check_installed()
    check_writable(options.out)
    with _session(options) as (spark, progress):
        _need_lake(options, spark)
        progress("counting")
        figures = collect_figures(Lake.at(spark, options.lake))
    write_text(options.out, render(figures, options.documentation))
    counts = {"findings": sum(group.findings.total for group in figures.findings)}
    return Outcome(counts, [f"page in {options.out}"], 0, {"verdict": figures.verdict})


def prove(options: argparse.Namespace) -> Outcome:
    """Makes evidence for one revision."""
    if options.lake is None or options.document is None or options.version is None:
        raise UsageError("prove needs --lake, --document and --version, or --check")
    digest = one_digest(options)
    if options.out is not None:
        check_writable(options.out)
    with _session(options) as (spark, _):
        _need_lake(options, spark)
        lake = Lake.at(spark, options.lake)
        proof = make_proof(lake, options.document, options.version, digest, options.strand)
    judged = {"verdict": proof.verdict}
    exit_code = EXIT_CODES[proof.verdict]
    if proof.document is None:
        lines = ["no proof: findings or gaps touch the way to the digest", *proof.reasons]
        return Outcome({"proofs": 0}, lines, exit_code, judged)
    text = json.dumps(proof.document, indent=2)
    if options.out is None:
        return Outcome({"proofs": 1}, [text], exit_code, judged)
    write_text(options.out, text)
    lines = [f"proof in {options.out}: check it with qldb-replay prove --check {options.out}"]
    return Outcome({"proofs": 1}, lines, exit_code, judged)


def verify(options: argparse.Namespace) -> Outcome:
    """Judges what the lake can prove."""
    if options.to is not None:
        return _verify_destination(options)
    if options.lake is None:
        raise UsageError("verify needs --lake, --to or --check-report")
    if options.full:
        _settle_codec(options)
    given = _given(options)
    with _session(options) as (spark, progress):
        _need_lake(options, spark)
        with _writing(options, spark) as run:
            verification, evidence = _verify(options, run, progress, given)
            outcome = _judged(options, verification, evidence)
            return _ended(run, outcome, verification.verdict)


def _verify_destination(options: argparse.Namespace) -> Outcome:
    """Judges what a destination can prove by itself: as a lake made of nothing but its rows."""
    _settle_codec(options)
    given = _given(options)
    with ExitStack() as held:
        if options.lake is None:
            folder = held.enter_context(tempfile.TemporaryDirectory())
            options.lake = f"{folder}/lake"
        spark, progress = held.enter_context(_session(options))
        if LakeState(Lake.at(spark, options.lake).files).exists():
            raise UsageError(f"{options.lake} is a lake already: expected a place for a new one")
        to = held.enter_context(destinations.destination(options))
        archive = held.enter_context(destinations.archive_of(to, progress))
        run = held.enter_context(_writing(options, spark))
        listed = list_objects([str(archive)], s3_access(spark))
        _ingest(options, run, listed, progress)
        _rebuild(options, run.lake, progress)
        verification, evidence = _verify(options, run, progress, given)
        outcome = _judged(options, verification, evidence)
        compared = destinations.hold_against(options, run.lake, new_run_id(), progress, to)
        outcome.lines += compared.lines
        outcome.counts.update(differences=compared.counts["differences"])
        if compared.exit_code:
            outcome.exit_code = compared.exit_code
            outcome.judged["verdict"] = FAIL
        return _ended(run, outcome, outcome.judged["verdict"])


@dataclass(frozen=True)
class _Given:
    """What a verification is given, read before anything starts."""

    digests: list[SavedDigest]
    proofs: list[SavedProof]
    known: list[Known]
    key: SigningKey | None


def _given(options: argparse.Namespace) -> _Given:
    if options.evidence is not None:
        check_writable(options.evidence)
    known = [] if options.known is None else read_known(read_text(options.known))
    key = None if options.sign_key is None else read_signing_key(read_file(options.sign_key))
    return _Given(digests_of(options), proofs_of(options), known, key)


def _verify(
    options: argparse.Namespace, run: Run, progress: Progress, given: _Given
) -> tuple[Verification, str]:
    """Verifies, and writes the evidence; returns its URI too."""
    verification = Verify(
        run.lake,
        run.run_id,
        progress,
        digests=given.digests,
        proofs=given.proofs,
        strict=options.strict,
        known=given.known,
        full=options.full,
        started=run.started,
        codec=options.codec,
    ).run()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "evidence.json"
        uri = store_evidence(run.lake, verification, given.key, file)
        if options.evidence is not None:
            _hand_out(file, options.evidence)
    return verification, uri


def _hand_out(file: Path, uri: str) -> None:
    try:
        write_file(uri, file)
    except UsageError as error:
        raise StageError(f"{error}; the evidence is in the lake") from error


def _judged(options: argparse.Namespace, verification: Verification, evidence: str) -> Outcome:
    findings = verification.findings
    severity = {code: severity_of(code, options.strict) for code in findings}
    lines = [f"{code:<24} {count:>12,}  {severity[code]}" for code, count in findings.items()]
    lines += [_strand_line(strand) for strand in verification.strands]
    if verification.acknowledged:
        lines.append(f"known      {verification.acknowledged:>12,} findings, judged before")
    lines.append(f"verdict    {verification.verdict}: see {options.lake}/findings")
    lines.append(f"evidence   {evidence}")
    counts = {**verification.counts, "findings": sum(findings.values())}
    return Outcome(
        {**counts, "acknowledged": verification.acknowledged},
        lines,
        EXIT_CODES[verification.open_verdict],
        {
            "verdict": verification.verdict,
            "findings": findings,
            "strands": [
                {**vars(strand), "digest": base64_of(strand.digest)}
                for strand in verification.strands
            ],
            "scope": vars(verification.scope),
            "evidence": evidence,
        },
    )


def _strand_line(strand: Strand) -> str:
    digest = base64_of(strand.digest) or "not computable"
    return (
        f"strand     {strand.strand_id}: {strand.verdict}, {anchored(strand)}, "
        f"{strand.blocks:,} blocks, digest {digest}"
    )


def _need_lake(options: argparse.Namespace, spark: SparkSession) -> None:
    try:
        is_lake = LakeState(Lake.at(spark, options.lake).files).exists()
    except Py4JJavaError as error:
        raise UsageError(
            f"lake {options.lake} cannot be read ({java_class(error)}): check where it is and that "
            "this identity may read it"
        ) from error
    if not is_lake:
        raise UsageError(f"{options.lake} is no lake: run `qldb-replay ingest` first")


@contextmanager
def _session(options: argparse.Namespace) -> Iterator[tuple[SparkSession, Progress]]:
    """Opens the session that a command works in and shows its progress."""
    progress = Progress(options.command)
    progress("starting Spark")
    spark = build_session(spark_settings(options.spark))
    if scheme_of(options.lake) == "file":
        options.lake = f"file://{local_path(options.lake)}"
    try:
        progress.watch(spark)
        with stage_settings(spark):
            yield spark, progress
    finally:
        progress.close()


def _listed(options: argparse.Namespace, spark: SparkSession) -> dict[str, StoredObject]:
    for archive in options.archive:
        if _overlap(archive, options.lake):
            raise UsageError(
                "the lake and an archive lie one within the other: give the lake a place of its own"
            )
    return list_objects(options.archive, s3_access(spark))


def _overlap(archive: str, lake: str) -> bool:
    one, other = (f"{canonical_uri(uri).rstrip('/')}/" for uri in (archive, lake))
    return one.startswith(other) or other.startswith(one)


@contextmanager
def _writing(options: argparse.Namespace, spark: SparkSession) -> Iterator[Run]:
    """Holds the lake as its only writer, with a row in `runs`."""
    lake, run_id = Lake.at(spark, options.lake), new_run_id()
    with ExitStack() as held:
        try:
            if options.break_lock:
                break_lock(lake.files)
            guard = held.enter_context(writer_lock(lake.files, run_id))
            LakeState(lake.files).claim()
        except Py4JJavaError as error:
            raise UsageError(
                f"lake {options.lake} cannot be written ({java_class(error)}): check that it can "
                "be created and that this identity may write to it"
            ) from error
        lake = replace(lake, guard=guard)
        run = Run(lake, run_id, options.command, without_secrets(vars(options)))
        # Most commands read for a while before they write, which waits for the row.
        row = held.enter_context(ThreadPoolExecutor(1)).submit(run.begin)

        def noted() -> None:
            guard()
            row.result()

        run = replace(run, lake=replace(lake, guard=noted))
        try:
            yield run
        except BaseException:
            with suppress(Exception):  # the error itself matters more
                run.end({})
            raise


def _ended(run: Run, outcome: Outcome, verdict: str | None = None) -> Outcome:
    run.end(outcome.counts, verdict)
    return outcome


def _settle_codec(options: argparse.Namespace) -> None:
    """Refuses a codec that is not here, and says where nobody asked for the slow one."""
    if settled(options.codec) == PYTHON and options.codec == AUTO:
        Progress(options.command)(f"{lack_of_native()}: the Python one decodes, far slower")


def _ingest(
    options: argparse.Namespace, run: Run, listed: dict[str, StoredObject], progress: Progress
) -> IngestCounts:
    return Ingest(run.lake, listed, run.run_id, progress, codec=options.codec).run()


def _rebuild(options: argparse.Namespace, lake: Lake, progress: Progress) -> dict[str, int]:
    return Rebuild(lake, progress, options.redactions or HONOUR, options.codec).run()


def _ingest_lines(options: argparse.Namespace, counts: dict[str, int]) -> list[str]:
    lines = [f"read       {counts['objects']:>12,} objects, {counts['records']:,} records"]
    for name, hint in (
        ("quarantined", f"stretches that are no record: see {options.lake}/quarantine"),
        ("unreadable", "objects could not be read; the next run tries them again"),
        ("changed", "objects changed after they had been read"),
    ):
        if counts[name]:
            lines.append(f"{name:<10} {counts[name]:>12,} {hint}")
    return lines


def _lake_lines(options: argparse.Namespace, counts: dict[str, int]) -> list[str]:
    return [
        f"blocks     {counts['blocks']:>12,}",
        f"revisions  {counts['revisions']:>12,} of {counts['documents']:,} documents",
        f"tables     {counts['tables']:>12,}",
        f"duplicates {counts['duplicates']:>12,} delivered copies beyond the first",
        f"redacted   {counts['redacted']:>12,} revisions",
        f"look at    {options.lake}/revisions, /history/<table>, /current/<table>, /quarantine",
    ]
