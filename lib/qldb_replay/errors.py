"""Every error this package raises on purpose, with the exit code that a command ends with.

Split by whose fault it is: the bytes (`IonFormatError`, `RecordFormatError`,
`ArchiveFormatError`), the caller or the surroundings (`UsageError`), or a stage that broke off
after it had begun (`StageError`). What an archive says about itself is never an exception but a
quarantine row or a finding.
"""

from __future__ import annotations


class QldbReplayError(Exception):
    """Root of the package's errors.

    Attributes:
        exit_code: what a command that ends with this error returns (contract, section 1).
    """

    exit_code = 4


class FormatError(QldbReplayError):
    """Bytes that are not what they should be.

    Attributes:
        reason: what is wrong.
        offset: where, in bytes.
    """

    exit_code = 2
    place = "offset"

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"{reason} at {self.place} {offset}")
        self.reason = reason
        self.offset = offset

    def __reduce__(self) -> tuple[type[FormatError], tuple[str, int]]:
        return type(self), (self.reason, self.offset)


class IonFormatError(FormatError):
    """Bytes that are not valid binary Ion 1.0, or beyond the limits set for it.

    The offset counts from the beginning of the value's buffer.
    """


class RecordFormatError(FormatError):
    """Well-formed Ion that is no record of a QLDB stream: not its fields, or not their types.

    The offset, in the record, is of what is wrong or lacks something.
    """


class ArchiveFormatError(FormatError):
    """An object that cannot be decompressed or de-aggregated, or expands beyond the limits.

    The offset, in the stored bytes, is how far the object could be read.
    """

    place = "stored offset"


class UsageError(QldbReplayError):
    """Wrong options or configuration, or an input or output that cannot be reached."""

    exit_code = 2


class StageError(QldbReplayError):
    """A stage broke off after it had begun; what is committed stays, the same command goes on."""

    exit_code = 4


class DestinationError(UsageError):
    """A destination that cannot be reached, or is not one that this replay may write to."""


class DestinationBrokenError(StageError):
    """A destination failed after work began; what is committed stays, the same command goes on."""
