"""How time and memory grow with the archive, and what an increment costs.

Each size runs in a process of its own, so that peaks do not mix; times count from when Spark is
up and has done the whole job on very little. The increment is the last part of a ledger of the
larger size, ten versions a document, arriving in order.

    python benchmarks/growth.py [--revisions N] [--factor N] [--share 0.01] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from outcome import told
from processes import Usage

from qldb_replay.cli import main as command
from qldb_replay.ion import split_records
from qldb_replay.lake.session import build_session
from qldb_replay.simulate import SimulateOptions, simulate

SPARK = {"spark.master": "local[2]", "spark.driver.memory": "3g"}


def timed(*arguments: str) -> float:
    """Returns the wall seconds of a command."""
    started = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        code = command(arguments)
    if code not in (0, 3):  # 3: part of an archive is incomplete
        raise RuntimeError(f"{arguments[0]} ended with {code}")
    return time.perf_counter() - started


def timed_stages(archive: Path, lake: Path) -> dict[str, float]:
    """Returns the wall seconds of each stage."""
    return {
        "ingest": timed("ingest", f"--archive={archive}", f"--lake={lake}"),
        "rebuild": timed("rebuild", f"--lake={lake}"),
        "verify": timed("verify", f"--lake={lake}"),
    }


def history(stages: dict[str, float]) -> float:
    """Returns the wall seconds from the archive to the history."""
    return stages["ingest"] + stages["rebuild"]


def timed_prove(lake: Path) -> float:
    """Returns the wall seconds of proving the first version of some document."""
    revisions = build_session(SPARK).read.format("delta").load(str(lake / "revisions"))
    document = revisions.where("version = 0 AND NOT is_redacted").first()["document_id"]
    arguments = (f"--lake={lake}", f"--document={document}", "--version=0")
    timed("prove", *arguments)
    return timed("prove", *arguments)


def warmed() -> None:
    """Starts Spark and runs the whole job on very little: first runs, increments and a rerun."""
    build_session(SPARK)
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "source"
        simulate(SimulateOptions(out=source, revisions=2_000, object_bytes=700_000))
        objects = sorted(path for path in source.rglob("*") if path.is_file())
        archive, lake = Path(name) / "archive", Path(name) / "lake"
        archive.mkdir()
        for part in objects:
            shutil.copy(part, archive)
            timed_stages(archive, lake)
        timed_stages(archive, lake)
        timed_prove(lake)


def size(folder: Path) -> int:
    """Returns the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def one_size(revisions: int) -> dict[str, Any]:
    """Measures one size, in this process."""
    warmed()
    with tempfile.TemporaryDirectory() as name, Usage() as usage:
        folder = Path(name)
        simulate(SimulateOptions(out=folder / "archive", revisions=revisions))
        seconds = timed_stages(folder / "archive", folder / "lake")
        seconds["prove"] = timed_prove(folder / "lake")
        stored = size(folder / "archive")
    return {"bytes": stored, "seconds": seconds, "jvm": usage.jvm, "worker": usage.worker}


def increment(revisions: int, share: float) -> dict[str, Any]:
    """Measures a first run, an increment of a share of the records, and a rerun."""
    warmed()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = folder / "archive"
        options = SimulateOptions(
            out=archive,
            revisions=revisions,
            versions_per_document=10,
            duplicates=0,
            disorder=0,
            redactions=0,
        )
        simulate(options)
        late = taken_from_the_end(archive, share)
        first = timed_stages(archive, folder / "lake")
        for path, content in late.items():
            path.write_bytes(content)
        later = timed_stages(archive, folder / "lake")
        again = timed_stages(archive, folder / "lake")
    size_of_it = sum(map(len, late.values()))
    return {"first": first, "increment": later, "rerun": again, "bytes": size_of_it}


def taken_from_the_end(archive: Path, share: float) -> dict[Path, bytes]:
    """Takes the last part of an archive away, between two records; returns objects to put back."""
    objects = sorted((path for path in archive.rglob("*") if path.is_file()), key=lambda p: p.name)
    wanted = share * size(archive)
    taken: dict[Path, bytes] = {}
    while wanted > 0:
        path = objects.pop()
        content = path.read_bytes()
        if len(content) <= wanted:
            taken[path] = content
            wanted -= len(content)
            path.unlink()
            continue
        records = split_records(content)
        cut = len(records)
        while cut and wanted > 0:
            cut -= 1
            wanted -= len(records[cut])
        path.write_bytes(b"".join(records[:cut]))
        taken[path.with_name(path.name + "-later")] = b"".join(records[cut:])
    return taken


def in_own_process(*arguments: str) -> dict[str, Any]:
    """Runs this script's inner part in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    """Reads the options, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--revisions", type=int, default=100_000)
    parser.add_argument("--factor", type=int, default=10)
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--inner", choices=("size", "increment"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inner == "size":
        print(json.dumps(one_size(options.revisions)))
        return
    if options.inner == "increment":
        print(json.dumps(increment(options.revisions, options.share)))
        return
    small = in_own_process("--inner=size", f"--revisions={options.revisions}")
    large = in_own_process("--inner=size", f"--revisions={options.revisions * options.factor}")
    steps = in_own_process(
        "--inner=increment",
        f"--revisions={options.revisions * options.factor}",
        f"--share={options.share}",
    )
    longest = f"(goal: at most {1.1 * options.factor:.0f})"
    one, many = small["seconds"], large["seconds"]
    ratios = {
        f"ingest and rebuild of {options.factor} times the data {longest}": (
            history(many) / history(one)
        ),
        f"verify of {options.factor} times the data {longest}": many["verify"] / one["verify"],
        f"prove in {options.factor} times the data": many["prove"] / one["prove"],
        "verify / ingest (goal: at most 0.5)": many["verify"] / many["ingest"],
        "peak memory of the JVM (goal: at most 1.2)": large["jvm"] / small["jvm"],
        "peak memory of a worker (goal: at most 1.2)": large["worker"] / small["worker"],
        f"increment of {options.share:.0%} / first run (goal: at most 0.25)": (
            history(steps["increment"]) / history(steps["first"])
        ),
        "rerun with nothing new / first run (goal: under 0.10)": (
            history(steps["rerun"]) / history(steps["first"])
        ),
        f"verify after {options.share:.0%} / first verify": (
            steps["increment"]["verify"] / steps["first"]["verify"]
        ),
    }
    ratios = {name: round(ratio, 3) for name, ratio in ratios.items()}
    result = {"small": small, "large": large, "steps": steps, "ratios": ratios}
    told(result, options.out)


if __name__ == "__main__":
    main()
