"""What rules make of a true sentence: another format of it, an alteration, an exchange."""

import random
import re
from collections.abc import Callable

from ingest.text.words import content_words

Maker = Callable[[str, str, random.Random], str | None]
"""Makes another sentence of one, given the passages around it; None where nothing can change."""

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
WORDS = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_WORD = re.compile(rf"\b({'|'.join(WORDS)})\b")
_MONTH = re.compile(
    rf"\b({'|'.join(MONTHS)})\b(?=\s+\d|,|\.| of| and|$)|\b(?<=[Ii]n )({'|'.join(MONTHS)})\b"
)
_YEAR = re.compile(r"(?<![\d,.])(1[5-9]\d\d|20[012]\d)(?![\d,]|\.\d)")
_DIGITS = re.compile(r"(?<![A-Za-z\d.,])\d[\d,]*(?:\.\d+)?(?![A-Za-z\d])")
_NUMERAL = re.compile(r"[二三四五六七八九](?=[年个名天次倍种条位届座所家场]|小时|分钟|公里)")
_NAME = re.compile(r"(?<=[a-z,] )(?:[A-Z][a-z]{2,}(?: (?:[A-Z][a-z]+))*)(?=[ ,.;)])")
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|can|has been|have been|will|must|should|could|would)\b(?! not)"
)
_AUXILIARY_ZH = re.compile(
    r"(?<![不没就都还也只若要总可于正老像便即先])(是|会|能|可以|必须|曾|将)(?!否|不|议|社|员|计|力|长|场|谈|见|军|经)|(?<![没所具只拥还])有(?=[一二三四五六七八九十\d])"
)
_UNITS = {
    "kilometres": "metres",
    "kilometers": "meters",
    "km": "m",
    "miles": "feet",
    "feet": "miles",
    "metres": "kilometres",
    "meters": "kilometers",
    "kg": "g",
    "%": "‰",
    "percent": "degrees",
    "million": "billion",
    "billion": "million",
    "hours": "days",
    "days": "weeks",
    "years": "days",
    "months": "weeks",
    "weeks": "months",
    "minutes": "hours",
    "seconds": "minutes",
    "公里": "米",
    "米": "公里",
    "万": "亿",
    "亿": "万",
    "小时": "天",
    "分钟": "小时",
    "天": "周",
    "公斤": "克",
    "克": "公斤",
    "美元": "欧元",
    "元": "美元",
    "英里": "公里",
    "英尺": "米",
    "个月": "年",
}
_UNIT = re.compile(
    r"(?<![A-Za-z]\d)(?<![A-Za-z]\d\d)(?<=\d)([ -]?)("
    + "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
    + r")(?![a-z兆])"
)
_TEMPERATURE = re.compile(r"(?<![\w.,-])-?\d+(?:\.\d+)?(?= ?(?:°C|°F|℃|degrees|摄氏度|%))")
_ZH_NAME = re.compile(
    r"(?<=[在于由与和对从向])[一-鿿]{2,5}(?:省|市|县|州|国|大学|公司|学院|战争|王朝|铁路|机场|中学|地区)"
    r"|《[^》]{2,12}》|「[^」]{2,12}」|“[^”]{2,10}”|[一-鿿]{1,6}·[一-鿿]{1,6}"
)


def _replace(found: re.Match[str] | None, by: str) -> str | None:
    if found is None:
        return None
    return found.string[: found.start()] + by + found.string[found.end() :]


def _pick(pattern: re.Pattern[str], text: str, draw: random.Random) -> re.Match[str] | None:
    found = list(pattern.finditer(text))
    return draw.choice(found) if found else None


def _digit(sentence: str, _: str, draw: random.Random) -> str | None:
    found = _pick(_DIGITS, sentence, draw)
    if found is None:
        return None
    places = [i for i, c in enumerate(found[0]) if c.isdigit()]
    place = draw.choice(places)
    digit = draw.choice([d for d in "123456789" if d != found[0][place]])
    return _replace(found, found[0][:place] + digit + found[0][place + 1 :])


def _year(sentence: str, _: str, draw: random.Random) -> str | None:
    found = _pick(_YEAR, sentence, draw)
    return (
        _replace(found, str(int(found[0]) + draw.choice([-30, -3, -1, 1, 2, 10])))
        if found
        else None
    )


def _month(sentence: str, _: str, draw: random.Random) -> str | None:
    found = _pick(_MONTH, sentence, draw)
    return _replace(found, draw.choice([m for m in MONTHS if m != found[0]])) if found else None


def _month_zh(sentence: str, _: str, draw: random.Random) -> str | None:
    found = _pick(re.compile(r"(?<!\d)\d{1,2}(?= ?月(?!球))"), sentence, draw)
    return (
        _replace(
            found, draw.choice([str(m) for m in range(1, 13) if str(m) != found[0].lstrip("0")])
        )
        if found
        else None
    )


