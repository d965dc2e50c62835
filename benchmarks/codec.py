"""Records decoded and verified a second and core: our codecs against what people use instead.

Every peer gets the same records of an invented ledger, as they come from the journal: revisions
and blocks of three tables. Rounds are interleaved; CPU time of the working thread counts, and a
ratio is the median over the rounds. Ours frame the records, validate every byte, recompute all
hashes, write JSON and put everything into Arrow batches; the native one is measured over several
passes, since one takes a sixth of a second. The Java libraries only verify, as AWS's sample does,
behind passes that warm the JVM; amazon.ion's C reader only reads. The floor hashes the messages
that a verifier has to hash, of the same lengths, over and over, and does nothing else: two at a
time, and one.

    python benchmarks/codec.py [--revisions N] [--rounds N] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from amazon.ion import simpleion
from outcome import middle, told

from qldb_replay.codec import decode_objects, lack_of_native
from qldb_replay.codec.decode import RecordDecoder
from qldb_replay.ion.evaluate import Evaluator
from qldb_replay.limits import DEFAULT_LIMITS
from qldb_replay.simulate import SimulateOptions
from qldb_replay.simulate.ledger import Ledger

HERE = Path(__file__).parent
JAVA = HERE / "peers" / "java"
IONHASH = HERE / ".venv-ionhash"
NATIVE = HERE.parent / "native"

JAVA_WARM_PASSES = 3
NATIVE_PASSES = 10
MESSAGES_OF = 3_000
IONHASH_RECORDS = 300
READER_RECORDS = 3_000
OBJECT_RECORDS = 5_000

Peer = Callable[[], tuple[float, int]]
"""Gives the CPU seconds that it took, and for how many records."""


def make_records(revisions: int) -> list[bytes]:
    """Invents a ledger; returns its records in the journal's order."""
    tables = ("VehicleRegistration", "Person", "Orders")
    options = SimulateOptions(out=Path("unused"), revisions=revisions, tables=tables)
    records = []
    for block in Ledger(options):
        records.append(block.record)
        records.extend(revision.record for revision in block.revisions)
    return records


def codec_peer(records: list[bytes], codec: str, passes: int = 1) -> Peer:
    """Makes a peer of one of our codecs, which gets objects of some megabytes.

    One of several passes warms first, and gives their mean, as the floor does.
    """
    starts = range(0, len(records), OBJECT_RECORDS)
    objects = [b"".join(records[start : start + OBJECT_RECORDS]) for start in starts]

    def decode() -> None:
        fetched = ((f"object{number}", content, None) for number, content in enumerate(objects))
        for _ in decode_objects(fetched, DEFAULT_LIMITS, codec):
            pass

    def run() -> tuple[float, int]:
        if passes > 1:
            decode()
        started = time.process_time()
        for _ in range(passes):
            decode()
        return (time.process_time() - started) / passes, len(records)

    return run


def reader_peer(records: list[bytes]) -> Peer:
    """Makes a peer of amazon.ion's C reader."""
    taken = records[:READER_RECORDS]

    def run() -> tuple[float, int]:
        started = time.process_time()
        for record in taken:
            simpleion.loads(record)
        return time.process_time() - started, len(taken)

    return run


def command_peer(*command: object) -> Peer:
    """Makes a peer of a program that prints seconds, records, and those that do not verify."""

    def run() -> tuple[float, int]:
        words = [str(word) for word in command]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
        seconds, count, wrong = done.stdout.split()
        if int(wrong):
            raise RuntimeError(f"{words[0]}: {wrong} records do not verify")
        return float(seconds), int(count)

    return run


@contextmanager
def counted_messages() -> Iterator[list[int]]:
    """Notes the length of each message that verifying takes.

    They are those of our Python codec, but for its own digests, while it remembers no field.
    """
    lengths: list[int] = []

    def counting(message: bytes = b"") -> Any:
        lengths.append(len(message))
        return hashlib.sha256(message)

    own = "qldb_replay.codec.", "qldb_replay.archive."
    with ExitStack() as patches:
        for name, module in list(sys.modules.items()):
            if name.startswith("qldb_replay.") and not name.startswith(own):
                if hasattr(module, "sha256"):
                    patches.enter_context(patch.object(module, "sha256", counting))
                if hasattr(module, "_MEMO_BYTES"):
                    patches.enter_context(patch.object(module, "_MEMO_BYTES", -1))
        defaults = DEFAULT_LIMITS, counting
        patches.enter_context(patch.object(Evaluator.__init__, "__defaults__", defaults))
        yield lengths


