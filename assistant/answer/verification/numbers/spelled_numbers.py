"""Numbers in words become digits, so that one parser reads them: twenty-five, 二十五, 一半."""

import itertools
import re
import unicodedata
from decimal import Decimal

from assistant.answer.verification.numbers.spelled_numerals_zh import WEAK, digits_for_numerals
from ingest.text.numerals import MAX_DIGITS

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
_CARDINAL_WORDS = frozenset((*_CARDINALS, *_SCALES))
_DENOMINATOR_WORDS = frozenset(f"{n}{ending}" for n in _DENOMINATORS for ending in ("", "s", "ves"))
_LATIN_WORD = re.compile(r"[a-z]+")
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
BEFORE = 16
"""Characters before a number in which such words stand."""
_SECONDS = re.compile(r"(?:\d|\b(?:per|each|every|a|half))[ -]?$", re.IGNORECASE)
_ROMAN_DIGITS = {"I": 1, "V": 5, "X": 10}
_MAY_BE_ROMAN = re.compile(r" [IVX]+\b")
# A lone I is a pronoun, except behind what is numbered.
_ROMAN = re.compile(
    r"(?P<before>\b(?:[A-Z][a-z]{2,}|grade|type|class|phase|part|stage|level|chapter) )"
    r"(?P<roman>(?:X{1,2}(?:IX|IV|V?I{0,3})|IX|IV|VI{1,3}|II{1,2}|(?<=War )I|(?<=[Tt]ype )I"
    r"|(?<=[Gg]rade )I|(?<=[Cc]lass )I|(?<=[Pp]hase )I|(?<=[Pp]art )I)(?!\w))"
)
_VULGAR_PART = re.compile("[¼½¾⅐-⅞]")
_VULGAR = re.compile(
    rf"(?:(?<!\d)(?P<whole>\d{{1,{MAX_DIGITS}}}) ?)?(?P<part>{_VULGAR_PART.pattern})"
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
    r"|and (?:a half|(?:a |three )quarters?)|twice|thrice|(?:doubl|tripl|quadrupl|halv)(?:e|ing)"
    r"|['’]\d\d\b|\bQ[1-4]\b|\bnil\b|(?:twent|thirt|fort|fift|sixt|sevent|eight|ninet)ies\b"
    r"|minutes (?:to|past)",
    re.IGNORECASE,
)
_PHRASE_SIGNS = (
    *("half", "quarter", "five ", "ten ", "twenty ", "ft", "feet", "twice", "thrice", "doubl"),
    *("tripl", "quadrupl", "halv", "'", "’", "q", "nil", "ties", "minutes"),
)
"""What is in all that it finds: to look for these takes a tenth of the time."""
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
    r" and (?:(?P<half>a half)|(?P<quarter>a quarter)|three quarters)\b",
    re.IGNORECASE,
)
_FEET_AND_INCHES = re.compile(
    r"(?P<feet>\d{1,2}) ?(?:ft|feet|foot)\.? (?P<inches>\d{1,2}) ?(?:in|inch|inches)\b",
    re.IGNORECASE,
)
_ONE_IN = re.compile(
    rf"\b(?:every (?P<nth>{_DENOMINATOR})|(?:one|1) (?:in|out of) (?:every )?"
    rf"(?P<bottom>(?:{_CARDINAL})(?:[ -](?:{_CARDINAL}|{_SCALE}))*|a (?:{_SCALE})"
    r"|\d{1,3}(?:,\d{3})*))"
    r"(?= (?!(?:(?:minute|hour|day|second|year|month|week)s?|per|and|or|to|of|in"
    r"|on|at|time)\b)[a-z])",
    re.IGNORECASE,
)
_SCIENTIFIC = re.compile(
    r"(?<![\w.,^])(?:(?P<factor>\d{1,3}(?:\.\d{1,9})?) ?[x×·⋅*] ?)?"
    r"10\^\{?(?P<power>[-−]?\d{1,2})\}?(?![\d^]|\.\d)"
    r"|(?<![\w.,^])(?P<before>\d(?:\.\d{1,9})?)[eE]\+?(?P<zeros>\d{1,2})(?!\w|\.\w)"
)
MOST_POWER = 18
_MAY_BE_POWER = re.compile(r"\d[eE]\+?\d")
_ERAS = ("AD ", "A.D. ", "BC ", "B.C. ", "CE ")
_ERA_BEFORE = re.compile(r"\b(?P<era>AD|A\.D\.|BC|B\.C\.|BCE|CE) (?P<year>\d{1,4})(?![\d.,:]\d|\d)")
_YEARS = re.compile(
    r"(?<![\d./-])(?P<century>1\d|20)(?P<first>\d\d) ?[-–—/] ?(?P<last>\d\d)(?![\d./-])"
)
LAST_MONTH = 12
"""2001-02 may be a month, 1914-18 is none."""
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


