"""The days on which a page appeared and was changed.

Only what says that it is the page's day is believed: what the page declares, a label (发布时间：),
the lines beside its headline, an element whose class calls it the date and of which there is one.
Days in the text, in lists of other pages and in comments are those of something else.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime

from lxml import etree

from ingest.extract.dom import text_of
from ingest.extract.metadata import jsonld
from ingest.extract.metadata.dates import parse_day, parse_day_in_path, parse_short_day
from ingest.extract.metadata.jsonld import JsonObject
from ingest.extract.metadata.page_lines import PageLines, is_about_others

MAX_LINE = 80  # characters of an element that holds a day and no more
MAX_DATELINE = 40  # characters at the start of a paragraph: "Hamburg, 2 December 2022 – …"
MAX_PLACE = 3  # words before the day of a dateline
MAX_CANDIDATES = 20  # elements of one kind that are looked at; the right one comes early
MAX_AFTER_LABEL = 40  # characters behind the label
MAX_SCRIPT = 500_000  # characters of scripts in which a day is looked for

_PUBLISHED = (
    "article:published_time", "og:published_time", "datepublished", "parsely-pub-date", "pubdate",
    "publishdate", "publish_date", "publish-date", "publication_date", "publicationdate",
    "pub_date", "pubtime", "og:pubdate", "apub:time", "dc.date.issued", "dcterms.issued", "dc.date",
    "dcterms.date", "dcterms.created", "dc.date.created", "sailthru.date",
    "citation_publication_date", "og:release_date", "article:create_at", "bytedance:published_time",
    "date",
)  # fmt: skip
_MODIFIED = (
    "article:modified_time", "og:updated_time", "datemodified", "dcterms.modified",
    "dc.date.modified", "lastmod", "last-modified", "article:update_at", "revised",
    "bytedance:updated_time",
)  # fmt: skip
_PUBLISHED_LABEL = re.compile(
    r"(?:发布|发表|發布|發佈|公布|刊发|刊登|发稿)(?:时间|日期|時間|于|於)"
    r"|(?:时间|日期)(?=\s?[:：].{0,60}(?:作者|来源|来自|阅读|浏览|点击|编辑|责编))"
    r"|\b(?:published|posted)(?:\s(?:on|at|by\s.{1,40}\son))?\b"
    r"|(?:veröffentlicht|erschienen|erstellt)(?:\sam)?\b|\b(?:publié|mis\sen\sligne)(?:e?\s(?:le|sur))?\b"
    r"|\b(?:publicado|pubblicato|gepubliceerd|dodano|opublikowano|publicerad|yayınlanma)\b(?:\s(?:el|em|il|op))?",
    re.I,
)
_SIGNED_LABEL = re.compile(r"(?:成文|发文|印发|發文)(?:时间|日期|時間|于|於)")
"""When an authority signed what it published later: the next best, where that is not said."""
_MODIFIED_LABEL = re.compile(
    r"(?:更新|修改|最后编辑)(?:时间|日期|時間|于|於)|\b(?:last\s)?(?:updated|modified)(?:\s(?:on|at))?\b"
    r"|\b(?:aktualisiert|zuletzt\sgeändert|stand)(?:\sam)?\b|mis\sà\sjour(?:\sle)?\b|\bactualizado\b",
    re.I,
)
_EVENTS = re.compile(
    r"release|\bstart\b|\bende?\b|deadline|born|geb\.|截止|活动|会议|考试|报名|举办|开播|上映|出生|有效期",
    re.I,
)
"""What a day beside a headline may be instead of the page's."""
_OTHER_LABEL = re.compile(
    r"(?:建站|成立|通车|活动|会议|考试|报名|举办|开播|上映|出生|截止|开标|备案|注册|有效)(?:时间|日期|期|[于：:])"
    r"|\b(?:launched|founded|established|since)\b",
    re.IGNORECASE,
)
"""What is said to be another day, in an element whose class calls it a date."""
_SENTENCE_END = re.compile(r"\w{3,}[.!?。！？]$")
_DIGIT = re.compile(r"\d")
_DAY_XPATHS = tuple(
    map(
        etree.XPath,
        (
            "//*[@itemprop='datePublished']",
            "//time[@pubdate]",
            "(//article|//main|//header)//time[@datetime]",
            "//time[@datetime]",
            "//*[@class][contains(@class, 'date') or contains(@class, 'time')"
            " or contains(@class, 'publish') or contains(@class, 'info')"
            " or contains(@class, 'meta')"
            # "3 weeks ago", with the day in its title: GitHub, Discourse, V2EX.
            " or (@title and (contains(@class, 'ago') or contains(@class, 'relative')))]",
            "//*[@id][contains(@id, 'date') or contains(@id, 'time') or contains(@id, 'publish')]",
        ),
    )
)
_SURE = 2  # of them say what they are: several of these may stand on one page
_IN_SCRIPT = re.compile(
    r"[\"'\s](?:publish_?(?:time|date|ed)?|pub_?(?:time|date)|post_?(?:time|date)|ct)"
    r"[\"']?\s*[:=]\s*[\"']?((?:19|20)\d\d[-/年]\d{1,2}[-/月]\d{1,2}|1[0-9]{9}\b)",
    re.I,
)
"""Days in the data of scripts; ten digits are seconds since 1970 (WeChat's `var ct`)."""
_TITLE_END = re.compile(r"\|\s*([\d./-]{8,10})\s*$")
_MONTH_FIRST_REGIONS = ("en-us", "en_us", "en-ph")


