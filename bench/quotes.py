"""Do quotes hold the answer? `python -m bench.quotes [--floor X] [--questions N]`.

Without a chat model the assistant quotes sentences. Questions of XQuAD, its paragraphs found by
words among all 240, and the share of questions whose answer stands in the sentences quoted; beside
it the plain choice of the sentences that share most words with the question.
"""

import argparse
import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from assistant.answers import Passage
from assistant.models.extractive import MOST_QUOTES, best_sentences
from assistant.retrieval import Retriever
from ingest.documents import Document
from ingest.split import split
from ingest.store.catalog import Catalog
from ingest.store.index import Index
from ingest.store.memory import MemoryVectors
from ingest.tokens import sentence_spans, words

DATA = Path(__file__).parents[2] / "shared" / "data" / "retrieval"
LANGUAGES = ("en", "zh")


def squeezed(text: str) -> str:
    """Return the text without white space and case, as answers are compared."""
    return "".join(text.split()).casefold()


def plain_choice(question: str, passages: tuple[Passage, ...]) -> list[str]:
    """Return the sentences with most words in common with the question."""
    asked = set(words(question))
    sentences = [p.text[a:b] for p in passages for a, b in sentence_spans(p.text)]
    return sorted(sentences, key=lambda s: -len(asked & set(words(s))))[:MOST_QUOTES]


async def measure(language: str, count: int) -> dict[str, float]:
    """Return the shares of questions answered, by way of choosing."""
    data = json.loads((DATA / f"xquad.{language}.json").read_text("utf-8"))["data"]
    index = Index(catalog=Catalog(None), vectors=MemoryVectors())
    questions: list[tuple[str, str]] = []
    paragraphs = (paragraph for article in data for paragraph in article["paragraphs"])
    for number, paragraph in enumerate(paragraphs):
        document = Document(
            url=f"https://xquad.example/{number}",
            title="",
            text=paragraph["context"],
            fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        await index.replace(document, split(document), {}, space="")
        questions += [(qa["question"], qa["answers"][0]["text"]) for qa in paragraph["qas"]]
    step = max(1, len(questions) // count)
    retriever = Retriever(store=index, embedder=None, top_k=6)
    hits = {"ours": 0, "first quote": 0, "most words": 0, "in the passages": 0}
    asked = questions[::step]
    for question, answer in asked:
        passages = (await retriever.retrieve(question)).passages
        quotes = [quote.text for quote in best_sentences(question, passages)]
        gold = squeezed(answer)
        hits["ours"] += any(gold in squeezed(quote) for quote in quotes)
        hits["first quote"] += any(gold in squeezed(quote) for quote in quotes[:1])
        hits["most words"] += any(gold in squeezed(s) for s in plain_choice(question, passages))
        hits["in the passages"] += any(gold in squeezed(p.text) for p in passages)
    return {name: count / len(asked) for name, count in hits.items()}


def main() -> int:
    """Print the table; return 1 if a language falls below the floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--floor", type=float, default=0.0)
    parser.add_argument("--questions", type=int, default=400, help="about how many, per language")
    options = parser.parse_args()
    if not DATA.exists():
        click.echo(f"bench.quotes: nothing to measure, {DATA} is not here")
        return 0
    fallen = False
    for language in LANGUAGES:
        shares = asyncio.run(measure(language, options.questions))
        click.echo(f"{language}  " + "  ".join(f"{k} {v:.3f}" for k, v in shares.items()))
        fallen = fallen or shares["ours"] < options.floor
    return int(fallen)


if __name__ == "__main__":
    sys.exit(main())
