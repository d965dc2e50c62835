"""Objects compressed in every way, and broken."""

import gzip
import hashlib
import io
import random
import zipfile
from dataclasses import replace

import pytest

from qldb_replay.archive import read_object
from qldb_replay.archive.crc32c import crc32c
from qldb_replay.limits import DEFAULT_LIMITS, MIB

HADOOP_LIE = b"\0\0\0\xc8\0\0\x01\xf4\x40\x0c"  # 500 stored bytes that expand to 64
NAMES = ["none", "gzip", "zip", "snappy", "snappy framed", "hadoop-snappy"]


@pytest.fixture(scope="module")
def wanted(make):
    random.seed(7)
    return [make.record(random.randbytes(size)) for size in range(0, 1500, 50)]


def failure_of(segments):
    """Why not all of an object could be decompressed, empty if all was."""
    return "".join(segment.reason for segment in segments if segment.kind == "unreadable")


def read(make, content, limits=DEFAULT_LIMITS):
    reader = read_object(content, limits, make.check)
    segments = list(reader)
    return reader, [segment.data for segment in segments if segment.kind == "record"], segments


@pytest.mark.parametrize("name", NAMES)
def test_compression_is_told_by_content(make, wanted, name):
    content = b"".join(wanted)
    stored = make.compressions[name](content)
    reader, found, segments = read(make, stored)
    assert found == wanted
    assert reader.compression == name.split()[0]
    assert reader.sha256 == hashlib.sha256(stored).digest()
    assert {segment.kind for segment in segments} <= {"record", "framing"}
    make.assert_covers(segments, len(content))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [0, 1])
def test_few_records(make, wanted, name, count):
    stored = make.compressions[name](b"\n".join(wanted[:count]))
    if stored == b"\0":  # raw Snappy of nothing says no more than a zero
        return
    assert read(make, stored)[1] == wanted[:count]


