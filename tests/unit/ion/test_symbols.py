"""Local symbol tables, built byte by byte because writers do not write most of these."""

from dataclasses import replace

import pytest

from qldb_replay.errors import IonFormatError
from qldb_replay.ion import ion_hash, to_json
from qldb_replay.ion.canonical import varuint
from qldb_replay.ion.evaluate import Evaluator
from qldb_replay.ion.framing import IVM
from qldb_replay.ion.stream import StreamReader
from qldb_replay.ion.symbols import SYSTEM_TEXTS, SymbolTable
from qldb_replay.limits import DEFAULT_LIMITS

NAME, VERSION, IMPORTS, SYMBOLS, MAX_ID = 4, 5, 6, 7, 8


def sized(kind: int, body: bytes) -> bytes:
    if len(body) < 14:
        return bytes([kind << 4 | len(body)]) + body
    return bytes([kind << 4 | 14, len(body) >> 7, 0x80 | len(body) & 0x7F]) + body


def long_value(kind: int, body: bytes) -> bytes:
    return bytes([kind << 4 | 14]) + varuint(len(body)) + body


def string(text: str) -> bytes:
    return sized(8, text.encode())


def listed(*values: bytes) -> bytes:
    return sized(11, b"".join(values))


def struct(*fields: tuple[int, bytes]) -> bytes:
    return sized(13, b"".join(bytes([0x80 | sid]) + value for sid, value in fields))


def table(*fields: tuple[int, bytes], extra: bytes = b"") -> bytes:
    sids = b"\x83" + extra
    return sized(14, bytes([0x80 | len(sids)]) + sids + struct(*fields))


def symbol(sid: int) -> bytes:
    return bytes([0x71, sid])


def texts(*parts: bytes) -> list[str]:
    stream = IVM + b"".join(parts)
    evaluator = Evaluator()
    reader = StreamReader(evaluator)
    return [
        evaluator.evaluate(stream, start, end, found)[1]
        for found, _, start, end in reader.values(stream, 0, len(stream))
    ]


def test_symbols_follow_the_system_table() -> None:
    plain = table((SYMBOLS, listed(string("a"), string("b"))))
    assert texts(plain, symbol(4), symbol(10), symbol(11)) == ['"name"', '"a"', '"b"']


def test_a_table_replaces_the_one_before() -> None:
    first = table((SYMBOLS, listed(string("a"))))
    second = table((SYMBOLS, listed(string("b"))))
    assert texts(first, symbol(10), second, symbol(10)) == ['"a"', '"b"']


def test_importing_the_current_table_appends_to_it() -> None:
    first = table((SYMBOLS, listed(string("a"))))
    more = table((IMPORTS, symbol(3)), (SYMBOLS, listed(string("b"))))
    assert texts(first, more, symbol(10), symbol(11)) == ['"a"', '"b"']


def test_a_version_marker_resets_the_table() -> None:
    first = table((SYMBOLS, listed(string("a"))))
    with pytest.raises(IonFormatError, match="beyond the symbol table"):
        texts(first, IVM, symbol(10))


def test_what_is_no_string_declares_unknown_text() -> None:
    odd = table((SYMBOLS, listed(b"\x0f", b"\x21\x05", string("a"), b"\x8f")))
    assert texts(odd, symbol(10), symbol(11), symbol(12), symbol(13)) == [
        '"$10"',
        '"$11"',
        '"a"',
        '"$13"',
    ]


def test_shared_tables_reserve_numbers_without_texts() -> None:
    imported = struct((NAME, string("x")), (VERSION, b"\x21\x01"), (MAX_ID, b"\x21\x03"))
    shared = table((IMPORTS, listed(imported)), (SYMBOLS, listed(string("a"))))
    assert texts(shared, symbol(12), symbol(13)) == ['"$12"', '"a"']
    with pytest.raises(IonFormatError, match="unknown text"):
        ion_hash(IVM + shared + symbol(12))
    assert to_json(IVM + shared + struct((12, b"\x11"))) == '{"$12":true}'


def test_imports_without_a_name_are_ignored() -> None:
    nameless = struct((MAX_ID, b"\x21\x03"))
    system = struct((NAME, string("$ion")), (MAX_ID, b"\x21\x09"))
    ignored = table((IMPORTS, listed(nameless, system, b"\x0f")), (SYMBOLS, listed(string("a"))))
    assert texts(ignored, symbol(10)) == ['"a"']


@pytest.mark.parametrize("max_id", [b"\x0f", b"\x31\x01", string("3")])
def test_an_import_needs_a_max_id(max_id: bytes) -> None:
    imported = struct((NAME, string("x")), (MAX_ID, max_id))
    with pytest.raises(IonFormatError, match="max_id"):
        texts(table((IMPORTS, listed(imported))))


@pytest.mark.parametrize("field", [IMPORTS, SYMBOLS])
def test_a_repeated_field_is_refused(field: int) -> None:
    with pytest.raises(IonFormatError, match="two lists"):
        texts(table((field, listed()), (field, listed())))


