"""A time axis: how long its steps are, where it has its marks, and what these say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import MAXYEAR, datetime, timedelta, timezone

from qldb_replay.report.figures import POINTS
from qldb_replay.report.shown import month

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_END = (datetime(MAXYEAR, 12, 31, tzinfo=timezone.utc) - _EPOCH).total_seconds()
_HOUR = 3600
_DAY = 24 * _HOUR
_YEAR = 365 * _DAY
_STEPS = (
    *(1, 5, 15, 60, 300, 900),
    *(_HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR),
    *(_DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 90 * _DAY),
)
_SECONDS = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 21600, 43200, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY),
)
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000, 12000, 24000)
_MONTH = 30 * _DAY


def time_step(first: datetime, last: datetime) -> timedelta:
    """Chooses the length of a timeline's steps.

    Args:
        first: earliest time.
        last: latest time.

    Returns:
        The shortest usual length, from a second up, of which at most `POINTS` cover the span,
        whatever multiple of the length they begin at.
    """
    span = (last - first).total_seconds()
    whole = next((step for step in _STEPS if span < step * (POINTS - 1)), None)
    if whole is None:
        whole = _YEAR * (int(span // (_YEAR * (POINTS - 1))) + 1)
    return timedelta(seconds=whole)


def seconds(time: datetime) -> float:
    """Gives the seconds since 1970, for any time that there is."""
    return (time - _EPOCH).total_seconds()


def marks(first: float, last: float, most: int) -> list[tuple[float, str]]:
    """Chooses marks at round times.

    Args:
        first: where the axis begins, in seconds since 1970.
        last: where it ends.
        most: most marks, at least 2.

    Returns:
        Places, in seconds since 1970, and labels.
    """
    span = max(last - first, 1.0)
    step = next((each for each in _SECONDS if span / each < most), None)
    if step is not None:
        count = int(first // step), int(last // step)
        places = (float(step * index) for index in range(count[0], count[1] + 1))
        within = (place for place in places if first <= place <= min(last, _END))
        return [(place, _label(place, step)) for place in within]
    months = next(each for each in (*_MONTHS, 10**9) if span / (each * _MONTH) < most)
    return [
        (place, f"{time.year}" if months >= 12 else f"{month(time.month)} {time.year}")
        for place, time in _months(first, last, months)
    ]


def _months(first: float, last: float, step: int) -> Iterator[tuple[float, datetime]]:
    begin = _EPOCH + timedelta(seconds=first)
    index = (begin.year * 12 + begin.month - 1) // step * step
    while index // 12 <= MAXYEAR:
        if index >= 12:
            time = datetime(index // 12, index % 12 + 1, 1, tzinfo=timezone.utc)
            place = seconds(time)
            if place > last:
                return
            if place >= first:
                yield place, time
        index += step


def _label(place: float, step: int) -> str:
    time = _EPOCH + timedelta(seconds=place)
    if step >= _DAY or (time.hour, time.minute, time.second) == (0, 0, 0):
        return f"{time.day} {month(time.month)}"
    return f"{time:%H:%M:%S}" if step < 60 else f"{time:%H:%M}"
