"""The native codec gives what the Python one gives, column by column, on any bytes."""

import io
import os
import struct
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from amazon.ion import simpleion
from hypothesis import given, settings
from hypothesis import strategies as st

from qldb_replay.archive import Segment
from qldb_replay.codec import objects, typed
from qldb_replay.codec.columns import DECODED
from qldb_replay.codec.decode import RecordDecoder
from qldb_replay.codec.sketch import fold
from qldb_replay.codec.types import Array, DataType, Scalar, data_type, to_arrow
from qldb_replay.errors import IonFormatError
from qldb_replay.ion.canonical import signed, varint, varuint
from qldb_replay.ion.evaluate import Evaluator
from qldb_replay.ion.framing import IVM
from qldb_replay.ion.stream import StreamReader
from qldb_replay.ion.symbols import SYSTEM_TEXTS
from qldb_replay.limits import DEFAULT_LIMITS, KIB, MIB, Limits
from qldb_replay.simulate import SimulateOptions, simulate
from qldb_replay.simulate.damage import VERBS
from qldb_replay.simulate.ledger import Ledger
from records import block, details, record

native = pytest.importorskip(
    "qldb_replay.codec._native", reason="the native codec is not built: see CONTRIBUTING.md"
)
native_codec = pytest.importorskip("qldb_replay.codec.native")

EXAMPLES = int(os.environ.get("QLDB_REPLAY_EXAMPLES", "200"))
"""Cases of each property; a night's run may ask for many more."""

many = settings(max_examples=EXAMPLES)
NARROW = replace(
    DEFAULT_LIMITS, depth=6, struct_fields=3, struct_levels=2, symbols=40, quarantine_bytes=30
)

NAMES: tuple[str | None, ...] = (
    *("qldbStreamArn", "recordType", "payload", "tableInfo", "tableName", "tableId", "revision"),
    *("blockAddress", "strandId", "sequenceNo", "hash", "data", "dataHash", "metadata", "id"),
    *("version", "txTime", "txId", "transactionId", "blockTimestamp", "blockHash", "entriesHash"),
    *("previousBlockHash", "entriesHashList", "transactionInfo", "statements", "statement"),
    *("startTime", "statementDigest", "documents", "revisionSummaries", "documentId"),
    *("redactionInfo", "revisions", "", "a", "a", "$10", None, '\x0b\x0c\x0e"\\\n\x7f\u2028'),
    *("\U0001f600", "\u00e9" * 70, "n" * 300),
)
"""Names of the journal's own fields, and odd ones."""


def sized(kind: int, body: bytes, zeros: int | None = None) -> bytes:
    """A value with its length in the descriptor, or after so many needless zeros."""
    if zeros is None and len(body) < 14 and not (kind == 13 and len(body) == 1):
        return bytes([kind << 4 | len(body)]) + body
    return bytes([kind << 4 | 14]) + b"\0" * (zeros or 0) + varuint(len(body)) + body


def symbol_table(names: Sequence[str | None]) -> bytes:
    texts = [b"\x8f" if name is None else sized(8, name.encode()) for name in names]
    return sized(14, b"\x81\x83" + sized(13, b"\x87" + sized(11, b"".join(texts))))


TABLE = symbol_table(NAMES)
sids = st.integers(0, len(SYSTEM_TEXTS) + len(NAMES))
zeros = st.none() | st.integers(0, 3)
raw = st.binary(max_size=20)
marked = st.lists(st.sampled_from(b"\x0b\x0c\x0e\0\x01\x7f\x80\xff"), max_size=12).map(bytes)
texts = st.text(st.characters(codec="utf-8"), max_size=20)
magnitudes = marked | raw | st.integers(0, 2**70).map(lambda number: number.to_bytes(9, "big"))


def varints(least: int, most: int) -> st.SearchStrategy[bytes]:
    return st.builds(
        lambda number, negative: varint(abs(number), negative or number < 0),
        st.integers(least, most),
        st.booleans(),
    )


