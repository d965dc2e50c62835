"""The records of a ledger's streams on their way to Firehose: each step is a function on iterators.

A `Record` is one delivery. Steps take an iterator of them and give one, so steps compose, and a
kind of damage is one step more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from random import Random
from typing import NamedTuple

from qldb_replay.simulate.ledger import Block, Ledger

_LATER_MS = 1_500


class Record(NamedTuple):
    """One record on its way.

    Attributes:
        data: the binary Ion record.
        kind: its recordType.
        key: what it speaks of: (sequence number) of a block, (document ID, version) of a revision,
            (what happened, stream ARN) of a CONTROL record.
        hash: the block's or revision's hash, whose hexadecimal digits QLDB uses as partition key.
        arrival: when Firehose got it, in milliseconds since 1970.
    """

    data: bytes
    kind: str
    key: tuple[int | str, ...]
    hash: bytes
    arrival: int


def records(ledger: Ledger, blocks: Iterable[Block], delay: int) -> Iterator[Record]:
    """The records of one stream in journal order, each block before its revisions.

    CONTROL records open and close the stream, which ended with the ledger.

    Args:
        ledger: whose control records come first and last.
        blocks: the ledger's blocks, all or some.
        delay: milliseconds from the stream's first record to the ledger's first block.
    """
    arrival = None
    for block in blocks:
        begins = arrival is None
        arrival = block.time + _LATER_MS + delay
        if begins:
            yield _control(ledger, "CREATED", arrival)
        key: tuple[int | str, ...] = (block.sequence_no,)
        yield Record(block.record, "BLOCK_SUMMARY", key, block.block_hash, arrival)
        for revision in block.revisions:
            key = (revision.change.document_id, revision.change.version)
            yield Record(revision.record, "REVISION_DETAILS", key, revision.hash, arrival)
    if arrival is not None:
        yield _control(ledger, "COMPLETED", arrival)


def _control(ledger: Ledger, what: str, arrival: int) -> Record:
    # A key of its own for each stream: every stream has a beginning.
    return Record(ledger.control_record(what), "CONTROL", (what, ledger.stream_arn), b"", arrival)


def duplicated(source: Iterable[Record], share: float, rng: Random) -> Iterator[Record]:
    """Deliver that share of the records twice, the second time up to 1,000 records later."""
    again: list[tuple[int, int, Record]] = []
    arrival = 0
    for position, record in enumerate(source):
        yield record
        arrival = record.arrival
        if rng.random() < share:
            heappush(again, (position + 1 + int(rng.random() * 1_000), position, record))
        while again and again[0][0] <= position:
            yield heappop(again)[2]._replace(arrival=arrival)
    while again:
        yield heappop(again)[2]._replace(arrival=arrival)


def disordered(source: Iterable[Record], window: int, rng: Random) -> Iterator[Record]:
    """Let each record wait among `window` others until chance picks it."""
    waiting: list[Record] = []
    for record in source:
        if len(waiting) < window:
            waiting.append(record)
            continue
        position = int(rng.random() * window)
        yield waiting[position]
        waiting[position] = record
    rng.shuffle(waiting)
    yield from waiting
