"""Metadata of a page: title, author, dates, language, address, robots directives.

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
from ingest.extract.dates import parse_day, parse_day_in_path
from ingest.extract.dom import letters_of, text_of
from ingest.foundation.about import PRODUCT
from ingest.web.urls import canonical_url, host_of, resolve_reference

MAX_TITLE = 200  # characters
MIN_HEADING = 12  # bytes; a single <h1> that is shorter may be the name of the site
MAX_AUTHOR = 60  # characters; more is a sentence about the author
MAX_AUTHORS = 5  # names; papers of physicists have hundreds
MAX_LINE = 80  # characters of an element that holds a name or a day and no more
MAX_CANDIDATES = 20  # elements of one kind that are looked at; the right one comes early
MAX_LABELLED = 400  # characters of an element in which a labelled day is looked for
MAX_AFTER_LABEL = 25  # characters behind the label
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
"""Names of the <meta> elements that speak to us: to all robots, or to ours alone."""
_DAY_LABEL = re.compile(
    r"(?:发布|发表|發布|發佈|发文|成文|公布|更新)(?:时间|日期|時間|于)|published(?:\s(?:on|at))?\b",
    re.I,
)
_LABELLED = "//body//*[text()[contains(., '发布') or contains(., '发表') or contains(., '發') or \
contains(., '发文') or contains(., '成文') or contains(., '公布')]]"
_OTHER_DAYS = re.compile(
    r"copyright|footer|basic-?info|timeline|related|recommend|sidebar|comment|hot-?(?:news|list)",
    re.I,
)
"""Classes and ids of what has days of its own: the site's, events', other pages', readers'."""
_DAY_XPATHS = (
    "//*[@itemprop='datePublished']",
    "//time[@pubdate]",
    "(//article|//main|//header)//time[@datetime]",
    "//time[@datetime]",
    "//*[contains(@class, 'date') or contains(@class, 'time') or contains(@class, 'publish')"
    " or contains(@class, 'info') or contains(@class, 'meta')]",
    "//*[contains(@id, 'date') or contains(@id, 'time') or contains(@id, 'publish')]",
)
_AUTHOR_XPATHS = (
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
# Between the title and the name of the site. A hyphen only between blanks: "Wi-Fi" is one word.
# An underscore only beside an ideograph or a blank: pg_stat_statements is one word.
_TITLE_SEPARATOR = re.compile(
    r"\s+[|–—·»«•-]\s+|\s*[|｜]\s*|\s+_\s+|(?<=[^\x00-\x7f])\s?_\s?|\s?_\s?(?=[^\x00-\x7f])"
)
# Chinese sites put "--社会--人民网" or "-新华网" behind a title, without blanks.
_CHINESE_SITE = re.compile(
    r"(?:-{1,2}[^-_\s]{1,8}){0,2}-{1,2}[^-_\s]{1,10}(?:网|網|在线|新闻|日报|晚报|频道|论坛|博客|百科)$"
)
# Google's directive for a page that is outdated after a day. The day may hold commas, which also
# separate directives: "unavailable_after: Monday, 3 May 2027, noindex".
_UNAVAILABLE_AFTER = re.compile(r"unavailable_after\s?:([^,]*(?:,\s*\d[^,]*)*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a page declares about itself; "" or None where it declares nothing that can be true."""

    title: str
    headlines: tuple[str, ...]
    """Every version of the title that the page has, the most trusted first."""
    author: str
    """Several are joined by ", "."""
    published: date | None
    modified: date | None
    language: str
    """As declared, e.g. "zh-CN"."""
    canonical: str
    """`canonical_url` of what the page declares to be its address, on the same site."""
    directives: tuple[str, ...]
    """Lower case, e.g. ("noindex", "noai")."""
    body: str
    """The text that the JSON-LD carries, plain or HTML."""


def read_metadata(root: etree._Element, *, url: str, now: datetime) -> Metadata:
    """Return what the page at `url` declares about itself. Days after `now` are not believed."""
    page = _Declarations(root)
    headlines = tuple(filter(None, map(one_line, page.headlines())))
    published = _first_possible_day(page.publication_days(url), now)
    modified = _first_possible_day(page.days("dateModified", _MODIFIED), now)
    return Metadata(
        title=page.title(headlines),
        headlines=headlines,
        author=page.author(),
        published=published,
        modified=modified if modified and (not published or modified >= published) else None,
        language=page.language(),
        canonical=_canonical_address(root, url),
        directives=page.directives(now),
        body=page.body(),
    )


