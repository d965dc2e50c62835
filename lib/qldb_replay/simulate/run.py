# ruff: noqa: S311 - what is delivered twice follows from the seed
"""One simulation from options to files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random

from qldb_replay.errors import StageError, UsageError
from qldb_replay.simulate.damage import check_verbs, damage_blocks, damage_objects
from qldb_replay.simulate.delivery import Record, disordered, duplicated, records
from qldb_replay.simulate.firehose import Archive, Placed
from qldb_replay.simulate.ledger import Block, Ledger
from qldb_replay.simulate.options import SimulateOptions
from qldb_replay.simulate.proofs import Keepsakes
from qldb_replay.simulate.truth import Truth

_STREAM_DELAY_MS = 30 * 86_400_000


def simulate(options: SimulateOptions, truth: Truth | None = None) -> dict[str, int]:
    """Write an archive of an invented ledger, its saved digest and proofs.

    Args:
        options: what to invent and where to write it.
        truth: collects what the lake must show of an undamaged archive; costs memory for the whole
            ledger.

    Returns:
        Counts by name: `objects`, `records`, `duplicates`, `streams` and `bytes` of what was
        written; `blocks`, `revisions`, `documents` and `tables` of the ledger.

    Raises:
        UsageError: the folder exists and is not empty, or cannot be made; a kind of damage is not
            known, or the ledger has nothing for it.
        StageError: writing broke off.
    """
    check_verbs(options.damage)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        occupied = next(options.out.iterdir(), None) is not None
    except OSError as error:
        raise UsageError(f"--out cannot be written: {error.strerror}") from error
    if occupied:
        raise UsageError("--out must be a new or an empty folder")
    try:
        return _Simulation(options, truth).run()
    except OSError as error:
        raise StageError(f"writing the archive broke off: {error.strerror}") from error


class _Simulation:
    def __init__(self, options: SimulateOptions, truth: Truth | None) -> None:
        self._options = options
        self._truth = truth
        self._redacted: set[tuple[str, int]] = set()
        self._counts = dict.fromkeys(("blocks", "revisions", "documents", "tables"), 0)
        self._delivered = 0

    def run(self) -> dict[str, int]:
        archive = Archive(self._options, self._watch)
        written = archive.write(self._deliveries())
        damage, seed = self._options.damage, self._options.seed
        growth = damage_objects(self._options.out, damage, seed)
        return {
            "objects": written.objects,
            "bytes": written.stored_bytes + growth,
            "records": written.records,
            "duplicates": written.records - self._delivered,
            "streams": self._options.streams,
            **self._counts,
        }

    def _watch(self, placed: Placed) -> None:
        if self._truth is not None:
            self._truth.delivered(placed)

    def _deliveries(self) -> Iterator[Record]:
        options = self._options
        rng = Random(f"delivery {options.seed}")
        for stream in range(options.streams):
            source = self._stream(stream)
            if options.duplicates > 0:
                source = duplicated(source, options.duplicates, rng)
            if options.disorder > 0:
                source = disordered(source, options.disorder, rng)
            yield from source

    def _stream(self, stream: int) -> Iterator[Record]:
        """One stream's records. The first pass over the ledger also takes stock of it.

        Damage needs the whole stream in memory.
        """
        ledger = Ledger(self._options, stream, frozenset(self._redacted))
        blocks = self._first_pass(ledger) if stream == 0 else iter(ledger)
        options = self._options
        wanted: Iterable[Block] = (
            block for block in blocks if block.sequence_no >= options.first_sequence
        )
        if options.damage:
            wanted = damage_blocks(list(wanted), options.damage, ledger, options.seed)
        for record in records(ledger, wanted, stream * _STREAM_DELAY_MS):
            self._delivered += 1
            yield record

    def _first_pass(self, ledger: Ledger) -> Iterator[Block]:
        options, counts = self._options, self._counts
        keepsakes = Keepsakes(ledger.strand_id, options.revisions, options.proofs)
        for block in ledger:
            keepsakes.block(block)
            if self._truth is not None:
                self._truth.block(ledger.strand_id, block)
            request = block.transaction.redaction
            if request is not None:
                self._redacted.add((request.document_id, request.version))
            counts["blocks"] += 1
            counts["revisions"] += len(block.revisions)
            counts["documents"] += sum(r.change.version == 0 for r in block.revisions)
            counts["tables"] += sum(what == "created" for what, *_ in block.transaction.defined)
            yield block
        out = options.out.absolute()
        keepsakes.close(
            out.with_name(f"{out.name}.digest.json"), out.with_name(f"{out.name}.proofs.json")
        )
        if self._truth is not None:
            self._truth.digest = keepsakes.digest
