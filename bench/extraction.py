"""Does the main text survive? `python -m bench.extraction [--floor .97]`.

93 news pages of article-extraction-benchmark with the text that people marked by hand. Counted are
runs of four words (with repetitions): mean precision, mean recall, and F1 of the two means, as that
benchmark counts them. Ours stands beside bare trafilatura, which is told the charset and, as in
that benchmark, to leave comments out. Both halves (every second page) are scored alone, too: a
rule that helps only one of them has learnt its pages. With --floor it exits 1 when our F1 is
below. The pages are in articles/ of bench/data.py, outside this repository.
"""

import argparse
import gzip
import json
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.data import DATA
from ingest.documents import Page
from ingest.errors import ExtractError
from ingest.extract.extractor import extract

ARTICLES = DATA / "articles"
RUN = 4  # words
Reader = Callable[[bytes, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How much of the marked text was found, and how much of what was found is marked."""

    precision: float
    recall: float
    f1: float
    halves: tuple[float, float]
    """F1 of the pages of even and of odd number."""
    milliseconds: float


def ours(body: bytes, url: str) -> str:
    page = Page(
        url=url,
        final_url=url,
        media_type="text/html",
        charset=None,
        body=body,
        fetched_at=datetime.now(UTC),
        fetcher="file",
        robots="",
    )
    try:
        return extract(page).text
    except ExtractError:
        return ""


def bare_trafilatura(body: bytes, url: str) -> str:
    import trafilatura

    text = body.decode("utf-8", "replace")
    return trafilatura.extract(text, url=url, include_comments=False) or ""


def fast_trafilatura(body: bytes, url: str) -> str:
    import trafilatura

    text = body.decode("utf-8", "replace")
    return trafilatura.extract(text, url=url, include_comments=False, fast=True) or ""


def trafilatura_with_metadata(body: bytes, url: str) -> str:
    import trafilatura

    text = body.decode("utf-8", "replace")
    found = trafilatura.bare_extraction(text, url=url, include_comments=False, with_metadata=True)
    return (found.text or "") if found else ""


def score(read: Reader) -> Score:
    pages, seconds = [], []
    for body, url, truth in articles():
        began = time.perf_counter()
        found = runs(read(body, url))
        seconds.append(time.perf_counter() - began)
        wanted = runs(truth)
        hits = (wanted & found).total()
        pages.append((hits, found.total(), wanted.total()))
    precision, recall, f1 = means(pages)
    return Score(
        precision=precision,
        recall=recall,
        f1=f1,
        halves=(means(pages[::2])[2], means(pages[1::2])[2]),
        milliseconds=statistics.mean(seconds) * 1000,
    )


def means(pages: list[tuple[int, int, int]]) -> tuple[float, float, float]:
    """Return mean precision, mean recall and their F1, from (right, found, wanted) of each page."""
    precision = statistics.mean(right / found for right, found, _ in pages if found)
    recall = statistics.mean(right / wanted for right, _, wanted in pages if wanted)
    return precision, recall, 2 * precision * recall / (precision + recall)


def articles() -> Iterator[tuple[bytes, str, str]]:
    """Yield the bytes, the address and the marked text of each page."""
    truth = json.loads((ARTICLES / "ground-truth.json").read_text(encoding="utf-8"))
    for name, article in truth.items():
        body = gzip.decompress((ARTICLES / "html" / f"{name}.html.gz").read_bytes())
        yield body, article["url"], article["articleBody"]


def runs(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", text)
    starts = range(max(1, len(words) - RUN + 1))
    return Counter(run for start in starts if (run := tuple(words[start : start + RUN])))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--floor", type=float, default=0.0, help="exit 1 if our F1 is below")
    floor = parser.parse_args().floor
    if not ARTICLES.is_dir():
        print(f"skipped: {ARTICLES} is missing (93 pages of article-extraction-benchmark)")
        return 0
    readers = {
        "ours": ours,
        "trafilatura": bare_trafilatura,
        "trafilatura, fast": fast_trafilatura,
        "trafilatura, with metadata": trafilatura_with_metadata,
    }
    ours(b"<p>warm up", "https://example.com/")
    scores = {name: score(read) for name, read in readers.items()}
    print(f"{'':28}{'precision':>10}{'recall':>8}{'F1':>8}{'halves':>14}{'ms/page':>9}")
    for name, s in scores.items():
        halves = "{:.3f} {:.3f}".format(*s.halves)
        print(
            f"{name:28}{s.precision:10.3f}{s.recall:8.3f}{s.f1:8.4f}{halves:>14}{s.milliseconds:9.0f}"
        )
    return int(scores["ours"].f1 < floor)


if __name__ == "__main__":
    sys.exit(main())
