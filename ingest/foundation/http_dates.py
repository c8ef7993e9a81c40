"""Dates and waits in the headers of HTTP responses, of web pages and of model servers alike."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_RETRY_DIGITS = 9
"""Thirty years in seconds. More digits mean no more, and may not fit a float."""


def parse_retry_after(value: str, *, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110, 10.2.3), None if none."""
    if value.strip().isdecimal():
        return float(value.strip()[:MAX_RETRY_DIGITS])
    date = parse_http_date(value)
    return None if date is None else max(0.0, (date - now).total_seconds())


def parse_http_date(text: str) -> datetime | None:
    """Return a date of RFC 5322, RFC 850 or ISO 8601 as an aware one; without a zone it is UTC."""
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = parse(text.strip().upper())
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    return None
