"""A streamed answer with its sentences checked, its markers made true and its links known."""

from assistant.answer.citations.citation_stream import CitationStream

__all__ = ["CitationStream"]