def _word(sentence: str, _: str, draw: random.Random) -> str | None:
    found = _pick(_WORD, sentence, draw)
    return (
        _replace(found, draw.choice([w for w in ["one", *WORDS] if w != found[0]]))
        if found
        else None
    )


def _word_zh(sentence: str, _: str, draw: random.Random) -> str | None:
    found = _pick(_NUMERAL, sentence, draw)
    return (
        _replace(found, draw.choice([w for w in "一二三四五六七八九" if w != found[0]]))
        if found
        else None
    )


def _unit(sentence: str, _: str, draw: random.Random) -> str | None:
    found = _pick(_UNIT, sentence, draw)
    return _replace(found, found[1] + _UNITS[found[2]]) if found else None


def _sign(sentence: str, _: str, draw: random.Random) -> str | None:
    found = _pick(_TEMPERATURE, sentence, draw)
    return (
        _replace(found, found[0].lstrip("-") if found[0].startswith("-") else f"-{found[0]}")
        if found
        else None
    )


def _negated(sentence: str, _: str, draw: random.Random) -> str | None:
    found = _pick(_AUXILIARY, sentence, draw)
    if found is None:
        return None
    first, _, rest = found[0].partition(" ")
    return _replace(
        found, draw.choice([f"{first} not {rest}".strip(), f"{first} never {rest}".strip()])
    )


def _negated_zh(sentence: str, _: str, draw: random.Random) -> str | None:
    found = _pick(_AUXILIARY_ZH, sentence, draw)
    if found is None:
        return None
    by = {"有": "没有", "曾": "未曾", "将": "不会", "必须": "不必"}.get(found[0], f"不{found[0]}")
    return _replace(found, by)


_VALUES = ("True", "False", "None")


def _names(text: str, pattern: re.Pattern[str]) -> list[str]:
    # "This" and "True" have capitals and are no names.
    found = dict.fromkeys(found[0] for found in pattern.finditer(text))
    return [name for name in found if content_words(name) and name not in _VALUES]


def _renamed(pattern: re.Pattern[str]) -> Maker:
    def make(sentence: str, near: str, draw: random.Random) -> str | None:
        own = _names(sentence, pattern)
        found = _pick(re.compile("|".join(map(re.escape, own))), sentence, draw) if own else None
        others = [
            n for n in _names(near, pattern) if n not in sentence and not (found and found[0] in n)
        ]
        others = [n for n in others if found and not set(n.split()) & set(found[0].split())]
        return _replace(found, draw.choice(others)) if found and others else None

    return make


def _swapped(pattern: re.Pattern[str]) -> Maker:
    def make(sentence: str, _: str, draw: random.Random) -> str | None:
        found = list(pattern.finditer(sentence))
        pairs = [
            (a, b)
            for i, a in enumerate(found)
            for b in found[i + 1 :]
            # "A and B" is true the other way round, too.
            if len(sentence[a.end() : b.start()].strip()) > 6
            and not set(a[0].split()) & set(b[0].split())
            and sentence.count(a[0]) == sentence.count(b[0]) == 1
        ]
        if not pairs:
            return None
        a, b = draw.choice(pairs)
        return (
            sentence[: a.start()]
            + b[0]
            + sentence[a.end() : b.start()]
            + a[0]
            + sentence[b.end() :]
        )

    return make


def _moved(sentence: str, _: str, __: random.Random) -> str | None:
    """A true one: "In 2004, X did Y." as "X did Y in 2004."."""
    found = re.match(r"(In|On|During|After|Before|At) ([^,]{3,30}), ([^,;:]+)\.$", sentence)
    if not found:
        return None
    rest = found[3]
    if (
        not rest.startswith(("the ", "a ", "an ", "it ", "he ", "she ", "they "))
        or len(rest.split()) < 5
    ):
        return None
    return f"{rest[0].upper()}{rest[1:]} {found[1].lower()} {found[2]}."


def _shortened(sentence: str, _: str, __: random.Random) -> str | None:
    """A true one: what stands before the first relative clause, aside or semicolon."""
    found = re.match(
        r"(.{30,}?)(?:, (?:which|where|who|although|while|but|and)\b|;| \(|——|，(?:而|但|并))",
        sentence,
    )
    return f"{found[1]}." if found and len(found[1].split()) > 6 else None


def _shortened_zh(sentence: str, _: str, __: random.Random) -> str | None:
    found = re.match(r"([^（(「“]{12,}?)，", sentence)
    return f"{found[1]}。" if found else None


def _led_in(sentence: str, _: str, __: random.Random) -> str | None:
    """A true one, as models begin: "According to the passages, ..."."""
    lower = (
        sentence[0].lower() + sentence[1:]
        if re.match(r"(?:The|A|An|In|It|This) ", sentence)
        else sentence
    )
    return f"According to the passages, {lower}"


