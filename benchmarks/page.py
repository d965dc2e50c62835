"""Writes docs/benchmarks.md and its plots from what the other benchmarks left in `results/`.

python benchmarks/page.py
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot as plt

HERE = Path(__file__).parent
RESULTS = HERE / "results"
DOCS = HERE.parent / "docs"
WHAT = {
    "codec": "Decoding and verifying records",
    "pipeline": "The stages of a run",
    "growth": "Growth, increments, reruns",
    "extremes": "Archives of extreme shape",
    "replay": "Replay into a database",
}
VERSIONS = ("pyspark", "delta-spark", "pyarrow", "amazon.ion", "psycopg")
COLOR = "#3b6ea5"


def main() -> None:
    """Reads what there is and writes the page."""
    found = {
        name: json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
        for name in WHAT
        if (RESULTS / f"{name}.json").exists()
    }
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench` from `benchmarks/results/`, on generated data. Ratios compare",
        "what ran in turns in one run on one machine; compare nothing else.",
        "",
        f"{machine()}",
    ]
    for name, result in found.items():
        lines += ["", f"## {WHAT[name]}", "", described(name), ""]
        lines += [f"Measured on {result['date']}.", ""]
        lines += ["| ratio | measured |", "|---|---|"]
        lines += [f"| {ratio} | {value} |" for ratio, value in result["ratios"].items()]
        for absent in result.get("absent", ()):
            lines += ["", f"Left out: {absent}."]
        if name in PLOTS:
            image = DOCS / "benchmarks" / f"{name}.svg"
            plotted(image, result, PLOTS[name])
            lines += ["", f"![{WHAT[name]}](benchmarks/{image.name})"]
    missing = [f"`benchmarks/{name}.py`" for name in WHAT if name not in found]
    if missing:
        lines += ["", f"Not measured this time: {', '.join(missing)}."]
    (DOCS / "benchmarks.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def machine() -> str:
    """Says where and with what it was measured."""
    model = platform.machine()
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        names = [line for line in cpus.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in VERSIONS)
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB; "
        f"Python {platform.python_version()}, {versions}."
    )


def described(name: str) -> str:
    """Returns what a benchmark's script says that it does, without how to call it."""
    text = (HERE / f"{name}.py").read_text(encoding="utf-8").split('"""')[1]
    return text.partition("\n    python ")[0].strip()


def plotted(image: Path, result: Mapping[str, Any], plot: Callable[[Any, Any], None]) -> None:
    """Draws a plot into a file, the same bytes for the same result."""
    image.parent.mkdir(exist_ok=True)
    plt.rcParams["svg.hashsalt"] = image.stem
    figure, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
    plot(axes, result)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(image, metadata={"Date": None})
    plt.close(figure)


def rates(axes: Any, result: Mapping[str, Any]) -> None:
    """Draws the records a second of each codec."""
    names = list(result["rates"])[::-1]
    bars = axes.barh(names, [result["rates"][name] for name in names], color=COLOR)
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.set_xscale("log")
    axes.set_xlabel("records a second and core (logarithmic)")


def stages(axes: Any, result: Mapping[str, Any]) -> None:
    """Draws the CPU time of each stage in multiples of the baseline's."""
    names = ["copy", "baseline", "ingest", "rebuild", "verify", "rerun"]
    base = result["baseline"]["cpu"]
    bars = axes.barh(names[::-1], [result[name]["cpu"] / base for name in names[::-1]], color=COLOR)
    axes.bar_label(bars, fmt="{:.2f}", padding=3)
    axes.set_xlabel("CPU time, in multiples of the baseline job's")


def grown(axes: Any, result: Mapping[str, Any]) -> None:
    """Draws the seconds of each stage over the size of the archive."""
    sizes = [result[size]["bytes"] / 2**20 for size in ("small", "large")]
    for stage in ("ingest", "rebuild", "verify", "prove"):
        seconds = [result[size]["seconds"][stage] for size in ("small", "large")]
        axes.plot(sizes, seconds, marker="o", label=stage)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("MiB of archive")
    axes.set_ylabel("seconds")
    axes.legend(frameon=False)


PLOTS: dict[str, Callable[[Any, Any], None]] = {
    "codec": rates,
    "pipeline": stages,
    "growth": grown,
}


if __name__ == "__main__":
    main()