class PageDays:
    """Finds the days of a parsed page.

    Args:
        root: The page, before anything is removed from it.
        articles: Objects of its JSON-LD that are one text.
        objects: Those that are about the page.
        meta: Contents of <meta> by name, property or itemprop, lower case.
        language: As the page declares it, e.g. "en-GB": says which of 03/04/2024 is the month.
        lines: Returns its lines.
        beside: Returns the numbers of those beside its headline.
        titles: What it declares as its title.
    """

    def __init__(
        self,
        root: etree._Element,
        *,
        articles: Sequence[JsonObject],
        objects: Sequence[JsonObject],
        meta: Mapping[str, Sequence[str]],
        language: str,
        lines: Callable[[], PageLines],
        beside: Callable[[], Sequence[int]],
        titles: Sequence[str],
    ) -> None:
        self._root, self._articles, self._objects, self._meta = root, articles, objects, meta
        self._lines, self._beside, self._titles = lines, beside, titles
        code = language.lower()
        # Nobody but Americans puts the month first; English alone may be either.
        is_american = code.startswith(_MONTH_FIRST_REGIONS)
        is_unknown = not code or code == "en" or code.startswith("zh")
        self._is_day_first = None if is_unknown else not is_american

    def published(self, url: str) -> Iterator[date | None]:
        """Yield the days that may be that of publication, the most trusted first."""
        yield from self._declared("datePublished", _PUBLISHED)
        yield from self._labelled(_PUBLISHED_LABEL)
        yield from self._labelled(_SIGNED_LABEL)
        page = self._lines()
        for number in self._beside():
            line = page.lines[number]
            # A day in a link is that of the page behind it.
            if _EVENTS.search(line) or not page.plain[number]:
                continue
            is_prose = len(line) > MAX_LINE or _SENTENCE_END.search(line)
            if is_prose and len(_DIGIT.split(line, maxsplit=1)[0].split()) > MAX_PLACE:
                continue
            day = self._parse(line[:MAX_DATELINE] if is_prose else line)
            yield day if day is None or not _OTHER_LABEL.search(line) else None
        yield from self._named()
        for each in self._objects:  # a WebPage, of which an article may be a part
            for key in ("datePublished", "dateCreated", "datePosted"):
                yield self._parse(jsonld.text_property(each.get(key)))
        for title in self._titles:
            if match := _TITLE_END.search(title):
                yield self._parse(match[1])
        yield parse_day_in_path(url)
        left = MAX_SCRIPT
        for script in self._root.iter("script"):
            source = (script.text or "")[:left]
            left -= len(source)
            if match := _IN_SCRIPT.search(source):
                is_epoch = match[1].isdigit()
                yield (
                    datetime.fromtimestamp(int(match[1]), UTC).date()
                    if is_epoch
                    else parse_day(match[1])
                )
        yield from self._labelled(_MODIFIED_LABEL)

    def modified(self) -> Iterator[date | None]:
        """Yield the days that may be that of the last change, the most trusted first."""
        yield from self._declared("dateModified", _MODIFIED)
        # A page that declares when it appeared would declare a change, too.
        if not any(self._declared("datePublished", _PUBLISHED)):
            yield from self._labelled(_MODIFIED_LABEL)
            # The days of <time> in a line "Last updated", whose text may be "8 months ago".
            for time in self._root.xpath("//time[@datetime]")[:MAX_CANDIDATES]:
                line = time.getparent()
                line = line.getparent() if line.tag in ("b", "i", "em", "strong", "a") else line
                label = text_of(line)[:MAX_LINE].strip()[:MAX_DATELINE]
                if time.get("itemprop") == "dateModified" or _MODIFIED_LABEL.search(label):
                    yield parse_day(time.get("datetime"))

    def _parse(self, text: str) -> date | None:
        return parse_day(text, is_day_first=self._is_day_first)

    def _declared(self, key: str, names: Iterable[str]) -> Iterator[date | None]:
        for article in self._articles:
            yield self._parse(jsonld.text_property(article.get(key)))
        for name in names:
            for content in self._meta.get(name, []):
                yield self._parse(content[:MAX_LINE])

    def _labelled(self, label: re.Pattern[str]) -> Iterator[date | None]:
        """Yield the days that a line calls the page's own: 发布时间：2024-03-05."""
        page = self._lines()
        lines = page.lines
        for number, line in enumerate(lines):
            found = label.search(line) if page.own[number] else None
            # Behind a label at the line's start, or in a line of its own: not in a sentence.
            if found is None or (found.start() > MAX_DATELINE and len(line) > MAX_LINE):
                continue
            behind = line[found.end() : found.end() + MAX_AFTER_LABEL].strip(" :：")
            yield self._parse(behind) or parse_short_day(behind)
            # In a table the day stands in the next cell.
            if not behind and number + 1 < len(lines):
                yield self._parse(lines[number + 1][:MAX_DATELINE])

    def _named(self) -> Iterator[date | None]:
        """Yield the days in elements whose tag, class or id calls them a date."""
        for number, xpath in enumerate(_DAY_XPATHS):
            days: dict[tuple[str, str], dict[date, None]] = defaultdict(dict)
            for element in xpath(self._root)[:MAX_CANDIDATES]:
                # A day in a link is that of the page behind it.
                if is_about_others(element) or next(element.iterancestors("a"), None) is not None:
                    continue
                text = " ".join(text_of(element)[: 2 * MAX_LINE].split())
                day = parse_day(element.get("datetime") or element.get("content") or "")
                day = day or parse_day(element.get("title", "")[:MAX_LINE])
                if day is None and len(text) <= MAX_LINE and not _OTHER_LABEL.search(text):
                    day = self._parse(text)
                if day is not None:
                    days[element.tag, element.get("class", "")].setdefault(day)
            # One class with several days dates the entries of a list, not the page.
            yield from (
                day for group in days.values() for day in group if len(group) == 1 or number < _SURE
            )
