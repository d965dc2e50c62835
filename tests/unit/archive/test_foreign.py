"""Objects that are no stream archive."""

import gzip

import pytest

from qldb_replay.archive import read_object
from qldb_replay.limits import DEFAULT_LIMITS

BLOCK = b'blockAddress:{strandId:"JdxjkR9bSYB5jMHWcI464T",sequenceNo:1},transactionId:"x"'


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (b"PAR1" + bytes(100) + b"PAR1", "damage", "looks like Parquet"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "damage", "looks like PNG"),
        (b"A README\nwith lines\n", "damage", "looks like text"),
        ("Ein Text, größer".encode(), "damage", "looks like text"),
        (b"\x01\x02\x03\xff\x00", "damage", "no record begins here"),
        (b'{"level":"info"}', "damage", "JSON object without rawData"),
        (b'["list"]', "damage", "looks like text"),
        (b"{" + BLOCK + b"}", "export", "export: blocks as Ion text"),
        (b"$ion_1_0\n{\n " + BLOCK + b"}\n{}", "export", "export: blocks as Ion text"),
        (b'{"blockAddress":{"strandId":"x"}}\n', "export", "export: blocks as JSON"),
        (b'{keys:["2020/a.ion"]}', "export", "export: manifest"),
        (b'{"keys":["2020/a.json"]}', "export", "export: manifest"),
        (b"{\n  ledgerName: 'x',exportId:\"y\"}", "export", "export: manifest"),
    ],
)
@pytest.mark.parametrize("wrap", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_one_segment_says_what_it_looks_like(make, content, kind, reason, wrap):
    (segment,) = read_object(wrap(content), DEFAULT_LIMITS, make.check)
    assert (segment.kind, segment.reason) == (kind, reason)
    assert (segment.offset, segment.length, segment.data) == (0, len(content), content)


def test_binary_export(make):
    names = b"\x8cblockAddress\x8dtransactionId"
    symbols = b"\x87\xbe" + make.varuint(len(names)) + names
    body = b"\x81\x83\xde" + make.varuint(len(symbols)) + symbols
    table = b"\xee" + make.varuint(len(body)) + body
    content = make.IVM + table + b"\xd3\x8a\x21\x01" * 1000
    (segment,) = read_object(content, DEFAULT_LIMITS, make.check)
    assert (segment.kind, segment.reason) == ("export", "export: blocks as binary Ion")


def test_records_inside_a_parquet_file_are_not_its_own(make):
    content = b"PAR1" + make.record(b"1") + b"PAR1"
    assert [s.kind for s in read_object(content, DEFAULT_LIMITS, make.check)] == ["damage"]


def test_large_damage_is_kept_only_in_part(make):
    content = bytes(3 * DEFAULT_LIMITS.quarantine_bytes)
    (segment,) = read_object(content, DEFAULT_LIMITS, make.check)
    assert segment.length == len(content)
    assert len(segment.data) == DEFAULT_LIMITS.quarantine_bytes
