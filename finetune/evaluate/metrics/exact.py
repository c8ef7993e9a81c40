"""Whether an answer is the reference, and how many of its words it has: EM and token F1.

The definitions of SQuAD (Rajpurkar et al. 2016, evaluate-v1.1.py), with the change that CMRC 2018
makes for Chinese: each ideograph is a token.
"""

import re
import unicodedata
from collections import Counter

from ingest.text.words import CJK

_TOKEN = re.compile(rf"[{CJK}]|[^\W{CJK}]+(?:\.\d+)*")
_ARTICLES = frozenset({"a", "an", "the"})


def answer_tokens(text: str) -> list[str]:
    """Return what is compared: ideographs and words, without case, punctuation and articles."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [token for token in _TOKEN.findall(folded) if token not in _ARTICLES]


def is_exact(answer: str, reference: str) -> bool:
    """Tell whether the two are the same but for case, punctuation, spaces and articles.

    Texts that are nothing but punctuation are compared as they stand.
    """
    said, wanted = answer_tokens(answer), answer_tokens(reference)
    return said == wanted if said or wanted else answer.strip() == reference.strip()


def token_f1(answer: str, reference: str) -> float:
    """Return the harmonic mean of precision and recall of tokens, 0 to 1."""
    said, wanted = Counter(answer_tokens(answer)), Counter(answer_tokens(reference))
    if not said or not wanted:
        return float(is_exact(answer, reference))
    common = (said & wanted).total()
    return 2 * common / (said.total() + wanted.total())
