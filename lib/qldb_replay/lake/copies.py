"""Which of a block's or revision's delivered copies counts, decided on narrow columns.

Delivery is at least once: the same record comes several times, over several streams, or with
other content. Decisions are made without the payload, which is fetched for the chosen copies
only: it is shuffled once, and not at all where a run changes little.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from qldb_replay.lake.delta import kept

PLACE = ("batch", "object_uri", "offset", "part")
"""What tells delivered copies apart; the batch because an object that changed is read again."""


def choose(
    copies: DataFrame,
    keys: Sequence[str],
    rank: Sequence[Column],
    exact: DataFrame | None,
    *,
    lie_by: Sequence[str],
    any_of: Sequence[str] = (),
) -> DataFrame:
    """Chooses one copy for each key.

    The first by `rank` counts; of those that rank alike but differ in content the one with the
    smallest bytes (contract, section 2). The place of a copy never decides between contents.

    Args:
        copies: a row for each delivered copy: the keys, `PLACE`, `content` and further narrow
            columns.
        keys: what tells blocks or revisions apart.
        rank: expressions over `copies`, smallest first.
        exact: `PLACE` and `bytes` of every copy; None where no key is contested.
        lie_by: the keys by which the result is spread and, with all keys, sorted.
        any_of: boolean columns that are wanted true where any copy's is.

    Returns:
        A row for each key: the columns of the copy that counts, `any_of`, `deliveries` (bigint)
        and `contested` (whether there are several contents).
    """
    ranked = copies.select("*", *(part.alias(f"_rank{i}") for i, part in enumerate(rank)))
    order = [f"_rank{i}" for i in range(len(rank))]
    chosen = _first(ranked.repartition(*lie_by), keys, [*order, "content"], any_of)
    if exact is None:
        return chosen
    contested = chosen.where("contested").select(*keys)
    differing = ranked.join(contested, list(keys), "left_semi").join(exact, list(PLACE))
    decided = _first(differing, keys, [*order, "bytes", "content"], any_of).drop("bytes")
    return chosen.where("NOT contested").unionByName(decided)


@contextlib.contextmanager
def settled(
    decide: Callable[[DataFrame | None], DataFrame], exact: DataFrame
) -> Iterator[DataFrame]:
    """Keeps what `choose` decided while a `with` block uses it.

    Args:
        decide: gives the decided rows, among them `contested`, from `choose`'s `exact`.
        exact: read only where a key is contested.
    """
    with kept(decide(None)) as quick:
        found = quick.agg(F.max("contested")).first()
        if not (found and found[0]):
            yield quick
            return
    with kept(decide(exact)) as decided:
        yield decided


def _first(
    copies: DataFrame, keys: Sequence[str], order: Sequence[str], any_of: Sequence[str]
) -> DataFrame:
    ordered = [*order, *PLACE]
    rest = [name for name in copies.columns if name not in (*ordered, *keys, *any_of)]
    best = copies.groupBy(*keys).agg(
        F.min(F.struct(*ordered, *rest)).alias("_best"),
        F.count("*").alias("deliveries"),
        (F.min("content") != F.max("content")).alias("contested"),
        *(F.max(name).alias(name) for name in any_of),
    )
    chosen = [name for name in [*ordered, *rest] if not name.startswith("_rank")]
    columns = (f"_best.{name}" for name in chosen)
    return best.select(*keys, *columns, "deliveries", "contested", *any_of)


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
