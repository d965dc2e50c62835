"""Every kind of damage and attack: each a function with a name that says it.

A verb for blocks takes the delivered blocks of a stream, each with its revisions, and gives them
damaged. What it chooses follows from the seed and the journal alone, so every stream of a ledger
suffers the same. A verb for objects takes the stored bytes of one object. Attackers write records
anew with as many hashes recomputed as the verb's name says; only flipped bits are bytes patched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

from qldb_replay.errors import UsageError
from qldb_replay.simulate.damage import bits, forgeries, histories, losses, objects, redactions
from qldb_replay.simulate.damage.attacker import Attacker, Blocks
from qldb_replay.simulate.ledger import Ledger

_BLOCKS: dict[str, Callable[[Blocks, Attacker], Blocks]] = {
    verb.__name__.replace("_", "-"): verb
    for verb in (
        bits.flip_bit_in_data,
        bits.flip_bit_in_metadata,
        bits.flip_bit_in_statement,
        bits.flip_bit_in_entries_list,
        bits.flip_bit_in_summary_hash,
        bits.flip_bit_in_entries_hash,
        bits.flip_bit_in_block_hash,
        bits.flip_bit_in_previous_block_hash,
        bits.repeat_revision_with_flipped_bit,
        bits.repeat_block_with_flipped_bit,
        forgeries.forge_revision,
        forgeries.forge_revision_and_summary,
        forgeries.forge_up_to_entries,
        forgeries.forge_up_to_entries_hash,
        forgeries.forge_block,
        forgeries.rewrite_tail,
        forgeries.forge_transaction_info,
        forgeries.disguise_as_deletion,
        forgeries.split_into_deletion,
        forgeries.repeat_revision_as_deletion,
        forgeries.add_unlisted_revision,
        forgeries.forge_transaction_id,
        forgeries.forge_table_name,
        forgeries.forge_table_id,
        forgeries.move_time_back,
        losses.drop_block,
        losses.drop_revision,
        losses.drop_head,
        losses.drop_tail,
        losses.drop_range,
        losses.orphan_revision,
        losses.strip_summary_ids,
        losses.strip_summaries,
        losses.strip_transaction_info,
        losses.withhold_revisions,
        losses.hide_revisions,
        losses.hollow_block,
        histories.repeat_block_with_other_content,
        histories.repeat_revision_with_other_content,
        histories.repeat_revision_with_other_table,
        histories.swap_blocks,
        histories.swap_revision_versions,
        histories.skip_version,
        histories.revive_document,
        redactions.fake_redaction,
        redactions.fake_redacted_copy,
        redactions.fake_redaction_with_other_hash,
        redactions.fake_redaction_request,
        redactions.forge_redaction_request,
        redactions.misdirect_redaction_request,
        redactions.unapplied_redaction,
        redactions.literal_in_redacted_statement,
    )
}
_OBJECTS: dict[str, Callable[[bytes, Random], bytes]] = {
    verb.__name__.replace("_", "-"): verb for verb in (objects.cut_object, objects.garble_object)
}

VERBS = (*_BLOCKS, *_OBJECTS)
"""Names of all verbs."""


def check_verbs(names: Iterable[str]) -> None:
    """Refuse names that are none.

    Raises:
        UsageError: an unknown name; lists those that there are.
    """
    for name in names:
        if name not in VERBS:
            raise UsageError(f"damage: no {name!r}: expected {', '.join(VERBS)}")


def damage_blocks(blocks: Blocks, names: Iterable[str], ledger: Ledger, seed: int) -> Blocks:
    """Damage what a stream delivers.

    Args:
        blocks: the delivered blocks, in order.
        names: the verbs, in their order; those for objects do nothing here.
        ledger: the ledger, once it gave all of its blocks.
        seed: decides what is hit.

    Raises:
        UsageError: the ledger has nothing that a verb could damage.
    """
    for turn, name in enumerate(names):
        if name in _BLOCKS:
            blocks = _BLOCKS[name](blocks, Attacker(ledger, f"{name} {turn} {seed}"))
    return blocks


def damage_objects(folder: Path, names: Iterable[str], seed: int) -> int:
    """Damage objects of a written archive, for each verb one.

    Args:
        folder: the archive.
        names: the verbs, in their order; those for blocks do nothing here.
        seed: decides what is hit.

    Returns:
        By how many bytes the archive grew; negative if it shrank.

    Raises:
        OSError: an object cannot be written.
    """
    growth = 0
    for turn, name in enumerate(names):
        if name in _OBJECTS:
            rng = Random(f"{name} {turn} {seed}")  # noqa: S311 - what is hit follows from the seed
            path = rng.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
            stored = path.read_bytes()
            damaged = _OBJECTS[name](stored, rng)
            path.write_bytes(damaged)
            growth += len(damaged) - len(stored)
    return growth
