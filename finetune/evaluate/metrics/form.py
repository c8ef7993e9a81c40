"""The form of a reply, which overlap does not see: thinking, end, loops, language, numbers."""

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from assistant.models.reasoning import THINK_CLOSE, THINK_OPEN
from finetune.records import Prediction
from ingest.text.language import language_of
from ingest.text.words import CJK

NGRAM = 4
LOOPS = 4
"""So often in a row at its end, the same words are a loop; verses repeat themselves less."""
LONGEST_UNIT = 64
"""Tokens of the longest stretch whose repetition at the end is looked for."""
FEWEST_TOKENS = 12
"""A reply under this length is no loop: "哈哈哈哈" is an answer."""

_TAG = re.compile(f"{THINK_OPEN}|{THINK_CLOSE}")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*%?")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_TOKEN = re.compile(rf"[{CJK}]|[^\W{CJK}]+|[^\w\s]")


def well_formed(prediction: Prediction, *, thinks: bool) -> bool:
    """Tell whether a reply keeps to its format.

    Of one that thinks: one `<think>` (or none, where the prompt wrote it), one `</think>` behind
    it, and an answer. Of one that does not: an answer, and no tag.
    """
    tags = _TAG.findall(prediction.text)
    allowed = ([THINK_OPEN, THINK_CLOSE], [THINK_CLOSE]) if thinks else ([],)
    return tags in allowed and bool(prediction.answer.strip())


def loops(text: str) -> bool:
    """Tell whether a text ends in the same words again and again."""
    tokens = _TOKEN.findall(text)
    if len(tokens) < FEWEST_TOKENS:
        return False
    longest = min(LONGEST_UNIT, len(tokens) // LOOPS)
    return any(_ends_in(tokens, unit) for unit in range(1, longest + 1))


def _ends_in(tokens: Sequence[str], unit: int) -> bool:
    """Tell whether the end is one unit of so many tokens, repeated; short units more often."""
    times = max(LOOPS, -(-FEWEST_TOKENS // unit))
    if unit * times > len(tokens):
        return False
    tail = tokens[-unit * times :]
    return tail == list(tail[:unit]) * times


def repeated_share(text: str) -> float:
    """Return the share of 4-grams that were there before (seq-rep-4, Welleck et al. 2020)."""
    tokens = _TOKEN.findall(text)
    ngrams = Counter(zip(*(itertools.islice(tokens, k, None) for k in range(NGRAM)), strict=False))
    return 1 - len(ngrams) / ngrams.total() if ngrams else 0.0


def same_language(answer: str, reference: str) -> bool:
    """Tell whether an answer is in the reference's language; without letters it is in every one."""
    if not any(map(str.isalpha, answer)) or not any(map(str.isalpha, reference)):
        return True
    return language_of(answer) == language_of(reference)


def numbers(text: str) -> set[str]:
    """Return the numbers of a text, full-width digits and separators of thousands folded."""
    folded = _THOUSANDS.sub("", unicodedata.normalize("NFKC", text))
    return set(_NUMBER.findall(folded))