@pytest.mark.parametrize("name", ["gzip", "zip", "snappy framed"])
def test_what_comes_before_a_break_is_read(make, wanted, name):
    stored = bytearray(make.compressions[name](b"".join(wanted)))
    place = len(stored) * 3 // 4
    stored[place : place + 40] = b"\xff" * 40
    _reader, found, segments = read(make, bytes(stored))
    assert found[: len(wanted) // 2] == wanted[: len(wanted) // 2]
    rest = segments[-1]
    assert rest.kind == "unreadable"
    assert rest.offset + rest.length == len(stored)
    assert rest.data == bytes(stored[rest.offset :])
    make.assert_covers(segments, sum(s.length for s in segments[:-1]))


@pytest.mark.parametrize("name", ["gzip", "snappy framed", "hadoop-snappy"])
def test_every_truncation(make, wanted, name):
    stored = make.compressions[name](b"".join(wanted[:8]))
    for end in range(20, len(stored)):
        _, found, segments = read(make, stored[:end])
        whole = [data for data in found if data in wanted]
        assert whole == wanted[: len(whole)]
        # What is left of the next may look like a record without its struct.
        assert len(whole) < len(found) or any(segment.reason for segment in segments)
        assert len(found) <= len(whole) + 1


@pytest.mark.parametrize("name", NAMES)
def test_every_changed_byte(make, wanted, name):
    stored = make.compressions[name](b"".join(wanted[:4]))
    for place in range(len(stored)):
        damaged = bytearray(stored)
        damaged[place] ^= 0x55
        read(make, bytes(damaged))


def test_gzip_keeps_records_of_a_member_whose_checksum_does_not_fit(make, wanted):
    stored = bytearray(gzip.compress(b"".join(wanted)))
    stored[-5] ^= 1
    _reader, found, segments = read(make, bytes(stored))
    assert found == wanted
    assert segments[-1].kind == "unreadable"


@pytest.mark.parametrize(("tail", "kept"), [(b"\0" * 100, True), (b"tail", False)])
def test_bytes_behind_gzip(make, wanted, tail, kept):
    _reader, found, segments = read(make, gzip.compress(wanted[3]) + tail)
    assert found == [wanted[3]]
    assert (failure_of(segments) == "") is kept
    assert kept or segments[-1].data == tail


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zip_of_several_entries(make, wanted, method):
    stored = make.zipped(*wanted, b"", method=method)
    assert read(make, stored)[1] == wanted


def test_zip_entry_that_does_not_fit_its_checksum(make, wanted):
    stored = bytearray(make.zipped(*wanted[:2], method=zipfile.ZIP_STORED))
    place = stored.index(wanted[1]) + len(wanted[1]) - 40
    stored[place] ^= 1
    _reader, found, segments = read(make, bytes(stored))
    assert found[0] == wanted[0]
    assert "checksum" in failure_of(segments)


@pytest.mark.parametrize("offset", [b"\xf0\xff\xff\xff", b"\x10\x00\x00\x00"])
def test_zip_entry_outside_the_file(make, wanted, offset):
    stored = bytearray(make.zipped(wanted[1]))
    place = stored.index(b"PK\x01\x02") + 42
    stored[place : place + 4] = offset
    _, found, segments = read(make, bytes(stored))
    assert (found, failure_of(segments)) == ([], "zip entry not where the directory says")
    (rest,) = segments
    assert 0 < rest.offset <= len(stored)
    assert rest.offset + rest.length == len(stored)


def test_zip_whose_directory_begins_before_the_file(make, wanted):
    stored = bytearray(make.zipped(wanted[1]))
    end = stored.rindex(b"PK\x05\x06")
    stored[end + 16 : end + 20] = b"\xff\xff\xff\x7f"
    assert read(make, bytes(stored))[1] == [wanted[1]]


def test_encrypted_zip(make, wanted):
    stored = bytearray(make.zipped(wanted[1]))
    stored[stored.index(b"PK\x01\x02") + 8] |= 1
    _reader, found, segments = read(make, bytes(stored))
    assert (found, failure_of(segments)) == ([], "encrypted zip entry")
    assert (segments[0].offset, segments[0].length) == (0, len(stored))


def test_zip_methods_beyond_deflate_are_named(make, wanted):
    stored = make.zipped(wanted[5], method=zipfile.ZIP_LZMA)
    assert failure_of(read(make, stored)[2]) == "zip method 14 is not known"


def test_zip_with_a_directory_to_fill_memory_is_refused(make, wanted):
    stored = bytearray(make.zipped(wanted[1]))
    end = stored.rindex(b"PK\x05\x06")
    stored[end + 12 : end + 16] = (1 << 30).to_bytes(4, "little")
    assert failure_of(read(make, bytes(stored))[2]) == "zip directory beyond the limit"


def test_expansion_beyond_the_ratio_ends_the_object(make, wanted):
    limits = replace(DEFAULT_LIMITS, expansion_floor=6 * MIB, expansion_ratio=10)
    stored = gzip.compress(b"".join(wanted) + b"\n" * (40 * MIB))
    _reader, found, segments = read(make, stored, limits)
    assert found == wanted
    assert segments[-1].kind == "unreadable"
    assert "limit" in failure_of(segments)


def test_expansion_beyond_the_size_ends_the_object(make, wanted):
    limits = replace(DEFAULT_LIMITS, expanded_bytes=6 * MIB)
    assert "limit" in failure_of(read(make, gzip.compress(bytes(9 * MIB)), limits)[2])


@pytest.mark.parametrize(
    "lie",
    [
        b"\xff\xff\xff\xff\x0f\x0c\xe0\x01\x00\xea",  # raw Snappy of 4 GiB
        b"\x7f\xff\xff\xff\x00\x00\x00\x0a\xff\xff\xff\xff\x07\x0c\xe0\x01\x00\xea",
    ],
)
def test_sizes_that_snappy_cannot_have_are_not_believed(make, lie):
    reader, found, _segments = read(make, lie)
    assert (reader.compression, found) == ("none", [])


@pytest.mark.parametrize(
    "garbage", [b"x\x0c", b"\x80\x08\x0c", b"\x90\x7f\x0c", b"\0\0\x7f\xff", HADOOP_LIE]
)
def test_garbage_that_looks_like_snappy_hides_no_record(make, wanted, garbage):
    reader, found, _segments = read(make, garbage + b"".join(wanted))
    assert reader.compression == "none"
    assert found == wanted


@pytest.mark.parametrize("size", range(8, 140))
def test_raw_snappy_of_any_small_size(make, size):
    content = make.record(bytes(max(0, size - 61)))
    content = make.IVM + b"\x20" * (size - 4) if size < 61 else content
    assert read(make, make.raw_snappy(content))[0].compression == "snappy"


def test_snappy_of_something_else_is_not_taken_for_an_archive(make):
    assert read(make, make.raw_snappy(b"not an archive" * 9))[0].compression == "none"


@pytest.mark.parametrize("kind", [0x02, 0x7F])
def test_framed_snappy_with_unknown_chunk(make, wanted, kind):
    stored = make.framed_snappy(wanted[9]) + bytes([kind, 1, 0, 0, 0])
    _, found, segments = read(make, stored)
    assert found == [wanted[9]]
    assert f"0x{kind:02x}" in failure_of(segments)


def test_framed_snappy_with_a_wrong_checksum(make, wanted):
    stored = bytearray(make.framed_snappy(wanted[5], piece=5000))
    stored[-1] ^= 1
    assert "checksum" in failure_of(read(make, bytes(stored))[2])


@pytest.mark.parametrize("size", [1, 40])
def test_hadoop_block_smaller_than_its_chunk(make, wanted, size):
    two = make.hadoop_snappy(wanted[9])
    stored = two + size.to_bytes(4, "big") + make.hadoop_snappy(wanted[1])[4:]
    _reader, found, segments = read(make, stored)
    assert found == [wanted[9]]
    assert failure_of(segments) == "Snappy chunk does not fit its block"
    assert (segments[-1].offset, segments[-1].length) == (len(two), len(stored) - len(two))


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"", 0),
        (b"a", 0xC1D04330),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),  # RFC 3720, B.4
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_crc32c_vectors(data, crc):
    assert crc32c(data) == crc


