"""Whether the sentences of an answer are in its passages, decided without a model."""

from assistant.answer.verification.verifier import SentenceVerifier

__all__ = ["SentenceVerifier"]
