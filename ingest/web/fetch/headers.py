"""Parses the response headers Content-Type and X-Robots-Tag."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from ingest.foundation.http_dates import parse_http_date

VALUED = frozenset({"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"})
"""Directives with a value after a colon; any other name before a colon is a bot's."""

PAGE_TYPES = frozenset({"", "text/html", "application/xhtml+xml"})
"""What is a web page: it may lead on by itself, and hold pictures."""

# Not email.message: it reads the parameters of mail (RFC 2231), and some values make it raise.
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?(?P<name>[\w.:+-]+)", re.IGNORECASE | re.ASCII)
_MEDIA_TYPE = re.compile(r"\s*(?P<type>[\w!#$&^.+-]+/[\w!#$&^.+-]+)\s*(?:;|\Z)", re.ASCII)
# Not the comma after the weekday of a date, as in "unavailable_after: Fri, 25 Jun 2010".
_COMMA = re.compile(r"(?<!mon|tue|wed|thu|fri|sat|sun|day)[,;]")
_AFTER_COLON = re.compile(r"\s*:\s*")
_BETWEEN = re.compile(r"[,;\s]+")
_UNTIL = re.compile(r"unavailable_after\s*:\s*(?P<date>.*)", re.IGNORECASE)


def parse_content_type(headers: Mapping[str, str]) -> tuple[str, str | None]:
    """Return media type and charset as the server claims them, both in lower case.

    Of a header that was sent twice the last valid value counts, and a charset that only an
    earlier value of the same type names (https://mimesniff.spec.whatwg.org, 4.2). What is no media
    type ("unknown", "html") is "": the bytes decide.
    """
    media_type, charset = "", None
    for value in headers.get("content-type", "").split(","):
        named = _MEDIA_TYPE.match(value)
        if named is None:
            continue
        found = _CHARSET.search(value)
        kept = charset if named["type"].lower() == media_type else None
        media_type, charset = named["type"].lower(), found["name"].lower() if found else kept
    return media_type, charset


def is_page(headers: Mapping[str, str]) -> bool:
    """Return whether a response calls itself a web page, or does not say what it is."""
    return parse_content_type(headers)[0] in PAGE_TYPES


def parse_robots_directives(values: Sequence[str], *, agent: str, now: datetime) -> tuple[str, ...]:
    """Return the directives of X-Robots-Tag that are for us, in lower case, each once, in order.

    A bot's name before a directive ("otherbot: noindex, nofollow") holds to the end of its header
    or to the next name. `unavailable_after` is "noindex" once its date has come, and nothing
    before. https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag

    Args:
        values: one for each time that the header was sent.
        agent: our User-Agent, whose product token is compared with the names.
        now: aware.
    """
    token = agent.partition("/")[0].strip().lower()
    found: list[str] = []
    for value in values:
        bot = ""
        for entry in _COMMA.split(value.lower()):
            name, colon, directive = entry.partition(":")
            if not colon or name.strip() in VALUED:
                directive = entry  # the colon belongs to the directive, as in max-snippet:50
            else:
                bot = name.strip()
            directive = directive.strip()
            if until := _UNTIL.fullmatch(directive):
                date = parse_http_date(until["date"])
                directive = "noindex" if date is not None and date <= now else ""
            if bot in ("", "*", token):
                found += split_directives(directive)
    return tuple(dict.fromkeys(found))


def split_directives(value: str) -> list[str]:
    """Return the robots directives in a header or a <meta>, in lower case, however parted.

    Some sites part them by semicolons or blanks. "max-snippet:0" says what "nosnippet" does.
    """
    joined = _AFTER_COLON.sub(":", value.lower())
    parts = filter(None, _BETWEEN.split(joined))
    return ["nosnippet" if part == "max-snippet:0" else part for part in parts]
