r"""Words and sentences of Chinese and English text, counted alike in every place.

Runs of CJK characters become overlapping character bigrams, everything else becomes `\w+` words.
Bigrams need no dictionary and retrieve Chinese as well as a segmenter does (recall@5 on xquad.zh
.989 against .988 for jieba, at nine times the speed; docs/decisions/0004-words.md).
"""

import functools
import itertools
import re

from ingest.text.cjk import CJK
from ingest.text.dates import dates_in_numerals
from ingest.text.figures import NUMBER, dates_at, join_groups, numerals_in, spaced_groups
from ingest.text.normalize import fold_text
from ingest.text.numerals import NUMERAL_CHARACTERS, parse_scaled
from ingest.text.weekdays import WEEKDAYS, weekdays_at, weekdays_between, weekdays_in

_RUN = re.compile(rf"(?P<cjk>[{CJK}]+)|[^\W_{CJK}]+(?:(?:[-\u2010.,'’]|_+)[^\W_{CJK}]+)*")
_SEGMENT = re.compile(rf"(?:{NUMBER}|[^\W\d_]+)(?:[-\u2010_]*(?:{NUMBER}|[^\W\d_]+))*")
"""What one token of the page is made of: letters and numbers with nothing but hyphens between."""
_ATOM = re.compile(rf"(?P<number>{NUMBER})|[^\W\d_]+")
_HYPHEN = re.compile(r"[-\u2010_]+")
_IN_DATE = re.compile(r"\d+|[^\W\d_]{3,}")
_NUMERAL_OR_DAY = NUMERAL_CHARACTERS | {"日", "天"}
_NO_HYPHENS = str.maketrans("", "", "-\u2010_")
_DIGIT_ENDINGS = frozenset(("st", "nd", "rd", "th", "s"))
MAX_ATOMS = 6
"""Changes between letters and digits in what is still a code that people type, and no hash."""
MAX_HYPHENED_WORDS = 3
"""Words that hyphens join to one that is also written without: e-mail, infor-mation."""
MIN_PLURAL_CHARACTERS = 3
"""Characters of a word that keeps its s: "gas", "dns", "its"."""


_FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
    a about after again all also am an and any are as at be because been before being but by can
    could did do does doing for from had has have having he her here hers him his how i if in into
    is it its may me might more most must my no nor not of off on once only or other our out over
    own please s same shall she should so some such t than that the their them then there these
    they this those through to too under until up us very was we were what when where which while
    who whom whose why will with would you your 什么 怎么 怎样 如何 哪些 哪里 哪个 多少 为什 是否
    请问 可以 需要 应该
    """,
    )
)
_FUNCTION_CHARACTERS = frozenset("的了是在吗呢吧么与及或也就都而被把啊呀哦地得着之其这那")
_SENTENCE_END = re.compile(
    r"[。！？；!?…]+[”’」』）\"')\]]*"  # ends a sentence wherever it stands
    r"|\.[”’\"')\]]*(?=\s|$)"  # a full stop ends one before white space only: 3.14, example.com
    r"|\n+"
)


def words(text: str) -> list[str]:
    """Return the words that index, query, pruning and citations all count, in order.

    The text is normalised (`normalize_text`), full-width and compatibility forms are folded
    (NFKC), case is folded, English plurals too. What is written in several ways has all words by
    which another way can find it: E-1234 has "e", "1234" and "e1234"; 2024-03-03 has the word
    "2024年3月3日" of each date that a text names, in whatever order, and Sat 16 has "星期六".
    """
    text = fold_text(text)
    found: list[str] = []
    lone = -1  # where a run of a single ideograph ended
    dated = grouped = 0  # where the last date, and the last number in groups ended
    for run in _RUN.finditer(text):
        characters = run[0]
        if run.lastindex:
            if len(characters) > 1:
                found += map("".join, itertools.pairwise(characters))
                if not _NUMERAL_OR_DAY.isdisjoint(characters):
                    found += _numeral_words(characters)
                continue
            found.append(characters)
            # Names are padded to one width in lists: 王 强. Longer rows are joined in the text.
            if 0 <= lone < run.start() and text[lone : run.start()].isspace():
                found.append(text[lone - 1] + characters)
            lone = run.end()
        elif characters.isalpha():
            word = _singular(characters)
            found.append(word)
            if word in WEEKDAYS:
                found += weekdays_at(text, run.start())
        elif run.start() < dated or characters[0].isdecimal():
            more, dated, grouped = _number_words(text, *run.span(), dated, grouped)
            found += more
        else:
            found += _compound_words(characters)
    return found


def _number_words(
    text: str, start: int, end: int, dated: int, grouped: int
) -> tuple[list[str], int, int]:
    """Return the words of the run of digits from `start` to `end`, and where date and groups end.

    `dated` and `grouped` are the ends of the last ones.
    """
    names: list[str] = []
    if start >= dated:
        dates, dated = dates_at(text, start)
        names = [name for date in dates for name in date.names()]
    if start < dated:
        # 03 is 3 in a date.
        parts = _IN_DATE.findall(text, start, min(end, dated))
        names += (part.lstrip("0") or "0" if part.isdecimal() else part for part in parts)
        start = min(end, dated)
    rest = text[start:end]
    if rest:
        names += _compound_words(rest)
        if scaled := parse_scaled(text, start):
            names.append(scaled)
        # The end of what was joined already (234 567 in 1 234 567) is no number by itself, but a
        # telephone behind the code of its country is: 86 138 1234 5678.
        elif (groups := spaced_groups(text, start)) and start + len(groups) > grouped:
            grouped = start + len(groups)
            names.append(groups.replace(" ", ""))
    return names, dated, grouped


@functools.lru_cache(maxsize=4096)
def _numeral_words(run: str) -> tuple[str, ...]:
    """Return the numbers, dates and days of the week that a run of ideographs writes."""
    return (
        *numerals_in(run),
        *weekdays_in(run),
        *(name for date in dates_in_numerals(run) for name in date.names()),
    )


@functools.lru_cache(maxsize=4096)
def _compound_words(run: str) -> tuple[str, ...]:
    """Return the words of letters and digits with marks between them, each by itself and joined."""
    found: list[str] = []
    for segment in _SEGMENT.findall(run):
        pieces = _HYPHEN.split(segment)
        found += weekdays_between(pieces)
        joined = []
        for piece in pieces:
            atoms, word = _atoms(piece)
            found += atoms
            joined.append(word)
        code = "_" in segment or not segment.translate(_NO_HYPHENS).isalpha()
        if len(pieces) > 1 and (code or len(pieces) <= MAX_HYPHENED_WORDS):
            found.append(_singular("".join(joined)))
    return tuple(found)


def _atoms(piece: str) -> tuple[list[str], str]:
    """Return the words of letters and digits without a mark between them, and them as one word."""
    atoms: list[str] = []
    parts: list[str] = []
    number = None
    for atom in _ATOM.finditer(piece):
        characters = atom[0]
        if atom["number"]:
            number = join_groups(characters)
            # "点" reads as the point of 三点一四, and no other number has a word with it.
            characters = number.replace(".", "点")
            atoms += [characters] if "." not in number else [characters, *number.split(".")]
        elif number is None or characters not in _DIGIT_ENDINGS:
            atoms.append(_singular(characters))
        parts.append(characters)
    joined = "".join(parts)
    if len(parts) == 1:
        return atoms, joined
    joined_word = _singular(joined)
    if len(parts) > 2:
        # A code of three parts may be cut in two by those who ask: gpt4o is GPT 4o.
        atoms += map("".join, itertools.pairwise(parts))
    if len(parts) > MAX_ATOMS:
        return [joined_word], joined
    return atoms if joined_word in atoms else [joined_word, *atoms], joined


@functools.lru_cache(maxsize=1 << 14)
def _singular(word: str) -> str:
    """Return the word without an English plural or third-person s.

    The S-stemmer (Harman, "How effective is suffixing?", JASIS 1991): "drones" finds "drone",
    "sleeps" finds "sleep"; longer stems gain little and join words that differ.
    """
    if len(word) <= MIN_PLURAL_CHARACTERS or not word.endswith("s"):
        return word
    # The order of the rules is Harman's: the first whose ending fits decides.
    if word.endswith("ies") and not word.endswith(("aies", "eies")):
        return f"{word[:-3]}y"
    if word.endswith(("us", "ss", "is", "aes", "ees", "oes")):
        return word
    return word[:-1]


def content_words(text: str) -> list[str]:
    """Return the words that carry meaning: neither English function words nor Chinese ones."""
    return [
        word
        for word in words(text)
        # A bigram with a Chinese function character joins two words and is none: "机的" in
        # "无人机的重量".
        if word not in _FUNCTION_WORDS and _FUNCTION_CHARACTERS.isdisjoint(word)
    ]


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of each sentence, white space around it left out, in order."""
    spans = []
    start = 0
    for end in [*(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]:
        sentence = text[start:end]
        bare = sentence.strip()
        if bare:
            left = start + sentence.index(bare)
            spans.append((left, left + len(bare)))
        start = end
    return spans
