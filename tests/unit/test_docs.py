"""The reference pages against the code: columns, limits, links."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from qldb_replay.codec.columns import BLOCK, DECODED, REVISION
from qldb_replay.lake import blocks, history, ledger_tables, revisions, schemas
from qldb_replay.lake.verify import findings
from qldb_replay.limits import GIB, MIB, Limits

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("conf/*.md")])

# What `rebuild` derives; every other column has the type that decoding gave it.
DERIVED = {
    "batch": "bigint",
    "block_hash": "binary",
    "contested": "boolean",
    "data": "struct",
    "data_ion": "binary",
    "deliveries": "bigint",
    "is_current": "boolean",
    "is_open": "boolean",
    "is_redacted": "boolean",
    "operation": "string",
    "revision_index": "int",
    "valid_from": "timestamp",
    "valid_to": "timestamp",
}


def spark_types(schema: StructType) -> dict[str, str]:
    """Columns with Spark's names of their types, structs without their parts."""
    return {
        field.name: re.sub(r"^struct<.*", "struct", field.dataType.simpleString())
        for field in schema
    }


def decoded(struct: pa.StructType) -> dict[str, str]:
    return spark_types(from_arrow_schema(pa.schema(list(struct))))


def rebuilt(columns: tuple[str, ...], struct: pa.StructType) -> dict[str, str]:
    """Columns of a table of `rebuild`, which are SQL expressions over decoded ones."""
    known = {**spark_types(from_arrow_schema(DECODED)), **decoded(struct), **DERIVED}
    names = [column.split()[-1].split(".")[-1] for column in columns]
    return {name: known[name] for name in names}


TABLES = {
    "objects": spark_types(schemas.OBJECTS),
    "records": spark_types(schemas.RECORDS),
    "records.revision": decoded(REVISION),
    "records.block": decoded(BLOCK),
    "quarantine": spark_types(schemas.QUARANTINE),
    "blocks": rebuilt(blocks.COLUMNS, BLOCK),
    "revisions": rebuilt(revisions.COLUMNS, REVISION),
    "tables": spark_types(ledger_tables.SCHEMA),
    "history/<table name>": rebuilt((*history.HISTORY, "data"), REVISION),
    "current/<table name>": rebuilt(history.CURRENT, REVISION),
    "findings": spark_types(findings.FINDINGS),
    "runs": spark_types(schemas.RUNS),
}


def sections() -> dict[str, dict[str, str]]:
    """Documented columns and types by the table's heading."""
    text = (ROOT / "docs" / "lake.md").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = {}
    for section in re.split(r"^#{2,3} ", text, flags=re.MULTILINE):
        heading = re.match(r"`(.+)`\n", section)
        if heading is not None:
            rows = re.findall(r"^\| (\w+) \| (\S+) \|", section, flags=re.MULTILINE)
            found[heading[1]] = {name: type_ for name, type_ in rows if name != "column"}
    return found


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_documented_with_its_type(table):
    assert TABLES[table] == sections()[table]


def test_no_other_table_is_documented():
    assert set(TABLES) == set(sections())


def test_every_limit_is_documented_with_its_default():
    text = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    units = {"": 1, "MiB": MIB, "GiB": GIB}
    documented = {
        name: int(number.replace(",", "")) * units[unit]
        for name, number, unit in re.findall(r"^\| (\w+) \| ([\d,]+) ?(\w*) \|", text, re.MULTILINE)
    }

    assert {field.name: field.default for field in fields(Limits)} == documented


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))

    local = {target for target in targets if "://" not in target}
    assert set() == {target for target in local if not (page.parent / target).exists()}
