"""Commands that write to a destination ledger, or read one back."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlsplit

from qldb_replay import __version__
from qldb_replay.commands.outcome import EXIT_CODES, Outcome
from qldb_replay.commands.passwords import read_password
from qldb_replay.config import without_secrets
from qldb_replay.destinations import open_destination
from qldb_replay.destinations.interface import Destination, RunRow
from qldb_replay.errors import DestinationError, UsageError
from qldb_replay.journal.findings import FAIL, INCOMPLETE, PASS, SEVERITY
from qldb_replay.journal.redactions import HONOUR
from qldb_replay.lake.delta import Lake
from qldb_replay.lake.runs import Run
from qldb_replay.lake.verify.findings import Known, read_known, write_findings
from qldb_replay.lake.verify.found import as_rows
from qldb_replay.progress import Progress
from qldb_replay.replay.audit import write_archive
from qldb_replay.replay.compare import Compare, Difference
from qldb_replay.replay.gate import Judged, judge
from qldb_replay.replay.selection import Selection
from qldb_replay.replay.stage import Bounds, Plan, Replay
from qldb_replay.uris import read_text

DESTINATION = "destination"
"""The unit of findings about a destination: no verification of the lake carries them over."""


@dataclass(frozen=True)
class Given:
    """What a replay is given, read before anything starts.

    Attributes:
        selection: what is chosen of the ledger, None where nothing was said.
        bounds: how far the run goes.
        accepted: findings that were judged already.
    """

    selection: Selection | None
    bounds: Bounds
    accepted: list[Known]


def given(options: argparse.Namespace) -> Given:
    """Reads what `--accept-findings`, `--documents` and the like say.

    Raises:
        UsageError: a file cannot be read, or is not what was expected.
    """
    accepted = options.accept_findings
    return Given(
        _selection(options),
        Bounds(options.to_sequence, _until(options.until), options.over_gaps, options.rate),
        [] if accepted is None else read_known(read_text(accepted)),
    )


def _selection(options: argparse.Namespace) -> Selection | None:
    documents: tuple[str, ...] = ()
    if options.documents is not None:
        lines = read_text(options.documents).splitlines()
        documents = tuple(sorted({line.strip() for line in lines if line.strip()}))
        if not documents:
            raise UsageError(f"{options.documents}: expected document IDs, one in each line")
    selection = Selection(
        tuple(sorted(set(options.tables))),
        documents,
        options.from_sequence,
        dict(map(_renamed, options.map)),
        options.redactions or HONOUR,
        options.columns,
    )
    said_nothing = options.redactions is None and selection == Selection()
    return None if said_nothing else selection


def _renamed(pair: str) -> tuple[str, str]:
    old, mark, new = pair.partition("=")
    if not (mark and old and new):
        raise UsageError(f"--map: expected OLD=NEW, found {pair!r}")
    return old, new


def _until(time: datetime | None) -> datetime | None:
    if time is not None and time.tzinfo is None:
        raise UsageError("--until: expected a time with its zone, like 2024-01-31T23:59:59Z")
    return time


def _password_in(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError as error:
        raise UsageError(
            "--to: no URL: what is special in a user or password is written as %XX"
        ) from error


@contextmanager
def destination(options: argparse.Namespace) -> Iterator[Destination]:
    """Opens the destination that `--to` names, and sees that it is one of ours or empty.

    Raises:
        UsageError: it is not, or cannot be reached.
    """
    if _password_in(options.to):
        print(
            "qldb-replay: other users of this machine can see the password in --to: use --secret",
            file=sys.stderr,
        )
    with closing(open_destination(options.to, read_password(options.secret))) as to:
        to.checkpoint()
        yield to


def write(
    options: argparse.Namespace,
    run: Run,
    finding_run: str,
    progress: Progress,
    to: Destination,
    given: Given,
) -> Outcome:
    """Replays a verified lake into a destination; the verdict is about what was replayed.

    Args:
        options: the command's.
        run: the command's run.
        finding_run: the run under which revisions are noted that arrived too late.
        progress: told of each step.
        to: where to.
        given: what is replayed, and how far.
    """
    judged = judge(run.lake, options.strand, given.accepted)
    if judged.refused:
        return _refused(judged)
    stage = Replay(run.lake, judged, to, run.run_id, progress, given.selection, given.bounds)
    if options.dry_run:
        plan = stage.plan()
        return _shown(plan, stage.size_of(plan), judged, to)
    with to.held():
        plan = stage.plan()
        shown = without_secrets(vars(options))
        row = RunRow(
            run.run_id, options.command, run.started, __version__, json.dumps(shown, default=str)
        )
        run.lake.guard()  # the lake knows of the run before the destination does
        counts = stage.run(plan, row)
        late = stage.late(plan)
        to.end_run(run.run_id, datetime.now(timezone.utc), counts)
    _note(run.lake, finding_run, judged.strand.strand_id, "late-revision", late)
    return _written(plan, judged, to, counts, len(late))


def _refused(judged: Judged) -> Outcome:
    lines = [f"{code:<24} {count:>12,}  {FAIL}" for code, count in sorted(judged.refused.items())]
    lines.append(
        "not replayed: the last verification failed; see the findings, and list those that you "
        "accept in --accept-findings FILE"
    )
    return Outcome({"revisions": 0}, lines, EXIT_CODES[FAIL], {"verdict": FAIL})


def _written(
    plan: Plan, judged: Judged, to: Destination, counts: Mapping[str, int], late: int
) -> Outcome:
    stopped = plan.stopped
    lines = [
        f"written    {counts['revisions']:>12,} revisions of {counts['blocks']:,} blocks",
        f"filled     {counts['filled']:>12,} blocks that were missing before",
        f"redacted   {counts['redacted']:>12,} revisions that were written before",
    ]
    if late:
        lines.append(f"late       {late:>12,} revisions of blocks that were passed: see findings")
    if stopped is not None:
        lines.append(
            f"stopped    before the gap at block {stopped.first:,} to {stopped.last:,}: find the "
            "missing objects, or pass over it with --over-gaps"
        )
    point = to.checkpoint()
    at = plan.start.sequence_no if point is None else point.sequence_no
    last = judged.strand.last_sequence_no
    lines.append(f"look at    {to.shown}, up to block {at:,} of {last:,}")
    gaps = to.gaps()
    whole = stopped is None and not late and judged.verdict != INCOMPLETE and not gaps
    verdict = PASS if whole else INCOMPLETE
    counted = {**counts, "late": late, "gaps": len(gaps)}
    return Outcome(counted, lines, EXIT_CODES[verdict], {"verdict": verdict})


def _shown(plan: Plan, size: int, judged: Judged, to: Destination) -> Outcome:
    """Says what would be done."""
    lines = [f"{statement};" for statement in to.definitions(plan.tables)]
    for table in plan.tables:
        lines.append(
            f"table      {table.table_name} -> {table.current_table}, {table.history_table}"
        )
    lines.append(f"blocks     {plan.blocks:>12,} from {plan.first:,} to {plan.last:,}")
    lines.append(f"revisions  {plan.revisions:>12,}, about {size / 2**20:,.1f} MiB")
    for gap in plan.passed:
        lines.append(f"gap        {gap.first:,} to {gap.last:,}, passed over")
    if plan.stopped is not None:
        lines.append(f"obstacle   gap at block {plan.stopped.first:,}: replay stops before it")
    lines.append("nothing was written")
    counts = {"blocks": plan.blocks, "revisions": plan.revisions, "bytes": size}
    verdict = PASS if plan.stopped is None and judged.verdict != INCOMPLETE else INCOMPLETE
    return Outcome({**counts, "tables": len(plan.tables)}, lines, EXIT_CODES[verdict])


def hold_against(
    options: argparse.Namespace, lake: Lake, run_id: str, progress: Progress, to: Destination
) -> Outcome:
    """Compares a destination with a verified lake, and writes what differs as findings."""
    point = to.checkpoint()
    if point is None:
        raise DestinationError(f"{to.shown} is empty: run qldb-replay replay first")
    strand_id = options.strand or point.strand_id
    if strand_id != point.strand_id:
        raise DestinationError(f"{to.shown} holds ledger {point.strand_id}; expected {strand_id}")
    compared = Compare(lake, strand_id, to, progress).run()
    _note(lake, run_id, strand_id, "destination-mismatch", compared.differences)
    lines = [f"{'compared':<10} {rows:>12,} {what}" for what, rows in compared.rows.items()]
    chosen = Selection.read(point.selection).chosen()
    if chosen:
        lines.append(f"selection  {chosen}; what that leaves out was never written here")
    lines += [f"DIFFERS    {_place(each)}" for each in compared.differences[:20]]
    more = len(compared.differences) - 20
    if more > 0:
        lines.append(f"           and {more:,} more: see findings")
    verdict = FAIL if compared.differences else PASS
    lines.append(f"compared   up to block {point.sequence_no:,}: {verdict}")
    counts = {**compared.rows, "differences": len(compared.differences)}
    return Outcome(counts, lines, EXIT_CODES[verdict], {"verdict": verdict})


def _place(each: Difference) -> str:
    key = ", ".join(f"{name} {value}" for name, value in each.key.items())
    return f"{each.kind} in the destination: {each.what}, {key}"


def _note(
    lake: Lake, run_id: str, strand_id: str, code: str, differences: Sequence[Difference]
) -> None:
    """Writes differences as findings of a run."""
    if not differences:
        return
    rows = [
        {
            "code": code,
            "unit": DESTINATION,
            "strand_id": strand_id,
            "sequence_no": _number(each.key.get("sequence_no")),
            "document_id": each.key.get("document_id"),
            "version": _number(each.key.get("version")),
            "detail": f"{each.what}: {each.kind} in the destination",
        }
        for each in differences
    ]
    severities = {each: str(severity) for each, severity in SEVERITY.items()}
    write_findings(lake, run_id, as_rows(lake.spark, rows), severities, [])


def _number(text: str | None) -> int | None:
    """Reads a number of a key, None of one that is none: a changed row can have anything there."""
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


@contextmanager
def archive_of(to: Destination, progress: Progress) -> Iterator[Path]:
    """Writes what a destination holds as an archive, for a `with` block."""
    with tempfile.TemporaryDirectory() as folder:
        progress(f"reading {to.shown} back")
        records = write_archive(to, Path(folder))
        if not records:
            raise DestinationError(f"{to.shown} holds no block yet: run qldb-replay replay first")
        yield Path(folder)
