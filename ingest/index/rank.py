"""The blocks of a text, and those of them that bear on a question.

BM25 ranks blocks, and a rank decides, never a score: scores mean nothing across pages. The filter
that a threshold of 1.2 makes leaves nothing of 96 Chinese pages in 100 (bench/pruning.py).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rank_bm25 import BM25Plus

from ingest.documents import Document
from ingest.index.boilerplate import is_boilerplate
from ingest.text.tokens import estimate_tokens
from ingest.text.words import sentence_spans, words

MAX_BLOCK = 1000  # characters; a longer paragraph is ranked in pieces
MAX_BLOCKS = 2000  # ranking takes time for each; of more than this, neighbours are ranked as one
MAX_QUERY = 100  # different words; a question longer than this is a pasted text
NEIGHBOURS_OF = 1  # best blocks whose neighbours come before the rest: answers run on
BOILERPLATE_WORTH = 0.03  # of the score of a block that belongs to the site (bench/pruning.py)

_HEADING = re.compile(r" {0,3}#{1,6}\s+(.*)")
_CLOSING = " \t\r\f\v\xa0\u3000#"
"""What may follow a heading. A pattern that looks for it takes minutes over a long "# ####x"."""
_FENCE = re.compile(r" {0,3}(```+|~~~+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A paragraph, list, table or piece of code, with the headings directly above it."""

    start: int
    end: int
    """Character range in the text."""
    heading: str
    """The nearest heading at or above, "" if none."""


def blocks(text: str) -> list[Block]:
    """Return the blocks of a Markdown text, in order. Outside them is only white space."""
    return [piece for block in _paragraphs(text) for piece in _pieces(text, block)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A block as the ranking sees it, of Markdown or of anything else."""

    text: str
    heading: str = ""
    boilerplate: bool = False
    """It belongs to the site and not to the page."""


def choose(document: Document, question: str, *, budget: int) -> list[Block]:
    """Return the blocks of `document` that bear most on `question`, in their order.

    Together they hold at most `budget` tokens (`estimate_tokens`), but the best block
    is always there. Where no word of the question occurs, the beginning of the page is kept.
    """
    found = _few(blocks(document.text))
    return [found[place] for place in best(_candidates(document, found), question, budget=budget)]


def best(candidates: Sequence[Candidate], question: str, *, budget: int) -> list[int]:
    """Return the places of the candidates that bear most on `question`, in ascending order.

    Their texts hold at most `budget` tokens together, but the best of them is always there.
    """
    kept: set[int] = set()
    left = budget
    for place in _by_relevance(candidates, question):
        tokens = estimate_tokens(candidates[place].text)
        if not kept or tokens <= left:
            kept.add(place)
            left -= tokens
    return sorted(kept)


def _candidates(document: Document, found: Sequence[Block]) -> list[Candidate]:
    texts = [document.text[block.start : block.end] for block in found]
    return [
        Candidate(
            text=text,
            heading=block.heading,
            boilerplate=is_boilerplate(text, heading=block.heading),
        )
        for text, block in zip(texts, found, strict=True)
    ]


def _by_relevance(candidates: Sequence[Candidate], question: str) -> list[int]:
    """Return the places of `candidates`, each once, the first to keep first."""
    worths = _worths(candidates, question)
    ranked = sorted(
        range(len(candidates)), key=lambda place: (-worths[place], candidates[place].boilerplate)
    )
    if not any(worths):
        return ranked
    first = [near for top in ranked[:NEIGHBOURS_OF] for near in (top, top + 1, top - 1)]
    return [place for place in dict.fromkeys(first + ranked) if 0 <= place < len(candidates)]


def _worths(candidates: Sequence[Candidate], question: str) -> list[float]:
    """Return what each candidate has to say on the question, 0 where no word of it occurs."""
    query = list(dict.fromkeys(words(question)))[:MAX_QUERY]
    wanted = set(query)
    # BM25+ and not Okapi: Okapi's IDF is zero or below for a word in half of the blocks, which on
    # a short page is every word that matters. The title is in every block and would tell nothing.
    # Function words stay in: with them .993 and .997 of answers are kept, else .990 and .993.
    corpus = [words(f"{candidate.heading}\n{candidate.text}") for candidate in candidates]
    if not any(corpus):
        return [0.0] * len(candidates)
    # Who asks how to subscribe wants the very lines that others do not.
    site_worth = 1.0 if is_boilerplate(question) else BOILERPLATE_WORTH
    ranking = BM25Plus(corpus)
    given_to_all = ranking.delta * sum(ranking.idf.get(word, 0.0) for word in query)
    return [
        (score - given_to_all) * (site_worth if candidate.boilerplate else 1.0)
        if not wanted.isdisjoint(block)
        else 0.0
        for score, block, candidate in zip(
            ranking.get_scores(query).tolist(), corpus, candidates, strict=True
        )
    ]


def _few(found: list[Block]) -> list[Block]:
    """Join neighbours until at most `MAX_BLOCKS` are left."""
    step = -(-len(found) // MAX_BLOCKS) or 1
    groups = [found[first : first + step] for first in range(0, len(found), step)]
    return [
        Block(start=group[0].start, end=group[-1].end, heading=group[0].heading) for group in groups
    ]


def _paragraphs(text: str) -> Iterator[Block]:
    """Yield blocks as Markdown separates them: by blank lines, headings and fences."""
    start, end, heading, fence = -1, 0, "", ""
    has_body = False
    for at, line in _lines(text):
        mark, title = _FENCE.match(line), _HEADING.match(line)
        closes = bool(fence and mark and mark[1].startswith(fence))
        if not fence and has_body and (mark or title or not line.strip()):
            yield Block(start=start, end=end, heading=heading)
            start, has_body = -1, False
        if fence or line.strip():
            start = at if start < 0 else start
            end = at + len(line.rstrip()) if line.strip() else end
        if title and not fence:
            heading = title[1].rstrip(_CLOSING)
        elif fence or line.strip():
            has_body = True
        if closes:
            yield Block(start=start, end=end, heading=heading)
            start, fence, has_body = -1, "", False
        elif mark and not fence:
            fence = mark[1]
    if start >= 0:
        yield Block(start=start, end=end, heading=heading)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line and where it starts."""
    at = 0
    for line in text.split("\n"):
        yield at, line
        at += len(line) + 1


def _pieces(text: str, block: Block) -> Iterator[Block]:
    """Yield `block`, cut between sentences where it is longer than `MAX_BLOCK`."""
    if block.end - block.start <= MAX_BLOCK:
        yield block
        return
    start = end = block.start
    for left, right in sentence_spans(text[block.start : block.end]):
        sentence_start, sentence_end = block.start + left, block.start + right
        if sentence_end - start > MAX_BLOCK and end > start:
            yield Block(start=start, end=end, heading=block.heading)
            start = sentence_start
        while sentence_end - start > MAX_BLOCK:  # no sentence, but a wall of characters
            if text[start : start + MAX_BLOCK].strip():
                yield Block(start=start, end=start + MAX_BLOCK, heading=block.heading)
            start += MAX_BLOCK
        end = sentence_end
    yield Block(start=start, end=end, heading=block.heading)
