"""Pages that differ in a number, code or date alone, and every way to write these.

Two families of shapes: rules are decided with those of `tuned`, and `held` is read at the end.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

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


def _numbers(values: Sequence[int], *writers: Callable[[int], str]) -> tuple[Writer, ...]:
    return tuple(lambda page, write=write: write(values[page]) for write in writers)  # type: ignore[misc]


def _dates(values: Sequence[date], *writers: Callable[[date], str]) -> tuple[Writer, ...]:
    return tuple(lambda page, write=write: write(values[page]) for write in writers)  # type: ignore[misc]


_EVERY_DATE: tuple[Callable[[date], str], ...] = (
    lambda day: day.isoformat(),
    lambda day: f"{day.year}年{day.month}月{day.day}日",
    lambda day: f"{MONTHS[day.month - 1]} {day.day}, {day.year}",
    lambda day: f"{day.day} {MONTHS[day.month - 1]} {day.year}",
    lambda day: f"{day.year}/{day.month}/{day.day}",
    lambda day: f"{_spelled_year(day.year)}年{_numeral(day.month)}月{_numeral(day.day)}日",
)


def tuned() -> list[Kind]:
    """Return the kinds with which rules are made."""
    chance = random.Random(1)
    numbers = chance.sample(range(1001, 10_000), PAGES)
    small = chance.sample(range(101, 999), PAGES)
    days = [date(2023, 1, 1) + timedelta(days=day) for day in chance.sample(range(700), PAGES)]
    grouped: tuple[Callable[[int], str], ...] = (
        "{:,}".format,
        str,
        lambda n: f"{n:,}".replace(",", "\u202f"),
        lambda n: _wide(f"{n:,}"),
        lambda n: f"{n:,}".replace(",", " "),
        lambda n: f"{n:,}".replace(",", "'"),
    )
    coded = ("E-{}".format, "E{}".format, "E {}".format, "e{}".format, "Ｅ－{}".format)
    models = ("RTX{}".format, "RTX {}".format, "RTX-{}".format, "rtx{}".format)
    amounts = ("{} g".format, "{}g".format, "{}\u00a0g".format)
    return [
        Kind(
            name="number",
            language="en",
            page="The town counts {} inhabitants. Its market is held every week on the square.",
            question="Which town counts {} inhabitants?",
            spellings=_numbers(numbers, *grouped),
        ),
        Kind(
            name="number",
            language="zh",
            page="这个镇有{}名居民，每周在广场上举行一次集市。",
            question="哪个镇有{}名居民？",
            spellings=_numbers(numbers, *grouped[:4], _numeral),
        ),
        Kind(
            name="code",
            language="en",
            page="When the display shows {}, switch the machine off and call the service.",
            question="What does the display mean by {}?",
            spellings=_numbers(numbers, *coded),
        ),
        Kind(
            name="code",
            language="zh",
            page="显示屏出现{}时，请关闭机器并联系售后。",
            question="显示屏出现{}怎么办？",
            spellings=_numbers(numbers, *coded),
        ),
        Kind(
            name="model",
            language="en",
            page="The card {} has two fans and needs a strong power supply.",
            question="How many fans does the {} have?",
            spellings=_numbers(numbers, *models),
        ),
        Kind(
            name="model",
            language="zh",
            page="显卡{}有两个风扇，需要大功率电源。",
            question="{}有几个风扇？",
            spellings=_numbers(numbers, *models),
        ),
        Kind(
            name="amount",
            language="en",
            page="The aircraft weighs {} with its battery and folds to the size of a hand.",
            question="Which aircraft weighs {}?",
            spellings=_numbers(small, *amounts),
        ),
        Kind(
            name="amount",
            language="zh",
            page="这款飞机带电池重{}，折叠后只有手掌大小。",
            question="哪款飞机重{}？",
            spellings=_numbers(small, *amounts, "{}克".format, "{} 克".format),
        ),
        Kind(
            name="date",
            language="en",
            page="The rule entered into force on {} and holds for every operator.",
            question="Which rule entered into force on {}?",
            spellings=_dates(days, *_EVERY_DATE),
        ),
        Kind(
            name="date",
            language="zh",
            page="该规定自{}起施行，适用于所有运营人。",
            question="哪项规定自{}起施行？",
            spellings=_dates(days, *_EVERY_DATE),
        ),
    ]


def held() -> list[Kind]:
    """Return kinds of other shapes, sentences and spellings, for the end."""
    chance = random.Random(99)
    large = chance.sample(range(1_000_000, 9_999_999), PAGES)
    pairs = chance.sample(range(10_000, 99_999), PAGES)
    tens = [10 * number for number in chance.sample(range(13, 900), PAGES)]
    versions = chance.sample(range(100, 999), PAGES)
    days = [date(1975, 2, 3) + timedelta(days=day) for day in chance.sample(range(9000), PAGES)]
    firsts = [date(1981 + number // 12, number % 12 + 1, 1) for number in range(PAGES)]
    parts: tuple[Callable[[int], str], ...] = (
        lambda n: f"KX{n // 1000}-{n % 1000:03}",
        lambda n: f"KX-{n // 1000}-{n % 1000:03}",
        lambda n: f"kx{n // 1000}_{n % 1000:03}",
        lambda n: f"KX {n // 1000} {n % 1000:03}",
        lambda n: f"ＫＸ{n // 1000}－{n % 1000:03}",
    )
    money: tuple[Callable[[int], str], ...] = (
        "{:,}".format,
        str,
        lambda n: f"{n:,}".replace(",", "\u2009"),
        lambda n: f"{n:,}".replace(",", "’"),
    )
    lengths = ("{} km".format, "{}km".format, "{}KM".format)
    written: tuple[Callable[[date], str], ...] = (
        *_EVERY_DATE,
        lambda day: f"{MONTHS[day.month - 1][:3]}. {_ordinal(day.day)}, {day.year}",
        lambda day: f"the {_ordinal(day.day)} of {MONTHS[day.month - 1]} {day.year}",
        lambda day: f"{day:%Y.%m.%d}",
        lambda day: f"{day:%Y%m%d}",
        lambda day: f"{day.year} 年 {day.month:02} 月 {day.day:02} 号",
    )
    monthly: tuple[Callable[[date], str], ...] = (
        lambda day: f"{MONTHS[day.month - 1]} {day.year}",
        lambda day: f"{day.year}年{day.month}月",
        lambda day: f"{day:%Y-%m}",
        lambda day: f"{_spelled_year(day.year)}年{_numeral(day.month)}月",
    )
    releases: tuple[Callable[[int], str], ...] = (
        lambda n: f"v{n // 100}.{n // 10 % 10}.{n % 10}",
        lambda n: f"version {n // 100}.{n // 10 % 10}.{n % 10}",
        lambda n: f"{n // 100}.{n // 10 % 10}.{n % 10}",
    )
    return [
        Kind(
            name="part",
            language="en",
            page="Spare part {} fits the left door of all vans built since spring.",
            question="Does part {} fit the left door?",
            spellings=_numbers(pairs, *parts),
        ),
        Kind(
            name="part",
            language="zh",
            page="备件{}适用于今年春季以后生产的所有货车左门。",
            question="备件{}适用于哪些货车？",
            spellings=_numbers(pairs, *parts),
        ),
        Kind(
            name="sum",
            language="en",
            page="The council granted ${} to the library for new shelves and lamps.",
            question="Who received {} dollars?",
            spellings=_numbers(large, *money),
        ),
        Kind(
            name="sum",
            language="zh",
            page="市议会拨款{}元给图书馆购买书架和灯具。",
            question="谁得到了{}元？",
            spellings=_numbers(large, *money),
        ),
        Kind(
            name="length",
            language="en",
            page="The trail is {} long and closed to bicycles during winter.",
            question="Which trail is {} long?",
            spellings=_numbers(tens, *lengths),
        ),
        Kind(
            name="length",
            language="zh",
            page="这条步道长{}，冬季禁止自行车通行。",
            question="哪条步道长{}？",
            spellings=_numbers(tens, *lengths, "{}公里".format, lambda n: f"{_numeral(n)}公里"),
        ),
        Kind(
            name="version",
            language="en",
            page="Release notes of {}: the editor starts faster and saves by itself.",
            question="What is new in {}?",
            spellings=_numbers(versions, *releases),
        ),
        Kind(
            name="day",
            language="en",
            page="Minutes of the meeting of {}. Present were the chair and two members.",
            question="Who was present at the meeting of {}?",
            spellings=_dates(days, *written),
        ),
        Kind(
            name="day",
            language="zh",
            page="{}会议纪要。出席者为主席和两名委员。",
            question="{}的会议有谁出席？",
            spellings=_dates(days, *written),
        ),
        Kind(
            name="month",
            language="en",
            page="Report of {}: the harbour handled fewer ships than a year before.",
            question="How many ships were there in {}?",
            spellings=_dates(firsts, *monthly),
        ),
        Kind(
            name="month",
            language="zh",
            page="{}报告：港口处理的船只少于上年同期。",
            question="{}港口处理了多少船只？",
            spellings=_dates(firsts, *monthly),
        ),
    ]
