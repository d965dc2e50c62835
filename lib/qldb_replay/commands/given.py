"""Digests and proofs that a command is given as files."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeVar

from qldb_replay.errors import UsageError
from qldb_replay.journal.saved import SavedDigest, SavedProof, read_digest, read_proofs
from qldb_replay.uris import read_file

Saved = TypeVar("Saved")


def digests_of(options: argparse.Namespace) -> list[SavedDigest]:
    """Reads what `--digest` names.

    Raises:
        UsageError: a file cannot be read, or is no saved digest.
    """
    return [_named(path, read_digest) for path in options.digest]


def one_digest(options: argparse.Namespace) -> SavedDigest | None:
    """Reads the one file that `--digest` names, None without.

    Raises:
        UsageError: there are several, or it cannot be read, or is no saved digest.
    """
    digests = digests_of(options)
    if len(digests) > 1:
        raise UsageError("expected one --digest, the one that the proof leads to")
    return digests[0] if digests else None


def proofs_of(options: argparse.Namespace) -> list[SavedProof]:
    """Reads what `--proof` names.

    Raises:
        UsageError: a file cannot be read, or holds no saved proofs.
    """
    return [proof for path in options.proof for proof in _named(path, read_proofs)]


def _named(path: str, read: Callable[[bytes], Saved]) -> Saved:
    """Reads a file; what is wrong with it is said with its name."""
    content = read_file(path)
    try:
        return read(content)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
