"""All questions that rules make of a document: of sentences, headings, tables, lists, terms."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from assistant.answer.evidence.passage_reader import Unit
from assistant.answer.evidence.plain_text import plain_text
from assistant.answer.evidence.units import MOST_READ, split_into_units
from assistant.values import Passage
from finetune.synthesize import rules_en, rules_zh
from finetune.synthesize.drafts import (
    LONGEST_QUESTION,
    LONGEST_REPLY,
    QuestionDraft,
    Rule,
    SourceText,
    is_whole_sentence,
)
from ingest.documents import Document
from ingest.foundation.messages import Language
from ingest.text.cjk import CJK
from ingest.text.language import language_of
from ingest.text.words import sentence_spans

RULES: Mapping[Language, tuple[Rule, ...]] = {
    "zh": (
        rules_zh.ask_for_figure,
        rules_zh.ask_for_day,
        rules_zh.ask_what_it_is,
        rules_zh.ask_for_items,
    ),
    "en": (
        rules_en.ask_how_many,
        rules_en.ask_when,
        rules_en.ask_what_is,
        rules_en.ask_for_list,
    ),
}
"""Rules for sentences and lists, by language. What begins with a heading, a row or a term is asked
in the same way in each: `ask_of_rows`, `ask_of_terms`, `ask_of_sections`."""

SECTION_SENTENCES: Mapping[Language, int] = {"zh": 2, "en": 3}
"""Sentences at the beginning of a section that answer for it: what the assistant's prompt asks for.
"""

LEAST_SECTION: Mapping[Language, int] = {"zh": 12, "en": 24}
"""Characters of an answer for a whole section: less is a note."""

SHORT_TOPIC = 3
"""Characters of a Chinese heading that says too little without the title of its page."""

LONGEST_CELL = 80
"""Characters of a cell that is asked for."""

_QUESTION_MARKS = ("?", "？")
_INDEX = re.compile(r"(?:序号|编号|#|No\.?|ID|Nr\.?)$", re.IGNORECASE)
_NO_SUBJECT = re.compile(r"[\W\d_]*$")
_NO_VALUE = re.compile(
    r"(?:[\W_]*|无|否|是|有|yes|no|none|n/a|同[上下左右前]|[见如][上下]|ditto"
    r"|(?:the )?same(?: as (?:above|before))?|see (?:above|below))$",
    re.IGNORECASE,
)
_ANSWERS = re.compile(
    r"(?:回答|答案|答复|解答|回复|answers?|repl(?:y|ies)|responses?)$", re.IGNORECASE
)
"""Columns that answer a first cell that is a question."""
_ATTRIBUTES = re.compile(
    r"(?:参数|属性|特性|特征|指标|规格|性能|配置)(?:名称?|项目?)?$|(?:propert(?:y|ies)|features?"
    r"|attributes?|spec(?:ification)?s?|parameters?|characteristics?|metrics?)$",
    re.IGNORECASE,
)
"""Heads of a first column that names values; the other heads then name whose they are."""
_ENTRIES = re.compile(r"(?:项目|事项)$")
"""May do so where several heads stand beside it: 项目 | 普通会员 | 金卡会员."""
_VALUE_HEAD = re.compile(
    r"[费价格额量数度间长期率态型别位点址话人门号称明求容准式法围级果因件途源本用值义认例限]$"
    r"|\b(?:meaning|defaults?|types?|units?|range|min(?:imum)?|max(?:imum)?|effect|explanation"
    r"|function|purpose|examples?|required|formats?|status|results?|settings?|prices?|costs?|fees?"
    r"|size|weight|names?|codes?|dates?|times?|numbers?|amounts?|limits?|length|width|height"
    r"|versions?|usage|use|targets?|scores?|changes?|definition|symbol|sources?|count)$",
    re.IGNORECASE,
)
"""Heads that name a value, whatever stands in the first column: Parameter | Default."""
_EXAMPLE = re.compile(
    r"(?:示例|例子|举例|范例|案例|(?:an? |for )?examples?)(?:\W.*)?\s*\d*", re.IGNORECASE
)
"""Headings of what is made up: its figures are true of nothing."""
_ABOUT_ITSELF = re.compile(
    r"让我们|我们(?:先|来|将|再)|(?:本|这一?|以下|下面的?)[节章文段篇部]|在?(?:此|本|这个?)示?例|接下来|下面|以下|上例|示例|例如"
    r"|(?:In )?(?:this|these|the (?:following|next|previous)) (?:sections?|chapters?|articles?"
    r"|pages?|documents?|topics?|guides?|examples?|tables?|parts?)\b|(?:In )?the example\b"
    r"|The following\b|Below\b|For example\b|Here (?:is|are)\b|Let(?:'s| us) (?:now|first|take"
    r"|look|see|review|start|begin|have|consider|assume)\b",
    re.IGNORECASE,
)
"""Beginnings of a text that says what it is about to say."""
_POINTS_ELSEWHERE = re.compile(
    r"[如见]?[上下](?:面的?|[图表例])|\b(?:shown|listed|described) (?:above|below)\b"
)
"""What a text says of what stands around it."""
_ENDS_OPEN = re.compile(
    r"\b(?:the following|as follows|following (?:tables?|lists?|commands?|examples?))[.:]?$"
    r"|如下[。：]?$"
)
"""The end of a text that leads to what is not in it."""
_NOTE_COLUMNS = re.compile(r"(?:备注|说明|注释?|notes?|remarks?|comments?)$", re.IGNORECASE)
"""Columns whose cells say something about the row that no question can be made for."""
_PLAIN_HEADING = re.compile(
    r"(?:(?:第[\d一二三四五六七八九十百]+[章节条部分]+|[\d一二三四五六七八九十]+(?:\.\d+)*[、.)）])\s*)?"
    rf"(?P<text>[A-Z{CJK}][^：:?？!！。]{{1,40}})$"
)
_NUMBERED = re.compile(r"\d+(?:(?:\.\d+)+\.|(?:\.\d+){2,}|[.、)）])\s+")
"""The number that a heading bears in its document."""
_EMPTY_HEADING = re.compile(
    r"(?:see also|references|external links|notes|further reading|overview|introduction|summary"
    r"|contents|conclusion|examples?|description|name|synopsis|options|syntax"
    r"|technical information|usage|目录|参考.*|参见|示例|例子|举例|范例|概述|简介|前言"
    r"|引言|结语|附录|总结|摘要|语法|技术信息|其[他它]|说明)",
    re.IGNORECASE,
)
_LINE_BEGIN = re.compile(r"(?:^|\n)[\s>*•\-\d.)）、(（]*\Z")
"""Nothing but the mark of a list stands before what follows, on its line."""
_MARKED_HEADING = re.compile(r"^[ \t]*(?:#{1,6}[ \t]+|\*\*|__)(.+?)(?:\*\*|__|#*)[ \t]*$", re.M)
_MARKED = re.compile(r"(?:[QA]|问|答|问题|回答|Question|Answer)\s*\d*\s*[：:.]", re.IGNORECASE)
_ASKED = re.compile(
    r"^[ \t>*]*(?:问|Q(?:uestion)?|提问|问题)\s*\d*\s*[：:.][ \t]*(?P<question>[^\n]{4,120})\n+"
    r"[ \t>*]*(?:答|A(?:nswer)?|回答|答案)\s*\d*\s*[：:.][ \t]*(?P<answer>[^\n]{2,400})",
    re.MULTILINE,
)


def draft_questions(document: Document) -> Iterator[QuestionDraft]:
    """Yield all questions that the rules make of a document, in the order of its text."""
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
            if _EXAMPLE.fullmatch(piece.unit.heading):
                continue
            for rule in RULES.get(piece.language, ()):
                yield from _fitting(rule(piece))
        yield from _fitting(ask_of_rows(pieces))
        yield from _fitting(ask_of_terms(pieces))
        yield from _fitting(ask_of_sections(pieces))


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
    for found in _ASKED.finditer(text):
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


def ask_of_rows(pieces: Sequence[SourceText]) -> Iterator[QuestionDraft]:
    """Yield a question for each cell of a table whose row is named by its first cell."""
    rows = [
        (piece, head.split(" · "), cells.split(" · "))
        for piece in pieces
        if piece.unit.kind == "row"
        for head, parted, cells in [piece.unit.text.partition("\n")]
        if parted
    ]
    for piece, head, cells in rows:
        if _is_row_of_values(head, [other for _, same, other in rows if same == head]):
            continue
        # An empty cell is left out of the text: which one, nobody can tell.
        if len(head) != len(cells):
            continue
        first = 1 if _INDEX.match(head[0]) and len(head) > 2 else 0
        subject = cells[first]
        named = sum(other[first : first + 1] == [subject] for _, _, other in rows)
        if named > 1 or len(subject) < 2 or _NO_SUBJECT.match(subject) or "..." in subject:
            continue
        # "| sort" in a cell is read as "/ sort": its question would be for another command.
        if subject.startswith(("/ ", "除了")):
            continue
        # "WHITE | GREEN" over "RED | YELLOW" is a list in columns, and its first line no head.
        if all(cell.isupper() for cell in (*head, *cells)):
            continue
        columns = list(zip(head[first + 1 :], cells[first + 1 :], strict=True))
        if subject.endswith(_QUESTION_MARKS):
            for column, value in columns:
                if _ANSWERS.match(column) and len(value) > 1:
                    yield piece.draft(subject, value, value, "faq")
        else:
            yield from _ask_of_cells(piece, head[first], subject.rstrip(":： "), columns)


def _is_row_of_values(head: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first line of a table is one more row of it, and names no columns.

    So it is where a cell of it stands below itself again, or with figures or signs in it, as
    "Super+N", is built like those below it.
    """
    for column, name in enumerate(head[1:], start=1):
        below = [cells[column] for cells in rows if len(cells) == len(head)]
        shape = _shape_of(name)
        alike = [_shape_of(cell) for cell in below].count(shape)
        # Years are heads of columns of figures.
        is_odd = "a" in shape and not shape.isalpha()
        if name in below or (is_odd and alike and ("+" in shape or 2 * alike > len(below))):
            return True
    return False


