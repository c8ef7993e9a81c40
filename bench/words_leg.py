"""Does the words leg lose pages where frequent words find none? `python -m bench.words_leg`.

All sets of `bench.retrieval` in one index, alone and among the pages of Python's manual, which are
of the same subject as one of them. Each question through the retriever, by words alone: asked of
FTS5 with all words, of the postings in files (`ingest.index.store.postings`) and, as where these
are missing, of FTS5 with the words that its budget leaves. With --floors it exits 1 when one of
the two loses more than .003 of recall@1 or recall@5 of any set. `apt install debian-faq
debian-faq-zh-cn python3-doc` brings the FAQs and the manual.
"""

import argparse
import asyncio
import contextlib
import itertools
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from assistant.answer.retrieval import Retriever
from bench.retrieval import DEPTH, Ranking, Score, score
from bench.retrieval_sets import TODAY, QuestionSet, held_out_sets, manual_pages, xquad_sets
from ingest.documents import Document
from ingest.index.split import split
from ingest.index.store import word_search
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.postings import segmented as segments
from ingest.index.store.vector_stores.memory import MemoryVectors

PLAIN = ("xquad.zh", "xquad.zh, least overlap", "xquad.en")
MOST_LOST = 0.003
ALL_WORDS = "FTS5, all words"
POSTINGS = "postings in files"
BUDGET = "FTS5, budget"
"""Ways to ask."""


def plain_sets(step: int) -> list[QuestionSet]:
    """Return the sets that are asked in the language of their pages."""
    sets = [one for one in xquad_sets() if one.name in PLAIN]
    across = ("zh → en", "en → zh")
    sets += [one for one in held_out_sets() if not one.name.endswith(across)]
    return [one.every(step) for one in sets]


@contextlib.asynccontextmanager
async def words_index(pages: Sequence[Document]) -> AsyncIterator[tuple[Index, int]]:
    """Return an index of the pages without vectors, and how many chunks it has."""
    with tempfile.TemporaryDirectory() as folder:
        index = Index(catalog=Catalog(Path(folder) / "index.sqlite"), vectors=MemoryVectors())
        chunks = 0
        for page in pages:
            of_page = split(page, size=400, overlap=100)
            await index.replace(page, of_page, {}, space="")
            chunks += len(of_page)
        # Also of an index that is too small for them.
        segments.SEGMENT_EVERY, usual = 1, segments.SEGMENT_EVERY
        index.words_upkeep.make_due()
        segments.SEGMENT_EVERY = usual
        try:
            yield index, chunks
        finally:
            await index.close()


@contextlib.contextmanager
def asked(way: str, chunks: int) -> Iterator[None]:
    """Have all questions of the block answered in one of the ways, of an index of so many."""
    landed = word_search.MIN_POSTINGS, segments.MAX_ROWS_IN_MEMORY
    if way == ALL_WORDS:
        word_search.MIN_POSTINGS = chunks * word_search.MAX_QUERY_WORDS
    if way != POSTINGS:
        segments.MAX_ROWS_IN_MEMORY = -1
    try:
        yield
    finally:
        word_search.MIN_POSTINGS, segments.MAX_ROWS_IN_MEMORY = landed


def by_words(index: Index) -> Ranking:
    """Return the words leg of `index`, as a question without an encoder uses it."""
    retriever = Retriever(store=index, embedder=None, top_k=DEPTH, today=lambda: TODAY)

    async def ranked(question: str) -> list[str]:
        retrieved = await retriever.retrieve(question)
        return list(dict.fromkeys(passage.url for passage in retrieved.passages))

    return ranked


async def measure(
    sets: Sequence[QuestionSet], strangers: Sequence[Document]
) -> dict[str, dict[str, Score]]:
    """Print a row for each set in an index of all of them, and return its figures by way."""
    pages = list({page.url: page for one in sets for page in one.pages}.values())
    scores: dict[str, dict[str, Score]] = {}
    began = time.monotonic()
    async with words_index([*pages, *strangers]) as (index, chunks):
        ways = (ALL_WORDS, POSTINGS, BUDGET)
        print(
            f"{chunks} chunks, stored in {time.monotonic() - began:.0f} s: recall@1 / recall@5, ms"
        )
        print(f"{'':26}{'':6}" + "".join(f"{name:>22}" for name in ways))
        for one in sets:
            row = scores[one.name] = {}
            for name in ways:
                with asked(name, chunks):
                    row[name] = await score(by_words(index), one.questions)
            cells = (f"{it.recall_1:.3f} / {it.recall_5:.3f}, {it.ms:4.1f}" for it in row.values())
            print(
                f"{one.name:26}{len(one.questions):6}" + "".join(f"{cell:>22}" for cell in cells),
                flush=True,
            )
    return scores


def losses(scores: dict[str, dict[str, Score]]) -> Iterator[str]:
    """Yield a line for each set of which one of the quick ways loses too much."""
    for name, row in scores.items():
        for way, figure in itertools.product((POSTINGS, BUDGET), ("recall_1", "recall_5")):
            lost = getattr(row[ALL_WORDS], figure) - getattr(row[way], figure)
            if lost > MOST_LOST:
                yield f"{name}, {way}: {figure} falls by {lost:.4f}, more than {MOST_LOST}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--floors", action="store_true", help="exit 1 when too much is lost")
    parser.add_argument("--every", type=int, default=1, help="take every N-th question")
    options = parser.parse_args()
    sets = plain_sets(options.every)
    if not sets:
        print("skipped: neither XQuAD nor a FAQ is here")
        return 0
    lost = list(losses(asyncio.run(measure(sets, []))))
    if strangers := manual_pages():
        lost += losses(asyncio.run(measure(sets, strangers)))
    print(*lost, sep="\n", end="\n" if lost else "")
    return 1 if options.floors and lost else 0


if __name__ == "__main__":
    sys.exit(main())
