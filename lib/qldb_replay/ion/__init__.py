"""Binary Ion 1.0, straight from its bytes: framing, symbol tables, Ion Hash, JSON form.

Knows nothing of QLDB and does no I/O.
"""

from qldb_replay.errors import IonFormatError
from qldb_replay.ion.split import split_records
from qldb_replay.ion.stream import ion_hash, to_json

__all__ = ["ion_hash", "to_json", "split_records", "IonFormatError"]
