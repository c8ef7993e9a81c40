"""Exact match and token F1 of an answer against its reference.

The definitions of SQuAD (Rajpurkar et al. 2016, evaluate-v1.1.py), with the change that CMRC 2018
makes for Chinese: each ideograph is a token.
"""

import re
import unicodedata
from collections import Counter

from ingest.text.cjk import CJK

# "4.5" stays one token: without its point it would match "45".
_TOKEN = re.compile(rf"[{CJK}]|[^\W{CJK}]+(?:\.\d+)*")
_ARTICLES = frozenset({"a", "an", "the"})


def answer_tokens(text: str) -> list[str]:
    """Return ideographs and words, without case, punctuation and articles."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [token for token in _TOKEN.findall(folded) if token not in _ARTICLES]


def is_exact_match(answer: str, reference: str) -> bool:
    """Return whether both have the same tokens in the same order."""
    given, expected = answer_tokens(answer), answer_tokens(reference)
    # Texts of punctuation alone have no token; all of them would match each other.
    return given == expected if given or expected else answer.strip() == reference.strip()


def token_f1(answer: str, reference: str) -> float:
    """Return the harmonic mean of precision and recall of tokens, 0 to 1."""
    given, expected = Counter(answer_tokens(answer)), Counter(answer_tokens(reference))
    if not given or not expected:
        return float(is_exact_match(answer, reference))
    common = (given & expected).total()
    return 2 * common / (given.total() + expected.total())
