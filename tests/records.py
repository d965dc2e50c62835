"""Records made from Ion text, with true hashes."""

import io
from base64 import b64encode

from amazon.ion import simpleion

from qldb_replay.ion import ion_hash
from qldb_replay.journal import dot

ARN = "arn:aws:qldb:us-east-1:123456789012:stream/cars/0123456789abcdefABCDEF"
ADDRESS = '{strandId:"KmA3ZZca7vAIiJAK9S5Iwl",sequenceNo:100}'
DATA = '{name:"Ann",tags:["x",2.50],at:2020-01-01T00:00:00.000Z}'
METADATA = '{id:"JUJgkIcNbhS2goq8RqLuZ4",version:3,txTime:2019-09-16T19:37:05.344Z,txId:"T"}'
TABLE_INFO = '{tableName:"Person",tableId:"BFJKdXgzt9oF4wjMbuxy4G"}'


def ion(text: str) -> bytes:
    out = io.BytesIO()
    values = simpleion.load_python(io.StringIO(text), single_value=False)
    simpleion.dump_python(values, out, binary=True, sequence_as_stream=True)
    return out.getvalue()


def blob(value: bytes) -> str:
    return f"{{{{{b64encode(value).decode()}}}}}"


def record(kind: str, payload: str, more: str = "") -> bytes:
    return ion(f'{{qldbStreamArn:"{ARN}",recordType:"{kind}",payload:{payload}{more}}}')


def details(data: str = DATA, more: str = "") -> bytes:
    stored = blob(dot(ion_hash(ion(METADATA)), ion_hash(ion(data))))
    revision = f"{{blockAddress:{ADDRESS},hash:{stored},data:{data},metadata:{METADATA}}}"
    return record("REVISION_DETAILS", f"{{tableInfo:{TABLE_INFO},revision:{revision}}}", more)


def block() -> bytes:
    leaf, info = bytes(range(32)), '{statements:[{statement:"SELECT 1"}],documents:{}}'
    entries = [b"\x07" * 32, leaf, b"\x08" * 32, ion_hash(ion(info))]
    root = dot(dot(entries[0], entries[1]), dot(entries[2], entries[3]))
    return record(
        "BLOCK_SUMMARY",
        f"""{{blockAddress:{ADDRESS},transactionId:"T",blockTimestamp:2020-01-01T00:00:00.000Z,
        blockHash:{blob(dot(root, b"1" * 32))},entriesHash:{blob(root)},
        previousBlockHash:{blob(b"1" * 32)},
        entriesHashList:[{",".join(map(blob, entries))}],transactionInfo:{info},
        revisionSummaries:[{{hash:{blob(leaf)},documentId:"D"}}]}}""",
    )
