"""The form of a reply, which overlap does not measure: tags, loops, language, numbers."""

import itertools
import re
import unicodedata
from collections import Counter

from assistant.models.reasoning import THINK_CLOSE, THINK_OPEN
from finetune.records import Prediction
from ingest.text.cjk import CJK
from ingest.text.language import language_of

NGRAM = 4
"""Tokens of the n-grams in `repeated_share`, as in Welleck et al."""

MIN_REPEATS = 4
"""Repetitions in a row at the end that make a loop; verses repeat themselves less."""

MAX_UNIT_TOKENS = 64
"""Tokens of the longest unit whose repetition is looked for."""

MIN_LOOP_TOKENS = 12
"""Tokens below which a repetition is no loop: "哈哈哈哈" is an answer."""

_TAG = re.compile(f"{THINK_OPEN}|{THINK_CLOSE}")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*%?")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_TOKEN = re.compile(rf"[{CJK}]|[^\W{CJK}]+|[^\w\s]")


def is_well_formed(prediction: Prediction, *, thinks: bool) -> bool:
    """Return whether a reply keeps to its format.

    With thinking: one `<think>` or none, then one `</think>`, and an answer. Without: an answer and
    no tag.
    """
    tags = _TAG.findall(prediction.text)
    # R1's chat template ends the prompt with `<think>`: the reply then holds the end tag alone.
    allowed = ([THINK_OPEN, THINK_CLOSE], [THINK_CLOSE]) if thinks else ([],)
    return tags in allowed and bool(prediction.answer.strip())


def is_looping(text: str) -> bool:
    """Return whether a text ends in one unit of tokens, repeated."""
    tokens = _TOKEN.findall(text)
    # The end alone: a model that caught itself in a loop and went on does not count.
    for unit in range(1, min(MAX_UNIT_TOKENS, len(tokens) // MIN_REPEATS) + 1):
        # A short unit has to be repeated more often, until MIN_LOOP_TOKENS are reached.
        times = max(MIN_REPEATS, -(-MIN_LOOP_TOKENS // unit))
        tail = tokens[-unit * times :]
        if unit * times <= len(tokens) and tail == tail[:unit] * times:
            return True
    return False


def repeated_share(text: str) -> float:
    """Return the share of 4-grams that occurred before (seq-rep-4, Welleck et al. 2020)."""
    tokens = _TOKEN.findall(text)
    ngrams = Counter(zip(*(itertools.islice(tokens, k, None) for k in range(NGRAM)), strict=False))
    return 1 - len(ngrams) / ngrams.total() if ngrams else 0.0


def is_same_language(answer: str, reference: str) -> bool:
    """Return whether an answer is in the reference's language; without letters it is in any."""
    if not any(map(str.isalpha, answer)) or not any(map(str.isalpha, reference)):
        return True
    return language_of(answer) == language_of(reference)


def extract_numbers(text: str) -> set[str]:
    """Return the numbers of a text, without full-width digits and thousands separators."""
    folded = _THOUSANDS.sub("", unicodedata.normalize("NFKC", text))
    return set(_NUMBER.findall(folded))
