"""What of a long question is looked up: what it asks, and not the text that was pasted with it.

The words of a paste outnumber those of the question, and its vector is the paste's: with 2,400
characters before it the right page came first for .03 of the questions (bench/retrieval.py).
"""

import re
from collections import Counter
from dataclasses import dataclass

from ingest.text.encodings import without_terminal_orders
from ingest.text.words import content_words, sentence_spans

WHOLE_CHARACTERS = 400
"""Up to this length a question is looked up as it stands. The longest of 1,190 has 197."""

EDGE = 2
"""Sentences at the beginning and at the end of a long question where people ask, before or after
what they paste. A question elsewhere may be part of the paste."""

ENOUGH_WORDS = 3
"""Content words of a question that names its subject although it says "this" or "it"."""

MAX_FREQUENT_WORDS = 12
"""Words taken from the paste, the most frequent first: about as many as a question has."""

MAX_ABBREVIATION_CHARACTERS = 6

_ASKS = re.compile(
    r"[吗呢][。！!]?$|什么|怎么|怎样|如何|为何|为什|多少|哪[里个些位年种]|是谁|请[问说解介列给比总]"
    r"|^\W*(?:who|whom|whose|what|when|where|which|why|how|is|are|was|were|do|does|did|can|could"
    r"|should|would|will|has|have|please|explain|tell|name|list|describe|summari[sz]e)\b",
    re.IGNORECASE,
)
_POINTS = re.compile(
    r"\b(?:this|that|these|those|it|its|above|below|text|summari[sz]e|translate)\b"
    r"|这|此|上[文面述]|以上|下[文面]|以下|本文|总结|概括|翻译|它",
    re.IGNORECASE,
)
_ABBREVIATED = re.compile(r"\b(?:[A-Za-z]|Mrs?|Ms|Dr|St|Jr|Sr|Prof|No|vs|Inc|Co|Corp|e\.g|i\.e)\.$")
_LINE = re.compile(r"\S(?:[^\n]*\S)?")
_CLOSING = "”’」』）\"')] "


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    is_outer: bool
    """Whether it is one of the first or last `EDGE`."""
    is_alone: bool
    """Whether it is all of its line."""

    @property
    def is_marked(self) -> bool:
        return self.text.rstrip(_CLOSING)[-1:] in ("?", "？")

    @property
    def asks(self) -> bool:
        return bool(_ASKS.search(self.text))


def condense_question(question: str) -> str:
    """Return `question` if it is short, else the sentences of it that ask, at most 400 characters.

    Where they only point to the text that came with them ("What does this mean?"), the most
    frequent words of it follow.
    """
    # As documents are read: the colours of what was pasted from a terminal are no words.
    question = without_terminal_orders(question).strip()
    if len(question) <= WHOLE_CHARACTERS:
        return question
    sentences = _sentences(question)
    edges = sentences[:1] + sentences[1:][-1:]
    # Those that ask by the surest sign that any of them has.
    chosen = (
        [one for one in sentences if one.is_marked and one.is_outer]
        or [one for one in sentences if one.is_marked]
        or [one for one in sentences if one.asks and one.is_outer and one.is_alone]
        or [one for one in sentences if one.asks and one.is_outer]
        # Before or after a paste people start a new line, and what comes last is asked of it.
        or [one for one in edges[::-1] if one.is_alone and len(one.text) <= WHOLE_CHARACTERS][:1]
        or edges
    )
    asking = shorten_sentences([sentence.text for sentence in chosen])
    found = set(content_words(asking))
    if found and not (_POINTS.search(asking) and len(found) < ENOUGH_WORDS):
        return asking
    counts = Counter(word for word in content_words(question) if word not in found)
    # `most_common` keeps the order of the text among equals: a paste begins with its subject.
    frequent = [word for word, _ in counts.most_common(MAX_FREQUENT_WORDS)]
    return " ".join([asking, *frequent])


def _sentences(question: str) -> list[_Sentence]:
    """Return the sentences of a question; "Mr. Costa" and "U.S. law" end none."""
    spans: list[tuple[int, int]] = []
    for start, end in sentence_spans(question):
        before = spans[-1][1] if spans else 0
        if _ABBREVIATED.search(question, max(0, before - MAX_ABBREVIATION_CHARACTERS), before):
            start = spans.pop()[0]
        spans.append((start, end))
    starts = {line.start() for line in _LINE.finditer(question)}
    ends = {line.end() for line in _LINE.finditer(question)}
    return [
        _Sentence(
            text=question[start:end],
            is_outer=place < EDGE or place >= len(spans) - EDGE,
            is_alone=start in starts and end in ends,
        )
        for place, (start, end) in enumerate(spans)
    ]


def shorten_sentences(sentences: list[str]) -> str:
    """Return the sentences, from the end if not all fit."""
    kept: list[str] = []
    remaining = WHOLE_CHARACTERS
    longest = WHOLE_CHARACTERS // min(2, max(1, len(sentences)))  # the last leaves room for others
    for sentence in reversed(sentences):
        if remaining <= 0:
            break
        if len(sentence) > (limit := min(remaining, longest)):
            # Text without marks is one sentence: people ask at its beginning or its end.
            sentence = f"{sentence[: limit // 2]} {sentence[-(limit // 2) :]}"
        kept.append(sentence)
        remaining -= len(sentence)
    return "\n".join(reversed(kept))
