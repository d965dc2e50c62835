"""The README and `conf/` as people use them: commands run, options exist, exit codes hold."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from qldb_replay.config import parse
from qldb_replay.errors import QldbReplayError
from qldb_replay.options import COMMANDS, parser_of

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCRIPT = Path(sys.executable).with_name("qldb-replay")


def run(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Runs the installed command."""
    command = [str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def shell_lines(text: str) -> list[str]:
    """Commands in a page's shell blocks, continued lines joined, comments taken off."""
    blocks = re.findall(r"```sh\n(.+?)```", text, flags=re.DOTALL)
    joined = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.split("  #")[0].strip() for line in joined if line.strip()]


def readme_commands() -> list[list[str]]:
    """The README's `qldb-replay` commands, without the program's name."""
    lines = [shlex.split(line) for line in shell_lines(README)]
    return [line[1:] for line in lines if line[0] == "qldb-replay"]


def after_job(arguments: list[str]) -> list[str]:
    """What follows the entry point `jobs/run.py` in a list of arguments."""
    place = next(i for i, argument in enumerate(arguments) if argument.endswith("jobs/run.py"))
    return arguments[place + 1 :]


class Template(yaml.SafeLoader):
    """Reads CloudFormation; its functions become their arguments."""


Template.add_multi_constructor(
    "!",
    lambda loader, _, node: (
        loader.construct_scalar(node)
        if isinstance(node, yaml.ScalarNode)
        else loader.construct_sequence(node, deep=True)
    ),
)


def test_the_readme_names_the_test_command():
    assert "make test" in shell_lines(README)


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"\bmake ([a-z]+)", README))

    assert {"run", "test", "install"} <= targets
    assert targets <= set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))


@pytest.mark.parametrize("arguments", readme_commands(), ids=" ".join)
def test_commands_of_the_readme_have_these_options(arguments):
    options = parse(parser_of(arguments[0]), arguments[1:])

    assert arguments[0] == options.command


def test_every_command_is_in_the_readme():
    named = {arguments[0] for arguments in readme_commands()}

    # `run` is `ingest`, then `rebuild`.
    assert set(COMMANDS) - {"ingest", "rebuild"} == named


def test_simulate_and_inspect_of_the_readme(tmp_path):
    simulating, inspecting, *_ = readme_commands()
    simulating[simulating.index("--revisions") + 1] = "100"

    simulated = run(*simulating, "--json", cwd=tmp_path)
    inspected = run(*inspecting, "--json", cwd=tmp_path)

    assert (simulated.returncode, inspected.returncode) == (0, 0), inspected.stderr
    written = json.loads(simulated.stdout.splitlines()[-1])["counts"]["records"]
    # Not splitlines: documents may hold U+2028.
    *records, summary = map(json.loads, inspected.stdout.rstrip("\n").split("\n"))
    assert written == len(records) == summary["counts"]["records"]
    assert all(record["hash_matches"] is not False for record in records)


def test_help_names_every_command():
    answer = run("--help")

    assert answer.returncode == 0
    assert all(command in answer.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example(command):
    answer = run(command, "--help")

    assert answer.returncode == 0
    assert f"example: qldb-replay {command}" in answer.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("no-such-command",),
        ("ingest",),
        ("run", "--archive", "here"),
        ("simulate", "--out", "new", "--revisions", "many"),
        ("simulate", "--out", "new", "--revisions", "1", "--compression", "lzma"),
        ("inspect", "no-such-object"),
        ("inspect", "x", "--no-such-option"),
        ("doctor", "--config", "no-such-file.yaml"),
    ],
    ids=" ".join,
)
def test_what_cannot_work_ends_with_2_and_a_message(arguments, tmp_path):
    answer = run(*arguments, cwd=tmp_path)

    assert answer.returncode == 2
    assert arguments == () or answer.stderr.startswith("qldb-replay: ")
    assert "Traceback" not in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_summary_is_written_on_failure_too(tmp_path):
    summary = tmp_path / "summary.json"

    answer = run("inspect", tmp_path / "none", "--summary", summary, "--exit-zero-on", "2,4")

    assert answer.returncode == 0
    written = json.loads(summary.read_text(encoding="utf-8"))
    assert (written["exit_code"], written["error"]["type"]) == (2, "UsageError")


def test_every_exit_code_is_in_the_readme():
    codes = {int(code) for code in re.findall(r"^\| (\d) \|", README, flags=re.MULTILINE)}

    assert codes == {0, 1, 2, 3, 4}
    assert {kind.exit_code for kind in QldbReplayError.__subclasses__()} <= codes


def test_the_spark_submit_line_of_the_readme_has_a_jobs_options():
    (line,) = (line for line in shell_lines(README) if line.startswith("spark-submit"))

    parse(parser_of("run"), after_job(shlex.split(line)))


def test_the_local_configuration_is_one(tmp_path):
    options = parse(parser_of("run"), ["--config", str(ROOT / "conf" / "local.yaml")])

    assert options.archive == ["./archive"]
    assert options.spark[0] == "spark.master=local[*]"


def test_the_emr_step_has_a_jobs_options():
    (step,) = json.loads((ROOT / "conf" / "emr-step.json").read_text(encoding="utf-8"))

    options = parse(parser_of("run"), after_job(step["Args"]))
    assert options.lake == "s3://LAKE_BUCKET/LAKE_PREFIX"


def test_the_emr_serverless_job_has_a_jobs_options():
    path = ROOT / "conf" / "emr-serverless-job.json"
    job = json.loads(path.read_text(encoding="utf-8"))["jobDriver"]["sparkSubmit"]

    options = parse(parser_of("run"), job["entryPointArguments"])
    assert job["entryPoint"].endswith("jobs/run.py")
    assert options.lake == "s3://LAKE_BUCKET/LAKE_PREFIX"


def test_the_glue_job_has_a_jobs_options():
    text = (ROOT / "conf" / "glue-job.yaml").read_text(encoding="utf-8")
    job = yaml.load(text, Template)["Resources"]["Job"]["Properties"]
    arguments = [part for pair in job["DefaultArguments"].items() for part in pair]

    options = parse(parser_of("run"), [*arguments, "--JOB_NAME", "qldb-replay-run"])
    assert options.archive == ["s3://${ArchiveBucket}/${ArchivePrefix}/"]
    assert job["ExecutionProperty"] == {"MaxConcurrentRuns": 1}


@pytest.mark.parametrize(
    "arguments", [["prove", "--check", "none.json"], ["verify", "--check-report", "none.json"]]
)
def test_files_are_checked_without_spark(arguments, tmp_path):
    program = (
        "import sys; from qldb_replay.cli import main; code = main(sys.argv[1:]);"
        "sys.exit(99 if 'pyspark' in sys.modules else code)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=tmp_path, capture_output=True, check=False
    )

    assert ended.returncode == 2, ended.stderr
