"""Which of a block's or revision's delivered copies counts, decided on narrow columns.

Delivery is at least once: the same record comes several times, over several streams, or with
other content. Decisions are made without the payload, which is fetched for the chosen copies
only: it is shuffled once, and not at all where a run changes little.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

PLACE = ("batch", "object_uri", "offset", "part")
"""What tells delivered copies apart; the batch because an object that changed is read again."""


def choose(
    copies: DataFrame, keys: Sequence[str], rank: Sequence[Column], payloads: DataFrame
) -> DataFrame:
    """Chooses one copy for each key.

    The first by `rank` counts; of those that rank alike but differ in content the one with the
    smallest bytes (contract, section 2). The place of a copy never decides between contents.

    Args:
        copies: a row for each delivered copy: the keys, `PLACE`, `content` and further narrow
            columns.
        keys: what tells blocks or revisions apart.
        rank: expressions over `copies`, smallest first.
        payloads: `records`, for the exact bytes of contents that rank alike.

    Returns:
        A row for each key, persisted: the columns of the copy that counts, `deliveries` (bigint)
        and `contested` (whether there are several contents).
    """
    ranked = copies.select("*", *(part.alias(f"_rank{i}") for i, part in enumerate(rank)))
    order = [f"_rank{i}" for i in range(len(rank))]
    chosen = _first(ranked, keys, [*order, "content"]).persist(StorageLevel.DISK_ONLY)
    if chosen.where("contested").isEmpty():
        return chosen
    contested = chosen.where("contested").select(*keys)
    bytes_of = payloads.select(*PLACE, F.col("ion").alias("_ion"))
    differing = ranked.join(contested, list(keys), "left_semi").join(bytes_of, list(PLACE))
    decided = _first(differing, keys, [*order, "_ion", "content"]).drop("_ion")
    return chosen.where("NOT contested").unionByName(decided).persist(StorageLevel.DISK_ONLY)


def _first(copies: DataFrame, keys: Sequence[str], order: Sequence[str]) -> DataFrame:
    ordered = [*order, *PLACE]
    rest = [name for name in copies.columns if name not in ordered and name not in keys]
    best = copies.groupBy(*keys).agg(
        F.min(F.struct(*ordered, *rest)).alias("_best"),
        F.count("*").alias("deliveries"),
        (F.min("content") != F.max("content")).alias("contested"),
    )
    kept = [name for name in [*ordered, *rest] if not name.startswith("_rank")]
    return best.select(*keys, *(f"_best.{name}" for name in kept), "deliveries", "contested")


def fetch(chosen: DataFrame, payloads: DataFrame, keys: Sequence[str]) -> DataFrame:
    """Joins the chosen copies with their payload.

    The keys lead the join although the place alone decides, so that the rows of a table lie
    ordered by them and readers can skip what they do not ask for.

    Args:
        chosen: rows with the keys and `PLACE`.
        payloads: rows with the same columns and the payload.
        keys: what to order by.
    """
    return chosen.join(payloads, [*keys, *PLACE], "inner")
