"""Pages that differ in a number, code or date alone, and every way to write these.

The sentences stand in spelling_pages.tsv. Two families of shapes: rules are decided with those of
`tuned`, and `held` is read at the end.
"""

import csv
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ingest.foundation.messages import Language

PAGES = 40
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
Writer = Callable[[int], str]
"""From the number of a page to what the page, or a question for it, calls its thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of thing in every spelling, and the sentences in which it stands."""

    name: str
    language: Language
    page: str
    question: str
    spellings: tuple[Writer, ...]


def _numeral(number: int) -> str:
    """Return 1 to 9999 as people write it in Chinese."""
    digits = "零一二三四五六七八九"
    parts = []
    for unit, value in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit = number // value % 10
        if digit:
            parts.append(digits[digit] + unit)
        elif parts and parts[-1] != "零":
            parts.append("零")
    return "".join(parts).rstrip("零")


def _spelled_year(year: int) -> str:
    return str(year).translate(str.maketrans("0123456789", "〇一二三四五六七八九"))


def _wide(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


def _ordinal(day: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th") if day not in (11, 12, 13) else "th"
    return f"{day}{ending}"


_GROUPED: tuple[Callable[[int], str], ...] = (
    "{:,}".format,
    str,
    lambda n: f"{n:,}".replace(",", "\u202f"),
    lambda n: _wide(f"{n:,}"),
)
_DATES: tuple[Callable[[date], str], ...] = (
    lambda day: day.isoformat(),
    lambda day: f"{day.year}年{day.month}月{day.day}日",
    lambda day: f"{MONTHS[day.month - 1]} {day.day}, {day.year}",
    lambda day: f"{day.day} {MONTHS[day.month - 1]} {day.year}",
    lambda day: f"{day.year}/{day.month}/{day.day}",
    lambda day: f"{_spelled_year(day.year)}年{_numeral(day.month)}月{_numeral(day.day)}日",
)
_GRAMS = ("{} g".format, "{}g".format, "{}\u00a0g".format)
_KILOMETRES = ("{} km".format, "{}km".format, "{}KM".format)

SPELLINGS: dict[str, tuple[Callable[[Any], str], ...]] = {
    "grouped": (
        *_GROUPED,
        lambda n: f"{n:,}".replace(",", " "),
        lambda n: f"{n:,}".replace(",", "'"),
    ),
    "grouped-zh": (*_GROUPED, _numeral),
    "codes": ("E-{}".format, "E{}".format, "E {}".format, "e{}".format, "Ｅ－{}".format),
    "models": ("RTX{}".format, "RTX {}".format, "RTX-{}".format, "rtx{}".format),
    "grams": _GRAMS,
    "grams-zh": (*_GRAMS, "{}克".format, "{} 克".format),
    "dates": _DATES,
    "parts": (
        lambda n: f"KX{n // 1000}-{n % 1000:03}",
        lambda n: f"KX-{n // 1000}-{n % 1000:03}",
        lambda n: f"kx{n // 1000}_{n % 1000:03}",
        lambda n: f"KX {n // 1000} {n % 1000:03}",
        lambda n: f"ＫＸ{n // 1000}－{n % 1000:03}",
    ),
    "money": (
        "{:,}".format,
        str,
        lambda n: f"{n:,}".replace(",", "\u2009"),
        lambda n: f"{n:,}".replace(",", "’"),
    ),
    "kilometres": _KILOMETRES,
    "kilometres-zh": (*_KILOMETRES, "{}公里".format, lambda n: f"{_numeral(n)}公里"),
    "releases": (
        lambda n: f"v{n // 100}.{n // 10 % 10}.{n % 10}",
        lambda n: f"version {n // 100}.{n // 10 % 10}.{n % 10}",
        lambda n: f"{n // 100}.{n // 10 % 10}.{n % 10}",
    ),
    "days": (
        *_DATES,
        lambda day: f"{MONTHS[day.month - 1][:3]}. {_ordinal(day.day)}, {day.year}",
        lambda day: f"the {_ordinal(day.day)} of {MONTHS[day.month - 1]} {day.year}",
        lambda day: f"{day:%Y.%m.%d}",
        lambda day: f"{day:%Y%m%d}",
        lambda day: f"{day.year} 年 {day.month:02} 月 {day.day:02} 号",
    ),
    "months": (
        lambda day: f"{MONTHS[day.month - 1]} {day.year}",
        lambda day: f"{day.year}年{day.month}月",
        lambda day: f"{day:%Y-%m}",
        lambda day: f"{_spelled_year(day.year)}年{_numeral(day.month)}月",
    ),
}
"""Name in the table -> every way to write one value."""


def tuned() -> list[Kind]:
    """Return the kinds with which rules are made."""
    chance = random.Random(1)
    numbers = chance.sample(range(1001, 10_000), PAGES)
    small = chance.sample(range(101, 999), PAGES)
    days = [date(2023, 1, 1) + timedelta(days=day) for day in chance.sample(range(700), PAGES)]
    named = {"number": numbers, "code": numbers, "model": numbers, "amount": small, "date": days}
    return _read_kinds("tuned", named)


def held() -> list[Kind]:
    """Return kinds of other shapes, sentences and spellings, for the end."""
    chance = random.Random(99)
    large = chance.sample(range(1_000_000, 9_999_999), PAGES)
    pairs = chance.sample(range(10_000, 99_999), PAGES)
    tens = [10 * number for number in chance.sample(range(13, 900), PAGES)]
    versions = chance.sample(range(100, 999), PAGES)
    days = [date(1975, 2, 3) + timedelta(days=day) for day in chance.sample(range(9000), PAGES)]
    firsts = [date(1981 + number // 12, number % 12 + 1, 1) for number in range(PAGES)]
    named = {"part": pairs, "sum": large, "length": tens, "version": versions}
    return _read_kinds("held", {**named, "day": days, "month": firsts})


def _read_kinds(
    family: Literal["tuned", "held"], values: Mapping[str, Sequence[object]]
) -> list[Kind]:
    """Return the kinds of a family; `values` has for each kind what stands on its pages."""
    with Path(__file__).with_suffix(".tsv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["set"] == family]
    return [
        Kind(
            name=row["kind"],
            language="zh" if row["language"] == "zh" else "en",
            page=row["page"],
            question=row["question"],
            spellings=tuple(
                partial(_write, write, values[row["kind"]]) for write in SPELLINGS[row["spellings"]]
            ),
        )
        for row in rows
    ]


def _write(write: Callable[[Any], str], values: Sequence[object], page: int) -> str:
    return write(values[page])
