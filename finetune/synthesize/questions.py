"""All questions that rules make of a document: of sentences, headings, tables, lists, terms.

Those of tables, sections and described terms have modules of their own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from assistant.answer.evidence.plain_text import plain_text
from assistant.answer.evidence.units import MOST_READ, split_into_units
from assistant.values import Passage
from finetune.synthesize import rules_en, rules_zh, sentence_forms_en, sentence_forms_zh
from finetune.synthesize.drafts import (
    LONGEST_QUESTION,
    LONGEST_REPLY,
    QuestionDraft,
    Rule,
    SourceText,
)
from finetune.synthesize.section_questions import ask_of_sections
from finetune.synthesize.table_questions import ask_of_rows
from finetune.synthesize.term_questions import ask_of_terms
from ingest.documents import Document
from ingest.foundation.messages import LANGUAGES, Language
from ingest.text.language import language_of

RULES: Mapping[Language, tuple[Rule, ...]] = {
    "zh": (
        rules_zh.ask_for_figure,
        rules_zh.ask_for_day,
        rules_zh.ask_what_it_is,
        rules_zh.ask_for_items,
        sentence_forms_zh.ask_by_predicate,
    ),
    "en": (
        rules_en.ask_how_many,
        rules_en.ask_when,
        rules_en.ask_what_is,
        rules_en.ask_for_list,
        sentence_forms_en.ask_by_predicate,
    ),
}
"""Rules for sentences and lists, by language. What begins with a heading, a row or a term is asked
in the same way in each: `ask_of_rows`, `ask_of_terms`, `ask_of_sections`."""

_EXAMPLE = re.compile(
    r"(?:示例|例子|举例|范例|案例|(?:an? |for )?examples?)(?:\W.*)?\s*\d*", re.IGNORECASE
)
"""Headings of what is made up: its figures are true of nothing."""
_OF_PARAMETERS = re.compile(
    r"(?:函数)?语法|参数|返回值|Syntax|(?:Function |Command )?(?:Parameters|Arguments)"
    r"|Returns?(?: values?)?",
    re.IGNORECASE,
)
"""Headings of what is said of the parameters of a function that a heading above it names."""
_LINE_BEGIN = re.compile(r"(?:^|\n)[\s>*•\-\d.)）、(（]*\Z")
"""Nothing but the mark of a list stands before what follows, on its line."""
_MARKED_HEADING = re.compile(r"^[ \t]*(?:#{1,6}[ \t]+|\*\*|__)(.+?)(?:\*\*|__|#*)[ \t]*$", re.M)
_MARKED_QUESTION = re.compile(
    r"^[ \t>*]*(?:问|Q(?:uestion)?|提问|问题)\s*\d*\s*[：:.][ \t]*(?P<question>[^\n]{4,120})\n+"
    r"[ \t>*]*(?:答|A(?:nswer)?|回答|答案)\s*\d*\s*[：:.][ \t]*(?P<answer>[^\n]{2,400})",
    re.MULTILINE,
)


def draft_questions(document: Document) -> Iterator[QuestionDraft]:
    """Yield all questions that the rules make of a document, in the order of its text."""
    # Rules of English make no sentences of German.
    if document.language not in ("", *LANGUAGES):
        return
    lower_case = frozenset(re.findall(r"\b[a-z][a-z'-]+\b", document.text))
    for window in text_windows(document.text):
        passage = Passage(
            number=1,
            url=document.url,
            title=document.title,
            text=window,
            score=0.0,
            fetched_at=document.fetched_at,
        )
        units = split_into_units(passage)
        headings = {plain_text(found[1]) for found in _MARKED_HEADING.finditer(window)}
        pieces = [
            SourceText(
                url=document.url,
                title=document.title,
                unit=unit,
                language=language_of(unit.text),
                is_known=lower_case.__contains__,
                begins_paragraph=_LINE_BEGIN.search(window, 0, unit.start) is not None,
                is_heading=headings.__contains__,
            )
            for unit in units
        ]
        yield from _fitting(ask_marked(window, document))
        for piece in pieces:
            heading = piece.unit.heading
            if _EXAMPLE.fullmatch(heading) or _OF_PARAMETERS.fullmatch(heading):
                continue
            for rule in RULES.get(piece.language, ()):
                yield from _fitting(rule(piece))
        yield from _fitting(ask_of_rows(pieces))
        yield from _fitting(ask_of_terms(pieces))
        yield from _fitting(ask_of_sections(pieces, window))


def text_windows(text: str) -> Iterator[str]:
    """Yield a text in pieces that are read as one passage, cut before headings or at line ends."""
    while len(text) > MOST_READ:
        cut = max(text.rfind("\n#", MOST_READ // 2, MOST_READ), 0) or text.rfind("\n", 1, MOST_READ)
        cut = cut if cut > 0 else MOST_READ
        yield text[:cut]
        text = text[cut:]
    yield text


def _fitting(drafts: Iterator[QuestionDraft]) -> Iterator[QuestionDraft]:
    """Yield the drafts that somebody would ask and that can be said in one breath."""
    for draft in drafts:
        draft = replace(draft, question=" ".join(draft.question.split()))
        if len(draft.question) <= LONGEST_QUESTION and len(draft.reply) <= LONGEST_REPLY:
            yield draft


def ask_marked(text: str, document: Document) -> Iterator[QuestionDraft]:
    """Yield the questions that a text itself marks with 问： and 答：, or Q: and A:."""
    for found in _MARKED_QUESTION.finditer(text):
        question, answer = found["question"].strip(), found["answer"].strip()
        yield QuestionDraft(
            question=question,
            reply=answer,
            answer=answer,
            kind="faq",
            language=language_of(question),
            url=document.url,
            source=answer,
        )