def one_line(text: str) -> str:
    """Return `text` on one line of at most `MAX_TITLE` characters."""
    # Cut before it is split, too: a megabyte of blanks is not worth splitting.
    return " ".join(text[: 10 * MAX_TITLE].split())[:MAX_TITLE].strip()


class _Declarations:
    """What a page declares, by its <meta> elements, its JSON-LD and its markup."""

    def __init__(self, root: etree._Element) -> None:
        self._root = root
        self._articles = jsonld.articles(jsonld.parse_jsonld(root))
        self._meta: dict[str, list[str]] = {}  # contents by name, property or itemprop, lower case
        for element in root.iter("meta"):
            content = (element.get("content") or "").strip()
            for attribute in ("name", "property", "itemprop", "http-equiv"):
                if content and (name := (element.get(attribute) or "").strip().lower()):
                    self._meta.setdefault(name, []).append(content)

    def headlines(self) -> Iterator[str]:
        """Yield the versions of the title, the most trusted first."""
        for article in self._articles[:1]:
            yield jsonld.text_property(article.get("headline") or article.get("name"))
        yield from self._meta.get("og:title", [])[:1]
        yield from (text_of(title) for title in self._root.iterfind("head/title"))
        yield from self._headings("h1")

    def title(self, headlines: tuple[str, ...]) -> str:
        """Return the heading that the page's own title contains, else that without the site."""
        headings = list(self._headings("h1"))
        declared = [line for line in headlines if line not in headings]
        if not declared or (
            len(headings) == 1
            and len(headings[0].encode()) >= MIN_HEADING
            and not _is_logo(headings[0], declared[0])
        ):
            return next(iter(headings or self._headings("h2")), "")
        whole = letters_of(declared[0])
        for heading in headings:
            letters = letters_of(heading)
            # At least half of it: the name of the site, an <h1> on some pages, is in it, too.
            if 2 * len(letters) >= len(whole) and letters in whole:
                return heading
        # The name of the site stands at the title's end, or is known.
        title, site = declared[0], one_line(self._meta.get("og:site_name", [""])[0])
        title = _CHINESE_SITE.sub("", title) or title
        parts = [part for part in _TITLE_SEPARATOR.split(title) if part]
        if len(parts) < 2:
            return title
        if letters_of(parts[0]) == letters_of(site):
            return title[title.index(parts[1]) :]
        # "Results 2023 - 2024" ends with a year, which is nobody's name.
        is_short = len(parts[-1]) * 2 < len(title) and not parts[-1].isdigit()
        if letters_of(parts[-1]) == letters_of(site) or is_short:
            return title[: [*_TITLE_SEPARATOR.finditer(title)][-1].start()].rstrip()
        return title

    def publication_days(self, url: str) -> Iterator[date | None]:
        """Yield the days that may be that of publication, the most trusted first."""
        yield from self.days("datePublished", _PUBLISHED)
        yield from self._labelled_days()
        for xpath in _DAY_XPATHS:
            for element in self._root.xpath(xpath)[:MAX_CANDIDATES]:
                if _is_about_others(element):
                    continue
                yield parse_day(element.get("datetime") or element.get("content") or "")
                text = one_line(text_of(element))
                yield parse_day(text) if len(text) <= MAX_LINE else None
        yield parse_day_in_path(url)

    def _labelled_days(self) -> Iterator[date | None]:
        """Yield the days that a line calls the page's own: 发布时间：2024-03-05."""
        for element in self._root.xpath(_LABELLED)[:MAX_CANDIDATES]:
            text = text_of(element)[:MAX_LABELLED]
            if (label := _DAY_LABEL.search(text)) is None or _is_about_others(element):
                continue
            yield parse_day(text[label.end() : label.end() + MAX_AFTER_LABEL])
            # In a table the day stands in the next cell.
            if (cell := element.getnext()) is not None and not text[label.end() :].strip(" :："):
                yield parse_day(one_line(text_of(cell))[:MAX_LINE])

    def days(self, key: str, names: Iterable[str]) -> Iterator[date | None]:
        """Yield the days under a key of the JSON-LD, then those in <meta> of these names."""
        for article in self._articles:
            yield parse_day(jsonld.text_property(article.get(key)))
        for name in names:
            for content in self._meta.get(name, []):
                yield parse_day(content[:MAX_LINE])

    def author(self) -> str:
        """Return the names of the first source that names anybody."""
        sources = [jsonld.name_properties(article.get("author")) for article in self._articles]
        sources += [self._meta.get(name, []) for name in _AUTHORS]
        for found in sources:
            if names := _join_names(found):
                return names
        for xpath in _AUTHOR_XPATHS:
            # The first element alone: further down the page, comments have authors as well.
            if names := _join_names(text_of(element) for element in self._root.xpath(xpath)[:1]):
                return names
        return ""

    def language(self) -> str:
        """Return the first language declared, e.g. "zh-CN"."""
        declared = [
            self._root.get("lang") or self._root.get("xml:lang") or "",
            *(jsonld.text_property(article.get("inLanguage")) for article in self._articles),
            *self._meta.get("content-language", []),
            *self._meta.get("og:locale", []),
        ]
        return next(filter(None, declared), "")

    def directives(self, now: datetime) -> tuple[str, ...]:
        """Return the directives to all robots and to ours. A page past its day gets "noindex"."""
        found: list[str] = []
        for content in (text for name in _ROBOTS for text in self._meta.get(name, [])):
            if expiry := _UNAVAILABLE_AFTER.search(content):
                day = parse_day(expiry[1])
                found += ["noindex"] if day and day < now.date() else []
                content = content.replace(expiry[0], "")
            found += (directive.strip().lower() for directive in re.split(r"[,;\s]+", content))
        return tuple(dict.fromkeys(filter(None, found)))

    def body(self) -> str:
        """Return the longest text in the JSON-LD."""
        texts = (
            jsonld.text_property(article.get("articleBody"))
            or jsonld.text_property(article.get("text"))
            for article in self._articles
        )
        return max(texts, key=len, default="")

    def _headings(self, tag: str) -> Iterator[str]:
        for _, element in zip(range(MAX_CANDIDATES), self._root.iter(tag), strict=False):
            if line := one_line(text_of(element)):
                yield line


