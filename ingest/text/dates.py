"""Dates in text, in the orders of ISO 8601, Chinese and English."""

import re
from dataclasses import dataclass
from typing import Self

from ingest.text.numerals import NUMERAL, parse_numeral

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"),
            ("february", "feb"),
            ("march", "mar"),
            ("april", "apr"),
            ("may",),
            ("june", "jun"),
            ("july", "jul"),
            ("august", "aug"),
            ("september", "sept", "sep"),
            ("october", "oct"),
            ("november", "nov"),
            ("december", "dec"),
        ),
        start=1,
    )
    for name in names
}
"""English name of a month, without case and full stop -> its number."""
MONTHS_PER_YEAR = 12
DAYS_PER_MONTH = 31

_YEAR = r"(?:1\d{3}|20\d\d)"
_ORDINAL = r"(?:st|nd|rd|th)?"
# Not \b: between a digit and an ideograph there is none, and "March 2024发布" ends with its year.
_END = r"(?![a-z\d_])"
_AT_DIGITS = re.compile(
    rf"(?P<zh_year>{_YEAR})\s?年\s?(?P<zh_month>\d\d?)\s?月(?:\s?(?P<zh_day>\d\d?)\s?[日号])?"
    rf"|(?P<iso_year>{_YEAR})(?P<iso>[-./])(?P<iso_month>\d\d?)(?P=iso)(?P<iso_day>\d\d?)(?!\d)"
    rf"|(?P<ym_year>{_YEAR})[-/](?P<ym_month>0[1-9]|1[0-2])(?![-/\d])"
    rf"|(?P<compact_year>{_YEAR})(?P<compact_month>\d\d)(?P<compact_day>\d\d)(?!\d)"
    rf"|(?P<first>\d\d?)(?P<sep>[-./])(?P<second>\d\d?)(?P=sep)(?P<last_year>{_YEAR})(?!\d)"
    r"|(?P<md_month>\d\d?)\s?月(?:\s?(?P<md_day>\d\d?)\s?[日号])?"
    rf"|(?P<en_day>\d\d?){_ORDINAL}(?:\sof)?[\s-]+(?P<en_month>[a-z]{{3,9}}){_END}\.?"
    rf"(?:,?[\s-]+(?P<en_year>{_YEAR}){_END})?"
)
"""What may be a date where digits begin, in text without case."""
_BEHIND_MONTH = re.compile(
    rf"(?P<day>\d\d?){_ORDINAL}{_END}(?![:%]|[.,/-]\d)(?:,?\s+(?P<year>{_YEAR}){_END}(?![./-]\d))?"
    rf"|(?P<only_year>{_YEAR}){_END}"
)
_IN_NUMERALS = re.compile(
    rf"(?:(?P<year>[〇零一二三四五六七八九]{{4}})年)?"
    rf"(?P<month>{NUMERAL})月(?:(?P<day>{NUMERAL})[日号])?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDate:
    """A date as a text names it: each part 0 where it is left open, but for the month."""

    year: int = 0
    month: int
    day: int = 0

    @classmethod
    def of(cls, *, year: str | None, month: str | int | None, day: str | None) -> Self | None:
        """Return the date if there can be one of these digits."""
        found = cls(year=int(year or 0), month=int(month or 0), day=int(day or 0))
        if day and not found.day:
            return None
        real = 1 <= found.month <= MONTHS_PER_YEAR and found.day <= DAYS_PER_MONTH
        return found if real else None

    def names(self) -> list[str]:
        """Return the words by which all spellings of the date are found, the whole date first.

        Written as in Chinese, where no digit can be taken for one of another number.
        """
        year, month, day = f"{self.year}年", f"{self.month}月", f"{self.day}日"
        if self.year and self.day:
            return [year + month + day, year + month, month + day]
        if self.year:
            return [year + month]
        return [month + day] if self.day else [month]


def dates_at_digits(text: str, start: int) -> tuple[list[TextDate], int]:
    """Return the readings of the date that begins with digits at `start`, and where it ends.

    `text` is without case. 03/04/2024 has two readings, of Britain and of America; no date has none
    and ends at `start`.
    """
    found = _AT_DIGITS.match(text, start)
    if found is None:
        return [], start
    if found["first"]:
        orders = [(found["first"], found["second"]), (found["second"], found["first"])]
        if found["sep"] == ".":  # the order of countries where the month stands first has no dots
            orders = orders[:1]
        readings = [
            TextDate.of(year=found["last_year"], month=month, day=day) for day, month in orders
        ]
    elif found["en_month"]:
        month = MONTHS.get(found["en_month"])
        readings = [TextDate.of(year=found["en_year"], month=month, day=found["en_day"])]
    else:
        kind = next(kind for kind in ("zh", "iso", "ym", "compact", "md") if found[f"{kind}_month"])
        groups = found.groupdict()
        readings = [
            TextDate.of(
                year=groups.get(f"{kind}_year"),
                month=groups[f"{kind}_month"],
                day=groups.get(f"{kind}_day"),
            )
        ]
    dates = list(dict.fromkeys(reading for reading in readings if reading))
    return dates, found.end() if dates else start


def date_behind_month(text: str, start: int, month: int) -> tuple[list[TextDate], int]:
    """Return the same where the digits at `start` follow the English name of `month`."""
    found = _BEHIND_MONTH.match(text, start)
    if found is None:
        return [], start
    date = TextDate.of(year=found["year"] or found["only_year"], month=month, day=found["day"])
    return ([date], found.end()) if date else ([], start)


def dates_in_numerals(text: str) -> list[TextDate]:
    """Return the dates that are written in Chinese numerals: 二〇二四年三月三日, 三月."""
    dates = []
    for found in _IN_NUMERALS.finditer(text):
        year, month, day = (
            parse_numeral(found[part]) if found[part] else None for part in ("year", "month", "day")
        )
        if date := TextDate.of(year=year, month=month, day=day):
            dates.append(date)
    return dates
