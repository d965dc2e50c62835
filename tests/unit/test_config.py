"""Options: who wins, what Glue hands over, and what may be written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from qldb_replay.config import parse, spark_settings, without_secrets, without_url_passwords
from qldb_replay.errors import UsageError
from qldb_replay.options import COMMANDS, parser_of

RUN = ["--archive", "a", "--lake", "l"]


def test_the_command_line_wins_over_the_file_over_the_defaults(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("lake: from-file\nredactions: keep\nbreak_lock: true\n")

    options = parse(parser_of("run"), ["--archive", "a", "--lake", "mine", "--config", str(config)])

    assert options.lake == "mine"
    assert options.redactions == "keep"
    assert options.break_lock is True
    assert options.json is False


def test_the_file_knows_lists_and_maps(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(
        "archive: [a, b]\nlake: l\nspark:\n  spark.master: local[1]\n  spark.x: true\n"
    )

    options = parse(parser_of("run"), [f"--config={config}"])

    assert options.archive == ["a", "b"]
    assert spark_settings(options.spark) == {"spark.master": "local[1]", "spark.x": "true"}


def test_a_list_in_the_file_is_one_wherever_the_command_line_takes_one(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("exit-zero-on: [1, 2]\ndamage: [lose-object, lose-head]\n")

    options = parse(parser_of("simulate"), ["--out=a", "--revisions=1", f"--config={config}"])

    assert options.exit_zero_on == ["1", "2"]
    assert options.damage == ("lose-object", "lose-head")


def test_a_list_in_the_file_where_one_value_goes_is_wrong(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("lake: [a, b]\n")

    with pytest.raises(UsageError, match="lake: expected one value, found 2"):
        parse(parser_of("run"), ["--archive", "a", f"--config={config}"])


@pytest.mark.parametrize("content", [b"\xff\xfe", b"until: 2024-13-45", b"[" * 5_000])
def test_a_file_that_is_no_yaml_is_wrong_usage(tmp_path: Path, content: bytes) -> None:
    config = tmp_path / "c.yaml"
    config.write_bytes(content)

    with pytest.raises(UsageError, match="no valid YAML"):
        parse(parser_of("run"), [*RUN, f"--config={config}"])


REPLAY = ["--lake", "l", "--to", "t"]


@pytest.mark.parametrize(
    "given",
    ["--rate=0", "--rate=nan", "--rate=inf", "--rate=-1", "--rate=x", "--from-sequence=-1"],
)
def test_numbers_that_make_no_sense_are_wrong_usage(given: str) -> None:
    with pytest.raises(UsageError, match="expected a number"):
        parse(parser_of("replay"), [*REPLAY, given])


def test_an_empty_file_is_no_options(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("# nothing\nsummary:\n")

    options = parse(parser_of("run"), [*RUN, "--config", str(config)])

    assert options.lake == "l"
    assert options.summary is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("lake: [", "no valid YAML"),
        ("- lake", "expected a mapping"),
        ("lakes: l", "unknown option 'lakes'"),
        (None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, content: str | None, says: str
) -> None:
    config = tmp_path / "c.yaml"
    if content is not None:
        config.write_text(content)

    with pytest.raises(UsageError, match=says) as raised:
        parse(parser_of("run"), [*RUN, "--config", str(config)])

    assert str(config) in str(raised.value)


@pytest.mark.parametrize(
    "arguments",
    [
        [*RUN, "--lakes", "x"],
        [*RUN, "stray"],
        ["--archive", "a"],
        [*RUN, "--redactions", "maybe"],
        [*RUN, "--json", "maybe"],
        [*RUN, "--json=1"],
        [*RUN, "--lak", "x"],
    ],
)
def test_wrong_options_say_where_help_is(arguments: list[str]) -> None:
    with pytest.raises(UsageError, match=r"see qldb-replay run --help"):
        parse(parser_of("run"), arguments)


@pytest.mark.parametrize("given", [["--password=hunter2"], ["--password", "hunter2"]])
def test_unknown_options_are_named_without_their_values(given: list[str]) -> None:
    with pytest.raises(UsageError) as raised:
        parse(parser_of("run"), [*RUN, *given])

    assert "--password" in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("name", ["--JOB_NAME", "--JOB-NAME"])
def test_glue_brings_arguments_of_its_own(name: str) -> None:
    options = parse(
        parser_of("run"),
        [name, "nightly", "--TempDir", "s3://t/", "--archive=a, b,c", "--lake", "l", "--x=y"],
    )

    assert options.archive == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (["--json"], True),
        (["--json", "true"], True),
        (["--json=true"], True),
        (["--json", "false"], False),
        (["--json=False"], False),
        ([], False),
    ],
)
def test_flags_stand_alone_or_take_a_value(given: list[str], value: bool) -> None:
    assert parse(parser_of("run"), [*given, *RUN]).json is value


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:a b@host/db", "postgresql://me:***@host/db"),
        ("at postgresql://me:a@b/c d@host/db: no", "at postgresql://me:***@host/db: no"),
        ("s3://b/k and postgresql://me:p@h/d", "s3://b/k and postgresql://me:***@h/d"),
    ],
)
def test_passwords_of_any_characters_are_hidden(url: str, shown: str) -> None:
    assert without_url_passwords(url) == shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_takes_a_value_since_arguments_of_glue_are_a_map(command: str) -> None:
    alone = [action.option_strings for action in parser_of(command)._actions if action.nargs == 0]

    assert alone == [["-h", "--help"]]


def test_names_may_have_underscores_and_values_keep_them() -> None:
    options = parse(parser_of("run"), [*RUN, "--exit_zero_on=1,3", "--summary", "a_b--c_d"])

    assert options.exit_zero_on == ["1", "3"]
    assert options.summary == "a_b--c_d"


def test_a_spark_setting_needs_a_value() -> None:
    assert spark_settings(["a=b=c", "d="]) == {"a": "b=c", "d": ""}
    with pytest.raises(UsageError, match="expected KEY=VALUE") as raised:
        spark_settings(["fs.s3a.secret.key:hunter2"])

    assert "hunter2" not in str(raised.value)


def test_no_secret_is_written_down() -> None:
    written = without_secrets(
        {
            "to": "postgresql://bob:hunter2@db/ledger",
            "lake": "s3://bucket/lake",
            "archive": [["s3://u:hunter2@b/p", "plain"]],
            "spark": [
                "spark.hadoop.fs.s3a.secret.key=hunter2",
                "spark.hadoop.fs.s3a.session.token=hunter2",
                "spark.master=local[2]",
                "spark.driver.extraJavaOptions=-DtrustStorePassword=hunter2 -Dx=1",
            ],
            "api_token": "hunter2",
            "password": "hunter2",
            "json": True,
            "count": 3,
            "absent": None,
        }
    )

    assert "hunter2" not in str(written)
    assert written["to"] == "postgresql://bob:***@db/ledger"
    assert written["lake"] == "s3://bucket/lake"
    assert written["archive"] == [["s3://u:***@b/p", "plain"]]
    assert written["spark"][2] == "spark.master=local[2]"
    assert written["spark"][3] == "spark.driver.extraJavaOptions=-DtrustStorePassword=*** -Dx=1"
    assert written["json"] is True
    assert written["count"] == 3
    assert "absent" not in written


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bob:p@ss:hunter2@db/x",
        "postgresql://:hunter2@db/x",
        "postgresql://bob:hunter2/x@db/x",
        "qldb://ledger?secret_key=hunter2&region=eu",
        "postgresql://db/x?user=bob&password=hunter2",
    ],
)
def test_secrets_in_odd_urls_are_masked(url: str) -> None:
    assert "hunter2" not in str(without_secrets({"to": url}))
