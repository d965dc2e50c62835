"""How an object is compressed, told by its content, and its content in chunks.

Firehose writes uncompressed, GZIP, ZIP, Snappy or Hadoop-compatible Snappy objects. Names are not
looked at: file extensions can be set freely. What expands beyond the limits, or breaks, ends with
an `ArchiveFormatError` after all that could be read has been given.
"""

from __future__ import annotations

import contextlib
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

from qldb_replay.archive import snappy
from qldb_replay.archive.window import Chunk
from qldb_replay.errors import ArchiveFormatError
from qldb_replay.ion.framing import IVM
from qldb_replay.limits import KIB, MIB, Limits

KPL_MAGIC = b"\xf3\x89\x9a\xc2"

_PIECE = 4 * MIB
_FIRST_STEP, _LAST_STEP = KIB, 256 * KIB
_LARGEST_DIRECTORY = MIB
_HAS_DESCRIPTOR = 0x8
_DESCRIPTORS = (16, 24, 12, 20)  # with and without a signature, sizes of 4 or 8 bytes
_ZIP_ENTRY, _ZIP_DIRECTORY = b"PK\x03\x04", b"PK\x01\x02"
_ZIP_END, _ZIP_END_BYTES, _LONGEST_ZIP_COMMENT = b"PK\x05\x06", 22, 65_536
_GZIP_FORMAT, _BARE_FORMAT = 31, -15  # zlib's wbits
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    struct.error,
    EOFError,
    IndexError,
    NotImplementedError,
    OSError,
    ValueError,
)


def open_content(content: bytes, limits: Limits) -> tuple[str, Iterator[Chunk]]:
    """Recognises the compression of an object and begins to expand it.

    Args:
        content: the object's stored bytes.
        limits: what it may expand to.

    Returns:
        `none`, `gzip`, `zip`, `snappy` or `hadoop-snappy`, and the expanded content; the iterator
        raises `ArchiveFormatError` where it cannot go on.
    """
    name, chunks = _detect(content)
    if name == "none":
        return name, chunks
    return name, _within_limits(chunks, len(content), limits)


def begins_archive(head: bytes) -> bool:
    """Tells whether bytes begin like an archive: Ion, a KPL frame, a JSON line or a blank line."""
    return head.startswith((IVM, KPL_MAGIC, b"{", b"\n", b"\r\n"))


def _detect(content: bytes) -> tuple[str, Iterator[Chunk]]:
    # Raw Snappy of 123 or 10 bytes begins with a brace or a line break, so these prove nothing.
    if content.startswith((IVM, KPL_MAGIC)):
        return "none", iter([(content, len(content))])
    if content.startswith(b"\x1f\x8b"):
        return "gzip", _gzip_chunks(content)
    if content.startswith((_ZIP_ENTRY, _ZIP_END)):
        return "zip", _zip_chunks(content)
    if content.startswith(snappy.FRAMED_MARKER):
        return "snappy", snappy.framed_chunks(content)
    if snappy.looks_hadoop(content, begins_archive):
        return "hadoop-snappy", snappy.hadoop_chunks(content)
    if snappy.looks_raw(content, begins_archive):
        # A few bytes of garbage before a record can look like this, so only success decides.
        try:
            return "snappy", iter(list(snappy.raw_chunks(content)))
        except ArchiveFormatError:
            pass
    return "none", iter([(content, len(content))])


def _within_limits(chunks: Iterator[Chunk], stored: int, limits: Limits) -> Iterator[Chunk]:
    by_ratio = max(limits.expansion_floor, limits.expansion_ratio * stored)
    most = min(limits.expanded_bytes, by_ratio)
    expanded = 0
    position = 0
    for chunk, end in chunks:
        expanded += len(chunk)
        if expanded > most:
            raise ArchiveFormatError(f"expands beyond the limit of {most} bytes", position)
        position = end
        yield chunk, end


def _gzip_chunks(content: bytes) -> Iterator[Chunk]:
    pos = 0
    while pos < len(content):
        if not content.startswith(b"\x1f\x8b", pos):
            if content.count(b"\0", pos) == len(content) - pos:
                return  # padding that gzip's own tools accept
            raise ArchiveFormatError("bytes behind the end of the gzip data", pos)
        for chunk, end in _inflate(content, pos, len(content), _GZIP_FORMAT):
            pos = end
            yield chunk, end


