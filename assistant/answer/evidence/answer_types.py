"""What kind of answer a question asks for, and whether a text holds one (Li and Roth, 2002)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final

from assistant.answer.evidence.answer_kinds import ANSWER_TYPES, CLASSIFIERS, NUMBER, AnswerType
from assistant.answer.evidence.passage_reader import Unit
from assistant.values import EvidenceKind
from ingest.text.cjk import CJK

MEASURES = frozenset(("percent", "money", "temperature", "weight", "speed", "length", "duration"))
"""Kinds of answer that are a figure with a unit."""
CONTACTS = frozenset(("email", "website", "phone", "contact"))
"""Kinds of answer that stand on a line which says little else of the question."""
MADE_FOR: Final[Mapping[str, tuple[EvidenceKind, ...]]] = {
    "command": ("code", "definition"),
    "option": ("code", "definition"),
    "definition": ("definition",),
}
"""Kinds of answer that some kinds of unit are, whatever they hold."""
STRICT_TYPES = frozenset(
    (
        *("percent", "money", "temperature", "weight", "speed", "length", "duration"),
        *("email", "website", "phone", "age", "clock", "colour", "code", "energy", "power"),
        *("loudness", "address", "substitute"),
    )
)
"""Kinds of answer that are recognized by their shape: a passage without one does not answer."""

NEAR = 24
NEAR_IDEOGRAPHS = 3
"""Characters between a number and the word for what is counted: "250 of the 300 small drones"."""

_COUNTED_EN = re.compile(
    r"\bhow many (?:\w{1,20}ly )?(?:different |other |more |total )?([a-z]{3,20})", re.IGNORECASE
)
_COUNTED_ZH = re.compile(rf"(?:多少|几)([{CLASSIFIERS}]?)的?([{CJK}]{{2}})?")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # When it is first used: a question needs one or two of those that find answers, and compiling
    # all of them at the start took 30 ms.
    return re.compile(pattern, re.IGNORECASE)


def answer_types(question: str) -> list[AnswerType]:
    """Return the kinds of answer that a question asks for, the most specific first."""
    return [kind for kind in ANSWER_TYPES if _compiled(kind.asked).search(question)]


def counted_words(question: str) -> Iterator[str]:
    """Yield what a question wants counted: "drones" of "how many drones", "名" of "多少名"."""
    for found in _COUNTED_EN.finditer(question):
        yield found[1].casefold()
    for found in _COUNTED_ZH.finditer(question):
        yield from filter(None, (found[1], found[2]))


def answer_type_fit(
    unit: Unit, types: Sequence[AnswerType], counted: Sequence[str], question: str
) -> float:
    """Return 1 if a unit holds an answer of the first of the types, .5 if it may, else 0."""
    if not types:
        return 0.0
    kind = types[0]
    if unit.kind in MADE_FOR.get(kind.name, ()):
        return 1.0
    if kind.name == "count" and counted:
        for word in counted:
            stem = re.escape(word.removesuffix("s"))
            near = NEAR if word.isascii() else NEAR_IDEOGRAPHS
            behind = rf"{NUMBER}.{{0,{near}}}{stem}"
            # As in a field: the drones, a colon, 250.
            before = rf"{stem}.{{0,{NEAR}}}[:：是为有达约][^，。；\n]{{0,3}}{NUMBER}"
            # 志愿者20名, 冰糖10克
            beside = rf"{stem}[^，。；\s\d]{{0,3}}\s?\d" if not word.isascii() else before
            if re.search(f"{behind}|{before}|{beside}", unit.text, re.IGNORECASE):
                return 1.0
        return 0.5 if re.search(NUMBER, unit.text, re.IGNORECASE) else 0.0
    lowered = question.casefold()
    # What the question itself says answers nothing.
    found = (each[0].strip().casefold() for each in _compiled(kind.held).finditer(unit.text))
    return float(any(each and each not in lowered for each in found))
