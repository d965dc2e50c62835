"""The life of a ledger's tables, told from statement texts and the table IDs of documents.

The stream has no record of its own for tables. CREATE, DROP and UNDROP TABLE are visible only as
statement texts; a table's ID shows when its first document does (QLDB: DDL transactions give a
block and no revision). Names repeat when a table is dropped and created again; IDs never do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

CREATED, DROPPED, UNDROPPED = "created", "dropped", "undropped"
ACTIVE, INACTIVE = "ACTIVE", "INACTIVE"

COMMENT_PATTERN = r"--[^\n]*|/\*[\s\S]*?\*/"
DDL_PATTERN = r"(?i)^\s*(create|drop|undrop)\s+(table|index)\b"
"""Finds what `read_ddl` looks at once comments (`COMMENT_PATTERN`) became blanks.

Both are for Python's and for Java's regular expressions. Two simple steps, because Java follows a
repeated choice by recursion: a few thousand blanks in one statement would overflow its stack.
"""

# Quoted text stays: what looks like a comment in it is none.
_QUOTED_OR_COMMENT = re.compile(rf"""("(?:[^"]|"")*"|'(?:[^']|'')*'|`[^`]*`)|{COMMENT_PATTERN}""")

_NAME = r"(\"(?:[^\"]|\"\")+\"|[^\s\"'`();,]+)"
_FORMS = {
    ("create", "table"): re.compile(rf"{_NAME}", re.DOTALL),
    ("drop", "table"): re.compile(rf"{_NAME}", re.DOTALL),
    ("undrop", "table"): re.compile(rf"{_NAME}", re.DOTALL),
    ("create", "index"): re.compile(
        rf"on\s+{_NAME}\s*\(\s*{_NAME}\s*\)", re.DOTALL | re.IGNORECASE
    ),
    ("drop", "index"): re.compile(rf"{_NAME}\s+on\s+{_NAME}", re.DOTALL | re.IGNORECASE),
}


@dataclass(frozen=True)
class Ddl:
    """One statement that changes tables or indexes.

    Attributes:
        verb: `create`, `drop` or `undrop`.
        noun: `table` or `index`.
        table: the table's name, for `undrop` its ID.
        field: the field of a created index.
    """

    verb: str
    noun: str
    table: str
    field: str | None = None


@dataclass(frozen=True)
class Event:
    """A DDL statement in its place.

    Attributes:
        sequence_no: the block.
        index: place of the statement in the transaction.
        time: the block's time, microseconds since the epoch, or None.
        ddl: what was said.
    """

    sequence_no: int
    index: int
    time: int | None
    ddl: Ddl


@dataclass(frozen=True)
class Sighting:
    """Where a table's ID was first seen beside its name.

    Attributes:
        sequence_no: the first block with a document of the table.
        table_id: its ID.
        table_name: its name.
    """

    sequence_no: int
    table_id: str
    table_name: str


@dataclass
class Table:
    """One table of the ledger, from its creation on.

    Attributes:
        name: its name.
        table_id: its ID, None where no document of it was ever seen.
        status: `ACTIVE` or `INACTIVE`.
        indexes: indexed fields in the order of their creation.
        lifecycle: (event, sequence_no, time) in order.
    """

    name: str
    table_id: str | None = None
    status: str = INACTIVE
    indexes: list[str] = field(default_factory=list)
    lifecycle: list[tuple[str, int, int | None]] = field(default_factory=list)