exponents = varints(-40, 40) | varints(-410, 10) | varints(-(2**68), 2**68) | st.just(b"\xc0")
decimals = st.just(b"") | st.builds(bytes.__add__, exponents, magnitudes)
clocks = st.tuples(st.integers(0, 24), st.integers(0, 60)).map(lambda each: [*map(varuint, each)])
odd_timestamps = st.builds(
    lambda offset, date, clock, second, fraction, take: b"".join(
        [offset, *[*map(varuint, date), *clock, varuint(second), fraction][:take]]
    ),
    varints(-1500, 1500) | st.sampled_from([b"\x80", b"\xc0"]),
    st.tuples(
        st.sampled_from([0, 1, 1899, 1969, 1970, 2000, 2024, 2100, 9999, 10000, 2**40]),
        st.integers(0, 13),
        st.integers(0, 32) | st.sampled_from([1, 28, 29, 30, 31]),
    ),
    clocks,
    st.integers(0, 60),
    st.just(b"") | st.builds(bytes.__add__, varints(-10, 0) | exponents, marked | raw),
    st.integers(0, 7) | st.just(7),
)
fractions = st.integers(1, 30).flatmap(
    lambda scale: st.integers(0, 10**scale - 1).map(
        lambda digits: varint(scale, True) + signed(digits, False)
    )
)
timestamps = st.builds(
    lambda offset, moment, fraction, take: b"".join(
        [offset, *[varuint(part) for part in moment.timetuple()[:6]][:take], fraction * (take == 6)]
    ),
    st.just(b"\x80") | st.just(b"\xc0") | varints(-1439, 1439),
    st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)),
    st.just(b"") | fractions,
    st.sampled_from([1, 2, 3, 5, 6, 6, 6, 6]),
)
floats = st.floats(width=64).map(partial(struct.pack, ">d")) | st.floats(width=32).map(
    partial(struct.pack, ">f")
)
pads = st.integers(0, 20).map(lambda size: sized(0, b"\0" * size))
scalars = st.one_of(
    st.integers(0, 13).map(lambda kind: bytes([kind << 4 | 15])),
    st.sampled_from([b"\x10", b"\x11", b"\x20", b"\x40", b"\x50", b"\x70", b"\x80"]),
    st.builds(sized, st.sampled_from([2, 3]), magnitudes, zeros),
    floats.map(partial(sized, 4)),
    st.builds(sized, st.just(5), decimals, zeros),
    st.builds(sized, st.just(6), timestamps, zeros),
    st.builds(sized, st.just(7), sids.map(lambda sid: bytes([0, sid])), zeros),
    st.builds(sized, st.just(8), texts.map(str.encode), zeros),
    st.builds(sized, st.sampled_from([9, 10]), marked | raw, zeros),
)
odd_scalars = st.one_of(
    scalars,
    odd_timestamps.map(partial(sized, 6)),
    raw.map(partial(sized, 8)),
    st.just(b"\x71\xff"),
    st.builds(lambda descriptor, body: bytes([descriptor]) + body, st.integers(0, 255), raw),
)
annotations = st.lists(sids.map(varuint), min_size=1, max_size=3).map(b"".join)
keys = st.builds(lambda sid, zeros: b"\0" * zeros + varuint(sid), sids, st.integers(0, 2))


