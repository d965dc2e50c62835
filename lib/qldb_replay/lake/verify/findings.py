"""Table `findings`: the full set of each verification, under its run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, StringType, StructField, StructType

from qldb_replay.errors import UsageError
from qldb_replay.journal.findings import SEVERITY
from qldb_replay.lake.delta import Lake
from qldb_replay.lake.verify.found import FOUND, PLACES

TABLE = "findings"

FINDINGS = StructType(
    [
        StructField("run_id", StringType()),
        StructField("code", StringType()),
        StructField("severity", StringType()),
        *(FOUND[name] for name in (*PLACES, "expected", "actual", "detail", "unit")),
        StructField("acknowledged", BooleanType()),
    ]
)

_TYPES: Mapping[str, type] = {
    "code": str,
    "strand_id": str,
    "sequence_no": int,
    "document_id": str,
    "version": int,
    "object_uri": str,
    "offset": int,
    "reason": str,
    "who": str,
}

Known = Mapping[str, Any]
"""A finding that somebody judged already: `code`, places (`PLACES`), `reason` and `who`."""


def read_known(text: str) -> list[Known]:
    """Reads a list of findings that were judged already.

    Args:
        text: YAML or JSON: a list of objects with `code`, at least one of `PLACES`, `reason` and
            `who`. All places that an object names have to be the finding's.

    Returns:
        The list.

    Raises:
        UsageError: anything else; says which entry and what was expected.
    """
    try:
        entries = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError("known findings: expected a list in YAML or JSON") from error
    if not isinstance(entries, list):
        raise UsageError("known findings: expected a list")
    for number, entry in enumerate(entries, start=1):
        _check_known(number, entry)
    return entries


def _check_known(number: int, entry: Any) -> None:
    problem = None
    if not isinstance(entry, dict) or not {*map(str, entry)} <= set(_TYPES):
        problem = f"an object with keys of {', '.join(_TYPES)}"
    elif str(entry.get("code")) not in SEVERITY:
        problem = "the code of a finding"
    elif not set(PLACES) & set(entry):
        problem = f"a place: one or more of {', '.join(PLACES)}"
    elif not all(entry.get(name) for name in ("reason", "who")):
        problem = "a reason and who judged it"
    else:
        wrong = [name for name, value in entry.items() if type(value) is not _TYPES[name]]
        problem = f"{wrong[0]} as {_TYPES[wrong[0]].__name__}" if wrong else None
    if problem is not None:
        raise UsageError(f"known findings: entry {number}: expected {problem}")


def once_each(found: DataFrame) -> DataFrame:
    """Keeps of findings with the same code and place one, rows of `FOUND`."""
    said = ("expected", "actual", "detail")
    keys = [name for name in FOUND.names if name not in said]
    best = found.groupBy(*keys).agg(F.min(F.struct(*said)).alias("said"))
    return best.select(
        *(F.col(f"said.{name}") if name in said else F.col(name) for name in FOUND.names)
    )


def write_findings(
    lake: Lake, run_id: str, found: DataFrame, severities: Mapping[str, str], known: list[Known]
) -> None:
    """Writes a verification's findings in one commit.

    Args:
        lake: the lake.
        run_id: the verification.
        found: rows of `FOUND`.
        severities: by code.
        known: findings that were judged already.
    """
    severity = F.create_map(*(F.lit(word) for pair in severities.items() for word in pair))
    rows = found.withColumn("run_id", F.lit(run_id)).withColumn("severity", severity[F.col("code")])
    rows = rows.withColumn("acknowledged", is_known(known)).select(*FINDINGS.names)
    if lake.has(TABLE):
        lake.append(rows, TABLE)
    else:
        lake.overwrite(rows, TABLE, partition_by=["run_id"])


def is_known(known: list[Known]) -> Column:
    """Returns the condition that a finding is one of those that were judged already."""
    fits = F.lit(False)
    for entry in known:
        places = {name: value for name, value in entry.items() if name in ("code", *PLACES)}
        each = F.lit(True)
        for name, value in places.items():
            each = each & F.col(name).eqNullSafe(F.lit(value))
        fits = fits | each
    return fits


def gaps_of(found: DataFrame, codes: Sequence[str]) -> DataFrame:
    """Reads which blocks are missing from findings that say how many (`3 blocks`).

    Args:
        found: findings.
        codes: of `block-missing` and `head-missing`, those to read.

    Returns:
        `strand_id`, and numbers of the `first` and the `last` missing block.
    """
    first, blocks = F.col("sequence_no"), F.split("expected", " ")[0].cast("bigint")
    return found.where(F.col("code").isin(*codes)).select(
        "strand_id", first.alias("first"), (first + blocks - 1).alias("last")
    )


def read_findings(lake: Lake, run_id: str) -> DataFrame:
    """Returns a verification's findings, rows of `FINDINGS`; none where it is not there."""
    return lake.read(TABLE).where(F.col("run_id") == run_id)
