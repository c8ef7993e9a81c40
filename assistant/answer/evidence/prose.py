"""Units of prose: sentences, and definitions in the ways that manuals write them."""

import re
from collections.abc import Sequence

from assistant.answer.evidence.passage_reader import (
    DESCRIPTION,
    FENCE,
    MAX_UNIT_CHARACTERS,
    MIN_WORDS,
    MIN_WRAP_COLUMNS,
    OPTION,
    STOPS,
    PassageReader,
    begins_element,
)
from assistant.answer.evidence.plain_text import TextLine, plain_text
from ingest.text.words import words

MAX_LEAD_CHARACTERS = 200
"""Characters of what leads to a list or to code; a longer sentence stands for itself."""

_ASKS = ("?", "？")
_BOLD_LINE = re.compile(r"\s*(\*\*|__)(?!\s)[^*_\n]{1,80}\1\s*$")
_VALUE = re.compile(r"\d|\b(?:half|free|none|not?)\b|[半不无]|免费", re.IGNORECASE)
_LEADS = (":", "：", ",", "，")
_POINTS_BACK = re.compile(
    r"(?:it|its|they|their|this|these|those|he|she|his|her|him|such|both|there|then|also|however|but"
    r"|in (?:addition|contrast|this|these|that)|therefore|thus|hence|instead|otherwise|similarly"
    r"|likewise|moreover|furthermore|consequently|accordingly|nevertheless|for (?:instance|example)"
    r"|as (?:such|a result|a consequence)|the (?:former|latter|same)|another|yet|so|nor"
    # "Turn it clockwise", and not "If it rains".
    r"|(?!if|as|when|while|because|although|since|though|whether|that|where|and|once|before|after"
    r"|until|for|to|of|in|on|at|by|with|from|is|are|was|were|has|does|did)[a-z]+ (?:it|them))\b"
    r"|[他她它这那其该此]|因此|所以|但|然而|而且|此外|同时|不过|否则|也就是|例如|比如|另外|另一|相反|于是"
    r"|结果|尽管如此|后者|前者|同样|类似",
    re.IGNORECASE,
)


def read_option(reader: PassageReader, at: int) -> int:
    """Read an option or term with its description, and return the line behind them.

    The description stands on the same line, behind a colon, or indented below.
    """
    line = reader.lines[at]
    option = OPTION.match(line.text)
    described = _behind_terms(reader.lines, at, over_gaps=True)
    is_described = at < described < len(reader.lines)
    if is_described and DESCRIPTION.match(reader.lines[described].text):
        return add_definition(reader, at, described)
    body = max(at + 1, _behind_terms(reader.lines, at, over_gaps=False))
    behind = body
    # In a man page what describes an option, and nothing else, is indented deeper than it.
    while behind < len(reader.lines):
        below = reader.lines[behind]
        if not below.text.strip() or below.indent <= line.indent or FENCE.match(below.text):
            break
        behind += 1
    if option and option["text"]:
        term, left = option["term"], line.start + option.start("text")
    elif behind > body:
        term = ", ".join(each.text.strip() for each in reader.lines[at:body])
        left = reader.lines[body].start
    else:
        return read_paragraph(reader, at)
    _add_described(reader, line.start, plain_text(term), left, reader.lines[behind - 1].end)
    return behind


def _behind_terms(lines: Sequence[TextLine], at: int, *, over_gaps: bool) -> int:
    """Return the line behind options that stand alone: "-f" and "--force" share a description."""
    while at < len(lines):
        option = OPTION.match(lines[at].text)
        is_term = option and not option["text"]
        if not is_term and not (over_gaps and not lines[at].text.strip()):
            break
        at += 1
    return at


def add_definition(reader: PassageReader, first: int, at: int, *, term: str = "") -> int:
    """Take up the lines from `first` as terms of the description (": …") at line `at`."""
    terms = [plain_text(line.text) for line in reader.lines[first:at] if line.text.strip()]
    terms = [term] if term else terms
    if FENCE.match(reader.lines[at].text):
        # What it describes is code: read like any other that something leads to.
        reader.lead = (reader.lines[first].start, reader.lines[at - 1].end) if terms else None
        return at
    behind = at + 1
    while behind < len(reader.lines) and (
        DESCRIPTION.match(reader.lines[behind].text)
        or (reader.lines[behind].text.strip() and reader.lines[behind].indent > 1)
    ):
        behind += 1
    mark = DESCRIPTION.match(reader.lines[at].text)
    left = reader.lines[at].start + (mark.end() if mark else 0)
    start = reader.lines[first].start
    _add_described(reader, start, ", ".join(terms), left, reader.lines[behind - 1].end)
    return behind


