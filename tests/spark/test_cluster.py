"""The whole job on executors in processes of their own: nothing may rely on the driver's memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

from program import PROGRAM
from qldb_replay.simulate import SimulateOptions, Truth, simulate
from small_spark import SMALL

SPARK = {
    **SMALL,
    "spark.executor.extraJavaOptions": SMALL["spark.driver.extraJavaOptions"],
    "spark.master": "local-cluster[2,1,1024]",
    "spark.driver.memory": "1g",
    "spark.executor.memory": "1g",
}


def spark_home_at(folder: Path) -> Path:
    """Gives Spark another home: its workers put what they do into the folder `work` of it."""
    folder.mkdir()
    for entry in Path(pyspark.__file__).parent.iterdir():
        (folder / entry.name).symlink_to(entry)
    return folder


@pytest.mark.slow
def test_the_whole_job_on_a_cluster(tmp_path: Path, read_table) -> None:
    truth = Truth()
    options = {"revisions": 300, "tables": ("Person", "Everything"), "object_bytes": 50_000}
    simulate(SimulateOptions(out=tmp_path / "archive", **options), truth)
    home = spark_home_at(tmp_path / "spark")
    environment = {**os.environ, "SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable}
    settings = [word for item in SPARK.items() for word in ("--spark", "=".join(item))]

    job = ["run", "--archive", "archive", "--lake", "lake", "--json", *settings]
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *job],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )

    assert ended.returncode == 0, ended.stderr[-3_000:]
    counts = json.loads(ended.stdout.splitlines()[-1])["counts"]
    assert counts["revisions"] == len(truth.revisions())
    for table, rows in (("blocks", truth.blocks()), ("revisions", truth.revisions())):
        hashes = "block_hash" if table == "blocks" else "hash"
        found = read_table(tmp_path / "lake", table)
        assert sorted(row[hashes] for row in rows) == sorted(row[hashes] for row in found)
    for name in ("Person", "Everything"):
        assert len(truth.current(name)) == len(read_table(tmp_path / "lake", f"current/{name}"))
