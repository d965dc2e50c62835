"""What becomes of data that was still delivered though its revision was redacted."""

from __future__ import annotations

HONOUR = "honour"
"""It is taken away."""
KEEP = "keep"
"""It stays, and the revision is marked as redacted."""
REDACTIONS = (HONOUR, KEEP)
"""All there is to choose from (`--redactions`)."""
