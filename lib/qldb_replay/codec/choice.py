"""Which codec decodes: the native one where it is built, else the Python one; same answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from qldb_replay.codec import objects as python
from qldb_replay.codec import typed
from qldb_replay.codec.objects import FetchedObject
from qldb_replay.codec.types import DataType
from qldb_replay.errors import UsageError
from qldb_replay.limits import Limits

AUTO, NATIVE, PYTHON = CODECS = ("auto", "native", "python")


def decode_objects(
    objects: Iterable[FetchedObject], limits: Limits, codec: str = AUTO
) -> Iterator[pa.RecordBatch]:
    """Decodes objects.

    Args:
        objects: fetched objects; each is released before the next is taken.
        limits: what archive content may ask of us.
        codec: one of `CODECS`. `auto` is settled here: Spark's workers may lack what its driver
            has.

    Returns:
        Batches of the schema `columns.DECODED`, of about 4 MiB at most; small objects share one.
        An object whose content is the one read before gives its `object` row alone, marked
        `unchanged`.

    Raises:
        UsageError: the native codec was asked for by name and is not here.
    """
    if settled(codec) == PYTHON:
        return python.decode_objects(objects, limits)
    from qldb_replay.codec import native

    return native.decode_objects(objects, limits)


def build(documents: pa.Array, type_: DataType, codec: str = AUTO) -> pa.Array:
    """Builds the typed column of documents.

    Args:
        documents: binary; each an Ion stream of its own with one value, null for no document.
        type_: a type that was derived from a shape into which all of these documents were folded.
        codec: one of `CODECS`, settled here as for `decode_objects`.

    Returns:
        An array of `to_arrow(type_)`, one entry for each document. Values are exact; fields and
        documents that are null or absent are null, as are fields that are no column yet.

    Raises:
        IonFormatError: a document is not exactly one valid Ion value.
        ValueError: a value does not fit its type.
        UsageError: the native codec was asked for by name and is not here.
    """
    if settled(codec) == PYTHON:
        return typed.build(documents, type_)
    from qldb_replay.codec import native

    return native.build(documents, type_)


def settled(codec: str) -> str:
    """Says which codec decodes on this machine.

    Args:
        codec: one of `CODECS`.

    Returns:
        `native` or `python`.

    Raises:
        UsageError: the native codec was asked for by name and is not here.
    """
    if codec == PYTHON:
        return PYTHON
    lack = lack_of_native()
    if lack is None:
        return NATIVE
    if codec == AUTO:
        return PYTHON
    raise UsageError(
        f"--codec native: {lack}; install a wheel that has it, or install again with Rust's cargo "
        "on the path"
    )


def lack_of_native() -> str | None:
    """Says why the native codec cannot be used here; None if it can."""
    try:
        from qldb_replay.codec import native  # noqa: F401
    except ModuleNotFoundError:
        return "the native codec is not built"
    except ImportError as error:
        return f"the native codec cannot be loaded ({error})"
    return None
