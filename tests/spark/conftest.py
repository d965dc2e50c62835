"""One real Spark session with real Delta tables for all tests here."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from attacks.ledgers import Ledger, archives, digests, make_ledgers
from databases import ask, database, server, url  # noqa: F401 fixtures
from qldb_replay.cli import main
from qldb_replay.lake.session import build_session
from small_spark import SMALL

SETTINGS = {
    **SMALL,
    "spark.driver.memory": "2g",
    # Delta remembers each table's snapshot for an hour; the tests make hundreds of tables.
    "spark.databricks.delta.delta.log.cacheSize": "40",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/spark" in item.path.as_posix():
            item.add_marker(pytest.mark.spark)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    folder = tmp_path_factory.mktemp("spark")
    session = build_session({**SETTINGS, "spark.sql.warehouse.dir": str(folder / "warehouse")})
    yield session
    session.stop()


class Command:
    """Runs commands in this process, on the session that is there."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> dict[str, Any]:
        """Returns the summary; its exit code is the command's."""
        self._capsys.readouterr()
        code = main([*map(str, arguments), "--json"])
        out, self.messages = self._capsys.readouterr()
        print(self.messages, file=sys.stderr)  # shown where the test fails
        summary: dict[str, Any] = json.loads(out.splitlines()[-1])
        assert code == summary["exit_code"]
        return summary


@pytest.fixture
def command(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


@pytest.fixture(scope="session")
def quiet_command(spark: SparkSession) -> Callable[..., dict[str, Any]]:
    """Runs commands for fixtures of any scope; returns the summary."""

    def run(*arguments: object) -> dict[str, Any]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = main([*map(str, arguments), "--json"])
        summary: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
        assert code == summary["exit_code"]
        return summary

    return run


@pytest.fixture(scope="session")
def build(quiet_command: Callable[..., dict[str, Any]]) -> Callable[[Path, Path], dict[str, Any]]:
    """Brings a lake up to an archive, without judging it; returns the summary."""

    def run(archive: Path, lake: Path) -> dict[str, Any]:
        assert quiet_command("ingest", "--archive", archive, "--lake", lake)["exit_code"] == 0
        summary = quiet_command("rebuild", "--lake", lake)
        assert summary["exit_code"] == 0
        return summary

    return run


@pytest.fixture(scope="session")
def read_table() -> Callable[[Path, str], list[dict[str, Any]]]:
    """Reads a table without Spark, by an independent reader."""

    def read(lake: Path, table: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = DeltaTable(str(lake / table)).to_pyarrow_table().to_pylist()
        return rows

    return read


@pytest.fixture(scope="session")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ledger]:
    return make_ledgers(tmp_path_factory.mktemp("ledgers"))


@pytest.fixture(scope="session")
def verified(
    ledgers: dict[str, Ledger],
    quiet_command: Callable[..., dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, dict[str, Any]]:
    """The lake of all ledgers, and the summary of its verification."""
    lake = tmp_path_factory.mktemp("lake") / "lake"
    assert quiet_command("ingest", *archives(ledgers), "--lake", lake)["exit_code"] == 0
    assert quiet_command("rebuild", "--lake", lake)["exit_code"] == 0
    return lake, quiet_command("verify", "--lake", lake, *digests(ledgers))