def digits_for_words(text: str) -> str:
    """Return the text with the numbers that it writes in words, English and Chinese, in digits."""
    if "/" in text:
        text = _SIMPLE_FRACTION.sub(
            lambda f: f"{int(f['whole'] or 0) + int(f['top']) / int(f['bottom']):.6g}", text
        )
    if "10^" in text or _MAY_BE_POWER.search(text):
        text = _SCIENTIFIC.sub(_scientific, text)
    if any(mark in text for mark in _ERAS):
        text = _ERA_BEFORE.sub(r"\g<year> \g<era>", text)
    text = _YEARS.sub(_years, text)
    text = _ONE_IN.sub(_one_in, text)
    if any(map(text.lower().__contains__, _PHRASE_SIGNS)) and _MAY_BE_PHRASE.search(text):
        text = _CLOCK.sub(_clock_time, text)
        text = _UNIT_AND_A_HALF.sub(_unit_and_a_half, text)
        text = _FEET_AND_INCHES.sub(r"\g<feet> feet \g<inches> inches", text)
        for pattern, digits in _PHRASES:
            text = pattern.sub(digits, text)
    if _MAY_BE_ROMAN.search(text):
        text = _ROMAN.sub(_roman, text)
    return digits_for_numerals(_digits_for_number_words(text))


def _digits_for_number_words(text: str) -> str:
    """Return the text with halves, fractions, cardinals and ordinals in digits."""
    words = _LATIN_WORD.findall(text.lower())
    if "half" in words:
        text = _AND_A_HALF.sub(_halves, text)
    if not _DENOMINATOR_WORDS.isdisjoint(words):
        text = _FRACTION.sub(_fraction, text)
    if not _CARDINAL_WORDS.isdisjoint(words):
        text = _CARDINAL_RUN.sub(_cardinal, text)
    if not _ORDINALS.keys().isdisjoint(words):
        text = _LONE_ORDINAL.sub(_lone_ordinal, text)
    return text


def decimals_for_fractions(text: str) -> str:
    """Return the text with ½ as 0.5 and 5½ as 5.5, before NFKC makes 51⁄2 of it."""
    if not _VULGAR_PART.search(text):
        return text
    return _VULGAR.sub(
        lambda found: f"{int(found['whole'] or 0) + unicodedata.numeric(found['part']):.6g}", text
    )


def _scientific(found: re.Match[str]) -> str:
    """Return 2500000 for 2.5×10^6 and for 2.5e6."""
    power = int((found["power"] or found["zeros"]).replace("−", "-"))
    if abs(power) > MOST_POWER:
        return found[0]
    factor = Decimal(found["factor"] or found["before"] or 1)
    return f"{factor.scaleb(power).normalize():f}"


def _years(found: re.Match[str]) -> str:
    """Return 1914-1918 for 1914-18."""
    if int(found["last"]) <= max(LAST_MONTH, int(found["first"])):
        return found[0]
    return f"{found['century']}{found['first']}-{found['century']}{found['last']}"


def _one_in(found: re.Match[str]) -> str:
    """Return "12.5% of" for "one in eight" and for "every eighth"."""
    if found["nth"]:
        return f"{100 / _DENOMINATORS[found['nth'].casefold()]:.6g}% of"
    bottom = found["bottom"].replace(",", "")
    if not bottom.isdecimal():
        bottom = _CARDINAL_RUN.sub(_cardinal, found["bottom"]).strip(f" {WEAK}")
    if not bottom.isdecimal() or int(bottom) < 2:
        return found[0]
    return f"{100 / int(bottom):.6g}% of"


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
    """Return "1.5 hours" for "an hour and a half", "1.75 hours" for three quarters."""
    part = "5" if found["half"] else "25" if found["quarter"] else "75"
    return f"{_whole_number(found['whole'])}.{part} {found['unit']}s"


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
    if parts == ["one"] and not _BOUND_BEFORE.search(
        found.string, max(0, found.start() - BEFORE), found.start()
    ):
        return f"{WEAK}1"
    if found["ordinal"]:
        return f"{number}th"
    # Two 500 mg tablets: one space would make a number of 2 500.
    apart = found.string[found.end() : found.end() + 2]
    return f"{number} " if apart[:1] == " " and apart[1:].isdigit() else str(number)


def _lone_ordinal(found: re.Match[str]) -> str:
    name = found[1].casefold()
    if name == "second" and _SECONDS.search(
        found.string, max(0, found.start() - BEFORE), found.start()
    ):
        return found[0]
    weak = WEAK if name == "first" else ""
    return f"{weak}{_ORDINALS[name]}th"
