"""Records to columns: kinds, slices, refusals, and that no damaged byte vanishes."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from captured import LACKING, REAL
from qldb_replay.codec import columns
from qldb_replay.codec.decode import (
    EXPORT_BLOCK,
    BlockColumns,
    Decoded,
    RecordDecoder,
    RevisionColumns,
)
from qldb_replay.errors import IonFormatError, RecordFormatError
from qldb_replay.ion import ion_hash, to_json
from qldb_replay.ion.framing import IVM
from qldb_replay.journal import dot
from qldb_replay.limits import DEFAULT_LIMITS
from records import ADDRESS, ARN, DATA, METADATA, block, details, ion, record


class RefusedError(IonFormatError, RecordFormatError):
    """A reason that the native codec gave, which says not whose."""

    def __init__(self, reason: str) -> None:
        Exception.__init__(self, reason)


class NativeDecoder:
    """The native codec behind the Python one's interface."""

    def __init__(self) -> None:
        native = pytest.importorskip(
            "qldb_replay.codec._native", reason="the native codec is not built: see CONTRIBUTING.md"
        )
        self._decoder = native.Decoder(DEFAULT_LIMITS)

    def decode(self, raw: bytes) -> Decoded:
        (row,) = self._decoder.decode(raw).to_pylist()
        if row["reason"] is not None:
            raise RefusedError(row["reason"])
        columns = {name: _plain(row[name]) for name in Decoded._fields}
        if columns["revision"] is not None:
            columns["revision"] = RevisionColumns(*columns["revision"])
        if columns["block"] is not None:
            columns["block"] = BlockColumns(*columns["block"])
        return Decoded(**columns)


def _plain(value: Any) -> Any:
    """An Arrow value as the Python decoder has it: structs are tuples, times microseconds."""
    if isinstance(value, datetime):
        return (value - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)
    if isinstance(value, dict):
        return tuple(map(_plain, value.values()))
    if isinstance(value, list):
        return list(map(_plain, value))
    return value


Make = Callable[[], Any]


@pytest.fixture(params=[RecordDecoder, NativeDecoder], ids=["python", "native"])
def make(request: pytest.FixtureRequest) -> Make:
    """Makes a decoder of either codec."""
    return request.param


def test_columns_are_those_of_the_schema() -> None:
    assert RevisionColumns._fields == tuple(columns.REVISION.names)
    assert BlockColumns._fields == tuple(columns.BLOCK.names)
    assert set(Decoded._fields) <= set(columns.DECODED.names)


def test_a_revision_fills_its_columns(make: Make) -> None:
    raw = details()
    found = make().decode(raw)
    assert found[:6] == (
        "REVISION_DETAILS",
        ARN,
        "KmA3ZZca7vAIiJAK9S5Iwl",
        100,
        "JUJgkIcNbhS2goq8RqLuZ4",
        3,
    )
    assert found.block is None
    revision = found.revision
    assert revision is not None
    assert (revision.table_id, revision.table_name) == ("BFJKdXgzt9oF4wjMbuxy4G", "Person")
    assert (revision.tx_id, revision.tx_time) == ("T", 1568662625344_000)
    assert (revision.kind, revision.hash_matches, revision.delete_rule) == ("data", True, None)
    assert revision.metadata_hash == ion_hash(ion(METADATA))
    assert revision.data_hash == ion_hash(ion(DATA))
    assert found.hash == dot(revision.metadata_hash, revision.data_hash)
    assert revision.data_json == '{"name":"Ann","tags":["x",2.50],"at":"2020-01-01T00:00:00.000Z"}'
    assert revision.sketch == "{2:att4:names4:tags[ds]}"


def test_slices_with_their_symbols_are_streams_of_their_own(make: Make) -> None:
    raw = details()
    revision = make().decode(raw).revision
    assert revision is not None
    symbols = raw[: revision.symbols_length]
    assert revision.data_offset is not None
    assert revision.data_length is not None
    data = symbols + raw[revision.data_offset :][: revision.data_length]
    metadata = revision.metadata_ion
    assert ion_hash(data) == revision.data_hash
    assert to_json(data) == revision.data_json
    assert ion_hash(metadata) == revision.metadata_hash


def test_symbols_may_come_in_several_tables(make: Make) -> None:
    raw = details()
    whole = make().decode(raw)
    assert whole.revision is not None
    length = whole.revision.symbols_length
    append = bytes.fromhex("e68183d3867103")
    split = raw[:length] + append + b"\x01\xff" + append + raw[length:]
    found = make().decode(split)
    assert found.revision is not None
    assert found.revision.symbols_length == length + 2 * len(append) + 2
    assert found.revision.data_offset is not None
    assert found.revision.data_length is not None
    data = split[found.revision.data_offset :][: found.revision.data_length]
    assert ion_hash(split[: found.revision.symbols_length] + data) == found.revision.data_hash
    assert found.revision.hash_matches


def test_a_block_fills_its_columns(make: Make) -> None:
    found = make().decode(block())
    assert found[2:6] == ("KmA3ZZca7vAIiJAK9S5Iwl", 100, None, None)
    assert found.revision is None
    assert found.block is not None
    assert found.block.statements == [("SELECT 1", None, None)]
    assert found.block.documents == []
    assert found.block.revision_summaries == [(bytes(range(32)), "D")]
    assert found.block.redactions is None
    assert found.block.revisions_root == bytes(range(32))
    checks = found.block[9:17]
    assert [each for each in checks if isinstance(each, bool)] == [True] * 4


