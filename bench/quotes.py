"""Does the evidence hold the answer, and is it known where there is none?

    python -m bench.quotes [--floors] [--questions N] [--sets xquad.en xquad.zh] [--words]

Questions of XQuAD, its paragraphs found by words among all 240, and the share whose answer stands
in the evidence; beside it the plain choice of the sentences that share most words with the
question, the first block alone, and a chooser that takes what each passage begins with: one that
reaches a floor makes the bench fail, because the floor would say nothing. "removed" is about the
same questions with all paragraphs of their article taken away: the share that is rightly not
"answerable", and the share that gets no block at all. "lost" is the share of the questions whose
answer is in the passages and that get no block. "ms" is CPU for the evidence of a question, the
comparing of its pieces with the question by the built-in encoder included. Each set is measured by
words alone, which is what is left without an encoder, and every third question with it, too.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import click

from assistant.answer.evidence import choose_evidence
from assistant.answer.evidence.chooser import MAX_BLOCKS
from assistant.answer.evidence.units import split_into_units
from assistant.answer.retrieval import Retrieved, Retriever
from assistant.values import Passage
from bench.builtin_encoder import open_builtin
from bench.data import DATA
from ingest.documents import Document
from ingest.index.embed.base import Embedder
from ingest.index.split import split
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors
from ingest.text.words import sentence_spans, words

SETS = ("xquad.en", "xquad.zh", "cmrc.zh")
FLOORS = {
    "ours": 0.93,
    "not answerable, removed": 0.85,
}
NAIVE = ("first units", "most words")
"""Choosers that must stay below the first floor."""
MOST_LOST = 0.03
MOST_MS = 100.0
"""CPU for the evidence of a question by words: on the screen at once, on any machine."""
MOST_MS_WITH_ENCODER = 300.0
"""The same with the vectors of its pieces: 90 to 150, 180 beside two other programs."""
OF_WHICH_COMPARED = 3
"""Questions of which one is asked with the encoder, too: that takes ten times as long."""
PASSAGES = 6
PASSAGES_OF_ALL = 20
"""So many that six of other articles are among them: an article has five paragraphs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question of XQuAD and the pages of the article that answers it."""

    text: str
    answer: str
    pages: frozenset[str]


def squeezed(text: str) -> str:
    """Return the text without white space and case, as answers are compared."""
    return "".join(text.split()).casefold()


def plain_choice(question: str, passages: tuple[Passage, ...]) -> list[str]:
    """Return the sentences with most words in common with the question."""
    asked = set(words(question))
    sentences = [p.text[a:b] for p in passages for a, b in sentence_spans(p.text)]
    return sorted(sentences, key=lambda s: -len(asked & set(words(s))))[:MAX_BLOCKS]


def first_units(passages: tuple[Passage, ...]) -> list[str]:
    """Return what the first passages begin with, as many as we may choose."""
    begun = (split_into_units(passage)[:1] for passage in passages[:MAX_BLOCKS])
    return [unit.text for units in begun for unit in units]


async def read(name: str) -> tuple[Index, list[Question]]:
    """Return an index of all paragraphs, one page each, and the questions about them."""
    data = json.loads((DATA / "retrieval" / f"{name}.json").read_text("utf-8"))["data"]
    index = Index(catalog=Catalog(None), vectors=MemoryVectors())
    questions: list[Question] = []
    for number, article in enumerate(data):
        pages = {
            f"https://xquad.example/{number}/{n}": p for n, p in enumerate(article["paragraphs"])
        }
        for url, paragraph in pages.items():
            document = Document(
                url=url,
                title="",
                text=paragraph["context"],
                fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
            await index.replace(document, split(document, size=400, overlap=100), {}, space="")
            questions += [
                Question(
                    text=qa["question"], answer=qa["answers"][0]["text"], pages=frozenset(pages)
                )
                for qa in paragraph["qas"]
            ]
    return index, questions


async def of_others(index: Index, question: Question) -> tuple[Passage, ...]:
    """Return the best passages of the articles that do not answer the question."""
    retriever = Retriever(store=index, embedder=None, top_k=PASSAGES_OF_ALL)
    found = (await retriever.retrieve(question.text)).passages
    others = [passage for passage in found if passage.url not in question.pages]
    return tuple(replace(other, number=n) for n, other in enumerate(others[:PASSAGES], start=1))


async def measure(
    index: Index, asked: Sequence[Question], embedder: Embedder | None
) -> dict[str, float]:
    """Return the shares of questions answered and refused, and the milliseconds of one choice."""
    retriever = Retriever(store=index, embedder=None, top_k=PASSAGES)
    comparing = Retriever(store=index, embedder=embedder, top_k=PASSAGES, timeout_s=60.0)
    hits: Counter[str] = Counter()
    spent = 0.0
    for question in asked:
        passages = (await retriever.retrieve(question.text)).passages
        begun = time.process_time()
        compared = await comparing.compare(question.text, Retrieved(passages=passages))
        evidence = choose_evidence(question.text, passages, compared=compared)
        spent += time.process_time() - begun
        gold = squeezed(question.answer)
        blocks = [gold in squeezed(block.text) for block in evidence.blocks]
        plain = plain_choice(question.text, passages)
        is_here = any(gold in squeezed(passage.text) for passage in passages)
        others = await of_others(index, question)
        compared = await comparing.compare(question.text, Retrieved(passages=others))
        without = choose_evidence(question.text, others, compared=compared)
        hits["ours"] += any(blocks)
        hits["first units"] += any(gold in squeezed(text) for text in first_units(passages))
        hits["first block"] += any(blocks[:1])
        hits["most words"] += any(gold in squeezed(sentence) for sentence in plain)
        hits["in the passages"] += is_here
        hits["characters"] += sum(len(block.text) for block in evidence.blocks)
        hits["answerable"] += is_here and evidence.answerability == "answerable"
        hits["lost"] += is_here and evidence.answerability == "nothing"
        hits["not answerable, removed"] += without.answerability != "answerable"
        hits["nothing, removed"] += without.answerability == "nothing"
    return {
        **{name: hits[name] / len(asked) for name in hits},
        "lost": hits["lost"] / (hits["in the passages"] or 1),
        "answerable": hits["answerable"] / (hits["in the passages"] or 1),
        "ms": 1000 * spent / len(asked),
    }


async def measure_sets(options: argparse.Namespace) -> bool:
    """Print the shares of each set; return whether one is below a floor."""
    builtin = None if options.words else await open_builtin()
    fallen = False
    for name in options.sets:
        if not (DATA / "retrieval" / f"{name}.json").exists():
            click.echo(f"bench.quotes: left out, {name} is not here")
            continue
        index, questions = await read(name)
        # Words alone are what is left where no encoder is, and cost a tenth.
        for embedder in dict.fromkeys((builtin, None)):
            count = options.questions // (1 if embedder is None else OF_WHICH_COMPARED)
            asked = questions[:: max(1, len(questions) // count)]
            shares = await measure(index, asked, embedder)
            way = "words" if embedder is None else "encoder"
            figures = "  ".join(f"{k} {v:.3f}" for k, v in shares.items())
            click.echo(f"{name} {way:7}  {figures}")
            below = [key for key, floor in FLOORS.items() if shares[key] < floor]
            below += [key for key in NAIVE if shares[key] >= FLOORS["ours"]]
            fallen = fallen or bool(below) or shares["lost"] > MOST_LOST
            most_ms = MOST_MS if embedder is None else MOST_MS_WITH_ENCODER
            fallen = fallen or shares["ms"] > most_ms
    return fallen


def main() -> int:
    """Print the table; return 1 if a set falls below the floors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--floors", action="store_true", help="fail below them")
    parser.add_argument("--questions", type=int, default=2000, help="about how many, per set")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--words", action="store_true", help="by words alone")
    options = parser.parse_args()
    return int(asyncio.run(measure_sets(options)) and options.floors)


if __name__ == "__main__":
    sys.exit(main())
