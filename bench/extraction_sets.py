"""The pages that `bench.extraction` reads, what they must hold, and the readers ours is held to.

* news: 93 pages of article-extraction-benchmark, the text marked by hand; runs of four words.
* pages: 474 of trafilatura's evaluation, of every kind, mostly German, French and English; chunks
  that must (not) be there, as its `tests/eval_common.py` counts them.
* zh: those of 29 Chinese pages of GeneralNewsExtractor whose text is recorded; runs of five
  characters.
* zh-kinds: 35 Chinese pages of all kinds, marked by hand (bench/zh_kinds): 16 written in the
  templates of large sites, and the other 19 of GeneralNewsExtractor; runs of five characters.

What the other readers return is kept on disk by the hash of the page and their version: only ours
changes from run to run.
"""

import dataclasses
import functools
import gzip
import hashlib
import html
import importlib.metadata
import json
import os
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lxml import etree

from bench.data import DATA
from ingest.documents import Page
from ingest.errors import ExtractError
from ingest.extract.dom import parse_html
from ingest.extract.extractor import extract
from ingest.text.encodings import decode

CACHE = Path(os.environ.get("QIUZHENG_BENCH_CACHE") or tempfile.gettempdir()) / "extraction-anchors"
ZH_KINDS = Path(__file__).with_name("zh_kinds")
_MARKED = re.compile(r"⟦(.*?)⟧", re.DOTALL)
_NO_MARKS = str.maketrans("", "", "⟦⟧")
_TAGS = re.compile(r"<[^>]*>")
WORDS_IN_RUN = 4
CHARACTERS_IN_RUN = 5
Reader = Callable[[bytes, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedPage:
    """A page and what its text must hold: all of `text`, or the chunks."""

    name: str
    url: str
    body: bytes
    text: str = ""
    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()


def news_pages() -> Iterator[MarkedPage]:
    folder = DATA / "articles"
    truth = _load_json(folder / "ground-truth.json")
    for name, article in truth.items():
        body = gzip.decompress((folder / "html" / f"{name}.html.gz").read_bytes())
        yield MarkedPage(name=name, url=article["url"], body=body, text=article["articleBody"])


def chunk_pages() -> Iterator[MarkedPage]:
    folder = DATA / "pages"
    for item in _load_json(folder / "chunks.json"):
        url = item["url"]
        yield MarkedPage(
            name=item["file"],
            url=url if url.startswith("http") else "https://site.example/page",
            body=gzip.decompress((folder / "html" / item["file"]).read_bytes()),
            wanted=tuple(item["with"]),
            unwanted=tuple(item["without"]),
        )


def chinese_pages() -> Iterator[MarkedPage]:
    return (page for page in every_chinese_page() if page.text)


def every_chinese_page() -> Iterator[MarkedPage]:
    """Yield those without a recorded text, too."""
    folder = DATA / "pages-zh"
    for item in _load_json(folder / "contents.json"):
        yield MarkedPage(
            name=item["name"],
            url="https://site.example/" + item["name"],
            body=gzip.decompress((folder / "html" / item["file"]).read_bytes()),
            text=item["content"] or "",
        )


def chinese_kinds() -> Iterator[MarkedPage]:
    """Yield Chinese pages of all kinds, their text marked by hand.

    Those of `ZH_KINDS` are written in the templates of large sites, with ⟦…⟧ around what is text.
    Of those of pages-zh without a recorded text it holds the first and last letters of each run.
    """
    for path in sorted(ZH_KINDS.glob("*.html")):
        source = path.read_text(encoding="utf-8")
        yield MarkedPage(
            name=path.name,
            url=f"https://site.example/{path.stem}",
            body=source.translate(_NO_MARKS).encode(),
            text=html.unescape(_TAGS.sub("", "\n".join(_MARKED.findall(source)))),
        )
    runs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in (ZH_KINDS / "real_pages.tsv").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, first, last = line.split("\t")
            runs[name].append((first, last))
    for page in every_chinese_page():
        if page.name in runs:
            letters, end, parts = seen_letters(page.body), 0, []
            for first, last in runs[page.name]:
                start = letters.index(first, end)
                end = letters.index(last, start) + len(last)
                parts.append(letters[start:end])
            yield dataclasses.replace(page, text="".join(parts))


def seen_letters(body: bytes) -> str:
    """Return the letters of a page, scripts and styles left out."""
    root = parse_html(decoded(body))
    assert root is not None
    etree.strip_elements(root, "script", "style", "noscript", "template", with_tail=False)
    return re.sub(r"[\W_]+", "", "".join(root.find("body").itertext()))


def _load_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def word_runs(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", text)
    starts = range(max(1, len(words) - WORDS_IN_RUN + 1))
    return Counter(run for start in starts if (run := tuple(words[start : start + WORDS_IN_RUN])))


def character_runs(text: str) -> Counter[str]:
    letters = re.sub(r"[\W_]+", "", text)
    starts = range(max(1, len(letters) - CHARACTERS_IN_RUN + 1))
    return Counter(run for start in starts if (run := letters[start : start + CHARACTERS_IN_RUN]))


def read_ours(body: bytes, url: str) -> str:
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


def decoded(body: bytes) -> str:
    """Return the text of a page, by the product's own decoder: the anchors are told the charset."""
    return decode(body, claimed=None)


def read_trafilatura(body: bytes, url: str) -> str:
    import trafilatura

    return trafilatura.extract(decoded(body), url=url, include_comments=False) or ""


def read_trafilatura_fast(body: bytes, url: str) -> str:
    import trafilatura

    return trafilatura.extract(decoded(body), url=url, include_comments=False, fast=True) or ""


def read_readability(body: bytes, url: str) -> str:
    from readability import Document

    from ingest.extract.dom import parse_html
    from ingest.extract.markdown import render_markdown

    try:
        root = parse_html(Document(decoded(body), url=url).summary())
    except (ValueError, TypeError, AttributeError, LookupError):
        return ""
    return "" if root is None else render_markdown(root.find("body"))


def cached(read: Reader, package: str) -> Reader:
    """Return `read` with what it returned for each page kept on disk, by the package's version."""
    folder = CACHE / f"{read.__name__}-{importlib.metadata.version(package)}"
    folder.mkdir(parents=True, exist_ok=True)

    @functools.wraps(read)
    def recall(body: bytes, url: str) -> str:
        path = folder / hashlib.sha256(body).hexdigest()
        if not path.exists():
            path.write_text(read(body, url), encoding="utf-8", newline="")
        return path.read_bytes().decode()

    return recall
