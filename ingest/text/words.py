r"""Words and sentences of Chinese and English text, counted alike in every place.

Runs of CJK characters become overlapping character bigrams, everything else becomes `\w+` words.
Bigrams need no dictionary and retrieve Chinese as well as a segmenter does (recall@5 on xquad.zh
.989 against .988 for jieba, at nine times the speed; docs/decisions/0004-words.md).
"""

import itertools
import re
import unicodedata

from ingest.text.cjk import CJK
from ingest.text.normalize import normalize_text

_RUN = re.compile(rf"(?P<cjk>[{CJK}]+)|(?P<word>[^\W{CJK}]+)")
SHORTEST_PLURAL = 3
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
    (NFKC), case is folded, English plurals too.
    """
    found: list[str] = []
    for run in _RUN.finditer(unicodedata.normalize("NFKC", normalize_text(text)).casefold()):
        characters = run["cjk"]
        if characters is None:
            found.append(_singular(run["word"]))
        elif len(characters) == 1:
            found.append(characters)
        else:
            found += map("".join, itertools.pairwise(characters))
    return found


def _singular(word: str) -> str:
    """Return the word without an English plural or third-person s.

    The S-stemmer (Harman, "How effective is suffixing?", JASIS 1991): "drones" finds "drone",
    "sleeps" finds "sleep"; longer stems gain little and join words that differ.
    """
    if len(word) <= SHORTEST_PLURAL or not word.endswith("s"):
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
