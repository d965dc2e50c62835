"""What a lake knows of its own progress: its format, the open plan, how far each table is.

Kept as small JSON files under `<lake>/_qldb_replay/`. A table's mark is written after the table:
a kill between the two makes the next run write the same rows once more, which changes nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qldb_replay import __version__
from qldb_replay.errors import UsageError
from qldb_replay.lake.files import LakeFiles
from qldb_replay.storage import StoredObject

FORMAT = 2
FOLDER = "_qldb_replay"


@dataclass(frozen=True)
class PlannedObject:
    """An object that a plan reads.

    Attributes:
        stored: what the listing said of it.
        known_sha256: hash of its content when it was read before, empty where that is lost, None
            for a new one.
    """

    stored: StoredObject
    known_sha256: bytes | None


@dataclass(frozen=True)
class Plan:
    """The exact list of objects that one batch reads.

    Attributes:
        batch: number of the batch, from 1.
        objects: what it reads.
    """

    batch: int
    objects: tuple[PlannedObject, ...]


class LakeState:
    """Reads and writes a lake's progress.

    Args:
        files: the lake's small files.
    """

    def __init__(self, files: LakeFiles) -> None:
        self._files = files

    def claim(self) -> None:
        """Marks a new lake with our format, or checks an old one's.

        Raises:
            UsageError: a newer version wrote the lake, or one from before the first release.
        """
        found = self._read("lake")
        if found is None:
            self._write("lake", {"format": FORMAT, "version": __version__})
        elif found["format"] > FORMAT:
            raise UsageError(
                f"the lake has format {found['format']}, written by version {found['version']}; "
                f"this is {__version__}, which knows formats up to {FORMAT}: install the newer one"
            )
        elif found["format"] < FORMAT:
            raise UsageError(
                f"the lake has format {found['format']}, from before the first release: expected "
                f"{FORMAT}; make the lake again from its archive, in another place"
            )

    def exists(self) -> bool:
        """Says whether this is a lake at all."""
        return self._read("lake") is not None

    def last_batch(self) -> int:
        """Returns the number of the last batch that was planned, 0 before the first."""
        return int((self._read("batch") or {"batch": 0})["batch"])

    def ingested_batch(self) -> int:
        """Returns the number of the last finished batch that brought records, 0 for none."""
        return int((self._read("ingested") or {"batch": 0})["batch"])

    def ingested_records(self) -> int:
        """Returns how many records all finished batches brought."""
        return int((self._read("ingested") or {"records": 0})["records"])

    def open_plan(self) -> Plan | None:
        """Returns the plan that a killed run left, None if the last one was finished."""
        found = self._read("plan")
        if found is None:
            return None
        objects = tuple(
            PlannedObject(
                StoredObject(uri, size, datetime.fromisoformat(modified), etag),
                None if known is None else bytes.fromhex(known),
            )
            for uri, size, modified, etag, known in found["objects"]
        )
        return Plan(found["batch"], objects)

    def open(self, plan: Plan) -> None:
        """Writes a plan down before anything of it is read.

        Its number goes first: after a kill between the two it is never given to another plan.
        """
        rows = [
            [
                planned.stored.uri,
                planned.stored.size,
                planned.stored.modified.isoformat(),
                planned.stored.etag,
                None if planned.known_sha256 is None else planned.known_sha256.hex(),
            ]
            for planned in plan.objects
        ]
        self._write("batch", {"batch": plan.batch})
        self._write("plan", {"batch": plan.batch, "objects": rows})

    def close(self, batch: int, *, records: int) -> None:
        """Forgets the open plan, all of which is in the tables now.

        Args:
            batch: its number.
            records: how many it brought; with none there is nothing for `rebuild` to do.
        """
        if records and self.ingested_batch() != batch:
            total = self.ingested_records() + records
            self._write("ingested", {"batch": batch, "records": total})
        self._files.delete(f"{FOLDER}/plan.json")

    def mark(self, table: str) -> dict[str, Any]:
        """Returns what was noted when a table was last written, empty before the first time."""
        return self._read(f"tables/{table}") or {}

    def set_mark(self, table: str, **mark: Any) -> None:
        """Notes how far a table is."""
        self._write(f"tables/{table}", mark)

    def _read(self, name: str) -> Any:
        text = self._files.read(f"{FOLDER}/{name}.json")
        try:
            return None if text is None else json.loads(text)
        except ValueError:  # a first write that was killed; a finished file always parses
            return None

    def _write(self, name: str, value: Any) -> None:
        self._files.write(f"{FOLDER}/{name}.json", json.dumps(value))
