"""Opens the destination that a URL names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qldb_replay.errors import DestinationError

if TYPE_CHECKING:
    from qldb_replay.destinations.interface import Destination


def open_destination(url: str, password: str | None = None) -> Destination:
    """Opens the destination that a URL names.

    Args:
        url: `sqlite:///FILE` or `postgresql://…`.
        password: if it is neither in the URL nor where the driver looks for it.

    Raises:
        DestinationError: it cannot be reached, or the URL is of no known kind.
    """
    scheme = url.partition(":")[0]
    if scheme == "sqlite":
        from qldb_replay.destinations.sqlite import SqliteDestination

        return SqliteDestination(url)
    if scheme in ("postgresql", "postgres"):
        from qldb_replay.destinations.postgresql import PostgresqlDestination

        return PostgresqlDestination(url, password)
    raise DestinationError(
        f"--to: expected sqlite:///FILE or postgresql://…, found {scheme or 'nothing'}://…"
    )
