"""Metadata of a page: title, author, dates, language, address, robots directives.

Sources in the order of trust: JSON-LD, <meta>, microdata, names of classes. A page may lie or
carry another page's data, so days must be possible and addresses on the same site.
"""

import functools
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from lxml import etree

from ingest.errors import FetchError
from ingest.extract.dom import letters_of, text_of
from ingest.extract.metadata import jsonld
from ingest.extract.metadata.bylines import join_names, name_in_byline
from ingest.extract.metadata.dates import parse_day
from ingest.extract.metadata.next_page import find_next_page
from ingest.extract.metadata.page_days import PageDays
from ingest.extract.metadata.page_lines import PageLines, is_about_others, read_page_lines
from ingest.extract.metadata.page_title import TITLE_SEPARATOR, choose_title
from ingest.foundation.about import PRODUCT
from ingest.web.fetch.headers import split_directives
from ingest.web.urls import canonical_url, host_of, resolve_reference

MAX_TITLE = 200  # characters
MAX_CANDIDATES = 20  # elements of one kind that are looked at; the right one comes early
OLDEST_PAGE = date(1990, 1, 1)  # the first page of the web

_AUTHORS = (
    "author", "article:author", "parsely-author", "sailthru.author", "dc.creator",
    "dcterms.creator", "citation_author", "byl",
)  # fmt: skip
_ROBOTS = ("robots", PRODUCT)
"""Names of the <meta> elements that speak to us: to all robots, or to ours alone."""
_SAME_SITE = re.compile(r"^(?:www|m|mobile|amp)\.")
"""Names of hosts that show the pages of the same site, to all or to those with small screens."""
_DOMAIN_LABELS = 2  # at the end of a host, which all hosts of one site share at least
# "uthor", for Zhihu's class is "AuthorInfo-name".
_find_author_places = etree.XPath(
    "//*[@itemprop='author' or @rel='author' or contains(@class, 'uthor') or @id='author'"
    " or @class='byline']"
    " | //article//header//a[contains(@href, '/author/')]"
)
_AUTHOR_SIGNS: tuple[Callable[[etree._Element], bool], ...] = (
    lambda place: place.get("itemprop") == "author",
    lambda place: place.get("rel") == "author",
    lambda place: any(
        name in place.get("class", "") for name in ("author-name", "authorName", "AuthorInfo-name")
    ),
    lambda place: "author" in (place.get("class"), place.get("id")),
    lambda place: place.get("class") == "byline",
    lambda place: "/author/" in place.get("href", ""),
)
"""What says that an element names the author, the most trusted first."""
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
    next_page: str
    """Canonical URL of the next part of its text, "" if it has none."""
    body: str
    """The text that the JSON-LD carries, plain or HTML."""


def read_metadata(
    root: etree._Element, *, url: str, now: datetime, data: Sequence[Any]
) -> Metadata:
    """Return what the page at `url` declares about itself. Days after `now` are not believed.

    `data` are the values of its JSON-LD (`jsonld.load_jsonld`).
    """
    page = _Declarations(root, data)
    headlines = tuple(filter(None, map(one_line, page.headlines())))
    days = page.days()
    published = _first_possible_day(days.published(url), now)
    modified = _first_possible_day(days.modified(), now)
    return Metadata(
        title=page.title(),
        headlines=headlines,
        author=page.author(),
        published=published,
        modified=modified if modified and (not published or modified >= published) else None,
        language=page.language(),
        canonical=_canonical_address(root, url),
        directives=page.directives(now),
        next_page=find_next_page(root, url, around=_base_address(root, url)),
        body=page.body(),
    )


def one_line(text: str) -> str:
    """Return `text` on one line of at most `MAX_TITLE` characters."""
    # Cut before it is split, too: a megabyte of blanks is not worth splitting.
    return " ".join(text[: 10 * MAX_TITLE].split())[:MAX_TITLE].strip()


