"""Whether a lake may be replayed: what its last verification says, and where it has gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from qldb_replay.errors import UsageError
from qldb_replay.journal.findings import FAIL, verdict_of
from qldb_replay.journal.gaps import Gap, merged
from qldb_replay.journal.verification import Strand
from qldb_replay.lake.delta import Lake, side_by_side
from qldb_replay.lake.verify import last_verification, stored_verification
from qldb_replay.lake.verify.findings import Known, gaps_of, is_known, read_findings


@dataclass(frozen=True)
class Judged:
    """What the last verification says of the ledger to replay.

    Attributes:
        strand: the ledger.
        verdict: over its findings that nobody has accepted.
        refused: how many findings of severity `fail` nobody has accepted, by code.
        gaps: blocks that are missing after its first one, or whose revisions are, in order.
    """

    strand: Strand
    verdict: str
    refused: dict[str, int]
    gaps: list[Gap]


def judge(lake: Lake, strand_id: str | None, accepted: Sequence[Known]) -> Judged:
    """Looks at the last verification of a lake.

    Args:
        lake: the lake.
        strand_id: the ledger, where it has several.
        accepted: findings that were judged by people (`--accept-findings`).

    Raises:
        UsageError: the lake has changed since it was verified, or the ledger is not named.
    """
    run_id = last_verification(lake)
    strand = _strand(stored_verification(lake).strands, strand_id)
    found = read_findings(lake, run_id).where(
        F.col("strand_id").isNull() | (F.col("strand_id") == strand.strand_id)
    )
    open_ = found.where(~F.col("acknowledged") & ~is_known(list(accepted)))
    lacking = found.where("code = 'revision-missing'").select(
        F.col("sequence_no").alias("first"), F.col("sequence_no").alias("last")
    )
    missing = gaps_of(found, ["block-missing"]).drop("strand_id").union(lacking)
    counted, gaps = side_by_side(
        DataFrame.collect, (open_.groupBy("code", "severity").count(), missing.distinct())
    )
    refused = {row["code"]: row["count"] for row in counted if row["severity"] == FAIL}
    return Judged(
        strand,
        verdict_of(row["severity"] for row in counted),
        refused,
        merged(Gap(*row) for row in gaps),
    )


def _strand(strands: Sequence[Strand], strand_id: str | None) -> Strand:
    found = [each for each in strands if strand_id in (None, each.strand_id)]
    if len(found) == 1:
        return found[0]
    ids = ", ".join(each.strand_id for each in strands)
    if not found:
        raise UsageError(f"the lake has no ledger {strand_id}; it has {ids or 'none'}")
    raise UsageError(f"the lake has several ledgers: choose one with --strand: {ids}")
