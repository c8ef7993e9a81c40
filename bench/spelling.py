"""Is a page found in whatever spelling it is asked for? `python -m bench.spelling [--floor]`.

Forty pages that differ in one number, code or date, which is asked for in every other spelling
(bench/spelling_pages.py): how many of the forty are among the first six, for the worst pair of
spellings and on average. Then XQuAD, asked or written otherwise than it is: spaced out as by OCR,
with invisible characters, in traditional characters (OpenCC), with typos; recall@1 / recall@5.
Through our own index and retriever, by words alone, and with --encoder also with the encoder that
is installed; last, the time of `words` beside that of plain bigrams and words. With --floor it
exits 1 when a pair finds fewer than 38 of 40 by words alone, or when XQuAD rewritten loses more
than it may.
"""

import argparse
import asyncio
import itertools
import random
import re
import sys
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import opencc

from assistant.answer.retrieval import Retriever
from bench.data import DATA
from bench.retrieval_sets import load_squad
from bench.spelling_pages import PAGES, Kind, held, tuned
from ingest.documents import Document
from ingest.foundation.messages import Language
from ingest.index.embed.base import Embedder
from ingest.index.embed.registry import EmbedderConfig, open_embedder
from ingest.index.split import split
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors
from ingest.settings import EmbedSettings
from ingest.text.cjk import CJK
from ingest.text.words import words

LEAST_FOUND = 38
DEPTH = 6
LONG_WORD = 5  # letters of a word that gets a typo
EMBEDDED_AT_ONCE = 64
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MOST_PAIRS = 30  # of spellings that are tried of a kind; --all tries the 110 of dates
_PLAIN = re.compile(rf"(?P<cjk>[{CJK}]+)|[^\W{CJK}]+")
Rewrite = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """XQuAD in another spelling, and what that may cost."""

    name: str
    language: Language
    question: Rewrite = str
    page: Rewrite = str
    loses: float
    """Recall that it may lose against the same set as it is, by words alone."""


def space_out(text: str) -> str:
    """Return what OCR makes of Chinese: every character by itself."""
    return " ".join(text.replace(" ", ""))


def hyphenate(text: str) -> str:
    """Return the text with a soft hyphen in every word, as typesetters put them."""
    return " ".join(
        f"{word[:2]}\u00ad{word[2:]}" if len(word) > 3 else word for word in text.split(" ")
    )


def pad(text: str) -> str:
    """Return the text with an invisible character behind every second one."""
    invisible = itertools.cycle("\u200b\u2060\ufeff\u200d")
    return "".join(sign + next(invisible) if place % 2 else sign for place, sign in enumerate(text))


def misspell(text: str, *, most: int) -> str:
    """Return the text with one edit in up to `most` of its long words, behind the first letter."""
    chance = random.Random(text)
    parts = text.split(" ")
    long = [place for place, word in enumerate(parts) if word.isalpha() and len(word) >= LONG_WORD]
    for place in chance.sample(long, min(most, len(long))):
        word = parts[place]
        at = chance.randrange(1, len(word) - 1)
        letter = chance.choice("abcdefghijklmnopqrstuvwxyz")
        parts[place] = chance.choice(
            (
                word[:at] + word[at + 1 :],
                word[:at] + letter + word[at:],
                word[:at] + letter + word[at + 1 :],
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            )
        )
    return " ".join(parts)


def rewritten() -> list[Rewritten]:
    to_traditional = opencc.OpenCC("s2twp").convert
    to_hong_kong = opencc.OpenCC("s2hk").convert
    return [
        Rewritten(name="as it is", language="zh", loses=0.0),
        Rewritten(name="question as by OCR", language="zh", question=space_out, loses=0.01),
        Rewritten(name="pages as by OCR", language="zh", page=space_out, loses=0.01),
        Rewritten(name="invisible in pages", language="zh", page=pad, loses=0.0),
        Rewritten(name="invisible in question", language="zh", question=pad, loses=0.0),
        Rewritten(name="pages in s2twp", language="zh", page=to_traditional, loses=0.02),
        Rewritten(name="pages in s2hk", language="zh", page=to_hong_kong, loses=0.01),
        Rewritten(name="question in s2twp", language="zh", question=to_traditional, loses=0.02),
        Rewritten(name="as it is", language="en", loses=0.0),
        Rewritten(name="soft hyphens in pages", language="en", page=hyphenate, loses=0.015),
        Rewritten(
            name="one typo",
            language="en",
            question=lambda text: misspell(text, most=1),
            loses=0.02,
        ),
        Rewritten(
            name="typo in each long word",
            language="en",
            question=lambda text: misspell(text, most=len(text)),
            loses=0.05,
        ),
    ]


async def fill(documents: Sequence[Document], embedder: Embedder | None) -> Index:
    index = Index(catalog=Catalog(None), vectors=MemoryVectors())
    space = embedder.space if embedder else ""
    chunks = []
    for document in documents:
        of_document = split(document, size=400, overlap=100)
        await index.replace(document, of_document, {}, space=space)
        chunks += of_document
    if embedder:
        for start in range(0, len(chunks), EMBEDDED_AT_ONCE):
            batch = chunks[start : start + EMBEDDED_AT_ONCE]
            vectors = await embedder.embed_documents([chunk.text for chunk in batch])
            await index.add_vectors(batch, vectors, space=space)
    return index


async def ranks(
    index: Index, embedder: Embedder | None, questions: Sequence[tuple[str, str]]
) -> list[int]:
    """Return the place of each question's page among the first, 0 if it is not there."""
    retriever = Retriever(store=index, embedder=embedder, top_k=DEPTH)
    places = []
    for question, url in questions:
        found = (await retriever.retrieve(question)).passages
        urls = list(dict.fromkeys(passage.url for passage in found))
        places.append(urls.index(url) + 1 if url in urls else 0)
    return places


