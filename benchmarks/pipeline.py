"""The pipeline against a baseline job, in CPU seconds of driver and workers, in one warm JVM.

The copy writes the objects' bytes to Delta as they are. The baseline splits them into records by
their length headers, drops duplicates by a hash of the bytes, repartitions and sorts by it and
writes Delta once. The pipeline is `ingest`, `rebuild` and `verify`; the codec's own time (decoding,
and building `data`) is measured apart on a share of the same input, and the ratios stand with and
without it. The JVM is warmed by rounds over a small archive; then rounds over the real one are
interleaved, of which each step's best counts.

    python benchmarks/pipeline.py [--revisions N] [--rounds N] [--archive DIR] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from outcome import told
from processes import Usage
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from qldb_replay.cli import main as command
from qldb_replay.codec import build, decode_objects
from qldb_replay.codec.sketch import Shape
from qldb_replay.codec.types import data_type
from qldb_replay.lake.delta import Lake
from qldb_replay.lake.session import build_session, stage_settings
from qldb_replay.lake.state import LakeState
from qldb_replay.limits import DEFAULT_LIMITS, MIB
from qldb_replay.simulate import SimulateOptions, simulate

SAMPLE_BYTES = 64 * MIB
SAMPLE_ROWS = 20_000
WARM_REVISIONS = 10_000
WARM_ROUNDS = 4


def split(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Cuts objects into records by length headers alone."""
    from qldb_replay.ion.framing import IVM, value_end

    for batch in batches:
        for content in batch.column(0):
            data = content.as_py()
            cuts, pos = [0], 4
            while pos < len(data):
                if data[pos : pos + 4] == IVM:
                    cuts.append(pos)
                    pos += 4
                else:
                    pos = value_end(data, pos, len(data))
            cuts.append(len(data))
            offsets = pa.array(cuts, pa.int32()).buffers()[1]
            records = pa.Array.from_buffers(
                pa.binary(), len(cuts) - 1, [None, offsets, pa.py_buffer(data)]
            )
            yield pa.RecordBatch.from_arrays([records], names=["ion"])


def contents(spark: SparkSession, archive: Path) -> DataFrame:
    """Reads the objects as Spark does."""
    objects = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
    return objects.load(str(archive)).select("content")


def copy(spark: SparkSession, archive: Path, out: Path) -> None:
    """Writes the objects' bytes."""
    contents(spark, archive).write.format("delta").mode("overwrite").save(str(out))


def baseline(spark: SparkSession, archive: Path, out: Path) -> None:
    """Does the least that any job must: split, drop duplicates, sort, write once."""
    with stage_settings(spark, {"spark.sql.execution.arrow.maxRecordsPerBatch": "4"}):
        records = contents(spark, archive).mapInArrow(split, "ion binary")
        hashed = records.withColumn("hash", F.md5("ion"))
        unique = hashed.dropDuplicates(["hash"]).repartition("hash").sortWithinPartitions("hash")
        unique.write.format("delta").mode("overwrite").save(str(out))


def measured(step: Callable[[], object]) -> dict[str, float]:
    """Returns the wall and CPU seconds of a step and the most memory that it took."""
    started = time.perf_counter()
    with Usage() as usage:
        step()
    wall = time.perf_counter() - started
    return {"wall": wall, "cpu": usage.cpu, "jvm": usage.jvm, "worker": usage.worker}


