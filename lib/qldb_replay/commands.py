"""What each command does, from its options to its outcome.

A command returns an `Outcome` or raises one of the package's errors. Printing, summaries and exit
codes are `cli`'s.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from qldb_replay.codec.inspection import inspect_object
from qldb_replay.config import spark_settings, without_secrets
from qldb_replay.doctor import examine
from qldb_replay.errors import UsageError
from qldb_replay.lake.delta import Lake
from qldb_replay.lake.files import java_class
from qldb_replay.lake.ingest import Ingest
from qldb_replay.lake.lock import break_lock, writer_lock
from qldb_replay.lake.rebuild import Rebuild
from qldb_replay.lake.runs import Run, new_run_id
from qldb_replay.lake.session import build_session, stage_settings
from qldb_replay.lake.sources import (
    S3Access,
    StoredObject,
    canonical_uri,
    list_objects,
    s3_access,
    source_of,
)
from qldb_replay.lake.state import LakeState
from qldb_replay.limits import DEFAULT_LIMITS
from qldb_replay.progress import Progress
from qldb_replay.simulate import SimulateOptions
from qldb_replay.simulate import simulate as write_simulation


@dataclass
class Outcome:
    """What a command did.

    Attributes:
        counts: by name.
        lines: what a person reads on stdout.
        exit_code: 0, or what the command judges.
    """

    counts: dict[str, int] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    exit_code: int = 0


def ingest(options: argparse.Namespace) -> Outcome:
    """Reads objects not seen before."""
    with _session(options) as (spark, progress):
        listed = _listed(options, spark)
        with _writing(options, spark) as run:
            counts = vars(Ingest(run.lake, listed, run.run_id, progress).run())
            return _ended(run, Outcome(counts, _ingest_lines(options, counts)))


def rebuild(options: argparse.Namespace) -> Outcome:
    """Puts the ledger's history in order."""
    with _session(options) as (spark, progress):
        if not LakeState(Lake.at(spark, options.lake).files).exists():
            raise UsageError(f"{options.lake} is no lake: run `qldb-replay ingest` first")
        with _writing(options, spark) as run:
            counts = _rebuild(options, run.lake, progress)
            return _ended(run, Outcome(counts, _lake_lines(options, counts)))


def run(options: argparse.Namespace) -> Outcome:
    """Does every stage in order."""
    with _session(options) as (spark, progress):
        listed = _listed(options, spark)
        with _writing(options, spark) as run:
            ingested = vars(Ingest(run.lake, listed, run.run_id, progress).run())
            counts = _rebuild(options, run.lake, progress)
            lines = [*_ingest_lines(options, ingested), *_lake_lines(options, counts)]
            counts["unreadable"], counts["changed"] = ingested["unreadable"], ingested["changed"]
            return _ended(run, Outcome(counts, lines))


@contextmanager
def _session(options: argparse.Namespace) -> Iterator[tuple[SparkSession, Progress]]:
    """Opens the session that a command works in and shows its progress."""
    progress = Progress(options.command)
    progress("starting Spark")
    spark = build_session(spark_settings(options.spark))
    options.lake = (
        f"file://{Path(options.lake).absolute()}" if _is_bare(options.lake) else options.lake
    )
    try:
        progress.watch(spark)
        with stage_settings(spark):
            yield spark, progress
    finally:
        progress.close()


def _is_bare(uri: str) -> bool:
    return ":" not in uri.partition("/")[0]


def _listed(options: argparse.Namespace, spark: SparkSession) -> dict[str, StoredObject]:
    archives = [archive for given in options.archive for archive in given]
    for archive in archives:
        if _overlap(archive, options.lake):
            raise UsageError(
                "the lake and an archive lie one within the other: give the lake a place of its own"
            )
    return list_objects(archives, s3_access(spark))


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
        run.begin()
        try:
            yield run
        except BaseException:
            with suppress(Exception):  # the error itself matters more
                run.end({})
            raise


def _ended(run: Run, outcome: Outcome) -> Outcome:
    run.end(outcome.counts)
    return outcome


def _rebuild(options: argparse.Namespace, lake: Lake, progress: Progress) -> dict[str, int]:
    return Rebuild(lake, progress, options.redactions == "keep").run()


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


def simulate(options: argparse.Namespace) -> Outcome:
    """Writes an invented ledger's archive."""
    given = {f.name: getattr(options, f.name) for f in fields(SimulateOptions)}
    summary = write_simulation(SimulateOptions(**given))
    counts: dict[str, int] = summary["counts"]
    lines = [f"{name:<12} {count:>14,}" for name, count in counts.items()]
    lines.append(f"archive in {options.out}, saved digest in {options.out}.digest.json")
    return Outcome(counts, lines)


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
            counts["quarantined" if "reason" in line else "records"] += 1
            print(json.dumps(line, ensure_ascii=False))
    return Outcome(counts)


def doctor(options: argparse.Namespace) -> Outcome:
    """Says what this machine has and lacks."""
    checks = examine(spark_settings(options.spark))
    lines = [f"{check.verdict:<8}{check.name:<14}{check.says}" for check in checks]
    able = all(check.ok for check in checks if check.required)
    lines.append("the main job can run here" if able else "the main job cannot run here")
    counts = {"checks": len(checks), "missing": sum(not c.ok for c in checks if c.required)}
    return Outcome(counts, lines, 0 if able else UsageError.exit_code)
