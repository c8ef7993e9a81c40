"""Does a page keep its title, day and author? `python -m bench.metadata [--floor] [--wrong]`.

Over the pages of `bench/page_metadata.tsv`, marked by hand: every third of the news, every eighth
of trafilatura's evaluation, all Chinese ones; and "unseen", every sixteenth of trafilatura's,
marked later and looked at only as a check. A title is right if its letters are those of the
marked one, an author if a marked name is in it; a day must be the marked one, and none where the
page names none. Pages whose author is not marked are left out there. Ours is held to trafilatura's
metadata, whose days are htmldate's. Both halves (every second page) are scored alone, too.
"""

import argparse
import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import extraction_sets as sets
from bench.data import DATA
from ingest.documents import Page
from ingest.errors import ExtractError
from ingest.extract.dom import letters_of, parse_html, text_of
from ingest.extract.extractor import extract

MARKS = Path(__file__).with_name("page_metadata.tsv")
FLOORS = {
    "news": {"title": 0.95, "published": 0.95, "author": 0.9},
    "pages": {"title": 0.95, "published": 0.88, "author": 0.85},
    "unseen": {"title": 0.9, "published": 0.9, "author": 0.85},
    "zh": {"title": 0.95, "published": 0.95, "author": 0.75},
}
"""A page or two below what was measured last (bench/README.md)."""
KEY = 16  # characters of a page's name, by which the marks know it
FIELDS = ("title", "published", "author")
SETS: dict[str, Callable[[], Iterator[sets.MarkedPage]]] = {
    "news": sets.news_pages,
    "pages": sets.chunk_pages,
    "unseen": sets.chunk_pages,
    "zh": sets.every_chinese_page,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedMetadata:
    """A page, and for each field all that is right; () where it is not judged."""

    page: sets.MarkedPage
    right: dict[str, tuple[str, ...]]


def marked_pages(set_name: str) -> Iterator[MarkedMetadata]:
    pages = {page.name[:KEY]: page for page in SETS[set_name]()}
    with MARKS.open(encoding="utf-8") as lines:
        rows = csv.reader(
            (line for line in lines if not line.startswith("#")),
            delimiter="\t",
            quoting=csv.QUOTE_NONE,
        )
        for name, key, published, author, title in rows:
            if name == set_name:
                right = {"published": published, "author": author, "title": title}
                yield MarkedMetadata(
                    page=pages[key[:KEY]],
                    right={
                        field: () if value == "?" else tuple(value.split("|"))
                        for field, value in right.items()
                    },
                )


def is_right(field: str, found: str, marked: MarkedMetadata) -> bool:
    """Return whether what was found is one of those marked."""
    right = marked.right[field]
    if not found:
        return "-" in right
    if field == "published":
        return found in right
    letters = letters_of(found)
    if field == "author":
        return any(letters_of(name) in letters for name in right if name != "-")
    return letters in {letters_of(title) for title in _titles(right, marked.page)}


def _titles(right: Sequence[str], page: sets.MarkedPage) -> Iterator[str]:
    root = parse_html(sets.decoded(page.body))
    assert root is not None
    for title in right:
        if title.startswith("h1:"):
            yield text_of(list(root.iter("h1"))[int(title[3:]) - 1])
        elif title == "og":
            yield root.xpath("//meta[@property='og:title']/@content")[0]
        else:
            yield title


def read_ours(page: sets.MarkedPage) -> dict[str, str]:
    try:
        document = extract(
            Page(
                url=page.url,
                final_url=page.url,
                media_type="text/html",
                charset=None,
                body=page.body,
                fetched_at=datetime.now(UTC),
                fetcher="file",
                robots="",
            )
        )
    except ExtractError:
        return dict.fromkeys(FIELDS, "")
    day = document.published.isoformat() if document.published else ""
    return {"title": document.title, "published": day, "author": document.author}


def read_trafilatura(page: sets.MarkedPage) -> dict[str, str]:
    from trafilatura import extract_metadata

    found = extract_metadata(sets.decoded(page.body), default_url=page.url)
    return {
        "title": found.title or "",
        "published": found.date or "",
        "author": found.author or "",
    }


def measure(set_name: str, *, show_wrong: bool) -> dict[str, float]:
    """Print the figures of a set and return ours."""
    marked = list(marked_pages(set_name))
    ours: dict[str, float] = {}
    for name, read in (("ours", read_ours), ("trafilatura", read_trafilatura)):
        results = [read(each.page) for each in marked]
        for field in FIELDS:
            told = [
                (is_right(field, found[field], each), found[field], each)
                for found, each in zip(results, marked, strict=True)
                if each.right[field]
            ]
            share, *halves = (
                sum(right for right, *_ in part) / max(len(part), 1)
                for part in (told, told[::2], told[1::2])
            )
            print(
                f"{set_name:7}{name:13}{field:11}{share:6.3f} of {len(told):3}"
                f"   {halves[0]:.3f} {halves[1]:.3f}"
            )
            if name == "ours":
                ours[field] = share
                for right, value, each in told if show_wrong else ():
                    if not right:
                        print(f"    {each.page.name[:KEY]} {value!r} for {each.right[field]}")
    return ours


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--floor", action="store_true", help="exit 1 if a figure is below its own")
    parser.add_argument("--set", action="append", choices=[*SETS], help="repeatable; default: all")
    parser.add_argument("--wrong", action="store_true", help="show what is wrong")
    arguments = parser.parse_args()
    if not (DATA / "pages").is_dir():
        print(f"metadata: skipped, {DATA / 'pages'} is missing")
        return 0
    print(f"{'':31}{'right':>6}{'':10}halves")
    fallen = []
    for name in arguments.set or SETS:
        ours = measure(name, show_wrong=arguments.wrong)
        fallen += [f"{name} {f}" for f in FIELDS if ours[f] < FLOORS[name][f]]
    if fallen:
        print(f"below its floor: {', '.join(fallen)}")
    return int(bool(fallen) and arguments.floor)


if __name__ == "__main__":
    sys.exit(main())
