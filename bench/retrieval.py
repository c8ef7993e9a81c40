"""Does fusion help, and never harm? `python -m bench.retrieval [--floors]`.

Questions and paragraphs of XQuAD, each paragraph a document, through our own index and retriever
with the built-in encoder (all-MiniLM-L6-v2, which knows English only). Counted is the first
passage of the right paragraph: recall@1, recall@5, MRR@10. With --floors it exits 1 when fused
recall@5 is below .99 (English) or .985 (Chinese), or below the better of its two legs.

The last row is the same with the year of today in every question, which so asks for news, and with
paragraphs that are dated at random within three years: all that dates can do there is harm.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from assistant.answer.retrieval import Retriever
from bench.data import DATA
from ingest.documents import Chunk, Document
from ingest.index.embed.builtin import BuiltinEmbedder
from ingest.index.embed.weights import find_weights, missing_weights
from ingest.index.split import split
from ingest.index.store.catalog import Catalog
from ingest.index.store.chroma import ChromaVectors
from ingest.index.store.hybrid import Index

XQUAD = DATA / "retrieval"
LANGUAGES = ("en", "zh")
FLOORS = {"en": 0.99, "zh": 0.985}
TODAY = date(2026, 1, 1)
OLDEST_DAYS = 3 * 365
MOST_HARM = 0.01  # recall@5 that dates may cost where they tell nothing
DEPTH = 10
EMBEDDED_AT_ONCE = 64

Ranking = Callable[[str], Awaitable[list[str]]]
"""From a question to URLs, best first, each once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Shares of questions, 0 to 1."""

    recall_1: float
    recall_5: float
    mrr_10: float
    ms: float
    """Mean wall time of a question."""

    def __str__(self) -> str:
        return f"{self.recall_1:.3f} / {self.recall_5:.3f} / {self.mrr_10:.3f}  {self.ms:6.1f} ms"


def load(language: str) -> tuple[list[Document], list[tuple[str, str]]]:
    """Return the paragraphs, and (question, URL of its paragraph)."""
    data = json.loads((XQUAD / f"xquad.{language}.json").read_text("utf-8"))["data"]
    documents: list[Document] = []
    questions: list[tuple[str, str]] = []
    chance = random.Random(0)
    for article in data:
        for paragraph in article["paragraphs"]:
            url = f"https://xquad.example/{language}/{len(documents)}"
            text = paragraph["context"]
            documents.append(
                Document(
                    url=url,
                    title="",
                    text=text,
                    fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
                    published=TODAY - timedelta(days=chance.randrange(OLDEST_DAYS)),
                )
            )
            questions += [(qa["question"], url) for qa in paragraph["qas"]]
    return documents, questions


async def fill(index: Index, documents: Sequence[Document], embedder: BuiltinEmbedder) -> None:
    chunks: list[Chunk] = []
    for document in documents:
        of_document = split(document, size=400, overlap=100)
        await index.replace(document, of_document, {}, space=embedder.space)
        chunks += of_document
    for start in range(0, len(chunks), EMBEDDED_AT_ONCE):
        batch = chunks[start : start + EMBEDDED_AT_ONCE]
        vectors = await embedder.embed_documents([chunk.text for chunk in batch])
        await index.add_vectors(batch, vectors, space=embedder.space)


def legs(index: Index, embedder: BuiltinEmbedder) -> dict[str, Ranking]:
    async def dense(question: str) -> list[str]:
        vector = await embedder.embed_query(question)
        found = await index.nearest(vector, top_k=5 * DEPTH, space=embedder.space)
        return list(dict.fromkeys(scored.chunk.url for scored in found))

    def through(retriever: Retriever) -> Ranking:
        async def ranked(question: str) -> list[str]:
            retrieved = await retriever.retrieve(question)
            return list(dict.fromkeys(passage.url for passage in retrieved.passages))

        return ranked

    async def news(question: str) -> list[str]:
        return await fused(f"{question} {TODAY.year}")

    fused = through(Retriever(store=index, embedder=embedder, top_k=DEPTH, today=lambda: TODAY))
    return {
        "words": through(Retriever(store=index, embedder=None, top_k=DEPTH, today=lambda: TODAY)),
        "dense": dense,
        "fused": fused,
        "news": news,
    }


async def score(ranking: Ranking, questions: Sequence[tuple[str, str]]) -> Score:
    ranks = []
    started = time.perf_counter()
    for question, url in questions:
        urls = (await ranking(question))[:DEPTH]
        ranks.append(urls.index(url) + 1 if url in urls else None)
    ms = 1000 * (time.perf_counter() - started) / len(questions)
    found = [rank for rank in ranks if rank]
    return Score(
        recall_1=sum(rank == 1 for rank in found) / len(ranks),
        recall_5=sum(rank <= 5 for rank in found) / len(ranks),
        mrr_10=sum(1 / rank for rank in found) / len(ranks),
        ms=ms,
    )


async def measure(language: str, weights: Path, cache: Path) -> dict[str, Score]:
    documents, questions = load(language)
    embedder = BuiltinEmbedder(weights=weights, cache=cache)
    folder = cache / language
    index = Index(
        catalog=Catalog(folder / "index.sqlite"), vectors=ChromaVectors(folder / "chroma")
    )
    started = time.perf_counter()
    await fill(index, documents, embedder)
    held = await index.stats()
    print(
        f"{language}: {held.documents} documents, {held.chunks} chunks embedded and stored in"
        f" {time.perf_counter() - started:.0f} s, {len(questions)} questions"
    )
    scores = {name: await score(leg, questions) for name, leg in legs(index, embedder).items()}
    for name, result in scores.items():
        print(f"  {name:6} {result}")
    await index.close()
    return scores


def failures(language: str, scores: dict[str, Score]) -> list[str]:
    fused = scores["fused"].recall_5
    better = max(scores["words"].recall_5, scores["dense"].recall_5)
    failed = []
    if fused < FLOORS[language]:
        failed.append(f"{language}: fused recall@5 {fused:.3f} is below {FLOORS[language]}")
    if fused < better:
        failed.append(
            f"{language}: fused recall@5 {fused:.3f} is below the better leg {better:.3f}"
        )
    news = scores["news"].recall_5
    if news < fused - MOST_HARM:
        failed.append(f"{language}: asked as news, recall@5 falls from {fused:.3f} to {news:.3f}")
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--floors", action="store_true", help="exit 1 when a figure is too low")
    options = parser.parse_args()
    weights = find_weights(None)
    if weights is None:
        print(f"skipped: {missing_weights(None).localize('en')}")
        return 0
    failed = []
    print("recall@1 / recall@5 / MRR@10, time of a question")
    with tempfile.TemporaryDirectory() as cache:
        for language in LANGUAGES:
            if not (XQUAD / f"xquad.{language}.json").exists():
                print(f"{language}: skipped, {XQUAD} is not here")
                continue
            scores = asyncio.run(measure(language, weights, Path(cache)))
            failed += failures(language, scores)
    print(*failed, sep="\n", end="\n" if failed else "")
    return 1 if options.floors and failed else 0


if __name__ == "__main__":
    sys.exit(main())
