"""Numbers in words become digits, so that one parser reads them: twenty-five, 二十五, 一半."""

import itertools
import re
import unicodedata

from ingest.text.numerals import (
    MAX_DIGITS,
    NUMERAL,
    NUMERAL_CHARACTERS,
    UNITS,
    parse_numeral,
)

WEAK = "\ue000"
"""Stands before the digits of a word that is often no number: "one of them", "at first", 一个. Such
a number need not be in the passage; that another one is in its place is still an error."""

_ONES = dict(
    zip(
        re.findall(
            r"\w+",
            """
    zero one two three four five six seven eight nine ten eleven twelve thirteen
    fourteen fifteen sixteen seventeen eighteen nineteen
    """,
        ),
        range(20),
        strict=True,
    )
)
_TENS = dict(
    zip(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
        range(20, 100, 10),
        strict=True,
    )
)
_SCALES = {
    "dozen": 12,
    "hundred": 100,
    "thousand": 1_000,
    "million": 1_000_000,
    "billion": 1_000_000_000,
    "trillion": 1_000_000_000_000,
}
_ORDINALS = dict(
    zip(
        re.findall(
            r"\w+",
            """
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth
    thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth
    twentieth
    """,
        ),
        range(1, 21),
        strict=True,
    )
)
_ORDINALS |= {
    "thirtieth": 30,
    "fortieth": 40,
    "fiftieth": 50,
    "sixtieth": 60,
    "seventieth": 70,
    "eightieth": 80,
    "ninetieth": 90,
}
_DENOMINATORS = {name: value for name, value in _ORDINALS.items() if value > 2}
_DENOMINATORS |= {"half": 2, "quarter": 4}
_CARDINALS = _ONES | _TENS

_CARDINAL = "|".join(sorted(_CARDINALS, key=len, reverse=True))
_SCALE = "|".join(_SCALES)
_ORDINAL = "|".join(sorted(_ORDINALS, key=len, reverse=True))
_DENOMINATOR = "|".join(sorted(_DENOMINATORS, key=len, reverse=True))
_MAY_BE_WORDS = re.compile(rf"(?:{_CARDINAL}|{_SCALE}|{_ORDINAL}|half|quarter)", re.IGNORECASE)
_FRACTION = re.compile(
    rf"\b(?:(?P<top>a|one|two|three|four|five|seven|nine)[ -])(?P<bottom>{_DENOMINATOR})"
    r"(?P<plural>s|ves)?\b(?=(?P<of> of\b)?)",
    re.IGNORECASE,
)
_AND_A_HALF = re.compile(
    rf"\b(?P<whole>{_CARDINAL}|\d{{1,{MAX_DIGITS}}})[ -]and[ -]a[ -]half\b"
    rf"|\bhalf(?= an? (?P<unit>hour|million|billion|day|year|mile|century|dozen)\b) an?"
    rf"|\bhalf(?=(?: of)? (?:the|all|its|their|our)\b)",
    re.IGNORECASE,
)
_CARDINAL_RUN = re.compile(
    rf"\b(?:(?:{_CARDINAL})(?![a-z])|a(?= (?:{_SCALE})\b))"
    rf"(?:[ -](?:and )?(?:{_CARDINAL}|{_SCALE})(?![a-z]))*"
    rf"(?:[ -](?P<ordinal>{_ORDINAL})\b)?",
    re.IGNORECASE,
)
_BOUND_BEFORE = re.compile(
    r"\b(?:at (?:least|most)|exactly|only|(?:more|less|fewer) than|up to|precisely) $",
    re.IGNORECASE,
)
"""Behind these "one" is a number, and not "one of them"."""
_LONE_ORDINAL = re.compile(rf"\b({_ORDINAL})\b", re.IGNORECASE)
_SECONDS = re.compile(r"(?:\d|\b(?:per|each|every|a|half))[ -]?$", re.IGNORECASE)
_ROMAN_DIGITS = {"I": 1, "V": 5, "X": 10}
_MAY_BE_ROMAN = re.compile(r" [IVX]+\b")
# A lone I is a pronoun, except behind what is numbered.
_ROMAN = re.compile(
    r"(?P<before>\b(?:[A-Z][a-z]{2,}|grade|type|class|phase|part|stage|level|chapter) )"
    r"(?P<roman>(?:X{1,2}(?:IX|IV|V?I{0,3})|IX|IV|VI{1,3}|II{1,2}|(?<=War )I|(?<=[Tt]ype )I"
    r"|(?<=[Gg]rade )I|(?<=[Cc]lass )I|(?<=[Pp]hase )I|(?<=[Pp]art )I)(?!\w))"
)
_VULGAR = re.compile(rf"(?:(?<!\d)(?P<whole>\d{{1,{MAX_DIGITS}}}) ?)?(?P<part>[¼½¾⅐-⅞])")

