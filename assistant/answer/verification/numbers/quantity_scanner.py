"""Finds the numbers with units, the dates and the times of a text: `scan_figures`."""

import re
from dataclasses import replace

from assistant.answer.verification.numbers.quantities import Quantity
from assistant.answer.verification.numbers.spelled_numerals_zh import WEAK
from assistant.answer.verification.numbers.units import currency_before, unit_behind
from ingest.text.dates import MONTHS, TextDate, date_behind_month
from ingest.text.figures import NUMBER, dates_at, join_groups, spaced_groups
from ingest.text.numerals import MAX_DIGITS

_NUMBER = re.compile(NUMBER)
_FIRST = re.compile(
    r"\d|(?<![a-z])(?:"
    + "|".join(sorted(MONTHS, key=len, reverse=True))
    + r"|noon|midnight)(?![a-z])"
)
_TIME = re.compile(
    r"(?P<hour>2[0-4]|[01]?\d)(?:[:：](?P<minute>[0-5]\d)(?:[:：](?P<second>[0-5]\d))?(?![\d:]))?"
    r"(?:\s?(?P<half>[ap])\.?\s?m\b\.?)?(?P<clock>\s?o['’]?clock)?"
    r"(?:\s(?P<part>in the (?:morning|afternoon|evening)|at night)\b)?"
)
_TIME_ZH = re.compile(
    r"(?P<hour>[01]?\d|2[0-4])\s?[点时](?![间期代候])(?:钟|整)?"
    r"(?:(?P<quarter>[13])刻|\s?(?P<minute>[0-5]?\d)\s?分?|(?P<half>半))?"
)
_AT_TIME = re.compile(r"(?:\b(?:at|by|from)\s+|于)$")
"""What stands before a time of day, and never before how long something took."""
_PART_OF_DAY = re.compile(
    r"(上午|早上|早晨|清晨|凌晨|中午|午间|下午|午后|傍晚|晚上|晚间|夜里|夜间|(?<![最不更较至])[早晚])\s?$"
)
_AFTERNOON = {"下午", "午后", "傍晚", "晚上", "晚间", "夜里", "夜间", "中午", "午间", "晚"}
_MAGNITUDE = re.compile(
    r"[ -]?(?P<word>hundred|thousand|million|billion|trillion|bn|mn|crore|lakh|dozen)s?(?![a-z])"
    r"|(?P<letter>[kKMB])(?![A-Za-z0-9])"
    r"|\s?(?P<zh>万亿|千亿|百亿|百万|千万|十万|十亿|万|亿|千(?![克米瓦赫帕卡焦字])|百(?!分))"
)
_FACTORS = {
    "hundred": 1e2,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "trillion": 1e12,
    "bn": 1e9,
    "mn": 1e6,
    "crore": 1e7,
    "lakh": 1e5,
    "dozen": 12.0,
    "k": 1e3,
    "T": 1e12,
    "K": 1e3,
    "M": 1e6,
    "B": 1e9,
    "百": 1e2,
    "千": 1e3,
    "万": 1e4,
    "亿": 1e8,
    "十万": 1e5,
    "百万": 1e6,
    "千万": 1e7,
    "十亿": 1e9,
    "百亿": 1e10,
    "千亿": 1e11,
    "万亿": 1e12,
}
_AFTER_CURRENCY = re.compile(r"\s?(?P<name>mn?|bn?|k|tn)(?![A-Za-z0-9])", re.IGNORECASE)
"""Behind a currency "m" are millions: £1.3m."""
_LOWER_PART = re.compile(
    rf"\s?(?P<number>\d{{1,{MAX_DIGITS}}}(?:\.\d+)?)\s?(?P<zh>千|万)(?![克米])"
)
_RANGE = re.compile(rf"\s?(?:-|–|—|~|～|to|到|至)\s?(?P<number>{NUMBER})")
_ORDINAL = re.compile(r"(?:st|nd|rd|th)(?![a-z])")
_DECADE = re.compile(r"['’]?s(?![a-z])|\s?年代")
_CENTURY = re.compile(r"[ -]century|世纪|[ -]centuries")
_YEAR_BEHIND = re.compile(r"\s?年(?!代)")
_ERA = re.compile(r"\s?(?:(?P<before>B\.?C\.?(?:E\.?)?)|A\.?D\.?|C\.?E\.?)(?![A-Za-z-])")
_SIGN = re.compile(
    rf"(?:(?<![\w\d)\]%°'\"’”])|(?<=[一-鿿]))[-−]\s?(?:US\$|[$€£¥])?{WEAK}?$|(?:零下|负|minus "
    rf"|negative )$"
)
_BELOW_ZERO = re.compile(
    r"\s?(?:°C|°F|°|degrees?(?: Celsius| Fahrenheit)?)? below (?:zero|0(?![\d.])|freezing)"
)
_CHINESE_PART = re.compile(r"(?:(?P<per>百|千|万)分之|(?P<bottom>\d+)分之)$")
_CHINESE_BOTTOM = re.compile(r"\d+\s?分之\s?(?=\d)")
_BELONGING = re.compile(
    r"(?:[百千万]分之|零下|负|minus |negative |公元|(?:US|HK)\$\s?|[$€£¥￥₹₩]\s?"
    r"|\b(?:EUR|USD|GBP|CNY|RMB|JPY|CHF|HKD) ?|第)+$"
)
_TENTHS = re.compile(r"\s?成(?![为立功员长本就绩分])")
_CODE_BEHIND = re.compile(r"[A-Za-z]")
_MAY_BE_VERB = {"may", "march", "mar"}
_BEFORE_MONTH = re.compile(
    r"(?:\b(?:in|of|since|until|till|by|from|to|last|next|this|early|late|mid|during|between|and"
    r"|before"
    r"|after|every|each|for|on|through|around|\d{1,2}(?:st|nd|rd|th)?)|[,(/–-])[ -]*$",
    re.IGNORECASE,
)
_JOINT = re.compile(r"(?:, ?)?\s?(?P<and>and\s)?|[零又]")
_CLAUSE_ENDS = re.compile(r"\s*(?:[.,;:!?)。，；：！？）]|$|(?:from|of|old|long|later|ago)\b)")
"""Behind "2 hours and 15 minutes" where they are one: a verb would make two of them."""
_JOINED_DIMENSIONS = frozenset({"time", "length", "mass", "months"})
_VERSION_BEFORE = re.compile(
    r"(?:\b(?:version|release|ver\.|v|python|java|node(?:\.js)?|php|go|ruby|rust|ubuntu|debian|android"
    r"|ios|macos|windows|kernel|linux|chrome|firefox|postgresql|mysql|redis|kubernetes|docker|django"
    r"|react|vue|angular|typescript|cuda|pytorch|tensorflow)|版本号?|版)[ :：]?$",
    re.IGNORECASE,
)
"""What is before a version: 2.10 is not 2.1 there."""
MAX_NAME_DISTANCE = 12
"""Characters before a number in which such a name may stand."""
MINUTES_PER_HOUR = 60
NOON = 12
LAST_HOUR = 24
LEAST_YEAR, MOST_YEAR = 1000, 2999


