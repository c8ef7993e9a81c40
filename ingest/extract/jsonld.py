"""What a page says about itself in JSON-LD (https://schema.org), read as loosely as it is written.

Pages carry several blocks, arrays, `@graph`, HTML entities, trailing commas and comments. What
cannot be mended is left out; size, depth and number are bounded.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree

MAX_CHARACTERS = 2_000_000  # of all blocks together; the longest seen is 300,000
MAX_THINGS = 500
MAX_DEPTH = 12

_ARTICLES = ("article", "posting", "report", "review", "question", "recipe", "howto")
"""How the types that are one text end, in lower case: NewsArticle, BlogPosting, TechArticle…"""
_FRAME = re.compile(
    r"^\s*(?:<!--|/[*/]\s*<!\[CDATA\[\s*(?:\*/)?|<!\[CDATA\[)|(?:-->|\]\]>)\s*;?\s*$"
)
_SPARE_COMMA = re.compile(r",(\s*[}\]])")

Thing = dict[str, Any]


def things(root: etree._Element) -> list[Thing]:
    """Return every object that the JSON-LD of a page describes, the outer ones first."""
    found: list[Thing] = []
    left = MAX_CHARACTERS
    for script in root.iter("script"):
        source = script.text or ""
        if "ld+json" not in script.get("type", "").lower() or len(source) > left:
            continue
        left -= len(source)
        for thing in _walk(_loaded(source), MAX_DEPTH):
            if len(found) == MAX_THINGS:
                return found
            found.append(thing)
    return found


def articles(found: list[Thing]) -> list[Thing]:
    """Return the things that are a text, in the order of the page."""
    return [thing for thing in found if any(name.endswith(_ARTICLES) for name in _types(thing))]


def text(value: Any) -> str:
    """Return a text property: the first of several, entities resolved, "" if it is none."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict):
        value = value.get("@value") or value.get("name")
    return html.unescape(value).strip() if isinstance(value, str) else ""


def names(value: Any) -> list[str]:
    """Return the names of one or several people or organisations."""
    people = value if isinstance(value, list) else [value]
    return [name for person in people if (name := text(person))]


def _types(thing: Thing) -> list[str]:
    kinds = thing.get("@type")
    listed = kinds if isinstance(kinds, list) else [kinds]
    return [kind.rsplit("/", 1)[-1].lower() for kind in listed if isinstance(kind, str)]


def _loaded(source: str) -> Any:
    """Return the JSON value in `source`, mended if need be, None if there is none."""
    bare = _FRAME.sub("", _FRAME.sub("", source)).strip()
    for attempt in (bare, _SPARE_COMMA.sub(r"\1", bare), html.unescape(bare)):
        try:
            return json.JSONDecoder(strict=False).raw_decode(attempt)[0]
        except (ValueError, RecursionError):
            continue
    return None


def _walk(value: Any, depth: int) -> Iterator[Thing]:
    if depth == 0:
        return
    inner: Iterable[Any] = value if isinstance(value, list) else ()
    if isinstance(value, dict):
        yield value
        inner = value.values()
    for part in inner:
        if isinstance(part, dict | list):
            yield from _walk(part, depth - 1)
