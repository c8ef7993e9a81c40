"""Does the main text survive? `python -m bench.extraction [--floor .955]`.

93 news pages of article-extraction-benchmark with the text that people marked by hand. Counted are
runs of four words (with repetitions): mean precision, mean recall, and F1 of the two means, as that
benchmark counts them. Ours stands beside bare trafilatura, which is told the charset. With --floor
it exits 1 when our F1 is below. The pages are in ../shared/data/articles, outside this repository.
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
from pathlib import Path

from ingest.documents import Page
from ingest.errors import ExtractError
from ingest.extract import extract

ARTICLES = Path(__file__).parents[2] / "shared" / "data" / "articles"
RUN = 4  # words
Reader = Callable[[bytes, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How much of the marked text was found, and how much of what was found is marked."""

    precision: float
    recall: float
    milliseconds: float

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / (self.precision + self.recall)


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

    return trafilatura.extract(body.decode("utf-8", "replace"), url=url) or ""


def trafilatura_markdown(body: bytes, url: str) -> str:
    import trafilatura

    text = body.decode("utf-8", "replace")
    return trafilatura.extract(text, url=url, output_format="markdown", with_metadata=True) or ""


def score(read: Reader) -> Score:
    precisions, recalls, seconds = [], [], []
    for body, url, truth in articles():
        began = time.perf_counter()
        found = runs(read(body, url))
        seconds.append(time.perf_counter() - began)
        wanted = runs(truth)
        hits = (wanted & found).total()
        precisions += [hits / found.total()] if found else []
        recalls += [hits / wanted.total()] if wanted else []
    return Score(
        precision=statistics.mean(precisions),
        recall=statistics.mean(recalls),
        milliseconds=statistics.mean(seconds) * 1000,
    )


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
        "trafilatura, Markdown and metadata": trafilatura_markdown,
    }
    ours(b"<p>warm up", "https://example.com/")
    scores = {name: score(read) for name, read in readers.items()}
    print(f"{'':36}{'precision':>10}{'recall':>8}{'F1':>8}{'ms/page':>9}")
    for name, s in scores.items():
        print(f"{name:36}{s.precision:10.3f}{s.recall:8.3f}{s.f1:8.4f}{s.milliseconds:9.0f}")
    return int(scores["ours"].f1 < floor)


if __name__ == "__main__":
    sys.exit(main())
