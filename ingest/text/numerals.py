"""Numerals in digits: 三百 is 300, 二〇二四 is 2024, 250万 and 2.5 million are 2500000."""

import re

_DIGITS = {
    character: str(value)
    for value, characters in enumerate(
        ("〇零", "一壹", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖")
    )
    for character in characters
}
_TENS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1_000, "仟": 1_000}
_MYRIADS = {"万": 10_000, "亿": 100_000_000}
_DIGIT = "".join(_DIGITS)
UNITS = frozenset([*_TENS, *_MYRIADS])
_UNIT = "".join(sorted(UNITS))

NUMERAL_CHARACTERS = frozenset([*_DIGITS, *UNITS])
# Repetitions are bounded here and in `figures`: what matches to the end of a page and fails there
# is tried again at each digit, and Python refuses to read more than 4,300 digits as an integer.
MAX_NUMERAL_CHARACTERS = 20
NUMERAL = rf"(?:[{_DIGIT}十拾][{_DIGIT}{_UNIT}]{{0,{MAX_NUMERAL_CHARACTERS - 1}}})"
"""Pattern of what `parse_numeral` may read. A numeral never begins with 百: 百分之五, 千万不要."""

_ENGLISH = {
    "thousand": 1_000,
    "million": 1_000_000,
    "billion": 1_000_000_000,
    "trillion": 1_000_000_000_000,
}
MAX_DIGITS = 30
"""Digits of a number before its decimals: more are a code, which no unit scales. Python refuses to
read numbers of thousands of digits, and makes one infinity of all that have 309 and more."""
_SCALED = re.compile(
    rf"(\d{{1,3}}(?:,\d{{3}}){{1,6}}|\d{{1,{MAX_DIGITS}}})(?:\.(\d{{1,18}}))?\s?(?:(?P<zh>[{_UNIT}]{{1,2}})(?![{_DIGIT}\d])"
    rf"|(?P<en>{'|'.join(_ENGLISH)})(?![a-z]))"
)


def parse_numeral(text: str) -> str | None:
    """Return the digits of a Chinese numeral in simplified characters, None if it is none."""
    if all(character in _DIGITS for character in text):
        return "".join(_DIGITS[character] for character in text)  # as in years and telephones
    total = section = digit = 0
    unit = 1  # of the last character, 0 behind 零
    for character in text:
        if character in _DIGITS:
            if digit:
                return None  # 三四百 is "three or four hundred"
            digit = int(_DIGITS[character])
            unit = unit if digit else 0
        elif character in _TENS:
            unit = _TENS[character]
            section += (digit or 1) * unit
            digit = 0
        else:
            unit = _MYRIADS[character]
            # 一万亿 is a myriad of 亿, 三亿五千万 is not a myriad of all that is before.
            scaled = section + digit + (total if total < unit else 0)
            total = scaled * unit + (total if total >= unit else 0)
            section = digit = 0
    # 一万二 is short for 一万二千, 一万零二 is not.
    return str(total + section + digit * max(1, unit // 10))


def parse_scaled(text: str, start: int) -> str | None:
    """Return the digits of the number at `start` if a unit follows: 2.5亿, 250万, 2.5 million."""
    found = _SCALED.match(text, start)
    if found is None:
        return None
    factor = _ENGLISH[found["en"]] if found["en"] else 1
    for unit in found["zh"] or "":
        factor *= _TENS.get(unit) or _MYRIADS[unit]
    zeros = len(str(factor)) - 1
    fraction = found[2] or ""
    if len(fraction) > zeros:
        return None
    return str(int(found[1].replace(",", "") + fraction.ljust(zeros, "0")))