class _Declarations:
    """What a page declares, by its <meta> elements, its JSON-LD and its markup."""

    def __init__(self, root: etree._Element, data: Sequence[Any]) -> None:
        self._root, self._data = root, data
        everything = jsonld.every_object(data)
        self._articles = jsonld.articles(everything)
        self._names = {
            each["@id"]: name
            for each in everything
            if isinstance(each.get("@id"), str) and (name := jsonld.text_property(each.get("name")))
        }
        self._meta: dict[str, list[str]] = {}  # contents by name, property or itemprop, lower case
        for element in root.iter("meta"):
            content = (element.get("content") or "").strip()
            for attribute in ("name", "property", "itemprop", "http-equiv"):
                if content and (name := (element.get(attribute) or "").strip().lower()):
                    self._meta.setdefault(name, []).append(content)

    @functools.cached_property
    def _lines(self) -> PageLines:
        # Only when first asked for: pages that declare all of it need no second look.
        return read_page_lines(self._root)

    @functools.cached_property
    def _beside(self) -> list[int]:
        """The numbers of the lines beside the headline."""
        return self._lines.beside({letters_of(each) for each in (*self.headlines(), self.title())})

    def headlines(self) -> Iterator[str]:
        """Yield the versions of the title, the most trusted first."""
        yield from self._declared_titles()
        yield from self._headings("h1")

    def _declared_titles(self) -> Iterator[str]:
        for article in self._articles[:1]:
            yield jsonld.text_property(article.get("headline") or article.get("name"))
        yield from self._meta.get("citation_title", [])[:1]  # of a paper, without its number
        yield from self._meta.get("og:title", [])[:1]
        yield from (text_of(title) for title in self._root.iterfind("head/title"))

    def title(self) -> str:
        """Return the title without the name of the site, "" if there is none."""
        declared = [one_line(line) for line in self._declared_titles()]
        return choose_title(
            list(filter(None, declared)),
            list(self._headings("h1")),
            lambda: [one_line(text) for text in self._lines.headline_texts()],
            site=self._site,
            inner=list(dict.fromkeys(self._inner_headings())),
        )

    def days(self) -> PageDays:
        """Return the days of the page."""
        return PageDays(
            self._root,
            articles=self._articles,
            objects=jsonld.page_objects(self._data),
            meta=self._meta,
            language=self.language(),
            lines=lambda: self._lines,
            beside=lambda: self._beside,
            titles=list(self._declared_titles()),
        )

    def author(self) -> str:
        """Return the names of the first source that names anybody but the site."""
        sources: list[Iterable[str]] = [
            jsonld.name_properties(article.get("author"), names=self._names)
            for article in self._articles
        ]
        sources += [self._meta.get(name, []) for name in _AUTHORS]
        found = [names for source in sources if (names := join_names(source))]
        titles = (TITLE_SEPARATOR.split(title) for title in self._declared_titles())
        ends = {letters_of(parts[-1]) for parts in titles if len(parts) > 1}
        persons = [
            names
            for names in found
            # A site declares itself for want of a person.
            if (letters := letters_of(names)) != letters_of(self._site)
            and not any(letters and letters in end for end in ends)
        ]
        if persons:
            return persons[0]
        if name := name_in_byline([self._lines.lines[number] for number in self._beside]):
            return name
        for element in self._author_places():
            # Zhihu writes <meta itemprop="name" content="…">.
            name = element.get("content") or text_of(element)
            both = [each for each in element.itersiblings("a") if each.get("rel") == "author"]
            names_found = [name, *map(text_of, both)] if element.get("rel") == "author" else [name]
            if not is_about_others(element) and (names := join_names(names_found)):
                return names
        return next(iter(found), "")

    def _author_places(self) -> Iterator[etree._Element]:
        """Yield the elements that name the author, the most trusted first.

        Of each kind the first alone: further down the page, comments have authors as well.
        """
        # One walk over the page: each of the signs would be one of its own.
        places = _find_author_places(self._root)
        named = [place for place in places if _AUTHOR_SIGNS[0](place)]
        names = (name for place in named for name in place.iterfind(".//*[@itemprop='name']"))
        yield from itertools.islice(names, 1)
        for is_author in _AUTHOR_SIGNS:
            yield from itertools.islice(filter(is_author, places), 1)

    @property
    def _site(self) -> str:
        return one_line(self._meta.get("og:site_name", [""])[0])

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
            found += split_directives(content)
        return tuple(dict.fromkeys(found))

    def body(self) -> str:
        """Return the longest text in the JSON-LD."""
        texts = (
            jsonld.text_property(article.get("articleBody"))
            or jsonld.text_property(article.get("text"))
            for article in self._articles
        )
        return max(texts, key=len, default="")

    def _inner_headings(self) -> Iterator[str]:
        """Yield the headings of the first rank in the element that holds the page's text."""
        for _, element in zip(range(MAX_CANDIDATES), self._root.iter("h1"), strict=False):
            # Whether tag, role or id say that the text of the page is in `element`.
            if any(
                around.tag in ("main", "article")
                or around.get("role") == "main"
                or around.get("id") in ("main", "content", "main-content")
                for around in element.iterancestors()
            ):
                yield one_line(text_of(element))

    def _headings(self, tag: str) -> Iterator[str]:
        for _, element in zip(range(MAX_CANDIDATES), self._root.iter(tag), strict=False):
            if line := one_line(text_of(element)):
                yield line


def _first_possible_day(days: Iterable[date | None], now: datetime) -> date | None:
    newest = now.date() + timedelta(days=1)  # somewhere it is tomorrow already
    return next((day for day in days if day and OLDEST_PAGE <= day <= newest), None)


def _base_address(root: etree._Element, url: str) -> str:
    """Return the address that those of a page are relative to: its own, or that of its <base>."""
    base = root.find(".//base[@href]")
    try:
        return url if base is None else resolve_reference(url, base.get("href").strip())
    except FetchError:
        return url


def _canonical_address(root: etree._Element, url: str) -> str:
    """Return the address in <link rel=canonical>, "" if it is another site's or the front page."""
    around = _base_address(root, url)
    for link in root.iterfind("head/link[@href]"):
        if "canonical" not in (link.get("rel") or "").lower().split():
            continue
        try:
            found = canonical_url(resolve_reference(around, link.get("href").strip()))
        except FetchError:
            return ""
        # Templates that forget to fill it in name the front page on every page (RFC 6596 says that
        # a canonical link must lead to the same content).
        if found.count("/") == 3 and found.endswith("/") and url.count("/") > 3:
            return ""
        hosts = [_SAME_SITE.sub("", host_of(each)) for each in (found, url)]
        if hosts[0] == hosts[1]:
            return found
        if len({".".join(host.split(".")[-_DOMAIN_LABELS:]) for host in hosts}) > 1:
            return ""
        from tld import get_fld  # noqa: PLC0415  150 ms, and seldom needed

        # With the private part of the public suffix list: two users of github.io are two sites.
        sites = [get_fld(each, fail_silently=True, search_private=True) for each in (found, url)]
        return found if sites[0] is not None and sites[0] == sites[1] else ""
    return ""
