"""Settings of a Spark that runs hundreds of queries on hundreds of rows each."""

SMALL = {
    "spark.master": "local[2]",
    "spark.sql.shuffle.partitions": "2",
    # Delta runs a query before each query to skip files; tables of one file have none to skip.
    "spark.databricks.delta.stats.skipping": "false",
    "spark.databricks.delta.snapshotPartitions": "1",
    # Writing Java for each query takes longer than its few rows do without.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m "
    "-XX:+UseParallelGC",
}
