"""Stage `verify`: judges the lake and writes every finding down.

What did not change since the last verification is not judged again: its findings are carried over,
so that the verdict always speaks of the whole lake, and running again launders nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from qldb_replay.codec.choice import AUTO
from qldb_replay.errors import UsageError
from qldb_replay.journal.chain import Range, strand_digest
from qldb_replay.journal.findings import SEVERITY, severity_of, verdict_of
from qldb_replay.journal.saved import SavedDigest, SavedProof
from qldb_replay.journal.verification import (
    FULL,
    INCREMENTAL,
    MATCH,
    Check,
    Digest,
    Run,
    Scope,
    Strand,
)
from qldb_replay.lake.counting import current_counts
from qldb_replay.lake.delta import Lake, cut_off, kept, side_by_side
from qldb_replay.lake.rebuild import partitions_for
from qldb_replay.lake.state import LakeState
from qldb_replay.lake.verify.blocks import judge_blocks
from qldb_replay.lake.verify.copies import judged_copies, revision_copies
from qldb_replay.lake.verify.documents import judge_documents
from qldb_replay.lake.verify.findings import TABLE as FINDINGS_TABLE
from qldb_replay.lake.verify.findings import (
    Known,
    once_each,
    read_findings,
    write_findings,
)
from qldb_replay.lake.verify.found import FOUND, all_of, as_rows
from qldb_replay.lake.verify.full import judge_stored
from qldb_replay.lake.verify.lake_wide import judge_lake
from qldb_replay.lake.verify.places import with_records
from qldb_replay.lake.verify.result import LOOKED_AT, Verification
from qldb_replay.lake.verify.saved import Saved, check_proofs, check_strands, compare_digests
from qldb_replay.lake.verify.strands import (
    Strands,
    between_ranges,
    examine_ranges,
    read_strands,
    update_strands,
)
from qldb_replay.lake.verify.touched import Touched, touched_since

MARK = "findings"


@dataclass(frozen=True)
class Verify:
    """One run of the stage.

    Attributes:
        lake: the lake.
        run_id: the run that the findings are written under.
        progress: told of each step.
        digests: saved digests, besides those that were given before.
        proofs: saved proofs, besides those that were given before.
        strict: whether blocks that nothing explains make the lake incomplete.
        known: findings that were judged already.
        full: whether everything is judged again, from the stored Ion.
        started: when the run began.
        codec: which codec decodes what is judged again; one of `codec.CODECS`.
    """

    lake: Lake
    run_id: str
    progress: Callable[[str], None]
    digests: Sequence[SavedDigest] = ()
    proofs: Sequence[SavedProof] = ()
    strict: bool = False
    known: list[Known] = field(default_factory=list)
    full: bool = False
    started: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    codec: str = AUTO

    def run(self) -> Verification:
        """Judges the lake, writes the findings and returns what they come to.

        Raises:
            UsageError: the lake is not rebuilt up to what was ingested, or what was saved is of a
                strand that it does not have.
        """
        state = LakeState(self.lake.files)
        rebuilt, noted = _rebuilt(self.lake, state), state.mark(MARK)
        mark = noted if self.lake.has(FINDINGS_TABLE) else {}
        trusted = not self.full and mark.get("redactions") == rebuilt["redactions"]
        since = int(mark["batch"]) if trusted else 0
        saved = Saved.read(noted.get("saved", {})).with_more(self.digests, self.proofs)
        with (
            partitions_for(self.lake),
            touched_since(self.lake, since) as touched,
            ExitStack() as frames,
        ):
            found, strands, digests = self._judge(touched, saved, frames)
            carried = 0
            if mark and not self.full:
                earlier = read_findings(self.lake, mark["run_id"]).select(*FOUND.names)
                kept_over = cut_off(touched.carried(earlier))
                carried = kept_over.count()
                found = found.unionByName(kept_over)
            self.progress("writing findings")
            severities = {code: str(severity_of(code, self.strict)) for code in SEVERITY}
            write_findings(self.lake, self.run_id, found, severities, self.known)
            counts = _counts(self.lake, strands, saved)
            scope = Scope(
                FULL if self.full else INCREMENTAL,
                self.strict,
                _judged_anew(touched, counts, strands),
                {"findings": carried},
            )
        verification = self._summed(counts, strands, digests, scope)
        state.set_mark(
            MARK,
            **rebuilt,
            planned=state.last_batch(),
            run_id=self.run_id,
            saved=saved.document(),
            verification=verification.document(),
        )
        return verification

    def _judge(
        self, touched: Touched, saved: Saved, frames: ExitStack
    ) -> tuple[DataFrame, Strands, list[Digest]]:
        """Returns what is found, all ranges, and what comparing saved digests gave."""
        self.progress("chain and digest")
        strands, judged = read_strands(self.lake), []
        nothing_changed = touched.is_nothing
        if not nothing_changed:
            examined = examine_ranges(self.lake, touched)
            examined = examined._replace(rows=frames.enter_context(kept(examined.rows)))
            known = {} if touched.units is None else strands
            strands = update_strands(self.lake, known, examined.ranges())
            judged.append(examined.findings())
        check_strands(saved, strands)
        digests, against = compare_digests(self.lake, strands, saved)
        told = [*between_ranges(strands), *against, *check_proofs(self.lake, saved)]
        self.progress("blocks, revisions and documents")
        contents = revision_copies(self.lake)
        if not nothing_changed:
            copies = frames.enter_context(judged_copies(self.lake, touched))
            if touched.units is None:
                contents = copies.revisions
            judged += [judge_blocks(copies), judge_documents(self.lake, touched, contents)]
        judged.append(judge_lake(self.lake, contents))
        if self.full:
            judged.append(frames.enter_context(judge_stored(self.lake, self.progress, self.codec)))
        # Cut off one by one: Spark would plan all checks as one query, over and over.
        found = side_by_side(cut_off, judged)
        found.append(as_rows(self.lake.spark, told))
        return self._with_places(cut_off(once_each(all_of(found)))), strands, digests

    def _with_places(self, found: DataFrame) -> DataFrame:
        """Adds object and offset to what is found about a record."""
        bare = "sequence_no IS NOT NULL AND object_uri IS NULL"
        if found.where(bare).isEmpty():
            return found
        return with_records(self.lake, found.where(bare)).unionByName(found.where(f"NOT ({bare})"))

    def _summed(
        self, counts: dict[str, int], strands: Strands, digests: list[Digest], scope: Scope
    ) -> Verification:
        kinds = ("code", "severity", "strand_id", "acknowledged")
        written = read_findings(self.lake, self.run_id)
        rows = written.groupBy(*kinds).agg(F.count("*").alias("n")).collect()
        found: Counter[str] = Counter()
        for row in rows:
            found[row["code"]] += row["n"]
        looked_at = {code for code in LOOKED_AT if self.full or code != "lake-mismatch"}
        return Verification(
            Run(self.run_id, self.started, datetime.now(timezone.utc)),
            verdict_of(row["severity"] for row in rows),
            verdict_of(row["severity"] for row in rows if not row["acknowledged"]),
            sum(row["n"] for row in rows if row["acknowledged"]),
            counts,
            tuple(
                Check(code, counts[LOOKED_AT[code]], found[code])
                for code in sorted(looked_at | set(found))
            ),
            tuple(_strand(strand_id, each, digests, rows) for strand_id, each in strands.items()),
            tuple(digests),
            scope,
        )


def _rebuilt(lake: Lake, state: LakeState) -> dict[str, Any]:
    """Returns up to what the tables were rebuilt.

    Raises:
        UsageError: something was ingested since, or nothing ever was.
    """
    mark = state.mark("history")
    if not mark or mark["batch"] != state.ingested_batch() or state.open_plan() is not None:
        raise UsageError(
            f"lake {lake.uri} is not rebuilt up to what was ingested: run "
            f"`qldb-replay ingest` to its end if it was broken off, then "
            f"`qldb-replay rebuild --lake {lake.uri}`"
        )
    return {"batch": mark["batch"], "redactions": mark["redactions"]}


def last_verification(lake: Lake) -> str:
    """Returns the run of the last verification.

    Raises:
        UsageError: there is none of the lake as it is now.
    """
    state = LakeState(lake.files)
    rebuilt, mark = _rebuilt(lake, state), state.mark(MARK)
    now = {**rebuilt, "planned": state.last_batch()}
    if {name: mark.get(name) for name in now} != now:
        raise UsageError(
            f"lake {lake.uri} has changed since it was verified, or never was: run `qldb-replay "
            f"verify --lake {lake.uri}`"
        )
    return str(mark["run_id"])


def stored_verification(lake: Lake) -> Verification:
    """Returns what the last verification came to.

    Raises:
        UsageError: there was none.
    """
    mark = LakeState(lake.files).mark(MARK)
    if not mark:
        raise UsageError(
            f"lake {lake.uri} was never verified: run `qldb-replay verify --lake {lake.uri}`"
        )
    return Verification.read(mark["verification"])


def _counts(lake: Lake, strands: Strands, saved: Saved) -> dict[str, int]:
    return {
        **current_counts(lake),
        "strands": len(strands),
        "digests": len(saved.digests),
        "proofs": len(saved.proofs),
    }


def _judged_anew(touched: Touched, counts: dict[str, int], strands: Strands) -> dict[str, int]:
    if touched.units is not None:
        return {f"{unit}s": keys.count() for unit, keys in sorted(touched.units.items())}
    ranges = sum(map(len, strands.values()))
    return {"blocks": counts["blocks"], "documents": counts["documents"], "ranges": ranges}


def _strand(
    strand_id: str, ranges: Sequence[Range], digests: Sequence[Digest], rows: Sequence[Row]
) -> Strand:
    anchors = [
        each.sequence_no for each in digests if (each.strand_id, each.outcome) == (strand_id, MATCH)
    ]
    # Bytes that nobody can read may be any strand's.
    severities = (row["severity"] for row in rows if row["strand_id"] in (None, strand_id))
    return Strand(
        strand_id,
        ranges[0].first.sequence_no,
        ranges[-1].last.sequence_no,
        sum(each.blocks for each in ranges),
        strand_digest(ranges),
        verdict_of(severities),
        max(anchors, default=None),
    )
