# fmt: off
"""Checks the proof of one document revision of an Amazon QLDB ledger: PROOF.json [DIGEST.json].

Python 3.8 or later, nothing else. DIGEST.json is what you saved from GetDigest yourself; without it
the proof is only held against itself. Exit code 0: holds, 1: does not, 2: cannot tell.

QLDB: a revision's hash joins H(metadata) and H(data), H being Ion Hash 1.0 with SHA-256; redacted
data leaves a dataHash, deleted data nothing. Revisions fold to one of their block's entries, one is
H(transactionInfo). Entries and the previous block's hash make a block's, all blocks the digest.
"""
import json
import re
import sys
from base64 import b64decode as decode64
from hashlib import sha256
from itertools import accumulate
from pathlib import Path

NAMES = [None, *b"$ion $ion_1_0 $ion_symbol_table name version imports symbols max_id".split(), b""]
VARUINT = re.compile(rb"[\0-\x7f]*[\x80-\xff]")
FLOAT = re.compile("|7ff[08]0{12}|fff0{13}|(?![7f]ff|0{16}).{16}")  # eight bytes, none for zero
DECIMAL = re.compile(  # exponent and coefficient, neither with a byte that could be left out
    rb"(?s)(?!\x80\Z|\xc0|[\0@][\0-?\x80-\xbf])[\0-\x7f]*[\x80-\xff](?!\0\Z|[\0\x80][\0-\x7f]).*|")

def b64decode(text):
    """Bytes of Base64 without anything else in it."""
    return decode64(text, validate=True)

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
    """A value's serialisation for hashing; the symbol without text is one of its own."""
    escaped = re.sub(rb"([\x0b\x0c\x0e])", b"\x0c\\1", b"" if content is None else content)
    return b"\x0b%c%b\x0e" % (kind + (content is None), escaped)

