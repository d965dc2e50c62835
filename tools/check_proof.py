"""Checks the proof of one document revision of an Amazon QLDB ledger: PROOF.json [DIGEST.json].

Python 3.8 or later, nothing else. DIGEST.json is what you saved from GetDigest yourself; without it
the proof is only held against itself. Exit code 0: holds, 1: does not, 2: cannot tell.

QLDB: a revision's hash joins H(metadata) and H(data), H being Ion Hash 1.0 with SHA-256; redacted
data leaves H(data) as dataHash, a deletion H(metadata) alone. A block's revisions fold to one of
its entries, another is H(transactionInfo); a block's hash joins its folded entries and the previous
block's hash; all blocks fold to the digest. The proof lists what is joined on the way.
"""
# fmt: off
import json
import re
import sys
from base64 import b64decode
from hashlib import sha256
from itertools import accumulate
from pathlib import Path

SYSTEM = [None, "$ion", "$ion_1_0", "$ion_symbol_table", "name", "version", "imports", "symbols",
          "max_id", "$ion_shared_symbol_table"]
VARUINT = re.compile(rb"[\0-\x7f]*[\x80-\xff]")
# Exponent and coefficient of a decimal, neither with a byte that could be left out.
DECIMAL = rb"(?s)(?!\x80\Z|\xc0|[\0@][\0-?\x80-\xbf])[\0-\x7f]*[\x80-\xff](?!\0\Z|[\0\x80][\0-\x7f]).*|"

def dot(a, b):
    """Smaller hash first, compared as signed bytes from the last to the first; empty ones drop."""
    pair = sorted((a, b), key=lambda each: [byte ^ 128 for byte in reversed(each)])
    return sha256(b"".join(pair)).digest() if a and b else a or b

def root(hashes):
    """Neighbours are joined until one is left; an odd last one moves up as it is."""
    while len(hashes) > 1:
        hashes = [dot(hashes[i], b"".join(hashes[i + 1 : i + 2])) for i in range(0, len(hashes), 2)]
    return b"".join(hashes)

def varuint(buf, pos):
    """Number of seven bits a byte, the last byte marked; and the place behind it."""
    stop = VARUINT.match(buf, pos).end()
    return int("".join(f"{byte & 127:07b}" for byte in buf[pos:stop]), 2), stop

def framed(kind, content):
    """A value's serialisation for hashing."""
    return b"\x0b%c%b\x0e" % (kind, re.sub(rb"([\x0b\x0c\x0e])", b"\x0c\\1", content))

