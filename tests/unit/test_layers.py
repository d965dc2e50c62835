"""Which part may import which: read from the sources, so that imports in functions count too."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "lib" / "qldb_replay"

# What each part may use of this package besides itself, `errors` and `limits`.
LAYERS: dict[str, set[str]] = {
    "ion": set(),
    "journal": {"ion"},
    "archive": {"ion", "journal"},
    "codec": {"ion", "journal", "archive"},
    "simulate": set(),
    "report": {"journal"},
    "destinations": {"ion", "journal"},
}
# What each part may use of other packages besides Python's own.
LIBRARIES: dict[str, set[str]] = {
    "ion": set(),
    "journal": {"amazon"},
    "archive": {"pyarrow"},
    "codec": {"pyarrow"},
    "simulate": {"pyarrow"},
    "report": {"jinja2", "markupsafe", "matplotlib", "cryptography"},
    "destinations": {"pyarrow", "psycopg", "pgpq"},
}
EVERYWHERE = {"errors", "limits", "__version__"}
# Parts that may import every layer.
UPPER = {"lake", "replay", "commands"}
JOB_LINES = 40


def imported(source: str, package: str) -> Iterator[str]:
    """Names of all modules that a source imports, wherever the import stands.

    `from a import b` gives `a.b` as well: `b` may be a module.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def violations(layer: str, source: str) -> set[str]:
    """What a source of a layer imports and must not."""
    allowed = {layer, *LAYERS[layer], *EVERYWHERE}
    found = set()
    for name in imported(source, f"qldb_replay.{layer}"):
        top, *rest = name.split(".")
        if top == "qldb_replay":
            if rest and rest[0] not in allowed:
                found.add(name)
        elif top not in sys.stdlib_module_names and top not in LIBRARIES[layer]:
            found.add(name)
    return found


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_only_what_lies_below_it(layer):
    modules = sorted((PACKAGE / layer).rglob("*.py"))

    assert modules
    for module in modules:
        assert set() == violations(layer, module.read_text(encoding="utf-8")), module.name


@pytest.mark.parametrize(
    ("layer", "source"),
    [
        ("ion", "import boto3"),
        ("ion", "from qldb_replay.journal import dot"),
        ("ion", "from qldb_replay import journal"),
        ("ion", "from ..journal.merkle import dot"),
        ("ion", "from .. import journal"),
        ("journal", "def late():\n    import psycopg"),
        ("journal", "from qldb_replay.archive.reader import read_object"),
        ("archive", "from pyspark.sql import SparkSession"),
        ("archive", "if TYPE_CHECKING:\n    import pyspark"),
        ("codec", "import pyspark.sql.functions as F"),
        ("codec", "from qldb_replay.lake.delta import Lake"),
        ("simulate", "from qldb_replay.ion.evaluate import Evaluator"),
        ("report", "from qldb_replay.lake.delta import Lake"),
        ("destinations", "from pyspark.sql import SparkSession"),
        ("destinations", "from qldb_replay.replay.stage import Replay"),
    ],
)
def test_what_the_layers_forbid_is_noticed(layer, source):
    assert violations(layer, source)


def test_every_part_is_known_here():
    parts = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}

    assert {*UPPER, *LAYERS} == parts


@pytest.mark.parametrize("job", sorted((ROOT / "jobs").glob("*.py")), ids=lambda job: job.name)
def test_jobs_only_hand_over(job):
    assert len(job.read_text(encoding="utf-8").splitlines()) < JOB_LINES
