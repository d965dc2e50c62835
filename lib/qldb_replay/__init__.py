"""Turns what an Amazon QLDB ledger streamed back into its ordered history."""

__version__ = "0.1.0"
