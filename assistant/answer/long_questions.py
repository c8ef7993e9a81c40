"""What of a long question is looked up: what it asks, and not the text that was pasted with it.

The words of a paste outnumber those of the question, and its vector is the paste's: with 2,400
characters before it the right page came first for .03 of the questions (bench/retrieval.py).
"""

import re
from collections import Counter

from ingest.text.words import content_words, sentence_spans

WHOLE_CHARACTERS = 400
"""Up to this length a question is looked up as it stands. The longest of 1,190 has 197."""

EDGE = 2
"""Sentences at the beginning and at the end of a long question where people ask, before or after
what they paste. A question elsewhere may be part of the paste."""

TELLING_WORDS = 3
"""Content words by which a question says what it is about. "What does this mean?" has none: then
the text that it came with has to say it."""

MOST_TELLING = 12
"""Words taken from that text, the most frequent first: about as many as a question has."""

_ASKS = re.compile(
    r"[?？]|[吗呢][。！!]?$|什么|怎么|怎样|如何|为何|为什|多少|哪[里个些位年种]|是谁|请[问说解介列给比总]"
    r"|^\W*(?:who|whom|whose|what|when|where|which|why|how|is|are|was|were|do|does|did|can|could"
    r"|should|would|will|has|have|please|explain|tell|name|list|describe|summari[sz]e)\b",
    re.IGNORECASE,
)


def condense_question(question: str) -> str:
    """Return `question` if it is short, else the sentences of it that ask, at most 400 characters.

    Those with a question mark at the beginning or end count before the same elsewhere, these before
    what reads like a question there, and if nothing does, the first and the last stand for all.
    Where they do not name what they are about, the most frequent words of the rest follow.
    """
    question = question.strip()
    if len(question) <= WHOLE_CHARACTERS:
        return question
    sentences = [question[start:end] for start, end in sentence_spans(question)]
    asking = _asking(sentences)
    found = set(content_words(asking))
    if len(found) >= TELLING_WORDS:
        return asking
    counts = Counter(word for word in content_words(question) if word not in found)
    # `most_common` keeps the order of the text among equals: a paste begins with its subject.
    telling = [word for word, _ in counts.most_common(MOST_TELLING)]
    return " ".join([asking, *telling])


def _asking(sentences: list[str]) -> str:
    """Return what asks, from the end of the question if it is too long for all of it."""
    inner = range(EDGE, len(sentences) - EDGE)
    places = [place for place, sentence in enumerate(sentences) if _ASKS.search(sentence)]
    marked = [place for place in places if sentences[place].rstrip("”’」』）\"')]")[-1:] in "?？"]
    chosen = (
        [place for place in marked if place not in inner]
        or marked
        or [place for place in places if place not in inner]
        or sorted({0, len(sentences) - 1})
    )
    kept: list[str] = []
    room = WHOLE_CHARACTERS
    for place in reversed(chosen):  # what comes last is what is asked now
        if room <= 0:
            break
        sentence = sentences[place]
        if len(sentence) > room:
            # Text without marks is one sentence: people ask at its beginning or its end.
            sentence = f"{sentence[: room // 2]} {sentence[-(room // 2) :]}"
        kept.append(sentence)
        room -= len(sentence)
    return "\n".join(reversed(kept))
