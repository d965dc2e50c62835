"""What reading each object came to, told to the driver beside the rows that workers write.

A row for each object comes with its records, but a write has one table as its end. Workers add
these rows to an accumulator: records go straight into their table, and are kept nowhere between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark import Accumulator, AccumulatorParam, SparkContext

if TYPE_CHECKING:
    import pyarrow as pa

OUTCOME = ("sha256", "compression", "records", "unreadable_bytes", "quarantined", "unchanged")

Outcomes = dict[str, dict[str, Any]]
"""By the object's URI: the columns of `OUTCOME`."""


class ByObject(AccumulatorParam[Outcomes]):  # type: ignore[misc]  # pyspark's is untyped here
    """Puts outcomes together; a task that ran again says the same of its objects once more."""

    def zero(self, value: Outcomes) -> Outcomes:
        """Gives what a task begins with: nothing."""
        return {}

    def addInPlace(self, value1: Outcomes, value2: Outcomes) -> Outcomes:  # noqa: N802
        """Adds outcomes to others, which change."""
        value1.update(value2)
        return value1


def accumulator_of(context: SparkContext) -> Accumulator[Outcomes]:
    """Makes an accumulator for `outcomes_in`, without any yet."""
    return context.accumulator({}, ByObject())


def outcomes_in(batch: pa.RecordBatch) -> Outcomes:
    """Takes the outcomes out of a batch of decoded rows (`codec.columns.DECODED`)."""
    import pyarrow.compute as pc

    objects = batch.select(["object_uri", *OUTCOME]).filter(pc.equal(batch["kind"], "object"))
    return {row.pop("object_uri"): row for row in objects.to_pylist()}
