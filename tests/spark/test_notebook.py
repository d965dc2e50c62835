"""The notebook and the README's queries, on one small simulated lake."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from qldb_replay.simulate import SimulateOptions, simulate

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "history.ipynb"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    # `Drafts` is dropped and created anew.
    simulate(SimulateOptions(folder / "archive", 300, tables=("Orders", "Drafts"), redactions=1))
    return folder


@pytest.fixture(scope="module")
def executed(folder):
    """The notebook after a run on a lake that it had to rebuild first."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("QLDB_REPLAY_ARCHIVE", str(folder / "archive"))
        environment.setenv("QLDB_REPLAY_LAKE", str(folder / "lake"))
        NotebookClient(notebook, timeout=600, kernel_name="python3").execute(cwd=str(folder))
    return notebook


def outputs(notebook, kind):
    """What the cells showed in one MIME type."""
    return [
        output["data"][kind]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if kind in output.get("data", {})
    ]


def test_the_notebook_answers_its_questions(executed):
    tables = outputs(executed, "text/html")

    assert len(tables) == 5
    assert "Orders" in tables[1]
    assert "created" in tables[3]
    assert len(outputs(executed, "image/png")) == 1


def test_the_notebook_is_kept_without_what_it_showed():
    notebook = nbformat.read(NOTEBOOK, as_version=4)

    assert all(not cell.get("outputs") for cell in notebook.cells)


def test_the_readmes_queries_give_rows(executed, folder, spark):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    document = spark.read.format("delta").load(f"{folder}/lake/revisions").first()["document_id"]
    queries = re.findall(r"```sql\n(.+?)```", readme, flags=re.DOTALL)

    assert len(queries) == 3
    for query in queries:
        here = query.replace("/data/lake", f"{folder}/lake").replace("<document ID>", document)
        assert spark.sql(here).count() > 0