def plain(value):
    """Serialisation of a string, a number from zero, or a blob."""
    if isinstance(value, int):
        return framed(0x20, value.to_bytes((value.bit_length() + 7) // 8, "big"))
    return framed(0x80, value.encode()) if isinstance(value, str) else framed(0xA0, value)

def scalar(kind, body):
    """What is hashed of a value that holds no others: the shortest body, as QLDB wrote it."""
    offset, *parts = VARUINT.findall(body)[:7] if kind == 6 else [b""]
    decimal = body[len(offset) + len(b"".join(parts)) :] if kind in (5, 6) else b""
    padded = body[:1] == b"\0" if kind in (2, 3) else kind == 4 and not FLOAT.fullmatch(body.hex())
    if padded or not DECIMAL.fullmatch(decimal):
        raise NotImplementedError("a value that is not in its shortest form")
    return b"\xc0" + body[len(offset) :] if 0 < len(parts) < 4 else body  # dates have no offset

def values(buf, pos, end, symbols, named=False):
    """Binary Ion: of each value its name, serialisation, body (None if null), and what is in it."""
    while pos < end:
        sid, pos = varuint(buf, pos) if named else (0, pos)
        kind, low = divmod(buf[pos], 16)
        sized, size = low == 14 or (kind, low) == (13, 1), 0 if low == 15 or kind == 1 else low
        size, start = varuint(buf, pos + 1) if sized else (size, pos + 1)
        pos, body, inner, notes = start + size, buf[start : start + size], [], []
        if pos > end or kind == 15:
            raise ValueError("malformed Ion")
        if kind == 14:  # annotations, then the value
            size, first = varuint(buf, start)
            start, notes = first + size, VARUINT.findall(buf, first, first + size)
        if kind > 10:
            inner = list(values(buf, start, pos, symbols, kind == 13))
        if low == 15:
            message, body = framed(0x2F if kind == 3 else kind << 4 | 15, b""), None
        elif kind == 13:
            digests = [sha256(framed(0x70, each[0]) + each[1]).digest() for each in inner]
            message = framed(0xD0, b"".join(sorted(digests)))
            inner *= len({each[0] for each in inner}) == len(inner)  # else a name is ambiguous
            inner = {name: rest for name, *rest in inner if rest[1] is not None}
        elif kind > 10:
            parts = [framed(0x70, symbols[varuint(note, 0)[0]]) for note in notes]
            message = b"\x0b%c%b\x0e" % (kind << 4, b"".join(parts + [each[1] for each in inner]))
        elif kind == 7:
            message = framed(0x70, symbols[int.from_bytes(body, "big")])
        else:
            message = framed(kind << 4 | low * (kind == 1), scalar(kind, body))
        if kind or low == 15:
            yield symbols[sid], message, body, inner

def read(stream):
    """Hash of the one struct in a stream, and its fields, under the symbol table before it."""
    symbols, found, start = list(NAMES), [], re.match(rb"\xe0\x01\0\xea", stream).end()
    for _, message, body, inner in values(stream, start, len(stream), symbols):
        if body[:2] != b"\x81\x83":  # annotated as symbol table, in which QLDB has just `symbols`
            found.append((sha256(message).digest(), inner))
            continue
        texts = inner[0][3][b"symbols"][2] * (len(inner[0][3]) == 1)
        texts = [text[2].decode().encode() if text[1][1] == 0x80 else 0 for text in texts]
        symbols[:] = NAMES + texts  # none imports those before it
    return found[0] if len(found) == 1 else None

def check(file, saved=None):
    """Goes through all that has to be so: in words, and whether it is."""
    if file["format"] != "qldb-replay/proof/1":
        raise NotImplementedError("a proof file of another format")
    block, tip, digest = file["block"], file["digest_tip"], b64decode(file["digest"])
    previous, own = b64decode(block["previous_block_hash"]), b64decode(block["block_hash"])
    folded, hashed = b64decode(block["entries_hash"]), b64decode(file["revision"]["hash"])
    lists = (block["entries_hash_list"], file["proof"], file.get("beside", []))
    entries, proof, beside = ([*map(b64decode, each)] for each in lists)
    if {len(each) for each in entries + proof + beside} - {32}:
        raise ValueError("a hash that has not 32 bytes")
    told = block["transaction_info_ion"]
    info, said = (None, {}) if told is None else read(b64decode(told))
    _, parts = read(b64decode(file["revision"]["ion"]))
    shown, data, _ = parts.get(b"dataHash", (plain(b""), b"", None))
    data = sha256(parts[b"data"][0]).digest() if b"data" in parts else data * (shown == plain(data))
    yield "revision hash recomputes", hashed == dot(sha256(parts[b"metadata"][0]).digest(), data)
    found = {**parts[b"blockAddress"][2], **parts[b"metadata"][2], b"hash": parts[b"hash"]}
    names = {b"strandId": block["strand_id"], b"sequenceNo": block["sequence_no"], b"hash": hashed,
             b"id": file["document_id"], b"version": file["version"]}
    yield "revision is the one named", all(found[n][0] == plain(names[n]) for n in names)
    if not {b"data", b"dataHash"} & {*parts}:  # its hash is that of its metadata alone
        apart = len(beside) == 2 and [dot(*beside)] == proof[:1]
        if hashed in entries:
            at, size = entries.index(hashed), len(entries)
            apart = size % 2 == 1 or at < size - 2 or entries[at ^ 1] == info
        yield "deletion is no revision without its data", apart
    yield "entries hash recomputes", folded == root(entries)
    yield "block hash recomputes", own == dot(folded, previous)
    documents, empty = said.get(b"documents", (0, 0, {}))[2], (0, 0, {})
    table = documents.get(file["document_id"].encode(), empty)[2].get(b"tableName")
    if told is not None:
        yield "transactionInfo is an entry", info in entries
        if documents and file["document_id"].encode() not in documents:
            yield "transactionInfo names the document", False
        if table:
            yield "transactionInfo names the table", table[0] == plain(file["table_name"])
    start, index, leaves = len(proof), block["sequence_no"], tip["sequence_no"] + 1
    within = block["strand_id"] == tip["strand_id"] and index < leaves
    while leaves > 1:
        start, index, leaves = start - ((index ^ 1) < leaves), index // 2, (leaves + 1) // 2
    within = within and start >= 0 and (block["sequence_no"] % 2 == 0 or proof[start] == previous)
    way = [*accumulate([hashed, *proof[:start]], dot)]
    *_, top = accumulate([own, *proof[start:]], dot)
    yield "proof leads to the block", within and way[-1] == own and not {*way}.isdisjoint(entries)
    yield "proof leads on to the digest", within and top == digest
    if saved is not None:
        saved = {name.lower(): json.dumps(value) for name, value in saved.items()}
        address = saved["digesttipaddress"]
        found = [re.search(name + r"\W+(\w+)", address)[1] for name in ("strandId", "sequenceNo")]
        if found != [tip["strand_id"], str(tip["sequence_no"])]:
            raise NotImplementedError("the proof leads to the digest of another block")
        yield "digest is the one given", b64decode(json.loads(saved["digest"])) == digest
    if not table:
        yield "no transactionInfo of the block proves the table's name", None
    yield "no hash covers the block's number", None

if __name__ == "__main__":
    try:
        results = list(check(*[json.loads(Path(path).read_bytes()) for path in sys.argv[1:]]))
    except Exception as error:  # whatever is damaged, or not known here
        sys.exit(print("cannot tell:", type(error).__name__, error) or 2)
    shown = {True: "PASS", False: "FAIL", None: "note"}
    print(*(f"{shown[holds]} {what}" for what, holds in results), sep="\n")
    sys.exit(any(holds is False for _, holds in results))
