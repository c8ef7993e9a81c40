"""Sitemaps and feeds: the addresses that a site itself lists.

Sitemaps by https://www.sitemaps.org/protocol.html: an index of sitemaps or a set of URLs, plain or
gzip. Feeds: RSS 0.9x to 2.0, RSS 1.0 and Atom, each entry's link.
"""

import re
import zlib
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from lxml import etree

from ingest.errors import FetchError
from ingest.web.urls import canonical_url, host_of, is_same_or_subdomain, resolve_reference

MAX_BYTES = 52_428_800
"""Bytes of one sitemap, uncompressed: the protocol's 50 MB, which also bounds a gzip bomb."""

MAX_URLS = 50_000
"""Addresses of one sitemap, by the protocol."""

GZIP_TYPES = frozenset({"application/gzip", "application/x-gzip"})

_LIST_NAME = re.compile(
    r"\.(xml|rss|atom|rdf)(\.gz)?$|\.xml\.gz$|/(feed|rss|atom)(\.\w+)?$|sitemap[^/]*$",
    re.IGNORECASE,
)

SiteListKind = Literal["sitemap_index", "sitemap", "feed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteList:
    """What a sitemap or a feed names."""

    kind: SiteListKind
    urls: tuple[str, ...]
    """Canonical, each once. Of an index: further sitemaps."""
    left_out: int = 0
    """Addresses that are none, or of other sites, which a sitemap may not name."""


def may_be_site_list(url: str) -> bool:
    """Return whether the address looks like that of a sitemap or a feed."""
    return _LIST_NAME.search(urlsplit(url).path.rstrip("/")) is not None


def parse_site_list(body: bytes, *, url: str) -> SiteList | None:
    """Return what the sitemap or feed at `url` names, None if the body is neither. Blocks."""
    if body.startswith(b"\x1f\x8b"):
        try:
            # Bounded: a few kilobytes of gzip can unfold to gigabytes.
            body = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(body, MAX_BYTES)
        except zlib.error:
            return None
    # Untrusted: no network, no DTD, and entities stay unexpanded ("billion laughs").
    parser = etree.XMLParser(
        recover=True, no_network=True, resolve_entities=False, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    if root is None:
        return None
    match _local_name(root):
        case "sitemapindex":
            return _sitemap(root, url, "sitemap_index")
        case "urlset":
            return _sitemap(root, url, "sitemap")
        case "rss" | "feed" | "RDF":
            entries = [e for e in root.iter(etree.Element) if _local_name(e) in ("item", "entry")]
            urls, left_out = _canonical([_entry_link(entry) for entry in entries], url)
            return SiteList(kind="feed", urls=tuple(urls[:MAX_URLS]), left_out=left_out)
        case _:
            return None


def _sitemap(root: etree._Element, url: str, kind: SiteListKind) -> SiteList:
    places = [
        (child.text or "").strip()
        for entry in root
        for child in entry
        if _local_name(child) == "loc"
    ]
    # A sitemap speaks for its own site alone: else anybody could send us to anybody's pages.
    site = host_of(url).removeprefix("www.")
    urls, left_out = _canonical(places, url)
    own = [each for each in urls if is_same_or_subdomain(host_of(each), site)][:MAX_URLS]
    return SiteList(kind=kind, urls=tuple(own), left_out=left_out + len(urls) - len(own))


def _entry_link(entry: etree._Element) -> str:
    """Return the link of one entry, "" if it has none."""
    for child in entry:
        # Atom has several links with a relation each; without one it is the entry's own page.
        is_own = _local_name(child) == "link" and child.get("rel", "alternate") == "alternate"
        if is_own and (link := child.get("href") or (child.text or "").strip()):
            return link
    guid = next((child for child in entry if _local_name(child) == "guid"), None)
    is_link = guid is not None and guid.get("isPermaLink", "true") == "true"
    return (guid.text or "").strip() if guid is not None and is_link else ""


def _canonical(places: list[str], base: str) -> tuple[list[str], int]:
    """Return the canonical URLs, each once, and how many `places` are none."""
    urls: dict[str, None] = {}
    bad = 0
    for place in filter(None, places):
        try:
            urls[canonical_url(resolve_reference(base, place))] = None
        except FetchError:
            bad += 1
    return list(urls), bad


def _local_name(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""