def plain(value):
    """Serialisation of a string, a number from zero, or a blob."""
    if isinstance(value, int):
        return framed(0x20, value.to_bytes((value.bit_length() + 7) // 8, "big"))
    return framed(0x80, value.encode()) if isinstance(value, str) else framed(0xA0, value)

def symbol(text):
    """Serialisation of a symbol; the one without text is number zero."""
    return framed(0x71, b"") if text is None else framed(0x70, text.encode())

def scalar(kind, body):
    """What is hashed of a value that holds no others: the shortest body, as QLDB wrote it."""
    decimal = body if kind == 5 else b""
    if kind == 6:
        offset, *parts = VARUINT.findall(body)[:7]
        decimal = body[len(offset) + len(b"".join(parts)) :]
        body = body if len(parts) > 3 else b"\xc0" + body[len(offset) :]  # dates have no offset
    padded = (b"\0" == body[:1], body in (body[:4], bytes(8)))[kind == 4]
    if (body and padded and kind < 5) or not re.fullmatch(DECIMAL, decimal):
        raise NotImplementedError("a value that is not in its shortest form")
    return body

def values(buf, pos, end, symbols, named=False):
    """Binary Ion: of each value its name, serialisation, body (None if null), and what is in it."""
    while pos < end:
        sid, pos = varuint(buf, pos) if named else (0, pos)
        kind, low = divmod(buf[pos], 16)
        size, start = 0 if low == 15 or kind == 1 else low, pos + 1
        if low == 14 or (kind, low) == (13, 1):
            size, start = varuint(buf, start)
        pos, body, inner, notes = start + size, buf[start : start + size], [], []
        if pos > end:
            raise ValueError("malformed Ion")
        if kind == 14:  # annotations, then the value
            size, first = varuint(buf, start)
            start = first + size
            notes = [symbols[varuint(sid, 0)[0]] for sid in VARUINT.findall(buf, first, start)]
        if kind > 10:
            inner = list(values(buf, start, pos, symbols, kind == 13))
        if low == 15:
            message, body = framed(0x2F if kind == 3 else kind << 4 | 15, b""), None
        elif kind == 13:
            digests = [sha256(symbol(each[0]) + each[1]).digest() for each in inner]
            message = framed(0xD0, b"".join(sorted(digests)))
            inner *= len({each[0] for each in inner}) == len(inner)  # else a name is ambiguous
            inner = {name: rest for name, *rest in inner if rest[1] is not None}
        elif kind > 10:
            parts = [*map(symbol, notes), *(each[1] for each in inner)]
            message = b"\x0b%c%b\x0e" % (kind << 4, b"".join(parts))
        else:
            number, kind_byte = int.from_bytes(body, "big"), kind << 4 | low * (kind == 1)
            message = symbol(symbols[number]) if kind == 7 else framed(kind_byte, scalar(kind, body))
        if kind or low == 15:
            yield symbols[sid], message, body, inner

def read(stream):
    """Hash of the one struct in a stream, and its fields, under the symbol table before it."""
    symbols, found, start = list(SYSTEM), [], re.match(rb"\xe0\x01\0\xea", stream).end()
    for _, message, body, inner in values(stream, start, len(stream), symbols):
        if body[:2] != b"\x81\x83":  # annotated as symbol table, in which QLDB has just `symbols`
            found.append((sha256(message).digest(), inner))
            continue
        ((name, (_, _, texts)),) = inner[0][3].items()
        symbols += [text[2].decode() if text[1][1] == 0x80 else 0 for text in texts]
        symbols *= name == "symbols"
    (value,) = found
    return value

def check(file, saved=None):
    """Goes through all that has to be so: in words, and whether it is."""
    block, tip, digest = file["block"], file["digest_tip"], b64decode(file["digest"])
    previous, own = b64decode(block["previous_block_hash"]), b64decode(block["block_hash"])
    folded, hashed = b64decode(block["entries_hash"]), b64decode(file["revision"]["hash"])
    entries, proof = [[*map(b64decode, part)] for part in (block["entries_hash_list"], file["proof"])]
    _, parts = read(b64decode(file["revision"]["ion"]))
    address, metadata = parts["blockAddress"][2], parts["metadata"][2]
    shown, data, _ = parts.get("dataHash", (plain(b""), b"", None))
    data = sha256(parts["data"][0]).digest() if "data" in parts else data * (shown == plain(data))
    yield "revision hash recomputes", hashed == dot(sha256(parts["metadata"][0]).digest(), data)
    yield "revision is the one named", [*map(plain, (
        block["strand_id"], block["sequence_no"], file["document_id"], file["version"], hashed,
    ))] == [each[0] for each in (
        address["strandId"], address["sequenceNo"], metadata["id"], metadata["version"], parts["hash"],
    )]
    yield "entries hash recomputes", folded == root(entries)
    yield "block hash recomputes", own == dot(folded, previous)
    if block["transaction_info_ion"] is not None:
        info, parts = read(b64decode(block["transaction_info_ion"]))
        yield "transactionInfo is an entry", info in entries
        document = parts.get("documents", (0, 0, {}))[2].get(file["document_id"], (0, 0, {}))[2]
        table = document.get("tableName", [None])[0]
        if table is not None:
            yield "transactionInfo names the table", table == plain(file["table_name"])
    start, index, leaves = len(proof), block["sequence_no"], tip["sequence_no"] + 1
    within, odd = block["strand_id"] == tip["strand_id"] and index < leaves, index % 2
    while leaves > 1:
        start, index, leaves = start - ((index ^ 1) < leaves), index // 2, (leaves + 1) // 2
    within = within and start >= 0 and (not odd or proof[start] == previous)
    *way, last = accumulate([hashed, *proof[:start]], dot)
    leads = within and last == own and any(each in entries for each in [*way, last])
    yield "proof leads to the block", leads
    yield "proof leads on to the digest", within and [*accumulate([own, *proof[start:]], dot)][-1] == digest
    if saved is not None:
        saved = {name.lower(): value for name, value in saved.items()}
        tip_found = re.search(r"strandId\W+(\w+)\W+sequenceNo\W+(\d+)", json.dumps(saved["digesttipaddress"]))
        if tip_found.groups() != (tip["strand_id"], str(tip["sequence_no"])):
            raise NotImplementedError("the proof leads to the digest of another block")
        yield "digest is the one given", b64decode(saved["digest"]) == digest

if __name__ == "__main__":
    try:
        results = list(check(*[json.loads(Path(path).read_bytes()) for path in sys.argv[1:]]))
    except Exception as error:  # whatever is damaged, or not known here
        sys.exit(print("cannot tell:", type(error).__name__, error) or 2)
    for what, holds in results:
        print("PASS" if holds else "FAIL", what)
    sys.exit(not all(holds for _, holds in results))
