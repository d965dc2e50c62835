"""Table `revisions`: one row for each document ID and version, deduplicated and put in order.

Decisions are made on narrow columns of `records` and `blocks`, a pure function of both; then only
what differs from the table is written. Rows whose `valid_to` is null lie in a partition of their
own (`is_open`): an increment that arrives in order rewrites live documents, not the history.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from qldb_replay.journal.redactions import HONOUR
from qldb_replay.lake.blocks import listing_of
from qldb_replay.lake.copies import PLACE, choose, fetch, settled
from qldb_replay.lake.delta import (
    Lake,
    cut_off,
    insert_of,
    kept,
    matching,
    only_row,
    reach_of,
    update_of,
)
from qldb_replay.lake.keys import BLOCK_KEYS, DOCUMENT_KEYS, REVISION_KEYS
from qldb_replay.lake.open_rows import few, replace_open
from qldb_replay.lake.redactions import requests_of

TABLE = "revisions"

# What may change while the payload stays.
TIMELINE = ("valid_from", "valid_to", "is_current", "is_open")
LIGHT = ("sequence_no", "revision_index", "is_redacted", "deliveries", "contested", "content")
RETIMED = (*LIGHT, *TIMELINE, "operation", "batch")

COLUMNS = (
    "strand_id",
    "sequence_no",
    "revision_index",
    "table_id",
    "table_name",
    "document_id",
    "version",
    "tx_id",
    "tx_time",
    "hash",
    "operation",
    "is_redacted",
    "data_json",
    "data_ion",
    "data_hash",
    "metadata_ion",
    "valid_from",
    "valid_to",
    "is_current",
    "deliveries",
    "batch",
    "contested",
    "content",
    "kind",
    "hash_matches",
    "sketch",
    "is_open",
)

OPERATION = """
CASE WHEN revision.kind = 'delete' THEN 'DELETE' WHEN version = 0 THEN 'INSERT' ELSE 'UPDATE' END
"""

# The exact document is the record's symbol tables followed by the value's own bytes.
DATA_ION = """
concat(
  substring(ion, 1, revision.symbols_length),
  substring(ion, revision.data_offset + 1, revision.data_length)
)
"""


@dataclass(frozen=True)
class RevisionsStage:
    """One rebuild of the table.

    Attributes:
        lake: the lake.
        since: the batch that the table contains already, 0 for none.
        batch: the batch that it will contain.
        redactions: `HONOUR` or `KEEP`, what becomes of redacted data.
    """

    lake: Lake
    since: int
    batch: int
    redactions: str = HONOUR

    def run(self) -> None:
        """Brings `revisions`, and redactions in `records`, up to the batch."""
        records = self.lake.read("records").where(
            (F.col("holds") == "revision") & (F.col("batch") <= self.batch)
        )
        copies = records.select(
            *REVISION_KEYS,
            *PLACE,
            "sequence_no",
            "hash",
            "revision.tx_time",
            "revision.table_name",
            "revision.content",
            F.col("revision.hash_matches").alias("hash_matches"),
            (F.col("revision.kind") == "redacted").alias("redacted_copy"),
            F.expr("revision.kind = 'data' AND ion IS NOT NULL").alias("carries_data"),
            F.expr(OPERATION).alias("operation"),
        )
        with kept(requests_of(self.lake.read("blocks"))) as requests:
            requests.count()  # once its size is known, joins with it need no shuffle of the rest
            if self.since:
                changed, redacted = self._changes(copies, requests, records)
            else:
                redacted = self._write(copies, requests, records)
        if self.since:
            self._merge(changed, records)
        if self.redactions == HONOUR:
            self._take_data(redacted)

    def _write(self, copies: DataFrame, requests: DataFrame, records: DataFrame) -> DataFrame:
        """Writes the whole table; returns the keys whose data is still in `records`."""

        def decide(exact: DataFrame | None) -> DataFrame:
            return _timeline(self._chosen(copies, self.lake.read("blocks"), requests, exact))

        with settled(decide, _exact(records, requests)) as decided:
            self.lake.overwrite(self._rows(decided, records), TABLE, partition_by=["is_open"])
            return cut_off(_carrying(decided, requests))

    def _chosen(
        self,
        copies: DataFrame,
        blocks: DataFrame,
        requests: DataFrame,
        exact: DataFrame | None,
    ) -> DataFrame:
        """Decides for each key which copy counts and whether it is redacted."""
        placed = copies.join(listing_of(blocks), [*BLOCK_KEYS, "hash"], "left")
        proven = F.col("revision_index").isNotNull() & F.col("hash_matches")
        applied = F.col("redacted_copy") & F.col("hash_matches")
        chosen = choose(
            placed,
            REVISION_KEYS,
            [~proven, ~applied],
            exact,
            lie_by=DOCUMENT_KEYS,
            any_of=["carries_data"],
        )
        return (
            chosen.join(requests.drop("batch"), [*REVISION_KEYS, "sequence_no"], "left")
            .withColumn("is_redacted", F.col("requested").isNotNull() | applied)
            .drop("requested", "hash_matches")
        )

    def _changes(
        self, copies: DataFrame, requests: DataFrame, records: DataFrame
    ) -> tuple[DataFrame, DataFrame]:
        """Returns what differs from the table, and the keys whose data is still in `records`."""
        known = ["tx_time", "table_name", "operation", *LIGHT, *TIMELINE]
        table = self.lake.read(TABLE).select(*REVISION_KEYS, *known)
        blocks = self.lake.read("blocks")
        reach = self._reach(records, blocks)
        with ExitStack() as frames:
            affected = frames.enter_context(kept(self._affected(records, blocks, requests, reach)))
            affected = few(affected, affected.count())
            if _is_in_order(affected, table):
                # No copy came before, and of what is there only open rows get a successor.
                copies = copies.where(F.col("batch") > self.since)
                table = table.where("is_open = true")
                blocks = blocks.where(reach)
            copies = copies.join(affected, list(REVISION_KEYS), "left_semi")
            documents = affected.select(*DOCUMENT_KEYS).distinct()
            old = frames.enter_context(
                kept(table.join(documents, list(DOCUMENT_KEYS), "left_semi"))
            )
            untouched = old.join(affected, list(REVISION_KEYS), "left_anti").drop(*TIMELINE)

            def decide(exact: DataFrame | None) -> DataFrame:
                chosen = self._chosen(copies, blocks, requests, exact)
                return _timeline(chosen.unionByName(untouched, allowMissingColumns=True))

            decided = frames.enter_context(settled(decide, _exact(records, requests)))
            return cut_off(_changed(decided, old)), cut_off(_carrying(decided, requests))

    def _reach(self, records: DataFrame, blocks: DataFrame) -> Column:
        """The condition that a number is among those of blocks that something arrived of."""
        numbers = records.select("sequence_no", "batch").union(
            blocks.select("sequence_no", "batch")
        )
        return reach_of(numbers.where(F.col("batch") > self.since))

    def _affected(
        self, records: DataFrame, blocks: DataFrame, requests: DataFrame, reach: Column
    ) -> DataFrame:
        """Keys of revisions that new records, new blocks or new requests speak of."""
        arrived = records.where(F.col("batch") > self.since).select(*REVISION_KEYS)
        places = blocks.where(F.col("batch") > self.since).select(*BLOCK_KEYS)
        within = records.where(reach)
        listed = within.join(places, list(BLOCK_KEYS), "left_semi").select(*REVISION_KEYS)
        requested = requests.where(F.col("batch") > self.since).select(*REVISION_KEYS)
        return arrived.unionByName(listed).unionByName(requested).distinct()

    def _merge(self, changed: DataFrame, records: DataFrame) -> None:
        kinds = only_row(
            changed.agg(
                F.count("*").alias("rows"),
                F.count_if("known").alias("known"),
                F.count_if(F.expr("known AND NOT was_open")).alias("closed"),
                F.min(F.when(F.col("fresh"), F.col("batch"))).alias("first_batch"),
            )
        )
        if not kinds["rows"]:
            return
        recent = records.where(F.col("batch") >= (kinds["first_batch"] or self.batch))
        fresh = self._rows(changed.where("fresh"), recent, "fresh")
        light = changed.where("NOT fresh").withColumn("batch", F.lit(self.batch).cast("bigint"))
        internal = ("known", "was_open", "object_uri", "offset", "part", "redacted_copy")
        source = fresh.unionByName(light.drop(*internal, "carries_data"), allowMissingColumns=True)
        if not kinds["known"]:
            self.lake.append(source.select(*COLUMNS), TABLE)
        elif not kinds["closed"]:
            self._replace_open(few(changed, kinds["rows"]), fresh, few(light, kinds["rows"]))
        else:
            self._merge_all(source)

    def _replace_open(self, changed: DataFrame, fresh: DataFrame, light: DataFrame) -> None:
        payloads = self.lake.read(TABLE).where("is_open = true").drop(*RETIMED)
        retimed = payloads.join(light.select(*REVISION_KEYS, *RETIMED), list(REVISION_KEYS))
        rows = fresh.select(*COLUMNS).unionByName(retimed)
        replace_open(self.lake, TABLE, changed, rows)

    def _merge_all(self, source: DataFrame) -> None:
        with kept(source) as rows:
            self.lake.merge(
                rows,
                TABLE,
                on=matching(REVISION_KEYS),
                clauses=f"WHEN MATCHED AND s.fresh THEN {update_of(COLUMNS)} "
                f"WHEN MATCHED THEN {update_of(RETIMED)} "
                f"WHEN NOT MATCHED THEN {insert_of(COLUMNS)}",
            )

    def _rows(self, decided: DataFrame, records: DataFrame, *extra: str) -> DataFrame:
        """Gives decided revisions their payload, unless it is redacted."""
        payloads = records.select(
            *REVISION_KEYS,
            *PLACE,
            "revision.table_name",
            "revision.table_id",
            "revision.tx_id",
            "revision.kind",
            "revision.hash_matches",
            "revision.sketch",
            "revision.data_json",
            "revision.data_hash",
            "revision.metadata_ion",
            F.when(F.col("revision.data_offset").isNotNull(), F.expr(DATA_ION)).alias("data_ion"),
        )
        rows = fetch(decided, payloads, ["table_name", *REVISION_KEYS])
        if self.redactions == HONOUR:
            for name in ("data_json", "data_ion", "sketch"):
                rows = rows.withColumn(name, F.when(~F.col("is_redacted"), F.col(name)))
        return rows.withColumn("batch", F.lit(self.batch).cast("bigint")).select(*COLUMNS, *extra)

    def _take_data(self, redacted: DataFrame) -> None:
        """Takes the data of redacted revisions out of `records`, keeping what proves them.

        Without a request only from copies of the same revision: a redacted copy that somebody made
        up, with a hash of its own, counts until its block arrives, and must not take the true data.
        """
        count = redacted.count()
        if not count:
            return
        self.lake.merge(
            few(redacted, count),
            "records",
            on=f"{matching(REVISION_KEYS)} AND t.holds = 'revision'",
            clauses="WHEN MATCHED AND t.ion IS NOT NULL AND t.revision.kind = 'data' "
            "AND (s.requested OR t.hash <=> s.hash) "
            "THEN UPDATE SET ion = NULL, revision.data_json = NULL, revision.sketch = NULL",
        )


def _is_in_order(affected: DataFrame, table: DataFrame) -> bool:
    """Says whether all affected revisions come behind those that the table has of their documents.

    The table has a row for each key of any record before.
    """
    newest = table.where("is_open = true").select(*DOCUMENT_KEYS, F.col("version").alias("newest"))
    known = affected.join(newest, list(DOCUMENT_KEYS)).where("version <= newest")
    return bool(known.isEmpty())


def _carrying(decided: DataFrame, requests: DataFrame) -> DataFrame:
    """Redacted revisions of which a delivered copy still carries the data.

    Returns:
        `REVISION_KEYS`, `hash` of the copy that counts, and `requested`.
    """
    places = [*REVISION_KEYS, "sequence_no"]
    carrying = decided.where("is_redacted AND carries_data").select(*places, "hash")
    asked = carrying.join(requests.drop("batch"), places, "left")
    return asked.select(*REVISION_KEYS, "hash", F.col("requested").isNotNull().alias("requested"))


def _exact(records: DataFrame, requests: DataFrame) -> DataFrame:
    """The bytes that decide between contents.

    Where a redaction was requested these are the metadata's, which stay when the data is taken
    away: the choice is the same before and after.
    """
    requested = records.join(requests.drop("batch"), [*REVISION_KEYS, "sequence_no"], "left")
    bytes_ = F.when(F.col("requested"), F.col("revision.metadata_ion")).otherwise(F.col("ion"))
    return requested.select(*PLACE, bytes_.alias("bytes"))


def _timeline(revisions: DataFrame) -> DataFrame:
    """Gives each revision of a document the time at which the next one replaced it."""
    order = Window.partitionBy(*DOCUMENT_KEYS).orderBy("version")
    following = F.lead("tx_time").over(order)
    return (
        revisions.withColumn("valid_from", F.col("tx_time"))
        .withColumn("valid_to", following)
        .withColumn("is_open", F.lead("version").over(order).isNull())
        .withColumn("is_current", F.col("is_open") & (F.col("operation") != "DELETE"))
    )


def _changed(decided: DataFrame, old: DataFrame) -> DataFrame:
    """Keeps the rows that differ from the table.

    Adds `known` (the table has the key), `was_open` (in which partition) and `fresh` (the payload
    is another one, not only the columns around it).
    """
    compared = [*LIGHT, *TIMELINE, "operation"]
    before = old.select(*REVISION_KEYS, *(F.col(name).alias(f"_{name}") for name in compared))
    joined = decided.join(before, list(REVISION_KEYS), "left").withColumn(
        "known", F.col("_is_open").isNotNull()
    )
    same = F.lit(True)
    for name in compared:
        same = same & F.col(name).eqNullSafe(F.col(f"_{name}"))
    payload_stays = F.expr("known AND content <=> _content AND is_redacted <=> _is_redacted")
    return (
        joined.where(~(F.col("known") & same))
        .withColumn("was_open", F.coalesce(F.col("_is_open"), F.lit(False)))
        .withColumn("fresh", ~payload_stays)
        .drop(*(f"_{name}" for name in compared))
    )