def scan_figures(text: str) -> list[Quantity]:
    """Return the figures of a text in order; its words are digits already (`digits_for_words`)."""
    lower = text.lower()
    if len(lower) != len(text):  # a letter whose lower case has two: İ
        lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    scanner = _Scanner(text, lower)
    figures: list[Quantity] = []
    position = 0
    while found := _FIRST.search(lower, position):
        figure, end = scanner.figure_at(found.start(), found.end(), position)
        position = max(end, found.start() + 1)
        if figure is None:
            continue
        if figures and (joined := _compound_quantity(figures[-1], figure, text)):
            figures[-1] = joined
        else:
            figures.append(figure)
    return figures


def _compound_quantity(first: Quantity, second: Quantity, text: str) -> Quantity | None:
    """Return one quantity for 1 h 20 min, 5 ft 10 in, 3分20秒; None where they are two."""
    if second.dimension == "decade" and first.dimension == "time" and text[second.end - 1] == "s":
        second = replace(second, dimension="time", base=second.value)  # 4min 30s
    is_measure = first.kind == second.kind == "number" and first.dimension in _JOINED_DIMENSIONS
    between = text[first.end : second.start]
    joint = _JOINT.fullmatch(between)
    if not is_measure or first.dimension != second.dimension or not joint:
        return None
    # "It takes 2 hours and 15 minutes are for lunch" speaks of two.
    if joint["and"] and not _CLAUSE_ENDS.match(text, second.end):
        return None
    if not first.value or not second.value or first.weak or second.weak:
        return None
    # The second is of a smaller unit, and less than one of the first.
    if not 0 < second.base < (first.last_unit or first.base / first.value):
        return None
    base = first.base + second.base
    value = base / (first.base / first.value)
    last_unit = second.base / second.value
    return replace(first, end=second.end, base=base, value=value, last_unit=last_unit)


