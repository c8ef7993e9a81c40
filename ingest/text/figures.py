"""Numbers in text, each in one spelling: 1,234 is 1234, 三百 is 300, and March 3 holds 3 and 3."""

import re
from collections.abc import Iterator

from ingest.text.dates import (
    MONTHS,
    TextDate,
    date_behind_month,
    dates_at_digits,
    dates_in_numerals,
)
from ingest.text.normalize import fold_text
from ingest.text.numerals import NUMERAL, UNITS, parse_numeral, parse_scaled

MAX_MONTH_CHARACTERS = len("september the  ")
MIN_SPELLED_OUT_DIGITS = 3
"""Digits of a Chinese numeral without a unit (二〇二四): 三四 is "three or four", not 34."""

NUMBER = (
    # Groups of three digits as in most countries, or of two and three as in India.
    r"(?:\d{1,3}(?:[,'’]\d{3}){1,10}|\d{1,2}(?:,\d\d){1,10},\d{3})(?![,'’]?\d)(?:\.\d+)?"
    r"|\d+(?:\.\d+)*"
)
"""Pattern of a number with its digit groups, decimals and dots of a version."""

_NUMBER = re.compile(NUMBER)
# With more groups than these it is a row of numbers.
_SPACED_GROUPS = re.compile(
    r"\d{1,3}(?: \d{3}){1,6}(?![.,]?\d| \d{3}(?!\d))|\d{3,4}(?: \d{4}){2,6}(?!\d| \d{4}(?!\d))"
)
_NUMERAL = re.compile(NUMERAL)
_MARKED = ("第", "百分之")
_NAME_BEFORE = re.compile(r"([a-z]{3,9})\.?\s*(?:\sthe\s+)?$")
_LETTERS_OF_GROUPS = str.maketrans("", "", ",'’")


def figures(text: str) -> frozenset[str]:
    """Return the numbers in the text, in one spelling: 1,000 and 一千 are "1000".

    05 in a date is "5". A date adds "3月5日" to its numbers, in whatever order it is written.
    """
    folded = fold_text(text)
    found = set(numerals_in(folded))
    for date in dates_in_numerals(folded):
        found |= _parts(date)
    past = 0
    for number in _NUMBER.finditer(folded):
        start = number.start()
        if start < past:
            continue
        dates, past = dates_at(folded, start)
        if dates:
            # Of two readings none is stated, only the numbers.
            found |= _parts(dates[0], bound=len(dates) == 1)
        elif scaled := parse_scaled(folded, start):
            found.add(scaled)
        elif groups := spaced_groups(folded, start):
            past = start + len(groups)
            found |= {
                groups.replace(" ", ""),
                *(part.lstrip("0") or "0" for part in groups.split()),
            }
        else:
            found.update(_values(number[0]))
    return frozenset(found)


def _parts(date: TextDate, *, bound: bool = True) -> set[str]:
    """Return the numbers of a date, and "3月5日", which tells March 5 from May 3."""
    numbers = {str(part) for part in (date.year, date.month, date.day) if part}
    return numbers | ({date.names()[-1]} if date.day and bound else set())


def _values(number: str) -> Iterator[str]:
    plain = join_groups(number)
    for piece in [plain] if plain.count(".") == 1 else plain.split("."):
        yield piece if "." in piece else piece.lstrip("0") or "0"


def join_groups(number: str) -> str:
    """Return what `NUMBER` matched without the marks between its groups of digits."""
    return number.translate(_LETTERS_OF_GROUPS)


def spaced_groups(text: str, start: int) -> str:
    """Return the groups of digits with spaces between them at `start`, "" if there are none.

    They may be one number (1 234 567), a telephone, a card, or several numbers beside one another.
    """
    found = _SPACED_GROUPS.match(text, start)
    return found[0] if found else ""


def dates_at(text: str, start: int) -> tuple[list[TextDate], int]:
    """Return the readings of the date whose first digits are at `start`, and where it ends."""
    before = _NAME_BEFORE.search(text, max(0, start - MAX_MONTH_CHARACTERS), start)
    month = MONTHS.get(before[1]) if before else None
    return date_behind_month(text, start, month) if month else dates_at_digits(text, start)


def numerals_in(text: str) -> Iterator[str]:
    """Yield the digits of the Chinese numerals, without the single ones: 一 is in every text."""
    for found in _NUMERAL.finditer(text):
        numeral = found[0]
        marked = text.endswith(_MARKED, 0, found.start())
        if (
            marked
            or len(numeral) >= MIN_SPELLED_OUT_DIGITS
            or (len(numeral) > 1 and UNITS & {*numeral})
        ):
            digits = parse_numeral(numeral)
            if digits:
                yield digits
