"""Finding values in the text of PartiQL statements.

Redaction takes a document's data away, but a statement that carried the data as literals keeps it:
QLDB cannot redact statement texts.
"""

from __future__ import annotations

import re

# Comments and quoted names first: what looks like a value within them is none. A name may hold
# digits, and a number in brackets after a path is an index.
_SKIPPED = r"""--[^\n]*|/\*[\s\S]*?\*/|"(?:[^"]|"")*"|\[\s*[0-9]+\s*\]"""
_LITERAL = r"""'(?:[^']|'')*'|`[^`]*`|\.?[0-9][\w.]*|\b(?:true|false)\b"""
_NAME = r"[^\W0-9][\w$]*"
_TOKEN = re.compile(f"{_SKIPPED}|({_LITERAL})|{_NAME}", re.IGNORECASE)


def has_literal(statement: str) -> bool:
    """Says whether a statement carries a value in its text.

    Args:
        statement: PartiQL.

    Returns:
        Whether it has a string, an Ion literal, a number or a truth value. `NULL` and an index in
        brackets are none: they tell nothing of the data.
    """
    return any(token[1] is not None for token in _TOKEN.finditer(statement))
