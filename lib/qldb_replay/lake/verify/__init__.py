"""Stage `verify`: what the lake can prove about its ledger, and what contradicts."""

from qldb_replay.lake.verify.result import Verification
from qldb_replay.lake.verify.stage import Verify, last_verification, stored_verification

__all__ = ["Verification", "Verify", "last_verification", "stored_verification"]
