"""The native reader gives the very segments that the Python one gives, on any bytes."""

import gzip
import random
import zipfile
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qldb_replay.archive import read_object
from qldb_replay.codec.decode import RecordDecoder
from qldb_replay.errors import IonFormatError
from qldb_replay.limits import DEFAULT_LIMITS, KIB, MIB
from qldb_replay.simulate import SimulateOptions, simulate
from qldb_replay.simulate.damage import VERBS

native = pytest.importorskip(
    "qldb_replay.codec._native", reason="the native codec is not built: see CONTRIBUTING.md"
)

SMALL = replace(DEFAULT_LIMITS, record_bytes=3000, quarantine_bytes=64)
TINY = replace(SMALL, record_bytes=200, expansion_floor=2000, expansion_ratio=2)

JSON_KEYS = st.sampled_from(['"a"', '"rawData"', '"raw\\u0044ata"', "a"])
JSON_VALUES = st.recursive(
    st.sampled_from(
        ["null", "true", "false", "NaN", "Infinity", "-Infinity", "nul", "[", "]", "{", "}", ","],
    )
    | st.sampled_from(["0", "-0", "1.5", "1e9", "-2E-3", "7.e1", "01", "-", ".5", "1.0e+"])
    | st.sampled_from(
        ['""', '"x"', '"\\u0041"', '"\\ud800"', '"\\x"', '"\t"', '"\x80"', '"rawData"'],
    ),
    lambda values: st.one_of(
        st.lists(values).map(lambda items: f"[{','.join(items)}]"),
        st.lists(st.tuples(JSON_KEYS, values)).map(
            lambda pairs: "{ " + " , ".join(f"{key} : {value}" for key, value in pairs) + "}"
        ),
    ),
    max_leaves=8,
)
BASE64 = st.text(alphabet="ABab01+/=\n\\u-", max_size=9)
ODD_LINES = st.one_of(
    JSON_VALUES.map(lambda value: f'{{"a":{value}}}'),
    JSON_VALUES.map(lambda value: f'{{"rawData":{value}}}'),
    BASE64.map(lambda text: f'{{"rawData":"{text}"}}'),
    st.integers(95, 105).map(lambda levels: '{"a":' + "[" * levels + "]" * levels + "}"),
    st.integers(4298, 4302).map(lambda digits: '{"a":-' + "1" * digits + "}"),
).map(lambda text: text.encode("latin-1"))
STRATEGIES = [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY]
MARKS = st.sampled_from(
    [b"\n", b"\r\n", b"\n" * 70, b"\xe0\x01\x00\xea", b"\xf3\x89\x9a\xc2", b'\n{"', b"{", b"\0"]
)


def assert_same(content, limits, check):
    """Holds segments, and what `check` is asked on the way to them, against each other."""
    asked = {"python": [], "native": []}

    def asking(codec):
        def ask(data):
            asked[codec].append(data)
            return check(data)

        return ask

    reader = read_object(content, limits, asking("python"))
    expected = [tuple(segment) for segment in reader]
    compression, sha256, segments = native.read_object(content, limits, asking("native"))
    assert segments == expected
    assert asked["native"] == asked["python"]
    assert (compression, sha256) == (reader.compression, reader.sha256)


@st.composite
def contents(draw, make):
    """Records in all their wrappings, with all that can lie between them."""
    records = st.binary(max_size=400).map(make.record)
    part = st.one_of(
        records,
        MARKS,
        st.binary(max_size=60),
        st.lists(st.one_of(records, st.binary(max_size=9)), max_size=4).map(
            lambda parts: make.kpl(*parts)
        ),
        st.builds(
            lambda name, record: make.error_line(make.compressions[name](record)),
            st.sampled_from(sorted(make.compressions)),
            st.one_of(records, st.lists(records, max_size=3).map(lambda r: make.kpl(*r))),
        ),
        ODD_LINES,
    )
    return b"".join(draw(st.lists(part, max_size=8)))


@st.composite
def mutated(draw, content):
    """Flips, cuts out, puts in and repeats bytes."""
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([0, 1, 1, 2, 8, 40, 5000])))
        new = draw(
            st.one_of(
                st.binary(min_size=end - start, max_size=end - start)
                if end - start < 50
                else st.just(b""),
                st.binary(max_size=9),
                MARKS,
                st.just(content[start:end] * 2),
            )
        )
        content = content[:start] + new + content[end:]
    return content