# 一 before these counts something; before others (一个, 一些, 一种) it is an article.
_COUNTED_ONE = re.compile(
    r"(?:年(?!级)|个月|月|日|天|周|小时|分钟|秒|公里|千米|米(?!色)|倍|次(?!性)|岁|元|届|世纪|名|级|层|楼|章|条"
    r"|胎|任|国|省|百|千|万|亿|半)"
)
_COUNTED = re.compile(
    r"(?:个|年|月|日|天|周|星期|小时|时|分钟|分|秒|点|岁|名|人|位|倍|次|种|条|项|元|块|角|米|公里|千米|厘米"
    r"|毫米|里|英|克|千克|公斤|斤|吨|升|毫升|度|层|座|家|所|支|队|场|届|章|节|级|代|世纪|万|亿|百|千|号|口"
    r"|只|头|匹|辆|架|艘|台|部|本|页|篇|段|句|字|大|国|省|市|县|州|区|岛|洲|类|组|批|期|份|票|成|楼|室|间"
    r"|套|件|把|张|片|颗|枚|轮|回|遍|趟|处|阶|行|列|步|笔|户|村|镇|门|科|党|战|军|师|团|营|连|女|男|孩|员"
    r"|盘|局|球|胜|负|比|杯|碗|瓶|袋|箱|半|十|周年|季|刻|重|维|元|极|万|任|子|方|摄|华|海|平|立|加|英|美)"
)
_NUMERALS = re.compile(rf"(?<![{''.join(sorted(NUMERAL_CHARACTERS))}])(?P<numeral>{NUMERAL})")
_COUNTED_BEFORE = re.compile(
    r"(?:第|分之|星期|礼拜|周|零下|负|上午|下午|晚上|凌晨|早上|中午|傍晚|晚间|清晨|午后|[点时月]|约|近|达|共有?|为)$"
)
_MAY_BE_NUMERAL = re.compile(
    r"翻番|翻倍|\d米\d|打对折|[〇零一二两三四五六七八九十壹贰叁肆伍陆柒捌玖拾半]|百分之百"
)