def read_ddl(statement: str) -> Ddl | None:
    """Reads a statement's text; None where it is none that changes tables or indexes."""
    statement = _QUOTED_OR_COMMENT.sub(lambda found: found.group(1) or " ", statement)
    opening = re.match(DDL_PATTERN, statement)
    if opening is None:
        return None
    verb, noun = opening.group(1).lower(), opening.group(2).lower()
    form = _FORMS.get((verb, noun))
    rest = statement[opening.end() :].lstrip()
    found = None if form is None else form.match(rest)
    if found is None:
        return None
    names = [_unquoted(name) for name in found.groups()]
    if (verb, noun) == ("create", "index"):
        return Ddl(verb, noun, names[0], names[1])
    return Ddl(verb, noun, names[-1])


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def trace_tables(events: Iterable[Event], sightings: Iterable[Sighting]) -> list[Table]:
    """Tells the tables of one strand from its DDL statements and documents.

    A created table gets the ID that shows first under its name after its creation. A table whose
    creation lies outside the archive begins where it is first seen, or with its drop.

    Args:
        events: the strand's DDL, in any order.
        sightings: the first place of each pair of table ID and name, in any order.

    Returns:
        The tables in the order of their first appearance.
    """
    ordered = sorted(events, key=lambda event: (event.sequence_no, event.index))
    created, appeared = _identify(ordered, sightings)
    story: list[tuple[int, int, Event | Table]] = [
        (event.sequence_no, event.index + 1, event) for event in ordered
    ]
    story += [(place, 0, table) for place, table in appeared]
    tracer = _Tracer(created)
    for _, _, step in sorted(story, key=lambda entry: entry[:2]):
        tracer.step(step)
    return tracer.tables


def _identify(
    events: list[Event], sightings: Iterable[Sighting]
) -> tuple[dict[tuple[int, int], Table], list[tuple[int, Table]]]:
    """Gives created tables their IDs; what was never created here appears where it is seen."""
    created = {
        (event.sequence_no, event.index): Table(event.ddl.table)
        for event in events
        if (event.ddl.verb, event.ddl.noun) == ("create", "table")
    }
    appeared: list[tuple[int, Table]] = []
    known: set[str] = set()
    for seen in sorted(sightings, key=lambda s: (s.sequence_no, s.table_id, s.table_name)):
        if seen.table_id in known:
            continue
        known.add(seen.table_id)
        candidates = [
            place
            for place, table in created.items()
            if table.name == seen.table_name
            and table.table_id is None
            and place[0] <= seen.sequence_no
        ]
        if candidates:
            created[max(candidates)].table_id = seen.table_id
        else:
            appeared.append((seen.sequence_no, Table(seen.table_name, seen.table_id)))
    return created, appeared


class _Tracer:
    """Follows the tables of a strand, step by step in the ledger's order."""

    def __init__(self, created: dict[tuple[int, int], Table]) -> None:
        self._created = created
        self._active: dict[str, Table] = {}
        self.tables: list[Table] = []

    def step(self, step: Event | Table) -> None:
        if isinstance(step, Table):
            self.tables.append(step)
            self._activate(step)
            return
        ddl = step.ddl
        if (ddl.verb, ddl.noun) == ("create", "table"):
            table = self._created[(step.sequence_no, step.index)]
            self.tables.append(table)
            self._activate(table)
            table.lifecycle.append((CREATED, step.sequence_no, step.time))
        elif (ddl.verb, ddl.noun) == ("drop", "table"):
            self._drop(step)
        elif ddl.verb == "undrop":
            self._undrop(step)
        else:
            self._index(ddl)

    def _activate(self, table: Table) -> None:
        before = self._active.get(table.name)
        if before is not None:
            before.status = INACTIVE
        table.status = ACTIVE
        self._active[table.name] = table

    def _drop(self, event: Event) -> None:
        table = self._active.pop(event.ddl.table, None)
        if table is None:
            table = Table(event.ddl.table)
            self.tables.append(table)
        table.status = INACTIVE
        table.lifecycle.append((DROPPED, event.sequence_no, event.time))

    def _undrop(self, event: Event) -> None:
        for table in self.tables:
            if table.table_id == event.ddl.table:
                self._activate(table)
                table.lifecycle.append((UNDROPPED, event.sequence_no, event.time))

    def _index(self, ddl: Ddl) -> None:
        """Notes an index. DROP INDEX names only an ID, which tells the field of a single index."""
        table = self._active.get(ddl.table)
        if table is None:
            return
        if ddl.verb == "drop":
            if len(table.indexes) == 1:
                table.indexes.clear()
        elif ddl.field is not None and ddl.field not in table.indexes:
            table.indexes.append(ddl.field)