def _is_logo(heading: str, title: str) -> bool:
    """Return whether a heading has the site's name from the end of a title, and not its start."""
    letters = letters_of(heading)
    parts = [each for part in _TITLE_SEPARATOR.split(title) if (each := letters_of(part))]
    if len(parts) < 2 or letters in letters_of(title):
        return False
    return parts[-1] in letters and parts[0] not in letters


def _first_possible_day(days: Iterable[date | None], now: datetime) -> date | None:
    newest = now.date() + timedelta(days=1)  # somewhere it is tomorrow already
    return next((day for day in days if day and OLDEST_PAGE <= day <= newest), None)


def _is_about_others(element: etree._Element) -> bool:
    """Return whether days in `element` are those of the site, of events, or of other pages."""
    for place in (element, *element.iterancestors()):
        names = f"{place.get('class', '')} {place.get('id', '')}"[:MAX_LABELLED]
        if place.tag in ("footer", "aside") or (
            place.tag not in ("html", "body") and _OTHER_DAYS.search(names)
        ):
            return True
    return False


def _join_names(found: Iterable[str]) -> str:
    """Return what of `found` can be names of people, each once."""
    names = (_BYLINE.sub("", one_line(name)).strip(" ,;，；") for name in found)
    real = (name for name in names if 0 < len(name) <= MAX_AUTHOR and not _NO_NAME.search(name))
    return ", ".join(list(dict.fromkeys(real))[:MAX_AUTHORS])


def _canonical_address(root: etree._Element, url: str) -> str:
    """Return the address in <link rel=canonical>, "" if it is another site's or the front page."""
    for link in root.iterfind("head/link[@href]"):
        if "canonical" not in (link.get("rel") or "").lower().split():
            continue
        try:
            found = canonical_url(resolve_reference(url, link.get("href").strip()))
        except FetchError:
            return ""
        # Templates that forget to fill it in name the front page on every page (RFC 6596 says that
        # a canonical link must lead to the same content).
        if found.count("/") == 3 and found.endswith("/") and url.count("/") > 3:
            return ""
        if host_of(found) == host_of(url):
            return found
        from tld import get_fld  # noqa: PLC0415  40 ms, and seldom needed

        # With the private part of the public suffix list: two users of github.io are two sites.
        sites = [get_fld(each, fail_silently=True, search_private=True) for each in (found, url)]
        return found if sites[0] is not None and sites[0] == sites[1] else ""
    return ""
