"""Options from the command line, a YAML file or a Glue job's arguments, as one parser reads them.

Glue hands a job's arguments over as a map: every flag has a value, names may carry underscores,
lists are comma-separated and the platform's own arguments stand among ours.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from qldb_replay.errors import UsageError

_SECRET_NAME = re.compile(r"secret|password|token|key", re.IGNORECASE)
_ASSIGNED_SECRET = re.compile(
    r"(?P<name>[\w.-]*(?:secret|password|token|key)[\w.-]*)=.*?(?=\s-D|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_URL_PASSWORD = re.compile(r"(?P<before>[a-zA-Z][\w+.-]*://[^/@:\s]*:)(?:(?!://)[^\n])*(?=@)")
_URL_PARAMETER = re.compile(
    r"(?P<before>[?&;][^?&;=\s]*(?:secret|password|token|key)[^?&;=\s]*=)[^&;\s]*", re.IGNORECASE
)


class OptionParser(argparse.ArgumentParser):
    """An argument parser that raises `UsageError` instead of ending the process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("allow_abbrev", False)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> Any:
        """Raises the error with how to get help."""
        raise UsageError(f"{message} (see {self.prog} --help)")


def add_flag(to: argparse._ActionsContainer, name: str, says: str) -> None:
    """Adds a flag to a parser or a group; it stands alone or takes `true` or `false`."""
    to.add_argument(name, default=False, type=boolean, metavar="[true|false]", help=says)


def add_list(to: argparse._ActionsContainer, name: str, metavar: str, says: str) -> None:
    """Adds a list to a parser or a group; it is comma-separated, repeated, or both."""
    to.add_argument(name, action="extend", type=comma_list, default=[], metavar=metavar, help=says)


def boolean(text: str) -> bool:
    """Reads `true` or `false`."""
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"expected true or false, found {text!r}")
    return text.lower() == "true"


def comma_list(text: str) -> list[str]:
    """Reads a comma-separated list."""
    return [part.strip() for part in text.split(",") if part.strip()]


def comma_tuple(text: str) -> tuple[str, ...]:
    """Reads a comma-separated list of what takes the place of another list."""
    return tuple(comma_list(text))


def parse(parser: OptionParser, arguments: Sequence[str]) -> argparse.Namespace:
    """Reads a command's options: the command line wins over `--config`, that over defaults.

    Args:
        parser: the command's parser; it has `--config`.
        arguments: the command line without the program's name.

    Raises:
        UsageError: unknown or malformed options, or a file that cannot be read.
    """
    arguments = _with_values(parser, [_dashed(argument) for argument in arguments])
    given = {argument.partition("=")[0] for argument in arguments}
    config = value_of(arguments, "--config")
    if config is not None:
        arguments = [*_file_arguments(parser, Path(config), given), *arguments]
    options, unknown = parser.parse_known_args(arguments)
    if unknown and "--JOB-NAME" not in given:
        # What stands alone may be an unknown option's value, and secret.
        names = [argument.partition("=")[0] for argument in unknown if argument.startswith("-")]
        parser.error(f"unknown arguments: {' '.join(names) or 'a word that belongs to no option'}")
    return options


def _with_values(parser: OptionParser, arguments: Sequence[str]) -> list[str]:
    """Gives flags that stand alone the value `true`."""
    flags = {
        option
        for action in parser._actions
        if action.type is boolean
        for option in action.option_strings
    }
    written: list[str] = []
    for place, argument in enumerate(arguments):
        following = arguments[place + 1 : place + 2]
        if argument in flags and following[:1] not in (["true"], ["false"]):
            written.append(f"{argument}=true")
        else:
            written.append(argument)
    return written


def value_of(arguments: Sequence[str], name: str) -> str | None:
    """Finds one option's value on a command line that may be wrong elsewhere."""
    for place, argument in enumerate(arguments):
        given, mark, value = _dashed(argument).partition("=")
        if given == name:
            return value if mark else "".join(arguments[place + 1 : place + 2])
    return None


def value_in_file(arguments: Sequence[str], name: str) -> str | None:
    """Finds one option's value in the `--config` of a command line that may be wrong elsewhere."""
    path = value_of(arguments, "--config")
    if path is None:
        return None
    with suppress(UsageError):
        for key, value in _content_of(Path(path)).items():
            if _dashed(f"--{key}") == name and value is not None:
                return ",".join(_words(value))
    return None


def _dashed(argument: str) -> str:
    """Turns `--run_id` into `--run-id`, leaving values alone."""
    if not argument.startswith("--"):
        return argument
    name, mark, value = argument.partition("=")
    return name.replace("_", "-") + mark + value


def _file_arguments(parser: OptionParser, path: Path, given: set[str]) -> list[str]:
    known = {option: action for action in parser._actions for option in action.option_strings}
    arguments: list[str] = []
    for name, value in _content_of(path).items():
        option = _dashed(f"--{name}")
        if option not in known:
            raise UsageError(f"--config {path}: unknown option {name!r}")
        if option in given or value is None:
            continue
        words = _words(value)
        if len(words) > 1 and known[option].type in (comma_list, comma_tuple):
            words = [",".join(words)]
        elif len(words) > 1 and not isinstance(known[option], argparse._AppendAction):
            raise UsageError(f"--config {path}: {name}: expected one value, found {len(words)}")
        arguments += [f"{option}={word}" for word in words]
    return arguments


def _content_of(path: Path) -> Mapping[Any, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--config {path}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"--config {path} is no valid YAML") from error
    if not isinstance(content, Mapping | None):
        raise UsageError(f"--config {path}: expected a mapping of option names to values")
    return content or {}


def _words(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{key}={_word(item)}" for key, item in value.items()]
    return [_word(item) for item in value] if isinstance(value, list) else [_word(value)]


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def spark_settings(pairs: Sequence[str]) -> dict[str, str]:
    """Reads `--spark KEY=VALUE` options.

    Raises:
        UsageError: one has no `=`.
    """
    settings: dict[str, str] = {}
    for pair in pairs:
        name, mark, value = pair.partition("=")
        if not mark:
            raise UsageError("--spark: expected KEY=VALUE")  # what it was may be a secret
        settings[name] = value
    return settings


def without_secrets(options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns options as they may be written down: passwords and keys read `***`."""
    return {name: _masked(name, value) for name, value in options.items() if value is not None}


def without_url_passwords(text: str) -> str:
    """Returns a text in which passwords and secret parameters of URLs read `***`."""
    text = _URL_PASSWORD.sub(r"\g<before>***", text)
    return _URL_PARAMETER.sub(r"\g<before>***", text)


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_masked(name, item) for item in value]
    if isinstance(value, (bool, int, float)):
        return value
    text = without_url_passwords(str(value))
    key, mark, _ = text.partition("=")
    if mark and _SECRET_NAME.search(key):
        return f"{key}=***"
    return "***" if _SECRET_NAME.search(name) else _ASSIGNED_SECRET.sub(r"\g<name>=***", text)