HOURS_OF_CLOCK = 12
MINUTES_OF_HOUR = 60
_HOUR = rf"(?P<hour>{_CARDINAL}|1[0-2]|[1-9])(?![:\d])\b"
_UNIT_OF_HALVES = (
    r"hour|day|week|month|year|decade|century|mile|kilomet(?:er|re)|met(?:er|re)|foot|inch"
    r"|ton(?:ne)?|pound|minute|point"
)
_MAY_BE_PHRASE = re.compile(
    r"half past|quarter (?:to|past)|\b(?:five|ten|twenty) (?:to|past) |\d ?(?:ft|feet)\b"
    r"|and a half|twice|thrice|(?:doubl|tripl|quadrupl|halv)(?:e|ing)"
    r"|['’]\d\d\b|\bQ[1-4]\b|\bnil\b|(?:twent|thirt|fort|fift|sixt|sevent|eight|ninet)ies\b"
    r"|minutes (?:to|past)",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    rf"\b(?:a )?(?:(?P<part>half|quarter)|(?P<minutes>{_CARDINAL}|[1-5]?\d) minutes"
    r"|(?:(?<=\bat )|(?<=\bby )|(?<=\buntil )|(?<=\bbefore )|(?<=\bafter )|(?<=\baround ))"
    r"(?P<bare>five|ten|twenty|twenty-five)) "
    rf"(?P<side>past|to) {_HOUR}",
    re.IGNORECASE,
)
_CLOCK_END = re.compile(
    r"\s*(?:$|[,.;:!?)]|(?:in the (?:morning|afternoon|evening)|at night|on|and|or|every|each|when"
    r"|but|today|tonight|tomorrow|yesterday|sharp|exactly|daily)\b)",
    re.IGNORECASE,
)
_UNIT_AND_A_HALF = re.compile(
    rf"\b(?P<whole>an?|{_CARDINAL}|\d{{1,{MAX_DIGITS}}})[ -](?P<unit>{_UNIT_OF_HALVES})s?"
    r" and a half\b",
    re.IGNORECASE,
)
_FEET_AND_INCHES = re.compile(
    r"(?P<feet>\d{1,2}) ?(?:ft|feet|foot)\.? (?P<inches>\d{1,2}) ?(?:in|inch|inches)\b",
    re.IGNORECASE,
)
_SIMPLE_FRACTION = re.compile(
    r"(?<![\d/.])(?:(?P<whole>\d{1,3}) )?(?P<top>[1-9])/(?P<bottom>[2-9]|10)(?![\d/])"
    r"(?=\s?(?:of\b|majorit|cup|inch|mile|pound|teaspoon|tablespoon|[的以多]))"
)
_PHRASES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\btwice\b", re.IGNORECASE), "2 times"),
    (re.compile(r"\bthrice\b", re.IGNORECASE), "3 times"),
    # Weak: a "double bed" is one bed.
    (re.compile(r"\bdoubl(?:es?|ed|ing)\b(?![ -]?click)", re.IGNORECASE), f"{WEAK}2 times"),
    (re.compile(r"\btripl(?:es?|ed|ing)\b", re.IGNORECASE), f"{WEAK}3 times"),
    (re.compile(r"\bquadrupl(?:es?|ed|ing)\b", re.IGNORECASE), f"{WEAK}4 times"),
    (re.compile(r"\bhalv(?:es?|ed|ing)\b", re.IGNORECASE), f"{WEAK}0.5 times"),
    (re.compile(r"(?:(?<=\b(?:of|in|by) )|(?<=\bsince ))['’](?=[2-9]\d\b)"), "19"),
    (re.compile(r"\bQ(?=[1-4]\b)(?P<n>\d)"), r"\g<n>th quarter"),
    # A score, and not the nil of a program.
    (re.compile(r"\bnil(?=[ –-](?:nil|\d))|(?<=\d[ –-])nil\b", re.IGNORECASE), "0"),
    # Again: the nil behind another one is behind a digit only now.
    (re.compile(r"(?<=0[ –-])nil\b", re.IGNORECASE), "0"),
    *(
        (
            re.compile(
                rf"(?P<before>\bthe (?:roaring |early |late |mid[- ])?){name[:-1]}ies\b",
                re.IGNORECASE,
            ),
            rf"\g<before>{value}s",
        )
        for name, value in _TENS.items()
    ),
)
_UNIT_AND_A_HALF_ZH = re.compile(
    r"(?<=\d)(?P<unit>年|天|周|岁|倍|公里|千米|里|米|公斤|千克|斤|吨|升|亩|尺|度)半(?![年天月夜边])"
)
_DIGITS_ZH = dict(zip("零一二三四五六七八九两", (*range(10), 2), strict=True)) | {
    str(digit): digit for digit in range(10)
}
_DIGIT_ZH = "[零一二三四五六七八九\\d]"
_HEIGHT_ZH = re.compile(
    rf"(?P<metres>[一二两三四五六七八九1-9])米(?P<tenths>{_DIGIT_ZH})(?P<rest>{_DIGIT_ZH}?)(?![\d十百千万米厘点.元块角毛美英])"
)
_DISCOUNT_ZH = re.compile(
    r"(?<=[打享按])(?P<tenths>[一二三四五六七八九1-9])\.?(?P<rest>[五5]?)折(?![叠扣旧])"
)
_PHRASES_ZH: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"翻了?[一1]番|翻番|翻了?[一1]?倍"), "增加1倍"),
    (re.compile(r"翻了?[两二2]番"), "增加3倍"),
    (re.compile(r"翻了?[三3]番"), "增加7倍"),
    (re.compile(r"(?<=[点时])一刻"), "1刻"),
    (re.compile(r"打对折"), "打五折"),
    (re.compile(r"(?:一|(?<!\d)1)个半(?=小时|钟头|月|世纪)"), "1.5个"),
)


