"""True sentences of real pages, and what rules make of them: formats, alterations, exchanges."""

import ast
import importlib
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.data import DATA
from ingest.text.words import content_words, sentence_spans

PASSAGES = 5
"""Passages that a sentence is checked against, the right one among them."""
PARAGRAPHS_JOINED = 3
"""Short paragraphs of a page in one passage, of pages that have many."""
LEAST, MOST = 30, 320
"""Characters of the sentences taken, half of it in Chinese: what models write."""

SHORTEST_DOCSTRING = 120
"""Characters of a docstring that says more than what its name says."""

SETS = ("xquad.en", "xquad.zh", "cmrc.zh", "articles.en", "docs.en")
"""xquad was looked at while the rules were written, the others only at the end."""

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
_ITEM = re.compile(r"\s*(?:[-*+•#]|\d{1,2}[.)、])")
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


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence, the passages that it is checked against, and the number of the right one."""

    kind: str
    sentence: str
    passages: tuple[str, ...]
    right: int
    original: str


@dataclass(frozen=True, slots=True)
class _Page:
    passages: tuple[str, ...]


def pages(name: str) -> list[_Page]:
    """Return the pages of a set, each of passages that a reader would be given together."""
    if name == "articles.en":
        truth = json.loads((DATA / "articles" / "ground-truth.json").read_text("utf-8"))
        texts = [entry["articleBody"] for entry in truth.values()]
        return [_Page(_joined(text)) for text in texts if len(_joined(text)) >= PASSAGES]
    if name == "docs.en":
        return list(_documentation())
    data = json.loads((DATA / "retrieval" / f"{name}.json").read_text("utf-8"))["data"]
    texts = [[p["context"] for p in article["paragraphs"]] for article in data]
    if len(texts[0]) == 1:  # cmrc: a paragraph an article, so that neighbours are the context
        flat = [paragraphs[0] for paragraphs in texts]
        texts = [flat[at : at + PASSAGES] for at in range(0, len(flat) - PASSAGES, PASSAGES)]
    return [_Page(tuple(paragraphs)) for paragraphs in texts]


def _joined(text: str) -> tuple[str, ...]:
    lines = [line for line in text.splitlines() if line.strip()]
    return tuple(
        "\n".join(lines[at : at + PARAGRAPHS_JOINED])
        for at in range(0, len(lines), PARAGRAPHS_JOINED)
    )


def _documentation() -> Iterator[_Page]:
    """Yield the docstrings of Python's own library: another kind of text than an encyclopaedia."""
    modules = (
        "argparse asyncio.events codecs collections configparser datetime difflib email.message"
        " fractions heapq logging pathlib random shutil socket statistics string subprocess tarfile"
        " tempfile textwrap threading urllib.request zipfile"
    )
    for name in modules.split():
        origin = Path(importlib.import_module(name).__file__ or "")
        nodes = ast.walk(ast.parse(origin.read_text("utf-8")))
        kinds = (ast.FunctionDef, ast.ClassDef, ast.Module)
        found = [ast.get_docstring(node) or "" for node in nodes if isinstance(node, kinds)]
        texts = [" ".join(text.split()) for text in found if len(text) >= SHORTEST_DOCSTRING]
        if len(texts) >= PASSAGES:
            yield _Page(tuple(texts))


def cases(name: str, *, most: int = 60, seed: int = 5) -> Iterator[Case]:
    """Yield up to `most` cases of each kind from a set; the same seed gives the same."""
    chinese = name.endswith(".zh")
    draw = random.Random(seed)
    all_pages = pages(name)
    sentences = [
        (page, number, passage[a:b])
        for page, one in enumerate(all_pages)
        for number, passage in enumerate(one.passages)
        for a, b in sentence_spans(passage)
        if (LEAST // (1 + chinese)) <= b - a <= MOST // (1 + chinese)
        # Questions and lead-ins claim nothing, and the number of a list's item is none of its text.
        and passage[b - 1] not in '?:？："”'
        and not _ITEM.match(passage[a:b])
    ]
    draw.shuffle(sentences)
    counts: dict[str, int] = {}
    for page, number, sentence in sentences:
        texts = all_pages[page].passages
        low = max(0, min(number - PASSAGES // 2, len(texts) - PASSAGES))
        near = texts[low : low + PASSAGES]
        for kind, make in (_MAKERS_ZH if chinese else _MAKERS).items():
            if counts.get(kind, 0) >= most:
                continue
            made = make(sentence, "\n".join(near), draw)
            if made and made != sentence:
                counts[kind] = counts.get(kind, 0) + 1
                yield Case(kind, made, near, number - low + 1, sentence)
        for kind, count in (("true", 4 * most), ("unrelated", most)):
            if counts.get(kind, 0) < count:
                counts[kind] = counts.get(kind, 0) + 1
                other = all_pages[(page + 7) % len(all_pages)].passages[:PASSAGES]
                yield Case(
                    kind,
                    sentence,
                    near if kind == "true" else other,
                    number - low + 1 if kind == "true" else 1,
                    sentence,
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


def _renamed(pattern: re.Pattern[str]) -> Callable[[str, str, random.Random], str | None]:
    def make(sentence: str, near: str, draw: random.Random) -> str | None:
        own = _names(sentence, pattern)
        found = _pick(re.compile("|".join(map(re.escape, own))), sentence, draw) if own else None
        others = [
            n for n in _names(near, pattern) if n not in sentence and not (found and found[0] in n)
        ]
        others = [n for n in others if found and not set(n.split()) & set(found[0].split())]
        return _replace(found, draw.choice(others)) if found and others else None

    return make


def _swapped(pattern: re.Pattern[str]) -> Callable[[str, str, random.Random], str | None]:
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


_MAKERS: dict[str, Callable[[str, str, random.Random], str | None]] = {
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
_MAKERS_ZH: dict[str, Callable[[str, str, random.Random], str | None]] = {
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