def _shape_of(cell: str) -> str:
    """Return "a+a" for "Super+N": what a cell is made of. Words of a text are one."""
    letters = re.sub(r"[^\W\d_]+(?:\s+[^\W\d_]+)*", "a", cell)
    return re.sub(r"\d+", "0", letters)


def _ask_of_cells(
    piece: SourceText, key: str, subject: str, columns: Sequence[tuple[str, str]]
) -> Iterator[QuestionDraft]:
    """Yield a question for each cell of a row; `key` is the head of the column that names it."""
    for column, value in columns:
        if len(column) < 2 or _NO_VALUE.match(value) or len(value) > LONGEST_CELL:
            continue
        # "Mercurial is Mercurial is written in Python" comes of a cell that is a sentence.
        if (_NOTE_COLUMNS.match(column) and len(columns) > 1) or value.startswith(subject):
            continue
        language = language_of(f"{subject} {column}")
        rules = rules_zh if language == "zh" else rules_en
        names_values = _ATTRIBUTES.match(key) or (len(columns) > 1 and _ENTRIES.match(key))
        is_value = _VALUE_HEAD.search(column) or rules.is_plain_column(column)
        # Under "Property | Fig 60" the row is what is asked for, and the column whose it is.
        asked = (column, subject) if names_values and not is_value else (subject, column)
        question, reply = rules.column_question(*asked, value)
        if question:
            yield replace(piece, language=language).draft(question, reply, value, "row")


