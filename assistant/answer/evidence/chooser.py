"""Chooses the pieces of the passages that answer a question, before any model speaks."""

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Final

from rank_bm25 import BM25Plus

from assistant.values import AnswerEvidence, EvidenceBlock, Passage
from ingest.foundation.messages import Language
from ingest.text.cjk import CJK
from ingest.text.language import language_of
from ingest.text.quoting import addresses_a_model, blank_footnotes
from ingest.text.words import content_words, sentence_spans, words

MOST_BLOCKS = 4
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
"""Share of the question's words, by weight, that passages must hold, or nothing is quoted
(`question_coverage`).

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
# Headings, fences, rules, and the line of dashes in a table.
_NO_SENTENCE = re.compile(rf"^\s*(?:#|```|[-=*_]{{3,}}\s*$)|{_RULE.pattern}")


def choose_evidence(question: str, passages: Sequence[Passage]) -> AnswerEvidence:
    """Return the sentences that fit the question best, the best first, none twice.

    None if the passages hold so few of the question's words that they are about something else.
    Block ranges are those of `Passage.text`.
    """
    language = language_of(question)
    terms = content_words(question) or words(question)
    # A passage in another language that has only Latin names in common is not about the question.
    legible = [
        passage
        for passage in passages
        if language_of(passage.text) == language
        or not all(word.isascii() for word in set(terms) & words_of_passage(passage))
    ]
    quotes = [quote for passage in legible for quote in split_into_quotes(passage)]
    tokens = [words(quote.text) for quote in quotes]
    if not quotes or question_coverage(question, terms, legible, tokens) < LEAST_FIT[language]:
        return AnswerEvidence()
    scores = score_quotes(question, terms, quotes, tokens)
    floor = LEAST_SHARE * max(scores)
    chosen: list[int] = []
    for index in sorted(range(len(quotes)), key=lambda index: -scores[index]):
        own = set(tokens[index])
        # Pages copy each other: the same sentence on five of them is one quote.
        is_repeated = any(
            len(own & other) >= ALIKE * min(len(own), len(other))
            for other in (set(tokens[each]) for each in chosen)
        )
        if scores[index] >= floor and not is_repeated:
            chosen.append(index)
    blocks = tuple(
        replace(quotes[index], number=number, score=min(1.0, scores[index] / max(scores)))
        for number, index in enumerate(chosen[:MOST_BLOCKS], start=1)
    )
    return AnswerEvidence(blocks=blocks, answerability="answerable" if blocks else "nothing")


def question_coverage(
    question: str,
    terms: Sequence[str],
    passages: Sequence[Passage],
    sentences: Sequence[Sequence[str]],
) -> float:
    """Return how much of the question its best passage and its best sentence hold, 0 to 1.

    The mean of both shares. A word's weight grows with its rarity among the passages (idf, highest
    for what none of them holds), its length, and if it is a name or a figure.
    """
    passage_words = [words_of_passage(passage) for passage in passages]
    names = {word for name in _NAME.findall(question) for word in words(name)}
    weights = {}
    for word in set(terms):
        found = sum(word in each for each in passage_words)
        idf = math.log(1 + (len(passage_words) + 1) / (found + 0.5))
        # Chinese words are bigrams here, all of one length.
        letters = min(len(word), LONGEST_LETTERS) if word.isascii() else USUAL_LETTERS
        is_name = word in names or any(character.isdigit() for character in word)
        weights[word] = idf * letters / USUAL_LETTERS * (NAME_WEIGHT if is_name else 1.0)
    by_passage = best_weight_share(weights, passage_words)
    return (by_passage + best_weight_share(weights, map(set, sentences))) / 2


def best_weight_share(weights: Mapping[str, float], texts: Iterable[Set[str]]) -> float:
    """Return the share of `weights` that the text with most of them holds, 0 to 1."""
    held = (sum(weights[word] for word in weights.keys() & text) for text in texts)
    return max(held, default=0.0) / (sum(weights.values()) or 1.0)


def words_of_passage(passage: Passage) -> set[str]:
    """Return the words of a passage's text, title and heading."""
    return set(words(f"{passage.title} {passage.heading} {passage.text}"))


def score_quotes(
    question: str, terms: list[str], quotes: list[EvidenceBlock], tokens: list[list[str]]
) -> list[float]:
    """Return how well each sentence fits: its words, its neighbours, its passage, its figures.

    BM25 over the sentences, counted in the project's own words (`tokens`). BM25Plus (Lv and Zhai,
    CIKM 2011) without its delta.
    """
    # Its idf stays positive on few sentences, where Okapi's turns negative.
    by_words = [float(score) for score in BM25Plus(tokens, delta=0).get_scores(terms)]
    last = max(quote.passage for quote in quotes)
    wants_figure = _ASKS_FIGURE.search(question) is not None
    scores = []
    for index, quote in enumerate(quotes):
        neighbours = [
            by_words[other]
            for other in (index - 1, index + 1)
            if 0 <= other < len(quotes) and quotes[other].passage == quote.passage
        ]
        has_figure = wants_figure and _FIGURE.search(quote.text) is not None
        score = by_words[index] + NEIGHBOUR_SHARE * max(neighbours, default=0.0)
        if not by_words[index] and not has_figure:
            score = 0.0  # stands beside an answer and is none
        score *= 1 - RANK_SHARE * (quote.passage - 1) / last
        scores.append(score * (1 + FIGURE_BONUS) if has_figure else score)
    return scores


def split_into_quotes(passage: Passage) -> Iterator[EvidenceBlock]:
    """Yield the sentences of the passage's prose and the rows of its tables, free of Markdown."""
    lines = blank_footnotes(passage.text).split("\n")
    at = 0
    for line, below in itertools.pairwise([*lines, ""]):
        # A head names columns and answers nothing; only the rule below it shows that it is one.
        is_table_head = _RULE.match(below) is not None and _ROW.match(line) is not None
        start, at = at, at + len(line) + 1
        if is_table_head or _NO_SENTENCE.match(line) or addresses_a_model(line):
            continue
        is_row = _ROW.match(line) is not None
        for left, right in [(0, len(line.rstrip()))] if is_row else sentence_spans(line):
            text = _LINK.sub(r"\1", _MARKUP.sub("", line[left:right]))
            if is_row:  # its cells parted by a middle dot
                text = " · ".join(cell.strip() for cell in text.strip().strip("|").split("|"))
            text = " ".join(text.split())
            # What ends in a colon introduces the next sentence; a question answers none.
            if len(words(text)) >= LEAST_WORDS and not text.endswith((":", "：", "?", "？")):
                if len(text) > LONGEST_QUOTE:
                    text = text[: LONGEST_QUOTE - 1].rstrip() + "…"
                yield EvidenceBlock(
                    number=0,
                    passage=passage.number,
                    start=start + left,
                    end=start + right,
                    text=text,
                    kind="row" if is_row else "sentence",
                )
