"""Do quotes hold the answer, and are there none without one?

    python -m bench.quotes [--floor X] [--refused X X] [--questions N]

Without a chat model the assistant quotes sentences. Questions of XQuAD, its paragraphs found by
words among all 240, and the share of questions whose answer stands in the sentences quoted; beside
it the plain choice of the sentences that share most words with the question. "refused" is the share
of the same questions that rightly get no quote from the best paragraphs of other articles.
"""

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import click

from assistant.answer.evidence import choose_evidence
from assistant.answer.evidence.chooser import MOST_BLOCKS
from assistant.answer.retrieval import Retriever
from assistant.values import Passage
from bench.data import DATA
from ingest.documents import Document
from ingest.index.split import split
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.memory import MemoryVectors
from ingest.text.words import sentence_spans, words

XQUAD = DATA / "retrieval"
LANGUAGES = ("en", "zh")
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
    return sorted(sentences, key=lambda s: -len(asked & set(words(s))))[:MOST_BLOCKS]


async def read(language: str) -> tuple[Index, list[Question]]:
    """Return an index of all paragraphs, one page each, and the questions about them."""
    data = json.loads((XQUAD / f"xquad.{language}.json").read_text("utf-8"))["data"]
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


async def measure(language: str, count: int) -> dict[str, float]:
    """Return the shares of questions answered, by way of choosing, and of those refused."""
    index, questions = await read(language)
    retriever = Retriever(store=index, embedder=None, top_k=PASSAGES)
    hits = dict.fromkeys(("ours", "first quote", "most words", "in the passages", "refused"), 0)
    asked = questions[:: max(1, len(questions) // count)]
    for question in asked:
        passages = (await retriever.retrieve(question.text)).passages
        quotes = [quote.text for quote in choose_evidence(question.text, passages).blocks]
        gold = squeezed(question.answer)
        plain = plain_choice(question.text, passages)
        hits["ours"] += any(gold in squeezed(quote) for quote in quotes)
        hits["first quote"] += any(gold in squeezed(quote) for quote in quotes[:1])
        hits["most words"] += any(gold in squeezed(sentence) for sentence in plain)
        hits["in the passages"] += any(gold in squeezed(p.text) for p in passages)
        hits["refused"] += not choose_evidence(
            question.text, await of_others(index, question)
        ).blocks
    return {name: count / len(asked) for name, count in hits.items()}


def main() -> int:
    """Print the table; return 1 if a language falls below the floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--floor", type=float, default=0.0)
    parser.add_argument(
        "--refused", type=float, nargs=2, default=(0.0, 0.0), help="floors of en and zh"
    )
    parser.add_argument("--questions", type=int, default=400, help="about how many, per language")
    options = parser.parse_args()
    if not XQUAD.exists():
        click.echo(f"bench.quotes: nothing to measure, {XQUAD} is not here")
        return 0
    fallen = False
    for language, refused in zip(LANGUAGES, options.refused, strict=True):
        shares = asyncio.run(measure(language, options.questions))
        click.echo(f"{language}  " + "  ".join(f"{k} {v:.3f}" for k, v in shares.items()))
        fallen = fallen or shares["ours"] < options.floor or shares["refused"] < refused
    return int(fallen)


if __name__ == "__main__":
    sys.exit(main())
