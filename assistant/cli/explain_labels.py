"""What an explanation calls the verdicts, the legs of retrieval and the kinds of answer."""

from collections.abc import Mapping
from typing import Final

from assistant.values import Answerability, BlockScore, VerdictKind, VerdictReason
from ingest.foundation.messages import LIST_COMMA, Message, join_messages

MIN_SHOWN_PART = 0.005
"""Part of a score that is shown: less is 0.00 with two digits."""

VERDICT_SIGNS: Final[Mapping[VerdictKind, str]] = {
    "supported": "✓",
    "re_attached": "✓",
    "unsupported": "✗",
    "unchecked": "?",
    "no_claim": "·",
}

VERDICTS: Final[Mapping[VerdictKind, Message]] = {
    "supported": Message("supported by"),
    "re_attached": Message("supported by another passage than the model cited,"),
    "unsupported": Message("in no passage"),
    "unchecked": Message("in another language, its figures stand in"),
    "no_claim": Message("no claim"),
}

REASONS: Final[Mapping[VerdictReason, Message]] = {
    "words": Message("its words"),
    "figure": Message("a figure"),
    "unit": Message("a unit"),
    "polarity": Message("“not”, or an opposite"),
    "name": Message("a name"),
    "order": Message("who did it to whom"),
    "passage": Message("the passage that it cites"),
}

ANSWERABILITY: Final[Mapping[Answerability, Message]] = {
    "answerable": Message("the passages answer the question"),
    "nearest": Message("the passages come near the question and do not seem to answer it"),
    "nothing": Message("the passages hold nothing for the question"),
}

LEGS: Final[Mapping[str, Message]] = {"words": Message("words"), "vectors": Message("vectors")}

STEPS: Final[Mapping[str, Message]] = {
    "search": Message("search"),
    "read": Message("reading"),
    "retrieve": Message("retrieval"),
    "evidence": Message("evidence"),
    "first_word": Message("first word"),
}
"""Moments of `Snapshot.seconds` that a reader wants to know; the end is shown beside the date."""

ANSWER_TYPES: Final[Mapping[str, Message]] = {
    "percent": Message("a percentage"),
    "money": Message("an amount of money"),
    "temperature": Message("a temperature"),
    "weight": Message("a weight"),
    "speed": Message("a speed"),
    "length": Message("a length"),
    "duration": Message("a duration"),
    "frequency": Message("a frequency"),
    "date": Message("a date"),
    "count": Message("a count"),
    "person": Message("a person"),
    "place": Message("a place"),
    "email": Message("an e-mail address"),
    "website": Message("a web address"),
    "phone": Message("a telephone number"),
    "contact": Message("whom to ask"),
    "option": Message("an option"),
    "colour": Message("a colour"),
    "code": Message("a number or a code"),
    "energy": Message("an amount of energy"),
    "power": Message("a power"),
    "loudness": Message("a loudness"),
    "age": Message("an age"),
    "clock": Message("a time of day"),
    "address": Message("a postal address"),
    "substitute": Message("a substitute"),
    "command": Message("a command"),
    "reason": Message("a reason"),
    "definition": Message("a definition"),
}
"""Name of an answer type (`assistant.answer.evidence.answer_types`) -> what it is called."""

SCORE_SHARES: Final[Mapping[str, Message]] = {
    "own_words": Message("own words"),
    "above": Message("heading"),
    "title": Message("title"),
    "beside": Message("neighbours"),
    "passage": Message("passage"),
    "similarity": Message("meaning"),
}
"""What a score adds up, by the field of `BlockScore`."""

SCORE_FACTORS: Final[Mapping[str, Message]] = {
    "rank": Message("rank"),
    "answer_type": Message("kind of answer"),
    "kind": Message("kind of block"),
    "length": Message("length"),
}
"""What it is multiplied by."""


def describe_score(parts: BlockScore) -> Message:
    """Return what a block's score is made of, without what changes nothing."""
    shown = [
        Message("{part} +{value:.2f}", part=label, value=getattr(parts, name))
        for name, label in SCORE_SHARES.items()
        if getattr(parts, name) >= MIN_SHOWN_PART
    ]
    shown += [
        Message("{part} ×{value:.2f}", part=label, value=getattr(parts, name))
        for name, label in SCORE_FACTORS.items()
        if abs(getattr(parts, name) - 1) >= MIN_SHOWN_PART
    ]
    return join_messages(shown, LIST_COMMA)
