"""The command line where no Spark is needed: help, wrong usage, summaries, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from program import PROGRAM
from qldb_replay import __version__
from qldb_replay.cli import main
from qldb_replay.commands import Outcome, offline
from qldb_replay.errors import StageError, UsageError
from qldb_replay.options import COMMANDS
from records import details


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return summary


def test_help_names_every_command(capsys) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out

    assert all(f"  {command} " in shown for command in COMMANDS)
    assert main([]) == 2


def test_the_version_is_told(capsys) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"qldb-replay {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example_and_the_exit_codes(command: str, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    shown = capsys.readouterr().out

    assert ended.value.code == 0
    assert f"example: qldb-replay {command} " in shown or command == "doctor"
    assert "exit codes: 0 done" in shown
    assert "--exit-zero-on" in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["rune"], "no command 'rune'"),
        (["run", "--lake", "l"], "--archive"),
        (["ingest", "--archive", "a", "--lake", "l", "--nope"], "--nope"),
        (["simulate", "--out", "x", "--revisions", "many"], "--revisions"),
        (["simulate", "--out", "x", "--revisions", "0"], "revisions: expected at least 1"),
        (["inspect"], "OBJECT"),
    ],
)
def test_wrong_usage_is_2_with_a_message_and_a_summary(arguments, says: str, capsys) -> None:
    assert main([*arguments, "--json"]) == 2
    out, err = capsys.readouterr()
    summary = json.loads(out.splitlines()[-1])

    assert says in err
    assert summary["command"] == arguments[0]
    assert summary["exit_code"] == 2
    assert summary["counts"] == {}
    assert summary["error"] == {"type": "UsageError", "message": err.strip()[13:]}


@pytest.mark.parametrize(
    ("raised", "code", "kind"),
    [
        (UsageError("no"), 2, "UsageError"),
        (StageError("broke"), 4, "StageError"),
        (KeyboardInterrupt(), 4, "Interrupted"),
        (ValueError("secret content"), 4, "ValueError"),
    ],
)
def test_each_way_to_end_has_its_code(monkeypatch, capsys, tmp_path, raised, code, kind) -> None:
    def fail(_: object) -> None:
        raise raised

    monkeypatch.setattr(offline, "doctor", fail)

    assert main(["doctor", "--summary", str(tmp_path / "deep" / "s.json")]) == code
    summary = json.loads((tmp_path / "deep" / "s.json").read_text())
    assert (summary["exit_code"], summary["error"]["type"]) == (code, kind)
    assert "secret content" not in summary["error"]["message"]
    assert "secret content" not in capsys.readouterr().err


def test_some_codes_can_be_taken_for_0_but_the_summary_says_which(monkeypatch, capsys) -> None:
    outcome = Outcome(exit_code=3)
    monkeypatch.setattr(offline, "doctor", lambda _: outcome)

    assert main(["doctor", "--exit-zero-on", "1,3", "--json"]) == 0
    assert last_line(capsys)["exit_code"] == 3
    assert main(["doctor", "--exit-zero-on", "1"]) == 3


def test_a_summary_that_cannot_be_written_is_no_success(monkeypatch, tmp_path, capsys) -> None:
    outcome = Outcome(lines=["done"])
    target = tmp_path / "s.json"

    def occupied(_: object) -> Outcome:
        target.mkdir()
        return outcome

    monkeypatch.setattr(offline, "doctor", occupied)

    assert main(["doctor", "--summary", str(target)]) == 2
    assert "s.json cannot be written" in capsys.readouterr().err


def test_a_place_where_no_summary_can_be_is_told_before_the_work(
    monkeypatch, tmp_path, capsys
) -> None:
    monkeypatch.setattr(offline, "doctor", lambda _: pytest.fail("it began"))
    (tmp_path / "file").write_text("")

    assert main(["doctor", "--summary", str(tmp_path / "file" / "s.json")]) == 2
    assert "s.json cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_wrong_option_also_reaches_the_summary_file(tmp_path: Path, place: str) -> None:
    target = tmp_path / "s.json"
    wrong, given = ["--nope", "1"], ["--summary", str(target)]
    arguments = [*wrong, *given] if place == "before" else [*given, *wrong]

    assert main(["doctor", *arguments]) == 2
    assert json.loads(target.read_text())["exit_code"] == 2


def test_a_wrong_option_can_be_taken_for_0(tmp_path: Path) -> None:
    assert main(["doctor", "--exit-zero-on", "2", "--nope"]) == 0


def test_simulate_and_inspect_work_together(tmp_path: Path, capsys) -> None:
    out = tmp_path / "archive"
    given = ["--revisions", "20", "--tables", "Person", "--duplicates", "0"]
    assert main(["simulate", "--out", str(out), *given, "--json"]) == 0
    simulated = last_line(capsys)
    objects = [str(path) for path in sorted(out.rglob("*")) if path.is_file()]

    assert main(["inspect", *objects, "--json"]) == 0
    *lines, last = map(json.loads, capsys.readouterr().out.splitlines())

    assert last["counts"]["records"] == simulated["counts"]["records"] == len(lines)
    assert {line["hash_matches"] for line in lines} == {True, None}
    revisions = [line for line in lines if line["record_type"] == "REVISION_DETAILS"]
    assert len(revisions) == 20


def test_inspect_says_what_is_no_record(tmp_path: Path, capsys) -> None:
    (tmp_path / "object").write_bytes(b"\xe0\x01\x00\xea\x0f")

    assert main(["inspect", str(tmp_path / "object")]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["reason"]


@pytest.mark.parametrize(
    ("ion", "shown"),
    [
        ("1.50", "1.50"),
        ("0.1000000000000000000000001", "0.1000000000000000000000001"),
        ("1d400", "1e400"),
        ("0x" + "f" * 4_400, "134252903212145666"),
    ],
    ids=len,
)
def test_inspect_keeps_every_digit(tmp_path: Path, capsys, ion: str, shown: str) -> None:
    (tmp_path / "object").write_bytes(details(f"{{n:{ion}}}"))

    assert main(["inspect", str(tmp_path / "object")]) == 0
    line = json.loads(capsys.readouterr().out, parse_int=str, parse_float=str)
    assert line["hash_matches"] is True
    assert line["record"]["payload"]["revision"]["data"]["n"].startswith(shown)


def test_inspect_goes_on_behind_data_as_deep_as_it_may_be(tmp_path: Path, capsys) -> None:
    deep = f"{{n:{'[' * 198}{']' * 198}}}"
    (tmp_path / "object").write_bytes(details(deep) + details())

    assert main(["inspect", str(tmp_path / "object")]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["hash_matches"], first["record"]) == (True, None)
    assert second["record"]["recordType"] == "REVISION_DETAILS"


WITHOUT_SPARK = """
import sys
sys.modules["pyspark"] = sys.modules["py4j"] = None
from qldb_replay.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["simulate", "--out", "a", "--revisions", "3"], 0, "archive in a"),
        (["inspect", "object"], 0, '"reason"'),
        (["doctor"], 2, "MISSING pyspark"),
    ],
)
def test_what_needs_no_spark_works_where_there_is_none(tmp_path, arguments, code, says) -> None:
    (tmp_path / "object").write_bytes(b"\x0f")
    command = [sys.executable, "-c", WITHOUT_SPARK, *arguments]

    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (code, says in ended.stdout) == (ended.returncode, True), ended


