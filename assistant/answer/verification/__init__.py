"""Whether the sentences of an answer are in its passages, decided without a model."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assistant.answer.verification.verifier import SentenceVerifier

__all__ = ["SentenceVerifier"]


def __getattr__(name: str) -> Any:
    # Its tables and patterns take .1 s, which answers made of quotes do without.
    if name != "SentenceVerifier":
        raise AttributeError(name)
    from assistant.answer.verification.verifier import SentenceVerifier  # noqa: PLC0415

    return SentenceVerifier
