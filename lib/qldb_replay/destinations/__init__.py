"""Destination ledgers: one module for each kind, behind one small interface."""

from qldb_replay.destinations.opening import open_destination

__all__ = ["open_destination"]
