"""How well a unit fits a question, whichever other passages there are."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from assistant.answer.evidence.answer_kinds import AnswerType
from assistant.answer.evidence.answer_types import (
    CONTACTS,
    MEASURES,
    answer_type_fit,
    answer_types,
    counted_words,
)
from assistant.answer.evidence.passage_reader import Span, Unit
from assistant.values import BlockScore, EvidenceKind, Passage, UnitSimilarity
from ingest.text.cjk import CJK
from ingest.text.language import language_of
from ingest.text.weekdays import without_spellings
from ingest.text.words import content_words, words

# Words are weighed by their shape and not by idf among the passages: that would let a page that
# happens to arrive decide which sentence of another page is best.
USUAL_LETTERS = 5
MAX_WEIGHED_LETTERS = 8
"""Letters of a word that count: one of five weighs 1, a longer one more, because long words are
rare."""
NAME_WEIGHT = 1.5
"""Weight of names and figures among the question's words: a passage on something else lacks them.
"""
GENERIC_WEIGHT = 0.4
"""Weight of words that say how one asks, not what about."""

# Chosen on every third question of XQuAD in both languages and on one half of bench/manuals.json,
# one after the other (bench/README.md has what each is worth).
HEADING_SHARE = 0.3
"""Share of its weight that a word counts where only the heading above holds it."""
FITTING_HEADING = 0.6
FITTING_HEADING_SHARE = 0.6
"""The same under a heading that holds at least that share of the question: all below it is about
it."""
CONTEXT_SHARE = 0.5
"""The same for the lead-in of a list: it says more than a heading."""
TITLE_SHARE = 0.25
"""The same for the page's title, which is above all of its sentences."""
NEIGHBOUR_SHARE = 0.25
"""Weight of the share that a neighbour holds: the answer is often beside what repeats the words."""
PASSAGE_SHARE = 0.8
"""Weight of the share that the whole passage holds: its other sentences say what it is about."""
MEASURE_BONUS = 0.5
"""For what holds a figure with the unit that is asked for."""
TYPE_BONUS = 0.35
"""For what holds an answer of the kind asked for."""
RANK_STEP = 0.08
LAST_RANK = 6
"""Share of the score, taken away by each rank of the passage down to this one. By the number and
not by the share of passages, or a passage more would change all scores."""
USUAL_WORDS = 25
LENGTH_PENALTY = 0.05
"""For each `USUAL_WORDS` words more than that."""
KIND_BONUS: Mapping[EvidenceKind, float] = {"definition": 1.15, "code": 1.15}
"""These were made to be looked up."""

SIMILARITY_WEIGHT = 1.0
"""What a similarity of 1 adds to the shares of a question's words. 2 finds .02 more first blocks in
prose and loses as many of manuals, whose options and commands are similar to no question."""
SIMILAR_FROM = 0.15
"""Similarity from which on a unit is relevant that shares no word with the question. The nearest
unit of other articles reaches it for one question of XQuAD in four."""

SUBJECT_BONUS = 0.35
"""For a definition or row whose term or first cell the question names."""

