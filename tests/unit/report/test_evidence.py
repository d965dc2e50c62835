from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tracemalloc
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from qldb_replay.errors import UsageError
from qldb_replay.journal.verification import Check, Digest, Finding, Run, Scope, Strand
from qldb_replay.report.evidence import LONGEST_TEXT, ArchiveObject, Evidence, write_evidence
from qldb_replay.report.evidence_check import MOST_PROBLEMS, Checked, check_evidence
from qldb_replay.report.signing import PublicKey, read_public_key, read_signing_key


def private_pem(seed: int, encryption=None) -> bytes:
    private = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    protection = encryption or NoEncryption()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


def public_pem(seed: int) -> bytes:
    private = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


KEY = read_signing_key(private_pem(1))
OTHER = read_signing_key(private_pem(2))


def written(evidence, findings=(), objects=(), key=None) -> bytes:
    return "".join(write_evidence(evidence, findings, objects, key)).encode("ascii")


def check(content: bytes, key: PublicKey | None = None) -> Checked:
    return check_evidence(io.BytesIO(content), key)


NOW = datetime(2024, 5, 17, tzinfo=timezone.utc)
WARNED = Evidence(
    "0.1.0",
    Run("run", NOW, NOW),
    Scope("full", False, {"blocks": 3}, {}),
    "pass",
    {"objects": 0},
    [Check("time-order", 3, 1)],
    [Strand("s", 0, 2, 3, bytes(32), "pass", None)],
    [],
)
"""For property tests, which take no fixtures: whatever has one finding `time-order`."""
SIGNED = written(WARNED, [Finding("time-order", "warning", "s", 2)], key=KEY)


def test_a_file_fits_itself(evidence, findings, objects):
    checked = check(written(evidence, findings, objects))

    assert checked.problems == ()
    assert (checked.verdict, checked.findings, checked.objects) == ("incomplete", 2, 2)
    assert (checked.signature, checked.signed_by, checked.trusted) == ("absent", None, False)


def test_a_file_is_one_json_object(evidence, findings, objects):
    content = json.loads(written(evidence, findings, objects, KEY))

    assert [
        *("format", "tool", "strict", "verdict", "counts", "checks", "strands", "digests"),
        *("findings", "objects", "contents_sha256", "run", "scope", "signature"),
    ] == list(content)
    assert content["checks"]["block-missing"] == {"checked": 12, "findings": 1}
    assert content["checks"]["chain-break"] == {"checked": 12, "findings": 0}
    assert content["findings"][0]["expected"] == "7 to 9"
    assert [each["sha256"] is not None for each in content["objects"]] == [True, False]
    assert content["run"]["ended"] == "2024-05-17T09:30:41.000000Z"
    assert {"mode", "recomputed", "carried"} == set(content["scope"])


def test_each_finding_and_object_has_a_line(evidence, findings, objects):
    lines = written(evidence, findings, objects).decode().splitlines()

    assert sum('"acknowledged":' in line for line in lines) == 2
    assert sum(line.startswith('{"object_uri":') for line in lines) == 2


def test_another_run_changes_no_contents(evidence, findings, objects):
    later = replace(
        evidence,
        run=replace(evidence.run, run_id="later", ended=datetime.now(timezone.utc)),
        scope=Scope("incremental", False, {"blocks": 0}, {"findings": 2}),
        checks=evidence.checks[::-1],
        digests=evidence.digests[::-1],
    )
    one, other = written(evidence, findings, objects), written(later, findings, objects)

    end = b'"run":'
    assert one.partition(end)[0] == other.partition(end)[0]
    assert one != other
    assert check(one).contents_sha256 == check(other).contents_sha256


def test_a_signature_says_who(evidence, findings, objects):
    content = written(evidence, findings, objects, KEY)

    known = check(content, KEY.public)
    assert known.problems == ()
    assert ("valid", KEY.public.fingerprint, True) == (
        known.signature,
        known.signed_by,
        known.trusted,
    )
    unknown = check(content)
    assert (unknown.problems, unknown.signature, unknown.trusted) == ((), "valid", False)


def test_an_unexpected_key_is_a_problem(evidence, findings, objects):
    checked = check(written(evidence, findings, objects, OTHER), KEY.public)

    assert ("valid", OTHER.public.fingerprint, False) == (
        checked.signature,
        checked.signed_by,
        checked.trusted,
    )
    assert (
        f"signed by key {OTHER.public.fingerprint}, expected key {KEY.public.fingerprint}",
    ) == checked.problems


