"""Verifies revisions with amazon.ion 0.9.3 and ionhash, as users of pyqldb have them.

Runs in an environment of its own, because newer versions of amazon.ion have no ionhash:

    python ionhash_peer.py FILE MOST

Prints the CPU seconds, the number of revisions and of those that do not verify.
"""

import sys
import time
from hashlib import sha256

import ionhash  # noqa: F401  (gives values `ion_hash`)
from amazon.ion import simpleion


def dot(left, right):
    """Joins two hashes as QLDB does."""
    signed = lambda value: [byte - 256 * (byte > 127) for byte in reversed(value)]  # noqa: E731
    first, second = sorted((left, right), key=signed)
    return sha256(first + second).digest()


def main():
    """Verifies the revisions among the first records of a file."""
    with open(sys.argv[1], "rb") as file:
        content = file.read()
    records = [b"\xe0\x01\x00\xea" + part for part in content.split(b"\xe0\x01\x00\xea")[1:]]
    records = records[: int(sys.argv[2])]
    started = time.process_time()
    count = wrong = 0
    for record in records:
        value = simpleion.loads(record)
        count += 1
        if value["recordType"] != "REVISION_DETAILS" or "data" not in value["payload"]["revision"]:
            continue
        revision = value["payload"]["revision"]
        hashes = [revision[name].ion_hash("SHA256") for name in ("metadata", "data")]
        wrong += dot(*hashes) != revision["hash"]
    print(f"{time.process_time() - started:.6f} {count} {wrong}")


main()
