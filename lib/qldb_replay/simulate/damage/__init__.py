"""Kinds of damage and attack that an archive can suffer."""

from qldb_replay.simulate.damage.verbs import VERBS, check_verbs, damage_blocks, damage_objects

__all__ = ["VERBS", "check_verbs", "damage_blocks", "damage_objects"]
