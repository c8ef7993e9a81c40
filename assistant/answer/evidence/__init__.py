"""What the passages hold for a question, chosen by code: blocks to be read alone."""

from assistant.answer.evidence.chooser import choose_evidence
from assistant.answer.evidence.similarity import compare_units, similar_passages

__all__ = ["choose_evidence", "compare_units", "similar_passages"]
