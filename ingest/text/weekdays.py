"""Days of the week as words: Saturday, Sat 16, 周六, 星期六 and 礼拜六 are one, Mon–Fri is five."""

import re
from collections.abc import Sequence, Set

from ingest.text.cjk import CJK

DAYS = "一二三四五六日"
_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAYS = {
    **{name: place for place, name in enumerate(_LONG)},
    **{name[:3]: place for place, name in enumerate(_LONG)},
    "tues": 1,
    "thur": 3,
    "thurs": 3,
}
_NAME = "|".join(sorted(WEEKDAYS, key=lambda name: -len(name)))
_TO = r"\s*(?:[-\u2010–—~]|to|until|till|through|thru)\s*"
_RANGE = re.compile(rf"({_NAME})s?\.?(?:{_TO}({_NAME})\b)?")
_AND = rf"(?:,?\s(?:and|or)\s|,\s|\s?&\s?)(?:{_NAME})\b"
_BEHIND = re.compile(rf"\.?(?:\s*[|:/\d(–—~]|,?\s\d|\s(?:am|pm|mornings?|evenings?)\b|{_AND})")
_BEFORE = re.compile(rf"(?:[|/&–—~]\s*|\b(?:{_NAME})\.?(?:,?\s(?:and|or)|,)\s)$")
MAX_BEFORE = 18
"""Characters before a short name that are looked at: another one with what joins them."""
_ASIAN = re.compile(
    # 每周三次 names no day, nor does 本周天气; 周五到三亚 has no end but a place.
    rf"(?:(?:星期|礼拜|禮拜)(?P<first>[{DAYS}天])|[周週](?P<short>[{DAYS}])(?![次个天遍回年期岁刊报刻志]))"
    rf"(?:[至到](?:(?:周|星期|礼拜)(?P<last>[{DAYS}天])|(?P<bare>[{DAYS}])(?![{CJK}])"
    rf"|(?P<time>[{DAYS}])(?=[上下晚早中全每均])))?"
)

SPELLINGS = frozenset(_LONG) | {
    pair for day in f"{DAYS}天" for pair in (f"周{day}", f"期{day}", f"拜{day}", "星期", "礼拜")
}
"""Words by which a day is written, beside the one that all its spellings share; not "sun" and
"sat", which are words."""


def without_spellings(terms: Set[str]) -> set[str]:
    """Return words with each day of the week as the word that all its spellings share, alone."""
    has_day = any(len(word) > 2 and word.startswith("星期") for word in terms)
    return set(terms - SPELLINGS) if has_day else set(terms)


def weekdays_at(text: str, start: int) -> list[str]:
    """Return the days that a name at `start` of a case-folded text stands for.

    "sat" and "sun" are words by themselves: a short name counts where a timetable has it, before
    a figure, a mark or another day.
    """
    found = _RANGE.match(text, start)
    if found is None:
        return []
    first, last = found.groups()
    is_short = first not in _LONG
    if is_short and last is None:
        before = text[max(0, start - MAX_BEFORE) : start]
        is_alone = start <= 1 and len(text) - found.end() <= 1
        if not (is_alone or _BEHIND.match(text, found.end(1)) or _BEFORE.search(before)):
            return []
    return _days(WEEKDAYS[first], WEEKDAYS[last] if last else WEEKDAYS[first])


def weekdays_between(names: Sequence[str]) -> list[str]:
    """Return the days of "mon-fri", cut at its hyphen; [] of other words."""
    if len(names) != 2 or not all(name in WEEKDAYS for name in names):
        return []
    first, last = names
    return _days(WEEKDAYS[first], WEEKDAYS[last])


def weekdays_in(run: str) -> list[str]:
    """Return the days that a run of ideographs names, e.g. 周一至周五."""
    return [
        day
        for found in _ASIAN.finditer(run)
        for first in (found["first"] or found["short"],)
        for day in _days(
            _place(first), _place(found["last"] or found["bare"] or found["time"] or first)
        )
    ]


def _place(day: str) -> int:
    return DAYS.index("日" if day == "天" else day)


def _days(first: int, last: int) -> list[str]:
    """Return the days from one to another, over Sunday where that is on the way."""
    count = (last - first) % len(DAYS) + 1
    return [f"星期{DAYS[(first + step) % len(DAYS)]}" for step in range(count)]
