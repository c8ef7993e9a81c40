"""Whether a word that tells what is asked for stands in what was found.

Only words that an answer can hardly do without: "the code of the alarm", "the assistant coach". In
other places an answer may be in other words altogether.
"""

import itertools
import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from assistant.answer.evidence.attribute_words import SAYS_THE_SAME, SAYS_THE_SAME_ZH
from assistant.answer.evidence.scoring import GENERIC_WORDS, Scored, TermWeights
from assistant.answer.verification.synonyms import common_word, with_common_phrases, word_stem
from assistant.values import Passage
from ingest.text.cjk import CJK
from ingest.text.words import words

SAME_BEGINNING = 5
"""Letters by which two words are forms of one: attended, attendance."""
MIN_FIELDS = 3
"""Lines of "label: value", or rows, from which on a text is a record: what it has no field for, it
does not say."""
_FIELD = re.compile(rf"(?:^|[\s\u3000])[\w {CJK}]{{1,20}}[:：]\s*\S|^\s*\|.*\|\s*$", re.MULTILINE)
_MODIFIER = re.compile(
    r"\b(previous|former|second|third|assistant|deputy|vice|left|right|monthly|weekly|annual|last"
    r"|next|new|old|other|first)\s+(?=[a-z])"
)
"""What tells one of a kind from another: neither coach is the assistant coach."""
_NOUN = re.compile(
    r"\bthe (?P<of>[a-z]+) (?:of|for|at|on|in) (?:the|my|our)\b"
    r"|(?:[a-z]['’]s|\bmy|\bour) (?P<whose>[a-z]+)\W*$"
    r"|\bname of (?:the|my|our|a) (?:[a-z]+ )?(?P<named>[a-z]+)\W*$"
)
"""What is asked of a thing without a name: the code of the alarm, the name of the coach company."""
_FIELD_ZH: Final = re.compile(
    rf"的(?P<of>[{CJK}]{{2,4}}?)(?:(?:是|为|叫)(?:多少|什么|谁|哪|几)|多少)"
)
HEAD_ZH = 2
"""Characters of a Chinese noun that say what it is, at its end: 师傅 of 安装师傅."""


def lacks_asked_word(
    weights: TermWeights, passages: Sequence[Passage], scored: Sequence[Scored]
) -> bool:
    """Return whether such a word of the question is missing in what was found for it."""
    best = next((one for one in passages if one.number == scored[0].unit.passage), None)
    if best is None:
        return False
    best_text = f"{best.title} {best.heading} {best.text}"
    if found := _FIELD_ZH.search(weights.question):
        is_record = len(_FIELD.findall(best.text)) >= MIN_FIELDS
        return is_record and not has_attribute_zh(found["of"][-HEAD_ZH:], best_text)
    held = frozenset(words(" ".join(f"{one.title} {one.heading} {one.text}" for one in passages)))
    if any(not holds_word(held, word) for word in _MODIFIER.findall(weights.question)):
        return True
    noun = _NOUN.search(weights.question)
    wanted = (noun["of"] or noun["whose"] or noun["named"]) if noun else None
    if not wanted or wanted in GENERIC_WORDS:
        return False
    held = frozenset(words(best_text))
    # What is said in other words: "their boss" for the manager.
    same = any(wanted in group and group & held for _, group in SAYS_THE_SAME)
    return not same and not holds_word(held, wanted)


def holds_word(held: AbstractSet[str], word: str) -> bool:
    """Return whether words have an English word in any form, or one that stands for it."""
    forms = {form for one in held for form in (one, common_word(one), word_stem(one))}
    if not forms.isdisjoint((word, common_word(word), word_stem(word))):
        return True
    return len(word) >= SAME_BEGINNING and any(
        one[:SAME_BEGINNING] == word[:SAME_BEGINNING] for one in held
    )


def has_attribute_zh(wanted: str, text: str) -> bool:
    """Return whether a text has what a Chinese noun asks for, or a word that says the same."""
    held = with_common_phrases(text)
    pairs = {one + two for one, two in itertools.pairwise(with_common_phrases(wanted))}
    same = (group for group in SAYS_THE_SAME_ZH if group[0] in wanted)
    return any(pair in held for pair in pairs) or any(
        word in text for group in same for word in group
    )
