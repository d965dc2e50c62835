"""Hand-made records, and every way in which an archive wraps them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

from captured import LACKING, REAL
from qldb_replay.archive import Segment
from qldb_replay.archive.crc32c import crc32c
from qldb_replay.errors import IonFormatError

try:
    from qldb_replay.codec import _native as native
except ImportError:
    native = None

IVM = b"\xe0\x01\x00\xea"
TABLE = b"\xee\x8f\x81\x83\xde\x8b\x87\xb9\x84body\x83sum"


def varuint(number: int) -> bytes:
    parts = [number & 0x7F | 0x80]
    while number := number >> 7:
        parts.insert(0, number & 0x7F)
    return bytes(parts)


def blob(content: bytes) -> bytes:
    return b"\xae" + varuint(len(content)) + content


def record(content: bytes) -> bytes:
    """A record that carries its own checksum, so that `check` tells it from anything else."""
    body = b"\x8a" + blob(content) + b"\x8b" + blob(hashlib.sha256(content).digest())
    return IVM + TABLE + b"\xde" + varuint(len(body)) + body


def check(data: bytes) -> None:
    """Accepts exactly what `record` makes."""
    content = data[data.index(b"\x8a\xae") + 2 : -35] if b"\x8a\xae" in data else b""
    while content and content[0] < 0x80:
        content = content[1:]
    if record(content[1:]) != data:
        raise IonFormatError("no record", 0)


def protobuf(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + little_varint(len(content)) + content


def little_varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def kpl(*records: bytes) -> bytes:
    message = protobuf(1, b"a") + protobuf(2, b"0")
    for data in records:
        message += protobuf(3, b"\x08\x00" + protobuf(3, data) + protobuf(4, b"\x0a\x01t"))
    return b"\xf3\x89\x9a\xc2" + message + hashlib.md5(message).digest()


def error_line(raw: bytes) -> bytes:
    line = {
        "attemptsMade": 4,
        "errorCode": "Lambda.InvocationFailed",
        "errorMessage": 'braces } { and "quotes", \u00e9',
        "rawData": base64.b64encode(raw).decode(),
    }
    return json.dumps(line, ensure_ascii=False).encode()


def raw_snappy(content: bytes) -> bytes:
    return pa.compress(content, codec="snappy", asbytes=True)


def framed_snappy(content: bytes, piece: int = 1000) -> bytes:
    result = b"\xff\x06\x00\x00sNaPpY\xfe\x02\x00\x00\x00\x00"
    for index in range(0, len(content), piece):
        part = content[index : index + piece]
        crc = crc32c(part)
        masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
        stored = raw_snappy(part) if index % (2 * piece) else part
        kind = 0 if index % (2 * piece) else 1
        body = masked.to_bytes(4, "little") + stored
        result += bytes([kind]) + len(body).to_bytes(3, "little") + body
    return result


def hadoop_snappy(content: bytes, block: int = 4000, piece: int = 1500) -> bytes:
    result = b""
    for index in range(0, len(content), block):
        part = content[index : index + block]
        result += len(part).to_bytes(4, "big")
        for start in range(0, len(part), piece):
            stored = raw_snappy(part[start : start + piece])
            result += len(stored).to_bytes(4, "big") + stored
    return result


def zipped(*contents: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for index, content in enumerate(contents):
            archive.writestr(f"entry-{index}", content)
    return target.getvalue()


def gzip_members(content: bytes, piece: int = 1000) -> bytes:
    starts = range(0, max(1, len(content)), piece)
    return b"".join(gzip.compress(content[start : start + piece], mtime=0) for start in starts)


COMPRESSIONS = {
    "none": bytes,
    "gzip": gzip_members,
    "zip": zipped,
    "snappy": raw_snappy,
    "snappy framed": framed_snappy,
    "hadoop-snappy": hadoop_snappy,
}


def assert_covers(segments, length: int) -> None:
    """Every byte of the decompressed object lies in exactly one stretch."""
    end = 0
    last = None
    for segment in segments:
        if segment.kind == "unreadable":
            continue
        if (segment.offset, segment.length) == last:
            assert segment.part > 0 or segment.kind == "damage"
            continue
        assert segment.offset == end
        assert segment.length > 0
        end += segment.length
        last = (segment.offset, segment.length)
        if segment.kind == "record":
            assert segment.data
        assert (segment.reason == "") == (segment.kind in ("record", "framing"))
    assert end == length


class NativeReader:
    """The native reader in the shape of the Python one."""

    def __init__(self, content, limits, check):
        self.compression, self.sha256, found = native.read_object(content, limits, check)
        self.segments = [Segment(*each) for each in found]

    def __iter__(self):
        return iter(self.segments)


def pytest_generate_tests(metafunc):
    """Lets what reads objects by `read_object` run on both codecs."""
    if hasattr(metafunc.module, "read_object") and not hasattr(metafunc.module, "native"):
        metafunc.parametrize("codec", ["python", "native"], indirect=True, scope="module")


@pytest.fixture(autouse=True, scope="module")
def codec(request):
    if getattr(request, "param", "python") == "python":
        yield
    elif native is None:
        pytest.skip("the native codec is not built: see CONTRIBUTING.md")
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(request.module, "read_object", NativeReader)
            yield


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    return SimpleNamespace(
        IVM=IVM,
        TABLE=TABLE,
        varuint=varuint,
        blob=blob,
        record=record,
        check=check,
        protobuf=protobuf,
        kpl=kpl,
        error_line=error_line,
        raw_snappy=raw_snappy,
        framed_snappy=framed_snappy,
        hadoop_snappy=hadoop_snappy,
        zipped=zipped,
        gzip_members=gzip_members,
        compressions=COMPRESSIONS,
        assert_covers=assert_covers,
    )


@pytest.fixture(scope="session")
def real() -> Path:
    """Folder of real records, which are not part of the project."""
    if not REAL.is_dir():
        pytest.skip(LACKING)
    return REAL
