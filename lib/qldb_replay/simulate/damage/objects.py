"""Objects that lost bytes on their way or in their place."""

from __future__ import annotations

from random import Random

_GARBLED = 64


def cut_object(stored: bytes, rng: Random) -> bytes:
    """The beginning of an object, at least half of it."""
    return stored[: -rng.randrange(1, max(2, len(stored) // 2))]


def garble_object(stored: bytes, rng: Random) -> bytes:
    """An object with 64 bytes of noise in its second half."""
    start = rng.randrange(len(stored) // 2, max(len(stored) - _GARBLED, len(stored) // 2 + 1))
    noise = rng.randbytes(min(_GARBLED, len(stored) - start))
    return stored[:start] + noise + stored[start + len(noise) :]
