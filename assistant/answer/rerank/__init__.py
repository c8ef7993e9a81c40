"""Putting the passages that retrieval found into a better order: one protocol, its adapters."""
