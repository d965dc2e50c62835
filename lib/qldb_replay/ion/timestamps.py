"""Ion timestamps: from their bodies to text, to microseconds and to the form that is hashed.

A body holds an offset (VarInt minutes, negative zero for unknown) and the components year, month,
day, hour and minute, second, fraction, as many as the precision has, in UTC. Text is in local time.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import NamedTuple

from qldb_replay.errors import IonFormatError
from qldb_replay.ion.canonical import signed, varint, varuint
from qldb_replay.ion.framing import read_varint, read_varuint
from qldb_replay.ion.scalars import digits, read_decimal

DAY, MINUTE, SECOND = 3, 5, 6

_LONGEST_FRACTION = 400
"""Digits; more would let a few bytes demand a text of any length."""

_EPOCH = date(1970, 1, 1).toordinal()
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Timestamp(NamedTuple):
    """A timestamp as binary Ion has it: components in UTC, beside the local offset.

    Attributes:
        precision: number of components present: 1 year, 2 month, 3 day, 5 minute, 6 second.
        year: year in UTC.
        month: month, 1 where absent.
        day: day of the month, 1 where absent.
        hour: hour, 0 where absent.
        minute: minute, 0 where absent.
        second: second, 0 where absent.
        fraction: digits of the fraction of a second as an integer.
        scale: number of digits of the fraction, 0 for none.
        offset: minutes that local time is ahead of UTC; None if unknown, as it is for all
            timestamps coarser than minutes.
    """

    precision: int
    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    fraction: int
    scale: int
    offset: int | None


def read_timestamp(buf: bytes, start: int, end: int) -> Timestamp:
    """Reads the body of a timestamp.

    The offset of a timestamp coarser than minutes says nothing and is dropped.

    Args:
        buf: bytes to read from.
        start: offset of the body.
        end: offset behind the body.

    Returns:
        The timestamp.

    Raises:
        IonFormatError: no valid date, time, offset or fraction, an hour without its minute, local
            time outside the years 1 to 9999, or a fraction of more than 400 digits.
    """
    minutes, behind, pos = read_varint(buf, start, end)
    parts = [0, 1, 1, 0, 0, 0]
    precision = 0
    while pos < end and precision < SECOND:
        byte = buf[pos]
        if byte >= 0x80:
            parts[precision] = byte & 0x7F
            pos += 1
        else:
            parts[precision], pos = read_varuint(buf, pos, end)
        precision += 1
    fraction, scale = _fraction(buf, pos, end) if pos < end else (0, 0)
    year, month, day, hour, minute, second = parts
    if (
        precision in (0, 4)
        or not 1 <= month <= 12
        or not 1 <= day <= _days_of_month(year, month)
        or hour > 23
        or minute > 59
        or second > 59
        or minutes >= 24 * 60
    ):
        raise IonFormatError("timestamp is no valid date and time", start)
    offset = None if precision < MINUTE or (behind and minutes == 0) else minutes
    if offset is not None and behind:
        offset = -offset
    stamp = Timestamp(precision, year, month, day, hour, minute, second, fraction, scale, offset)
    if not 1 <= _local(stamp)[0] <= 9999:
        raise IonFormatError("timestamp outside the years 1 to 9999", start)
    return stamp


def _fraction(buf: bytes, pos: int, end: int) -> tuple[int, int]:
    coefficient, negative, exponent = read_decimal(buf, pos, end)
    if coefficient == 0 and exponent >= 0:
        return 0, 0
    if exponent < -_LONGEST_FRACTION:
        raise IonFormatError("fraction of a second is too precise", pos)
    if exponent >= 0 or (negative and coefficient != 0) or coefficient >= 10**-exponent:
        raise IonFormatError("fraction of a second is not from 0 to below 1", pos)
    return coefficient, -exponent


def _days_of_month(year: int, month: int) -> int:
    if month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0):
        return 29
    return _MONTH_DAYS[month - 1]


def _local(stamp: Timestamp) -> tuple[int, int, int, int, int]:
    """Year, month, day, hour and minute in local time. An offset crosses one midnight at most."""
    _, year, month, day, hour, minute, _, _, _, offset = stamp
    if offset is None or offset == 0:
        return year, month, day, hour, minute
    days, minutes = divmod(hour * 60 + minute + offset, 24 * 60)
    day += days
    if day < 1:
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
        day = _days_of_month(year, month)
    elif day > _days_of_month(year, month):
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        day = 1
    return year, month, day, minutes // 60, minutes % 60


def to_text(stamp: Timestamp) -> str:
    """Writes a timestamp in Ion's text form, with the precision and the offset that it has.

    Args:
        stamp: the timestamp.

    Returns:
        For instance `2007T`, `2007-02T`, `2007-02-23`, `2007-02-23T12:14:33.079-08:00`, the offset
        `Z` for UTC and `-00:00` for unknown.
    """
    year, month, day, hour, minute = _local(stamp)
    precision, offset = stamp.precision, stamp.offset
    if precision <= DAY:
        return (f"{year:04}T", f"{year:04}-{month:02}T", f"{year:04}-{month:02}-{day:02}")[
            precision - 1
        ]
    text = f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}"
    if precision == SECOND:
        text = f"{text}:{stamp.second:02}"
        if stamp.scale:
            text = f"{text}.{digits(stamp.fraction).zfill(stamp.scale)}"
    if offset == 0:
        return text + "Z"
    if offset is None:
        return text + "-00:00"
    return f"{text}{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"


def to_micros(stamp: Timestamp) -> int | None:
    """Gives the instant, where an integer of microseconds holds the timestamp exactly.

    Args:
        stamp: the timestamp.

    Returns:
        Microseconds since 1970-01-01T00:00Z. None for a timestamp coarser than seconds, of unknown
        offset, with digits other than zero beyond the sixth of the fraction, or outside the years
        1 to 9999 in UTC.
    """
    if stamp.precision < SECOND or stamp.offset is None:
        return None
    if stamp.scale > 6 and stamp.fraction % 10 ** (stamp.scale - 6) != 0:
        return None
    return instant(stamp)


def instant(stamp: Timestamp) -> int | None:
    """Gives the microsecond in which a timestamp begins, UTC where the offset is unknown.

    Args:
        stamp: the timestamp.

    Returns:
        Microseconds since 1970-01-01T00:00Z, None outside the years 1 to 9999 in UTC.
    """
    _, year, month, day, hour, minute, second, fraction, scale, _ = stamp
    if not 1 <= year <= 9999:
        return None
    days = date(year, month, day).toordinal() - _EPOCH
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
    if scale > 6:
        return seconds * 1_000_000 + fraction // int(10 ** (scale - 6))
    return seconds * 1_000_000 + fraction * int(10 ** (6 - scale))


def read_utc(raw: bytes) -> tuple[str, int] | None:
    """Reads what nearly every timestamp in a journal is, without the general case's detours.

    A transaction's time recurs in its revisions and is needed as text and as number, hence the
    cache.

    Args:
        raw: body of a timestamp.

    Returns:
        Its text and its microseconds since 1970, as `to_text` and `to_micros` give them. None if it
        is not to the second, in UTC, with at most six digits of fraction, in its shortest form.
    """
    return _read_utc(raw) if 8 <= len(raw) <= 12 else None


@lru_cache(maxsize=1024)
def _read_utc(raw: bytes) -> tuple[str, int] | None:
    if raw[0] != 0x80 or raw[1] >= 0x80 or raw[2] < 0x80:
        return None
    year = raw[1] << 7 | raw[2] - 0x80
    month, day, hour, minute, second = [byte - 0x80 for byte in raw[3:8]]
    if not (
        1 <= month <= 12
        and 1 <= year <= 9999
        and day >= 1
        and 0 <= hour <= 23
        and 0 <= minute <= 59
        and 0 <= second <= 59
    ):
        return None
    before, days = _month(year, month)
    if day > days:
        return None
    micros = ((((before + day) * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000
    text = f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
    if len(raw) == 8:
        return text + "Z", micros
    scale = raw[8] - 0xC0
    fraction = int.from_bytes(raw[9:], "big")
    shortest = len(raw) == 9 or len(raw) - 9 == fraction.bit_length() // 8 + 1
    if not 1 <= scale <= 6 or not shortest or (fraction == 0 and len(raw) > 9):
        return None
    if fraction >= 10**scale:
        return None
    return f"{text}.{fraction:0{scale}}Z", micros + fraction * int(10 ** (6 - scale))


@lru_cache(maxsize=4096)
def _month(year: int, month: int) -> tuple[int, int]:
    """Days from 1970 to the day before the month, and the month's days."""
    return date(year, month, 1).toordinal() - 1 - _EPOCH, _days_of_month(year, month)


def canonical(stamp: Timestamp) -> bytes:
    """Gives the representation that is hashed: the shortest body.

    Ion Hash 1.0: no padding, and no fraction where it is zero with an exponent of zero or more.
    An offset before a date counts as unknown, as in ion-java, which QLDB hashed with.

    Args:
        stamp: the timestamp.

    Returns:
        The bytes, not yet escaped.
    """
    precision, year, month, day, hour, minute, second, _, _, offset = stamp
    out = b"\xc0" if offset is None else varint(abs(offset), offset < 0)
    for part in (year, month, day, hour, minute, second)[:precision]:
        out += varuint(part)
    if stamp.scale:
        out += varint(stamp.scale, True)
        if stamp.fraction:
            out += signed(stamp.fraction, False)
    return out
