"""What the headers of a response say about its page."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

VALUED = frozenset({"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"})
"""Directives that have a value of their own behind a colon; any other name there is a bot's."""

_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?(?P<name>[\w.:+-]+)", re.IGNORECASE | re.ASCII)
"""Python's own parser reads the parameters of mail (RFC 2231), and some values make it raise."""
_COMMA = re.compile(r"(?<!mon|tue|wed|thu|fri|sat|sun|day),")
"""But for the one after the weekday of a date."""
_UNTIL = re.compile(r"unavailable_after\s*:\s*(?P<date>.*)", re.IGNORECASE)


def content_type(headers: Mapping[str, str]) -> tuple[str, str | None]:
    """Return media type (lower case) and charset (lower case) as the server claims them."""
    value = headers.get("content-type", "")
    charset = _CHARSET.search(value)
    media_type = value.partition(";")[0].strip().lower()
    return media_type, charset["name"].lower() if charset else None


def robots_directives(values: Sequence[str], *, agent: str, now: datetime) -> tuple[str, ...]:
    """Return what X-Robots-Tag asks of us, lower case, each once, in order.

    A bot's name before a directive ("otherbot: noindex, nofollow") holds to the end of its header
    or to the next name. `unavailable_after` is "noindex" once its date has come, and nothing
    before. https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag

    Args:
        values: the header's, one for each time that it was sent.
        agent: our user agent; its product token is what a name is compared with.
        now: aware.
    """
    token = agent.partition("/")[0].strip().lower()
    found = (
        directive
        for value in values
        for name, directive in _addressed(value)
        if name in ("", "*", token)
    )
    return tuple(dict.fromkeys(filter(None, (_due(directive, now) for directive in found))))


def _addressed(value: str) -> Iterator[tuple[str, str]]:
    """Yield each directive and the bot that it is meant for, "" for all; both lower case."""
    bot = ""
    for entry in _COMMA.split(value.lower()):
        name, colon, directive = entry.partition(":")
        if not colon or name.strip() in VALUED:
            directive = entry
        else:
            bot = name.strip()
        yield bot, directive.strip()


def _due(directive: str, now: datetime) -> str:
    """Return the directive as it stands today."""
    until = _UNTIL.fullmatch(directive)
    if until is None:
        return directive
    date = _date(until["date"])
    return "noindex" if date is not None and date <= now else ""


LONGEST_WAIT_DIGITS = 9
"""Thirty years in seconds: more digits are no better answer, and may be more than a float holds."""


def retry_after_s(value: str, *, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110, 10.2.3), None if none."""
    if value.strip().isdecimal():
        return float(value.strip()[:LONGEST_WAIT_DIGITS])
    date = _date(value)
    return None if date is None else max(0.0, (date - now).total_seconds())


def _date(text: str) -> datetime | None:
    """Return a date of RFC 5322, RFC 850 or ISO 8601; without a zone it is UTC."""
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = parse(text.strip().upper())
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    return None
