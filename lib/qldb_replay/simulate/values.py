"""The Ion values an invented document is made of, as plain Python values.

`None`, `bool`, `int`, `float`, `Decimal`, `str`, `bytes` (a blob), `list` and `dict` (a struct)
stand for themselves. The classes here cover what Python has no type for. Everything downstream
(binary Ion, Ion Hash, Ion text, JSON) is made from these values and never from each other, so each
form can serve as a witness for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple, TypeAlias

Value: TypeAlias = Any
"""Any of the types named in this module's docstring, or one of the classes below."""


class Instant(int):
    """A UTC time in milliseconds since 1970, as QLDB writes all of its own times (`…123Z`)."""

    __slots__ = ()

    def datetime(self) -> datetime:
        """The same instant as an aware `datetime`."""
        return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=self)

    def text(self) -> str:
        """Ion text form, always with three fraction digits and `Z`."""
        return self.datetime().strftime("%Y-%m-%dT%H:%M:%S.") + f"{self % 1000:03d}Z"


class Symbol(NamedTuple):
    """An Ion symbol.

    Attributes:
        text: its text, `None` for symbol zero, whose text nobody knows.
    """

    text: str | None


class Clob(NamedTuple):
    """An Ion clob: text in an encoding that the reader must know."""

    raw: bytes


class Sexp(NamedTuple):
    """An Ion s-expression."""

    items: tuple[Value, ...]


class TypedNull(NamedTuple):
    """A null of a type other than null.

    Attributes:
        type_name: Ion's name of the type, such as `struct`.
    """

    type_name: str


class Annotated(NamedTuple):
    """A value with annotations."""

    annotations: tuple[str, ...]
    value: Value


class Pairs(NamedTuple):
    """A struct whose field names repeat, which Ion allows and a `dict` cannot hold."""

    fields: tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class Timestamp:
    """An Ion timestamp of any precision; unset parts mean that the precision ends before them.

    Attributes:
        year: 1 to 9999, as all parts in local time.
        month: 1 to 12.
        day: 1 to 31.
        hour: 0 to 23; hour and minute come together.
        minute: 0 to 59.
        second: 0 to 59.
        fraction: digits after the decimal point, empty for none.
        offset: minutes east of UTC, `None` for an unknown one (`-00:00`) and without a time of day.
    """

    year: int
    month: int | None = None
    day: int | None = None
    hour: int | None = None
    minute: int | None = None
    second: int | None = None
    fraction: str = ""
    offset: int | None = None

    def utc(self) -> tuple[int, int | None, int | None, int | None, int | None]:
        """Year to minute in UTC, which is how binary Ion stores a timestamp."""
        if self.offset in (None, 0):
            return self.year, self.month, self.day, self.hour, self.minute
        local = datetime(
            self.year, self.month or 1, self.day or 1, self.hour or 0, self.minute or 0
        )
        moved = local - timedelta(minutes=self.offset or 0)
        return moved.year, moved.month, moved.day, moved.hour, moved.minute

    def text(self) -> str:
        """Ion text form: `2007T`, `2007-02T`, `2007-02-23`, `2007-02-23T12:14:33.079-08:00`."""
        if self.month is None:
            return f"{self.year:04d}T"
        if self.day is None:
            return f"{self.year:04d}-{self.month:02d}T"
        date = f"{self.year:04d}-{self.month:02d}-{self.day:02d}"
        if self.hour is None:
            return date
        clock = f"{date}T{self.hour:02d}:{self.minute:02d}"
        if self.second is not None:
            clock += f":{self.second:02d}" + (f".{self.fraction}" if self.fraction else "")
        return clock + _offset_text(self.offset)


def _offset_text(offset: int | None) -> str:
    if offset is None:
        return "-00:00"
    if offset == 0:
        return "Z"
    hours, minutes = divmod(abs(offset), 60)
    return f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}"
