"""RSS, Atom and JSON feeds, and sitemaps, as a list of entries in Markdown."""

import html
import json
import re
from typing import Any
from urllib.parse import urljoin

from lxml import etree

from ingest.extract.base import SNIFFED_BYTES, UNKNOWN_TYPES, XML_TYPES, FileReader, is_binary
from ingest.extract.dom import parse_html
from ingest.extract.formats.zip_parts import names_damage
from ingest.extract.markdown import render_markdown
from ingest.text.encodings import decode

MAX_ENTRIES = 200
DAY = len("2026-11-28")
_JSON_TYPES = ("application/feed+json", "application/json")
_FEED_MARK = re.compile(rb"<(?:rss|feed|rdf:RDF|urlset|sitemapindex)\b")
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,30});")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_ENTRIES = ("item", "entry", "url", "sitemap")
_SUMMARIES = ("encoded", "content", "description", "summary")
"""The longest form first: content:encoded, Atom's content, RSS's description, Atom's summary."""
_SCHEMES = ("http://", "https://")
_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_DATES = ("pubDate", "published", "date", "updated", "lastmod")


def fits_feed(media_type: str, body: bytes) -> bool:
    """Return whether a body sent under this media type is a feed."""
    if is_binary(body) or media_type not in UNKNOWN_TYPES.union(XML_TYPES):
        return False
    return _FEED_MARK.search(body[:SNIFFED_BYTES]) is not None


def read_feed(body: bytes, charset: str | None) -> str:
    """Return the title of a feed and its entries, "" if it cannot be parsed."""
    # The feed is untrusted: no network, no DTD, and entities stay unexpanded, since a few nested
    # ones unfold to gigabytes ("billion laughs").
    parser = etree.XMLParser(
        encoding="utf-8",  # whatever it declares: the source has been decoded
        recover=True,
        no_network=True,
        resolve_entities=False,
        huge_tree=False,
    )
    try:
        source = _ENTITY.sub(_named_character, decode(body, claimed=charset))
        root = etree.fromstring(source.encode(), parser)
    except etree.XMLSyntaxError:
        return ""
    if root is None:
        return ""
    entries = [each for each in root.iter(etree.Element) if _local_name(each) in _ENTRIES]
    channel = next((each for each in root if _local_name(each) == "channel"), root)
    title = " ".join(_child_markdown(channel, "title").split())
    head = [f"# {title}"] if title else []
    return "\n\n".join([*head, *map(_render_entry, entries[:MAX_ENTRIES])])


def _named_character(entity: re.Match[str]) -> str:
    """Return what an entity of HTML stands for: feeds use them, and XML does not know them."""
    name = entity[1]
    return entity[0] if name in _XML_ENTITIES else html.unescape(entity[0])


def _render_entry(entry: etree._Element) -> str:
    """Return the title, the day, the summary and the address of an entry as Markdown."""
    day = next(filter(None, (_child_text(entry, name) for name in _DATES)), "")
    summary = next(filter(None, (_child_markdown(entry, name) for name in _SUMMARIES)), "")
    title = " ".join(_child_markdown(entry, "title").split())
    lines = [f"## {title}", day, summary, _link_of(entry)]
    return "\n\n".join(line for line in lines if line.strip("# "))


def _link_of(entry: etree._Element) -> str:
    """Return the address of the page that an entry is about, "" if it names none."""
    for child in entry:
        # Atom has several, of which those to the entry's page carry no rel, or this one.
        if _local_name(child) == "link" and child.get("rel", "alternate") == "alternate":
            address = _absolute(entry, (child.get("href") or child.text or "").strip())
            if address:
                return address
    guid = _child_text(entry, "guid") or _child_text(entry, "loc")
    return guid if guid.startswith(_SCHEMES) else ""


def _absolute(entry: etree._Element, address: str) -> str:
    """Return an address of a feed in full, "" if nothing says what it is relative to (xml:base)."""
    for place in (entry, *entry.iterancestors()):
        if address.startswith(_SCHEMES) or not address:
            break
        # A feed names the address of its site: in RSS as a text, in Atom as an attribute.
        links = [child for child in place if _local_name(child) == "link" and place is not entry]
        sites = ((link.get("href") or link.text or "").strip() for link in links)
        base = place.get(_XML_BASE) or next(
            (each for each in sites if each.startswith(_SCHEMES)), ""
        )
        address = urljoin(base, address)
    return address if address.startswith(_SCHEMES) else ""


def _child(parent: etree._Element, name: str) -> etree._Element | None:
    return next((child for child in parent if _local_name(child) == name), None)


def _child_text(parent: etree._Element, name: str) -> str:
    found = _child(parent, name)
    return "" if found is None else "".join(found.itertext()).strip()


def _child_markdown(parent: etree._Element, name: str) -> str:
    """Return what a child says, which may be HTML: escaped, in CDATA, or as elements (Atom)."""
    found = _child(parent, name)
    if found is None:
        return ""
    text = "".join(found.itertext()).strip()
    if len(found):  # type="xhtml"
        for element in found.iter(etree.Element):
            element.tag = _local_name(element)  # a namespace would hide the tags from the writer
        return render_markdown(found)
    if "<" in text and (root := parse_html(text)) is not None:
        return render_markdown(root.find("body"))
    # Titles are escaped twice by many: "Quay &amp;#8211; reopened".
    return html.unescape(text) if "&" in text else text


def _local_name(element: etree._Element) -> str:
    """Return the tag without its namespace, "" for comments and processing instructions."""
    if not isinstance(element.tag, str):
        return ""
    # A prefix that is not declared stays in the name: "content:encoded".
    return str(element.tag.rpartition("}")[2].rpartition(":")[2])


FEED = FileReader(
    suffixes=(), media_types=XML_TYPES, fits=fits_feed, read=read_feed, lists_pages=True
)
"""Without suffixes: a feed on disk is no person's document, and .xml may be anything."""


def fits_json_feed(media_type: str, body: bytes) -> bool:
    """Return whether a body sent under this media type is a JSON feed, by its first field."""
    is_json = media_type in _JSON_TYPES or media_type in UNKNOWN_TYPES
    return is_json and b"jsonfeed.org" in body[:SNIFFED_BYTES]


@names_damage
def read_json_feed(body: bytes, charset: str | None) -> str:
    """Return the title of a feed (https://www.jsonfeed.org/version/1.1/) and its entries."""
    feed = json.loads(decode(body, claimed=charset))
    title = _json_string(feed, "title")
    items = feed.get("items")
    entries = [each for each in items if isinstance(each, dict)] if isinstance(items, list) else []
    head = [f"# {title}"] if title else []
    return "\n\n".join([*head, *map(_render_json_entry, entries[:MAX_ENTRIES])])


def _render_json_entry(entry: dict[str, Any]) -> str:
    markup = parse_html(_json_string(entry, "content_html"))
    content = "" if markup is None else render_markdown(markup.find("body"))
    title = " ".join(_json_string(entry, "title").split())
    address = _json_string(entry, "url") or _json_string(entry, "external_url")
    lines = [
        f"## {html.unescape(title)}",
        _json_string(entry, "date_published")[:DAY],
        content or _json_string(entry, "content_text") or _json_string(entry, "summary"),
        address,
    ]
    return "\n\n".join(line for line in lines if line.strip("# "))


def _json_string(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


JSON_FEED = FileReader(
    suffixes=(),
    media_types=_JSON_TYPES[:1],
    fits=fits_json_feed,
    read=read_json_feed,
    lists_pages=True,
)
