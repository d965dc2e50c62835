"""The command line: options, messages, summaries and exit codes."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qldb_replay import __version__
from qldb_replay.config import (
    OptionParser,
    boolean,
    comma_list,
    parse,
    value_of,
    without_url_passwords,
)
from qldb_replay.errors import QldbReplayError, UsageError
from qldb_replay.uris import write_text

if TYPE_CHECKING:
    from qldb_replay.commands import Outcome

EXIT_CODES = """
exit codes: 0 done, and where the command judges: pass - 1 fail: evidence against the archive or the
destination - 2 usage, configuration, or something that cannot be reached - 3 incomplete - 4 broken
off after work began: repeat the same command, it goes on where it stopped
"""

COMMANDS = {
    "ingest": (
        "read an archive's objects that were not seen before",
        "Reads every object under --archive that the lake does not know, splits it into records\n"
        "and keeps each delivered one in <lake>/records. What is none goes to <lake>/quarantine.",
        "qldb-replay ingest --archive s3://bucket/prefix --lake s3://bucket/lake",
    ),
    "rebuild": (
        "put the ledger's history in order",
        "Deduplicates by document ID and version and writes blocks, revisions, tables,\n"
        "history/<table> and current/<table>. Only what new records touch is written again.",
        "qldb-replay rebuild --lake s3://bucket/lake",
    ),
    "verify": (
        "judge what the lake can prove, against its hashes and what was saved",
        "Judges every hash, the chain, completeness, and what was saved from GetDigest,\n"
        "GetRevision and GetBlock; writes findings. The verdict is about the whole lake:\n"
        "fail - something contradicts; incomplete - something is missing or undecidable; pass.",
        "qldb-replay verify --lake s3://bucket/lake --digest digest.json",
    ),
    "replay": (
        "write the history into a destination ledger",
        "Writes a verified lake's history into an SQL database, in the ledger's order and\n"
        "exactly once: run it again, after anything, and it goes on where the destination is.\n"
        "--to sqlite:///FILE or postgresql://USER@HOST/DATABASE",
        "qldb-replay replay --lake ./lake --to sqlite:///ledger.db",
    ),
    "compare": (
        "hold a destination ledger against the lake",
        "Compares every revision, live document, block and statement, by digests of ranges, and\n"
        "names the rows that differ.",
        "qldb-replay compare --lake ./lake --to sqlite:///ledger.db",
    ),
    "run": (
        "do all of it in order",
        "ingest, rebuild, verify; with --to also replay and compare.",
        "qldb-replay run --archive ./archive --lake ./lake --digest digest.json",
    ),
    "report": (
        "write one page about the archive, its history and its verification",
        "Writes one HTML page that needs no network: verdict, figures, plots, findings.",
        "qldb-replay report --lake ./lake --out report.html",
    ),
    "prove": (
        "make or check evidence for one revision",
        "Writes a proof file of one version of a document, from a verified lake: its exact\n"
        "Ion, its block, and the hashes from there to the digest. --check checks such a file,\n"
        "with no lake and no Spark; tools/check_proof.py does so with Python alone.",
        "qldb-replay prove --lake ./lake --document 3Qv67yjXEwB9SjmvkuG6Cp --version 2",
    ),
    "simulate": (
        "write an archive of an invented ledger with true hashes",
        "Writes a Firehose archive to --out, and the ledger's digest and proofs beside it. The\n"
        "same options always give the same bytes.",
        "qldb-replay simulate --out ./archive --revisions 10000 --compression gzip",
    ),
    "inspect": (
        "print an object's records as JSON lines (no Spark)",
        "Prints one JSON line for each record, and one with a reason for what is no record.",
        "qldb-replay inspect archive/2024/01/01/00/* | jq .record_type",
    ),
    "doctor": (
        "say what this machine has and lacks",
        "Checks Java, Spark, the Delta jars (by writing a small table), S3 access and drivers.",
        "qldb-replay doctor",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: the command line without the program's name, by default this process's.

    Returns:
        The exit code of the contract.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments in ([], ["-h"], ["--help"]):
        print(_overview())
        return 0 if arguments else UsageError.exit_code
    if arguments == ["--version"]:
        print(f"qldb-replay {__version__}")
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
                print(without_url_passwords(line))
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
        return _action_of(self.options)(self.options)

    @staticmethod
    def _failed(summary: dict[str, Any], exit_code: int, kind: str, message: str) -> None:
        message = without_url_passwords(message)
        summary.update(exit_code=exit_code, error={"type": kind, "message": message})
        print(f"qldb-replay: {message}", file=sys.stderr)

    def _hand_over(self, summary: dict[str, Any]) -> None:
        """Gives the summary to whoever asked for it, also where the options were wrong."""
        text = json.dumps(summary, ensure_ascii=False)
        wants_json = any(a in ("--json", "--json=true") for a in self.arguments)
        if wants_json or (self.options is not None and self.options.json):
            print(text, flush=True)
        target = self._asked("--summary") if self.options is None else self.options.summary
        if target is not None:
            try:
                write_text(target, text)
            except Exception as error:
                message = f"--summary cannot be written ({type(error).__name__})"
                self._failed(summary, summary["exit_code"] or 2, "UsageError", message)

    def _exit_code(self, summary: dict[str, Any]) -> int:
        code: int = summary["exit_code"]
        if self.options is None:
            forgiven = comma_list(self._asked("--exit-zero-on") or "")
        else:
            forgiven = self.options.exit_zero_on
        return 0 if str(code) in forgiven else code

    def _asked(self, name: str) -> str | None:
        """Reads an option of a command line that is wrong elsewhere."""
        return value_of(self.arguments, name)


def _action_of(options: argparse.Namespace) -> Callable[[argparse.Namespace], Outcome]:
    """Finds what does a command; what needs no Spark does not import it either."""
    wanted = options.command
    if getattr(options, "check", None) is not None:
        wanted = "check_proof"
    elif getattr(options, "check_report", None) is not None:
        wanted = "check_report"
    offline = wanted in ("simulate", "check_proof", "check_report")
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


def parser_of(command: str) -> OptionParser:
    """Returns a command's parser."""
    _, description, example = COMMANDS[command]
    parser = OptionParser(
        prog=f"qldb-replay {command}",
        description=description,
        epilog=f"example: {example}\n{EXIT_CODES}",
    )
    _OPTIONS[command](parser)
    everywhere = parser.add_argument_group("for every command")
    parser.add_flag("--json", "make the last line of stdout one JSON object, the summary")
    everywhere.add_argument("--summary", metavar="URI", help="also write the summary to this file")
    everywhere.add_argument(
        "--exit-zero-on",
        type=comma_list,
        default=[],
        metavar="CODES",
        help="exit codes to report as 0, comma-separated, for schedulers that retry any failure",
    )
    everywhere.add_argument(
        "--config", metavar="FILE.yaml", help="read options from a file; the command line wins"
    )
    everywhere.add_argument(
        "--spark", action="append", default=[], metavar="KEY=VALUE", help="a Spark setting"
    )
    parser.set_defaults(command=command)
    return parser