GENERIC_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
    use used using make made get got want show tell give given many much type kind name called call
    way command option find number different following year time one two first known become became
    take took happen mean work put go
    使用 哪种 哪一 一个 一种 命令 哪个 时候 多久 名字 叫做 表示 选项 怎样 进行 哪年 是多 是什 有多
    多大 几个 有哪 么时 么是 是谁 在哪 的原 谁是 哪位 用什 么命 种什 什么样
    """,
    )
)
_INTERROGATIVE = re.compile(
    r"多[高大长久远重宽深快热厚少]|什么时[候间]|为什么|什么|怎么样?|怎样|如何|哪[个些位种里年条]?|为何|谁"
    r"|有?几[岁时点天年月周次位名种瓶盒趟路栋楼层本件张节门条只片]|有?几个人|[找问]谁|的事|的?时候|我们|咱们|多少钱?|哪[趟路栋家天辆]|[吗呢]|是否|请问|可以|需要|应该|要(?=[多加付交花收几])"
    r"|(?<![功性智节效职技潜核动热电才])能(?![源量力耗级效])|一[盒页张份瓶只袋箱罐]"
    r"|(?i:\bhow (?:long|many|much|often|old|far)\b)"
)
"""Without spaces these join their neighbours to bigrams that no answer holds: "飞多" of 飞多高."""
_IDEOGRAPHS = re.compile(rf"[{CJK}]|[A-Za-z0-9]+")
_PARTICLES = frozenset("的是了在有和被把这那些之其")
_NAME = re.compile(
    rf"(?<=[\w,;:] )[A-Z]\w*|(?<=[{CJK}])\s?[A-Za-z]\w*|[A-Za-z]\w*(?=\s?[{CJK}])", re.ASCII
)
"""A capital that no beginning of a sentence explains, and Latin letters beside Chinese ones."""


LATIN_NOUNS_ZH = frozenset(
    ("wifi", "app", "email", "pdf", "ppt", "vip", "ktv", "atm", "pin", "logo", "tv", "pc", "usb")
)
"""What Chinese writes in Latin letters and means no name by: WiFi is as often 无线 or 宽带."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TermWeights:
    """A question as it is compared with units."""

    question: str
    shares: Mapping[str, float]
    """Its content words, each with how much of the question it is; together 1."""
    names: frozenset[str]
    """Those that are names or figures."""
    ideographs: frozenset[str]
    """Its characters in Chinese, and whatever is written between them, without particles."""
    types: Sequence[AnswerType]
    """The kinds of answer asked for, the most specific first."""
    counted: Sequence[str]
    """What is to be counted, if anything is."""
    similarities: Mapping[Span, float]
    """Semantic similarity of units, {} where nothing compared them."""

    @classmethod
    def of(cls, question: str, compared: Sequence[UnitSimilarity] = ()) -> Self:
        """Weigh the words of a question; `compared`: from `compare_units`, () for words alone."""
        plain = _INTERROGATIVE.sub(" ", question)
        terms = {word for word in content_words(plain) if word.isascii() or len(word) > 1}
        # 崴了 is no content word, and yet all there is of 谁崴了脚.
        terms = terms or {word for word in words(plain) if len(word) > 1}
        terms = terms or set(content_words(question) or words(question))
        terms = without_spellings(terms)
        names = {word for name in _NAME.findall(question) for word in words(name)}
        names -= LATIN_NOUNS_ZH if language_of(question) == "zh" else frozenset()
        names |= {word for word in terms if any(character.isdigit() for character in word)}
        weights = {}
        for word in terms:
            # Chinese words are bigrams here, all of one length.
            letters = min(len(word), MAX_WEIGHED_LETTERS) if word.isascii() else USUAL_LETTERS
            usual = GENERIC_WEIGHT if word in GENERIC_WORDS else 1.0
            worth = NAME_WEIGHT if word in names else usual
            weights[word] = letters / USUAL_LETTERS * worth
        total = sum(weights.values()) or 1.0
        return cls(
            question=question,
            shares={word: weight / total for word, weight in weights.items()},
            names=frozenset(names & terms),
            ideographs=frozenset(_IDEOGRAPHS.findall(plain)) - _PARTICLES,
            types=answer_types(question),
            counted=list(counted_words(question)),
            similarities={(one.passage, one.start, one.end): one.similarity for one in compared},
        )

    @property
    def type_bonus(self) -> float:
        """What a unit gains that holds an answer of the kind asked for."""
        is_shaped = bool(self.types) and self.types[0].name in MEASURES | CONTACTS
        return MEASURE_BONUS if is_shaped else TYPE_BONUS

    def ideographs_held(self, text: str) -> float:
        """Return the share of the question's characters that `text` has, 0 to 1."""
        held = self.ideographs.intersection(_IDEOGRAPHS.findall(text))
        return len(held) / (len(self.ideographs) or 1)

    def share_held(self, held: frozenset[str]) -> float:
        """Return the share of the question's words that `held` has, 0 to 1."""
        return sum(share for word, share in self.shares.items() if word in held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A unit and how well it fits."""

    unit: Unit
    words: frozenset[str]
    covered: float
    """The share of the question that it holds, what it is under counted less; may exceed 1."""
    similarity: float
    """Its semantic similarity to the question, 0 to 1."""
    typed: float
    """1 if it holds an answer of the kind asked for."""
    score: float
    parts: BlockScore
    """What the score is made of."""

    @property
    def fit(self) -> float:
        """How well it fits the question by words and by similarity."""
        return self.covered + self.similarity


def score_units(
    weights: TermWeights, passages: Sequence[Passage], units: Sequence[Sequence[Unit]]
) -> list[Scored]:
    """Return the units of all passages, the best first."""
    scored = [
        one
        for passage, own in zip(passages, units, strict=True)
        for one in score_passage(weights, passage, own)
    ]
    return sorted(scored, key=lambda one: (-one.score, one.unit.passage, one.unit.start))


def score_passage(weights: TermWeights, passage: Passage, units: Sequence[Unit]) -> list[Scored]:
    """Return the units of one passage, each with all that speaks for it."""
    title = frozenset(words(passage.title))
    around = frozenset(words(f"{passage.heading} {passage.text}")) | title
    by_passage = PASSAGE_SHARE * weights.share_held(around)
    by_rank = 1 - RANK_STEP * min(passage.number - 1, LAST_RANK)
    found = [words(unit.text) for unit in units]
    own_words = [frozenset(each) for each in found]
    held_shares = [weights.share_held(each) for each in own_words]
    # By place and not by number: a list as a whole and its items overlap in the order of units.
    at_place: dict[int, float] = {}
    for unit, share in zip(units, held_shares, strict=True):
        at_place[unit.place] = max(share, at_place.get(unit.place, 0.0))
    scored = []
    for number, unit in enumerate(units):
        above = share_above(weights, unit, own_words[number])
        under = own_words[number].union(words(f"{unit.context} {unit.heading}"))
        by_title = TITLE_SHARE * weights.share_held(title - under)
        typed = answer_type_fit(unit, weights.types, weights.counted, weights.question)
        beside = max(at_place.get(unit.place + step, 0.0) for step in (-1, 1))
        similarity = weights.similarities.get(unit.span, 0.0)
        subject = words(unit.subject)
        named_share = sum(word in weights.shares for word in subject) / (len(subject) or 1)
        parts = BlockScore(
            own_words=held_shares[number],
            above=above,
            title=by_title,
            beside=NEIGHBOUR_SHARE * beside,
            passage=by_passage,
            similarity=SIMILARITY_WEIGHT * similarity,
            rank=by_rank,
            answer_type=1 + weights.type_bonus * typed,
            kind=KIND_BONUS.get(unit.kind, 1.0) * (1 + SUBJECT_BONUS * named_share),
            length=1 / (1 + LENGTH_PENALTY * max(0.0, len(found[number]) / USUAL_WORDS - 1)),
        )
        # A unit without any of it is beside an answer and is none.
        is_relevant = held_shares[number] or above or typed or similarity >= SIMILAR_FROM
        scored.append(
            Scored(
                unit=unit,
                words=own_words[number],
                covered=held_shares[number] + above + by_title,
                similarity=similarity,
                typed=typed,
                score=parts.total if is_relevant else 0.0,
                parts=parts,
            )
        )
    return scored


def share_above(weights: TermWeights, unit: Unit, own: frozenset[str]) -> float:
    """Return what the unit's lead-in and heading hold of the question beyond its own words."""
    context = frozenset(words(unit.context)) - own
    heading = frozenset(words(unit.heading))
    fits = weights.share_held(heading) >= FITTING_HEADING
    by_heading = weights.share_held(heading - own - context)
    return (
        CONTEXT_SHARE * weights.share_held(context)
        + (FITTING_HEADING_SHARE if fits else HEADING_SHARE) * by_heading
    )