def test_a_missing_signature_is_a_problem_where_a_key_is_expected(passing):
    checked = check(written(passing), KEY.public)

    assert (f"not signed, expected key {KEY.public.fingerprint}",) == checked.problems
    assert not checked.trusted


def found_wrong(content: bytes, key: PublicKey | None) -> bool:
    try:
        return check(content, key).problems != ()
    except UsageError:
        return True


def test_a_flipped_bit_of_any_byte_of_a_signed_file_is_found(passing):
    content = written(passing, key=KEY)

    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        assert found_wrong(bytes(changed), None), place


@given(data=st.data())
def test_any_other_change_of_a_signed_file_is_found(data):
    content = SIGNED
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 200)))
    instead = data.draw(
        st.one_of(st.binary(max_size=20), st.sampled_from(content.splitlines(True)))
    )
    changed = content[:start] + instead + content[end:]

    assert (changed != content) == found_wrong(changed, None)


@pytest.mark.parametrize("old", [b'"pass"', b'"checked":12', b'"version":"0.1.0"'])
def test_a_change_of_an_unsigned_file_is_found_by_its_hash(passing, old):
    content = written(passing)
    new = old.replace(b"pass", b"fail").replace(b"12", b"13").replace(b"0.1", b"0.2")

    problems = check(content.replace(old, new, 1)).problems
    assert "contents_sha256 is not the hash of what is above it" in problems


def test_another_form_of_the_same_json_is_found(passing):
    content = json.dumps(json.loads(written(passing)), separators=(",", ":")).encode()

    with pytest.raises(UsageError, match="as the first line"):
        check(content)
    spaced = written(passing).replace(b'"verdict":"pass"', b'"verdict": "pass"')
    assert check(spaced).problems == ("line 4 is not as it was written",)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b'"unreadable"}\n', b'"unreadable"},\n', "expected the next of objects"),
        (b"},\n{", b"}\n{", "expected the end of digests"),
        (b'"findings":[\n', b'"findings":[\n],\n"findings":[\n', "expected objects"),
        (b'\n"objects":[', b'\n"things":[', "expected objects"),
        (b'"chain-break"', b'"zzz"', "expected the next of checks by its code"),
        (b'"size":4096', b'"size":-1', "size has another type or value"),
        (b'"offset":1024', b'"offset":true', "offset has another type or value"),
        (b'"acknowledged":true', b'"acknowledged":1', "acknowledged has another type or value"),
        (b'"status":"read"', b'"state":"read"', "expected an object with"),
        (b'"strict":false', b'"strict":0', "expected strict of its type"),
        (b'"mode":"full"', b'"mode":"half"', "mode has another type or value"),
        (b'"signature":null}\n', b'"signature":null}\n\n', "something stands after"),
        (b'"signature":null}\n', b'"signature":null}', "expected signature"),
        (b'"signature":null}\n', b'"signature":{}}\n', "expected an object with algorithm"),
    ],
)
def test_what_is_not_of_the_form_is_found(evidence, findings, objects, old, new, problem):
    findings[1:1] = [replace(findings[0], sequence_no=7)]
    checks = [Check("block-missing", 1, 2), Check("chain-break", 1, 0)]
    evidence = replace(evidence, checks=[*checks, Check("record-unreadable", 1, 1)])
    content = written(evidence, findings, objects)

    assert old in content
    problems = check(content.replace(old, new, 1)).problems
    assert problem in problems[0]


def test_a_line_longer_than_any_that_is_written_is_not_read(passing):
    content = written(passing).replace(b'"version":"0', b'"version":"' + b"0" * 2_000_000)

    assert check(content).problems == ("line 2 is longer than 1048576 bytes",)


def test_a_file_cut_short_is_found(evidence, findings, objects):
    content = written(evidence, findings, objects, KEY)
    first = content.index(b"\n") + 1

    for end in range(first, len(content), 97):
        assert check(content[:end]).problems


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "as the first line"),
        (b"{}", "as the first line"),
        (b'{"format":"qldb-replay/proof/1"}', "as the first line"),
        (b'{"format":"qldb-replay/evidence/2",\n', "another format than"),
        (b"\x00" * 5_000_000, "as the first line"),
    ],
    ids=["empty", "other JSON", "proof file", "later version", "zeros"],
)
def test_what_is_no_evidence_file_is_refused(content, message):
    with pytest.raises(UsageError, match=message):
        check(content)


@pytest.mark.parametrize(
    "line",
    [b"[" * 100_000, b"1" * 100_000, b"x" * 3_000_000, b"NaN", b"1.5", b"\xff"],
    ids=["deep", "large number", "long", "no number", "float", "no text"],
)
def test_hostile_lines_are_problems(passing, line):
    content = written(passing).replace(b'{"checked":12,"findings":0}', line)

    assert check(content).problems