def piped(tmp_path: Path, *arguments: str, encoding: str = "utf-8", reader: str = "true"):
    """Runs a command whose output goes to a program; gives its exit code and what that printed."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    ) as command:
        read = subprocess.run(reader, shell=True, stdin=command.stdout, capture_output=True)
        command.stdout.close()
        said = command.stderr.read().decode()
        return command.wait(), read.stdout.decode(encoding), said


def test_nobody_who_reads_is_no_failure(tmp_path: Path) -> None:
    simulated = ("simulate", "--out", "a", "--revisions", "300", "--summary", "s.json", "--json")

    assert piped(tmp_path, *simulated, reader="exec 0<&-; sleep 1") == (0, "", "")
    assert json.loads((tmp_path / "s.json").read_text())["exit_code"] == 0
    objects = [str(path) for path in (tmp_path / "a").rglob("*") if path.is_file()]
    code, shown, said = piped(tmp_path, "inspect", *objects, "--json", reader="head -n 1")
    assert (code, len(shown.splitlines()), said) == (0, 1, "")


def test_a_line_stays_json_in_any_encoding(tmp_path: Path) -> None:
    name = "☃𝄞.json"
    code, shown, _ = piped(
        tmp_path, "prove", "--check", name, "--json", encoding="ascii", reader="cat"
    )

    assert code == 2
    assert name in json.loads(shown)["error"]["message"]


def test_inspect_of_what_is_not_there_is_2(tmp_path: Path, capsys) -> None:
    assert main(["inspect", str(tmp_path / "none")]) == 2
    assert str(tmp_path / "none") in capsys.readouterr().err
