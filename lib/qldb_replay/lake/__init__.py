"""Spark and Delta: one module for each stage and for what the stages share."""

from qldb_replay.lake.time_travel import as_of, timeline

__all__ = ["as_of", "timeline"]
