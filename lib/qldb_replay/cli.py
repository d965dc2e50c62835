"""The command line: from arguments to messages, a summary and an exit code."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qldb_replay import __version__
from qldb_replay.config import (
    comma_list,
    parse,
    value_in_file,
    value_of,
    without_url_passwords,
)
from qldb_replay.errors import QldbReplayError, UsageError
from qldb_replay.options import COMMANDS, EXIT_CODES, parser_of
from qldb_replay.output import show
from qldb_replay.uris import check_writable, write_text

if TYPE_CHECKING:
    from qldb_replay.commands import Outcome


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: the command line without the program's name, by default this process's.

    Returns:
        The exit code of the contract.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments in ([], ["-h"], ["--help"]):
        show(_overview())
        return 0 if arguments else UsageError.exit_code
    if arguments == ["--version"]:
        show(f"qldb-replay {__version__}")
        return 0
    return _Invocation(arguments[0], arguments[1:]).run()


class _Invocation:
    """One command from its arguments to its exit code."""

    def __init__(self, command: str, arguments: Sequence[str]) -> None:
        self.command = command
        self.arguments = arguments
        self.options: argparse.Namespace | None = None

    def run(self) -> int:
        summary: dict[str, Any] = {"command": self.command, "exit_code": 0, "counts": {}}
        try:
            outcome = self._execute()
            summary.update(exit_code=outcome.exit_code, counts=outcome.counts, **outcome.judged)
            for line in outcome.lines:
                show(without_url_passwords(line))
            if outcome.refused is not None:
                self._failed(summary, outcome.exit_code, "UsageError", str(outcome.refused))
        except KeyboardInterrupt:
            self._failed(summary, 4, "Interrupted", "interrupted: repeat the command to go on")
        except QldbReplayError as error:
            self._failed(summary, error.exit_code, type(error).__name__, str(error))
        except Exception as error:
            message = (
                f"broken off by {_root_cause(error)}; what is committed stays, repeat the same "
                "command to go on"
            )
            self._failed(summary, 4, type(error).__name__, message)
        self._hand_over(summary)
        return self._exit_code(summary)

    def _execute(self) -> Outcome:
        if self.command not in COMMANDS:
            raise UsageError(f"no command {self.command!r}: expected {', '.join(COMMANDS)}")
        self.options = parse(parser_of(self.command), self.arguments)
        if self.options.summary is not None:
            check_writable(self.options.summary)
        return _action_of(self.options)(self.options)

    @staticmethod
    def _failed(summary: dict[str, Any], exit_code: int, kind: str, message: str) -> None:
        message = without_url_passwords(message)
        summary.update(exit_code=exit_code, error={"type": kind, "message": message})
        print(f"qldb-replay: {message}", file=sys.stderr)

    def _hand_over(self, summary: dict[str, Any]) -> None:
        """Gives the summary to whoever asked for it, also where the options were wrong."""
        target = self._asked("--summary") if self.options is None else self.options.summary
        if target is not None:
            try:
                write_text(target, _json(summary))
            except UsageError as error:
                self._failed(summary, summary["exit_code"] or 2, "UsageError", str(error))
        if self._wants_json():
            show(_json(summary))

    def _wants_json(self) -> bool:
        if self.options is not None:
            return bool(self.options.json)
        asked = self._asked("--json")
        return asked is not None and asked.lower() != "false"

    def _exit_code(self, summary: dict[str, Any]) -> int:
        code: int = summary["exit_code"]
        if self.options is None:
            forgiven = comma_list(self._asked("--exit-zero-on") or "")
        else:
            forgiven = self.options.exit_zero_on
        return 0 if str(code) in forgiven else code

    def _asked(self, name: str) -> str | None:
        """Reads an option where others are wrong, on the command line or in its file."""
        value = value_of(self.arguments, name)
        return value_in_file(self.arguments, name) if value is None else value


def _action_of(options: argparse.Namespace) -> Callable[[argparse.Namespace], Outcome]:
    """Finds what does a command; what needs no Spark does not import it either."""
    wanted = options.command
    if getattr(options, "check", None) is not None:
        wanted = "check_proof"
    elif getattr(options, "check_report", None) is not None:
        wanted = "check_report"
    offline = wanted in ("simulate", "inspect", "doctor", "check_proof", "check_report")
    module = importlib.import_module(f"qldb_replay.commands.{'offline' if offline else 'stages'}")
    action: Callable[[argparse.Namespace], Outcome] = getattr(module, wanted)
    return action


def _root_cause(error: BaseException) -> str:
    """Names an unexpected error's class and place; its text might quote what an archive holds."""
    java = getattr(error, "java_exception", None)
    if java is None:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
    while java.getCause() is not None:
        java = java.getCause()
    return str(java.getClass().getName())


def _json(summary: dict[str, Any]) -> str:
    return json.dumps(summary, ensure_ascii=False)


def _overview() -> str:
    about = "Turns what an Amazon QLDB ledger streamed back into its ordered history."
    lines = ["usage: qldb-replay COMMAND [options]", "", about, ""]
    lines += [f"  {name:<10}{brief}" for name, (brief, _, _) in COMMANDS.items()]
    return "\n".join([*lines, "", "qldb-replay COMMAND --help tells more.", EXIT_CODES])