@settings(deadline=None)
@given(st.data())
def test_any_archive_with_any_damage(make, data):
    content = data.draw(mutated(data.draw(contents(make))))
    wrap = make.compressions[data.draw(st.sampled_from(sorted(make.compressions)))]
    stored = data.draw(mutated(wrap(content)))
    if data.draw(st.booleans()):
        stored += data.draw(st.sampled_from([stored, b"\0" * 9, b"tail"]))
    assert_same(stored, data.draw(st.sampled_from([DEFAULT_LIMITS, SMALL, TINY])), make.check)


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\xe0\x01\x00\xea", b"PK\x03\x04", b"{"]))
def test_any_bytes(make, content, begin):
    assert_same(begin + content, SMALL, make.check)


@settings(deadline=None)
@given(st.data())
def test_any_broken_deflated_data(make, data):
    seed = data.draw(st.integers(0, 1 << 30))
    letters = data.draw(st.sampled_from([b"\0", b"ab", bytes(range(256))]))
    content = bytes(random.Random(seed).choices(letters, k=data.draw(st.integers(0, 20_000))))
    level = data.draw(st.sampled_from([0, 1, 6, 9]))
    strategy = data.draw(st.sampled_from(STRATEGIES))
    deflate = zlib.compressobj(level, zlib.DEFLATED, 31, 9, strategy)
    stored = bytearray(deflate.compress(make.IVM + content) + deflate.flush())
    for _ in range(data.draw(st.integers(1, 2))):
        stored[data.draw(st.integers(2, len(stored) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert_same(bytes(stored), replace(DEFAULT_LIMITS, quarantine_bytes=MIB), make.check)


@settings(deadline=None)
@given(st.data())
def test_any_zip_directory(make, data):
    method = data.draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    stored = bytearray(make.zipped(make.record(b"1"), make.record(b"2") * 3, method=method))
    end = stored.rindex(b"PK\x05\x06")
    directory = int.from_bytes(stored[end + 16 : end + 20], "little")
    extra = data.draw(
        st.one_of(st.just(b""), st.binary(max_size=12), st.binary(max_size=30).map(zip64_extra))
    )
    name = directory + 46 + stored[directory + 28]
    stored[name:name] = extra
    stored[directory + 30] = len(extra)
    end += len(extra)
    stored[end + 12 : end + 16] = (end - directory).to_bytes(4, "little")
    for place in data.draw(st.lists(st.sampled_from([20, 24, 42]), max_size=3)):
        stored[directory + place : directory + place + 4] = b"\xff" * 4
    for _ in range(data.draw(st.integers(0, 2))):
        place = data.draw(st.integers(directory, len(stored) - 1))
        stored[place] = data.draw(st.one_of(st.integers(0, 255), st.just(stored[place] ^ 1)))
    before, behind = data.draw(st.sampled_from([b"", make.zipped(b"")])), data.draw(MARKS)
    assert_same(before + bytes(stored) + behind * data.draw(st.integers(0, 1)), SMALL, make.check)


def zip64_extra(body):
    return b"\x01\x00" + len(body).to_bytes(2, "little") + body


@pytest.mark.parametrize("name", ["none", "gzip", "zip", "snappy framed", "hadoop-snappy"])
def test_windows_move_the_same_way(make, name):
    chance = random.Random(name)
    parts = []
    for index in range(1500):
        parts.append(make.record(bytes([index % 256]) * chance.randrange(12_000)))
        if chance.random() < 0.1:
            parts.append(chance.choice([b"\n" * 9000, b"x" * 300_000, b"\xe0\x01"]))
    content = b"".join(parts)
    assert len(content) > 16 * MIB  # windows for lines of 4 MiB hold some 8 MiB
    stored = make.compressions[name](content) if name != "gzip" else gzip.compress(content, 1)
    for limits in (replace(SMALL, record_bytes=MIB), SMALL):
        assert_same(stored, limits, make.check)
    assert_same(stored[: len(stored) * 9 // 10], SMALL, make.check)


@pytest.mark.parametrize(
    "content",
    [
        b"\x1f\x8b",
        b"PAR1" + bytes(100_000),
        b'{"blockAddress":{"strandId"',
        b" $ion_1_0\n{'exportId' : ",
        b"PK\x05\x06" + bytes(18),
        b"PK\x05\x06" + b"\xff" * 12,
        gzip.compress(b"PAR1" + bytes(40 * MIB)),
        gzip.compress(b"\n" * (20 * MIB)),
        gzip.compress(b"") * 1000,
        b'{"a":"' + b"x" * (4 * MIB) + b'"}\n',
        b'{"a":1}' * 700_000,
    ],
    ids=range(11),
)
def test_extremes(make, content):
    assert_same(content, DEFAULT_LIMITS, make.check)


def refuse(_data):
    raise IonFormatError("no", 0)


@pytest.mark.parametrize("more", [-1, 0, 1, 2])
def test_bounds_lie_at_the_same_byte(make, more):
    one, long_line = make.record(b"1"), b"x" * (4 * MIB - 8 + more)
    for content in (
        one + b"\n" * (64 + more) + one,
        one + b"\r\n" * (1024 + more) + one,
        b'{"a":"' + long_line + b'"}' + one,
        make.zipped(one) + b"x" * (65_535 + more),
        make.framed_snappy(bytes(65_536 + more), piece=70_000),
        bytes([37 + more]) + b"\0\n" * (37 + more),  # as long as raw Snappy can become
        make.zipped(one).replace(
            b"PK\x01\x02\x14\x03\x14", b"PK\x01\x02\x14\x03" + bytes([63 + more])
        ),
        b'{"a":-' + b"1" * (4300 + more) + b"}",
        b"\xf3\x89\x9a\xc2\x0a" + b"\x80" * (8 + more) + b"\x00" + one,
        b"~" * (63 + more) + b"\x01",
    ):
        assert_same(content, DEFAULT_LIMITS, make.check)
        assert_same(content, SMALL, refuse)


@pytest.mark.parametrize("size", [64, 100, 190])
def test_the_allowance_ends_at_the_same_byte(make, size):
    nested = make.IVM + b"\xe3abc\xde\x01\x80"
    content = b"x" + (nested * 9 + b"\xf3\x89\x9a\xc2\x0a\x40") * 90 + make.record(b"1")
    assert_same(content, replace(SMALL, record_bytes=size), refuse)


@pytest.mark.parametrize(
    "text",
    [
        "=",
        "YQ",
        "YQ=",
        "YQ==",
        "YQ===",
        "YQ==x",
        "YR==",
        "YWI=",
        "YWJ=",
        "YWI==",
        "Y",
        "Y===",
        "YWJj",
        "YWJj=",
        "YWJj====",
        "YWJj=x",
        "YW=I",
        "YQ-_",
        "YQ\\u003d\\u003d",
    ],
)
def test_base64_is_read_the_same_way(make, text):
    assert_same(b'{"rawData":"' + text.encode() + b'"}', SMALL, make.check)


def test_deflated_data_breaks_at_the_same_byte(make):
    chance = random.Random(6)
    for _ in range(600):
        letters = chance.choice([b"\0", b"ab", b"abcdefgh"])
        content = make.IVM + bytes(chance.choices(letters, k=chance.randrange(3000)))
        stored = bytearray(gzip.compress(content, chance.choice([1, 6]), mtime=0))
        stored[chance.randrange(10, len(stored))] ^= 1 << chance.randrange(8)
        assert_same(bytes(stored), DEFAULT_LIMITS, make.check)


@pytest.mark.parametrize("verb", [*VERBS, "none"])
def test_simulated_archives_with_every_damage(tmp_path, verb):
    options = SimulateOptions(
        tmp_path / "archive",
        300,
        damage=() if verb == "none" else (verb,),
        error_share=0.1,
        kpl=len(verb) % 2 == 0,
        compression=("none", "gzip", "zip", "snappy", "hadoop-snappy")[len(verb) % 5],
        object_bytes=100 * KIB,
        delimiter="lf",
    )
    simulate(options)
    check = RecordDecoder(DEFAULT_LIMITS).decode
    for path in sorted(options.out.rglob("*")):
        if path.is_file():
            assert_same(path.read_bytes(), DEFAULT_LIMITS, check)
