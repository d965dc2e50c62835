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


class IonFormatError(QldbReplayError):
    """Bytes that are not valid binary Ion 1.0, or beyond the limits set for it.

    Attributes:
        offset: byte position in the value's buffer at which the format was found broken.
    """

    exit_code = 2

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"{reason} at offset {offset}")
        self.reason = reason
        self.offset = offset

    def __reduce__(self) -> tuple[type[IonFormatError], tuple[str, int]]:
        return type(self), (self.reason, self.offset)


class RecordFormatError(QldbReplayError):
    """Well-formed Ion that is no record of a QLDB stream: not its fields, or not their types.

    Attributes:
        offset: byte position in the record of what is wrong or lacks something.
    """

    exit_code = 2

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"{reason} at offset {offset}")
        self.reason = reason
        self.offset = offset

    def __reduce__(self) -> tuple[type[RecordFormatError], tuple[str, int]]:
        return type(self), (self.reason, self.offset)


class ArchiveFormatError(QldbReplayError):
    """An object that cannot be decompressed or de-aggregated, or expands beyond the limits.

    Attributes:
        offset: position in the stored bytes up to which the object could be read.
    """

    exit_code = 2

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"{reason} at stored offset {offset}")
        self.reason = reason
        self.offset = offset

    def __reduce__(self) -> tuple[type[ArchiveFormatError], tuple[str, int]]:
        return type(self), (self.reason, self.offset)


class UsageError(QldbReplayError):
    """Wrong options or configuration, or an input or output that cannot be reached."""

    exit_code = 2


class StageError(QldbReplayError):
    """A stage broke off after it had begun; what is committed stays, the same command goes on."""

    exit_code = 4