def digits_for_words(text: str) -> str:
    """Return the text with the numbers that it writes in words, English and Chinese, in digits."""
    if "/" in text:
        text = _SIMPLE_FRACTION.sub(
            lambda f: f"{int(f['whole'] or 0) + int(f['top']) / int(f['bottom']):.6g}", text
        )
    if _MAY_BE_PHRASE.search(text):
        text = _CLOCK.sub(_clock_time, text)
        text = _UNIT_AND_A_HALF.sub(_unit_and_a_half, text)
        text = _FEET_AND_INCHES.sub(r"\g<feet> feet \g<inches> inches", text)
        for pattern, digits in _PHRASES:
            text = pattern.sub(digits, text)
    if _MAY_BE_ROMAN.search(text):
        text = _ROMAN.sub(_roman, text)
    if _MAY_BE_WORDS.search(text):
        text = _AND_A_HALF.sub(_halves, text)
        text = _FRACTION.sub(_fraction, text)
        text = _CARDINAL_RUN.sub(_cardinal, text)
        text = _LONE_ORDINAL.sub(_lone_ordinal, text)
    if _MAY_BE_NUMERAL.search(text):
        text = text.replace("百分之百", "100%")
        for pattern, digits in _PHRASES_ZH:
            text = pattern.sub(digits, text)
        text = _HEIGHT_ZH.sub(_height, text)
        text = _DISCOUNT_ZH.sub(_discount, text)
        text = re.sub(r"(?<!\d)一半", "50%", text)
        text = re.sub(r"(?<=[年时])零(?=[一两二三四五六七八九十\d]{1,2}(?:个?月|分))", "", text)
        text = _NUMERALS.sub(_numeral, text)
        text = re.sub(r"(?<=[\d])[ ]?半(?=年|个?小时|个?月|天)", ".5", text)
        text = re.sub(r"(?<=\d)个半(?=小时|钟头|月|世纪)", ".5个", text)
        text = _UNIT_AND_A_HALF_ZH.sub(r".5\g<unit>", text)
        text = re.sub(r"半(?=个?小时|年(?!代))", "0.5", text)
    return text


def decimals_for_fractions(text: str) -> str:
    """Return the text with ½ as 0.5 and 5½ as 5.5, before NFKC makes 51⁄2 of it."""
    return _VULGAR.sub(
        lambda found: f"{int(found['whole'] or 0) + unicodedata.numeric(found['part']):.6g}", text
    )


def _roman(found: re.Match[str]) -> str:
    total = 0
    for one, following in itertools.pairwise([_ROMAN_DIGITS[c] for c in found["roman"]] + [0]):
        total += -one if one < following else one
    return f"{found['before']}{total}"


def _whole_number(word: str) -> int:
    """Return the value of a, one or 1."""
    word = word.casefold()
    return 1 if word in ("a", "an") else _CARDINALS[word] if word in _CARDINALS else int(word)


def _clock_time(found: re.Match[str]) -> str:
    """Return 5:30 for "half past five", 8:45 for "a quarter to nine"."""
    part = found["part"]
    minutes = {"half": 30, "quarter": 15}[part.casefold()] if part else 0
    if not part:
        minutes = _whole_number((found["minutes"] or found["bare"]).replace("-", " ").split()[0])
        minutes += 5 * ((found["bare"] or "").casefold() == "twenty-five")
    hour = _whole_number(found["hour"])
    # "By ten to 12 percent", "from a quarter to ten people": no time goes on so.
    if found["side"].casefold() == "to" and not _CLOCK_END.match(found.string, found.end()):
        return found[0]
    is_past = found["side"].casefold() == "past"
    if (
        not 1 <= hour <= HOURS_OF_CLOCK
        or minutes >= MINUTES_OF_HOUR
        or (part == "half" and not is_past)
    ):
        return found[0]
    if not is_past:
        hour, minutes = (hour - 2) % HOURS_OF_CLOCK + 1, MINUTES_OF_HOUR - minutes
    return f"{hour}:{minutes:02}"


