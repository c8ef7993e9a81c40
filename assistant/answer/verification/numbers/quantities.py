"""Numbers with units, dates and times, comparable whatever format they are written in."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.answer.verification.numbers.units import is_same_dimension
from ingest.text.dates import TextDate

EQUAL_WITHIN = 1e-9
"""Relative: what arithmetic on units of measure loses, far below any digit that people write."""
CENTURY = 100
ROUNDED_WITHIN = 0.006
"""Relative error of fractions that are no decimals: a third is .33, 33 % or 33.3 %."""

# Numbers that belong together in one order: 3-1, 16:9, 120/80, 1920×1080, 3比1.
_PART = r"\d{1,7}(?:\.\d+)?"
_JOINT = r"\s?(?:[:：/×xX*∶比]|-|–|—|乘以?|by|to)\s?"
# A digit or a sign of the same kind on either side makes it another thing: an address, a range of
# pages in a longer run, a decimal.
_TUPLE = re.compile(rf"(?<![A-Za-z\d./:×-]){_PART}(?:{_JOINT}{_PART})+(?![\d./:×-]*\d)")
_NUMBER = re.compile(_PART)

NumberTuple = tuple[float, ...]

QuantityKind = Literal["number", "date", "time", "code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number, a date or a time of day, as it is compared."""

    kind: QuantityKind
    start: int
    end: int
    value: float = 0.0
    """As written, with its sign and its magnitude."""
    base: float = 0.0
    """In the base unit of its dimension."""
    dimension: str = ""
    rounded: bool = False
    """A fraction whose decimals are endless."""
    weak: bool = False
    """Written by a word that is often no number: it need not be in the passage."""
    dates: tuple[TextDate, ...] = ()
    """The readings of a date."""
    minutes: frozenset[int] = frozenset()
    """Minutes after midnight: two readings where neither a.m. nor p.m. is given. One with seconds
    has these, all of them, as its base."""
    is_of_day: bool = False
    """A time that is surely no duration: at 1:45, 1:45 p.m."""
    code: str = ""
    """A number with two dots or more, as it is written."""

    version: str = ""
    """The digits of a version, as they are written: 2.10 is another one than 2.1."""
    last_unit: float = 0.0
    """Size of the last unit of a sum (1 h 20 min); 0 for what is no sum."""

    def key(self) -> str:
        """Return what two figures share in most texts where they are equal."""
        if self.kind == "date":
            first = self.dates[0]
            return f"#{first.year}-{first.month}-{first.day}"
        if self.kind == "time":
            return f"#{min(self.minutes)}min"
        return f"#{self.code or format(self.base, '.9g')}"

    def equals(self, other: "Quantity") -> bool:
        """Return whether a claim's figure is the one of a passage; what only one tells is open."""
        if self.kind == "date" and other.kind == "date":
            return any(
                claim.month == held.month
                # The passage's may be the more exact one.
                and (not claim.year or not held.year or claim.year == held.year)
                and (not claim.day or claim.day == held.day)
                for claim in self.dates
                for held in other.dates
            )
        if "date" in (self.kind, other.kind):
            date, number = (self, other) if self.kind == "date" else (other, self)
            # "in 2021", "on the 5th" of a whole date; a date needs its month.
            return date is other and any(
                number.value in (one.year, one.day) and not number.dimension for one in date.dates
            )
        if "time" in (self.kind, other.kind):
            if self.base and other.base:
                # To the second, both of them, or 2:04:30 and a duration.
                units = {self.dimension, other.dimension} <= {"", "time"}
                return (
                    units
                    and _is_close(self.base, other.base)
                    and (self.kind == other.kind or "time" in (self.dimension, other.dimension))
                )
            if "time" in (self.dimension, other.dimension):
                # 3:41 of a race is 3 min 41 s, of a film 3 h 41 min.
                clock, spent = (self, other) if self.kind == "time" else (other, self)
                seconds = min(clock.minutes, default=0)
                return seconds > 0 and not clock.is_of_day and spent.base in (seconds, seconds * 60)
            return bool(self.minutes & other.minutes)
        if self.code or other.code:
            return self.code == other.code
        return self._equals_number(other)

    def _equals_number(self, other: "Quantity") -> bool:
        if self.version and other.version:
            return self.version == other.version
        if self.dimension == other.dimension == "decade":
            # The nineties of 1990s; of which century the short one is, it does not say.
            is_short = min(self.value, other.value) < CENTURY
            turn = CENTURY if is_short else math.inf
            return _is_close(self.value % turn, other.value % turn)
        rounded = self.rounded or other.rounded
        if self.dimension and other.dimension:
            if not is_same_dimension(self.dimension, other.dimension):
                return False
            if {self.dimension, other.dimension} == {"length", "speed"}:
                # 时速30公里: per hour, or per second.
                way, speed = (self, other) if self.dimension == "length" else (other, self)
                return any(_is_close(way.base / seconds, speed.base) for seconds in (3600, 1))
            # "20 degrees" of 20 °C, ¥ of yuan: the general word tells no size of its own.
            plain = {self.dimension, other.dimension} & {"degree", "¥"}
            if self.dimension != other.dimension and not plain:
                return _is_close(self.value, other.value)
            return _is_close(self.base, other.base, rounded=rounded)
        if "ratio" in (self.dimension, other.dimension):
            # 50 % is a half and never 50.
            return _is_close(self.base, other.base, rounded=rounded)
        return _is_close(self.value, other.value, rounded=rounded)

    def has_same_value(self, other: "Quantity") -> bool:
        """Return whether the two differ in nothing but their units."""
        return self.kind == other.kind == "number" and _is_close(abs(self.value), abs(other.value))


def _is_close(one: float, two: float, *, rounded: bool = False) -> bool:
    if rounded:
        return abs(one - two) <= ROUNDED_WITHIN * max(1.0, abs(one))
    return math.isclose(one, two, rel_tol=EQUAL_WITHIN)


def scan_number_tuples(text: str, figures: Sequence[Quantity]) -> tuple[NumberTuple, ...]:
    """Return the tuples of a text whose words are digits already, dates and times left out.

    Args:
        text: What was scanned.
        figures: What `scan_figures` found in it; a date may be written in any order.
    """
    apart = [(one.start, one.end) for one in figures if one.kind in ("date", "time")]
    return tuple(
        tuple(float(part) for part in _NUMBER.findall(found[0]))
        for found in _TUPLE.finditer(text)
        if not any(found.start() < end and start < found.end() for start, end in apart)
    )
