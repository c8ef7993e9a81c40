"""Does fusion help, and never harm? `python -m bench.retrieval [--floors] [--every N]`.

Questions and pages, each page a document, through our own index and retriever. Counted is the first
passage of the right page: recall@1, recall@5, MRR@10 of words alone, of vectors alone, and of both
fused. With --floors it exits 1 when the fused figures of a set are below its floor, below those of
the set that it varies, or its recall@1 more than .005 below that of the better leg.

XQuAD is what retrieval was tuned on; --held-out adds Debian's FAQ, which joined it, CMRC, and
Python's FAQ, which was looked at once at the end. `apt install debian-faq debian-faq-zh-cn
python3-doc` brings both FAQs.
"""

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.answer.long_questions import condense_question
from assistant.answer.retrieval import Retriever
from bench.retrieval_sets import (
    SAMPLE,
    TODAY,
    XQUAD,
    QuestionSet,
    held_out_sets,
    sample_sets,
    xquad_sets,
)
from ingest.documents import Chunk, Document
from ingest.index.embed.base import Embedder, Vector
from ingest.index.embed.registry import EmbedderConfig, open_embedder
from ingest.index.split import split
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.chroma import ChromaVectors
from ingest.settings import EmbedSettings
from ingest.text.normalize import normalize_text

ENCODERS = ("multilingual-e5-small", "all-MiniLM-L6-v2")
BELOW_THE_BETTER_LEG = 0.005
MOST_HARM = 0.01  # recall@5 that dates may cost where they tell nothing
FIGURES = ("recall@1", "recall@5", "MRR@10")
DEPTH = 10
EMBEDDED_AT_ONCE = 64
PLAIN = ("xquad.zh", "xquad.en")
SAMPLED = 0.01
"""What a figure of every N-th question may lie below its floor, which is that of all of them."""
STRANGERS = 20  # pages of other articles, to which questions are put that none of them answers

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
        return f"{self.recall_1:.3f} / {self.recall_5:.3f} / {self.mrr_10:.3f}"


class RememberingEmbedder:
    """Embeds each text once: the sets share pages and questions.

    Texts that normalise to one are one, as multilingual-e5-small sees them.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._texts: dict[str, Vector] = {}
        self._questions: dict[str, Vector] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._embedder, name)

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        texts = [normalize_text(text) for text in texts]
        new = [text for text in dict.fromkeys(texts) if text not in self._texts]
        for start in range(0, len(new), EMBEDDED_AT_ONCE):
            batch = new[start : start + EMBEDDED_AT_ONCE]
            vectors = await self._embedder.embed_documents(batch)
            self._texts.update(zip(batch, vectors, strict=True))
        return [self._texts[text] for text in texts]

    async def embed_query(self, text: str) -> Vector:
        text = normalize_text(text)
        if text not in self._questions:
            self._questions[text] = await self._embedder.embed_query(text)
        return self._questions[text]


async def open_encoder(name: str, cache: Path) -> tuple[Embedder | None, str]:
    """Return the built-in encoder of this name, or None and why."""
    config = EmbedderConfig(embed=EmbedSettings(provider="builtin", encoder=name), cache=cache)
    embedder, problem = await open_embedder(config, space="")
    return embedder, problem.localize("en")


@contextlib.asynccontextmanager
async def filled_index(pages: Sequence[Document], embedder: Embedder) -> AsyncIterator[Index]:
    """Return an index of the pages with all their vectors, in a folder that goes with it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        index = Index(
            catalog=Catalog(path / "index.sqlite"), vectors=ChromaVectors(path / "chroma")
        )
        chunks: list[Chunk] = []
        for page in pages:
            of_page = split(page, size=400, overlap=100)
            await index.replace(page, of_page, {}, space=embedder.space)
            chunks += of_page
        vectors = await embedder.embed_documents([chunk.text for chunk in chunks])
        for start in range(0, len(chunks), EMBEDDED_AT_ONCE):
            past = start + EMBEDDED_AT_ONCE
            await index.add_vectors(chunks[start:past], vectors[start:past], space=embedder.space)
        try:
            yield index
        finally:
            await index.close()