def _archive_options(parser: OptionParser) -> None:
    parser.add_argument(
        "--archive",
        action="append",
        type=comma_list,
        required=True,
        metavar="URI",
        help="where the archive's objects are; repeat it or separate several by commas",
    )


def _lake_options(parser: OptionParser, *, required: bool = True) -> None:
    parser.add_argument(
        "--lake", required=required, metavar="URI", help="where the lake's tables are"
    )
    parser.add_flag("--break-lock", "take the lake from a run that holds it but is gone")


def _redactions_option(parser: OptionParser) -> None:
    parser.add_argument(
        "--redactions",
        choices=("honour", "keep"),
        default="honour",
        help="whether data of redacted revisions is taken away (default: honour)",
    )


def _codec_option(parser: OptionParser) -> None:
    parser.add_argument(
        "--codec",
        choices=("auto", "native", "python"),
        default="auto",
        help="what decodes records; both give the same (default: auto, native where it is built)",
    )


def _ingest(parser: OptionParser) -> None:
    _archive_options(parser)
    _lake_options(parser)
    _codec_option(parser)


def _rebuild(parser: OptionParser) -> None:
    _lake_options(parser)
    _redactions_option(parser)
    _codec_option(parser)


def _verify_options(parser: OptionParser) -> None:
    parser.add_argument(
        "--digest",
        action="append",
        type=comma_list,
        default=[],
        metavar="FILE",
        help="what GetDigest gave, or the console saved; any number, compared ever after",
    )
    parser.add_argument(
        "--proof",
        action="append",
        type=comma_list,
        default=[],
        metavar="FILE",
        help="what GetRevision or GetBlock gave; needs the digest that it was asked for",
    )
    parser.add_flag("--strict", "take blocks that nothing explains for incomplete")
    parser.add_argument(
        "--known",
        metavar="FILE",
        help="findings judged already (code, place, reason, who): they do not decide the exit code",
    )
    parser.add_argument(
        "--evidence", metavar="URI", help="also write the evidence, which the lake keeps, here"
    )
    parser.add_argument(
        "--sign-key", metavar="FILE", help="sign the evidence with this Ed25519 private key (PEM)"
    )


