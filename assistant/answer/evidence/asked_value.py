"""Whether a value of the kind asked for stands with what it is asked of.

A short document of one's own has many values on few lines: that the rent is 980 pounds says nothing
of the parking space in the next line, though one passage holds both.
"""

import re
from collections.abc import Sequence
from typing import Final

from assistant.answer.evidence.answer_types import CONTACTS, MEASURES, STRICT_TYPES
from assistant.answer.evidence.scoring import Scored, TermWeights
from assistant.values import Passage
from ingest.text.words import words

BESIDE_WHAT_IS_ASKED: Final = (MEASURES | CONTACTS | STRICT_TYPES) - {"contact"} | {
    "frequency",
    "clock",
    "age",
}
"""Kinds of answer that are a value of something."""
SAYS_THE_KIND: Final = frozenset(
    words(
        "cost costs price pay paid charge worth spend phone number telephone mobile contact address"
        " email e-mail long often far high tall deep wide big large heavy hot cold warm fast old"
        " temperature weight mass weigh speed height length distance width depth altitude area"
        " diameter size duration time hours colour color code password passcode pin wattage"
        " calories live lives instead substitute"
    )
)
"""Words of a question by which its kind is known: no answer need repeat them."""
# Chosen on the half "tuned" of bench/own_documents.json, XQuAD and CMRC (bench/README.md).
MIN_SHARE_OF_FIELD = 0.6
"""Share of what the best passage holds of the question that the value's own line must hold, with
what is above it: its label, or its row, says of what it is."""
MIN_SHARE_OF_SENTENCE = 0.25
"""The same of a sentence, which may have its subject from the one before."""
BEFORE = 200
"""Characters before a value whose label tells its kind and not of what: "Phone: …" under a name."""
NOT_SAID: Final = frozenset(["people", "person", "persons", "men", "women", "个人", "的人"])
"""What is counted without a word for it: "The attendance was 18,204"."""
_GENERAL_ZH = frozenset("个名位次种件届人章层")
"""Classifiers that go with too much to tell what is counted."""
_KIND_ALONE = re.compile(
    r"\W*(?:(?:tele|mobile )?phone|tel|mobile|fax|e-?mail|web ?site|url|address|price|cost|fee|time"
    r"|hours|weight|size|age|colou?r|code|password|电话|手机|传真|邮箱|电邮|邮件|网址|官网|地址|联系电话"
    r"|价格|单价|费用|时间|重量|尺寸|年龄|颜色|密码|编号)\W{0,2}[:：]",
    re.IGNORECASE,
)
_LABELLED = re.compile(r"\W*\w[^:：\n。，,.]{0,30}[:：]\s*\S")


def lacks_value(
    weights: TermWeights, passages: Sequence[Passage], scored: Sequence[Scored]
) -> bool:
    """Return whether the passages have no value of the kind asked for, or of something else only.

    A page on the subject holds nearly all words of "How much does it cost?" and no price.
    """
    kind = weights.types[0].name if weights.types else ""
    counted = set(weights.counted) - NOT_SAID - _GENERAL_ZH
    if kind not in BESIDE_WHAT_IS_ASKED and not (kind == "count" and counted):
        return False
    topic = {w: share for w, share in weights.shares.items() if w not in SAYS_THE_KIND}
    named = frozenset(words(weights.question))
    pages = {one.number: one for one in passages}

    def held(text: str) -> float:
        found = frozenset(words(text))
        return sum(share for word, share in topic.items() if word in found)

    most = max(held(f"{one.title} {one.heading} {one.text}") for one in passages)
    for unit in (one.unit for one in scored if one.typed >= 1):
        page, least = pages[unit.passage], MIN_SHARE_OF_SENTENCE
        about = f"{page.title} {unit.heading} {unit.context} {unit.text}"
        if _KIND_ALONE.match(unit.text):
            about += page.text[max(0, unit.start - BEFORE) : unit.start]
        elif unit.kind != "sentence" or _LABELLED.match(unit.text):
            label = words(re.split("[:：]", unit.text, maxsplit=1)[0])
            # "Serial number: …" is the one that is asked for, whatever else the question says.
            is_named = unit.kind == "sentence" and named.issuperset(label)
            least = MIN_SHARE_OF_SENTENCE if is_named else MIN_SHARE_OF_FIELD
        else:
            # What stands right before it: "The museum is big. Entry costs 12 euros.".
            before = (unit.passage, unit.place - 1)
            others = (one.unit for one in scored)
            about += "".join(f" {one.text}" for one in others if (one.passage, one.place) == before)
        if held(about) >= least * most:
            return False
    return True
