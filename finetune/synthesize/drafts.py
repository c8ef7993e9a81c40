"""A question with its answer, before it is looked up and checked."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from assistant.answer.evidence.passage_reader import Unit
from ingest.foundation.messages import Language
from ingest.text.cjk import CJK

DraftKind = Literal[
    "faq",
    "figure",
    "date",
    "fact",
    "cause",
    "definition",
    "row",
    "list",
    "term",
    "section",
    "model",
    "other",
]
"""What of a page the question was made of; "model": a teacher model wrote it; "other": it is about
a text that came with the package."""

LONGEST_QUESTION = 120
"""Characters of a question that a person would type."""

LONGEST_REPLY = 400
"""Characters of an answer: what a small model can be taught to say as a whole."""


CJK_LETTER = re.compile(f"[{CJK}]")

QUESTION_MARKS = ("?", "？")
"""Ends of a text that asks, in both languages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionDraft:
    """A question that a document answers."""

    question: str
    reply: str
    """What is to be learnt, in whole sentences."""
    answer: str
    """What a right reply holds: a figure, a value, a name; all of `reply` where it is no such."""
    kind: DraftKind
    language: Language
    url: str
    """URL of the document."""
    source: str
    """The text of the document that the answer was taken from, without Markdown."""
    names_page: bool = False
    """Whether it is asked with the name of its page alone: its sentence leaves its subject out."""
    is_spare: bool = False
    """Whether it is one cell too many of a long table: it shows what is ambiguous, and is not
    asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceText:
    """A piece of a document that questions are made of."""

    url: str
    title: str
    unit: Unit
    """As evidence is cut (`assistant.answer.evidence.units`)."""
    language: Language
    is_known: Callable[[str], bool]
    """Whether a word is in the document in lower case: then it is no name."""
    is_heading: Callable[[str], bool]
    """Whether a line is marked as a heading, not only a line of its own."""
    begins_paragraph: bool = True
    """Whether nothing is before it in its paragraph: it says what it is about."""

    def draft(
        self,
        question: str,
        reply: str,
        answer: str,
        kind: DraftKind,
        *,
        names_page: bool = False,
    ) -> QuestionDraft:
        """Return a question on this piece."""
        return QuestionDraft(
            question=question,
            reply=reply,
            answer=answer,
            kind=kind,
            language=self.language,
            url=self.url,
            source=self.unit.text,
            names_page=names_page,
        )


Rule = Callable[[SourceText], Iterator[QuestionDraft]]
"""Makes questions of one kind of a piece of text; none where it does not fit."""

_PAIRS = ("()", "（）", "[]", "【】", "《》", "“”", "「」", "『』")
_ODD_ENDS = re.compile(r"https?://|\.\.\.|…|[|<>{}\ufffd]|\[\d+\]|[（(][）)，,：:；;]|FIXME")


def is_whole_sentence(text: str) -> bool:
    """Return whether a text has what a sentence that stands alone has: an end, and no loose ends.

    Brackets and quotes are closed, and there is no address, no markup and nothing left out in it.
    """
    ended = text.endswith(("。", ".", "！", "!", "；"))
    closed = all(text.count(pair[0]) == text.count(pair[1]) for pair in _PAIRS)
    return ended and closed and text.count('"') % 2 == 0 and not _ODD_ENDS.search(text)