def codec_seconds(archive: Path, lake: Lake) -> dict[str, float]:
    """Runs both codec calls in this process, on a share of the input that the workers had."""
    paths = sorted(path for path in archive.rglob("*") if path.is_file())
    sizes = {path: path.stat().st_size for path in paths}
    taken = paths[:: max(1, sum(sizes.values()) // SAMPLE_BYTES)]
    started = time.process_time()
    for path in taken:
        for _ in decode_objects([(str(path), path.read_bytes(), None)], DEFAULT_LIMITS):
            pass
    decoding = time.process_time() - started
    decoding *= sum(sizes.values()) / sum(sizes[path] for path in taken)
    return {"decode": decoding, "build": sum(build_seconds(lake))}


def build_seconds(lake: Lake) -> Iterator[float]:
    """Yields what building `data` takes for each history table."""
    for folder in lake.files.names("history"):
        mark = LakeState(lake.files).mark(f"history/{folder}")
        type_ = data_type(Shape.from_text(mark["shape"]))
        if type_ is None:
            continue
        rows = lake.read("revisions").where(F.col("table_name") == mark["name"])
        total = rows.count()
        taken = rows.select("data_ion").limit(SAMPLE_ROWS).collect()
        documents = pa.array([row[0] for row in taken], pa.binary())
        started = time.process_time()
        for start in range(0, len(documents), 1000):
            build(documents[start : start + 1000], type_)
        yield (time.process_time() - started) * total / len(documents)


def written(lake: Path) -> dict[str, int]:
    """Returns the bytes of each table's data files."""
    sizes: dict[str, int] = {}
    for log in sorted(lake.rglob("_delta_log")):
        files = log.parent.rglob("*.parquet")
        sizes[str(log.parent.relative_to(lake))] = sum(file.stat().st_size for file in files)
    return sizes


def one_round(spark: SparkSession, archive: Path, folder: Path) -> dict[str, dict[str, float]]:
    """Measures each step once on an archive; the lake stays."""
    lake = folder / "lake"
    for name in ("copy", "base", "lake"):
        shutil.rmtree(folder / name, ignore_errors=True)
    steps: dict[str, Callable[[], object]] = {
        "copy": lambda: copy(spark, archive, folder / "copy"),
        "baseline": lambda: baseline(spark, archive, folder / "base"),
        "ingest": lambda: command(["ingest", f"--archive={archive}", f"--lake={lake}"]),
        "rebuild": lambda: command(["rebuild", f"--lake={lake}"]),
        "verify": lambda: command(["verify", f"--lake={lake}"]),
        "rerun": lambda: command(["run", f"--archive={archive}", f"--lake={lake}"]),
    }
    found = {}
    for name, step in steps.items():
        with contextlib.redirect_stdout(io.StringIO()):
            found[name] = measured(step)
    return found


def run(archive: Path, folder: Path, rounds: int) -> dict[str, Any]:
    """Measures all steps on an archive."""
    spark = build_session({"spark.master": "local[2]", "spark.driver.memory": "3g"})
    simulate(SimulateOptions(out=folder / "small", revisions=WARM_REVISIONS))
    for _ in range(WARM_ROUNDS):
        one_round(spark, folder / "small", folder)
    found = [one_round(spark, archive, folder) for _ in range(rounds)]
    result: dict[str, Any] = {
        step: {name: round(min(each[step][name] for each in found), 2) for name in found[0][step]}
        for step in found[0]
    }
    lake = folder / "lake"
    result["codec"] = codec_seconds(archive, Lake.at(spark, f"file://{lake}"))
    codec = sum(result["codec"].values())
    pipeline = result["ingest"]["cpu"] + result["rebuild"]["cpu"]
    base = result["baseline"]["cpu"]
    first = sum(result[stage]["wall"] for stage in ("ingest", "rebuild", "verify"))
    whole = pipeline + result["verify"]["cpu"]
    result["ratios"] = {
        "ingest, rebuild and verify / baseline (goal: at most 8)": round(whole / base, 2),
        "ingest and rebuild without codec / baseline (goal: at most 6)": round(
            (pipeline - codec) / base, 2
        ),
        "ingest / baseline": round(result["ingest"]["cpu"] / base, 2),
        "rebuild / baseline": round(result["rebuild"]["cpu"] / base, 2),
        "verify / baseline": round(result["verify"]["cpu"] / base, 2),
        "codec / baseline": round(codec / base, 2),
        "baseline / bare copy": round(base / result["copy"]["cpu"], 2),
        "verify / ingest (goal: at most 0.5)": round(
            result["verify"]["cpu"] / result["ingest"]["cpu"], 2
        ),
        "rerun with nothing new / first run (goal: under 0.10)": round(
            result["rerun"]["wall"] / first, 3
        ),
    }
    result["archive_bytes"] = sum(path.stat().st_size for path in archive.rglob("*"))
    result["table_bytes"] = written(lake)
    return result


def main() -> None:
    """Reads the options, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--revisions", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--archive", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = options.archive or folder / "archive"
        if options.archive is None:
            simulate(SimulateOptions(out=archive, revisions=options.revisions))
        result = run(archive, folder, options.rounds)
    told(result, options.out)


if __name__ == "__main__":
    main()
