"""The ways in which Snappy is stored: raw, framed, and Hadoop's blocks.

Raw: a varint with the expanded size, then elements, the first always a literal. Framed: chunks of
one type byte, a three-byte little-endian length and, where they carry data, a masked CRC-32C.
Hadoop: blocks of a four-byte big-endian expanded size, then chunks of a four-byte big-endian
length and raw Snappy until that size is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from qldb_replay.archive.crc32c import crc32c
from qldb_replay.archive.window import Chunk
from qldb_replay.errors import ArchiveFormatError

FRAMED_MARKER = b"\xff\x06\x00\x00sNaPpY"

# Firehose buffers at most 128 MiB before it compresses; raw Snappy expands in one piece only.
_LARGEST_BLOCK = 512 * 1024 * 1024
_LARGEST_FRAMED_CHUNK = 65_536
_CRC_MASK = 0xA282EAD8


def raw_chunks(content: bytes) -> Iterator[Chunk]:
    """Expands raw Snappy.

    Raises:
        ArchiveFormatError: it is not valid Snappy.
    """
    yield _expand(content, 0, len(content)), len(content)


def framed_chunks(content: bytes) -> Iterator[Chunk]:
    """Expands framed Snappy, chunk by chunk.

    Raises:
        ArchiveFormatError: broken chunk, checksum that does not fit, or an unknown chunk type that
            must not be skipped; what came before has been given.
    """
    pos = 0
    while pos < len(content):
        start = pos + 4
        pos = start + int.from_bytes(content[pos + 1 : start], "little")
        if start > len(content) or pos > len(content):
            raise ArchiveFormatError("Snappy chunk reaches past the end", start - 4)
        yield _framed_chunk(content, start, pos), pos


def _framed_chunk(content: bytes, start: int, end: int) -> bytes:
    kind = content[start - 4]
    if kind > 1:
        if kind < 0x80:
            raise ArchiveFormatError(f"unknown Snappy chunk type 0x{kind:02x}", start - 4)
        return b""
    if end - start < 4:
        raise ArchiveFormatError("Snappy chunk without checksum", start - 4)
    expanded = content[start + 4 : end] if kind == 1 else _expand(content, start + 4, end)
    if len(expanded) > _LARGEST_FRAMED_CHUNK:
        raise ArchiveFormatError("Snappy chunk of more than 64 KiB", start - 4)
    crc = crc32c(expanded)
    masked = ((crc >> 15 | crc << 17) + _CRC_MASK) & 0xFFFFFFFF
    if masked != int.from_bytes(content[start : start + 4], "little"):
        raise ArchiveFormatError("Snappy chunk does not fit its checksum", start - 4)
    return expanded


def hadoop_chunks(content: bytes) -> Iterator[Chunk]:
    """Expands Hadoop's Snappy blocks.

    Raises:
        ArchiveFormatError: broken block; what came before has been given.
    """
    pos = 0
    while pos < len(content):
        block = pos
        missing, pos = _big_endian(content, pos)
        while missing > 0:
            length, start = _big_endian(content, pos)
            pos = start + length
            if pos > len(content):
                raise ArchiveFormatError("Snappy chunk reaches past the end", start - 4)
            expanded = _expand(content, start, pos)
            missing -= len(expanded)
            if missing < 0 or not expanded:
                raise ArchiveFormatError("Snappy chunk does not fit its block", block)
            yield expanded, pos


def looks_raw(content: bytes, begins_archive: Callable[[bytes], bool]) -> bool:
    """Tells whether raw Snappy whose first literal begins like an archive starts here.

    Args:
        content: all of the compressed bytes.
        begins_archive: judges the first bytes of the expanded content.
    """
    return _literal_begins(content, 0, len(content), begins_archive)


def looks_hadoop(content: bytes, begins_archive: Callable[[bytes], bool]) -> bool:
    """Tells whether a Hadoop block whose content begins like an archive starts here.

    Args:
        content: all of the compressed bytes.
        begins_archive: judges the first bytes of the expanded content.
    """
    block = int.from_bytes(content[:4], "big")
    length = int.from_bytes(content[4:8], "big")
    if not 0 < length <= len(content) - 8:
        return False
    size, _ = _expanded_size(content, 8, 8 + length)
    return size <= block and _literal_begins(content, 8, 8 + length, begins_archive)


def _literal_begins(
    content: bytes, start: int, end: int, begins_archive: Callable[[bytes], bool]
) -> bool:
    size, pos = _expanded_size(content, start, end)
    longest = 32 + size + size // 6  # what Snappy's compressor promises never to exceed
    if size <= 0 or end - start > longest or pos >= end or content[pos] & 3:
        return False
    literal = content[pos] >> 2
    pos += 1 + max(0, literal - 59)  # 60 to 63: the length follows, in one to four bytes
    return begins_archive(content[pos : min(end, pos + min(size, literal + 1))])


def _expand(content: bytes, start: int, end: int) -> bytes:
    """Expands one raw Snappy block, after its claimed size has been found possible."""
    size, _ = _expanded_size(content, start, end)
    if size < 0:
        raise ArchiveFormatError("Snappy block without a possible size", start)
    try:
        block = memoryview(content)[start:end]
        expanded: bytes = pa.decompress(block, decompressed_size=size, codec="snappy", asbytes=True)
    except (pa.ArrowException, OSError, ValueError):
        raise ArchiveFormatError("broken Snappy block", start) from None
    return expanded


def _expanded_size(content: bytes, start: int, end: int) -> tuple[int, int]:
    """Reads a block's claimed size.

    Returns:
        The size, and the offset behind it; -1 as size where there is none or it is a lie: three
        bytes copy at most 64, so no block expands more than 22 times.
    """
    size = 0
    for index in range(start, min(start + 5, end)):
        size |= (content[index] & 0x7F) << 7 * (index - start)
        if content[index] < 0x80:
            possible = size <= min(_LARGEST_BLOCK, 22 * (end - start))
            return (size if possible else -1), index + 1
    return -1, start


def _big_endian(content: bytes, pos: int) -> tuple[int, int]:
    if pos + 4 > len(content):
        raise ArchiveFormatError("Snappy block header reaches past the end", pos)
    return int.from_bytes(content[pos : pos + 4], "big"), pos + 4
