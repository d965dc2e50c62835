"""What is read fast must say the same as what the general reader and the evaluator say."""

from collections.abc import Callable

import pytest

from qldb_replay.errors import IonFormatError, QldbReplayError
from qldb_replay.ion import ion_hash
from qldb_replay.ion.evaluate import Evaluator
from qldb_replay.ion.framing import body_bounds
from qldb_replay.ion.stream import StreamReader, single_value
from qldb_replay.ion.symbols import SYSTEM_TEXTS, SymbolTable
from qldb_replay.journal import block as blocks
from qldb_replay.journal.envelope import read_revision_details
from qldb_replay.journal.fields import Source
from qldb_replay.journal.hashed import hash_and_read
from qldb_replay.journal.heads import after_head, keep_head

HASH, ID = bytes(range(32)), b"JUJgkIcNbhS2goq8RqLuZ4"
TABLE = SymbolTable([*SYSTEM_TEXTS, "hash", "documentId", "other"])
FULL = b"\xde\xbc\x8a\xae\xa0" + HASH + b"\x8b\x8e\x96" + ID
LONE = b"\xde\xa3\x8a\xae\xa0" + HASH
PAD = b"\x01\xff"

Fields = tuple[Source, tuple[int, int, int]]


def listed(body: bytes) -> Fields:
    buf = b"\xbe" + bytes([len(body) >> 7, len(body) & 127 | 128]) + body
    return Source(buf, TABLE, Evaluator()), (0, 3, len(buf))


def outcome(read: Callable[..., object], place: Fields) -> object:
    try:
        return read(*place)
    except QldbReplayError as error:
        return type(error)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", []),
        (FULL + LONE, [(HASH, ID.decode()), (HASH, None)]),
        (LONE + FULL + FULL, [(HASH, None), (HASH, ID.decode()), (HASH, ID.decode())]),
    ],
)
def test_summaries_of_the_usual_form_equal_padded_ones(body: bytes, expected: list[object]) -> None:
    assert blocks._usual_summaries(*listed(body)) == expected
    assert blocks._usual_summaries(*listed(PAD + body)) is None
    assert blocks._read_summaries(*listed(body)) == expected
    assert blocks._read_summaries(*listed(PAD + body)) == expected


def test_summaries_say_the_same_after_any_change_of_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    body = LONE + FULL + LONE
    cases = [
        body[:at] + bytes([value]) + body[at + 1 :]
        for at in (*range(8), *range(37, 44), *range(72, 102))
        for value in (0x00, 0x0F, 0x80, 0x8B, 0x8C, 0x8D, 0x9F, 0xA3, 0xBC, 0xDF, 0xFF)
    ]
    fast = [outcome(blocks._read_summaries, listed(case)) for case in cases]
    monkeypatch.setattr(blocks, "_usual_summaries", lambda source, field: None)
    assert fast == [outcome(blocks._read_summaries, listed(case)) for case in cases]


def test_entries_of_the_usual_form_equal_padded_ones() -> None:
    body = b"\xae\xa0" + HASH + b"\xae\xa0" + HASH[::-1]
    assert blocks._read_entries(*listed(body)) == [HASH, HASH[::-1]]
    assert blocks._read_entries(*listed(PAD + body + b"\xa0\xaf")) == [HASH, HASH[::-1], b"", b""]


@pytest.mark.parametrize(
    "info",
    [
        "{}",
        "{statements:[],documents:{}}",
        '{statements:null.list,documents:{D:{tableId:"T",statements:[null.int,0,300,70000]}}}',
        '{statements:[{statement:"\\x0b\\u2028x",startTime:2020-01-01T00:00:00.000Z,'
        "statementDigest:{{CwwO}},more:[sym,{a:1}]}],documents:{}}",
        '{statements:[{statement:null,startTime:2020-01-01T00:00:00.1234567+01:00}],x:"y"}',
        '{documents:{D:{tableName:"A",tableId:"T",statements:[0]},'
        'E:{tableName:"A",tableId:"T",statements:[0]},F:{}}}',
    ],
)
def test_a_transaction_info_hashes_as_the_evaluator_says(
    ion: Callable[[str], bytes], info: str
) -> None:
    raw = ion(info.replace("{{CwwO}}", "{{" + "CwwO" * 10 + "Cww=}}"))
    evaluator = Evaluator()
    table, _, start, end = single_value(raw, evaluator)
    field = (start, body_bounds(raw, start, end)[0], end)
    for _ in range(2):  # once from the bytes, once from what was remembered
        found, _ = hash_and_read(
            Source(raw, table, evaluator), field, blocks._read_transaction_info
        )
        assert found == ion_hash(raw)


def test_a_document_of_unknown_name_has_no_hash() -> None:
    table = SymbolTable([*SYSTEM_TEXTS, None, "documents"])
    buf = b"\xd4\x8b\xd2\x8a\xd0"
    with pytest.raises(IonFormatError, match="no hash"):
        hash_and_read(Source(buf, table, Evaluator()), (0, 1, 5), blocks._read_transaction_info)


def test_records_that_begin_alike_say_what_each_says_alone(ion: Callable[[str], bytes]) -> None:
    def payload(name: str, rest: str = "") -> bytes:
        revision = '{blockAddress:{strandId:"S",sequenceNo:1},metadata:{id:"D",version:0}}'
        info = f'tableInfo:{{tableName:"{name}",tableId:"T"}}'
        return ion(f"{{{info},revision:{revision}{rest}}}")

    evaluator = Evaluator()
    reader = StreamReader(evaluator)
    raws = [payload("A"), payload("A"), payload("B"), payload("A", ",tableName:null")]
    raws.append(payload("A").replace(b"\x81S", b"\x81R"))
    said = []
    for raw in raws:
        ((table, _, start, end),) = reader.values(raw, 0, len(raw))
        field = (start, body_bounds(raw, start, end)[0], end)
        together = read_revision_details(Source(raw, table, evaluator), field)
        fresh = SymbolTable(table.texts)
        assert together == read_revision_details(Source(raw, fresh, Evaluator()), field)
        said.append((together.table_name, together.revision.strand_id))
    assert said == [("A", "S"), ("A", "S"), ("B", "S"), ("A", "S"), ("A", "R")]
    assert table.heads["payload"][1:] == ("T", "A")


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_a_struct_that_ends_within_its_head_says_what_it_lacks(cut: int) -> None:
    body = b"\x84\x81a\x85\x81b\x8a\x20"
    buf = bytes([0xD0 | len(body)]) + body
    source = Source(buf, SymbolTable([*SYSTEM_TEXTS, "last"]), Evaluator())
    keep_head(source, (0, 1, len(buf)), "record", ("a", "b"), (8, 9, 9))
    assert after_head(source, (0, 1, len(buf)), "record") == ("a", "b", (8, 9, 9))
    assert after_head(source, (0, 1, 8 - cut), "record") is None
