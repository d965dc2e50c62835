"""Archives of extreme shape, each through the whole job in a process of its own.

    100,000 versions of one document · one object of 128 MiB · 50,000 objects of one record

Spark runs one task at a time and has 1.5 GB of heap. Reported are seconds since Spark is up and the
most memory that the JVM and a Python worker held.

    python benchmarks/extremes.py [versions] [object] [tiny] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from growth import timed
from outcome import told
from processes import Usage

from qldb_replay.lake.session import build_session
from qldb_replay.limits import MIB
from qldb_replay.simulate import SimulateOptions, simulate

SPARK = {"spark.master": "local[1]", "spark.driver.memory": "1500m"}
SHAPES: dict[str, dict[str, Any]] = {
    "versions": {"revisions": 101_000, "hot_share": 0.99, "tables": ("Orders",)},
    "object": {"revisions": 120_000, "object_bytes": 128 * MIB},
    "tiny": {"revisions": 37_500, "object_bytes": 1},
}


def one_shape(name: str) -> dict[str, Any]:
    """Measures one shape, in this process."""
    with tempfile.TemporaryDirectory() as temporary:
        archive = Path(temporary) / "archive"
        counts = simulate(SimulateOptions(out=archive, **SHAPES[name]))
        sizes = [path.stat().st_size for path in archive.rglob("*") if path.is_file()]
        build_session(SPARK)
        with Usage() as usage:
            seconds = timed("run", f"--archive={archive}", f"--lake={temporary}/lake")
    return {
        "revisions": counts["revisions"],
        "objects": len(sizes),
        "largest_object": max(sizes),
        "seconds": round(seconds, 1),
        "jvm": usage.jvm,
        "worker": usage.worker,
    }


def main() -> None:
    """Runs the shapes asked for, all of them unless any is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shapes", nargs="*", metavar="|".join(SHAPES))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--inner", choices=SHAPES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inner:
        print(json.dumps(one_shape(options.inner)))
        return
    found: dict[str, Any] = {}
    for name in options.shapes or SHAPES:
        command = [sys.executable, __file__, f"--inner={name}"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found[name] = json.loads(done.stdout.splitlines()[-1])
        print(name, found[name], flush=True)
    worker = max(each["worker"] for each in found.values())
    found["ratios"] = {"largest worker / 1 GB (goal: at most 1)": round(worker / 1e9, 2)}
    told(found, options.out)


if __name__ == "__main__":
    main()