def test_annotations_inside_a_table_mean_nothing() -> None:
    annotated = sized(14, b"\x81\x84" + string("a"))
    wrapped = sized(14, b"\x81\x84" + listed(annotated))
    assert texts(table((SYMBOLS, wrapped), extra=b"\x84"), symbol(10)) == ['"a"']


def test_only_a_struct_annotated_first_is_a_table() -> None:
    assert texts(sized(14, b"\x81\x83\x21\x01")) == ["1"]
    assert texts(sized(14, b"\x82\x84\x83\xd0")) == ["{}"]


def test_the_version_symbol_alone_is_no_value() -> None:
    own = table((SYMBOLS, listed(string("$ion_1_0"), string("a"))))
    assert texts(symbol(2), own, symbol(10), symbol(11)) == ['"a"']
    assert texts(listed(symbol(2))) == ['["$ion_1_0"]']


def test_a_table_is_validated_where_it_means_nothing() -> None:
    for junk in (b"\x81\xff", b"\x6f\x30", b"\xb1\x30"):
        with pytest.raises(IonFormatError):
            texts(table((NAME, junk)))
        with pytest.raises(IonFormatError):
            texts(table((SYMBOLS, listed(junk))))


def test_tables_are_bounded() -> None:
    few = replace(DEFAULT_LIMITS, symbols=12)
    reader = StreamReader(Evaluator(), few)
    three = IVM + table((SYMBOLS, listed(string("a"), string("b"), string("c"))))
    with pytest.raises(IonFormatError, match="beyond the limit"):
        list(reader.values(three, 0, len(three)))
    imported = struct((NAME, string("x")), (MAX_ID, b"\x28" + b"\x7f" * 8))
    huge = IVM + table((IMPORTS, listed(imported)))
    with pytest.raises(IonFormatError, match="beyond the limit"):
        list(StreamReader(Evaluator()).values(huge, 0, len(huge)))


def test_remembered_tables_do_not_outlive_their_bytes() -> None:
    evaluator = Evaluator()
    reader = StreamReader(evaluator)
    for number in range(700):
        name = f"n{number % 300}"
        stream = IVM + table((SYMBOLS, listed(string(name)))) + struct((10, b"\x11"))
        ((found, symbols_end, start, end),) = reader.values(stream, 0, len(stream))
        assert evaluator.evaluate(stream, start, end, found)[1] == f'{{"{name}":true}}'
        assert symbols_end == start


def test_what_is_remembered_of_one_table_is_not_taken_for_another() -> None:
    evaluator = Evaluator()
    reader = StreamReader(evaluator)
    append = table((IMPORTS, symbol(3)), (SYMBOLS, listed(string("z"))))
    for name in ("a", "b", "a"):
        own = table((SYMBOLS, listed(string(name))))
        stream = IVM + own + append + struct((4, symbol(10)), (5, symbol(11)))
        ((found, _, start, end),) = reader.values(stream, 0, len(stream))
        text = evaluator.evaluate(stream, start, end, found)[1]
        assert text == f'{{"name":"{name}","version":"z"}}'


def test_a_stream_ends_where_it_is_said_to_end() -> None:
    stream = IVM + b"\x0f" + IVM
    reader = StreamReader(Evaluator())
    assert len(list(reader.values(stream, 0, len(stream)))) == 1
    with pytest.raises(IonFormatError):
        list(reader.values(stream, 0, len(stream) - 1))


def test_a_name_of_unknown_text_is_never_taken_for_symbol_zero() -> None:
    evaluator = Evaluator()
    table = SymbolTable([*SYSTEM_TEXTS, None])
    assert evaluator.evaluate(b"\xd3\x80\x21\x01", 0, 4, table)[1] == '{"$0":1}'
    assert evaluator.unresolved == -1
    assert evaluator.evaluate(b"\xd3\x8a\x21\x01", 0, 4, table)[1] == '{"$10":1}'
    assert evaluator.unresolved == 1


def test_a_symbol_of_any_length_is_refused_in_few_words() -> None:
    with pytest.raises(IonFormatError, match="symbol ID of 16000 bits is beyond the symbol table"):
        texts(sized(7, b"\xff" * 2000))


def test_a_symbol_cannot_expand_a_value_without_bound() -> None:
    names = long_value(11, long_value(8, b"a" * 2**20))
    long = long_value(14, b"\x81\x83" + long_value(13, b"\x87" + names))
    assert len(texts(long, listed(*[symbol(10)] * 15))[0]) > 15 * 2**20
    for value in (
        listed(*[symbol(10)] * 17),
        listed(*[struct((10, b"\x20"))] * 17),
        listed(*[b"\xe4\x82\x8a\x8a\x20"] * 9),
    ):
        with pytest.raises(IonFormatError, match="texts of symbols expand beyond the limit"):
            texts(long, value)
