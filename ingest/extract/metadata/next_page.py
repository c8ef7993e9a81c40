"""Finds where the text of a page goes on: the next part of an article in several.

`rel=next` alone does not say it: blogs put it on the article that was written next, and lists on
older entries. The address does: it is that of this page with the next number in it.
"""

import re
from urllib.parse import parse_qsl, urlsplit

from lxml import etree

from ingest.errors import FetchError
from ingest.web.urls import canonical_url, resolve_reference

MAX_LINKS = 2000  # of a page that are looked at
MAX_NUMBER = 100  # parts of an article; larger numbers name another one
_LABELS = frozenset({"下一页", "下一頁", "下页", "next page", "next", "weiter", "nächste seite"})
_PARAMETERS = frozenset({"page", "p", "pg", "pn", "paged", "pagenum", "seite", "part"})
_NUMBERED = re.compile(
    r"(?P<stem>.*?)(?P<sign>[_-]|/(?:page[-/])?|/seite[-/])(?P<number>\d{1,3})(?P<end>/?|\.\w{3,5})"
)


def find_next_page(root: etree._Element, url: str, *, around: str) -> str:
    """Return the canonical URL of the next part of the page at `url`, "" if it has none.

    `around` is the address that those in the page are relative to.
    """
    for count, link in enumerate(root.iter("link", "a")):
        if count >= MAX_LINKS:
            break
        rel, text = link.get("rel"), link.text
        is_next = rel is not None and "next" in rel.lower().split()
        # The label stands in the link itself: looking into all links would cost more than it finds.
        is_labelled = text is not None and text.strip(" >»›\n\t").lower() in _LABELS
        href = link.get("href") if is_next or is_labelled else None
        if not href:
            continue
        try:
            found = canonical_url(resolve_reference(around, href.strip()))
        except FetchError:
            continue
        if is_next_part(found, of=url):
            return found
    return ""


def is_next_part(url: str, *, of: str) -> bool:
    """Return whether `url` is the address `of` a page with the next number in it."""
    new, old = urlsplit(url), urlsplit(of)
    if new.netloc != old.netloc:
        return False
    if new.path == old.path:
        queries = [dict(parse_qsl(each.query, keep_blank_values=True)) for each in (new, old)]
        names = [name for name in queries[0] if name.lower() in _PARAMETERS]
        if len(names) != 1:
            return False
        number, before = (query.pop(names[0], "") for query in queries)
        return queries[0] == queries[1] and _follows(number, before)
    found = _NUMBERED.fullmatch(new.path)
    if found is None or new.query != old.query:
        return False
    # The first part has no number, or the one before.
    known = _NUMBERED.fullmatch(old.path)
    if known is not None and (known["stem"], known["sign"]) == (found["stem"], found["sign"]):
        return known["end"] == found["end"] and _follows(found["number"], known["number"])
    firsts = {found["stem"] + found["end"], found["stem"], f"{found['stem']}/"}
    # The second part of public notices in Chinese is _1.
    return old.path in firsts and (
        _follows(found["number"], "") or (found["sign"], found["number"]) == ("_", "1")
    )


def _follows(number: str, before: str) -> bool:
    if not (number.isdecimal() and (before.isdecimal() or not before)):
        return False
    return int(number) == int(before or 1) + 1 <= MAX_NUMBER
