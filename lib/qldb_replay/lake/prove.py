"""Evidence for one revision, from a verified lake: a proof file that needs neither lake nor Spark.

Only the revision's record, its block, and the block hashes of two ranges are read; the rest of the
way to the digest is in the roots that the last verification kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, Row
from pyspark.sql import functions as F

from qldb_replay.errors import IonFormatError, RecordFormatError, UsageError
from qldb_replay.journal.chain import RANGE_BITS, Range, full_roots
from qldb_replay.journal.digest import block_path, fold_roots, subtree_root
from qldb_replay.journal.findings import FAIL, INCOMPLETE, PASS, verdict_of
from qldb_replay.journal.proof import NO_TAKEN_DATA, check_proof_file
from qldb_replay.journal.proof_file import COMPUTED, SUPPLIED
from qldb_replay.journal.prove import build_proof, revision_of
from qldb_replay.journal.saved import SavedDigest
from qldb_replay.journal.written import redacted_revision
from qldb_replay.lake.delta import Lake
from qldb_replay.lake.verify.findings import read_findings
from qldb_replay.lake.verify.stage import last_verification
from qldb_replay.lake.verify.strands import range_hashes, read_strands

# A finding of these codes anywhere below the tip takes the lake's own digest its worth.
_CHAIN = ("chain-break", "block-hash-mismatch", "block-conflict", "digest-mismatch")


@dataclass(frozen=True)
class Proof:
    """A proof file, or why there is none.

    Attributes:
        document: the file's JSON object, None where findings or gaps touch the way to the digest.
        verdict: `pass`, or `fail` or `incomplete` where there is no proof.
        reasons: why.
    """

    document: dict[str, Any] | None
    verdict: str
    reasons: tuple[str, ...] = ()


def prove(
    lake: Lake,
    document_id: str,
    version: int,
    digest: SavedDigest | None = None,
    strand_id: str | None = None,
) -> Proof:
    """Proves one revision.

    Args:
        lake: a verified lake.
        document_id: the document.
        version: its version, from 0.
        digest: where the proof is to lead, by default to the digest over all of the lake's blocks.
        strand_id: the ledger, where several have such a document.

    Returns:
        The proof, or why there is none.

    Raises:
        UsageError: the lake is not verified, or has no such revision, or the digest is of another
            strand or of a time before the revision.
    """
    run_id = last_verification(lake)
    revision = _revision(lake, document_id, version, strand_id)
    strand_id, sequence_no = revision["strand_id"], revision["sequence_no"]
    ranges = read_strands(lake).get(strand_id, [])
    place = (F.col("strand_id") == strand_id) & (F.col("sequence_no") == sequence_no)
    block = lake.read("blocks").where(place).select("ion").first()
    if block is None or not ranges:
        return Proof(None, INCOMPLETE, (f"block {sequence_no} is not in the archive",))
    last = ranges[-1].last.sequence_no
    tip = last if digest is None else digest.sequence_no
    if digest is not None and (digest.strand_id != strand_id or tip < sequence_no):
        raise UsageError(
            f"the digest is of strand {digest.strand_id} at block {tip}; expected one of strand "
            f"{strand_id} at block {sequence_no} or later, where the revision is"
        )
    problem = _problem(lake, run_id, revision, tip, is_supplied=digest is not None)
    if problem is not None:
        return problem
    way = _way(lake, strand_id, sequence_no, ranges, tip) if tip <= last else None
    if way is None:
        return Proof(None, INCOMPLETE, (f"blocks up to {tip} are missing, there is no digest",))
    above, computed = way
    if digest is not None and digest.digest != computed:
        reason = f"the digest given for block {tip} is not that of the lake's blocks"
        return Proof(None, FAIL, (reason,))
    source = COMPUTED if digest is None else SUPPLIED
    target = SavedDigest(computed, strand_id, tip)
    try:
        table_name, ion = _exact(lake, revision, place)
        beside = _made_of(lake, place) if revision["operation"] == "DELETE" else {}
        document = build_proof(ion, table_name, bytes(block["ion"]), above, target, source, beside)
    except (IonFormatError, RecordFormatError) as error:
        return Proof(None, FAIL, (str(error),))
    checked = check_proof_file(document, digest)
    if checked.failures == [NO_TAKEN_DATA]:
        return Proof(None, INCOMPLETE, (f"no record shows that {NO_TAKEN_DATA}",))
    if not checked.ok:
        return Proof(None, FAIL, tuple(f"does not hold: {each}" for each in checked.failures))
    return Proof(document, PASS)


def _revision(lake: Lake, document_id: str, version: int, strand_id: str | None) -> Row:
    wanted = (F.col("document_id") == document_id) & (F.col("version") == version)
    if strand_id is not None:
        wanted = wanted & (F.col("strand_id") == strand_id)
    names = ("strand_id", "sequence_no", "document_id", "version", "is_redacted", "content")
    rows = lake.read("revisions").where(wanted).select(*names, "operation").limit(2).collect()
    if not rows:
        raise UsageError(f"the lake has no version {version} of document {document_id}")
    if len(rows) > 1:
        raise UsageError(
            f"several ledgers of the lake have document {document_id}: choose one with --strand"
        )
    return rows[0]


def _problem(
    lake: Lake, run_id: str, revision: Row, tip: int, *, is_supplied: bool
) -> Proof | None:
    """Looks for findings that touch the way from the revision to the digest."""
    own = (F.col("sequence_no") == revision["sequence_no"]) & (
        F.col("document_id").isNull() | (F.col("document_id") == revision["document_id"])
    )
    if not is_supplied:
        own = own | (F.col("code").isin(*_CHAIN) & (F.col("sequence_no") <= tip))
    found = (
        read_findings(lake, run_id)
        .where((F.col("strand_id") == revision["strand_id"]) & own)
        .where(F.col("severity").isin(FAIL, INCOMPLETE))
        .select("severity", "code", "sequence_no")
        .distinct()
        .orderBy("sequence_no", "code")
        .limit(20)
        .collect()
    )
    if not found:
        return None
    reasons = tuple(f"{row['code']} at block {row['sequence_no']}" for row in found)
    return Proof(None, verdict_of(row["severity"] for row in found), reasons)


def _way(
    lake: Lake, strand_id: str, sequence_no: int, ranges: list[Range], tip: int
) -> tuple[list[bytes], bytes] | None:
    """Finds the hashes from a block to the digest, and the digest; None with a block missing."""
    number, tip_number = sequence_no >> RANGE_BITS, tip >> RANGE_BITS
    roots = full_roots(ranges, tip_number)
    at_tip = range_hashes(lake, strand_id, tip_number, tip)
    end = ((number + 1) << RANGE_BITS) - 1
    own = at_tip if number == tip_number else range_hashes(lake, strand_id, number, end)
    if roots is None or at_tip is None or own is None:
        return None
    roots = [*roots, subtree_root(at_tip)]
    return block_path(sequence_no, RANGE_BITS, own, roots), fold_roots(roots)


def _made_of(lake: Lake, place: Column) -> dict[bytes, tuple[bytes, bytes]]:
    """Gives what the hashes of a block's revisions are made of; a transaction has few."""
    rows = (
        lake.read("records")
        .where(place)
        .where("holds = 'revision' AND revision.hash_matches AND revision.kind <> 'delete'")
        .select("hash", "revision.metadata_hash", "revision.data_hash")
        .distinct()
        .collect()
    )
    return {bytes(stored): (bytes(own), bytes(data)) for stored, own, data in rows}


def _exact(lake: Lake, revision: Row, place: Column) -> tuple[str, bytes]:
    """Reads the revision's table name and exact Ion; of a redacted one without its data."""
    records = lake.read("records").where(place).where("holds = 'revision'")
    own = (F.col("document_id") == revision["document_id"]) & (
        F.col("version") == revision["version"]
    )
    counts = F.col("revision.content") == revision["content"]
    details = ("kind", "table_name", "data_hash", "metadata_ion")
    row = (
        records.where(own & counts)
        .orderBy("object_uri", "offset")
        .select("ion", "hash", *(f"revision.{name}" for name in details))
        .first()
    )
    if row is None:
        raise RecordFormatError("revision without a record", 0)
    if revision["is_redacted"] and row["kind"] == "data":
        ion = redacted_revision(
            revision["strand_id"],
            revision["sequence_no"],
            bytes(row["hash"] or b""),
            bytes(row["metadata_ion"]),
            bytes(row["data_hash"]),
        )
        return row["table_name"], ion
    return revision_of(bytes(row["ion"]))
