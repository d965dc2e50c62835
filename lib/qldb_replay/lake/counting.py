"""What a lake holds, in numbers."""

from __future__ import annotations

import functools

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from qldb_replay.lake.delta import Lake, only_row
from qldb_replay.lake.state import LakeState


def current_counts(lake: Lake) -> dict[str, int]:
    """Returns what `count_lake` gives, counted once for each state that the lake is in."""
    state = LakeState(lake.files)
    if state.open_plan() is not None:  # a killed run's batch may be there in part
        return count_lake(lake)
    wanted = {**state.mark("history"), "planned": state.last_batch()}
    found = state.mark("counts")
    if {name: found.get(name) for name in wanted} != wanted:
        found = {**wanted, "counts": count_lake(lake)}
        state.set_mark("counts", **found)
    counts: dict[str, int] = found["counts"]
    return counts


def count_lake(lake: Lake) -> dict[str, int]:
    """Counts a rebuilt lake's rows.

    Returns:
        `objects`, `records`, `quarantined`, `blocks`, `revisions`, `documents`, `tables`,
        `duplicates` (delivered copies of blocks and revisions beyond the first) and `redacted`.
    """
    names = {"quarantine": "quarantined"}
    rows = [
        lake.read(table).select(F.lit(names.get(table, table)).alias("name"))
        for table in ("objects", "quarantine", "blocks", "tables")
    ]
    rows.append(lake.read("records").select(F.col("holds").alias("name")))
    counted = functools.reduce(DataFrame.unionAll, rows).groupBy("name").count().collect()
    found: dict[str, int] = {row["name"]: row["count"] for row in counted}
    revisions = lake.read("revisions").agg(
        F.count("*").alias("revisions"),
        F.count_if("is_open").alias("documents"),
        F.count_if("is_redacted").alias("redacted"),
        F.coalesce(F.sum("deliveries"), F.lit(0)).alias("delivered"),
    )
    row = only_row(revisions)
    counts = {name: found.pop(name, 0) for name in ("objects", "quarantined", "blocks", "tables")}
    copies = found.get("block", 0) - counts["blocks"] + row["delivered"] - row["revisions"]
    return {
        **counts,
        "records": sum(found.values()),
        **{name: row[name] for name in ("revisions", "documents", "redacted")},
        "duplicates": copies,
    }
