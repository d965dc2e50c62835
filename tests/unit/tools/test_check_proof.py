"""The auditor's script, which shares no code with the package, agrees with it."""

import importlib.util
import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proofs import made_of
from qldb_replay.errors import UsageError
from qldb_replay.ion import ion_hash
from qldb_replay.journal import merkle_root
from qldb_replay.journal.digest import block_path, subtree_root
from qldb_replay.journal.proof import NO_TAKEN_DATA, check_proof_file
from qldb_replay.journal.prove import build_proof, revision_of
from qldb_replay.journal.saved import SavedDigest
from qldb_replay.simulate import SimulateOptions
from qldb_replay.simulate.ledger import Ledger

SCRIPT = Path(__file__).parents[3] / "tools" / "check_proof.py"
BINARY = ["ion", "hash", "block_hash", "entries_hash", "previous_block_hash", "digest"]
BINARY += ["transaction_info_ion", "entries_hash_list", "proof"]


def load() -> Any:
    spec = importlib.util.spec_from_file_location("check_proof", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = load()


def build(blocks: int) -> Iterator[dict[str, Any]]:
    options = SimulateOptions(out=Path("unused"), revisions=200)
    requests = [block.transaction.redaction for block in Ledger(options)]
    redacted = frozenset((each.document_id, each.version) for each in requests if each is not None)
    ledger = Ledger(options, 0, redacted)
    found = [block for block in ledger if block.sequence_no < blocks]
    hashes = [block.block_hash for block in found]
    digest = SavedDigest(merkle_root(hashes), ledger.strand_id, len(found) - 1)
    for block in found:
        above = block_path(block.sequence_no, 20, hashes, [subtree_root(hashes)])
        for revision in block.revisions:
            name, ion = revision_of(revision.record)
            yield build_proof(ion, name, block.record, above, digest, "computed", made_of(block))


PROOFS = list(build(1_000))


def saved_digest(document: dict[str, Any], digest: str | None = None, ahead: int = 0) -> Any:
    tip = document["digest_tip"]
    number = tip["sequence_no"] + ahead
    return {
        "Digest": document["digest"] if digest is None else digest,
        "DigestTipAddress": {"IonText": f'{{strandId:"{tip["strand_id"]}",sequenceNo:{number}}}'},
    }


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Runs the script as an auditor would, without the package or any other in reach."""

    def run_script(*documents: Any) -> tuple[int, str]:
        paths = []
        for number, document in enumerate(documents):
            path = tmp_path / f"{number}.json"
            path.write_text(json.dumps(document))
            paths.append(str(path))
        command = [sys.executable, "-I", "-S", str(SCRIPT), *paths]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done.returncode, done.stdout

    return run_script


def test_it_can_be_read_in_ten_minutes() -> None:
    assert len(SCRIPT.read_text().splitlines()) < 180


def test_it_passes_what_holds(run: Any) -> None:
    document = PROOFS[17]
    code, out = run(document, saved_digest(document))
    assert code == 0
    assert {line.split()[0] for line in out.splitlines()} == {"PASS", "note"}
    assert len(out.splitlines()) == 9 + 1
    assert run(document)[0] == 0


def test_it_fails_what_does_not_hold(run: Any) -> None:
    document = json.loads(json.dumps(PROOFS[17]))
    code, out = run(document, saved_digest(document, b64encode(bytes(32)).decode()))
    assert code == 1
    assert "FAIL digest is the one given" in out
    document["proof"][0] = b64encode(bytes(32)).decode()
    code, out = run(document)
    assert code == 1
    assert "FAIL proof leads to the block" in out


def test_it_says_what_it_cannot_tell(run: Any) -> None:
    document = PROOFS[17]
    for documents in ([], [{}], [[]], [document, saved_digest(document, ahead=1)], [document, {}]):
        code, out = run(*documents)
        assert code == 2
        assert out.startswith("cannot tell: ")
        assert len(out.splitlines()) == 1


def test_it_agrees_word_by_word_on_every_proof_of_a_ledger() -> None:
    assert len(PROOFS) == 200
    for document in PROOFS:
        steps = check_proof_file(document, None).steps
        assert checked(document) == tuple(map(tuple, steps))


def checked(document: dict[str, Any]) -> tuple[tuple[str, bool], ...]:
    """What the script checks, without its notes."""
    return tuple(step for step in script.check(document) if step[1] is not None)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A proof file with one bit of a binary field changed."""
    document = json.loads(json.dumps(draw(st.sampled_from(PROOFS))))
    holders = [document, document["revision"], document["block"]]
    places = [(holder, name) for holder in holders for name in BINARY if holder.get(name)]
    holder, key = draw(st.sampled_from(places))
    if isinstance(holder[key], list):
        holder, key = holder[key], draw(st.integers(0, len(holder[key]) - 1))
    content = bytearray(b64decode(holder[key]))
    bit = draw(st.integers(0, 8 * len(content) - 1))
    content[bit // 8] ^= 1 << bit % 8
    holder[key] = b64encode(content).decode()
    return document


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_it_agrees_on_changed_bits(document: dict[str, Any]) -> None:
    try:
        holds = all(holds for _, holds in checked(document))
    except NotImplementedError:
        return  # it does not know this form, and says so
    except Exception:
        holds = False
    assert holds == check_proof_file(document, None).ok


@pytest.mark.parametrize(
    "text",
    [
        "{a:1,b:-1,c:0,d:1e400,e:-0e0,f:nan,g:0e0,h:1.5e0,i:123456789012345678901234567890}",
        "{a:0.,b:-0.,c:1.50,d:0d5,e:-12d-3,f:1d64,g:1d-64,h:-128.,i:1d400}",
        "{a:2007T,b:2007-02T,c:2007-02-23,d:2007-02-23T12:14Z,e:2007-02-23T12:14:33-00:00}",
        "{a:2007-02-23T12:14:33.079-08:00,b:2007-02-23T12:14:33.000Z,c:2007-02-23T12:14+01:04}",
        "{a:null,b:null.int,c:null.struct,d:null.timestamp,e:true,f:false,g:null.symbol}",
        '{a:b::c::{d:1},e:symbol,f:\'\',g:"\\x0b\\x0c\\x0e",h:{{CwwO}},i:{{"clob"}},j:(a + [b])}',
        "{a:1,a:2,'':{},b:[],c:(),version:1,name:2,d:{e:{f:{g:[[[1]]]}}}}",
    ],
)
def test_it_hashes_every_ion_type(ion: Any, text: str) -> None:
    assert script.read(ion(text))[0] == ion_hash(ion(text))


@pytest.mark.parametrize(
    "body",
    [
        "220005",
        "443f800000",
        "480000000000000000",
        "487ff8000000000001",
        "5180",
        "51c0",
        "528000",
        "53c20005",
        "544000810a",
        "6b800fd7818180808000c20005",
    ],
)
def test_it_refuses_what_ion_can_say_shorter(body: str) -> None:
    value = bytes([0xD0 | (len(bytes.fromhex(body)) + 1), 0x84]) + bytes.fromhex(body)
    if len(value) > 14:
        value = bytes([0xDE, 0x80 | len(value) - 1]) + value[1:]
    with pytest.raises(NotImplementedError):
        script.read(b"\xe0\x01\x00\xea" + value)


def text64(value: bytes) -> str:
    return b64encode(value).decode()


def copied(number: int = 17) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(PROOFS[number]))
    return document


def without_data() -> dict[str, Any]:
    """A proof of a revision with data, made one of its deletion: every hash of it fits."""
    ledger = Ledger(SimulateOptions(out=Path("unused"), revisions=200))
    written = (each for block in ledger for each in block.revisions)
    revision = next(each for each in written if each.change.data is not None)
    (document,) = [
        json.loads(json.dumps(each))
        for each in PROOFS
        if each["document_id"] == revision.change.document_id
        and each["version"] == revision.change.version
    ]
    emptied = ledger.revise(revision._replace(change=replace(revision.change, data=None)))
    _, ion = revision_of(emptied.record)
    document["revision"] = {"ion": text64(ion), "hash": text64(emptied.hash)}
    document["proof"].insert(0, text64(revision.data_hash))
    return document


@pytest.mark.parametrize("beside", [None, [], [bytes(32), bytes(32)]])
def test_data_that_was_taken_away_is_no_deletion(beside: list[bytes] | None) -> None:
    document = without_data()
    if beside is not None:
        document["beside"] = [text64(each) for each in beside]

    assert check_proof_file(document, None).failures == [NO_TAKEN_DATA]
    assert [what for what, holds in checked(document) if not holds] == [NO_TAKEN_DATA]


def test_a_document_that_the_transaction_does_not_name_is_not_proven() -> None:
    document = copied()
    other = next(
        each["block"]["transaction_info_ion"]
        for each in PROOFS
        if each["document_id"] != document["document_id"]
    )
    document["block"]["transaction_info_ion"] = other
    failed = check_proof_file(document, None).failures

    assert failed == ["transactionInfo is an entry", "transactionInfo names the document"]
    assert [what for what, holds in checked(document) if not holds] == failed


@pytest.mark.parametrize("place", ["proof", "entries_hash_list"])
def test_empty_hashes_are_refused(run: Any, place: str) -> None:
    document = copied()
    part = document if place == "proof" else document["block"]
    part[place].insert(1, "")

    with pytest.raises(UsageError, match="found none"):
        check_proof_file(document, None)
    assert run(document)[0] == 2


def test_a_symbol_table_replaces_the_one_before() -> None:
    document = copied()
    ion = b64decode(document["revision"]["ion"])
    before = b"\xe8\x81\x83\xd5\x87\xb3\x82no"  # one that declares a single symbol
    document["revision"]["ion"] = text64(ion[:4] + before + ion[4:])

    assert check_proof_file(document, None).ok
    assert all(holds for _, holds in checked(document))


@pytest.mark.parametrize(
    "change", [{"format": "qldb-replay/proof/2"}, {"digest": "!" + "A" * 43 + "="}]
)
def test_what_the_package_does_not_read_the_script_does_not_either(run, change) -> None:
    document = {**copied(), **change}

    with pytest.raises(UsageError):
        check_proof_file(document, None)
    assert run(document)[0] == 2
