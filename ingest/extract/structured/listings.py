"""Lists of other pages: front pages, notices of an authority, results of a search.

The text of such a page are the titles that it links, with their days and teasers. Boilerplate
removal takes links for menus, and keeps the teasers alone, or nothing.
"""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from ingest.extract.blocks.page_chrome import is_page_chrome, is_sentence
from ingest.extract.dom import collapse_spaces, letters_of, text_of
from ingest.extract.markdown import render_markdown
from ingest.extract.metadata.dates import parse_day

MIN_ENTRIES = 6
MIN_TITLE = 18  # bytes of letters of a linked title: six ideographs; menus have shorter links
MAX_ENTRY = 1500  # characters of an entry; a longer one is an article
MAX_LEVELS = 6  # elements between a linked title and its entry
MAX_DAY = 40  # characters of what says when, beside a title
MIN_INSIDE = 0.6  # share of the letters of the main text that the list must hold
_MARK = re.compile(r"^\s*(?:#{1,6}|[-*]|\d{1,3}\.)\s+")
_SHORT_DAY = re.compile(r"(?<!\d)\d{1,2}[-/月]\d{1,2}日?(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The entries of a list of pages, in order, each as Markdown."""

    entries: tuple[str, ...]

    @property
    def text(self) -> str:
        """All entries: a list where each is a line, else paragraphs."""
        if any("\n" in entry for entry in self.entries):
            return "\n\n".join(self.entries)
        return "\n".join(f"- {entry}" for entry in self.entries)

    def holds(self, text: str) -> bool:
        """Return whether `text`, or most of it, is part of this list."""
        letters = letters_of(self.text)
        lines = [letters_of(line) for line in text.split("\n")]
        inside = sum(len(line) for line in lines if line in letters)
        return inside >= MIN_INSIDE * sum(map(len, lines))


def read_listing(root: etree._Element) -> Listing | None:
    """Return the greatest list of linked titles with a day or a teaser each, None without one."""
    groups: dict[tuple[etree._Element, str, str], list[str]] = defaultdict(list)
    everything = list(root.iter())  # lxml's proxies compare by identity: they must stay alive
    alike = Counter((each.getparent(), each.tag, each.get("class", "")) for each in everything)
    for link in root.iter("a"):
        if not (link.get("href") and len(letters_of(text_of(link)).encode()) >= MIN_TITLE):
            continue
        entry = _entry_around(link, alike)
        parent = None if entry is None else entry.getparent()
        if entry is not None and parent is not None:
            key = (parent, entry.tag, entry.get("class", ""))
            if text := _render_listed(entry, link):
                groups[key].append(text)
    best = max(groups.values(), key=lambda texts: sum(map(len, texts)), default=[])
    return Listing(entries=tuple(dict.fromkeys(best))) if len(set(best)) >= MIN_ENTRIES else None


def _entry_around(
    link: etree._Element, alike: Mapping[tuple[etree._Element, str, str], int]
) -> etree._Element | None:
    """Return the innermost element around a linked title that has siblings of its kind."""
    for place in itertools.islice(link.iterancestors(), MAX_LEVELS):
        if place.tag == "body" or is_page_chrome(place):
            return None
        if alike[place.getparent(), place.tag, place.get("class", "")] >= MIN_ENTRIES:
            return place
    return None


def _render_listed(entry: etree._Element, link: etree._Element) -> str:
    """Return an entry with a day or a teaser; "" if it is a link alone, as menus have."""
    title = " ".join(collapse_spaces(text_of(link)).split())
    if len(text_of(entry)) > MAX_ENTRY:
        return ""
    lines = [_MARK.sub("", line) for line in render_markdown(entry).split("\n")]
    others = [line.replace(title, "").strip(" |·-—") for line in lines]
    others = [line for line in others if letters_of(line)]
    rest = [
        line
        for line in others
        if _names_day(line) or len(letters_of(line).encode()) >= 2 * MIN_TITLE
    ]
    if not rest:
        return ""
    # Beside a day a short sentence is a teaser as well.
    rest = [line for line in others if line in rest or is_sentence(line)]
    is_line = len(rest) == 1 and len(rest[0]) <= MAX_DAY and _names_day(rest[0])
    return f"{title} {rest[0]}" if is_line else "\n\n".join([f"## {title}", *rest])


def _names_day(text: str) -> bool:
    is_short = len(text) <= MAX_DAY
    return is_short and (parse_day(text) is not None or _SHORT_DAY.search(text) is not None)
