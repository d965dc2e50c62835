"""Turns what an Amazon QLDB ledger streamed or exported back into a ledger, and proves it."""

__version__ = "0.1.0"
