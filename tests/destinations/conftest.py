from collections.abc import Iterator

import pytest

from chunks import CARS, STRAND
from databases import ask, database, server, url
from qldb_replay.destinations import open_destination
from qldb_replay.destinations.interface import Checkpoint, Destination

__all__ = ["ask", "database", "ready", "server", "url"]


@pytest.fixture
def ready(url: str) -> Iterator[Destination]:
    """An open destination with its tables, and nothing in them."""
    to = open_destination(url)
    assert to.checkpoint() is None
    to.prepare([CARS], Checkpoint(STRAND, -1), [])
    yield to
    to.close()