STRAND = "JdxjkR9bSYB5jMHWcI464T"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"verdict": "fail"}, "the verdict is fail, the findings come to incomplete"),
        ({"counts": {"objects": 3}}, "counts has 3 objects, the list has 2"),
        ({"counts": {}}, "counts has None objects, the list has 2"),
        ({"checks": []}, "block-missing was found and not checked"),
        (
            {"checks": [Check("block-missing", 1, 2), Check("record-unreadable", 1, 1)]},
            "checks has 2 findings block-missing, the list has 1",
        ),
        (
            {"strands": [Strand(STRAND, 0, 12, 10, None, "pass", 5)]},
            f"strand {STRAND} has the verdict pass against its findings",
        ),
        (
            {"strands": [Strand(STRAND, 0, 12, 10, None, "fail", 5)]},
            f"strand {STRAND} has the verdict fail, the whole incomplete",
        ),
        (
            {"strands": [Strand(STRAND, 0, 12, 14, None, "incomplete", 5)]},
            f"strand {STRAND} has 14 blocks of 13 numbers",
        ),
        (
            {"strands": [Strand(STRAND, 0, 12, 10, bytes(32), "incomplete", 5)]},
            f"strand {STRAND} has a digest, and blocks are missing",
        ),
        (
            {"strands": [Strand(STRAND, 0, 12, 10, None, "incomplete", 12)]},
            f"strand {STRAND} is anchored to 12, not 5",
        ),
        (
            {"strands": [Strand(STRAND, 0, 12, 10, None, "incomplete", 5)] * 2},
            "a strand is listed twice",
        ),
        (
            {"digests": [Digest("other", 5, bytes(32), "match")]},
            "a saved digest is of strand other, which is not listed",
        ),
        (
            {"digests": [Digest(STRAND, 5, bytes(32), "mismatch")]},
            "a saved digest does not match, and that is no finding",
        ),
        (
            {"digests": [Digest(STRAND, 13, bytes(32), "match")]},
            "the saved digest of block 13 cannot match",
        ),
    ],
)
def test_evidence_that_contradicts_itself_is_not_written(
    evidence, findings, objects, change, problem
):
    with pytest.raises(ValueError, match=r"contradicts itself") as caught:
        written(replace(evidence, **change), findings, objects)

    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("severity", "strict", "fits"),
    [("warning", False, True), ("incomplete", True, True), ("warning", True, False)],
)
def test_strictness_raises_one_code(passing, severity, strict, fits):
    verdict = "pass" if severity == "warning" else severity
    evidence = replace(
        passing,
        verdict=verdict,
        scope=Scope("full", strict, {}, {}),
        checks=[Check("block-unexplained", 12, 1)],
        strands=[replace(passing.strands[0], verdict=verdict)],
    )
    findings = [Finding("block-unexplained", severity, STRAND, 4)]

    if fits:
        assert check(written(evidence, findings)).problems == ()
    else:
        with pytest.raises(ValueError, match="block-unexplained have the severity warning"):
            written(evidence, findings)


def test_an_edited_verdict_is_found_even_with_its_hash_made_anew(evidence, findings, objects):
    content = written(evidence, findings, objects)
    edited = content.replace(b'"verdict":"incomplete",\n"counts"', b'"verdict":"pass",\n"counts"')
    old = check(content).contents_sha256.encode()
    new = check(edited).contents_sha256.encode()

    assert (
        "the verdict is pass, the findings come to incomplete",
        f"strand {STRAND} has the verdict incomplete, the whole pass",
    ) == check(edited.replace(old, new)).problems


def test_problems_are_named_up_to_a_number(passing):
    strands = "".join(
        f'{{"anchored_to":0,"blocks":1,"digest":null,"first_sequence_no":0,"last_sequence_no":0,'
        f'"strand_id":"{number:03}","verdict":"pass"}},\n'
        for number in range(50)
    )
    content = written(passing).replace(b'"strands":[\n', b'"strands":[\n' + strands.encode())

    problems = check(content).problems
    assert len(problems) == MOST_PROBLEMS + 1
    assert problems[-1] == "31 more problems"


@pytest.mark.parametrize("order", ["findings", "objects"])
def test_rows_out_of_order_are_refused(evidence, findings, objects, order):
    rows = {"findings": findings, "objects": objects}
    rows[order] = rows[order][::-1]

    with pytest.raises(ValueError, match="not sorted"):
        written(evidence, **rows)