def _led_in_zh(sentence: str, _: str, __: random.Random) -> str | None:
    return f"根据资料，{sentence}"


def _reformatted(sentence: str, _: str, draw: random.Random) -> str | None:
    """A true one: a number, date or unit of it in another format."""
    made = []
    for found in re.finditer(rf"\b({'|'.join(MONTHS)}) (\d{{1,2}}), (1[5-9]\d\d|20\d\d)", sentence):
        month = MONTHS.index(found[1]) + 1
        made += [
            _replace(found, f"{found[2]} {found[1]} {found[3]}"),
            _replace(found, f"{found[3]}-{month:02}-{int(found[2]):02}"),
        ]
    for found in re.finditer(rf"\b(\d{{1,2}}) ({'|'.join(MONTHS)}) (1[5-9]\d\d|20\d\d)", sentence):
        made.append(_replace(found, f"{found[2]} {found[1]}, {found[3]}"))
    for found in re.finditer(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d.])", sentence):
        made.append(_replace(found, found[0].replace(",", "")))
    for found in re.finditer(r"(?<![\d.,$€£])(\d+(?:\.\d+)?) million(?! [a-z]*illion)", sentence):
        made.append(_replace(found, f"{round(float(found[1]) * 1_000_000):,}"))
    for found in re.finditer(
        rf"\b({'|'.join(WORDS)})\b(?![ -](?:thirds|quarters|fifths))", sentence
    ):
        made.append(_replace(found, str(WORDS.index(found[0]) + 2)))
    for found in re.finditer(r"(?<![\d.,])(\d+(?:\.\d+)?)%", sentence):
        made.append(_replace(found, f"{found[1]} percent"))
    for found in re.finditer(
        r"(?<=[a-z] )([2-9]|1[0-2])(?= [a-z]{3,})(?! (?:million|billion|percent|am|pm|to|and|or))",
        sentence,
    ):
        made.append(_replace(found, WORDS[int(found[1]) - 2]))
    for found in re.finditer(r"(?<![\d.,])(\d+(?:\.\d+)?) ?km\b", sentence):
        made.append(_replace(found, f"{float(found[1]) * 1000:.10g} metres"))
    good = [text for text in made if text]
    return draw.choice(good) if good else None


def _numeral_of(value: int) -> str:
    digits = "零一二三四五六七八九"
    if value < 10:
        return digits[value]
    tens, ones = divmod(value, 10)
    return ("" if tens == 1 else digits[tens]) + "十" + (digits[ones] if ones else "")


def _reformatted_zh(sentence: str, _: str, draw: random.Random) -> str | None:
    made = []
    for found in re.finditer(r"(?<![\d.,])(\d{4}) ?年 ?(\d{1,2}) ?月 ?(\d{1,2}) ?[日号]", sentence):
        made += [
            _replace(found, f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}"),
            _replace(found, f"{found[1]}年{int(found[2]):02}月{int(found[3]):02}日"),
        ]
    for found in re.finditer(r"(?<![\d.,–~至-])(\d+(?:\.\d+)?)[%％]", sentence):
        made.append(_replace(found, f"百分之{found[1]}"))
    for found in re.finditer(r"(?<![\d.,年月])(\d+(?:\.\d+)?) ?万(?![亿\d])", sentence):
        made.append(_replace(found, f"{round(float(found[1]) * 10_000)}"))
    for found in re.finditer(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d.])", sentence):
        made.append(_replace(found, found[0].replace(",", "")))
    for found in re.finditer(r"(?<![\d.,-])([2-9]|[1-9]\d)(?=[名个位所家座次倍人岁])", sentence):
        made.append(_replace(found, _numeral_of(int(found[1]))))
    for found in re.finditer(r"(?<![\d.,])(\d+(?:\.\d+)?) ?公里", sentence):
        made.append(_replace(found, f"{float(found[1]) * 1000:.10g}米"))
    good = [text for text in made if text]
    return draw.choice(good) if good else None


MAKERS: dict[str, Maker] = {
    "reformatted": _reformatted,
    "moved": _moved,
    "shortened": _shortened,
    "led in": _led_in,
    "digit": _digit,
    "year": _year,
    "month": _month,
    "number word": _word,
    "unit": _unit,
    "sign": _sign,
    "negated": _negated,
    "name replaced": _renamed(_NAME),
    "names swapped": _swapped(_NAME),
}
MAKERS_ZH: dict[str, Maker] = {
    "reformatted": _reformatted_zh,
    "shortened": _shortened_zh,
    "led in": _led_in_zh,
    "digit": _digit,
    "year": _year,
    "month": _month_zh,
    "number word": _word_zh,
    "unit": _unit,
    "sign": _sign,
    "negated": _negated_zh,
    "name replaced": _renamed(_ZH_NAME),
    "names swapped": _swapped(_ZH_NAME),
}
TRUE_KINDS = frozenset(("true", "reformatted", "moved", "shortened", "led in"))