def legs(index: Index, embedder: Embedder) -> dict[str, Ranking]:
    async def dense(question: str) -> list[str]:
        vector = await embedder.embed_query(condense_question(question))
        found = await index.nearest(vector, top_k=5 * DEPTH, space=embedder.space)
        return list(dict.fromkeys(scored.chunk.url for scored in found))

    def through(retriever: Retriever) -> Ranking:
        async def ranked(question: str) -> list[str]:
            retrieved = await retriever.retrieve(question)
            return list(dict.fromkeys(passage.url for passage in retrieved.passages))

        return ranked

    def retriever(encoder: Embedder | None) -> Retriever:
        return Retriever(store=index, embedder=encoder, top_k=DEPTH, today=lambda: TODAY)

    return {
        "words": through(retriever(None)),
        "dense": dense,
        "fused": through(retriever(embedder)),
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


async def measure(sets: Sequence[QuestionSet], embedder: Embedder) -> dict[str, dict[str, Score]]:
    """Print a row for each set and return its scores; sets of the same pages share an index."""
    scores: dict[str, dict[str, Score]] = {}
    waiting = list(sets)
    while waiting:
        pages = waiting[0].pages
        async with filled_index(pages, embedder) as index:
            rankings = legs(index, embedder)
            for one in [one for one in waiting if one.pages == pages]:
                row = {name: await score(leg, one.questions) for name, leg in rankings.items()}
                scores[one.name] = row
                figures = "   ".join(f"{result}" for result in row.values())
                print(f"  {one.name:26} {len(one.questions):5}   {figures}", flush=True)
                if one.name in PLAIN:
                    news = [(f"{asked} {TODAY.year}", url) for asked, url in one.questions]
                    row["news"] = await score(rankings["fused"], news)
        waiting = [one for one in waiting if one.pages != pages]
    return scores


async def measure_strangers(sets: Sequence[QuestionSet], embedder: Embedder) -> None:
    """Print for how many questions something is found in pages that answer none of them."""
    for one in sets:
        if not one.floor or one.name.startswith("xquad.zh,"):
            continue
        pages = one.pages[:: len(one.pages) // STRANGERS][:STRANGERS]
        urls = {page.url for page in pages}
        asked = [question for question, url in one.questions if url not in urls][::4]
        async with filled_index(pages, embedder) as index:
            retriever = Retriever(store=index, embedder=embedder, top_k=6, today=lambda: TODAY)
            found = [len((await retriever.retrieve(question)).passages) for question in asked]
        some = sum(map(bool, found)) / len(found)
        print(f"  {one.name:26} {some:.3f} find something, {sum(found) / len(found):.1f} passages")


def failures(
    sets: Sequence[QuestionSet], scores: dict[str, dict[str, Score]], *, sampled: bool
) -> list[str]:
    """Return a line for each figure that is below its floor."""
    slack = SAMPLED if sampled else 5e-4  # floors are published with three digits
    failed = []
    for one in sets:
        row = scores[one.name]
        one_question = 1 / len(one.questions)  # tells nothing, in a small set
        fused = row["fused"]
        figures = (fused.recall_1, fused.recall_5, fused.mrr_10)
        for name, figure, floor in zip(FIGURES, figures, one.floor, strict=False):
            if figure < floor - slack:
                failed.append(f"{one.name}: fused {name} {figure:.3f} is below {floor}")
        better = max(row["words"].recall_1, row["dense"].recall_1)
        if fused.recall_1 < better - max(BELOW_THE_BETTER_LEG + slack, one_question) - 1e-9:
            failed.append(
                f"{one.name}: fused recall@1 {fused.recall_1:.3f}, better leg {better:.3f}"
            )
        if one.like in scores:
            plain = scores[one.like]["fused"].recall_1
            if fused.recall_1 < plain - one.slack - slack:
                failed.append(f"{one.name}: {fused.recall_1:.3f}, {one.like} {plain:.3f}")
        if "news" in row and row["news"].recall_5 < fused.recall_5 - MOST_HARM - slack:
            failed.append(f"{one.name}: as news recall@5 is {row['news'].recall_5:.3f}")
    return failed


async def run(options: argparse.Namespace) -> list[str]:
    """Measure each encoder that is installed and return which floors it misses."""
    sets = xquad_sets()
    if not sets:
        print(f"XQuAD and CMRC: skipped, {XQUAD} is not here")
    if options.held_out:
        sets += held_out_sets()
    sets = [one.every(options.every) for one in sets]
    if SAMPLE.exists():
        sets = [*sample_sets(), *sets]
    if options.only:
        sets = [one for one in sets if options.only in one.name]
    failed = []
    # The floors are those of the encoder that knows both languages.
    for name in options.encoder or (ENCODERS[:1] if options.floors else ENCODERS):
        with tempfile.TemporaryDirectory() as cache:
            encoder, problem = await open_encoder(name, Path(cache))
            if encoder is None:
                print(f"{name}: skipped, {problem}")
                continue
            weighed = [one for one in sets if name == ENCODERS[0] or not _across(one)]
            embedder = RememberingEmbedder(encoder)
            print(f"{name}: questions; recall@1 / recall@5 / MRR@10 of words, dense, fused")
            scores = await measure(weighed, embedder)  # type: ignore[arg-type]
            if name == ENCODERS[0]:
                failed += failures(weighed, scores, sampled=options.every > 1)
            if options.strangers:
                await measure_strangers(sets, embedder)  # type: ignore[arg-type]
            await encoder.close()
    return failed


def _across(one: QuestionSet) -> bool:
    return "→" in one.name and "simplified" not in one.name


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--floors", action="store_true", help="exit 1 when a figure is too low")
    parser.add_argument("--every", type=int, default=1, help="take every N-th question")
    parser.add_argument("--held-out", action="store_true", help="also what was not tuned on")
    parser.add_argument("--strangers", action="store_true", help="also questions without an answer")
    parser.add_argument("--encoder", action="append", help=f"of {', '.join(ENCODERS)}; or all")
    parser.add_argument("--only", default="", help="sets whose names hold this")
    options = parser.parse_args()
    failed = asyncio.run(run(options))
    print(*failed, sep="\n", end="\n" if failed else "")
    return 1 if options.floors and failed else 0


if __name__ == "__main__":
    sys.exit(main())
