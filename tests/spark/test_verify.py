"""`verify` against the independent judge, on every kind of damage, in one lake of many ledgers."""

from __future__ import annotations

import json
import shutil
from base64 import b64decode
from pathlib import Path
from typing import Any

from attacks.findings import Finding, verdict
from attacks.ledgers import digests
from qldb_replay.ion import ion_hash
from qldb_replay.journal import dot
from records import ADDRESS, TABLE_INFO, blob, ion, record

BYTES = {"record-unreadable", "export-unread", "object-unreadable", "object-changed"}


def found(rows: list[dict[str, Any]]) -> set[Finding]:
    """Findings of the table as the judge places them."""
    placed = set()
    for row in rows:
        place = {name: row[name] for name in Finding._fields}
        if row["code"] not in BYTES:
            place.update(object_uri=None, offset=None)
        placed.add(Finding(**place))
    return placed


def of_last_run(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    last = max(row["run_id"] for row in rows)
    return [row for row in rows if row["run_id"] == last]


def test_every_damage_is_found_as_the_judge_finds_it(ledgers, verified, read_table):
    theirs = found(read_table(verified[0], "findings"))

    for name, ledger in ledgers.items():
        uris = {path.as_uri() for path in ledger.out.rglob("*")}
        own = {
            each for each in theirs if each.strand_id == ledger.strand_id or each.object_uri in uris
        }
        assert own == ledger.findings, name
    assert len(theirs) == sum(len(ledger.findings) for ledger in ledgers.values())


def test_each_strand_has_a_verdict_and_an_anchor(ledgers, verified):
    _, summary = verified
    strands = {strand["strand_id"]: strand for strand in summary["strands"]}

    assert summary["verdict"] == "fail"
    assert summary["exit_code"] == 1
    assert set(strands) == {ledger.strand_id for ledger in ledgers.values()}
    for name, ledger in ledgers.items():
        strand, findings = strands[ledger.strand_id], ledger.findings
        # Objects that cannot be read may hold any strand's records.
        least = "incomplete" if verdict(findings) == "pass" else verdict(findings)
        assert strand["verdict"] == least, name
        against = {each.code for each in findings} & {
            "digest-mismatch",
            "digest-undecidable",
            "tail-missing",
        }
        assert (strand["anchored_to"] is None) == bool(against), name
        if not against and strand["last_sequence_no"] == ledger.digest[1]:
            assert b64decode(strand["digest"]) == ledger.digest[2], name


def test_findings_name_the_record_that_shows_them(verified, read_table):
    rows = read_table(verified[0], "findings")
    shown = [row for row in rows if row["object_uri"] is not None]

    assert {row["code"] for row in rows if row["object_uri"] is None} <= {
        "block-missing",
        "head-missing",
        "tail-missing",
    }
    for code in ("revision-hash-mismatch", "block-hash-mismatch", "entries-hash-mismatch"):
        some = [row for row in shown if row["code"] == code]
        assert some
        for row in some:
            assert len(bytes.fromhex(row["expected"])) == 32
            assert row["expected"] != row["actual"]


def test_what_arrives_later_is_judged_and_the_rest_carried_over(
    ledgers, verified, quiet_command, read_table, tmp_path
):
    """Objects come in two lots, verified after each: the end is as if all had come at once."""
    lake, archive = tmp_path / "lake", tmp_path / "archive"
    lots: list[list[tuple[Path, Path]]] = [[], []]
    for ledger in ledgers.values():
        files = sorted(path for path in ledger.out.rglob("*") if path.is_file())
        for number, path in enumerate(files):
            place = archive / ledger.name / path.relative_to(ledger.out)
            lots[number % 2].append((path, place))
    judged = []
    for lot in lots:
        for path, place in lot:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
        quiet_command("ingest", "--archive", archive, "--lake", lake)
        quiet_command("rebuild", "--lake", lake)
        given = digests(ledgers) if lot is lots[1] else []
        summary = quiet_command("verify", "--lake", lake, *given)
        judged.append(summary["scope"]["recomputed"]["blocks"])

    assert max(judged) < summary["counts"]["blocks"]
    rows = of_last_run(read_table(lake, "findings"))
    at_once = read_table(verified[0], "findings")
    first = min(row["run_id"] for row in at_once)  # other tests verify this lake again
    at_once = [row for row in at_once if row["run_id"] == first]
    assert said(rows, archive) == said(at_once, ledgers["plain"].out.parent)
    assert summary["findings"] == verified[1]["findings"]

    again = quiet_command("verify", "--lake", lake)
    assert again["scope"]["recomputed"] == {"blocks": 0, "documents": 0, "ranges": 0}
    assert again["scope"]["carried"]["findings"] > 0
    assert again["findings"] == summary["findings"]
    assert again["strands"] == summary["strands"]
    assert said(of_last_run(read_table(lake, "findings")), archive) == said(rows, archive)


def said(rows: list[dict[str, Any]], archive: Path) -> list[tuple[Any, ...]]:
    """All that findings say, but for where the archive lies."""
    names = [name for name in rows[0] if name not in ("run_id", "unit")]
    return sorted(
        repr([str(row[name]).replace(archive.as_uri(), "") for name in names]) for row in rows
    )


def test_full_agrees_and_finds_what_was_changed_in_the_lake(
    ledgers, quiet_command, read_table, spark, tmp_path
):
    lake = tmp_path / "lake"
    some = [ledgers["redactions"], ledgers["fake-redacted-copy"], ledgers["garble-object"]]
    archives = [f"--archive={ledger.out}" for ledger in some]
    first = quiet_command("run", *archives, "--lake", lake)
    full = quiet_command("verify", "--lake", lake, "--full")
    assert full["scope"]["mode"] == "full"
    assert (full["findings"], full["verdict"]) == (first["findings"], "incomplete")

    target = next(row for row in read_table(lake, "revisions") if row["operation"] == "UPDATE")
    place = f"document_id = '{target['document_id']}' AND version = {target['version']}"
    spark.sql(f"UPDATE delta.`{lake}/revisions` SET data_json = '{{}}' WHERE {place}")
    spark.sql(f"UPDATE delta.`{lake}/records` SET hash = X'00' WHERE {place}")
    spark.sql(f"DELETE FROM delta.`{lake}/current/Orders`")
    spark.sql(f"DELETE FROM delta.`{lake}/blocks` WHERE sequence_no = 7")

    assert quiet_command("verify", "--lake", lake)["scope"]["mode"] == "incremental"
    changed = quiet_command("verify", "--lake", lake, "--full")

    assert (changed["exit_code"], changed["verdict"]) == (1, "fail")
    rows = of_last_run(read_table(lake, "findings"))
    said = {row["detail"] for row in rows if row["code"] == "lake-mismatch"}
    assert {detail.partition(":")[0] for detail in said} >= {
        "records",
        "revisions",
        "blocks",
        "current/Orders",
    }
    named = [row for row in rows if row["detail"].startswith("records: hash")]
    assert {(row["strand_id"], row["offset"] is None) for row in named} == {(None, False)}
    assert not (lake / "_qldb_replay" / "full").exists()
    assert quiet_command("verify", "--lake", lake)["findings"] == changed["findings"]


def test_known_findings_do_not_decide_the_exit_code(ledgers, quiet_command, read_table, tmp_path):
    ledger, lake, known = ledgers["drop-revision"], tmp_path / "lake", tmp_path / "known.yaml"
    summary = quiet_command("run", "--archive", ledger.out, "--lake", lake)
    assert (summary["exit_code"], summary["verdict"]) == (3, "incomplete")
    entries = [
        {"code": code, "strand_id": ledger.strand_id, "reason": "lost in 2023", "who": "Ada"}
        for code in summary["findings"]
    ]
    known.write_text(json.dumps(entries))

    summary = quiet_command("verify", "--lake", lake, "--known", known)

    assert (summary["exit_code"], summary["verdict"]) == (0, "incomplete")
    assert summary["counts"]["acknowledged"] == summary["counts"]["findings"]
    assert all(row["acknowledged"] for row in of_last_run(read_table(lake, "findings")))
    known.write_text(json.dumps(entries[1:]))
    assert quiet_command("verify", "--lake", lake, "--known", known)["exit_code"] == 3
    known.write_text(json.dumps([{"code": "version-missing"}]))
    assert quiet_command("verify", "--lake", lake, "--known", known)["exit_code"] == 2

    unexplained = quiet_command("verify", "--lake", lake, "--strict")
    assert unexplained["findings"] == summary["findings"]


def test_what_was_saved_is_compared_ever_after(ledgers, quiet_command, tmp_path):
    ledger, other, lake = ledgers["rewrite-tail"], ledgers["plain"], tmp_path / "lake"
    saved = ledger.digest_file
    unsaved = quiet_command("run", "--archive", ledger.out, "--lake", lake)
    assert (unsaved["verdict"], unsaved["strands"][0]["anchored_to"]) == ("pass", None)

    answers = json.loads(saved.with_name(f"{ledger.name}.proofs.json").read_text())
    proofs, swapped = tmp_path / "proofs.json", tmp_path / "swapped.json"
    proofs.write_text(json.dumps(answers))
    given = quiet_command("verify", "--lake", lake, "--digest", saved, "--proof", proofs)
    # What was saved fits itself; it is the lake's tail that is another one.
    assert (given["exit_code"], set(given["findings"])) == (1, {"digest-mismatch"})
    answers[0]["Proof"], answers[1]["Proof"] = answers[1]["Proof"], answers[0]["Proof"]
    swapped.write_text(json.dumps(answers[:2]))
    given = quiet_command("verify", "--lake", lake, "--proof", swapped)
    assert given["findings"] == {"digest-mismatch": 1, "proof-mismatch": 2}
    assert quiet_command("verify", "--lake", lake)["findings"] == given["findings"]

    for wrong in ("", "{}", "[1]"):
        (tmp_path / "wrong.json").write_text(wrong)
        refused = quiet_command("verify", "--lake", lake, "--digest", tmp_path / "wrong.json")
        assert refused["exit_code"] == 2
    refused = quiet_command("verify", "--lake", lake, "--digest", other.digest_file)
    assert refused["exit_code"] == 2
    assert other.strand_id in refused["error"]["message"]


MINE, THEIRS = "MALLORY000000000000000", "VICTIM0000000000000000"
TIME = "2020-01-01T00:00:00.000Z"


def metadata(document_id: str) -> str:
    return f'{{id:"{document_id}",version:0,txTime:{TIME},txId:"T"}}'


def revision(own: str, data: str) -> bytes:
    stored = blob(dot(ion_hash(ion(own)), ion_hash(ion(data))))
    content = f"{{blockAddress:{ADDRESS},hash:{stored},data:{data},metadata:{own}}}"
    return record("REVISION_DETAILS", f"{{tableInfo:{TABLE_INFO},revision:{content}}}")


def test_a_document_that_looks_like_metadata_makes_no_revision_of_another(quiet_command, tmp_path):
    # A revision's hash joins those of its metadata and its data in whichever order.
    own, data = metadata(MINE), metadata(THEIRS)
    leaf = dot(ion_hash(ion(own)), ion_hash(ion(data)))
    table = '{tableName:"Person",tableId:"BFJKdXgzt9oF4wjMbuxy4G",statements:[0]}'
    info = f'{{statements:[{{statement:"INSERT",startTime:{TIME}}}],documents:{{{MINE}:{table}}}}}'
    entries = [b"\1" * 32, leaf, b"\2" * 32, ion_hash(ion(info))]
    root = dot(dot(entries[0], entries[1]), dot(entries[2], entries[3]))
    block = record(
        "BLOCK_SUMMARY",
        f"""{{blockAddress:{ADDRESS},transactionId:"T",blockTimestamp:{TIME},
        blockHash:{blob(dot(root, b"1" * 32))},entriesHash:{blob(root)},
        previousBlockHash:{blob(b"1" * 32)},entriesHashList:[{",".join(map(blob, entries))}],
        transactionInfo:{info},revisionSummaries:[{{hash:{blob(leaf)},documentId:"{MINE}"}}]}}""",
    )
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "honest").write_bytes(block + revision(own, data))
    given = ("--archive", archive, "--lake", tmp_path / "lake")

    assert quiet_command("run", *given)["findings"] == {"head-missing": 1}

    (archive / "forged").write_bytes(revision(data, own))
    forged = quiet_command("run", *given)
    assert (forged["exit_code"], forged["findings"]) == (
        1,
        {"head-missing": 1, "table-mismatch": 1},
    )


def test_a_lake_that_is_not_rebuilt_is_not_judged(ledgers, quiet_command, tmp_path):
    lake, noise = tmp_path / "lake", tmp_path / "noise"
    quiet_command("ingest", "--archive", ledgers["plain"].out, "--lake", lake)

    refused = quiet_command("verify", "--lake", lake)

    assert refused["exit_code"] == 2
    assert "qldb-replay rebuild" in refused["error"]["message"]

    # Objects without a record leave nothing to rebuild.
    before = quiet_command("rebuild", "--lake", lake)["counts"]
    noise.mkdir()
    (noise / "object").write_bytes(b"no record")
    quiet_command("ingest", "--archive", noise, "--lake", lake)
    judged = quiet_command("verify", "--lake", lake)
    assert (judged["exit_code"], judged["findings"]) == (3, {"record-unreadable": 1})
    assert judged["counts"]["objects"] == before["objects"] + 1