def test_floats_are_refused(passing):
    with pytest.raises(ValueError, match="whole numbers"):
        written(replace(passing, counts={"objects": 0.0}))


def test_times_without_a_zone_are_refused(passing):
    run = replace(passing.run, started=datetime(2024, 1, 1))

    with pytest.raises(ValueError, match="zone"):
        written(replace(passing, run=run))


@given(st.text(st.characters()), st.integers(0, 3))
def test_any_name_is_written_and_read(text, longer):
    name = text + "é" * LONGEST_TEXT * longer
    finding = Finding("time-order", "warning", "s", 2, document_id=name, detail=name)
    content = written(WARNED, [finding])

    assert check(content).problems == ()
    read = json.loads(content)["findings"][0]["document_id"]
    assert (read == name) == (len(name) <= LONGEST_TEXT)


def test_long_lists_are_never_held(passing):
    number = 20_000
    evidence = replace(passing, counts={"objects": number})
    objects = (ArchiveObject(f"s3://a/{i:09}", i, bytes(32), "read") for i in range(number))

    class Chunks(io.RawIOBase):
        """Hands the written text on as it comes, as a file would."""

        def __init__(self) -> None:
            self.rest = b""
            self.texts = write_evidence(evidence, (), objects, KEY)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer) -> int:
            while not self.rest:
                text = next(self.texts, None)
                if text is None:
                    return 0
                self.rest = text.encode()
            size = min(len(buffer), len(self.rest))
            buffer[:size], self.rest = self.rest[:size], self.rest[size:]
            return size

    tracemalloc.start()
    checked = check_evidence(io.BufferedReader(Chunks()), KEY.public)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert ((), number, True) == (checked.problems, checked.objects, checked.trusted)
    assert peak < 2_000_000


@pytest.mark.parametrize("position", [0, 20, 84, 85])
def test_a_signature_has_one_form(passing, position):
    content = json.loads(written(passing, key=KEY))
    value = content["signature"]["value"]
    # The last letters before the padding carry spare bits, which readers ignore.
    same = [
        value[:position] + letter + value[position + 1 :]
        for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        if letter != value[position]
    ]
    text = written(passing, key=KEY)

    for each in same:
        assert check(text.replace(value.encode(), each.encode())).problems


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        (b"", "expected an Ed25519 private key in PEM"),
        (b"secret words", "expected an Ed25519 private key in PEM"),
        (public_pem(1), "expected an Ed25519 private key in PEM"),
        (private_pem(1, BestAvailableEncryption(b"x")), "without a password"),
        (
            ec.generate_private_key(ec.SECP256R1()).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
            "another algorithm",
        ),
    ],
    ids=["empty", "text", "public", "encrypted", "elliptic curve"],
)
def test_what_is_no_signing_key_is_refused(pem, message):
    with pytest.raises(UsageError, match=message) as caught:
        read_signing_key(pem)

    assert "secret" not in str(caught.value)


def test_what_is_no_public_key_is_refused():
    with pytest.raises(UsageError, match="expected an Ed25519 public key in PEM"):
        read_public_key(private_pem(1))
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(UsageError, match="another algorithm"):
        read_public_key(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def test_without_cryptography_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)

    with pytest.raises(UsageError, match="extra `sign`"):
        read_signing_key(private_pem(1))
    with pytest.raises(UsageError, match="extra `sign`"):
        check(SIGNED)


def test_openssl_agrees(tmp_path, passing):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on this machine")
    (tmp_path / "public.pem").write_bytes(public_pem(1))
    assert KEY.public == read_public_key(public_pem(1))
    der = subprocess.run(
        [openssl, "pkey", "-pubin", "-in", tmp_path / "public.pem", "-outform", "DER"],
        capture_output=True,
        check=True,
    ).stdout
    assert hashlib.sha256(der).hexdigest() == KEY.public.fingerprint

    content = written(passing, key=KEY)
    above = content[: content.index(b'"signature":')]
    message = b"qldb-replay/evidence/1 " + hashlib.sha256(above).hexdigest().encode()
    (tmp_path / "message").write_bytes(message)
    (tmp_path / "signature").write_bytes(b64decode(json.loads(content)["signature"]["value"]))
    assert b64encode(KEY.public.raw).decode() == json.loads(content)["signature"]["public_key"]
    command = ["pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin"]
    result = subprocess.run(
        [openssl, *command, "-in", "message", "-sigfile", "signature"], cwd=tmp_path, check=False
    )
    assert result.returncode == 0