def page(url: str, text: str) -> Document:
    return Document(url=url, title="", text=text, fetched_at=NOW)


async def found_of_kind(
    kind: Kind, embedder: Embedder | None, *, most: int
) -> list[tuple[int, str]]:
    """Return for up to `most` pairs of spellings how many pages are found, and an example."""
    urls = [f"https://{kind.name}.example/{number}" for number in range(PAGES)]
    pairs = list(itertools.permutations(kind.spellings, 2))
    chosen = random.Random(kind.name).sample(pairs, min(most, len(pairs)))
    found = []
    for written in kind.spellings:
        documents = [page(url, kind.page.format(written(n))) for n, url in enumerate(urls)]
        index = await fill(documents, embedder)
        for asked in [asked for asked, other in chosen if other is written]:
            questions = [(kind.question.format(asked(n)), url) for n, url in enumerate(urls)]
            places = await ranks(index, embedder, questions)
            found.append((sum(map(bool, places)), f"{asked(0)!r} for {written(0)!r}"))
        await index.close()
    return found


async def show_kinds(kinds: Sequence[Kind], embedder: Embedder | None, *, most: int) -> list[str]:
    failed = []
    for kind in kinds:
        found = await found_of_kind(kind, embedder, most=most)
        worst, pair = min(found)
        mean = sum(count for count, _ in found) / len(found)
        print(f"  {kind.language} {kind.name:8} {len(found):3} {worst:3} {mean:6.1f}  {pair}")
        if worst < LEAST_FOUND:
            failed.append(f"{kind.language} {kind.name}: {worst} of {PAGES}, {pair}")
    return failed


async def show_xquad(embedder: Embedder | None, *, sample: int) -> list[str]:
    failed = []
    plain: dict[Language, tuple[float, float]] = {}
    for row in rewritten():
        documents, questions = load_squad(f"xquad.{row.language}")
        asked = [(row.question(text), url) for text, url in questions[::sample]]
        written = [page(document.url, row.page(document.text)) for document in documents]
        index = await fill(written, embedder)
        places = await ranks(index, embedder, asked)
        await index.close()
        recall_1 = sum(place == 1 for place in places) / len(places)
        recall_5 = sum(0 < place <= 5 for place in places) / len(places)
        print(f"  {row.language} {row.name:24} {recall_1:.3f} / {recall_5:.3f}")
        whole = plain.setdefault(row.language, (recall_1, recall_5))
        # One question of a sample tells nothing: of every fourth it is .003.
        loses = row.loses + (1 / len(places) if sample > 1 else 0.0) + 1e-9
        if recall_1 < whole[0] - loses or recall_5 < whole[1] - loses:
            failed.append(f"{row.language} {row.name}: loses more than {row.loses}")
    return failed


async def measure(*, encoder: bool, sample: int, most: int) -> list[str]:
    embedders: list[Embedder | None] = [None]
    if encoder:
        embedders.append(await installed_encoder())
    failed: list[str] = []
    for embedder in embedders:
        print("words alone" if embedder is None else f"with {embedder.space}")
        below = []
        for family, kinds in (("tuned with", tuned()), ("held aside", held())):
            print(f" {family}: pairs, worst and mean of {PAGES} among {DEPTH}, the worst pair")
            below += await show_kinds(kinds, embedder, most=most)
        if (DATA / "retrieval" / "xquad.zh.json").exists():
            print(" XQuAD: recall@1 / recall@5")
            below += await show_xquad(embedder, sample=sample)
            print(" words(): speed, time against plain bigrams and words")
            show_speed()
        else:
            print(f" XQuAD: left out, {DATA} is not here")
        failed += below if embedder is None else []
    return failed


async def installed_encoder() -> Embedder:
    cache = Path.home() / ".cache" / "qiuzheng" / "bench"
    config = EmbedderConfig(embed=EmbedSettings(provider="builtin"), cache=cache)
    embedder, problem = await open_embedder(config, space="")
    if embedder is None:
        raise SystemExit(problem.localize("en"))
    return embedder


def plain_words(text: str) -> list[str]:
    """Return bigrams and words of the text as it is, which is the least that must be done."""
    found: list[str] = []
    for run in _PLAIN.finditer(unicodedata.normalize("NFKC", text).casefold()):
        characters = run["cjk"]
        if characters is None or len(characters) == 1:
            found.append(run[0])
        else:
            found += map("".join, itertools.pairwise(characters))
    return found


def show_speed() -> None:
    for language in ("en", "zh"):
        texts = [document.text for document in load_squad(f"xquad.{language}")[0]]
        times = {}
        for split_words in (plain_words, words):
            rounds = []
            for _ in range(5):
                started = time.process_time()
                for text in texts:
                    split_words(text)
                rounds.append(time.process_time() - started)
            times[split_words] = min(rounds)
        speed = sum(map(len, texts)) / times[words] / 1e6
        print(f"  {language} {speed:.1f} M characters/s, x{times[words] / times[plain_words]:.2f}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--floor", action="store_true", help="exit 1 when a figure is too low")
    parser.add_argument("--encoder", action="store_true", help="measure with vectors, too")
    parser.add_argument("--sample", type=int, default=1, help="ask every nth question of XQuAD")
    parser.add_argument("--all", action="store_true", help="try every pair of spellings")
    options = parser.parse_args()
    most = sys.maxsize if options.all else MOST_PAIRS
    failed = asyncio.run(measure(encoder=options.encoder, sample=options.sample, most=most))
    print(*failed, sep="\n", end="\n" if failed else "")
    return 1 if options.floor and failed else 0


if __name__ == "__main__":
    sys.exit(main())