def _unit_and_a_half(found: re.Match[str]) -> str:
    """Return "1.5 hours" for "an hour and a half"."""
    return f"{_whole_number(found['whole'])}.5 {found['unit']}s"


def _height(found: re.Match[str]) -> str:
    """Return 1.75米 for 一米七五."""
    digits = [str(_DIGITS_ZH[character]) for character in found["tenths"] + found["rest"]]
    return f"{_DIGITS_ZH[found['metres']]}.{''.join(digits)}米"


def _discount(found: re.Match[str]) -> str:
    """Return 80% for the 八折 of 打八折."""
    rest = 5 if found["rest"] else 0
    return f"{_DIGITS_ZH[found['tenths']] * 10 + rest}%"


def _halves(found: re.Match[str]) -> str:
    if found["whole"]:
        whole = found["whole"].casefold()
        return f"{_CARDINALS[whole] if whole in _CARDINALS else int(whole)}.5"
    return "0.5" if found["unit"] else f"{WEAK}0.5"


def _fraction(found: re.Match[str]) -> str:
    bottom = found["bottom"].casefold()
    top = found["top"].casefold()
    # "a third party", "a fifth album": a fraction only if "of" follows, or in the plural.
    if not (found["plural"] or found["of"] or bottom in ("half", "quarter")):
        return found[0]
    value = (1 if top == "a" else _ONES[top]) / _DENOMINATORS[bottom]
    return f"{value:.6g}" if bottom != "half" else f"{WEAK}{value:.6g}"


def _cardinal(found: re.Match[str]) -> str:
    parts = [part for part in re.split(r"[ -]", found[0].casefold()) if part != "and"]
    total = group = 0
    last = None
    for part in parts:
        if part in _SCALES:
            scale = _SCALES[part]
            if scale >= 1_000:
                total += (group or 1) * scale
                group = 0
            else:
                group = (group or 1) * scale
        else:
            value = 1 if part == "a" else _CARDINALS.get(part) or _ORDINALS.get(part, 0)
            # "nineteen eighty", "two three": side by side, not one number.
            if (
                last is not None
                and last < 100
                and not (last >= 20 and last % 10 == 0 and value < 10)
            ):
                return " ".join(str(_CARDINALS.get(p) or _SCALES.get(p) or p) for p in parts)
            group += value
        last = _SCALES.get(part) or _CARDINALS.get(part, 1)
    number = total + group
    if parts == ["one"] and not _BOUND_BEFORE.search(found.string, 0, found.start()):
        return f"{WEAK}1"
    if found["ordinal"]:
        return f"{number}th"
    # Two 500 mg tablets: one space would make a number of 2 500.
    apart = found.string[found.end() : found.end() + 2]
    return f"{number} " if apart[:1] == " " and apart[1:].isdigit() else str(number)


def _lone_ordinal(found: re.Match[str]) -> str:
    name = found[1].casefold()
    if name == "second" and _SECONDS.search(found.string, 0, found.start()):
        return found[0]
    weak = WEAK if name == "first" else ""
    return f"{weak}{_ORDINALS[name]}th"


def _numeral(found: re.Match[str]) -> str:
    text, numeral = found.string, found["numeral"]
    digits = parse_numeral(numeral)
    if digits is None:
        return numeral
    after = text[found.end() : found.end() + 3]
    before = text[max(0, found.start() - 3) : found.start()]
    if after[:1].isdigit() and before.endswith(("周", "星期", "礼拜")):
        return f"{digits} "  # 周五9:00 is no 59:00
    marked = bool(_COUNTED_BEFORE.search(before))
    if len(numeral) == 1:
        if numeral == "十" and re.match(r"分(?!钟|之)", after):
            return numeral  # 十分 is "very"
        if numeral == "零" and after.startswith("下"):
            return numeral  # 零下 is a sign
        if numeral == "一" and not before.endswith(("第", "分之", "星期", "周")):
            if _COUNTED_ONE.match(after):
                return "1"
            return f"{WEAK}1" if _COUNTED.match(after) else numeral
        return digits if marked or _COUNTED.match(after) else numeral
    spelled_out = UNITS.isdisjoint(numeral)
    # 三四 is "three or four", 二〇二四 is a year.
    if spelled_out and len(numeral) < 3 and not marked:
        return numeral
    return digits