def _add_described(reader: PassageReader, start: int, term: str, left: int, end: int) -> None:
    """Take up a term with its description, cut into sentences where it is long."""
    text = plain_text(reader.text[left:end])
    reader.lead = None
    if not term or len(text) <= MAX_UNIT_CHARACTERS:
        shown = f"{term}: {text}" if term else text
        reader.add(start, end, shown, "definition", subject=term)
        return
    # With its term each: a sentence from the middle of a description has lost its subject.
    for number, (a, b) in enumerate(reader.sentences(left, end)):
        shown = f"{term}: {reader.plain(a, b)}"
        reader.add(start if number == 0 else a, b, shown, "definition", subject=term)


def read_paragraph(reader: PassageReader, at: int) -> int:
    """Read a paragraph: its sentences, or the terms of the description that follows it."""
    behind = at + 1
    while behind < len(reader.lines) and not begins_element(reader.lines, behind):
        behind += 1
    if behind < len(reader.lines) and DESCRIPTION.match(reader.lines[behind].text):
        return add_definition(reader, at, behind)
    if DESCRIPTION.match(reader.lines[at].text):
        return add_definition(reader, at, at)
    if behind > at + 1 and _is_question_or_bold(reader, at):
        # The question right above its answer, or a heading that is no more than bold.
        reader.heading, reader.lead = (
            reader.plain(reader.lines[at].start, reader.lines[at].end),
            None,
        )
        at += 1
    start, end = reader.lines[at].start, reader.lines[behind - 1].end
    if reader.plain(start, end).casefold() == reader.passage.title.casefold():
        reader.heading, reader.lead = reader.plain(start, end), None
        return behind
    sentences = list(reader.sentences(start, end))
    if len(sentences) == 1 and reader.plain(*sentences[0]).endswith(_ASKS):
        # A question on a line of its own is the heading of its answer, as in lists of them.
        reader.heading, reader.lead = reader.plain(*sentences[0]), None
        return behind
    add_sentences(reader, sentences)
    return behind


def _is_question_or_bold(reader: PassageReader, at: int) -> bool:
    """Return whether a line says what the lines right below it are about."""
    line = reader.lines[at]
    if _BOLD_LINE.match(line.text):
        return True
    sentences = list(reader.sentences(line.start, line.end))
    return bool(sentences) and all(reader.plain(*each).endswith(_ASKS) for each in sentences)


def add_sentences(reader: PassageReader, sentences: Sequence[tuple[int, int]]) -> None:
    """Take up sentences: one that points back with the one before, a lead-in for what follows."""
    before: tuple[int, int] | None = None
    lead: tuple[int, int] | None = None
    for number, (left, right) in enumerate(sentences):
        text = reader.plain(left, right)
        if number + 1 < len(sentences) and right - left <= MIN_WRAP_COLUMNS:
            # A heading that plain text does not mark: short, alone on its line, and no sentence.
            start, end = sentences[number + 1]
            under = reader.text[start:end]
            alone = "\n" in reader.text[right:start] and reader.text[right - 1].isalnum()
            if alone and right - left < len(under) and under.endswith(tuple(STOPS)):
                reader.heading = text
                continue
        leads = text.endswith(_LEADS) and (left, right) == sentences[-1]
        if not leads and not text.endswith(_ASKS):
            start = left
            # "It is 274 metres long." alone does not say what is.
            # Nor does "Students pay £10." say for what.
            is_scrap = len(words(text)) < MIN_WORDS["sentence"]
            leans = _POINTS_BACK.match(text) or (is_scrap and _VALUE.search(text))
            if before and leans and right - before[0] <= MAX_UNIT_CHARACTERS:
                start = before[0]
            reader.add(start, right, reader.plain(start, right), "sentence")
        reader.place += 1
        before = (left, right)
        lead = (left, right) if right - left <= MAX_LEAD_CHARACTERS else None
    reader.lead = lead
