"""Findings as rows, while they are made: one shape for all checks.

`unit` says what a finding was judged with (`block`, `document`, `range`, `lake`): a later
verification that judges this unit again replaces the finding, every other one carries it over. What
`stored` tables contradict only `--full` judges, and so only that takes such a finding away.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType

BLOCK, DOCUMENT, RANGE, LAKE, STORED = "block", "document", "range", "lake", "stored"

PLACES = ("strand_id", "sequence_no", "document_id", "version", "object_uri", "offset")

FOUND = StructType(
    [
        StructField("code", StringType()),
        StructField("unit", StringType()),
        StructField("strand_id", StringType()),
        StructField("sequence_no", LongType()),
        StructField("document_id", StringType()),
        StructField("version", LongType()),
        StructField("object_uri", StringType()),
        StructField("offset", LongType()),
        StructField("expected", StringType()),
        StructField("actual", StringType()),
        StructField("detail", StringType()),
    ]
)


@dataclass(frozen=True)
class Check:
    """One code and when it is found, in SQL over a frame's columns.

    Attributes:
        code: of the finding.
        when: the condition.
        detail: what a person needs to know, SQL that gives a string.
        expected: SQL of what should be there.
        actual: SQL of what is there.
        places: SQL of places that are not the frame's own columns.
    """

    code: str
    when: str
    detail: str = "NULL"
    expected: str = "NULL"
    actual: str = "NULL"
    places: tuple[tuple[str, str], ...] = ()


def found_in(rows: DataFrame, unit: str, checks: Sequence[Check]) -> DataFrame:
    """Runs checks over rows, all in one pass.

    Args:
        rows: each of which is looked at.
        unit: what the findings are judged with.
        checks: what to look for.

    Returns:
        Rows of `FOUND`.
    """
    any_found = " OR ".join(f"({each.when})" for each in checks)
    found = F.array_compact(F.array(*(F.expr(_finding(each, rows.columns)) for each in checks)))
    taken = rows.where(any_found).select(F.explode(found).alias("found"))
    columns = [
        F.lit(unit).alias("unit") if field.name == "unit" else F.col(f"found.{field.name}")
        for field in FOUND
    ]
    return taken.select(*columns)


def _finding(check: Check, columns: Sequence[str]) -> str:
    given = {
        **{name: name for name in PLACES if name in columns},
        **dict(check.places),
        "code": f"'{check.code}'",
        "expected": check.expected,
        "actual": check.actual,
        "detail": check.detail,
    }
    values = [
        f"'{field.name}', CAST({given.get(field.name, 'NULL')} AS {field.dataType.simpleString()})"
        for field in FOUND
        if field.name != "unit"
    ]
    return f"CASE WHEN {check.when} THEN named_struct({', '.join(values)}) END"


def all_of(frames: Iterable[DataFrame]) -> DataFrame:
    """Puts findings of several checks together."""
    return functools.reduce(DataFrame.unionByName, frames)


def as_rows(spark: SparkSession, found: Iterable[dict[str, Any]]) -> DataFrame:
    """Gives few findings that the driver made as rows of `FOUND`."""
    rows = [tuple(each.get(name) for name in FOUND.names) for each in found]
    return spark.createDataFrame(rows, FOUND).coalesce(1)