def lengths_file(records: list[bytes], path: Path) -> int:
    """Writes the lengths of all messages of some records; returns of how many records."""
    taken = records[:MESSAGES_OF]
    with counted_messages() as lengths:
        decoder = RecordDecoder()
        for record in taken:
            decoder.decode(record)
    path.write_bytes(struct.pack(f"<{len(lengths)}I", *lengths))
    return len(taken)


def floor_peer(lanes: int, lengths: Path, count: int) -> Peer:
    """Makes a peer that only hashes."""
    program = NATIVE / "target" / "release" / "examples" / "floor"
    return command_peer(program, lanes, lengths, count)


def prepared(folder: Path, records: list[bytes]) -> tuple[dict[str, Peer], list[str]]:
    """Makes all peers that this machine can have, and names those that it cannot."""
    file, lengths = folder / "records", folder / "lengths"
    file.write_bytes(b"".join(records))
    peers = {"Python codec": codec_peer(records, "python")}
    absent = []
    if (lack := lack_of_native()) is None:
        peers["native codec"] = codec_peer(records, "native", NATIVE_PASSES)
    else:
        absent.append(f"native codec ({lack})")
    peers["amazon.ion 0.15, C reader (reads only)"] = reader_peer(records)
    if shutil.which("mvn") and shutil.which("java"):
        subprocess.run(["mvn", "-q", "-B", "package"], cwd=JAVA, check=True)
        path = f"{JAVA / 'target' / 'classes'}:{JAVA / 'target' / 'jars'}/*"
        peers["ion-java, ion-hash-java (verifies only)"] = command_peer(
            "java", "-Xmx2g", "-cp", path, "Verify", file, JAVA_WARM_PASSES
        )
    else:
        absent.append("ion-java with ion-hash-java (needs java and mvn)")
    if not (IONHASH / "bin" / "ionhash-ready").exists():
        subprocess.run([sys.executable, "-m", "venv", IONHASH], check=True)
        pip = [IONHASH / "bin" / "python", "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "amazon.ion==0.9.3", "ionhash==1.2.1"], check=True)
        (IONHASH / "bin" / "ionhash-ready").touch()
    peers["amazon.ion 0.9.3, ionhash (verifies only)"] = command_peer(
        IONHASH / "bin" / "python", HERE / "peers" / "ionhash_peer.py", file, IONHASH_RECORDS
    )
    if shutil.which("cargo"):
        build = ["cargo", "build", "--quiet", "--locked", "--release", "--example", "floor"]
        subprocess.run([*build, "--no-default-features"], cwd=NATIVE, check=True)
        count = lengths_file(records, lengths)
        peers["SHA-256 floor, two at a time"] = floor_peer(2, lengths, count)
        peers["SHA-256 floor, one at a time"] = floor_peer(1, lengths, count)
    else:
        absent.append("the SHA-256 floor (needs cargo)")
    return peers, absent


def ratio(
    rounds: list[dict[str, float]], one: str, other: str, goal: str
) -> Iterator[tuple[str, float]]:
    """Gives the ratio of two peers' rates, where both are there."""
    if all(one in each and other in each for each in rounds):
        yield f"{one} / {other}{goal}", middle(each[one] / each[other] for each in rounds)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--revisions", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    records = make_records(options.revisions)
    with tempfile.TemporaryDirectory() as name:
        peers, absent = prepared(Path(name), records)
        rounds = []
        for _ in range(options.rounds):
            measured = {peer: run() for peer, run in peers.items()}
            rounds.append({peer: count / seconds for peer, (seconds, count) in measured.items()})
    native, floor = "native codec", "SHA-256 floor, two at a time"
    java = "ion-java, ion-hash-java (verifies only)"
    ratios: dict[str, float] = {}
    ratios.update(ratio(rounds, native, "Python codec", " (goal: at least 14)"))
    ratios.update(ratio(rounds, native, java, " (goal: at least 9)"))
    ratios.update(ratio(rounds, native, floor, " (goal: at least 0.26)"))
    for peer in peers:
        if peer not in (native, floor, java, "Python codec"):
            ratios.update(ratio(rounds, native, peer, ""))
    rates = {peer: round(statistics.median(each[peer] for each in rounds)) for peer in peers}
    result = {
        "records": len(records),
        "bytes": sum(map(len, records)),
        "rates": dict(sorted(rates.items(), key=lambda item: -item[1])),
        "ratios": ratios,
        "absent": absent,
    }
    told(result, options.out)


if __name__ == "__main__":
    main()
