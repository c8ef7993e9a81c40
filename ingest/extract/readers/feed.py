"""RSS and Atom feeds as a list of entries in Markdown."""

import re

from lxml import etree

from ingest.extract.base import SNIFFED_BYTES, UNKNOWN_TYPES, XML_TYPES, FileReader, is_binary
from ingest.extract.dom import parse_html
from ingest.extract.markdown import render_markdown
from ingest.text.encodings import decode

MAX_ENTRIES = 200
_FEED_MARK = re.compile(rb"<(?:rss|feed|rdf:RDF)\b")
_ENTRIES = ("item", "entry")
_SUMMARIES = ("encoded", "content", "description", "summary")
"""The longest form first: content:encoded, Atom's content, RSS's description, Atom's summary."""
_DATES = ("pubDate", "published", "updated")


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
        root = etree.fromstring(decode(body, claimed=charset).encode(), parser)
    except etree.XMLSyntaxError:
        return ""
    if root is None:
        return ""
    entries = [each for each in root.iter(etree.Element) if _local_name(each) in _ENTRIES]
    channel = next((each for each in root if _local_name(each) == "channel"), root)
    head = [f"# {title}"] if (title := _child_text(channel, "title")) else []
    return "\n\n".join([*head, *map(_render_entry, entries[:MAX_ENTRIES])])


def _render_entry(entry: etree._Element) -> str:
    """Return the title, the day and the summary of an entry as Markdown."""
    day = next(filter(None, (_child_text(entry, name) for name in _DATES)), "")
    summary = next(filter(None, (_child_text(entry, name) for name in _SUMMARIES)), "")
    if (
        "<" in summary and (root := parse_html(summary)) is not None
    ):  # summaries may be escaped HTML
        summary = render_markdown(root.find("body"))
    lines = [f"## {_child_text(entry, 'title')}", day, summary]
    return "\n\n".join(line for line in lines if line.strip("# "))


def _child_text(parent: etree._Element, name: str) -> str:
    found = next((child for child in parent if _local_name(child) == name), None)
    return "" if found is None else "".join(found.itertext()).strip()


def _local_name(element: etree._Element) -> str:
    """Return the tag without its namespace, "" for comments and processing instructions."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


FEED = FileReader(suffixes=(), media_types=XML_TYPES, fits=fits_feed, read=read_feed)
"""Without suffixes: a feed on disk is nobody's document, and .xml may be anything."""
