"""Answers without a language model: the sentences of the passages that fit the question best."""

import itertools
import math
import re
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from rank_bm25 import BM25Plus

from assistant.events import AnswerDelta, ModelEvent, ReplyFinished
from assistant.values import AnswerKind, Passage, Prompt
from ingest.foundation.messages import Language, Message
from ingest.text.language import language_of
from ingest.text.quoting import addresses_a_model, strip_footnotes
from ingest.text.words import CJK, content_words, sentence_spans, words

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

LEAST_FIT: Final[dict[Language, float]] = {"en": 0.18, "zh": 0.10}
"""Of the question's words, by weight, that passages must hold, or nothing is quoted (`_fit`).

Lower in Chinese, where every seam between two words is a bigram that stands nowhere else. Chosen
in bench/quotes.py: about the highest that cost no more than .005 of the questions answered."""
NAME_WEIGHT = 2.0
"""Of names and figures among the question's words: a passage on something else lacks them."""
USUAL_LETTERS = 5
LONGEST_LETTERS = 8
"""Of a word in letters: one of five weighs 1, a longer one more, because long words are rare."""

LEAST_WORDS = 4
"""A shorter sentence says nothing alone."""

LONGEST_QUOTE = 300
"""Characters; longer sentences are tables and lists that lost their line ends."""

ALIKE = 0.8
"""Share of common words from which on two sentences say the same."""

LABEL = Message("Quotes from the pages, not an answer written by a model:")
NO_QUOTE = Message("No sentence of the pages fits the question.")

_NAME = re.compile(
    rf"(?<=[\w,;:] )[A-Z]\w*|(?<=[{CJK}])\s?[A-Za-z]\w*|[A-Za-z]\w*(?=\s?[{CJK}])", re.ASCII
)
"""A capital that no beginning of a sentence explains, and Latin letters beside Chinese ones."""
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

    async def check(self, *, timeout_s: float) -> None:
        """Do nothing: it can always be used."""

    async def warm_up(self) -> None:
        """Do nothing: there is nothing to load."""

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        """Yield the best sentences of the prompt's passages, a list item each."""
        quotes = best_sentences(prompt.question, prompt.passages)
        if quotes:
            yield AnswerDelta(text=LABEL.localize(prompt.language) + "\n")
            for quote in quotes:
                yield AnswerDelta(text=f"\n- {quote.text} [{quote.number}]")
        else:
            yield AnswerDelta(text=NO_QUOTE.localize(prompt.language))
        yield ReplyFinished(reason="stop")

    async def close(self) -> None:
        """Do nothing: there is nothing to give back."""


def best_sentences(question: str, passages: tuple[Passage, ...]) -> list[Quote]:
    """Return the sentences that fit the question best, the best first, none twice.

    None if the passages hold so few of the question's words that they are about something else.
    """
    asked = content_words(question) or words(question)
    legible = [passage for passage in passages if not _shares_names_alone(question, asked, passage)]
    quotes = [quote for passage in legible for quote in _sentences(passage)]
    counted = [words(quote.text) for quote in quotes]
    if not quotes or _fit(question, asked, legible, counted) < LEAST_FIT[language_of(question)]:
        return []
    scores = _scores(question, asked, quotes, counted)
    floor = LEAST_SHARE * max(scores)
    chosen: list[int] = []
    for index in sorted(range(len(quotes)), key=lambda index: -scores[index]):
        alike = any(_alike(counted[index], counted[other]) for other in chosen)
        if scores[index] >= floor and not alike:
            chosen.append(index)
    return [quotes[index] for index in chosen[:MOST_QUOTES]]


def _shares_names_alone(question: str, asked: Sequence[str], passage: Passage) -> bool:
    """Tell whether a passage in another language has no more than Latin names in common."""
    if language_of(passage.text) == language_of(question):
        return False
    return all(word.isascii() for word in set(asked) & _words_in(passage))


def _fit(
    question: str,
    asked: Sequence[str],
    passages: Sequence[Passage],
    sentences: Sequence[Sequence[str]],
) -> float:
    """Return how much of the question its best passage and its best sentence hold, 0 to 1.

    The mean of both shares. Each word weighs what it tells: rare among the passages (idf, which is
    highest for what none of them holds), long, a name or a figure.
    """
    held = [_words_in(passage) for passage in passages]
    names = {word for name in _NAME.findall(question) for word in words(name)}
    weights = {}
    for word in set(asked):
        found = sum(word in some for some in held)
        idf = math.log(1 + (len(held) + 1) / (found + 0.5))
        letters = min(len(word), LONGEST_LETTERS) if word.isascii() else USUAL_LETTERS
        is_name = word in names or any(character.isdigit() for character in word)
        weights[word] = idf * letters / USUAL_LETTERS * (NAME_WEIGHT if is_name else 1.0)
    return (_share(weights, held) + _share(weights, map(set, sentences))) / 2


def _share(weights: Mapping[str, float], texts: Iterable[Set[str]]) -> float:
    """Return the share of `weights` that the text with most of them holds."""
    held = (sum(weights[word] for word in weights.keys() & text) for text in texts)
    return max(held, default=0.0) / (sum(weights.values()) or 1.0)


def _words_in(passage: Passage) -> set[str]:
    return set(words(f"{passage.title} {passage.heading} {passage.text}"))


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
        if is_table_head or _NO_SENTENCE.match(line) or addresses_a_model(line):
            continue
        plain = strip_footnotes(_LINK.sub(r"\1", _MARKUP.sub("", line)))
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
