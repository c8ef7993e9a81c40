"""Answers without a language model: the sentences of the passages that fit the question best."""

import itertools
import re
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass

from rank_bm25 import BM25Plus

from assistant.answers import AnswerKind, Passage, Prompt
from assistant.events import AnswerDelta, ModelEvent, ReplyFinished
from assistant.prompts import orders_a_model, without_footnotes
from ingest.tokens import content_words, sentence_spans, words
from ingest.wording import Wording

MOST_QUOTES = 4
# Chosen on XQuAD in two languages (bench/quotes.py): together they raise the share of questions
# whose answer stands in the quotes from .84 to .90 (en) and from .85 to .92 (zh).
LEAST_SHARE = 0.15
"""Of the best sentence's score: what fits the question far less is not quoted."""
NEIGHBOUR_SHARE = 0.2
"""Of a neighbour's score: what answers often stands beside what repeats the question's words."""
RANK_SHARE = 0.8
"""Of a sentence's score that its passage's rank may take away: the last of them keeps the rest."""
FIGURE_BONUS = 0.6
"""For sentences with figures where the question asks for one (answer typing; Li and Roth 2002)."""

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
_ASKS_FIGURE = re.compile(
    r"\bhow (?:big|cold|deep|far|fast|heavy|high|hot|large|long|many|much|often|old|tall|wide)\b"
    r"|\bwhen\b|\b(?:what|which) (?:age|date|day|number|percent|price|score|size|time|year)"
    r"|多[少大高长久重远宽深快热厚]|[第哪]?几|何时|什么时候|哪[一]?[年天日月]|日期|比分|年份|百分",
    re.IGNORECASE,
)
_FIGURE = re.compile(
    r"\d|[零一二三四五六七八九十百千万亿两]"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|dozen|half|hundred|thousand|million)\b",
    re.IGNORECASE,
)
_ROW = re.compile(r"^\s*\|.*\|\s*$")
_RULE = re.compile(r"^\s*\|?(?:\s*:?-{3,}:?\s*\|)+")
_NO_SENTENCE = re.compile(rf"^\s*(?:#|```|[-=*_]{{3,}}\s*$)|{_RULE.pattern}")


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
    """Return the sentences that fit the question best, the best first, none twice."""
    asked = content_words(question) or words(question)
    quotes = [quote for passage in passages for quote in _sentences(passage)]
    counted = [words(quote.text) for quote in quotes]
    if set(asked).isdisjoint(word for some in counted for word in some):
        return []
    scores = _scores(question, asked, quotes, counted)
    floor = LEAST_SHARE * max(scores)
    chosen: list[int] = []
    for index in sorted(range(len(quotes)), key=lambda index: -scores[index]):
        alike = any(_alike(counted[index], counted[other]) for other in chosen)
        if scores[index] >= floor and not alike:
            chosen.append(index)
    return [quotes[index] for index in chosen[:MOST_QUOTES]]


def _scores(
    question: str, asked: list[str], quotes: list[Quote], counted: list[list[str]]
) -> list[float]:
    """Return how well each sentence fits: its words, its neighbours, its passage, its figures.

    BM25 over the sentences, counted in the project's own words. BM25Plus (Lv and Zhai, CIKM 2011)
    without its delta, for its idf stays positive on few sentences, where Okapi's turns negative.
    """
    by_words = [float(score) for score in BM25Plus(counted, delta=0).get_scores(asked)]
    last = max(quote.number for quote in quotes)
    wants_figure = _ASKS_FIGURE.search(question) is not None
    scores = []
    for index, quote in enumerate(quotes):
        beside = [
            by_words[other]
            for other in (index - 1, index + 1)
            if 0 <= other < len(quotes) and quotes[other].number == quote.number
        ]
        figure = wants_figure and _FIGURE.search(quote.text) is not None
        score = by_words[index] + NEIGHBOUR_SHARE * max(beside, default=0.0)
        if not by_words[index] and not figure:
            score = 0.0  # stands beside an answer and is none
        score *= 1 - RANK_SHARE * (quote.number - 1) / last
        scores.append(score * (1 + FIGURE_BONUS) if figure else score)
    return scores


def _sentences(passage: Passage) -> Iterator[Quote]:
    """Yield the sentences of the passage's prose and the rows of its tables, free of Markdown."""
    lines = passage.text.splitlines()
    for line, below in itertools.pairwise([*lines, ""]):
        is_table_head = _RULE.match(below) is not None and _ROW.match(line) is not None
        if is_table_head or _NO_SENTENCE.match(line) or orders_a_model(line):
            continue
        plain = without_footnotes(_LINK.sub(r"\1", _MARKUP.sub("", line)))
        row = _ROW.match(plain)
        spans = [(0, len(plain))] if row else sentence_spans(plain)
        for start, end in spans:
            text = " ".join(_cells(plain) if row else plain[start:end].split())
            if len(words(text)) >= LEAST_WORDS and not text.endswith((":", "：", "?", "？")):
                yield Quote(text=_shortened(text), number=passage.number)


def _cells(row: str) -> list[str]:
    """Return a table's row as words, its cells parted by a middle dot."""
    return " · ".join(cell.strip() for cell in row.strip().strip("|").split("|")).split()


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1].rstrip() + "…"


def _alike(some: list[str], other: list[str]) -> bool:
    left, right = set(some), set(other)
    return len(left & right) >= ALIKE * min(len(left), len(right))
