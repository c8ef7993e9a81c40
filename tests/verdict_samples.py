"""What is said of a sentence, for tests of the verification."""

from assistant.answer.verification import SentenceVerifier
from assistant.values import SentenceVerdict
from tests.evidence_samples import passages


def verdict(passage: str, sentence: str) -> SentenceVerdict:
    return SentenceVerifier(passages(passage)).check(sentence)
