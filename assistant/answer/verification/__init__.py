"""Whether the sentences of an answer stand in its passages, decided without a model."""

from assistant.answer.verification.verifier import SentenceVerifier

__all__ = ["SentenceVerifier"]
