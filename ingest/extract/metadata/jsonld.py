"""The JSON-LD of a page (https://schema.org), parsed as loosely as it is written.

Pages carry several blocks, arrays, `@graph`, HTML entities, trailing commas and comments. What
cannot be repaired is left out; size, depth and number are limited.
"""

import html
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lxml import etree

MAX_CHARACTERS = 2_000_000  # of all blocks together; the longest seen is 300,000
MAX_OBJECTS = 500  # the most on one of 596 pages: 86
MAX_DEPTH = 12  # levels of arrays and objects; the most on one of 596 pages: 7

_ARTICLE_ENDINGS = ("article", "posting", "report", "review", "question", "recipe", "howto")
"""How the types that are one text end, in lower case: NewsArticle, BlogPosting, TechArticle…"""
_COMMENT_FRAME = re.compile(
    r"^\s*(?:<!--|/[*/]\s*<!\[CDATA\[\s*(?:\*/)?|<!\[CDATA\[)|(?:-->|\]\]>)\s*;?\s*$"
)
"""What old templates put around the JSON, so that old browsers would not show it."""
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")

JsonObject = dict[str, Any]


def load_jsonld(root: etree._Element) -> list[Any]:
    """Return the value of each block of JSON-LD, `MAX_CHARACTERS` of source in all."""
    left, values = MAX_CHARACTERS, []
    for script in root.iter("script"):
        source = script.text or ""
        if "ld+json" in script.get("type", "").lower() and len(source) <= left:
            left -= len(source)
            values.append(_load_lenient(source))
    return values


def every_object(values: Iterable[Any]) -> list[JsonObject]:
    """Return every object in the JSON-LD of a page, the outer ones first."""
    everything = (each for value in values for each in _walk_objects(value, MAX_DEPTH))
    return list(itertools.islice(everything, MAX_OBJECTS))


def articles(found: list[JsonObject]) -> list[JsonObject]:
    """Return the objects that are one text, in the order of the page."""
    texts = []
    # Each question of an FAQPage is a part of it.
    is_faq = "faqpage" in page_types(found)
    for each in found:
        kinds = each.get("@type")
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            # It may be a name, or a URL: "https://schema.org/NewsArticle".
            name = kind.lower() if isinstance(kind, str) else ""
            if name.endswith(_ARTICLE_ENDINGS) and not (is_faq and name.endswith("question")):
                texts.append(each)
                break
    return texts


def page_types(root_objects: Iterable[JsonObject]) -> frozenset[str]:
    """Return the types, lower case and without their vocabulary, of these objects."""
    types: set[str] = set()
    for each in root_objects:
        kinds = each.get("@type")
        types.update(
            kind.lower().rstrip("/").rpartition("/")[2]
            for kind in (kinds if isinstance(kinds, list) else [kinds])
            if isinstance(kind, str)
        )
    return frozenset(types)


def page_objects(values: Iterable[Any]) -> list[JsonObject]:
    """Return the objects of the JSON-LD that are about the page: those that are in no other.

    Those of a `@graph` are in none, nor does the `mainEntity` of a page.
    """
    found: list[JsonObject] = []
    for value in values:
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, dict):
                continue
            graph = each.get("@graph")
            for part in graph if isinstance(graph, list) else [each]:
                if isinstance(part, dict):
                    main = part.get("mainEntity")
                    found += [part, main] if isinstance(main, dict) else [part]
    return found[:MAX_OBJECTS]


def as_list(value: Any) -> list[Any]:
    """Return the values of a property that may have none, one or several."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def is_paid(entry: JsonObject) -> bool:
    """Return whether an object says that it, or a part of it, is not free to read."""
    return str(entry.get("isAccessibleForFree", "")).strip().lower() == "false"


def text_property(value: Any) -> str:
    """Return a text property: the first of several, entities resolved, "" if it is none."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict):
        value = value.get("@value") or value.get("name")
    return html.unescape(value).strip() if isinstance(value, str) else ""


def name_properties(value: Any, *, names: Mapping[str, str]) -> list[str]:
    """Return the names of one or several people or organisations.

    `names` are those of objects by their `@id`, for the ones that are only referred to.
    """
    people = value if isinstance(value, list) else [value]
    found = []
    for person in people:
        reference = person.get("@id") if isinstance(person, dict) else None
        known = names.get(reference, "") if isinstance(reference, str) else ""
        if name := text_property(person) or known:
            found.append(name)
    return found


def _load_lenient(source: str) -> Any:
    """Return the JSON value in `source`, repaired if need be, None if there is none."""
    bare = _COMMENT_FRAME.sub("", _COMMENT_FRAME.sub("", source)).strip()
    # As it stands first: repairing valid JSON could change a text that holds ",]" or "&quot;".
    for attempt in (bare, _TRAILING_COMMA.sub(r"\1", bare), html.unescape(bare)):
        try:
            # Not strict: line breaks stand bare in strings. raw_decode ignores what follows the
            # value, often a semicolon.
            return json.JSONDecoder(strict=False).raw_decode(attempt)[0]
        except (ValueError, RecursionError):  # "[[[[…" is deeper than the decoder goes
            continue
    return None


def _walk_objects(value: Any, depth: int) -> Iterator[JsonObject]:
    """Yield `value` and the objects in it, down to `depth` levels."""
    if depth == 0:
        return
    inner: Iterable[Any] = value if isinstance(value, list) else ()
    if isinstance(value, dict):
        yield value
        inner = value.values()
    for part in inner:
        if isinstance(part, dict | list):
            yield from _walk_objects(part, depth - 1)
