"""The one door between Spark and the core: object bytes in, Arrow columns out."""

from qldb_replay.codec.choice import CODECS, build, decode_objects, lack_of_native, settled

__all__ = ["CODECS", "build", "decode_objects", "lack_of_native", "settled"]
