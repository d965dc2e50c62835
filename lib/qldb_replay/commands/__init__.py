"""What each command does, from its options to its outcome.

A command returns an `Outcome` or raises one of the package's errors. Printing, summaries and exit
codes are `cli`'s.
"""

from qldb_replay.commands.outcome import Outcome

__all__ = ["Outcome"]
