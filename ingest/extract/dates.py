"""Days in the spellings of the web."""

import re
from datetime import date

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_YEAR_FIRST = re.compile(
    r"(?<!\d)((?:19|20)\d\d)\s?[-/.年]\s?(\d{1,2})\s?[-/.月]\s?(\d{1,2})(?!\d)"
)
# Six digits more are a time of day (20240314120000); any other number of digits is no day at all.
_COMPACT = re.compile(r"^((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?:\D|\d{6}|$)")
_MONTH_FIRST = re.compile(
    rf"\b({'|'.join(MONTHS)})[a-z]{{0,6}}\.?\s(\d{{1,2}})(?:st|nd|rd|th)?,?\s((?:19|20)\d\d)\b",
    re.I,
)
_DAY_FIRST = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\.?\s({'|'.join(MONTHS)})[a-z]{{0,6}}\.?,?\s((?:19|20)\d\d)\b",
    re.I,
)
_IN_PATH = re.compile(r"/((?:19|20)\d\d)[-/]?(0[1-9]|1[0-2])[-/]?(0[1-9]|[12]\d|3[01])(?!\d)")


def parse_day(text: str) -> date | None:
    """Return the first day that `text` names, None if it names none.

    "03/04/2024" is none: it is another day in Britain than in America.
    """
    text = text.strip()
    if match := _YEAR_FIRST.search(text) or _COMPACT.match(text):
        return _existing_day(match[1], match[2], match[3])
    if match := _MONTH_FIRST.search(text):
        return _existing_day(match[3], MONTHS.index(match[1].lower()) + 1, match[2])
    if match := _DAY_FIRST.search(text):
        return _existing_day(match[3], MONTHS.index(match[2].lower()) + 1, match[1])
    return None


def parse_day_in_path(url: str) -> date | None:
    """Return the day in an address like /2024/03/14/ or /20240314, None if there is none."""
    match = _IN_PATH.search(url)
    return _existing_day(match[1], match[2], match[3]) if match else None


def _existing_day(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:  # the 31st of February
        return None
