"""Times as the lake counts them: microseconds since 1970 UTC."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
FIRST = (datetime.min.replace(tzinfo=timezone.utc) - EPOCH) // timedelta(microseconds=1)
"""The beginning of year 1, before which there is no time."""


def utc_of(micros: int) -> datetime:
    """Returns the time that lies so many microseconds behind the beginning of 1970, in UTC."""
    return EPOCH + timedelta(microseconds=micros)
