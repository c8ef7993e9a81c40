"""Questions that a reader may ask next, made by code from the headings of the pages read."""

import re
from collections.abc import Iterator

from ingest.foundation.messages import Language, Message
from ui.session import PageTurn

MAX_FOLLOW_UPS = 3
SHORTEST, LONGEST = 3, 40
"""Characters of a heading that says something and is no sentence."""

_HEADING = re.compile(r"^#{1,4}\s+(.+?)\s*#*$", re.MULTILINE)
_NUMBERING = re.compile(
    r"^(?:第?[一二三四五六七八九十百\d]+(?:[、.．)）:：，,章节条步]|\s)\s*|[(（][一二三四五六七八九十\d]+[)）]\s*)+"
)
_QUESTION = re.compile(r"[?？]$|吗$|什么|怎么|怎样|如何|多少|哪|几|谁|为何|为什么", re.IGNORECASE)
_WH_WORD = re.compile(r"^(?:what|how|why|when|where|who|which|can|do|does|is|are)\b", re.IGNORECASE)


def follow_ups(turn: PageTurn, language: Language) -> list[str]:
    """Return at most `MAX_FOLLOW_UPS` questions; none where the pages have no other headings."""
    if turn.answer is None or not turn.answer.citations:
        return []
    used = {_plain(block.heading) for block in turn.evidence.blocks}
    turn_question = turn.question.casefold()
    found: list[str] = []
    for heading in _headings(turn):
        if heading in used or heading.casefold() in turn_question:
            continue
        question = heading
        if not (_QUESTION.search(heading) or _WH_WORD.match(heading)):
            # In quotes: a heading is a name for what is below it, and no question.
            suggestion = Message("What do the pages say about “{heading}”?", heading=heading)
            question = suggestion.localize(language)
        if question not in found:
            found.append(question)
        if len(found) == MAX_FOLLOW_UPS:
            break
    return found


def _headings(turn: PageTurn) -> Iterator[str]:
    """Yield the headings that are in the passages, those of the pages cited first."""
    cited = {citation.number for citation in turn.answer.citations} if turn.answer else set()
    passages = sorted(turn.passages or (), key=lambda passage: passage.number not in cited)
    for passage in passages:
        for found in _HEADING.finditer(passage.text):
            heading = _plain(found[1])
            if SHORTEST <= len(heading) <= LONGEST:
                yield heading


def _plain(heading: str) -> str:
    """Return a heading without Markdown and its number."""
    text = re.sub(r"[*_`\[\]]", "", heading).strip()
    return _NUMBERING.sub("", text).strip()
