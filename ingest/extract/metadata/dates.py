"""Days in the spellings of the web."""

import re
from datetime import date

MONTHS = (
    "jan|ene|gen|sty|oca|янв", "feb|fév|fev|lut|şub|фев", "mar|mär|mrt|мар",
    "apr|avr|abr|kwi|nis|апр", "may|mai|mei|mag|maj|mayıs|мая|май", "jun|jui|juin|giu|cze|haz|июн",
    "jul|juil|lug|lip|tem|июл", "aug|août|aou|ago|sie|ağu|авг", "sep|set|wrz|eyl|сен",
    "oct|okt|out|ott|paź|eki|окт", "nov|lis|kas|ноя", "dec|dez|déc|dic|gru|ara|дек",
)  # fmt: skip
"""How the months begin in English, German, French, Spanish, Portuguese, Italian, Dutch, Polish,
Scandinavian languages, Turkish and Russian."""
_MONTH_OF = {
    beginning: number
    for number, beginnings in enumerate(MONTHS, start=1)
    for beginning in beginnings.split("|")
}
# The longest first: "juillet" begins with "jui", "juin" is another month.
_MONTH = "|".join(sorted(_MONTH_OF, key=len, reverse=True))

_YEAR_FIRST = re.compile(
    r"(?<!\d)((?:19|20)\d\d)\s?[-/.年]\s?(\d{1,2})\s?[-/.月]\s?(\d{1,2})(?!\d)"
)
# Six digits more are a time of day (20240314120000); any other number of digits is no day at all.
_COMPACT = re.compile(r"^((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?:\D|\d{6}|$)")
_MONTH_FIRST = re.compile(
    rf"\b({_MONTH})[^\W\d_]{{0,7}}\.?\s(\d{{1,2}})(?:st|nd|rd|th)?,?\s((?:19|20)\d\d)\b", re.I
)
_DAY_FIRST = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th|er|º)?\.?\s(?:de\s|d['’])?({_MONTH})[^\W\d_]{{0,7}}\.?,?"
    r"\s(?:del?\s)?((?:19|20)\d\d)\b",
    re.I,
)
_NUMERIC = re.compile(r"(?<!\d)(\d{1,2})[./-](\d{1,2})[./-]((?:19|20)\d\d)(?!\d)")
_SHORT = re.compile(r"^\W*(1\d\d|\d\d)[-./](\d{1,2})[-./](\d{1,2})(?!\d)")
_MINGUO = re.compile(r"(?:民[國国])?\s?(\d{2,3})\s?年\s?(\d{1,2})\s?月\s?(\d{1,2})\s?日")
_MINGUO_IDEOGRAPHIC = re.compile(
    r"民[國国]\s?([〇零一二三四五六七八九○]{2,3})年([一二三四五六七八九十]{1,2})月([一二三四五六七八九十]{1,3})日"
)
_MINGUO_OFFSET = 1911  # the first year of the Republic of China is 1912
_IDEOGRAPHIC = re.compile(
    r"([一二][〇零一二三四五六七八九○]{3})年([一二三四五六七八九十]{1,2})月([一二三四五六七八九十]{1,3})日"
)
_ERA = re.compile(r"(令和|平成|昭和)\s?(元|\d{1,2})\s?年\s?(\d{1,2})\s?月\s?(\d{1,2})\s?日")
_ERA_OFFSETS = {"令和": 2018, "平成": 1988, "昭和": 1925}
"""Japanese eras, whose first years are 2019, 1989 and 1926."""
_DIGITS = {digit: value for value, digit in enumerate("〇一二三四五六七八九")} | {"零": 0, "○": 0}
_IN_PATH = re.compile(r"/((?:19|20)\d\d)[-/]?(0[1-9]|1[0-2])[-/]?(0[1-9]|[12]\d|3[01])(?!\d)")
# TRS, the content management system of Chinese governments: /201709/t20170925_823173.html.
_IN_TRS_PATH = re.compile(r"/t((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])_\d")

# JCMS, another such system: /art/2026/1/20/art_1234_56789.html.
_IN_JCMS_PATH = re.compile(r"/art/((?:19|20)\d\d)/(\d{1,2})/(\d{1,2})/art_")


def parse_day(text: str, *, is_day_first: bool | None = None) -> date | None:
    """Return the first day that `text` names, None if it names none.

    "03/04/2024" is another day in Britain than in America, and none unless `is_day_first` says
    which is meant. "25/03/2024" can only be one.
    """
    text = text.strip()
    if match := _YEAR_FIRST.search(text) or _COMPACT.match(text):
        return _existing_day(match[1], match[2], match[3])
    if match := _DAY_FIRST.search(text):
        return _existing_day(match[3], _MONTH_OF[match[2].lower()], match[1])
    if match := _MONTH_FIRST.search(text):
        return _existing_day(match[3], _MONTH_OF[match[1].lower()], match[2])
    return _parse_numeric_day(text, is_day_first) or _parse_chinese_day(text)


def parse_short_day(text: str) -> date | None:
    """Return the day that `text` begins with, its year in two digits: 18-03-08. None: none.

    In three it is one of the Minguo calendar: 115-01-20 is in 2026.
    """
    match = _SHORT.match(text)
    if match is None:
        return None
    year = int(match[1]) + (_MINGUO_OFFSET if len(match[1]) > 2 else 2000)
    return _existing_day(str(year), match[2], match[3])


def parse_day_in_path(url: str) -> date | None:
    """Return the day in an address like /2024/03/14/ or /20240314, None if there is none."""
    match = _IN_PATH.search(url) or _IN_TRS_PATH.search(url) or _IN_JCMS_PATH.search(url)
    return _existing_day(match[1], match[2], match[3]) if match else None


def holds_day(text: str) -> bool:
    """Return whether `text` names a day in one of the spellings that are no mere numbers."""
    return any(
        map(re.Pattern.search, (_YEAR_FIRST, _DAY_FIRST, _MONTH_FIRST, _NUMERIC), [text] * 4)
    )


def _parse_numeric_day(text: str, is_day_first: bool | None) -> date | None:
    match = _NUMERIC.search(text)
    if match is None:
        return None
    first, second, year = match.groups()
    if "." in match[0]:  # nobody writes a month first and dots
        return _existing_day(year, second, first)
    days = [_existing_day(year, second, first), _existing_day(year, first, second)]
    if is_day_first is not None and all(days):
        return days[0] if is_day_first else days[1]
    possible = set(days) - {None}
    return possible.pop() if len(possible) == 1 else None


def _parse_chinese_day(text: str) -> date | None:
    """Return a day in ideographs (二〇二四年三月五日), of the Minguo calendar or a Japanese era."""
    if match := _ERA.search(text):
        year = _ERA_OFFSETS[match[1]] + (1 if match[2] == "元" else int(match[2]))
        return _existing_day(str(year), match[3], match[4])
    if match := _IDEOGRAPHIC.search(text):
        year = int("".join(str(_DIGITS[digit]) for digit in match[1]))
        return _existing_day(str(year), _parse_tens(match[2]), str(_parse_tens(match[3])))
    if "民" in text and (match := _MINGUO_IDEOGRAPHIC.search(text)):
        digits = "".join(str(_DIGITS[digit]) for digit in match[1])
        month, day = _parse_tens(match[2]), _parse_tens(match[3])
        return _existing_day(str(int(digits) + _MINGUO_OFFSET), month, str(day))
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
