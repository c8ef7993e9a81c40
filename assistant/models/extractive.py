"""Answers without a language model: the sentences of the passages that fit the question best."""

import re
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass

from rank_bm25 import BM25Plus

from assistant.answers import AnswerKind, Passage, Prompt
from assistant.events import AnswerDelta, ModelEvent, ReplyFinished
from assistant.prompts import without_footnotes
from ingest.tokens import content_words, sentence_spans, words
from ingest.wording import Wording

MOST_QUOTES = 4
LEAST_SHARE = 0.5
"""Of the best sentence's score: what fits the question less than half as well is not quoted."""

LEAST_WORDS = 4
"""A shorter sentence says nothing alone."""

LONGEST_QUOTE = 300
"""Characters; longer sentences are tables and lists that lost their line ends."""

ALIKE = 0.8
"""Share of common words from which on two sentences say the same."""

LABEL = Wording(
    "Quotes from the pages, not an answer written by a model:",
    "以下是网页原文摘录，并非模型的回答：",
)
NO_QUOTE = Wording(
    "No sentence of the pages fits the question.", "网页中没有与这个问题相符的句子。"
)

_MARKUP = re.compile(r"^\s*(?:>\s*|[-*+]\s+|\d{1,2}[.)]\s+)+|\*\*|__|`|!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_NO_SENTENCE = re.compile(r"^\s*(?:#|\||```|[-=*_]{3,}\s*$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """One sentence and the number of the passage that it stands in."""

    text: str
    number: int


class ExtractiveModel:
    """Quotes instead of answering. Needs no server and no memory to speak of."""

    kind: AnswerKind = "quotes"
    name = "quotes"
    context_tokens = 1_000_000  # reads no prompt: every passage may come

    async def warm_up(self) -> None:
        """Nothing to load."""

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        quotes = best_sentences(prompt.question, prompt.passages)
        if quotes:
            yield AnswerDelta(text=LABEL.to(prompt.language) + "\n")
            for quote in quotes:
                yield AnswerDelta(text=f"\n- {quote.text} [{quote.number}]")
        else:
            yield AnswerDelta(text=NO_QUOTE.to(prompt.language))
        yield ReplyFinished(reason="stop")

    async def close(self) -> None:
        """Nothing to give back."""


def best_sentences(question: str, passages: tuple[Passage, ...]) -> list[Quote]:
    """Return the sentences that fit the question best, the best first, none twice.

    BM25 over the sentences, counted in the project's own words. BM25Plus (Lv and Zhai, CIKM 2011)
    without its delta, for its idf stays positive on few sentences, where Okapi's turns negative.
    """
    asked = content_words(question) or words(question)
    quotes = [quote for passage in passages for quote in _sentences(passage)]
    counted = [words(quote.text) for quote in quotes]
    if not asked or not any(counted):
        return []
    scores = BM25Plus(counted, delta=0).get_scores(asked)
    floor = LEAST_SHARE * max(scores)
    chosen: list[int] = []
    for index in sorted(range(len(quotes)), key=lambda index: -scores[index]):
        fits = scores[index] >= floor and not set(asked).isdisjoint(counted[index])
        if fits and not any(_alike(counted[index], counted[other]) for other in chosen):
            chosen.append(index)
    return [quotes[index] for index in chosen[:MOST_QUOTES]]


def _sentences(passage: Passage) -> Iterator[Quote]:
    """Yield the sentences of the passage's prose, free of Markdown."""
    for line in passage.text.splitlines():
        if _NO_SENTENCE.match(line):
            continue
        plain = without_footnotes(_LINK.sub(r"\1", _MARKUP.sub("", line)))
        for start, end in sentence_spans(plain):
            text = " ".join(plain[start:end].split())
            if len(words(text)) >= LEAST_WORDS and not text.endswith((":", "：", "?", "？")):
                yield Quote(text=_shortened(text), number=passage.number)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1].rstrip() + "…"


def _alike(some: list[str], other: list[str]) -> bool:
    left, right = set(some), set(other)
    return len(left & right) >= ALIKE * min(len(left), len(right))
