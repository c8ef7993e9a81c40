"""Whether passages answer a question, only come near it, or are about something else."""

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

from assistant.answer.evidence.answer_types import CONTACTS, MEASURES
from assistant.answer.evidence.asked_value import lacks_value
from assistant.answer.evidence.asked_words import has_attribute_zh, holds_word, lacks_asked_word
from assistant.answer.evidence.attribute_words import (
    ASKED_ALONE,
    HOW_MUCH_ZH,
    SAYS_THE_SAME,
)
from assistant.answer.evidence.scoring import GENERIC_WORDS, Scored, TermWeights
from assistant.answer.topics import may_be_person_zh
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

# Where an encoder compared the units, the largest similarity is added to the fit, and these
# thresholds take the place of the two above. Chosen on questions about own documents, manuals,
# XQuAD and CMRC, half of them with the page that answers taken away.
SIMILARITY_WEIGHT: Final[dict[Language, float]] = {"en": 3.0, "zh": 4.0}
ANSWERABLE_WITH_SIMILARITY_FROM: Final[dict[Language, float]] = {"en": 1.3, "zh": 1.6}
NOTHING_WITH_SIMILARITY_BELOW = 0.5
WORDS_SUFFICE_FROM = 0.7
"""Fit from which on words alone make a question answerable: codes, keys and cells of tables are
similar to no question. It costs one near miss in a hundred."""
SIMILARITY_ALONE_FROM: Final[dict[Language, float]] = {"en": 0.17, "zh": 0.12}
"""Similarity from which on a passage is related to a question with no word of which it has any.
"Who can repair the pipes?" and a plumber have .24, "bitcoin price" and a lease .15; "Tell me a
joke" and a list of errors .21, so that in English no threshold parts them all."""
ONE_WORD_SIMILARITY_FROM = 0.32
"""The same for an English question of one word: "ok" and "Bake for 45 minutes" have .28."""
FEW_WORDS = 2
"""Words up to which that one is the question, function words included."""

SPELT_FROM = 0.2
SPELT_SHARE = 0.8
"""Share of a Chinese question's characters in its best block from which on it is answered at that
lower fit. Half the bigrams of a short question span two words. None of 240 blocks of other articles
at such a fit had that share (XQuAD and CMRC)."""

MIN_FORM_LETTERS = 4
MAX_ENDING_LETTERS = 3
"""Letters by which two forms of a name differ at their end: Germany, German; China, Chinese."""
MIN_CALENDAR_LETTERS = 3
CALENDAR_NAMES = frozenset(
    re.findall(
        r"\w+",
        """
        monday tuesday wednesday thursday friday saturday sunday january february march april june
        july august september october november december
        """,
    )
)
"""Capitals of which tables have the first three or four letters."""
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
_WHO_DID_ZH = re.compile(
    rf"谁(?:最早|首先|第一个|最先)?(?P<did>发明|发现|设计|创作|创立|创办|创建|导演|翻译|建造|提出|主演|写|画)"
    rf"|(?P<did_behind>发明|发现|设计|创作|创立|创办|创建|导演|翻译|建造|提出|主演)[了{CJK}]{{0,12}}的?(?:人)?是谁"
)
"""What somebody is asked to have done: 谁发明了电话."""
_BY_WHOM_ZH = re.compile("由(?!于|来|此|头|衷)|代表")
"""What names who did it, whatever the verb: 由中铁三局施工, 代表人物是哥白尼."""
_WHO_OR_WHERE = re.compile(r"\b(?:who|whose|whom|where(?:'s|’s| is| are))\b", re.IGNORECASE)
_ATTRIBUTE_EN = re.compile(
    r"\b(?:the|its|their)\s+(?P<of>[a-z]+(?:\s[a-z]+)?)\s+(?:of|for|at)\b|['’]s\s+(?P<whose>[a-z]+)\b"
)
"""The same in English: "the manager of", "Kestrel's price". What a verb asks is said in too
many ways ("Who leads it?", "is its chief executive") for a word that is missing to tell."""

_HOW_MUCH_ZH = re.compile(
    rf"的(?P<of>{'|'.join(HOW_MUCH_ZH)})(?:是|为|有|在)?(?:多[少大高重长宽深快]|几|哪)"
)


