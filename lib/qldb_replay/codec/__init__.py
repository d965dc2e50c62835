"""The one door between Spark and the core: object bytes in, Arrow columns out."""

from qldb_replay.codec.objects import decode_objects

__all__ = ["decode_objects"]