@pytest.mark.parametrize("size", [*range(70), 1000, 65_536])
def test_crc32c_folds_to_the_same_as_bit_by_bit(size):
    data = random.Random(size).randbytes(size)
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    assert crc32c(data) == crc ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("wrap", "number"),
    [
        (lambda make, one, two: make.zipped(two) + make.zipped(one), 0),
        (lambda make, one, two: make.zipped(one) + two, 1),
        (lambda make, one, two: make.zipped(one) + gzip.compress(two), 1),
    ],
    ids=["zip file before", "record behind", "gzip behind"],
)
def test_bytes_around_a_zip_file_do_not_vanish(make, wanted, wrap, number):
    stored = wrap(make, wanted[3], wanted[5])
    _, found, segments = read(make, stored)

    lost = [segment for segment in segments if segment.kind not in ("record", "framing")]
    assert found == [wanted[3]]
    assert [segment.reason for segment in lost] == ["bytes that are no zip entry"]
    assert lost[0].offset == number * len(make.zipped(wanted[3]))
    assert lost[0].offset + lost[0].length == len(stored)


class Pipe(io.RawIOBase):
    """Nobody can go back in it, so sizes stand behind the entries."""

    def __init__(self):
        self.written = b""

    def writable(self):
        return True

    def write(self, data):
        self.written += bytes(data)
        return len(data)


def test_sizes_behind_a_zip_entry_are_part_of_it(make, wanted):
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", wanted[3])
        archive.writestr("b", wanted[4])
    _, found, segments = read(make, pipe.written)

    assert found == [wanted[3], wanted[4]]
    assert failure_of(segments) == ""
