"""What the passages hold for a question, chosen by code: blocks to be read alone."""

from assistant.answer.evidence.chooser import choose_evidence

__all__ = ["choose_evidence"]
