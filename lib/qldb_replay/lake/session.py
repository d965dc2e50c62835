"""The one place that builds a Spark session, and the settings that every stage works under.

Stages take a session from outside (a platform's, a notebook's, a test's) and never trust its
settings: `stage_settings` puts those that correctness depends on in place and takes them back.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping

from pyspark.sql import SparkSession

from qldb_replay.installed import delta_package, java_home
from qldb_replay.storage import S3Access

UNIQUE_COLUMNS = (
    "ion",
    "metadata_ion",
    "data_ion",
    "data_json",
    "data_hash",
    "hash",
    "content",
    "block_hash",
    "entries_hash",
    "previous_block_hash",
    "entries_hash_list.list.element",
    "revision_summaries.list.element.hash",
    "revision.metadata_hash",
    "revision.data_hash",
    "revision.content",
    "revision.metadata_ion",
    "revision.data_json",
    "block.entries_hash",
    "block.previous_block_hash",
    "block.entries_hash_list.list.element",
    "block.revision_summaries.list.element.hash",
    "block.revisions_root",
    "block.transaction_info_hash",
    "block.content",
    "revisions_root",
    "tx_id",
    "block.tx_id",
    "revision.tx_id",
)

# Without these a date of 9999-12-31 is read back as 1816, one of 1899 aborts the write, "1.50"
# becomes a number and tables take the time zone of whoever runs the job.
STAGE_SETTINGS: Mapping[str, str] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.binaryAsString": "false",
    "spark.sql.parquet.writeLegacyFormat": "false",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.sources.partitionOverwriteMode": "static",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
    "spark.databricks.delta.schema.autoMerge.enabled": "false",
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
    "spark.databricks.delta.merge.materializeSource": "none",
    # One commit replaces open rows and adds closed ones beside them.
    "spark.databricks.delta.replaceWhere.constraintCheck.enabled": "false",
    # Else rows that lie in order are sorted once more by the partition that they go to.
    "spark.sql.maxConcurrentOutputFileWriters": "4",
    # Columns with hardly a value twice: Parquet would collect a dictionary only to give it up.
    **{f"parquet.enable.dictionary#{column}": "false" for column in UNIQUE_COLUMNS},
    "spark.sql.inMemoryColumnarStorage.compressed": "false",
}


@contextlib.contextmanager
def stage_settings(spark: SparkSession, extra: Mapping[str, str] = {}) -> Iterator[None]:
    """Puts the settings that a stage's correctness depends on in place for its duration.

    Args:
        spark: any session; its own values come back at the end.
        extra: further settings of the stage.
    """
    wanted = {**STAGE_SETTINGS, **extra}
    before = {name: spark.conf.get(name, None) for name in wanted}
    try:
        for name, value in wanted.items():
            spark.conf.set(name, value)
        yield
    finally:
        for name, old in before.items():
            if old is None:
                spark.conf.unset(name)
            else:
                spark.conf.set(name, old)


def build_session(settings: Mapping[str, str], app_name: str = "qldb-replay") -> SparkSession:
    """Gives the session to run in: the platform's own under spark-submit, else a local one.

    Args:
        settings: Spark settings that win over the defaults (`--spark KEY=VALUE`).
        app_name: the name that Spark shows.

    Returns:
        The session that is active already, with the given settings only; else a new one with Delta
        switched on, whose jars are added only where Spark lacks them.
    """
    if SparkSession.getActiveSession() is not None:
        return _configured(settings).getOrCreate()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    defaults = {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
    }
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        defaults.update(_local_defaults(settings))
    session = _configured({**defaults, **settings}).appName(app_name).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def s3_access(spark: SparkSession) -> S3Access:
    """Reads S3 access from the Hadoop settings `fs.s3a.*`, the session's before the context's."""
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()

    def setting(name: str) -> str | None:
        own = spark.conf.get(f"spark.hadoop.fs.s3a.{name}", None)
        return own or hadoop.get(f"fs.s3a.{name}") or None

    endpoint = setting("endpoint")
    if endpoint is not None and "://" not in endpoint:
        scheme = "http" if setting("connection.ssl.enabled") == "false" else "https"
        endpoint = f"{scheme}://{endpoint}"
    return S3Access(
        endpoint=endpoint,
        region=setting("endpoint.region"),
        access_key=setting("access.key"),
        secret_key=setting("secret.key"),
        session_token=setting("session.token"),
        path_style=setting("path.style.access") == "true",
    )


def _configured(settings: Mapping[str, str]) -> SparkSession.Builder:
    builder = SparkSession.builder
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder


def _local_defaults(settings: Mapping[str, str]) -> dict[str, str]:
    home = java_home()
    if home is not None:
        os.environ["JAVA_HOME"] = home
    defaults = {
        "spark.master": "local[*]",
        "spark.driver.memory": "4g",
        # What a stage takes of its time to collect garbage is a third of what G1 takes.
        "spark.driver.extraJavaOptions": "-XX:+UseParallelGC",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.databricks.delta.snapshotPartitions": "2",
        # The stages' queries are more than Spark keeps compiled by default: all were compiled anew
        # each time. What it keeps of finished ones for its page, which is off, fills the heap.
        "spark.sql.codegen.cache.maxEntries": "1000",
        "spark.sql.ui.retainedExecutions": "10",
        "spark.ui.retainedJobs": "100",
        "spark.ui.retainedStages": "100",
        "spark.ui.retainedTasks": "1000",
    }
    package = delta_package()
    if package is not None and "spark.jars.packages" not in settings:
        defaults["spark.jars.packages"] = package
    return defaults
