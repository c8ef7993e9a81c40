"""Whether passages answer a question, only come near it, or are about something else."""

import difflib
import itertools
import math
import re
from collections.abc import Sequence
from typing import Final

from assistant.answer.evidence.answer_types import CONTACTS, MEASURES
from assistant.answer.evidence.scoring import GENERIC_WORDS, Scored, TermWeights
from assistant.answer.topics import may_be_person_zh
from assistant.answer.verification.synonyms import (
    common_word,
    with_common_phrases,
    word_stem,
)
from assistant.values import Answerability, Passage
from ingest.foundation.messages import Language
from ingest.text.cjk import CJK
from ingest.text.language import language_of
from ingest.text.words import words

# A linear model of three signals, fitted (logistic regression) on every second question of XQuAD
# in both languages: with the passages found for it, and with those of other articles alone.
PASSAGE_WEIGHT = 0.6
"""Weight of the share of the question's words, by idf among the passages, that the best passage
holds."""
BLOCK_WEIGHT = 0.4
"""Weight of the share that the best block holds, its heading and lead-in counted less."""
MISSING_NAME_WEIGHT = -0.45
"""Weight of the share of names and figures in the question that the best passage does not hold."""

# About nine of ten questions whose article is away fall below the first, less than two of a hundred
# that the passages answer below the second (bench/quotes.py).
ANSWERABLE_FROM: Final[dict[Language, float]] = {"en": 0.32, "zh": 0.36}
NOTHING_BELOW: Final[dict[Language, float]] = {"en": 0.19, "zh": 0.16}
"""Lower in Chinese, where every seam between two words is a bigram that is nowhere else."""

SPELT_FROM = 0.2
SPELT_SHARE = 0.8
"""Share of a Chinese question's characters in its best block from which on it is answered at that
lower fit. Half the bigrams of a short question span two words. None of 240 blocks of other articles
at such a fit had that share (XQuAD and CMRC)."""

MIN_FORM_LETTERS = 4
MAX_ENDING_LETTERS = 3
"""Letters by which two forms of a name differ at their end: Germany, German; China, Chinese."""
ALIKE_FROM = 0.85
"""Likeness (Ratcliff and Obershelp) of a name and its misspelling: one slip in seven letters."""
_CAPITALISED = re.compile(r"\b[A-Z][\w'’-]*")

_OWNER_ZH = re.compile(
    rf"(?:^|[，。？?、\s]|请问|知道)(?!贵)([{CJK}]{{2,4}})(?<![司部店校院所处科门们方家])的"
)
"""Whose it is: 王芳 of 王芳的电话是多少; 贵公司, 方家 and 江北店 are no persons."""

_ATTRIBUTE_ZH = re.compile(rf"的(?P<of>[{CJK}]{{2,4}}?)(?:是|为)(?:谁|哪位)")
"""What is asked of something, where a noun says so: 海川队的主教练是谁.

With 是什么 and 多少 as well, .13 of cmrc.zh's answered questions passed for near misses."""
_ATTRIBUTE_EN = re.compile(
    r"\b(?:the|its|their)\s+(?P<of>[a-z]+(?:\s[a-z]+)?)\s+(?:of|for|at)\b|['’]s\s+(?P<whose>[a-z]+)\b"
)
"""The same in English: "the manager of", "Kestrel's price". What a verb asks is said in too
many ways ("Who leads it?", "is its chief executive") for a word that is missing to tell."""

SAYS_THE_SAME: Final = tuple(
    frozenset(group.split())
    for group in (
        "manager coach boss head chief ceo director president chairman chairwoman leader executive",
        "author writer wrote written novel book poem play",
        "founder founders founded started established created launched",
        "inventor invented developed designed created",
        "capital seat governed government",
        "headquarters headquartered based office offices seat",
        "wife husband spouse partner married",
        "owner owners owned owns belongs property",
        "population inhabitants residents",
        "composer composed music",
        "length long",
        "height tall high",
        "depth deep",
        "age old",
    )
)
"""English words of which one says what another asks for."""
SAYS_THE_SAME_ZH: Final = (
    ("教练", "执教", "主帅"),
    ("创始人", "创办", "创立", "创建", "成立", "建立"),
    ("老板", "董事长", "总裁", "总经理", "创始人"),
    ("作者", "写", "著", "撰"),
    ("丈夫", "结婚", "夫妇", "嫁"),
    ("妻子", "夫人", "太太", "结婚", "夫妇", "娶"),
    ("导演", "执导"),
    ("主演", "出演", "饰演", "演"),
    ("发明", "研制", "首创"),
    ("设计", "出自"),
    ("负责人", "主任", "经理", "主管"),
)
SAME_BEGINNING = 5
"""Letters by which two words are forms of one: attended, attendance."""

STRICT_TYPES = frozenset(
    ("percent", "money", "temperature", "weight", "speed", "email", "website", "phone")
)
"""Kinds of answer that are recognized by their shape: a passage without one does not answer."""


def answerability_of(
    weights: TermWeights, passages: Sequence[Passage], scored: Sequence[Scored]
) -> Answerability:
    """Return what the units of the passages, best first, are to the question."""
    if not scored or scored[0].score <= 0:
        return "nothing"
    fit = answer_fit(weights, passages, scored)
    language = language_of(weights.question)
    if fit < NOTHING_BELOW.get(language, NOTHING_BELOW["en"]):
        return "nothing"
    # A page on the subject holds nearly all words of "How much does it cost?" and no price.
    lacks_unit = (
        weights.types
        and weights.types[0].name in STRICT_TYPES
        and not any(one.typed for one in scored if one.unit.passage == scored[0].unit.passage)
    )
    if (
        lacks_unit
        or lacks_name(weights, passages)
        or lacks_owner(weights, passages)
        or lacks_attribute(weights, passages, scored)
    ):
        return "nearest"
    if language == "zh" and fit >= SPELT_FROM:
        # The best has the question's characters, though not its bigrams: 打折, 九折.
        unit = scored[0].unit
        title = next((one.title for one in passages if one.number == unit.passage), "")
        said = f"{title} {unit.heading} {unit.context} {unit.text}"
        if weights.ideographs_held(said) >= SPELT_SHARE:
            return "answerable"
    return "nearest" if fit < ANSWERABLE_FROM.get(language, ANSWERABLE_FROM["en"]) else "answerable"


