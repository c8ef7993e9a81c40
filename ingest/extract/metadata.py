"""What a page says about itself: title, author, dates, language, address, wishes.

Sources in the order of trust: JSON-LD, <meta>, microdata, names of classes. A page may lie or
carry another page's data, so days must be possible and addresses on the same site.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from lxml import etree

from ingest.errors import FetchError
from ingest.extract import jsonld
from ingest.extract.dates import day_in, day_in_path
from ingest.extract.dom import key_of, text_of
from ingest.foundation.about import PRODUCT
from ingest.web.urls import canonical_url, host_of, resolve

MAX_TITLE = 200  # characters
A_TITLE = 12  # bytes; a single <h1> that is shorter may be the name of the site
MAX_AUTHOR = 60
MAX_AUTHORS = 5
MAX_LINE = 80  # characters of an element that holds a name or a day and no more
MAX_LOOKED_AT = 20  # elements of one kind; the right one comes early
OLDEST_PAGE = date(1990, 1, 1)  # the first page of the web

_PUBLISHED = (
    "article:published_time", "og:published_time", "datepublished", "parsely-pub-date", "pubdate",
    "publishdate", "publish_date", "publish-date", "publication_date", "dc.date.issued",
    "dcterms.issued", "dc.date", "dcterms.date", "dcterms.created", "dc.date.created",
    "sailthru.date", "citation_publication_date", "og:release_date", "article:create_at", "date",
)  # fmt: skip
_MODIFIED = (
    "article:modified_time", "og:updated_time", "datemodified", "dcterms.modified",
    "dc.date.modified", "lastmod", "last-modified", "article:update_at", "revised",
)  # fmt: skip
_AUTHORS = (
    "author", "article:author", "parsely-author", "sailthru.author", "dc.creator",
    "dcterms.creator", "citation_author", "byl",
)  # fmt: skip
_ROBOTS = ("robots", PRODUCT)
_DAY_PLACES = (
    "//*[@itemprop='datePublished']",
    "//time[@pubdate]",
    "(//article|//main|//header)//time[@datetime]",
    "//time[@datetime]",
    "//*[contains(@class, 'date') or contains(@class, 'time') or contains(@class, 'publish')"
    " or contains(@class, 'info') or contains(@class, 'meta')]",
    "//*[contains(@id, 'date') or contains(@id, 'time') or contains(@id, 'publish')]",
)
_AUTHOR_PLACES = (
    "//*[@itemprop='author']//*[@itemprop='name']",
    "//*[@itemprop='author']",
    "//*[@rel='author']",
    "//*[contains(@class, 'author-name') or contains(@class, 'authorName')]",
    "//*[@class='author' or @id='author' or @class='byline']",
)
_BYLINE = re.compile(
    r"^(?:(?:by|von|par|por|di)\s|(?:作者|记者|撰文|文)\s?[:：/｜|]\s?)", re.IGNORECASE
)
_NO_NAME = re.compile(
    r"https?:|www\.|@|\d{3}|^(?:admin|administrator|author|unknown|none|null|佚名|未知)$",
    re.IGNORECASE,
)
_BETWEEN_NAMES = re.compile(r"\s+[|–—·»«•-]\s+|\s*[|_｜]\s*")
_EXPIRY = re.compile(r"unavailable_after\s?:([^,]*(?:,\s*\d[^,]*)*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a page says about itself; "" or None where it says nothing that can be true."""

    title: str
    headlines: tuple[str, ...]
    """Every wording of the title that the page has."""
    author: str
    """Several are joined by ", "."""
    published: date | None
    modified: date | None
    language: str
    """As declared, e.g. "zh-CN"."""
    canonical: str
    """`canonical_url` of what the page calls its own address, on the same site."""
    directives: tuple[str, ...]
    """Lower case, e.g. ("noindex", "noai")."""
    body: str
    """The text that the JSON-LD carries, plain or HTML."""


def read_metadata(root: etree._Element, *, url: str, now: datetime) -> Metadata:
    """Return what the page at `url` says about itself. Days after `now` are not believed."""
    texts = jsonld.articles(jsonld.things(root))
    meta = _meta(root)
    headlines = tuple(filter(None, map(one_line, _headlines(root, meta, texts))))
    published = _first_day(_published(root, meta, texts, url), now)
    modified = _first_day(_named(meta, texts, "dateModified", _MODIFIED), now)
    return Metadata(
        title=_title(root, meta, headlines),
        headlines=headlines,
        author=_author(root, meta, texts),
        published=published,
        modified=modified if modified and (not published or modified >= published) else None,
        language=_language(root, meta, texts),
        canonical=_canonical(root, url),
        directives=_directives(meta, now),
        body=max(map(_body, texts), key=len, default=""),
    )


def one_line(text: str) -> str:
    """Return `text` on one line of at most `MAX_TITLE` characters."""
    return " ".join(text[: 10 * MAX_TITLE].split())[:MAX_TITLE].strip()


def _meta(root: etree._Element) -> dict[str, list[str]]:
    """Return the contents of the <meta> elements by name, property or itemprop, in lower case."""
    found: dict[str, list[str]] = {}
    for element in root.iter("meta"):
        content = (element.get("content") or "").strip()
        for attribute in ("name", "property", "itemprop", "http-equiv"):
            if content and (name := (element.get(attribute) or "").strip().lower()):
                found.setdefault(name, []).append(content)
    return found


def _body(thing: jsonld.Thing) -> str:
    return jsonld.text(thing.get("articleBody")) or jsonld.text(thing.get("text"))


def _first(root: etree._Element, *tags: str) -> Iterator[str]:
    for _, element in zip(range(MAX_LOOKED_AT), root.iter(*tags), strict=False):
        if line := one_line(text_of(element)):
            yield line


