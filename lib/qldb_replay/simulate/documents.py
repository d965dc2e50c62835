"""What the invented ledger is about: the kinds of documents, and how each kind changes.

Four tables as QLDB's users had them, and `Everything`, whose documents hold every Ion type, awkward
field names and values that look like records.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from qldb_replay.simulate.encode import IVM
from qldb_replay.simulate.values import (
    Annotated,
    Clob,
    Instant,
    Pairs,
    Sexp,
    Symbol,
    Timestamp,
    TypedNull,
    Value,
)

Document = dict[str, Value]

_FIRST = ("Raul", "Brent", "Alexis", "Melvin", "Salvatore", "Ana", "Jürgen", "Søren", "Chloé", "李")
_LAST = ("Lewis", "Logan", "Pena", "Parker", "Spencer", "Müller", "Nakamura", "O'Neil", "Okafor")
_CITIES = ("Seattle", "Tacoma", "Everett", "Olympia", "Kent", "Bellevue", "Zürich", "São Paulo")
_STREETS = ("Oak Drive", "Pine Street", "Main Street", "Cedar Lane", "Elm Avenue", "Lake View")
_MAKES = (("Tesla", "Model S"), ("Ford", "F 150"), ("Audi", "A5"), ("Mercedes", "CLK 350"))
_COLORS = ("Blue", "Silver", "White", "Black", "Red")
_STATES = ("NEW", "PAID", "PACKED", "SHIPPED", "DELIVERED")
_ITEMS = ("Keyboard", "Monitor", "Cable", "Desk", "Lamp", "Chair", "Notebook")
_VIN = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Kind:
    """One ledger table's kind of document.

    Attributes:
        name: the table's name.
        key: the indexed field that statements look documents up by.
        indexes: indexed fields, `key` among them.
        make: invents a document.
        mutable: the fields that updates set, each with what invents a new value.
        weight: how often transactions turn to this table, against the other kinds.
    """

    name: str
    key: str
    indexes: tuple[str, ...]
    make: Callable[[Random], Document]
    mutable: tuple[tuple[str, Callable[[Random], Value]], ...]
    weight: float


def _pick(rng: Random, choices: tuple[str, ...]) -> str:
    return choices[int(rng.random() * len(choices))]


def _number(rng: Random, below: int) -> int:
    return int(rng.random() * below)


def _money(rng: Random) -> Decimal:
    return Decimal(_number(rng, 5_000_000)).scaleb(-2)


def _moment(rng: Random) -> Instant:
    return Instant(1_400_000_000_000 + _number(rng, 200_000_000_000))


def _date(rng: Random) -> Timestamp:
    return Timestamp(1940 + _number(rng, 70), 1 + _number(rng, 12), 1 + _number(rng, 28))


def _address(rng: Random) -> Document:
    return {
        "Street": f"{_number(rng, 9_999)} {_pick(rng, _STREETS)}",
        "City": _pick(rng, _CITIES),
        "Zip": f"{_number(rng, 100_000):05d}",
    }


def _owners(rng: Random) -> Document:
    return {
        "PrimaryOwner": {"PersonId": f"{rng.getrandbits(64):016X}"},
        "SecondaryOwners": [
            {"PersonId": f"{rng.getrandbits(64):016X}"} for _ in range(_number(rng, 3))
        ],
    }


def _vehicle_registration(rng: Random) -> Document:
    make, model = _MAKES[_number(rng, len(_MAKES))]
    return {
        "VIN": "".join(rng.choices(_VIN, k=17)),
        "LicensePlateNumber": f"{rng.getrandbits(24):06X}L",
        "State": "WA",
        "City": _pick(rng, _CITIES),
        "Make": make,
        "Model": model,
        "Color": _pick(rng, _COLORS),
        "Year": 1990 + _number(rng, 30),
        "PendingPenaltyTicketAmount": _money(rng),
        "ValidFromDate": _date(rng),
        "ValidToDate": _date(rng),
        "Owners": _owners(rng),
    }


def _person(rng: Random) -> Document:
    return {
        "GovId": f"{rng.getrandbits(40):010X}",
        "GovIdType": "Driver License",
        "FirstName": _pick(rng, _FIRST),
        "LastName": _pick(rng, _LAST),
        "DOB": _date(rng),
        "Email": f"{rng.getrandbits(32):08x}@example.com",
        "Active": rng.random() < 0.9,
        "Score": rng.random() * 100,
        "Visits": _number(rng, 1_000),
        "MiddleName": None if rng.random() < 0.7 else _pick(rng, _FIRST),
        "LastSeen": _moment(rng),
        "Address": _address(rng),
    }


def _lines(rng: Random) -> list[Value]:
    return [
        {"Item": _pick(rng, _ITEMS), "Quantity": 1 + _number(rng, 9), "Price": _money(rng)}
        for _ in range(1 + _number(rng, 3))
    ]


def _order(rng: Random) -> Document:
    return {
        "OrderId": f"O-{rng.getrandbits(48):012d}",
        "Customer": f"{rng.getrandbits(40):010X}",
        "Status": "NEW",
        "PlacedAt": _moment(rng),
        "Total": _money(rng),
        "Currency": "EUR" if rng.random() < 0.3 else "USD",
        "Paid": False,
        "Lines": _lines(rng),
        "ShipTo": _address(rng),
        "Notes": "" if rng.random() < 0.8 else "leave at the door,\nplease",
    }


def _note(rng: Random) -> Document:
    return {"NoteId": f"{rng.getrandbits(40):010X}", "Text": _pick(rng, _STREETS), "Rank": 0}


def _everything(rng: Random) -> Document:
    return {
        "key": f"{rng.getrandbits(48):012x}",
        "name": "a field that Ion's system table names",
        "Name": _pick(rng, _FIRST),
        "NAME": _number(rng, 100),
        "": "the empty name",
        "per%cent": 1,
        "a b,c;d{e}f(g)=h": True,
        "line\nbreak\ttab": False,
        "größe": _number(rng, 300),
        "quote\"and'backslash\\": "\\\"'\u2028\x00\x7f",
        **_nulls(),
        **_numbers(rng),
        **_times(rng),
        **_texts(rng),
        **_containers(rng),
    }


def _nulls() -> Document:
    names = ("bool", "int", "float", "decimal", "timestamp", "symbol", "string", "clob", "blob")
    return {
        "null": None,
        **{f"null_{name}": TypedNull(name) for name in (*names, "list", "sexp", "struct")},
    }


def _numbers(rng: Random) -> Document:
    return {
        "int": _number(rng, 1_000) - 500,
        "int_zero": 0,
        "int_2_63": 2**63 if rng.random() < 0.5 else -(2**63),
        "int_40_digits": 10**40 + rng.getrandbits(64),
        "decimal": Decimal(_number(rng, 10_000)).scaleb(-3),
        "decimal_kept_zeros": Decimal("1.50"),
        "decimal_zero": Decimal("0"),
        "decimal_minus_zero": Decimal("-0.00"),
        "decimal_large": Decimal("1E+30"),
        "decimal_small": Decimal("123E-25"),
        "float": rng.random(),
        "float_zero": 0.0,
        "float_minus_zero": -0.0,
        "float_large": 1e300,
        "float_nan": float("nan"),
        "float_inf": float("-inf") if rng.random() < 0.5 else float("inf"),
        "widening": _number(rng, 9) if rng.random() < 0.5 else Decimal("2.25"),
    }


def _times(rng: Random) -> Document:
    year = 1900 + _number(rng, 150)
    return {
        "time_year": Timestamp(year),
        "time_month": Timestamp(year, 2),
        "time_day": Timestamp(year, 2, 28),
        "time_minute": Timestamp(year, 2, 28, 23, 59, offset=0),
        "time_second": Timestamp(year, 2, 28, 23, 59, 58, offset=-480),
        "time_millis": _moment(rng),
        "time_micros": Timestamp(2019, 12, 31, 23, 30, 0, "000001", offset=-90),
        "time_nanos": Timestamp(2020, 2, 29, 0, 15, 1, "123456789", offset=330),
        "time_unknown_offset": Timestamp(2020, 1, 1, 0, 0, 0),
        "time_last": Timestamp(9999, 12, 31, 23, 59, 59, "999", offset=0),
    }


def _texts(rng: Random) -> Document:
    return {
        "string": _pick(rng, _CITIES),
        "string_empty": "",
        "string_astral": "\U0001f697 \u4f60\u597d",
        "string_markers": "\x0b\x0c\x0e",
        "symbol": Symbol(_pick(rng, _COLORS)),
        "symbol_unknown": Symbol(None),
        "symbol_known_to_ion": Symbol("name"),
        "clob": Clob(b"plain\x00\xff\n"),
        "blob": rng.randbytes(_number(rng, 20)),
        # A version marker behind a line feed: a reader that searches for records finds one here.
        "blob_like_record": b"\n" + IVM + b"\xd3\x84\x21\x01\n" + IVM,
        "mixed": 7 if rng.random() < 0.5 else "seven",
        "annotated": Annotated(("unit", "metres"), Decimal("1.7")),
    }


def _containers(rng: Random) -> Document:
    deep: Value = {"bottom": _number(rng, 9)}
    for _ in range(24):
        deep = {"down": deep}
    return {
        "struct_empty": {},
        "struct": {"a": 1, "b": {"c": [1, 2, {"d": None}]}, "A": "another"},
        "struct_repeated": Pairs((("x", 1), ("y", 2), ("x", 3))),
        "struct_deep": deep,
        "list_empty": [],
        "list": [1, 2, 3],
        "list_mixed": [1, "two", None, Decimal("3.0"), [4], {"five": 5}],
        "list_of_structs": [{"a": 1}, {"b": "x"}, {}],
        "list_of_lists": [[1], [], [2, 3]],
        "sexp": Sexp((Symbol("+"), 1, Sexp((Symbol("name"), 2)))),
        **({"sometimes": _number(rng, 5)} if rng.random() < 0.2 else {}),
    }


KINDS: tuple[Kind, ...] = (
    Kind(
        "VehicleRegistration",
        "VIN",
        ("VIN", "LicensePlateNumber"),
        _vehicle_registration,
        (
            ("City", lambda rng: _pick(rng, _CITIES)),
            ("PendingPenaltyTicketAmount", _money),
            ("ValidToDate", _date),
            ("Owners", _owners),
        ),
        0.3,
    ),
    Kind(
        "Person",
        "GovId",
        ("GovId",),
        _person,
        (
            ("Active", lambda rng: rng.random() < 0.5),
            ("Visits", lambda rng: _number(rng, 1_000)),
            ("Score", lambda rng: rng.random() * 100),
            ("LastSeen", _moment),
            ("Address", _address),
        ),
        0.25,
    ),
    Kind(
        "Orders",
        "OrderId",
        ("OrderId", "Status"),
        _order,
        (
            ("Status", lambda rng: _pick(rng, _STATES)),
            ("Paid", lambda rng: rng.random() < 0.5),
            ("Total", _money),
            ("Lines", _lines),
        ),
        0.35,
    ),
    Kind(
        "Drafts",
        "NoteId",
        ("NoteId",),
        _note,
        (("Text", lambda rng: _pick(rng, _STREETS)), ("Rank", lambda rng: _number(rng, 10))),
        0.04,
    ),
    Kind(
        "Legacy",
        "NoteId",
        ("NoteId",),
        _note,
        (("Rank", lambda rng: str(_number(rng, 10))),),
        0.03,
    ),
    Kind(
        "Everything",
        "key",
        ("key", "per%cent"),
        _everything,
        (
            ("mixed", lambda rng: [1] if rng.random() < 0.2 else _number(rng, 9)),
            ("struct_empty", lambda rng: {} if rng.random() < 0.5 else {"late": 1}),
            ("decimal", _money),
        ),
        0.03,
    ),
)
"""Every kind of document. `Drafts` is dropped and created anew, `Legacy` dropped and undropped."""