def answerability_of(
    weights: TermWeights, passages: Sequence[Passage], scored: Sequence[Scored]
) -> Answerability:
    """Return what the units of the passages, best first, are to the question."""
    if not scored or scored[0].score <= 0:
        return "nothing"
    fit = answer_fit(weights, passages, scored)
    language = language_of(weights.question)
    is_fit = fit >= of_language(ANSWERABLE_FROM, language)
    is_nothing = fit < of_language(NOTHING_BELOW, language)
    compared = [one.similarity for one in scored if one.unit.span in weights.similarities]
    if compared:
        best = max(compared)
        total = fit + of_language(SIMILARITY_WEIGHT, language) * best
        enough = of_language(ANSWERABLE_WITH_SIMILARITY_FROM, language)
        is_fit = fit >= WORDS_SUFFICE_FROM or total >= enough
        # Words that hold something of the question are never overruled to "nothing".
        is_nothing = is_nothing and (
            total < NOTHING_WITH_SIMILARITY_BELOW or is_unrelated(weights, passages, fit, best)
        )
    if is_nothing:
        return "nothing"
    if (
        lacks_value(weights, passages, scored)
        or lacks_name(weights, passages)
        or lacks_owner(weights, passages)
        or lacks_attribute(weights, passages, scored)
        or lacks_asked_word(weights, passages, scored)
    ):
        return "nearest"
    if language == "zh" and fit >= SPELT_FROM:
        # The best has the question's characters, though not its bigrams: 打折, 九折.
        unit = scored[0].unit
        title = next((one.title for one in passages if one.number == unit.passage), "")
        passage_text = f"{title} {unit.heading} {unit.context} {unit.text}"
        if weights.ideographs_held(passage_text) >= SPELT_SHARE:
            return "answerable"
    return "answerable" if is_fit else "nearest"


def of_language(thresholds: Mapping[Language, float], language: Language) -> float:
    """Return the threshold of a language, that of English for one that has none."""
    return thresholds.get(language, thresholds["en"])


def is_unrelated(
    weights: TermWeights, passages: Sequence[Passage], fit: float, similarity: float
) -> bool:
    """Return whether similarity alone is not enough to call passages near to a question."""
    # A code that no passage has is similar to each other code.
    if lacks_name(weights, passages):
        return True
    language = language_of(weights.question)
    least = of_language(SIMILARITY_ALONE_FROM, language)
    # "Where are we staying?" asks something, though it has one word that says what of.
    if language == "en" and len(weights.shares) == 1 and len(words(weights.question)) <= FEW_WORDS:
        least = ONE_WORD_SIMILARITY_FROM
    return fit <= 0 and similarity < least


def lacks_attribute(
    weights: TermWeights, passages: Sequence[Passage], scored: Sequence[Scored]
) -> bool:
    """Return whether what is asked of a name is no word of the passage that speaks of it.

    "Who is the manager of Harwick Rovers?" of a report on their match: all that the passage has of
    the question is the name.
    """
    best = next((p for p in passages if p.number == scored[0].unit.passage), None)
    passage_text = f"{best.title} {best.heading} {best.text}" if best else ""
    if best and (did := _WHO_DID_ZH.search(weights.question)):
        verb = did["did"] or did["did_behind"]
        return not has_attribute_zh(verb, passage_text) and not _BY_WHOM_ZH.search(
            scored[0].unit.text
        )
    # "Kestrel Pro | 540 g" and "Jo Park, 8011" say what they are by their shape.
    shaped = bool(weights.types) and weights.types[0].name in MEASURES | CONTACTS
    if best is None or (shaped and scored[0].typed):
        return False
    if found := _ATTRIBUTE_ZH.search(weights.question):
        return not has_attribute_zh(found["of"], passage_text)
    if found := _HOW_MUCH_ZH.search(weights.question):
        # A Chinese word or a sign anywhere, a Latin unit behind a number.
        patterns = (
            rf"\d[\d万亿千百]{{0,3}}\s?{unit}(?![a-z])"
            if unit[0].isascii() and unit[0].isalpha()
            else re.escape(unit)
            for unit in HOW_MUCH_ZH[found["of"]].split()
        )
        return not any(re.search(one, passage_text, re.IGNORECASE) for one in patterns)
    wanted = {word for word in weights.shares if word.isascii() and word.isalpha()}
    wanted -= weights.names | GENERIC_WORDS
    if not wanted or not weights.names:
        return False
    noun = _ATTRIBUTE_EN.search(weights.question)
    named = set(words(noun["of"] or noun["whose"])) if noun else set()
    same = [words_of_answer for asks, words_of_answer in SAYS_THE_SAME if asks & wanted]
    if not (named & wanted or same):
        return False
    held = set(words(passage_text))
    # What one of these asks is said by a word of its group, or not at all.
    asks_alone = _WHO_OR_WHERE.search(weights.question)
    if asks_alone and any(not group & held for group in same if group & wanted & ASKED_ALONE):
        return True
    return not any(group & held for group in same) and not any(
        holds_word(held, word) for word in wanted
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
    """Return whether a word of a passage may be the name: German of Germany, Sat, or a slip."""
    if name in CALENDAR_NAMES and len(word) >= MIN_CALENDAR_LETTERS and name.startswith(word):
        return True
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