class _Scanner:
    """Reads the figure at a place of one text."""

    def __init__(self, text: str, lower: str) -> None:
        self._text = text
        self._lower = lower

    def figure_at(self, start: int, end: int, past: int) -> tuple[Quantity | None, int]:
        """Return the figure that begins at `start`, if one does, and where to go on."""
        if not self._text[start].isdigit():
            return self._word(start, end)
        before = self._text[start - 1 : start]
        attached = before.isascii() and before.isalpha()
        if attached and currency_before(self._text, start) is None:
            # Letters and digits together are a name: RTX4090, H2O.
            return None, _after_alphanumerics(self._text, start)
        if part := _CHINESE_BOTTOM.match(self._text, start):
            figure, end = self._number(part.end())
            return (replace(figure, start=start) if figure else None), end
        figure, end = self._time(start) or (None, start)
        if figure is None:
            dates, end = dates_at(self._lower, start)
            if dates and before != "第":
                begin = max(start, past)
                figure = Quantity(kind="date", start=begin, end=end, dates=tuple(dates))
            else:
                figure, end = self._number(start)
        if figure is not None:
            # What is before and belongs to it is no token of its own: 百分之, 零下, $.
            belonging = _BELONGING.search(self._text, max(past, start - 9), figure.start)
            figure = replace(figure, start=belonging.start()) if belonging else figure
        return figure, end

    def _word(self, start: int, end: int) -> tuple[Quantity | None, int]:
        """Read the name of a month, with the digits behind it, or of a time of day."""
        word = self._lower[start:end]
        if word in ("noon", "midnight"):
            minutes = frozenset({NOON * MINUTES_PER_HOUR if word == "noon" else 0})
            return Quantity(kind="time", start=start, end=end, minutes=minutes), end
        if not self._text[start].isupper() and word in (*_MAY_BE_VERB, "dec", "sep", "jan", "mar"):
            return None, end
        digits = re.compile(r"\.?[\s-]*").match(self._lower, end)
        assert digits
        dates, stop = date_behind_month(self._lower, digits.end(), MONTHS[word])
        if dates:
            return Quantity(kind="date", start=start, end=stop, dates=tuple(dates)), stop
        before = self._text[max(0, start - 12) : start]
        if word in _MAY_BE_VERB and not _BEFORE_MONTH.search(before):
            return None, end
        if not self._text[start].isupper():
            return None, end
        date = TextDate(month=MONTHS[word])
        return Quantity(kind="date", start=start, end=end, dates=(date,)), end

    def _time(self, start: int) -> tuple[Quantity, int] | None:
        part = _PART_OF_DAY.search(self._text, max(0, start - 4), start)
        if found := _TIME_ZH.match(self._text, start):
            hour = int(found["hour"])
            quarter = int(found["quarter"] or 0) * 15
            minute = 30 if found["half"] else quarter or int(found["minute"] or 0)
            plain = found.end() - start <= len("12点") and "点" in found[0] and not part
            # "3点" without more may be three points of a list.
            if not (
                plain and self._text[found.end() : found.end() + 1] in ("建", "意", "要", "原")
            ):
                hours = _hours(hour, afternoon=(part[1] in _AFTERNOON) if part else None)
                begin = part.start() if part else start
                return self._clock(hours, minute, begin, found.end())
            return None
        found = _TIME.match(self._lower, start)
        if not found or not any(found[name] for name in ("minute", "half", "clock", "part")):
            return None
        afternoon = None
        if found["half"]:
            afternoon = found["half"] == "p"
        elif found["part"] and found["part"] != "at night":
            afternoon = not found["part"].endswith("morning")
        elif part:
            afternoon = part[1] in _AFTERNOON
        hours = _hours(int(found["hour"]), afternoon=afternoon)
        begin = part.start() if part else start
        minute = int(found["minute"] or 0)
        figure, end = self._clock(hours, minute, begin, found.end())
        if found["second"]:
            # 2:04:30 may be how long something took.
            seconds = int(found["hour"]) * 3600 + minute * 60 + int(found["second"])
            figure = replace(figure, base=float(seconds))
        before = _AT_TIME.search(self._lower, max(0, start - 6), start)
        return replace(figure, is_of_day=afternoon is not None or before is not None), end

    @staticmethod
    def _clock(hours: set[int], minute: int, start: int, end: int) -> tuple[Quantity, int]:
        minutes = frozenset(hour * MINUTES_PER_HOUR + minute for hour in hours)
        return Quantity(kind="time", start=start, end=end, minutes=minutes), end

    def _number(self, start: int) -> tuple[Quantity | None, int]:
        found = _NUMBER.match(self._text, start)
        assert found
        raw, end = join_groups(found[0]), found.end()
        if raw.count(".") > 1:
            return Quantity(kind="code", start=start, end=end, code=raw), end
        if (groups := spaced_groups(self._text, start)) and len(groups.split()[-1]) == 3:
            raw, end = groups.replace(" ", ""), start + len(groups)
        if len(raw.partition(".")[0]) > MAX_DIGITS:
            return Quantity(kind="code", start=start, end=end, code=raw), end
        value = float(raw)
        weak = self._text[start - 1 : start] == WEAK
        return self._measured(value, start, end, weak=weak)

    def _measured(
        self, value: float, start: int, end: int, *, weak: bool
    ) -> tuple[Quantity | None, int]:
        """Return the number with its magnitude, unit and sign."""
        text = self._text
        number_end = end
        begin = start - weak
        currency = currency_before(text, begin)
        factor, end = self._magnitude(end)
        if currency and factor == 1 and (short := _AFTER_CURRENCY.match(text, end)):
            factor, end = _FACTORS[short["name"][0].upper()], short.end()
        value *= factor
        if factor > 1 and (lower := _LOWER_PART.match(text, end)):
            value += float(lower["number"]) * _FACTORS[lower["zh"]]
            end = lower.end()
        dimension, unit_factor, end = self._dimension(value, end)
        if not dimension and factor == 1 and (spread := _RANGE.match(text, end)):
            # "5 to 12 kg", "3到5万": both ends have the magnitude and the unit of the last.
            shared, stop = self._magnitude(spread.end())
            value *= shared
            dimension, unit_factor, _ = self._dimension(value, stop)
        ordinal = _ORDINAL.match(self._lower, end)
        if not dimension and not ordinal and number_end == end and _CODE_BEHIND.match(text, end):
            return None, _after_alphanumerics(text, end)  # 33C, 3D: part of a name
        end = ordinal.end() if ordinal else end
        # The sign before counts more than a word behind: "$5 million in 3 years".
        if currency:
            dimension, unit_factor = currency.dimension, currency.factor
        below = _BELOW_ZERO.match(text, number_end)
        negative = below or _SIGN.search(text, max(0, begin - 9), begin)
        sign = -1.0 if negative else 1.0
        base, rounded, dimension = self._base(value, unit_factor, dimension, start)
        number_text = text[start:number_end]
        plain = factor == 1 and not dimension
        stop = max(end, below.end() if below else 0)
        return (
            Quantity(
                version=number_text if plain and self._is_version(number_text, begin) else "",
                kind="number",
                start=begin,
                end=stop,
                value=sign * value,
                base=sign * base,
                dimension=dimension,
                rounded=rounded,
                weak=weak,
            ),
            stop,
        )

    def _is_version(self, written: str, begin: int) -> bool:
        """Return whether a number is behind "version", or behind the name of a program."""
        before = _VERSION_BEFORE.search(self._text, max(0, begin - MAX_NAME_DISTANCE), begin)
        return "." in written and before is not None

    def _base(
        self, value: float, unit_factor: float, dimension: str, start: int
    ) -> tuple[float, bool, str]:
        """Return the value in base units, whether it is rounded, and the dimension."""
        if part := _CHINESE_PART.search(self._text, max(0, start - 6), start):
            bottom = {"百": 100, "千": 1000, "万": 10_000}.get(part["per"] or "", 0)
            bottom = bottom or int(part["bottom"] or 0) or 1
            # Of a hundred it is exact, of seven it is not.
            return value / bottom, part["bottom"] is not None, "ratio"
        base = value * unit_factor
        # .333333, .142857: a fraction that has no end, out of words.
        endless = value < 1 and len(repr(value)) >= len("0.333333")
        return base, endless and dimension in ("", "ratio"), dimension

    def _magnitude(self, end: int) -> tuple[float, int]:
        # Case first: "2M" are two million, "2m" two metres.
        found = _MAGNITUDE.match(self._text, end)
        if found is None:
            found = _MAGNITUDE.match(self._lower, end)
            if found is None or not found["word"]:
                return 1.0, end
        name = (found["word"] or "").lower() or found["letter"] or found["zh"]
        factor = _FACTORS[name]
        # "ten million billion" is no number, "万 亿" is one.
        more = _MAGNITUDE.match(self._text, found.end()) if found["zh"] else None
        if more and more["zh"]:
            return factor * _FACTORS[more["zh"]], more.end()
        return factor, found.end()

    def _dimension(self, value: float, end: int) -> tuple[str, float, int]:
        """Return dimension, factor and end of what is behind a number."""
        text = self._text
        if era := _ERA.match(text, end):
            return "years before Christ" if era["before"] else "years of our era", 1.0, era.end()
        if decade := _DECADE.match(text, end):
            # 20世纪70年代 is the 1970s.
            before = re.compile(r"(\d{1,2})\s?世纪\s?\d\d$").search(text, max(0, end - 8), end)
            offset = (int(before[1]) - 1) * 100 if before and value < 100 else 0
            return "decade", (value + offset) / value if value else 1.0, decade.end()
        if ordinal := _ORDINAL.match(self._lower, end):
            century = _CENTURY.match(self._lower, ordinal.end())
            return ("century", 1.0, century.end()) if century else ("", 1.0, ordinal.end())
        year = _YEAR_BEHIND.match(text, end)
        if year and LEAST_YEAR <= value <= MOST_YEAR and value.is_integer():
            return "", 1.0, year.end()
        if tenths := _TENTHS.match(text, end):
            return "ratio", 0.1, tenths.end()
        if unit := unit_behind(text, end):
            return unit[0].dimension, unit[0].factor, unit[1]
        return "", 1.0, end


def _hours(hour: int, *, afternoon: bool | None) -> set[int]:
    """Return the hours of the day that may be meant."""
    if afternoon is None:
        return {hour % LAST_HOUR, hour + NOON} if 0 < hour < NOON else {hour % LAST_HOUR}
    if hour >= NOON:
        return {hour % LAST_HOUR} if afternoon or hour > NOON else {0}
    return {hour + NOON} if afternoon else {hour}


def _after_alphanumerics(text: str, start: int) -> int:
    # A digit of any script: the letter may be before an Arabic one.
    while start < len(text) and (
        text[start].isdigit() or (text[start].isascii() and text[start].isalnum())
    ):
        start += 1
    return start