def _inflate(content: bytes, pos: int, end: int, wbits: int) -> Iterator[Chunk]:
    """Expands one deflated stream; the last chunk comes with the position behind it.

    Steps through the stored bytes begin small: zlib copies what lies behind a stream's end in the
    step, and an object may consist of millions of empty gzip members.
    """
    stream = zlib.decompressobj(wbits)
    step = _FIRST_STEP
    while not stream.eof:
        if pos >= end:
            raise ArchiveFormatError("deflated data ends in the middle", pos)
        stored = content[pos : min(pos + step, end)]
        chunk = b""
        while True:
            before = stream.copy()
            try:
                chunk = stream.decompress(stored, _PIECE)
            except zlib.error:
                yield from _until_broken(before, stored, min(pos + step, end) - len(stored))
            stored = stream.unconsumed_tail
            if stream.eof or (len(chunk) < _PIECE and not stored):
                break
            yield chunk, pos
        pos = min(pos + step, end) - len(stream.unused_data)
        yield chunk, pos
        step = min(2 * step, _LAST_STEP)


def _until_broken(stream: zlib._Decompress, stored: bytes, pos: int) -> Iterator[Chunk]:
    """Repeats a failed step byte by byte, because zlib drops a failed call's output."""
    parts: list[bytes] = []
    with contextlib.suppress(zlib.error):
        for index in range(len(stored)):
            parts.append(stream.decompress(stored[index : index + 1]))
    yield b"".join(parts), pos + len(parts)
    raise ArchiveFormatError("broken deflated data", pos + len(parts))


def _zip_chunks(content: bytes) -> Iterator[Chunk]:
    entries, directory = _zip_entries(content)
    spans = [directory]
    for entry in entries:
        start = max(0, min(entry.header_offset, len(content)))
        if entry.flag_bits & 1:
            raise ArchiveFormatError("encrypted zip entry", start)
        names = content[start + 26 : start + 30]
        pos = start + 30 + int.from_bytes(names[:2], "little") + int.from_bytes(names[2:], "little")
        end = pos + entry.compress_size
        if not content.startswith(_ZIP_ENTRY, start) or end > len(content):
            raise ArchiveFormatError("zip entry not where the directory says", start)
        if entry.compress_type == zipfile.ZIP_STORED:
            chunks: Iterator[Chunk] = iter([(content[pos:end], end)])
        elif entry.compress_type == zipfile.ZIP_DEFLATED:
            chunks = _inflate(content, pos, end, _BARE_FORMAT)
        else:
            raise ArchiveFormatError(f"zip method {entry.compress_type} is not known", start)
        spans.append((start, end + _descriptor_bytes(content, entry.flag_bits, end)))
        crc = 0
        for chunk, position in chunks:
            crc = zlib.crc32(chunk, crc)
            yield chunk, position
        if crc != entry.CRC:
            raise ArchiveFormatError("zip entry does not fit its checksum", end)
    _check_covered(content, spans)


def _descriptor_bytes(content: bytes, flags: int, end: int) -> int:
    """Length of what may repeat an entry's sizes behind it: what follows shows which it is."""
    if flags & _HAS_DESCRIPTOR:
        for length in _DESCRIPTORS:
            if content.startswith((_ZIP_ENTRY, _ZIP_DIRECTORY), end + length):
                return length
    return 0


def _check_covered(content: bytes, spans: list[tuple[int, int]]) -> None:
    """Refuses bytes that are neither an entry nor the directory: before, between or behind them."""
    covered = 0
    for start, end in sorted(spans):
        if start > covered:
            break
        covered = max(covered, end)
    if covered < len(content):
        raise ArchiveFormatError("bytes that are no zip entry", covered)


def _zip_entries(content: bytes) -> tuple[list[zipfile.ZipInfo], tuple[int, int]]:
    """The entries, and the stretch that the directory takes."""
    directory = _directory_bounds(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.infolist(), directory
    except _ZIP_ERRORS:
        raise ArchiveFormatError("broken zip directory", 0) from None


def _directory_bounds(content: bytes) -> tuple[int, int]:
    """Finds the central directory, and refuses one that is too large to be read into memory.

    Firehose writes one entry. A ZIP64 directory is for more than 4 GiB or 65,535 entries.
    """
    end = _directory_end(content)
    if not 0 <= end <= len(content) - _ZIP_END_BYTES:
        raise ArchiveFormatError("broken zip directory", 0)
    size = int.from_bytes(content[end + 12 : end + 16], "little")
    if size > _LARGEST_DIRECTORY or content[max(0, end - 20) : end].startswith(b"PK\x06\x07"):
        raise ArchiveFormatError("zip directory beyond the limit", end)
    return max(0, end - size), end + _ZIP_END_BYTES


def _directory_end(content: bytes) -> int:
    """Finds the record that `zipfile` takes for the directory's end; -1 if there is none."""
    without_comment = len(content) - _ZIP_END_BYTES
    if content[without_comment:].startswith(_ZIP_END) and content.endswith(b"\0\0"):
        return without_comment
    return content.rfind(_ZIP_END, max(0, without_comment - _LONGEST_ZIP_COMMENT))
