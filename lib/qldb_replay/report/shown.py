"""How values are shown to a person: numbers, sizes, times, and text that an archive controls."""

from __future__ import annotations

import unicodedata
from base64 import b64encode
from datetime import datetime, timedelta, timezone

TITLE = 256
"""Most characters of a title."""
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
# Controls, what is invisible or turns text around, halves of characters, line and paragraph ends.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def number(value: int) -> str:
    """Writes a whole number with separators: `12,345`."""
    return f"{value:,}"


def compact(value: float) -> str:
    """Writes a number for an axis: `950`, `9,500`, `12k`, `1.5M`."""
    for limit, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**4, "k")):
        if abs(value) >= limit:
            return f"{value / (1000 if unit == 'k' else limit):.3g}{unit}"
    return f"{value:,.0f}"


def size(value: int) -> str:
    """Writes a number of bytes: `17 B`, `1.5 MiB`."""
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
    power = min(max(value, 1).bit_length() - 1, 59) // 10
    return f"{value} B" if power == 0 else f"{value / 1024**power:.1f} {units[power]}"


def share(part: int, whole: int) -> str:
    """Writes a share: `0 %`, `< 0.1 %`, `12.5 %`."""
    if part == 0 or whole == 0:
        return "0 %"
    percent = 100 * part / whole
    return "< 0.1 %" if percent < 0.1 else f"{percent:.1f} %"


def percent(part: int, whole: int) -> str:
    """Writes a share for a style sheet, where 100 is the whole: `12.5`."""
    return f"{100 * part / max(whole, 1):.2f}"


def count(value: int, one: str, many: str | None = None) -> str:
    """Writes a number of things: `1 block`, `2 blocks`."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def day(value: datetime) -> str:
    """Writes a day in UTC: `3 May 2024`."""
    utc = value.astimezone(timezone.utc)
    return f"{utc.day} {month(utc.month)} {utc.year}"


def month(value: int) -> str:
    """Writes a month by its number from 1, whatever the process's locale."""
    return _MONTHS[value - 1]


def moment(value: datetime) -> str:
    """Writes a time in UTC, to the second: `2024-05-03 09:30:05`."""
    return value.astimezone(timezone.utc).isoformat(" ", "seconds").removesuffix("+00:00")


def duration(value: timedelta) -> str:
    """Writes a length of time in its largest unit: `15 minutes`, `day`, `2 years`."""
    seconds = int(value.total_seconds())
    units = ((31_536_000, "year"), (86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
    length, unit = next((length, unit) for length, unit in units if seconds % length == 0)
    return unit if seconds == length else f"{seconds // length:,} {unit}s"


def base64(value: bytes) -> str:
    """Writes a hash as the ledger's owner knows it."""
    return b64encode(value).decode("ascii")


def visible(text: str) -> str:
    r"""Writes text so that all of it shows, one character after the other.

    What is invisible, or would change the order or place of what stands around it, is written as
    `\u{202e}`: two names that differ look different.
    """
    return "".join(
        f"\\u{{{ord(char):x}}}" if unicodedata.category(char) in _HIDDEN else char for char in text
    )


def name(text: str, most: int) -> str:
    """Writes a name, shortened in its middle: IDs, hashes and paths differ at both ends.

    Args:
        text: the name.
        most: characters of it that are in view.
    """
    if len(text) <= most:
        return visible(text)
    head = (most - 1) * 2 // 3
    return f"{visible(text[:head])}…{visible(text[head + 1 - most :])}"


def title(text: str) -> str:
    """Writes a name's whole text for its title, cut where it is no name any more."""
    rest = len(text) - TITLE
    return visible(text) if rest <= 0 else f"{visible(text[:TITLE])}… ({rest:,} more characters)"
