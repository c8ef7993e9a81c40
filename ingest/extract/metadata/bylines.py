"""Names of authors, as pages declare them and as their bylines say them."""

import re
from collections.abc import Iterable, Sequence

from ingest.extract.metadata.dates import holds_day, parse_day

MAX_AUTHOR = 60  # characters; more is a sentence about the author
MAX_AUTHORS = 5  # names; papers of physicists have hundreds
MAX_LINE = 120  # characters of a line with a byline

_BYLINE = re.compile(
    r"^(?:(?:by|von|par|por|di)\s|(?:作者|记者|撰文|文)\s?[:：/｜|]\s?)", re.IGNORECASE
)
_REPORT = re.compile(
    r"^(?:本[报報]|[实實][习習])?[记記]者\s?[:：]?\s?|\s?[／/].{0,12}(?:[报報][导導道]|[综綜]合)$"
)
"""What Taiwanese and Chinese papers put around a name: 記者 林大同／台北報導."""
_NO_NAME = re.compile(
    r"https?:|www\.|@|\d{3}|^(?:admin|administrator|author|publisher|unknown|none|null|佚名|未知)$",
    re.IGNORECASE,
)
_NAME = r"(?:[A-ZÀ-Þ][\w.'’-]*\.?|van|von|de|der|da|del|bin|al|la|le)"
_LATIN_LABEL = re.compile(
    r"^(?:(?:ein\s)?(?:artikel|beitrag|text|story|words|posted|written|reported)\s)?(?:by|par|por|di|autor(?:in)?|author|(?:ein\sartikel\s)?von|written\sby|posted\sby)"
    r"\s?:?\s(?=[A-ZÀ-Þ])",
    re.IGNORECASE,
)
_BEHIND_DAY = re.compile(r"(?:^|[\s,])(?:by|par|por|di|von)\s(?=[A-ZÀ-Þ])")
"""In a line with a day: "Veröffentlicht am 6. Juli 2015 von Mark Hosak"."""
_WORDS_OF_NAME = re.compile(rf"{_NAME}(?:\s{_NAME}){{0,4}}")
_CHINESE = re.compile(
    r"(?:作者|撰文|文字|记者|記者)\s?[:：｜|/]\s?(?P<name>[\u3400-\u9fff·A-Za-z]{2,20}(?:[\s、，,]+[\u3400-\u9fff·]{2,4}(?![\u3400-\u9fff]))*)"
)
_BEFORE_DAY = re.compile(
    r"^(?:原创\s?)?(?![^\s]{0,6}(?:[于於]|时间|日期|時間)\s)(?P<name>[\u3400-\u9fff·A-Za-z]{2,15})(?:\s?/\s?[\u3400-\u9fff]{2,12})?\s+(?=20\d\d[-年])"
)
"""Toutiao, The Paper: "石佳/中国青年报 2019-09-24 09:10"."""


def join_names(found: Iterable[str]) -> str:
    """Return what of `found` can be names of people, each once, joined by ", "."""
    lines = (" ".join(name[: 10 * MAX_LINE].split()) for name in found)
    names = (_REPORT.sub("", _BYLINE.sub("", line)).strip(" ,;，；") for line in lines)
    real = (
        name
        for name in names
        if len(name) <= MAX_AUTHOR and any(map(str.isalpha, name)) and not _NO_NAME.search(name)
    )
    return ", ".join(list(dict.fromkeys(real))[:MAX_AUTHORS])


def name_in_byline(lines: Sequence[str]) -> str:
    """Return the name in the first of `lines` that is a byline, "" if none is.

    A line that begins a sentence ("By Tuesday the quay …") holds more than a name and a day.
    """
    for line in lines:
        if len(line) > MAX_LINE:
            continue
        if (match := _CHINESE.search(line)) or (match := _BEFORE_DAY.match(line)):
            return join_names([match["name"]])
        label = _LATIN_LABEL.match(line)
        if label is None and holds_day(line):
            label = _BEHIND_DAY.search(line)
        if label is not None:
            name = _WORDS_OF_NAME.match(line, label.end())
            if name is None:
                continue
            behind = line[name.end() :].strip(" ,|·•–—-")
            if not behind or parse_day(behind) or not behind[0].islower():
                return join_names([name[0]])
    return ""
