"""JSON as PostgreSQL's `jsonb` takes it and shows it.

`jsonb` keeps values, not texts: it sorts keys, expands exponents and refuses two things that JSON
has, U+0000 in strings and numbers beyond the range of `numeric`. The exact Ion stands beside it.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, localcontext
from typing import Any

# PostgreSQL, "Numeric Types": up to 131072 digits before the decimal point, 16383 after it.
MOST_DIGITS, MOST_PLACES = 131_072, 16_383

_LARGE_NUMBER = r"[0-9][eE][+-]?[0-9]{4,}\s*([,\]}]|$)|[0-9]{1000}"

SUSPECT = rf"\\u0000|{_LARGE_NUMBER}"
"""A regular expression, of Python's kind and of Arrow's, that finds what `jsonb` may refuse."""

NUL, SUBSTITUTE = "\0", "\ufffd"

# A control character, which no JSON text has as it is, stands for an escaped backslash meanwhile.
_ESCAPED_BACKSLASH, _MARK = "\\\\", "\1"


def without_nul(text: str) -> str:
    """Returns a text that `text` takes: U+FFFD stands for U+0000."""
    return text.replace(NUL, SUBSTITUTE)


def is_suspect(text: str) -> bool:
    """Says whether a JSON text may have something that `jsonb` refuses."""
    return re.search(SUSPECT, text) is not None


def storable(text: str) -> str:
    """Returns a JSON text that `jsonb` takes.

    Args:
        text: JSON.

    Returns:
        The same text, or, where it has what `jsonb` refuses, one with U+FFFD for U+0000 and with
        strings of the same digits for numbers out of range.
    """
    if not is_suspect(text):
        return text
    marked = text.replace(_ESCAPED_BACKSLASH, _MARK).replace("\\u0000", "\\ufffd")
    text = marked.replace(_MARK, _ESCAPED_BACKSLASH)
    return _dump(_read(text)) if re.search(_LARGE_NUMBER, text) else text


def shown(text: str) -> str:
    """Returns the text that PostgreSQL gives of a JSON text stored as `jsonb`."""
    return _dump(_read(text))


def _read(text: str) -> Any:
    with localcontext() as context:
        context.Emax, context.Emin = 10**15, -(10**15)
        return json.loads(text, parse_float=_number, parse_int=_number)


def _number(digits: str) -> Decimal | str:
    number = Decimal(digits)
    exponent = int(number.as_tuple().exponent)
    if number.adjusted() >= MOST_DIGITS or -exponent > MOST_PLACES:
        return digits
    return number


def _dump(value: Any) -> str:
    if isinstance(value, dict):
        texts = {without_nul(key): each for key, each in value.items()}
        ordered = sorted(texts.items(), key=lambda item: _rank(item[0]))
        return "{" + ", ".join(f"{_dump(key)}: {_dump(each)}" for key, each in ordered) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_dump, value)) + "]"
    if isinstance(value, Decimal):
        return _plain(value)
    if isinstance(value, str):
        return json.dumps(without_nul(value), ensure_ascii=False)
    return json.dumps(value)


def _rank(key: str) -> tuple[int, bytes]:
    encoded = key.encode()
    return len(encoded), encoded


def _plain(number: Decimal) -> str:
    """Writes a number without exponent, with its places; there is no negative zero."""
    if not number:
        places = -int(number.as_tuple().exponent)
        return "0." + "0" * places if places > 0 else "0"
    return f"{number:f}"