def ask_of_terms(pieces: Sequence[SourceText]) -> Iterator[QuestionDraft]:
    """Yield a question for each term or option that is described."""
    for piece in pieces:
        unit = piece.unit
        term, _, description = unit.text.partition(": ")
        # "3.8. The udev system: 3.8.1. …" is a line of a table of contents.
        if unit.kind != "definition" or unit.subject != term or _NUMBERED.match(term):
            continue
        if len(description) >= LEAST_SECTION[piece.language]:
            ask = rules_zh.term_question if piece.language == "zh" else rules_en.option_question
            yield piece.draft(ask(term), unit.text, unit.text, "term")


def ask_of_sections(pieces: Sequence[SourceText]) -> Iterator[QuestionDraft]:
    """Yield a question for each heading that prose stands under, or the heading if it asks."""
    # In order, and each heading once: two sections of one name cannot be distinguished.
    sections: dict[str, list[SourceText]] = {}
    for piece in pieces:
        sections.setdefault(piece.unit.heading, []).append(piece)
    for heading, inside in sections.items():
        prose = [piece for piece in inside if piece.unit.kind == "sentence"]
        # Text before the first sentence, such as a table, would be what the section is about.
        if not heading or not prose or prose[0] is not inside[0] or _MARKED.match(heading):
            continue
        first = prose[0]
        reply = _beginning_of(
            [piece.unit for piece in prose],
            SECTION_SENTENCES.get(first.language, SECTION_SENTENCES["en"]),
        )
        beginning = replace(first, unit=replace(first.unit, text=reply))
        # It only leads to something else.
        if _ABOUT_ITSELF.match(reply) or _ENDS_OPEN.search(reply):
            continue
        if heading.endswith(_QUESTION_MARKS) and "!" not in heading:
            # A question in the flow of a text is the author's own, and often left open.
            if reply and first.is_heading(heading):
                question = _NUMBERED.sub("", heading, count=1)
                yield beginning.draft(question, reply, reply, "faq")
        elif _POINTS_ELSEWHERE.search(reply):
            continue
        elif len(reply) >= LEAST_SECTION[first.language] and (name := _topic_of(heading, first)):
            is_zh = first.language == "zh"
            ask = rules_zh.section_question if is_zh else rules_en.heading_question
            # "Delete" or 结果 is the name of something on its page, and of much else elsewhere.
            is_plain = len(name) <= SHORT_TOPIC if is_zh else name.isalpha() and not name.isupper()
            if question := ask(name, reply):
                yield beginning.draft(question, reply, reply, "section", names_page=is_plain)


def _topic_of(heading: str, first: SourceText) -> str:
    """Return what a section is about by its heading, "" where that says nothing to ask for."""
    found = _PLAIN_HEADING.fullmatch(heading)
    name = found["text"].strip() if found else ""
    is_other = language_of(name) != first.language or name == first.title
    return "" if is_other or name.endswith(".") or _EMPTY_HEADING.fullmatch(name) else name


def _beginning_of(units: Sequence[Unit], most: int) -> str:
    """Return the first whole sentences of a section, "" if it does not begin with one."""
    text = ""
    end = units[0].start
    for unit in units:
        # A unit may repeat the sentence before it; those behind a gap are another paragraph.
        if unit.start < end:
            continue
        if (text and unit.start - end > 1) or not is_whole_sentence(unit.text):
            break
        gap = " " if text and text[-1].isascii() else ""
        joined = f"{text}{gap}{unit.text}"
        if len(list(sentence_spans(joined))) > most or len(joined) > LONGEST_REPLY:
            break
        text, end = joined, unit.end
    return text
