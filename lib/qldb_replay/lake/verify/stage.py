"""Stage `verify`: judges the lake and writes every finding down.

What did not change since the last verification is not judged again: its findings are carried over,
so that the verdict always speaks of the whole lake, and running again launders nothing.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from qldb_replay.errors import UsageError
from qldb_replay.journal.chain import strand_digest
from qldb_replay.journal.findings import SEVERITY, verdict
from qldb_replay.journal.saved import SavedDigest, SavedProof
from qldb_replay.lake.delta import Lake, cut_off, kept
from qldb_replay.lake.rebuild import partitions_for
from qldb_replay.lake.state import LakeState
from qldb_replay.lake.verify.blocks import judge_blocks
from qldb_replay.lake.verify.copies import revision_copies
from qldb_replay.lake.verify.documents import judge_documents
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
from qldb_replay.lake.verify.saved import Saved, anchors, check_proofs, check_strands
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
class Verification:
    """What a verification found.

    Attributes:
        verdict: `pass`, `fail` or `incomplete`, about the whole lake.
        findings: how many of each code.
        acknowledged: how many of them were judged already (`--known`).
        open_verdict: the verdict without those.
        strands: of each strand `strand_id`, `first_sequence_no`, `last_sequence_no`, `blocks`,
            `digest` (Base64, None with a gap), `verdict` and `anchored_to`.
        saved: the digests and proofs that were compared.
        scope: `mode` (`full` or `incremental`) and how much was judged again of each unit.
    """

    verdict: str
    findings: Mapping[str, int]
    acknowledged: int
    open_verdict: str
    strands: Sequence[Mapping[str, Any]]
    saved: Saved
    scope: Mapping[str, Any]


@dataclass(frozen=True)
class Verify:
    """One run of the stage.

    Attributes:
        lake: the lake.
        run_id: the run that the findings are written under.
        progress: told of each step.
        digests: saved digests, besides those that were given before.
        proofs: saved proofs, besides those that were given before.
        severities: by code.
        known: findings that were judged already.
        full: whether everything is judged again.
    """

    lake: Lake
    run_id: str
    progress: Callable[[str], None]
    digests: Sequence[SavedDigest] = ()
    proofs: Sequence[SavedProof] = ()
    severities: Mapping[str, str] = field(default_factory=lambda: SEVERITY)
    known: list[Known] = field(default_factory=list)
    full: bool = False

    def run(self) -> Verification:
        """Judges the lake, writes the findings and returns what they come to.

        Raises:
            UsageError: the lake is not rebuilt up to what was ingested, or what was saved is of a
                strand that it does not have.
        """
        state = LakeState(self.lake.files)
        rebuilt = _rebuilt(self.lake, state)
        mark = {} if self.full else state.mark(MARK)
        known = mark.get("redactions") == rebuilt["redactions"]
        since = int(mark["batch"]) if known else 0
        saved = Saved.read(state.mark(MARK).get("saved", {}))
        saved = saved.with_more(self.digests, self.proofs)
        with (
            partitions_for(self.lake),
            touched_since(self.lake, since) as touched,
            ExitStack() as frames,
        ):
            found, strands, anchored = self._judge(touched, saved, frames)
            if since:
                earlier = read_findings(self.lake, mark["run_id"]).select(*FOUND.names)
                found = found.unionByName(touched.carried(earlier))
            self.progress("writing findings")
            write_findings(self.lake, self.run_id, found, self.severities, self.known)
            scope = _scope(touched)
        state.set_mark(
            MARK,
            **rebuilt,
            planned=state.last_batch(),
            run_id=self.run_id,
            saved=saved.document(),
        )
        return _summed(self.lake, self.run_id, strands, anchored, saved, scope)

    def _judge(
        self, touched: Touched, saved: Saved, frames: ExitStack
    ) -> tuple[DataFrame, Strands, dict[str, int]]:
        """Returns what is found, all ranges, and how far saved digests anchor each strand."""
        self.progress("chain and digest")
        examined = examine_ranges(self.lake, touched)
        examined = examined._replace(rows=frames.enter_context(kept(examined.rows)))
        known = {} if touched.units is None else read_strands(self.lake)
        strands = update_strands(self.lake, known, examined.ranges())
        check_strands(saved, strands)
        against, anchored = anchors(self.lake, strands, saved)
        told = [*between_ranges(strands), *against, *check_proofs(self.lake, saved)]
        self.progress("blocks, revisions and documents")
        copies = frames.enter_context(kept(revision_copies(self.lake)))
        judged = [
            examined.findings(),
            judge_blocks(self.lake, copies, touched),
            judge_documents(self.lake, copies, touched),
            judge_lake(self.lake, copies),
        ]
        if self.full:
            judged.append(frames.enter_context(judge_stored(self.lake, self.progress)))
        # Cut off one by one: Spark would plan all checks as one query, over and over.
        found = [cut_off(each) for each in judged]
        found.append(as_rows(self.lake.spark, told))
        return self._with_places(cut_off(once_each(all_of(found)))), strands, anchored

    def _with_places(self, found: DataFrame) -> DataFrame:
        """Adds object and offset to what is found about a record."""
        bare = "sequence_no IS NOT NULL AND object_uri IS NULL"
        if found.where(bare).isEmpty():
            return found
        return with_records(self.lake, found.where(bare)).unionByName(found.where(f"NOT ({bare})"))


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


def _scope(touched: Touched) -> dict[str, Any]:
    if touched.units is None:
        return {"mode": "full"}
    judged = {f"{unit}s": keys.count() for unit, keys in touched.units.items()}
    return {"mode": "incremental", "judged_again": judged}


def _summed(
    lake: Lake,
    run_id: str,
    strands: Strands,
    anchored: Mapping[str, int],
    saved: Saved,
    scope: Mapping[str, Any],
) -> Verification:
    kinds = ("code", "severity", "strand_id", "acknowledged")
    rows = read_findings(lake, run_id).groupBy(*kinds).agg(F.count("*").alias("n")).collect()
    findings: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: row["code"]):
        findings[row["code"]] = findings.get(row["code"], 0) + row["n"]
    # Bytes that nobody can read may be any strand's.
    of_strand = {
        strand_id: verdict(r["severity"] for r in rows if r["strand_id"] in (None, strand_id))
        for strand_id in strands
    }
    return Verification(
        verdict(row["severity"] for row in rows),
        findings,
        sum(row["n"] for row in rows if row["acknowledged"]),
        verdict(row["severity"] for row in rows if not row["acknowledged"]),
        [
            {
                "strand_id": strand_id,
                "first_sequence_no": ranges[0].first.sequence_no,
                "last_sequence_no": ranges[-1].last.sequence_no,
                "blocks": sum(each.blocks for each in ranges),
                "digest": _base64(strand_digest(ranges)),
                "verdict": of_strand[strand_id],
                "anchored_to": anchored.get(strand_id),
            }
            for strand_id, ranges in strands.items()
        ],
        saved,
        scope,
    )


def _base64(digest: bytes | None) -> str | None:
    return None if digest is None else b64encode(digest).decode("ascii")
