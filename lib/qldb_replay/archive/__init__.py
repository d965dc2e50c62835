"""From an object's bytes to records: compression, framing, Firehose error objects, KPL frames."""

from qldb_replay.archive.reader import ObjectReader, read_object
from qldb_replay.archive.segments import Kind, Segment

__all__ = ["read_object", "ObjectReader", "Segment", "Kind"]
