"""Which blocks of a text are relevant to a question, by BM25.

The rank of a block decides, never its score: scores cannot be compared across pages. The filter
that a threshold of 1.2 makes leaves nothing of 96 Chinese pages in 100 (bench/pruning.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rank_bm25 import BM25Plus

from ingest.documents import Document
from ingest.index.blocks import Block, markdown_blocks
from ingest.index.boilerplate import is_boilerplate
from ingest.text.tokens import estimate_tokens
from ingest.text.words import words

MAX_BLOCKS = 2000  # ranking takes time for each; of more than this, neighbours are ranked as one
MAX_QUERY = 100  # different words; a question longer than this is a pasted text
NEIGHBOURS_OF = 1  # best blocks whose neighbours come before the rest: answers run on
BOILERPLATE_WORTH = 0.03  # of the score of a block that belongs to the site (bench/pruning.py)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A block to be ranked, of Markdown or of anything else."""

    text: str
    heading: str = ""
    boilerplate: bool = False
    """It belongs to the site and not to the page."""


def choose_blocks(document: Document, question: str, *, budget: int) -> list[Block]:
    """Return the blocks of `document` that are most relevant to `question`, in their order.

    Together they hold at most `budget` tokens (`estimate_tokens`), but the best block is always
    there. Where no word of the question occurs, the beginning of the page is kept.
    """
    blocks = markdown_blocks(document.text)
    step = -(-len(blocks) // MAX_BLOCKS) or 1
    groups = [blocks[first : first + step] for first in range(0, len(blocks), step)]
    joined = [
        Block(start=group[0].start, end=group[-1].end, heading=group[0].heading) for group in groups
    ]
    texts = [document.text[block.start : block.end] for block in joined]
    candidates = [
        Candidate(
            text=text,
            heading=block.heading,
            boilerplate=is_boilerplate(text, heading=block.heading),
        )
        for text, block in zip(texts, joined, strict=True)
    ]
    return [joined[place] for place in choose_candidates(candidates, question, budget=budget)]


def choose_candidates(candidates: Sequence[Candidate], question: str, *, budget: int) -> list[int]:
    """Return the indices of the candidates that are most relevant to `question`, ascending.

    Their texts hold at most `budget` tokens together, but the best of them is always there.
    """
    scores = relevance_scores(candidates, question)
    # Where all scores are 0 the stable sort keeps the order of the page, boilerplate last.
    ranked = sorted(
        range(len(candidates)), key=lambda place: (-scores[place], candidates[place].boilerplate)
    )
    if any(scores):
        first = [near for top in ranked[:NEIGHBOURS_OF] for near in (top, top + 1, top - 1)]
        ranked = [place for place in dict.fromkeys(first + ranked) if 0 <= place < len(candidates)]
    chosen: set[int] = set()
    left = budget
    for place in ranked:
        tokens = estimate_tokens(candidates[place].text)
        # A block that does not fit is passed over, not the end: a shorter one behind it may fit.
        if not chosen or tokens <= left:
            chosen.add(place)
            left -= tokens
    return sorted(chosen)


def relevance_scores(candidates: Sequence[Candidate], question: str) -> list[float]:
    """Return the relevance of each candidate to the question, 0 where no word of it occurs."""
    query = list(dict.fromkeys(words(question)))[:MAX_QUERY]
    wanted = set(query)
    # BM25+ and not Okapi: Okapi's IDF is zero or below for a word in half of the blocks, which on
    # a short page is every word that matters. Without the title: it is the same for every block.
    # Function words stay in: with them .993 and .997 of answers are kept, else .990 and .993.
    corpus = [words(f"{candidate.heading}\n{candidate.text}") for candidate in candidates]
    if not any(corpus):  # BM25Plus divides by the average length
        return [0.0] * len(candidates)
    # A question like "how do I subscribe" wants the very lines that others do not.
    site_worth = 1.0 if is_boilerplate(question) else BOILERPLATE_WORTH
    ranking = BM25Plus(corpus)
    # BM25+ adds delta times the IDF of each word to every block, also to one without the word.
    given_to_all = ranking.delta * sum(ranking.idf.get(word, 0.0) for word in query)
    return [
        (score - given_to_all) * (site_worth if candidate.boilerplate else 1.0)
        if not wanted.isdisjoint(block)
        else 0.0
        for score, block, candidate in zip(
            ranking.get_scores(query).tolist(), corpus, candidates, strict=True
        )
    ]