def _verify(parser: OptionParser) -> None:
    _lake_options(parser, required=False)
    _verify_options(parser)
    parser.add_argument(
        "--check-report", metavar="FILE", help="check an evidence file instead, with no lake"
    )
    parser.add_argument(
        "--public-key", metavar="FILE", help="with --check-report: who must have signed it (PEM)"
    )
    parser.add_flag("--full", "recompute all from the stored Ion, and check the derived tables")
    _codec_option(parser)
    _destination_options(parser, required=False)


def _destination_options(parser: OptionParser, *, required: bool) -> None:
    parser.add_argument(
        "--to",
        required=required,
        metavar="URL",
        help="the destination: sqlite:/// or postgresql://",
    )
    parser.add_argument(
        "--secret",
        metavar="WHERE",
        help="where the destination's password is: env:NAME, file:PATH or aws:SECRET "
        "(a name in Secrets Manager); a password in --to can be seen by other users",
    )
    parser.add_argument("--strand", metavar="ID", help="the ledger, where the lake has several")


def _replay_options(parser: OptionParser) -> None:
    chosen = parser.add_argument_group("what is replayed; the same in each run on a destination")
    chosen.add_argument(
        "--tables",
        action="append",
        type=comma_list,
        default=[],
        metavar="NAMES",
        help="only these tables",
    )
    chosen.add_argument("--documents", metavar="FILE", help="only these document IDs, one a line")
    chosen.add_argument(
        "--from-sequence", type=int, metavar="N", help="only blocks from this number on"
    )
    chosen.add_argument(
        "--map",
        action="append",
        type=comma_list,
        default=[],
        metavar="OLD=NEW",
        help="another name for a table",
    )
    chosen.add_argument(
        "--columns",
        action="store_true",
        help="also show the fields of documents as typed columns, in views",
    )
    bounds = parser.add_argument_group("how far this run goes")
    bounds.add_argument("--to-sequence", type=int, metavar="N", help="up to this block")
    bounds.add_argument(
        "--until",
        type=_time,
        metavar="TIME",
        help="before the first transaction after this time",
    )
    bounds.add_argument("--rate", type=float, metavar="N", help="most revisions a second")
    parser.add_flag("--over-gaps", "pass over gaps and list them in the destination")
    parser.add_flag("--dry-run", "say what would be done and write nothing to the destination")
    parser.add_argument(
        "--accept-findings",
        metavar="FILE",
        help="findings judged already (code, place, reason, who), for a lake that failed",
    )


def _replay(parser: OptionParser) -> None:
    _lake_options(parser)
    _destination_options(parser, required=True)
    _replay_options(parser)
    _redactions_option(parser)


def _compare(parser: OptionParser) -> None:
    _lake_options(parser)
    _destination_options(parser, required=True)


