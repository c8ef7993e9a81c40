"""RSS and Atom feeds as a list of entries in Markdown."""

from lxml import etree

from ingest.extract.dom import parse
from ingest.extract.markdown import markdown

MAX_ENTRIES = 200
_ENTRIES = ("item", "entry")
_SUMMARIES = ("encoded", "content", "description", "summary")
"""The longest form first: content:encoded, Atom's content, RSS's description, Atom's summary."""


def feed(source: str) -> str:
    """Return the title of a feed and its entries, "" if it cannot be read. No network, no DTD."""
    parser = etree.XMLParser(
        encoding="utf-8",  # whatever it declares: `source` has been decoded
        recover=True,
        no_network=True,
        resolve_entities=False,
        huge_tree=False,
    )
    try:
        root = etree.fromstring(source.encode(), parser)
    except etree.XMLSyntaxError:
        return ""
    if root is None:
        return ""
    entries = [each for each in root.iter(etree.Element) if _name(each) in _ENTRIES][:MAX_ENTRIES]
    channel = next((each for each in root if _name(each) == "channel"), root)
    head = [f"# {title}"] if (title := _child(channel, "title")) else []
    return "\n\n".join([*head, *map(_entry, entries)])


def _entry(entry: etree._Element) -> str:
    day = next(
        filter(None, (_child(entry, name) for name in ("pubDate", "published", "updated"))), ""
    )
    summary = next(filter(None, (_child(entry, name) for name in _SUMMARIES)), "")
    lines = [f"## {_child(entry, 'title')}", day, _plain(summary)]
    return "\n\n".join(line for line in lines if line.strip("# "))


def _child(parent: etree._Element, name: str) -> str:
    found = next((child for child in parent if _name(child) == name), None)
    return "" if found is None else "".join(found.itertext()).strip()


def _plain(summary: str) -> str:
    """Return a summary, which may be HTML, as Markdown."""
    root = parse(summary) if "<" in summary else None
    return summary if root is None else markdown(root.find("body"))


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""
