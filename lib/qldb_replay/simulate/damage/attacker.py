"""Who damages an archive: chooses what to hit, and can write any record anew with true hashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import NamedTuple, TypeVar

from qldb_replay.errors import UsageError
from qldb_replay.simulate.ledger import Block, Ledger, Revision
from qldb_replay.simulate.transaction import Change, Redaction, Statement, Transaction, unique_id
from qldb_replay.simulate.values import Value

Blocks = list[Block]
T = TypeVar("T")

_NEXT_MS = 1_000


class Victim(NamedTuple):
    """A revision that was chosen.

    Attributes:
        at: place of its block among the blocks.
        nth: its place among the block's revisions.
        revision: the revision.
    """

    at: int
    nth: int
    revision: Revision


class Attacker:
    """Chooses by a seed, among blocks that have a neighbour on either side.

    Attributes:
        ledger: writes records of the stream.
        rng: decides whatever a verb leaves open.
    """

    def __init__(self, ledger: Ledger, seed: str) -> None:
        self.ledger = ledger
        self.rng = Random(seed)  # noqa: S311 - what is hit follows from the seed

    def pick(self, what: str, candidates: Sequence[T]) -> T:
        """One of the candidates.

        Raises:
            UsageError: there is none; `what` says of what.
        """
        if len(candidates) == 0:
            raise UsageError(f"damage: the ledger has no {what}: expected more --revisions")
        return candidates[self.rng.randrange(len(candidates))]

    def block(self, blocks: Blocks, what: str, fits: Callable[[Block], bool]) -> int:
        """The place of a block that fits."""
        return self.pick(what, [at for at in range(1, len(blocks) - 1) if fits(blocks[at])])

    def revision(self, blocks: Blocks, what: str, fits: Callable[[Revision], bool]) -> Victim:
        """A revision that fits, of those that their block's transaction made."""
        candidates = [
            Victim(at, nth, revision)
            for at in range(1, len(blocks) - 1)
            for nth, revision in enumerate(blocks[at].revisions)
            if _is_of(revision, blocks[at]) and fits(revision)
        ]
        return self.pick(what, candidates)

    def forged(self, blocks: Blocks) -> tuple[Victim, Block]:
        """A revision to be forged, and its block as it were had other data been written."""
        victim = self.revision(blocks, "revision with data", shows_data)
        block = blocks[victim.at]
        change = with_other_data(victim.revision.change)
        transaction = with_change(block.transaction, change)
        previous = block.previous_block_hash
        return victim, self.ledger.seal(block.sequence_no, transaction, previous)

    def rewritten(self, blocks: Blocks, changed: dict[int, Transaction]) -> Blocks:
        """The blocks, every hash true, as if some transactions had been others.

        Args:
            blocks: the delivered blocks.
            changed: the other transactions, by the places of their blocks.
        """
        first = min(changed)
        rewritten = blocks[:first]
        previous = blocks[first].previous_block_hash
        for at in range(first, len(blocks)):
            transaction = changed.get(at, blocks[at].transaction)
            sealed = self.ledger.seal(blocks[at].sequence_no, transaction, previous)
            rewritten.append(sealed)
            previous = sealed.block_hash
        return rewritten

    def continued(self, blocks: Blocks, statement: str, what: Change | Redaction) -> Blocks:
        """The blocks and one more, every hash true.

        Args:
            blocks: the delivered blocks.
            statement: the one statement of the new block's transaction.
            what: the one thing that it did.
        """
        last = blocks[-1]
        transaction = Transaction(unique_id(self.rng), last.transaction.time + _NEXT_MS)
        transaction.statements.append(Statement(statement))
        if isinstance(what, Change):
            transaction.changes.append(what)
        else:
            transaction.redaction = what
        sealed = self.ledger.seal(last.sequence_no + 1, transaction, last.block_hash)
        return [*blocks, sealed]


def _is_of(revision: Revision, block: Block) -> bool:
    return revision.sequence_no == block.sequence_no and any(
        change.document_id == revision.change.document_id for change in block.transaction.changes
    )


def same_document(block: Block, revision: Revision) -> Revision:
    """A block's revision of the same document as another revision."""
    document_id = revision.change.document_id
    return next(each for each in block.revisions if each.change.document_id == document_id)


def shows_data(revision: Revision) -> bool:
    """Whether a record has its document, and the document the key that its table's kind has."""
    change = revision.change
    if change.data is None or revision.data == b"":
        return False
    key = change.data.get(change.table.kind.key)
    return isinstance(key, str) and key.isascii() and len(key) > 1


def shows_redacted(revision: Revision) -> bool:
    """Whether a record has the hash of its document instead of the document."""
    return revision.change.data is not None and revision.data == b""


def last_versions(blocks: Blocks) -> dict[str, int]:
    """The last version of each document."""
    return {
        revision.change.document_id: revision.change.version
        for block in blocks
        for revision in block.revisions
    }


def superseded(blocks: Blocks) -> Callable[[Revision], bool]:
    """Tells whether a revision shows its data and has a successor."""
    last = last_versions(blocks)
    return lambda revision: (
        shows_data(revision) and revision.change.version < last[revision.change.document_id]
    )


def only_updates(block: Block) -> bool:
    """Whether a block only changes documents that others inserted: tables stay known without it."""
    return (
        block.told
        and len(block.revisions) > 0
        and all(revision.change.version > 0 for revision in block.revisions)
    )


def without_successor(blocks: Blocks) -> Callable[[Block], bool]:
    """Tells whether a block has revisions, all the last of documents that others had begun."""
    last = last_versions(blocks)
    return lambda block: len(block.revisions) > 0 and all(
        0 < revision.change.version == last[revision.change.document_id]
        for revision in block.revisions
    )


def with_other_data(change: Change) -> Change:
    """A change that wrote another key into its document."""
    key = change.table.kind.key
    data: dict[str, Value] = dict(change.data or {})
    data[key] = data[key][:-1] + ("1" if data[key].endswith("0") else "0")
    return replace(change, data=data)


def with_change(transaction: Transaction, change: Change) -> Transaction:
    """A transaction that did something else to one of its documents."""
    changes = [
        change if each.document_id == change.document_id else each for each in transaction.changes
    ]
    return replace(transaction, changes=changes)


def with_block(blocks: Blocks, at: int, block: Block) -> Blocks:
    """The blocks with another one in one place."""
    return [*blocks[:at], block, *blocks[at + 1 :]]


def with_another(blocks: Blocks, at: int, revision: Revision) -> Blocks:
    """The blocks with one more revision behind those of one of them."""
    block = blocks[at]
    return with_block(blocks, at, block._replace(revisions=[*block.revisions, revision]))


def with_revision(blocks: Blocks, victim: Victim, revision: Revision) -> Blocks:
    """The blocks with another revision in a chosen one's place."""
    block = blocks[victim.at]
    revisions = [
        revision if nth == victim.nth else each for nth, each in enumerate(block.revisions)
    ]
    return with_block(blocks, victim.at, block._replace(revisions=revisions))