def lacks_attribute(
    weights: TermWeights, passages: Sequence[Passage], scored: Sequence[Scored]
) -> bool:
    """Return whether what is asked of a name is no word of the passage that speaks of it.

    "Who is the manager of Harwick Rovers?" of a report on their match: all that the passage has of
    the question is the name.
    """
    best = next((p for p in passages if p.number == scored[0].unit.passage), None)
    # "Kestrel Pro | 540 g" and "Jo Park, 8011" say what they are by their shape.
    shaped = bool(weights.types) and weights.types[0].name in MEASURES | CONTACTS
    if best is None or (shaped and scored[0].typed):
        return False
    text = f"{best.title} {best.heading} {best.text}"
    if found := _ATTRIBUTE_ZH.search(weights.question):
        return not _is_said_zh(found["of"], text)
    asked = {word for word in weights.shares if word.isascii() and word.isalpha()}
    asked -= weights.names | GENERIC_WORDS
    if not asked or not weights.names:
        return False
    noun = _ATTRIBUTE_EN.search(weights.question)
    named = set(words(noun["of"] or noun["whose"])) if noun else set()
    same = [group for group in SAYS_THE_SAME if group & asked]
    if not (named & asked or same):
        return False
    held = set(words(text))
    forms = {form for word in held for form in (word, common_word(word), word_stem(word))}
    beginnings = {word[:SAME_BEGINNING] for word in held if len(word) >= SAME_BEGINNING}
    return not any(group & held for group in same) and not any(
        {word, common_word(word), word_stem(word)} & forms or word[:SAME_BEGINNING] in beginnings
        for word in asked
    )


def _is_said_zh(asked: str, text: str) -> bool:
    """Return whether a text has what a Chinese noun asks for, or a word that says the same."""
    held = with_common_phrases(text)
    pairs = {one + two for one, two in itertools.pairwise(with_common_phrases(asked))}
    same = (group for group in SAYS_THE_SAME_ZH if group[0] in asked)
    return any(pair in held for pair in pairs) or any(
        word in text for group in same for word in group
    )


def lacks_owner(weights: TermWeights, passages: Sequence[Passage]) -> bool:
    """Return whether a Chinese question asks for the contact of whom no passage names.

    王芳的电话 in a list of others: Chinese names have no capital that `lacks_name` could see.
    """
    if not weights.types or weights.types[0].name not in CONTACTS:
        return False
    owner = _OWNER_ZH.search(weights.question)
    # 你们的电话, 销售部门的电话: whoever answers, or what the list may call otherwise.
    return (owner is not None and may_be_person_zh(owner[1])) and not any(
        owner[1] in f"{one.title} {one.heading} {one.text}" for one in passages
    )


def lacks_name(weights: TermWeights, passages: Sequence[Passage]) -> bool:
    """Return whether the question names what no passage names, in any of its forms.

    "The weight of Model Gamma" among models Alpha and Beta: of 244 questions of XQuAD in which one
    name was exchanged for another, 82 were called answerable without this, 11 with it.
    """
    # Where Most Words Have A Capital, it says nothing.
    if weights.names >= weights.shares.keys():
        return False
    text = " ".join(f"{one.title} {one.heading} {one.text}" for one in passages)
    held = set(words(text))
    missing = weights.names - held
    if not missing:
        return False
    initials = "".join(found[0][0] for found in _CAPITALISED.finditer(text)).casefold()
    return any(
        name not in initials
        and not any(_may_be_form(name, word) for word in held if word[:1] == name[:1])
        # "In the 80s" of 1989, "2001-02" of a season.
        and not (name[0].isdigit() and not name.isdigit())
        for name in missing
    )


def _may_be_form(name: str, word: str) -> bool:
    """Return whether a word of a passage may be the name: German of Germany, or a slip."""
    if min(len(name), len(word)) < MIN_FORM_LETTERS or not name.isalpha():
        return False
    stem = max(MIN_FORM_LETTERS, max(len(name), len(word)) - MAX_ENDING_LETTERS)
    if name[:stem] == word[:stem]:
        return True
    return abs(len(name) - len(word)) <= 1 and (
        difflib.SequenceMatcher(None, name, word, autojunk=False).ratio() >= ALIKE_FROM
    )


def answer_fit(
    weights: TermWeights, passages: Sequence[Passage], scored: Sequence[Scored]
) -> float:
    """Return how well the best passage and the best block fit the question, 0 to about 1."""
    held = [
        weights.shares.keys() & set(words(f"{one.title} {one.heading} {one.text}"))
        for one in passages
    ]
    rarity = {
        word: share * math.log(1 + (len(held) + 1) / (sum(word in each for each in held) + 0.5))
        for word, share in weights.shares.items()
    }
    best = max(held, key=lambda each: sum(rarity[word] for word in each))
    by_passage = sum(rarity[word] for word in best) / (sum(rarity.values()) or 1.0)
    missing = sum(weights.shares[word] for word in weights.names - best)
    return (
        PASSAGE_WEIGHT * by_passage
        + BLOCK_WEIGHT * scored[0].covered
        + MISSING_NAME_WEIGHT * missing
    )
