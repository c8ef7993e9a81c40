"""Pages of made-up words, for tests of the postings in files."""

import random
from collections.abc import Sequence
from pathlib import Path

from ingest.index.store.catalog import Catalog
from ingest.index.store.postings.words_upkeep import WordsUpkeep
from tests.index_samples import chunks_of, document

PAGE_CHUNKS = 8
WORDS = [*"abcdefgh", "港口", "口城", "城市", *(f"word{n}" for n in range(300))]


def put(catalog: Catalog, slug: str, *texts: str) -> None:
    page = document(slug, *texts, title=f"title {slug}")
    catalog.replace(page, chunks_of(page), {}, space="")


def fill(catalog: Catalog, pages: int, *, first: int = 0) -> None:
    draw = random.Random(first)
    for number in range(first, first + pages):
        texts = [
            " ".join(WORDS[int(draw.random() ** 3 * len(WORDS))] for _ in range(20))
            for _ in range(PAGE_CHUNKS)
        ]
        put(catalog, f"page{number}", *texts)


def make_files(catalog: Catalog) -> None:
    WordsUpkeep(catalog).make_due()


def files(catalog: Catalog) -> list[Path]:
    return sorted(catalog.words_folder.iterdir()) if catalog.words_folder else []


def ranked(catalog: Catalog, words: Sequence[str], *, top_k: int = 20) -> list[tuple[str, float]]:
    return [(one.chunk.id, one.score) for one in catalog.matching(words, top_k=top_k)]
