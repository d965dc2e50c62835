"""A value that is a stream of its own, ready to be read as a record's parts are."""

from __future__ import annotations

from qldb_replay.ion.evaluate import Evaluator
from qldb_replay.ion.framing import body_bounds
from qldb_replay.ion.stream import single_value
from qldb_replay.journal.fields import Field, Source


def open_stream(stream: bytes) -> tuple[Source, Field]:
    """Opens a stream of one value.

    Args:
        stream: binary Ion, from the version marker on.

    Returns:
        What `read_revision`, `read_block` and the like take.

    Raises:
        IonFormatError: malformed Ion, or not exactly one value.
    """
    evaluator = Evaluator()
    table, _, start, end = single_value(stream, evaluator)
    body, _ = body_bounds(stream, start, end)
    return Source(stream, table, evaluator), (start, body, end)


def part_of(stream: bytes, part: Field) -> bytes:
    """Takes a value out of a stream, with nothing encoded anew.

    Args:
        stream: binary Ion of one value.
        part: offsets of a value within it.

    Returns:
        A stream of that value: the symbol tables and its own bytes.

    Raises:
        IonFormatError: malformed Ion, or not exactly one value.
    """
    _, symbols_end, _, _ = single_value(stream, Evaluator())
    return stream[:symbols_end] + stream[part[0] : part[2]]