# ---------------------------------------------------------------- title


def _headlines(
    root: etree._Element, meta: dict[str, list[str]], texts: list[jsonld.Thing]
) -> Iterator[str]:
    """Yield the wordings of the title, the most trusted first."""
    yield from (jsonld.text(thing.get("headline") or thing.get("name")) for thing in texts[:1])
    yield from meta.get("og:title", [])[:1]
    yield from (text_of(title) for title in root.iterfind("head/title"))
    yield from _first(root, "h1")


def _title(root: etree._Element, meta: dict[str, list[str]], headlines: tuple[str, ...]) -> str:
    """Return the heading that the page's own title contains, else that title without the site."""
    headings = list(_first(root, "h1"))
    named = [line for line in headlines if line not in headings]
    if not named or (len(headings) == 1 and len(headings[0].encode()) >= A_TITLE):
        return next(iter(headings or _first(root, "h2")), "")
    for heading in headings:
        if 2 * len(key_of(heading)) >= len(key_of(named[0])) and key_of(heading) in key_of(
            named[0]
        ):
            return heading
    return _without_site(named[0], one_line(meta.get("og:site_name", [""])[0]))


def _without_site(title: str, site: str) -> str:
    """Return `title` without the name of the site, which stands at its end or is known."""
    parts = [part for part in _BETWEEN_NAMES.split(title) if part]
    if len(parts) < 2:
        return title
    if key_of(parts[0]) == key_of(site):
        return title[title.index(parts[1]) :]
    if key_of(parts[-1]) == key_of(site) or len(parts[-1]) * 2 < len(title):
        return title[: title.rindex(parts[-1])].rstrip(" |–—·»«•-_｜")
    return title


# ---------------------------------------------------------------- days


def _published(
    root: etree._Element, meta: dict[str, list[str]], texts: list[jsonld.Thing], url: str
) -> Iterator[date | None]:
    yield from _named(meta, texts, "datePublished", _PUBLISHED)
    for place in _DAY_PLACES:
        for element in root.xpath(place)[:MAX_LOOKED_AT]:
            yield day_in(element.get("datetime") or element.get("content") or "")
            text = one_line(text_of(element))
            yield day_in(text) if len(text) <= MAX_LINE else None
    yield day_in_path(url)


def _named(
    meta: dict[str, list[str]], texts: list[jsonld.Thing], key: str, names: Iterable[str]
) -> Iterator[date | None]:
    for thing in texts:
        yield day_in(jsonld.text(thing.get(key)))
    for name in names:
        for content in meta.get(name, []):
            yield day_in(content[:MAX_LINE])


def _first_day(days: Iterable[date | None], now: datetime) -> date | None:
    newest = now.date() + timedelta(days=1)  # somewhere it is tomorrow already
    return next((day for day in days if day and OLDEST_PAGE <= day <= newest), None)


# ---------------------------------------------------------------- author


def _author(root: etree._Element, meta: dict[str, list[str]], texts: list[jsonld.Thing]) -> str:
    """Return the names of the first source that names anybody."""
    sources = [jsonld.names(thing.get("author")) for thing in texts]
    sources += [meta.get(name, []) for name in _AUTHORS]
    for found in sources:
        if names := _people(found):
            return names
    for place in _AUTHOR_PLACES:
        if names := _people(text_of(element) for element in root.xpath(place)[:1]):
            return names
    return ""


def _people(found: Iterable[str]) -> str:
    names = (_BYLINE.sub("", one_line(name)).strip(" ,;，；") for name in found)
    real = (name for name in names if 0 < len(name) <= MAX_AUTHOR and not _NO_NAME.search(name))
    return ", ".join(list(dict.fromkeys(real))[:MAX_AUTHORS])


# ---------------------------------------------------------------- language, address, wishes


def _language(root: etree._Element, meta: dict[str, list[str]], texts: list[jsonld.Thing]) -> str:
    declared = [
        root.get("lang") or root.get("xml:lang") or "",
        *(jsonld.text(thing.get("inLanguage")) for thing in texts),
        *meta.get("content-language", []),
        *meta.get("og:locale", []),
    ]
    return next(filter(None, declared), "")


def _canonical(root: etree._Element, url: str) -> str:
    """Return the address in <link rel=canonical>, "" if it is another site's or the front page."""
    for link in root.iterfind("head/link[@href]"):
        if "canonical" not in (link.get("rel") or "").lower().split():
            continue
        try:
            found = canonical_url(resolve(url, link.get("href").strip()))
            is_front = found.count("/") == 3 and found.endswith("/") and url.count("/") > 3
            return found if _is_same_site(found, url) and not is_front else ""
        except FetchError:
            return ""
    return ""


def _is_same_site(one: str, other: str) -> bool:
    if host_of(one) == host_of(other):
        return True
    from tld import get_fld  # noqa: PLC0415  40 ms, and seldom asked

    sites = [get_fld(url, fail_silently=True, search_private=True) for url in (one, other)]
    return sites[0] is not None and sites[0] == sites[1]


def _directives(meta: dict[str, list[str]], now: datetime) -> tuple[str, ...]:
    """Return what the page asks of robots, and of ours by name. A page past its day: "noindex"."""
    wishes: list[str] = []
    for content in (text for name in _ROBOTS for text in meta.get(name, [])):
        if expiry := _EXPIRY.search(content):
            day = day_in(expiry[1])
            wishes += ["noindex"] if day and day < now.date() else []
            content = content.replace(expiry[0], "")
        wishes += (wish.strip().lower() for wish in re.split(r"[,;\s]+", content))
    return tuple(dict.fromkeys(filter(None, wishes)))