def containers(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    members = st.builds(bytes.__add__, keys, inner | pads)
    return st.one_of(
        st.builds(
            sized,
            st.sampled_from([11, 12]),
            st.lists(inner | pads, max_size=5).map(b"".join),
            zeros,
        ),
        st.builds(sized, st.just(13), st.lists(members, max_size=6).map(b"".join), zeros),
        st.lists(members, min_size=1, max_size=4)
        .map(lambda members: b"".join(sorted(members, key=lambda each: each.lstrip(b"\0"))))
        .map(lambda body: b"\xd1" + varuint(len(body)) + body),
        st.builds(annotated, annotations, inner),
    )


def annotated(annotations: bytes, value: bytes) -> bytes:
    if value[0] >= 0xE0:
        return value
    return sized(14, varuint(len(annotations)) + annotations + value)


def odd_containers(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    structs = st.lists(st.builds(bytes.__add__, keys, inner | pads), max_size=6).map(b"".join)
    return st.one_of(
        containers(inner),
        structs.map(lambda body: b"\xd1" + varuint(len(body)) + body),
        st.builds(
            lambda sids, value: sized(14, bytes([len(sids) | 128]) + sids + value), raw, inner
        ),
    )


sound_values = st.recursive(scalars, containers, max_leaves=20)
values = sound_values | st.recursive(odd_scalars, odd_containers, max_leaves=10)


def field(name: str, value: bytes) -> bytes:
    return varuint(len(SYSTEM_TEXTS) + NAMES.index(name)) + value


def structs_of(**known: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Structs with these fields, and now and then another one or without one."""
    usual = st.tuples(*[value.map(partial(field, name)) for name, value in known.items()])
    odd = st.just(b"") | st.builds(bytes.__add__, keys, values | pads)
    names = st.sampled_from(list(known))
    odd |= st.builds(field, names, values)
    return st.builds(
        lambda usual, at, odd: sized(13, b"".join([*usual[:at], odd, *usual[at + 1 :]])),
        usual,
        st.sampled_from([*[len(known)] * 3 * len(known), *range(len(known))]),
        st.just(b"") | odd,
    )


def lists_of(element: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    usual = st.lists(element, max_size=5)
    odd = st.lists(element | values | pads, max_size=3)
    return (usual | usual | usual | usual | odd).map(lambda items: sized(11, b"".join(items)))


strings = texts.map(lambda text: sized(8, text.encode()))
ids = st.sampled_from(["JUJgkIcNbhS2goq8RqLuZ4", "D", ""]).map(lambda id_: sized(8, id_.encode()))
hashes = st.binary(min_size=32, max_size=32).map(partial(sized, 10)) | st.just(b"\xa0")
numbers = st.integers(0, 2**33).map(lambda number: sized(2, number.to_bytes(5, "big")))
times = timestamps.map(partial(sized, 6))
addresses = structs_of(strandId=ids, sequenceNo=numbers)
revisions = structs_of(
    tableInfo=structs_of(tableName=strings, tableId=ids),
    revision=structs_of(
        blockAddress=addresses,
        hash=hashes,
        data=sound_values,
        dataHash=hashes | st.just(b"\xaf"),
        metadata=structs_of(id=ids, version=numbers, txTime=times, txId=ids),
    ),
)
documents = st.lists(
    st.builds(
        bytes.__add__,
        keys,
        structs_of(tableName=strings, tableId=ids, statements=lists_of(numbers)),
    ),
    max_size=3,
).map(lambda members: sized(13, b"".join(members)))
blocks = structs_of(
    blockAddress=addresses,
    transactionId=ids,
    blockTimestamp=times,
    blockHash=hashes,
    entriesHash=hashes,
    previousBlockHash=hashes,
    entriesHashList=lists_of(hashes),
    transactionInfo=structs_of(
        statements=lists_of(structs_of(statement=strings, startTime=times, statementDigest=hashes)),
        documents=documents,
    ),
    revisionSummaries=lists_of(structs_of(hash=hashes, documentId=ids)),
    redactionInfo=structs_of(
        revisions=lists_of(
            structs_of(blockAddress=addresses, tableId=ids, documentId=ids, version=numbers)
        )
    ),
)


def records_of(kind: bytes, payload: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    envelope = structs_of(
        qldbStreamArn=strings, recordType=st.just(sized(8, kind)), payload=payload
    )
    return envelope.map(lambda value: IVM + TABLE + value)


made = st.one_of(
    records_of(b"REVISION_DETAILS", revisions),
    records_of(b"BLOCK_SUMMARY", blocks),
    records_of(b"CONTROL", values),
    blocks.map(lambda value: IVM + TABLE + value),
)


def simulated(revisions: int, **options: Any) -> list[bytes]:
    made = Ledger(SimulateOptions(out=Path("unused"), revisions=revisions, **options))
    return [
        each.record for part in made for each in (part, *part.revisions) if len(each.record) < 3000
    ]


SOUND = [
    *simulated(60),
    details(),
    block(),
    record("CONTROL", "{a:{b:[x,1,2.5,null,true,{{aGk=}},2000-01-01T]}}"),
    details("{i:(a b::1 null.int),j:123456789012345678901234567890,k:-1.5d-30,l:1e0,s:symbol}"),
]
ODD_BYTES = bytes.fromhex(
    "000a0b0c0e0f1f20212f303f4448505260617071 7f80818e8faf b0bebfd0d1dedfe0e1eaeeff"
)
changes = st.lists(
    st.tuples(
        st.sampled_from(["flip", "set", "cut", "insert", "delete", "copy", "append"]),
        st.integers(0, 2999),
        st.integers(0, 2999),
        st.sampled_from(ODD_BYTES) | st.integers(0, 255),
    ),
    min_size=1,
    max_size=4,
)


def changed(data: bytes, changes: Sequence[tuple[str, int, int, int]]) -> bytes:
    buf = bytearray(data)
    for what, at, other, byte in changes:
        at, other = at % (len(buf) + 1), other % (len(buf) + 1)
        if what == "flip" and at < len(buf):
            buf[at] ^= 1 << byte % 8
        elif what == "set" and at < len(buf):
            buf[at] = byte
        elif what == "cut" and byte < 64:
            del buf[at:]
        elif what == "insert":
            buf[at:at] = bytes([byte])
        elif what == "delete":
            del buf[at : at + 1 + byte % 4]
        elif what == "copy":
            buf[at : at + byte % 24] = buf[other : other + byte % 24]
        elif what == "append":
            buf += bytes([byte])
    return bytes(buf)


class Both:
    """Both codecs, with what they remember of the records before."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits, self._python = limits, RecordDecoder(limits)
        self._native = native.Decoder(limits)

    def assert_same(self, data: bytes) -> None:
        rows = objects._Rows(self._python, self._limits)
        rows.begin("")
        rows.add(Segment("record", 0, len(data), data))
        expected = rows.batch()
        found = self._native.decode(data)
        if not found.equals(expected):
            assert found.to_pylist() == expected.to_pylist(), data.hex()


BOTH, BOTH_NARROW = Both(), Both(NARROW)


def evaluated(stream: bytes, limits: Limits) -> Any:
    evaluator = Evaluator(limits)
    reader = StreamReader(evaluator, limits)
    try:
        return [
            evaluator.evaluate(stream, start, end, table)
            for table, _, start, end in reader.values(stream, 0, len(stream))
        ]
    except IonFormatError as error:
        return str(error)


def assert_same_values(stream: bytes, limits: Limits = DEFAULT_LIMITS) -> None:
    try:
        found = native.evaluate(stream, limits)
    except ValueError as error:
        found = str(error)
    assert found == evaluated(stream, limits), stream.hex()


@pytest.mark.parametrize("data", SOUND[-4:], ids=["revision", "block", "control", "types"])
def test_sound_records(data: bytes) -> None:
    BOTH.assert_same(data)


@many
@given(st.sampled_from(SOUND), changes)
def test_damaged_records(data: bytes, changes: list[tuple[str, int, int, int]]) -> None:
    BOTH.assert_same(changed(data, changes))


@many
@given(made)
def test_records_of_any_values(data: bytes) -> None:
    BOTH.assert_same(data)
    BOTH_NARROW.assert_same(data)


@many
@given(made, changes)
def test_damaged_records_of_any_values(
    data: bytes, changes: list[tuple[str, int, int, int]]
) -> None:
    BOTH.assert_same(changed(data, changes))


@many
@given(st.lists(values, max_size=3).map(b"".join))
def test_any_values(data: bytes) -> None:
    assert_same_values(IVM + TABLE + data)
    assert_same_values(IVM + data, NARROW)


@many
@given(st.lists(values, max_size=3).map(b"".join))
def test_values_that_repeat(data: bytes) -> None:
    """Under two symbol tables, often enough for what repeats to be remembered."""
    assert_same_values(IVM + TABLE + 4 * data + IVM + 4 * data + IVM + TABLE + data)


@pytest.mark.parametrize(
    "fields",
    [
        "",
        "a: 1, b: 1",
        "a: 0, b: -1, a: 1",
        "a: null, b: null.int, a: null.string",
        "a: {}, b: [], c: [{}, {}]",
        'a: "", b: "\\u000b", c: x',
        "a: 2020-01-01T00:00:00Z, b: 2020-01-01T00:00:00.000Z, c: 2020-01-01",
    ],
)
def test_fields_that_repeat(fields: str, ion: Any) -> None:
    assert_same_values(ion(" ".join([f"{{{fields}}} [{{{fields}}}]"] * 4)))


@many
@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    BOTH.assert_same(data)
    assert_same_values(IVM + TABLE + data)
    assert_same_values(IVM + data)


members = st.one_of(
    st.builds(bytes.__add__, st.sampled_from([b"\x84", b"\x86", b"\x87", b"\x88"]), values),
    st.lists(strings | values | pads, max_size=4).map(
        lambda all_: b"\x87" + sized(11, b"".join(all_))
    ),
    st.just(b"\x86\x71\x03"),
    st.lists(
        st.builds(
            lambda name, size: sized(13, b"\x84" + name + b"\x88" + size),
            strings | values,
            st.integers(0, 50).map(lambda size: bytes([0x21, size])) | values,
        ),
        max_size=2,
    ).map(lambda imports: b"\x86" + sized(11, b"".join(imports))),
)
tables = st.builds(
    lambda members, more: sized(
        14, varuint(len(more) + 1) + b"\x83" + more + sized(13, b"".join(members))
    ),
    st.lists(members, max_size=3),
    st.just(b"") | annotations,
)


@many
@given(st.lists(tables | tables | scalars | st.sampled_from([IVM, b"\x71\x02"]), max_size=5))
def test_any_symbol_tables(parts: list[bytes]) -> None:
    ends = b"\x71\x0a\xd3\x8b\x21\x01\x71\x0c"
    assert_same_values(IVM + b"".join(parts) + ends)
    assert_same_values(IVM + b"".join(parts) + ends, NARROW)


python_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.decimals(allow_nan=False, allow_infinity=False),
        st.text(st.characters(codec="utf-8"), max_size=20),
        st.binary(max_size=20),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=15,
)


@many
@given(python_values)
def test_what_another_writer_wrote(value: Any) -> None:
    out = io.BytesIO()
    simpleion.dump_python(value, out, binary=True)
    assert_same_values(out.getvalue())


@pytest.mark.parametrize(
    "number",
    [
        *(0.0, 1e15, 1e16, 1e17, 123456789012345680.0, 1e-4, 1e-5, 5e-324, 1.7976931348623157e308),
        *(0.1, 2.0**-24, 562949953421312.25, 562949953421312.75, 70368744177664.125),
    ],
)
def test_floats_are_written_as_python_writes_them(number: float) -> None:
    for sign in (1, -1):
        assert_same_values(IVM + b"\x48" + struct.pack(">d", sign * number))


@pytest.mark.parametrize("size", [16, 17, 400, 2000, 256 * KIB, 256 * KIB + 1])
def test_long_numbers(size: int) -> None:
    for body in (b"\xfe" * size, b"\x01" + b"\0" * (size - 1), b"\0" * size):
        assert_same_values(IVM + sized(2, body))
        assert_same_values(IVM + sized(5, b"\xc3" + body))
        assert_same_values(IVM + sized(7, body))
        assert_same_values(IVM + b"\x71\x04" + sized(7, body) + b"\xb2\x71\x09")


def test_containers_nested_to_the_limit_and_beyond() -> None:
    for depth in (1, 19, 20, 21, 199, 200, 201):
        for wrap in (
            partial(sized, 11),
            partial(sized, 12),
            lambda value: sized(13, b"\x84" + value),
            lambda value: sized(14, b"\x81\x84" + sized(11, value)),
        ):
            value = b"\x20"
            for _ in range(depth):
                value = wrap(value)
            assert_same_values(IVM + value)


def test_symbols_that_expand_beyond_the_limit() -> None:
    table = symbol_table(["a" * MIB])
    for count in (15, 16, 17):
        for value in (b"\x71\x0a", b"\xd2\x8a\x20", b"\xe4\x82\x84\x8a\x20"):
            assert_same_values(IVM + table + sized(11, value * count))


def test_more_fields_than_are_compared_one_by_one() -> None:
    names = [f"name {number}" for number in range(40)]
    fields = [varuint(10 + number) + b"\x21\x01" for number in range(40)]
    for members in (fields, [*fields, fields[7]], [*fields, fields[39]]):
        payload = sized(13, b"".join(members))
        parts = (b"\x81a", sized(8, b"CONTROL"), payload)
        envelope = b"".join(varuint(50 + at) + part for at, part in enumerate(parts))
        table = symbol_table([*names, "qldbStreamArn", "recordType", "payload"])
        BOTH.assert_same(IVM + table + sized(13, b"".join(members) + envelope))


@pytest.mark.parametrize("verb", [None, *sorted(VERBS)])
def test_archives(tmp_path: Path, verb: str | None) -> None:
    damage = () if verb is None else (verb,)
    options = SimulateOptions(
        out=tmp_path / "archive",
        revisions=300,
        object_bytes=64 * KIB,
        error_share=0.05,
        untold_share=0.05,
        damage=damage,
    )
    simulate(options)
    files = sorted(path for path in options.out.rglob("*") if path.is_file())
    fetched: list[objects.FetchedObject] = [
        (path.name, path.read_bytes(), b"" if at % 5 == 0 else None)
        for at, path in enumerate(files)
    ]
    uri, content, _ = fetched[0]
    assert_same_batches([*fetched, (uri, content, sha256(content).digest())])


def decoded(decode: Any, fetched: list[objects.FetchedObject]) -> list[pa.RecordBatch]:
    return list(decode(fetched, DEFAULT_LIMITS))


def assert_same_batches(fetched: list[objects.FetchedObject]) -> None:
    expected = decoded(objects.decode_objects, fetched)
    found = decoded(native_codec.decode_objects, fetched)
    assert [batch.num_rows for batch in found] == [batch.num_rows for batch in expected]
    for left, right in zip(found, expected, strict=True):
        left.validate(full=True)
        assert left.schema.equals(DECODED, check_metadata=True)
        for name in DECODED.names:
            assert left.column(name).equals(right.column(name)), name


def revision_of(data: bytes) -> bytes:
    """A record around a value, with the fewest fields."""
    name, number = sized(8, b"x"), b"\x20"
    address = sized(13, field("strandId", name) + field("sequenceNo", number))
    metadata = sized(13, field("id", name) + field("version", number))
    parts = {"blockAddress": address, "metadata": metadata, "data": data}
    revision = sized(13, b"".join(field(*part) for part in parts.items()))
    table = sized(13, field("tableName", name) + field("tableId", name))
    payload = sized(13, field("tableInfo", table) + field("revision", revision))
    kind = sized(8, b"REVISION_DETAILS")
    envelope = field("qldbStreamArn", name) + field("recordType", kind) + field("payload", payload)
    return IVM + TABLE + sized(13, envelope)


def test_batches_end_at_the_same_rows() -> None:
    small, long = b"".join(simulated(20)), revision_of(sized(8, b"x" * 2 * MIB))
    control = record("CONTROL", "{a:1}")
    assert_same_batches(
        [
            ("many", control * 21_000, None),
            ("long", (long + small) * 9, None),
            ("damaged", small + b"\xff" * 3 * MIB + small, None),
            ("empty", b"", None),
            ("last", small, None),
        ]
    )


def test_no_objects_no_batches() -> None:
    assert decoded(native_codec.decode_objects, []) == []


def built(build: Any, documents: Sequence[bytes | None], type_: DataType) -> Any:
    """The column's values, so written that nan is nan and -0.0 is not 0.0, or the error."""
    try:
        array = build(pa.array(documents, pa.binary()), type_)
    except (IonFormatError, ValueError) as error:
        return type(error), str(error)
    array.validate(full=True)
    assert array.type == to_arrow(type_)
    return repr(array.to_pylist())


def assert_same_column(documents: Sequence[bytes | None], type_: DataType | None) -> None:
    if type_ is not None:
        found = built(native_codec.build, documents, type_)
        assert found == built(typed.build, documents, type_), documents


def type_of(documents: Sequence[bytes]) -> DataType | None:
    """The type of those among documents that are sound."""
    forms = [evaluated(document, DEFAULT_LIMITS) for document in documents]
    return data_type(fold(form[0][2] for form in forms if len(form) == 1))


@many
@given(odd_scalars | scalars)
def test_any_scalar_in_any_column(value: bytes) -> None:
    for scalar in Scalar:
        assert_same_column([IVM + TABLE + value], scalar)
        assert_same_column([IVM + TABLE + sized(11, value + b"\x0f")], Array(scalar))


wholes = st.sampled_from([IVM + TABLE, IVM + TABLE, IVM]).flatmap(
    lambda symbols: (sound_values | values).map(partial(bytes.__add__, symbols))
)


@many
@given(st.lists(wholes, max_size=4), st.lists(wholes, max_size=2), changes)
def test_any_documents_in_any_columns(
    documents: list[bytes], others: list[bytes], changes: list[tuple[str, int, int, int]]
) -> None:
    own, common = type_of(documents), type_of([*documents, *others])
    for document in documents:
        assert_same_column([document, None, document], common)
        assert_same_column([document], own)
        assert_same_column([document], type_of(others))
        assert_same_column([changed(document, changes)], own)
    assert_same_column(documents, own)


def document_of(raw: bytes) -> tuple[str, bytes] | None:
    """The name of a revision's table, and its document as a stream of its own."""
    revision = RecordDecoder().decode(raw).revision
    if revision is None or revision.data_offset is None or revision.data_length is None:
        return None
    data = raw[revision.data_offset : revision.data_offset + revision.data_length]
    return revision.table_name, raw[: revision.symbols_length] + data


def test_tables() -> None:
    documents: dict[str, list[bytes]] = {}
    for name, document in filter(None, map(document_of, simulated(3_000))):
        documents.setdefault(name, []).append(document)
    assert "Everything" in documents
    for each in documents.values():
        assert_same_column(each, type_of(each))
        assert_same_column([None, each[0], None], type_of(each))


def test_depth_that_the_stack_does_not_bear_is_refused() -> None:
    with pytest.raises(ValueError, match="no deeper than 1000"):
        native.Decoder(replace(DEFAULT_LIMITS, depth=1_001))
