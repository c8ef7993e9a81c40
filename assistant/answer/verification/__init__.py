"""Whether the sentences of an answer stand in its passages, told without a model."""

from assistant.answer.verification.verifier import SentenceVerifier

__all__ = ["SentenceVerifier"]