@pytest.mark.parametrize("kind", ["CONTROL", "SOMETHING_NEW", ""])
def test_other_records_have_an_envelope_only(make: Make, kind: str) -> None:
    found = make().decode(record(kind, '{controlRecordType:"CREATED"}'))
    assert found == (kind, ARN, None, None, None, None, None, None, None)


def test_content_is_told_apart_but_not_by_stream(make: Make) -> None:
    decoder = make()
    one, other = decoder.decode(details()), decoder.decode(details(more=',extra:"x"'))
    moved = decoder.decode(details().replace(b"us-east-1", b"us-west-2"))
    changed = decoder.decode(details('{name:"Bob"}'))
    contents = [each.revision.content for each in (one, moved, changed, other) if each.revision]
    assert [len(content) for content in contents] == [16] * 4
    assert contents[0] == contents[1]
    assert len(set(contents)) == 3


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (ion("5"), "record is no struct"),
        (ion("{}"), "qldbStreamArn is missing"),
        (ion('{qldbStreamArn:"a",recordType:"CONTROL"}'), "payload is missing"),
        (ion('{qldbStreamArn:"a",recordType:symbol,payload:{}}'), "recordType is no string"),
        (record("REVISION_DETAILS", "{}"), "tableInfo is missing"),
        (record("REVISION_DETAILS", "[]"), "payload is no struct"),
        (record("BLOCK_SUMMARY", "{}"), "blockAddress is missing"),
        (IVM, "without a value"),
        (record("CONTROL", "{}") + b"\x0f", "more than one value"),
        (ion(f'{{blockAddress:{ADDRESS},transactionId:"T",blockHash:{{{{}}}}}}'), EXPORT_BLOCK),
    ],
)
def test_what_is_no_record_is_refused_by_name(make: Make, raw: bytes, reason: str) -> None:
    with pytest.raises(RecordFormatError, match=reason):
        make().decode(raw)


@pytest.mark.parametrize(
    "raw",
    [
        record("CONTROL", '{a:{b:["mark"]}}'),
        record("SOMETHING_NEW", '["mark"]'),
        details(more=',extra:[{x:"mark"}]'),
        details().replace(b"Ann", b"mark"[:3]),
        record("CONTROL", "{}") + ion('"mark"'),
        record("REVISION_DETAILS", '{x:"mark"}'),
        ion('{a:"mark"}'),
    ],
)
def test_damage_where_nobody_reads_is_refused_all_the_same(make: Make, raw: bytes) -> None:
    damaged = raw.replace(b"mark", b"m\xffrk").replace(b"mar", b"m\xffr")
    with pytest.raises(IonFormatError, match="UTF-8"):
        make().decode(damaged)


def test_a_symbol_without_a_text_has_no_hash_and_so_no_columns(make: Make) -> None:
    raw = details("{name:symbol}")
    assert make().decode(raw).revision is not None
    # The symbol's entry in the table becomes a typed null of the same length: NOP pad and null.
    unnamed = raw.replace(b"\x86symbol", b"\x05.....\x8f")
    assert len(unnamed) == len(raw)
    with pytest.raises(IonFormatError, match="unknown text"):
        make().decode(unnamed)


@pytest.mark.parametrize("raw", [details(), block()], ids=["revision", "block"])
def test_no_changed_bit_vanishes(make: Make, raw: bytes) -> None:
    decoder = make()
    sound = decoder.decode(raw)
    for position in range(len(raw)):
        for bit in range(8):
            damaged = bytearray(raw)
            damaged[position] ^= 1 << bit
            try:
                found = decoder.decode(bytes(damaged))
            except (IonFormatError, RecordFormatError):
                continue
            assert found != sound


@pytest.mark.parametrize("raw", [details(), block()], ids=["revision", "block"])
def test_every_truncation_is_refused(make: Make, raw: bytes) -> None:
    decoder = make()
    for length in range(len(raw)):
        with pytest.raises((IonFormatError, RecordFormatError)):
            decoder.decode(raw[:length])


@pytest.mark.skipif(not REAL.is_dir(), reason=LACKING)
def test_captured_records_verify(make: Make) -> None:
    decoder = make()
    paths = sorted(REAL.glob("**/*.10n"))
    assert paths
    for path in paths:
        found = decoder.decode(path.read_bytes())
        if found.revision is not None:
            assert found.revision.hash_matches
        assert found.block is None or (
            found.block.revisions_root_listed
            and found.block.transaction_info_listed
            and found.block.entries_hash_matches
            and found.block.block_hash_matches
        )


@pytest.mark.skipif(not REAL.is_dir(), reason=LACKING)
def test_captured_text_records_verify_unless_edited(make: Make) -> None:
    decoder = make()
    folder = REAL / "streams-dmv-lambda-python-seq3"
    matches = {}
    for name in ("as-published", "restored"):
        text = (folder / f"revision-details.{name}.ion").read_text()
        revision = decoder.decode(ion(text)).revision
        assert revision is not None
        matches[name] = revision.hash_matches
    assert matches == {"as-published": False, "restored": True}
