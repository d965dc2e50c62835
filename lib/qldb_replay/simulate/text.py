"""Values as text: Ion text for saved proofs and digests, JSON for what the lake should show.

The JSON form is Ion's documented down-conversion as the contract fixes it: nulls of every type, nan
and infinities are `null`, numbers keep their digits, timestamps and symbols are strings, blobs are
base64, clobs Latin-1 strings, s-expressions arrays; annotations go, and of repeated field names the
last one stays, at its own place.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from decimal import Decimal
from math import isfinite, isnan

from qldb_replay.simulate.values import (
    Annotated,
    Clob,
    Instant,
    Pairs,
    Sexp,
    Symbol,
    Timestamp,
    TypedNull,
    Value,
)

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_RESERVED = {"null", "true", "false", "nan"}


def json_text(value: Value) -> str:
    """The contract's `data_json` of a value, without white space between tokens."""
    if isinstance(value, Annotated):
        return json_text(value.value)
    if isinstance(value, dict):
        return _json_struct(value)
    if isinstance(value, Pairs):
        fields: dict[str, Value] = {}
        for name, item in value.fields:
            fields.pop(name, None)
            fields[name] = item
        return _json_struct(fields)
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    if isinstance(value, Sexp):
        return "[" + ",".join(map(json_text, value.items)) + "]"
    return _json_scalar(value)


def _json_struct(fields: dict[str, Value]) -> str:
    return (
        "{" + ",".join(f"{_quoted(name)}:{json_text(item)}" for name, item in fields.items()) + "}"
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _json_scalar(value: Value) -> str:
    if value is None or isinstance(value, TypedNull):
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Instant | Timestamp):
        return _quoted(value.text())
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if isfinite(value) else "null"
    if isinstance(value, Decimal):
        return decimal_text(value, "e")
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Symbol):
        return _quoted("$0" if value.text is None else value.text)
    if isinstance(value, Clob):
        return _quoted(value.raw.decode("latin-1"))
    return _quoted(b64encode(value).decode())


def decimal_text(value: Decimal, exponent_mark: str) -> str:
    """A decimal with all of its digits: `1.50`, with an exponent where zeros would stand in for it.

    Args:
        value: a finite decimal.
        exponent_mark: `d` in Ion text, `e` in JSON.
    """
    return str(value).replace("E+", exponent_mark).replace("E", exponent_mark)


def ion_text(value: Value) -> str:
    """A value in Ion text, on one line."""
    if isinstance(value, dict):
        return _ion_struct(tuple(value.items()))
    if isinstance(value, Pairs):
        return _ion_struct(value.fields)
    if isinstance(value, list):
        return "[" + ",".join(map(ion_text, value)) + "]"
    if isinstance(value, Sexp):
        return "(" + " ".join(map(ion_text, value.items)) + ")"
    if isinstance(value, Annotated):
        return "".join(f"{_symbol(name)}::" for name in value.annotations) + ion_text(value.value)
    return _ion_scalar(value)


def _ion_struct(fields: tuple[tuple[str, Value], ...]) -> str:
    return "{" + ",".join(f"{_symbol(name)}:{ion_text(item)}" for name, item in fields) + "}"


def _symbol(name: str) -> str:
    if _IDENTIFIER.match(name) and name not in _RESERVED:
        return name
    return "'" + _escaped(name, "'") + "'"


def _escaped(text: str, quote: str) -> str:
    out = []
    for char in text:
        if char in ("\\", quote):
            out.append("\\" + char)
        elif char < " " or "\x7f" <= char <= "\xa0":
            out.append(f"\\x{ord(char):02x}")
        else:
            out.append(char)
    return "".join(out)


def _ion_scalar(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, TypedNull):
        return f"null.{value.type_name}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Instant | Timestamp):
        return value.text()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _ion_float(value)
    if isinstance(value, Decimal):
        text = decimal_text(value, "d")
        return text if "." in text or "d" in text else f"{text}d0"
    if isinstance(value, str):
        return '"' + _escaped(value, '"') + '"'
    if isinstance(value, Symbol):
        return "$0" if value.text is None else _symbol(value.text)
    if isinstance(value, Clob):
        return '{{"' + "".join(map(_clob_byte, value.raw)) + '"}}'
    return "{{" + b64encode(value).decode() + "}}"


def _clob_byte(byte: int) -> str:
    # Clobs in Ion text are ASCII.
    return chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\x{byte:02x}"


def _ion_float(value: float) -> str:
    if isnan(value):
        return "nan"
    if not isfinite(value):
        return "+inf" if value > 0 else "-inf"
    text = repr(value)
    return text if "e" in text else f"{text}e0"
