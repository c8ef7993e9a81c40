"""Tells by rule whether a message may hurt, in Chinese and English.

What hurts is what Rosenberg calls life-alienating communication: judgements of a person ("lazy"),
generalizations ("you never"), blame, comparisons, demands and threats. Words alone do not do it:
one may call a printer stupid, and oneself. So most rules want the other person in the sentence, or
an order. `python -m bench.nvc` says how far they carry.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ingest.foundation.messages import Language

Harm = Literal["judgement", "generalization", "blame", "comparison", "demand", "threat", "contempt"]
"""What in a message may hurt."""

_DATA: dict[str, Any] = json.loads(
    Path(__file__).with_name("patterns.json").read_text(encoding="utf-8")
)


def _compile(patterns: Sequence[str], language: str) -> re.Pattern[str]:
    """Return one pattern of several; "{bad}" in them stands for words that judge a person."""
    bad = "|".join(_DATA["bad"][language])
    return re.compile("|".join(patterns).replace("{bad}", bad), re.IGNORECASE)


_HARMS: dict[str, dict[Harm, re.Pattern[str]]] = {
    language: {harm: _compile(patterns, language) for harm, patterns in by_harm.items()}
    for language, by_harm in _DATA["harms"].items()
}
_KIND = {language: _compile(patterns, language) for language, patterns in _DATA["kind"].items()}
"""What turns "you always" into praise."""
_PRAISED: frozenset[Harm] = frozenset({"generalization", "judgement", "comparison"})
"""What is none where the message is kind."""


def find_harms(message: str, language: Language) -> tuple[Harm, ...]:
    """Return what in a message may hurt, () for one that can be sent as it is."""
    text = " ".join(message.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
    by_language = _HARMS["zh" if language == "zh" else "en"]
    found = [harm for harm, pattern in by_language.items() if pattern.search(text)]
    if _KIND["zh" if language == "zh" else "en"].search(text):
        found = [harm for harm in found if harm not in _PRAISED]
    return tuple(found)