def _run(parser: OptionParser) -> None:
    _archive_options(parser)
    _lake_options(parser)
    _redactions_option(parser)
    _verify_options(parser)
    _destination_options(parser, required=False)
    _replay_options(parser)
    _codec_option(parser)


def _report(parser: OptionParser) -> None:
    parser.add_argument("--lake", required=True, metavar="URI", help="a verified lake")
    parser.add_argument("--out", required=True, metavar="FILE.html", help="the page")
    parser.add_argument(
        "--documentation", metavar="URL", help="where docs/findings.md can be read, for links"
    )


def _prove(parser: OptionParser) -> None:
    parser.add_argument("--lake", metavar="URI", help="a verified lake")
    parser.add_argument("--document", metavar="ID", help="the document's ID")
    parser.add_argument("--version", type=int, metavar="N", help="its version, from 0")
    parser.add_argument("--strand", metavar="ID", help="the ledger, where the lake has several")
    parser.add_argument(
        "--digest",
        action="append",
        type=comma_list,
        default=[],
        metavar="FILE",
        help="a saved digest: where the proof leads; by default to the lake's own",
    )
    parser.add_argument("--out", metavar="FILE", help="the proof file (default: stdout)")
    parser.add_argument("--check", metavar="FILE", help="check this proof file instead")


def _inspect(parser: OptionParser) -> None:
    parser.add_argument("objects", nargs="+", metavar="OBJECT", help="an object's URI or path")
    parser.add_argument("--endpoint-url", metavar="URL", help="S3 endpoint, if it is not AWS's own")


def _simulate(parser: OptionParser) -> None:
    """Adds an option for each field of `SimulateOptions`; its docstring has the help."""
    from qldb_replay.simulate import SimulateOptions

    helps = _attribute_help(SimulateOptions.__doc__ or "")
    for option in fields(SimulateOptions):
        required = option.default is MISSING
        kind = _OPTION_TYPES[str(option.type)]
        shown = "" if required else f" (default: {_shown(option.default)})"
        parser.add_argument(
            f"--{option.name.replace('_', '-')}",
            required=required,
            default=None if required else option.default,
            type=kind,
            metavar=str(option.type).split("[")[0].upper(),
            help=(helps[option.name] + shown).replace("%", "%%"),
        )


def _doctor(parser: OptionParser) -> None:
    """Takes no options of its own."""


_OPTIONS: dict[str, Callable[[OptionParser], None]] = {
    "ingest": _ingest,
    "rebuild": _rebuild,
    "verify": _verify,
    "replay": _replay,
    "compare": _compare,
    "run": _run,
    "prove": _prove,
    "report": _report,
    "simulate": _simulate,
    "inspect": _inspect,
    "doctor": _doctor,
}


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise argparse.ArgumentTypeError("expected a time such as 2024-01-01T00:00:00Z") from error


def _names(text: str) -> tuple[str, ...]:
    return tuple(comma_list(text))


_OPTION_TYPES: dict[str, Callable[[str], Any]] = {
    "Path": Path,
    "int": int,
    "float": float,
    "str": str,
    "bool": boolean,
    "datetime": _time,
    "tuple[str, ...]": _names,
}


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value) or "none"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _attribute_help(docstring: str) -> dict[str, str]:
    """Reads the `Attributes:` section of a docstring."""
    helps: dict[str, str] = {}
    name = ""
    for line in docstring.partition("Attributes:")[2].splitlines():
        indent = len(line) - len(line.lstrip())
        if indent == 8:
            name, _, text = line.strip().partition(": ")
            helps[name] = text
        elif indent > 8:
            helps[name] += " " + line.strip()
    return helps


def _overview() -> str:
    about = "Turns what an Amazon QLDB ledger streamed back into its ordered history."
    lines = ["usage: qldb-replay COMMAND [options]", "", about, ""]
    lines += [f"  {name:<10}{brief}" for name, (brief, _, _) in COMMANDS.items()]
    return "\n".join([*lines, "", "qldb-replay COMMAND --help tells more.", EXIT_CODES])
