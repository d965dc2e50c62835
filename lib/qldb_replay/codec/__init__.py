"""The one door between Spark and the core: object bytes in, Arrow columns out."""

from qldb_replay.codec.choice import CODECS, decode_objects, lack_of_native, settled

__all__ = ["CODECS", "decode_objects", "lack_of_native", "settled"]
