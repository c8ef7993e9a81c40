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
_NUMERIC = re.compile(r"(?<!\d)(\d{1,2})[./](\d{1,2})[./]((?:19|20)\d\d)(?!\d)")
_MINGUO = re.compile(r"(?:民[國国])?\s?(\d{2,3})\s?年\s?(\d{1,2})\s?月\s?(\d{1,2})\s?日")
_MINGUO_OFFSET = 1911  # the first year of the Republic of China is 1912
_IDEOGRAPHIC = re.compile(
    r"([一二][〇零一二三四五六七八九○]{3})年([一二三四五六七八九十]{1,2})月([一二三四五六七八九十]{1,3})日"
)
_DIGITS = {digit: value for value, digit in enumerate("〇一二三四五六七八九")} | {"零": 0, "○": 0}
_IN_PATH = re.compile(r"/((?:19|20)\d\d)[-/]?(0[1-9]|1[0-2])[-/]?(0[1-9]|[12]\d|3[01])(?!\d)")
# TRS, the content management system of Chinese governments: /201709/t20170925_823173.html.
_IN_TRS_PATH = re.compile(r"/t((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])_\d")


def parse_day(text: str) -> date | None:
    """Return the first day that `text` names, None if it names none.

    "03/04/2024" is none: it is another day in Britain than in America. "25/03/2024" is only one.
    """
    text = text.strip()
    if match := _YEAR_FIRST.search(text) or _COMPACT.match(text):
        return _existing_day(match[1], match[2], match[3])
    if match := _MONTH_FIRST.search(text):
        return _existing_day(match[3], MONTHS.index(match[1].lower()) + 1, match[2])
    if match := _DAY_FIRST.search(text):
        return _existing_day(match[3], MONTHS.index(match[2].lower()) + 1, match[1])
    return _parse_numeric_day(text) or _parse_chinese_day(text)


def parse_day_in_path(url: str) -> date | None:
    """Return the day in an address like /2024/03/14/ or /20240314, None if there is none."""
    match = _IN_PATH.search(url) or _IN_TRS_PATH.search(url)
    return _existing_day(match[1], match[2], match[3]) if match else None


def _parse_numeric_day(text: str) -> date | None:
    match = _NUMERIC.search(text)
    if match is None:
        return None
    first, second, year = match.groups()
    if "." in match[0]:  # nobody writes a month first and dots
        return _existing_day(year, second, first)
    days = {_existing_day(year, second, first), _existing_day(year, first, second)} - {None}
    return days.pop() if len(days) == 1 else None


def _parse_chinese_day(text: str) -> date | None:
    """Return a day in ideographs (二〇二四年三月五日) or of the Minguo calendar (民國113年)."""
    if match := _IDEOGRAPHIC.search(text):
        year = int("".join(str(_DIGITS[digit]) for digit in match[1]))
        return _existing_day(str(year), _parse_tens(match[2]), str(_parse_tens(match[3])))
    if "民" in text and (match := _MINGUO.search(text, text.index("民"))):
        return _existing_day(str(int(match[1]) + _MINGUO_OFFSET), match[2], match[3])
    return None


def _parse_tens(number: str) -> int:
    """Return a number up to 99 that is written like 三, 十二 or 二十一."""
    tens, ten, ones = number.rpartition("十")
    return (_DIGITS[tens] if tens else 1 if ten else 0) * 10 + (_DIGITS[ones] if ones else 0)


def _existing_day(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:  # the 31st of February
        return None
