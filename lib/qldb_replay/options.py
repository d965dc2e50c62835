"""The options of each command, and the help that explains them."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import MISSING, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from qldb_replay.config import OptionParser, add_flag, add_list, boolean, comma_list, comma_tuple
from qldb_replay.journal.redactions import REDACTIONS

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
    add_flag(everywhere, "--json", "make the last line of stdout one JSON object, the summary")
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
        action="extend",
        type=comma_list,
        required=True,
        metavar="URI",
        help="where the archive's objects are; repeat it or separate several by commas",
    )


def _lake_options(parser: OptionParser, *, required: bool = True) -> None:
    parser.add_argument(
        "--lake", required=required, metavar="URI", help="where the lake's tables are"
    )
    add_flag(parser, "--break-lock", "take the lake from a run that holds it but is gone")


def _redactions_option(parser: OptionParser) -> None:
    parser.add_argument(
        "--redactions",
        choices=REDACTIONS,
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
    add_list(
        parser,
        "--digest",
        "FILE",
        "what GetDigest gave, or the console saved; any number, compared ever after",
    )
    add_list(
        parser,
        "--proof",
        "FILE",
        "what GetRevision or GetBlock gave; needs the digest that it was asked for",
    )
    add_flag(parser, "--strict", "take blocks that nothing explains for incomplete")
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
    parser.set_defaults(redactions=None)
    _lake_options(parser, required=False)
    _verify_options(parser)
    parser.add_argument(
        "--check-report", metavar="FILE", help="check an evidence file instead, with no lake"
    )
    parser.add_argument(
        "--public-key", metavar="FILE", help="with --check-report: who must have signed it (PEM)"
    )
    add_flag(parser, "--full", "recompute all from the stored Ion, and check the derived tables")
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
    add_list(chosen, "--tables", "NAMES", "only these tables")
    chosen.add_argument("--documents", metavar="FILE", help="only these document IDs, one a line")
    chosen.add_argument(
        "--from-sequence", type=_count, metavar="N", help="only blocks from this number on"
    )
    add_list(chosen, "--map", "OLD=NEW", "another name for a table")
    add_flag(chosen, "--columns", "also show the fields of documents as typed columns, in views")
    bounds = parser.add_argument_group("how far this run goes")
    bounds.add_argument("--to-sequence", type=_count, metavar="N", help="up to this block")
    bounds.add_argument(
        "--until",
        type=_time,
        metavar="TIME",
        help="before the first transaction after this time",
    )
    bounds.add_argument("--rate", type=_rate, metavar="N", help="most revisions a second")
    add_flag(parser, "--over-gaps", "pass over gaps and list them in the destination")
    add_flag(parser, "--dry-run", "say what would be done and write nothing to the destination")
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
    parser.set_defaults(full=False)


def _report(parser: OptionParser) -> None:
    parser.add_argument("--lake", required=True, metavar="URI", help="a verified lake")
    parser.add_argument("--out", required=True, metavar="FILE.html", help="the page")
    parser.add_argument(
        "--documentation", metavar="URL", help="where docs/findings.md can be read, for links"
    )


def _prove(parser: OptionParser) -> None:
    parser.add_argument("--lake", metavar="URI", help="a verified lake")
    parser.add_argument("--document", metavar="ID", help="the document's ID")
    parser.add_argument("--version", type=_count, metavar="N", help="its version, from 0")
    parser.add_argument("--strand", metavar="ID", help="the ledger, where the lake has several")
    add_list(
        parser,
        "--digest",
        "FILE",
        "a saved digest: where the proof leads; by default to the lake's own",
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


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("expected a number from 0 on")
    return int(text)


def _rate(text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) < math.inf:
            return float(text)
    raise argparse.ArgumentTypeError("expected a number above 0")


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise argparse.ArgumentTypeError("expected a time such as 2024-01-01T00:00:00Z") from error


_OPTION_TYPES: dict[str, Callable[[str], Any]] = {
    "Path": Path,
    "int": int,
    "float": float,
    "str": str,
    "bool": boolean,
    "datetime": _time,
    "tuple[str, ...]": comma_tuple,
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
