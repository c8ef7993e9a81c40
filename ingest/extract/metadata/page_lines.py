"""The lines of a page as a reader sees them, and which of them may be its headline.

Where a page declares nothing, a reader looks beside the headline for who wrote it and when. Dates
elsewhere are those of other pages, of comments, or of what the text tells about.
"""

import functools
import itertools
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from lxml import etree

from ingest.extract.dom import BLOCKS, HEADINGS, LINE_BREAKS, UNSEEN, letters_of

MAX_EVENTS = 40_000  # beginnings and ends of elements that are looked at; a long page has 10,000
MAX_BEFORE = 4  # lines before a headline
MAX_AFTER = 12  # lines behind it; portals put share buttons between headline and day
MAX_LEADS = 1  # paragraphs behind the headline; where the text begins, these lines end
MAX_LINE = 120  # characters of a line that says who and when; a longer one is the text
MAX_HEADLINE = 240  # characters that are kept of a line
MAX_NAMES = 200  # characters of a class and an id that are looked at

_TITLE_NAME = re.compile(r"title|headline|subject|topic|(?:sku|goods)-name", re.IGNORECASE)
_OTHERS = re.compile(
    r"copyright|footer|basic-?info|timeline|related|recommend|sidebar|comment|hot-?(?:news|list)",
    re.I,
)
"""Classes and ids of what has days of its own: the site's, events', other pages', readers'."""
_OTHER_TAGS = frozenset({"footer", "aside", "blockquote"})
_LINE_ENDS = BLOCKS | LINE_BREAKS
_SKIPPED = UNSEEN | {"nav", "footer"}


@dataclass(slots=True, kw_only=True)
class PageLines:
    """The lines of a page, in order."""

    lines: list[str] = field(default_factory=lambda: [""])
    own: list[bool] = field(default_factory=lambda: [True])
    """For each whether it stands outside what has days and authors of its own."""
    plain: list[bool] = field(default_factory=lambda: [False])
    """For each whether a part of it is no link."""
    headlines: list[tuple[str, int, int]] = field(default_factory=list)
    """Tag, first line and line behind of what may be the headline."""

    def headline_texts(self) -> list[str]:
        """Return the texts of what may be the headline, in order."""
        return [" ".join(self.lines[start:end]) for _, start, end in self.headlines]

    def beside(self, titles: Collection[str]) -> list[int]:
        """Return the numbers of the lines right behind each headline, then of those before.

        `titles` are `letters_of` what the page may be called: an element with one of these is a
        headline. Where none has, the first <h1> counts. Lines of others are left out.
        """
        named = [
            each
            for each, text in zip(self.headlines, self.headline_texts(), strict=True)
            if letters_of(text) in titles
        ]
        headings = [each for each in named or self.headlines if each[0] == "h1"]
        found: dict[int, None] = {}
        for _, start, end in (headings if named else headings[:1]) or named:
            # "two-sidebars" may be the class of what holds the whole page, the headline included.
            around = [*range(end, min(end + MAX_AFTER, len(self.lines)))]
            around = [at for at in around if self.own[at] or not self.own[start]]
            leads = [at for at in around if len(self.lines[at]) > MAX_LINE]
            if len(leads) > MAX_LEADS:
                around = around[: around.index(leads[MAX_LEADS])]
            before = range(max(0, start - MAX_BEFORE), start)
            found.update(dict.fromkeys([*around, *(at for at in before if self.own[at])]))
        return [number for number in found if letters_of(self.lines[number])]


def read_page_lines(root: etree._Element) -> PageLines:
    """Return the lines of a parsed page."""
    page = PageLines()
    lines, is_own_line = page.lines, page.own
    opened: list[int] = []  # the first lines of the headlines that are open
    marks: list[tuple[bool, bool]] = []  # of the open elements: a headline? of others?
    others = links = 0
    walk = etree.iterwalk(root.find("body"), events=("start", "end"))
    for event, element in itertools.islice(walk, MAX_EVENTS):
        tag, is_start = element.tag, event == "start"
        if is_start:
            if tag in _SKIPPED or not isinstance(tag, str):
                walk.skip_subtree()
                marks.append((False, False))  # its end comes as well
                continue
            names = f"{element.get('class', '')[:MAX_NAMES]} {element.get('id', '')[:MAX_NAMES]}"
            named_title, named_others = _judge_names(names) if len(names) > 1 else (False, False)
            is_title = (named_title and tag != "a") or tag in HEADINGS
            is_other = (named_others and tag not in ("html", "body")) or tag in _OTHER_TAGS
            marks.append((is_title, is_other))
        else:
            is_title, is_other = marks.pop()
        if lines[-1] and (is_title or tag in _LINE_ENDS):
            lines.append("")
            is_own_line.append(not others)
            page.plain.append(False)
        if is_start:
            others += is_other
            links += tag == "a"
            if is_title:
                opened.append(len(lines) - 1)
        elif tag not in _SKIPPED:
            others -= is_other
            links -= tag == "a"
            if is_title and opened and (start := opened.pop()) < len(lines) - 1:
                page.headlines.append((tag, start, len(lines) - 1))
        piece = element.text if is_start else element.tail
        if piece and len(lines[-1]) <= MAX_LINE and (bare := " ".join(piece.split())):
            # As it begins: "By Ada, 3 May" may go on with a link of the class "comments-link".
            is_own_line[-1] = is_own_line[-1] if lines[-1] else not others
            lines[-1] = f"{lines[-1]} {bare}".strip()[:MAX_HEADLINE]
            page.plain[-1] |= not links
    return page


@functools.lru_cache(maxsize=4096)
def _judge_names(names: str) -> tuple[bool, bool]:
    """Return whether a class or an id calls something a title, and something of others'."""
    return _TITLE_NAME.search(names) is not None, _OTHERS.search(names) is not None


def is_about_others(element: etree._Element) -> bool:
    """Return whether days and names in `element` are those of the site, or of other pages."""
    for place in (element, *element.iterancestors()):
        names = f"{place.get('class', '')[:MAX_NAMES]} {place.get('id', '')[:MAX_NAMES]}"
        if place.tag in _OTHER_TAGS or (
            place.tag not in ("html", "body") and _judge_names(names)[1]
        ):
            return True
    return False
