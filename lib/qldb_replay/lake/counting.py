"""What a lake holds, in numbers."""

from __future__ import annotations

from pyspark.sql import functions as F

from qldb_replay.lake.delta import Lake


def count_lake(lake: Lake) -> dict[str, int]:
    """Counts a rebuilt lake's rows.

    Returns:
        `objects`, `records`, `quarantined`, `blocks`, `revisions`, `documents`, `tables`,
        `duplicates` (delivered copies of blocks and revisions beyond the first) and `redacted`.
    """
    counts = {
        name: lake.read(table).count()
        for name, table in (
            ("objects", "objects"),
            ("records", "records"),
            ("quarantined", "quarantine"),
            ("blocks", "blocks"),
            ("tables", "tables"),
        )
    }
    revisions = lake.read("revisions").agg(
        F.count("*").alias("revisions"),
        F.count_if("is_open").alias("documents"),
        F.count_if("is_redacted").alias("redacted"),
        F.coalesce(F.sum("deliveries"), F.lit(0)).alias("delivered"),
    )
    row = revisions.first()
    assert row is not None
    summaries = lake.read("records").where("record_type = 'BLOCK_SUMMARY'").count()
    counts.update((name, row[name]) for name in ("revisions", "documents", "redacted"))
    counts["duplicates"] = row["delivered"] - row["revisions"] + summaries - counts["blocks"]
    return counts
