"""JSON text and type sketch of values, one row for each rule."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from qldb_replay.errors import IonFormatError
from qldb_replay.ion import to_json
from qldb_replay.ion.evaluate import Evaluator
from qldb_replay.ion.scalars import digits
from qldb_replay.ion.stream import single_value
from qldb_replay.limits import DEFAULT_LIMITS

Ion = Callable[[str], bytes]


def sketch(value: bytes, evaluator: Evaluator | None = None) -> str:
    evaluator = Evaluator() if evaluator is None else evaluator
    table, _, start, end = single_value(value, evaluator)
    return evaluator.evaluate(value, start, end, table)[2]


@pytest.mark.parametrize(
    ("text", "expected", "kind"),
    [
        ("null", "null", "n"),
        ("null.int", "null", "n"),
        ("null.struct", "null", "n"),
        ("true", "true", "b"),
        ("false", "false", "b"),
        ("0", "0", "i"),
        ("-5", "-5", "i"),
        ("9007199254740992", "9007199254740992", "i"),
        ("9007199254740993", "9007199254740993", "j"),
        ("-9007199254740993", "-9007199254740993", "j"),
        ("9223372036854775807", "9223372036854775807", "j"),
        ("9223372036854775808", "9223372036854775808", "k"),
        ("-9223372036854775808", "-9223372036854775808", "j"),
        ("-9223372036854775809", "-9223372036854775809", "k"),
        ("99999999999999999999", "99999999999999999999", "k"),
        ("100000000000000000000", "100000000000000000000", "l"),
        ("1.50", "1.50", "d"),
        ("-1.50", "-1.50", "d"),
        ("0.", "0", "d"),
        ("-0.", "-0", "d"),
        ("-0.00", "-0.00", "d"),
        ("5d3", "5e3", "d"),
        ("15d2", "1.5e3", "d"),
        ("0d9", "0e9", "d"),
        ("0.001", "0.001", "d"),
        ("1d-7", "1e-7", "d"),
        ("12345678901234567890.123456789012345678", None, "d"),
        ("123456789012345678901.", None, "e"),
        ("1d20", "1e20", "e"),
        ("1d19", "1e19", "d"),
        ("0.0000000000000000001", "1e-19", "e"),
        ("0.0000000000000000010", "1.0e-18", "d"),
        ("0d-30", "0e-30", "d"),
        ("1d1000000", "1e1000000", "e"),
        ("1e0", "1.0", "f"),
        ("1e300", "1e+300", "f"),
        ("0.1e0", "0.1", "f"),
        ("-0e0", "-0.0", "f"),
        ("nan", "null", "f"),
        ("+inf", "null", "f"),
        ("-inf", "null", "f"),
        ("2007T", '"2007T"', "u"),
        ("2007-02T", '"2007-02T"', "u"),
        ("2007-02-23", '"2007-02-23"', "u"),
        ("2007-02-23T", '"2007-02-23"', "u"),
        ("2007-02-23T12:14Z", '"2007-02-23T12:14Z"', "u"),
        ("2007-02-23T12:14:33Z", '"2007-02-23T12:14:33Z"', "t"),
        ("2007-02-23T12:14:33-00:00", '"2007-02-23T12:14:33-00:00"', "u"),
        ("2007-02-23T12:14:33.079-08:00", '"2007-02-23T12:14:33.079-08:00"', "t"),
        ("2007-02-23T12:14:33.000000Z", '"2007-02-23T12:14:33.000000Z"', "t"),
        ("2007-12-31T23:30:00-01:00", '"2007-12-31T23:30:00-01:00"', "t"),
        ("2008-03-01T00:30:00+01:00", '"2008-03-01T00:30:00+01:00"', "t"),
        ("abc", '"abc"', "y"),
        ("'a b'", '"a b"', "y"),
        ("$0", '"$0"', "y"),
        ('""', '""', "s"),
        ('"a\\"\\\\\\n\\x01é😀"', '"a\\"\\\\\\n\\u0001é😀"', "s"),
        ("{{aGk=}}", '"aGk="', "x"),
        ("{{}}", '""', "x"),
        ('{{"a\\xe9\\n"}}', '"aé\\n"', "c"),
        ("[]", "[]", "[]"),
        ("[1, 2, x, 1.0]", '[1,2,"x",1.0]', "[diy]"),
        ("(1 (2))", "[1,[2]]", "[[i]i]"),
        ("{}", "{}", "{}"),
        ("{b:1, a:null}", '{"b":1,"a":null}', "{1:an1:bi}"),
        ("{'é':1}", '{"é":1}', "{2:éi}"),
        ("{'':1, '\"':2}", '{"":1,"\\"":2}', '{0:i1:"i}'),
        ("x::y::{a:z::1}", '{"a":1}', "{1:ai}"),
    ],
)
def test_json_text_and_sketch(ion: Ion, text: str, expected: str | None, kind: str) -> None:
    value = ion(text)
    written = to_json(value)
    json.loads(written)
    if expected is not None:
        assert written == expected
    assert sketch(value) == kind


def test_of_repeated_names_the_last_counts_at_its_own_place() -> None:
    value = bytes.fromhex("e00100ea" + "d9" + "842101" + "852102" + "848178")
    assert to_json(value) == '{"version":2,"name":"x"}'
    assert sketch(value) == "{4:names7:versioni}"


def test_a_fraction_of_six_digits_is_exact() -> None:
    value = bytes.fromhex("e00100ea" + "6c800fd781818c8080c60f423f")
    assert to_json(value) == '"2007-01-01T12:00:00.999999Z"'
    assert sketch(value) == "t"


def test_digits_beyond_the_sixth_that_are_zero_do_not_count(ion: Ion) -> None:
    assert sketch(ion("2007-01-01T00:00:00.1234560Z")) == "t"
    assert sketch(ion("2007-01-01T00:00:00.1234567Z")) == "u"


def test_containers_below_the_deepest_level_are_opaque(ion: Ion) -> None:
    evaluator = Evaluator(replace(DEFAULT_LIMITS, struct_levels=2))
    assert sketch(ion("{a:{b:1}}"), evaluator) == "{1:a{1:bi}}"
    assert sketch(ion("{a:{b:{c:1}, d:[]}}"), evaluator) == "{1:a{1:bz1:dz}}"


def test_what_is_remembered_does_not_forget_the_level(ion: Ion) -> None:
    evaluator = Evaluator(replace(DEFAULT_LIMITS, struct_levels=2))
    assert sketch(ion("{b:[]}"), evaluator) == "{1:b[]}"
    assert sketch(ion("{a:{b:[]}}"), evaluator) == "{1:a{1:bz}}"
    assert sketch(ion("{b:[]}"), evaluator) == "{1:b[]}"


def test_a_struct_of_too_many_fields_is_opaque(ion: Ion) -> None:
    evaluator = Evaluator(replace(DEFAULT_LIMITS, struct_fields=2))
    assert sketch(ion("{a:1, b:2, a:3}"), evaluator) == "{1:ai1:bi}"
    assert sketch(ion("{a:1, b:2, c:3}"), evaluator) == "w"


def test_nesting_beyond_the_limit_is_refused(ion: Ion) -> None:
    assert to_json(ion("[" * 200 + "]" * 200)).count("[") == 200
    value = b"\xb0"
    for _ in range(250):
        size = len(value)
        value = b"\xbe" + bytes([size >> 7, 0x80 | size & 0x7F]) + value
    with pytest.raises(IonFormatError, match="deeper than 200"):
        to_json(b"\xe0\x01\x00\xea" + value)


def test_numbers_have_all_their_digits_whatever_their_length() -> None:
    raw = bytes([7]) * 20_000
    expected = int.from_bytes(raw, "big")
    text = to_json(b"\xe0\x01\x00\xea\x2e\x01\x1c\xa0" + raw)
    assert len(text) > 48_000
    assert all(int(text[-n:]) == expected % 10**n for n in (1, 100, 4_000))
    assert digits(10**5_000) == "1" + "0" * 5_000
    assert digits(10**5_000 - 1) == "9" * 5_000


def test_a_number_beyond_the_limit_is_refused() -> None:
    size = 256 * 1024 + 1
    header = b"\x2e" + bytes([size >> 14, size >> 7 & 0x7F, 0x80 | size & 0x7F])
    with pytest.raises(IonFormatError, match="beyond the limit"):
        to_json(b"\xe0\x01\x00\xea" + header + b"\x01" * size)
