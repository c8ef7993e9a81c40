"""Plain text in which questions and answers are marked: 问：… 答：…, Q1. … A1. …, or 【问】 【答】.

Also questions that have a number alone, where their answers are marked: "1、…？" and "答：…".
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import TextIO

from finetune.data.files.lines import is_within_limit, read_lines, too_long_error
from finetune.data.rows import RejectedRow, raw_excerpt
from finetune.records import RawRow

LOOKED_AT = 20
"""Rows of one column by which questions and answers in turn are told from texts."""

_ASK = "问|提问|问题|Q|Question"
_ANSWER = "答|回答|答案|参考答案|正确答案|A|Answer"
_BEFORE = r"[ \t>*•-]*(?:\d{1,4}[.、．)）][ \t]*)?"
"""What may stand before a mark: of a quotation, a list, bold text, or a number."""

# A mark ends in a colon, is in brackets, or is a letter with a number and a full stop.
_MARK = re.compile(
    rf"{_BEFORE}(?:(?:(?P<ask>{_ASK})|{_ANSWER})\s*\d{{0,4}}\s*[*]*[：:][*]*"
    rf"|[【\[](?:(?P<ask_in>{_ASK})|{_ANSWER})\s*\d{{0,4}}[】\]][：:]?"
    r"|(?:(?P<ask_numbered>Q)|A)\d{1,4}[.、)][ \t])",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"[ \t>*•-]*(?:第?\d{1,4}[.、．)）题]|[（(]\d{1,4}[)）])\s*(?=\S)")
_OPTION = re.compile(r"[ \t>*•-]*[B-H]\s*[：:.、．)）]", re.IGNORECASE)
_FIRST_OPTION = re.compile(r"[ \t>*•-]*A\s*[*]*[：:]", re.IGNORECASE)
_INLINE_ANSWER = re.compile(r"[ \t](?:答|回答|答案|A|Answer)[：:]")
_AFTER = r"[^\n]*\n(?:[^\n]*\n){0,20}?"
_ANY_ANSWER = (
    rf"[ \t>*•-]*(?:(?:{_ANSWER})\s*\d{{0,4}}\s*[*]*[：:]|[【\[](?:{_ANSWER})\s*\d{{0,4}}[】\]]"
    r"|A\d{1,4}[.、)][ \t])"
)
_PAIR = re.compile(
    rf"^{_BEFORE}(?:(?:{_ASK})\s*\d{{0,4}}\s*[*]*[：:]|[【\[](?:{_ASK})\s*\d{{0,4}}[】\]]"
    rf"|Q\d{{1,4}}[.、)][ \t])(?:{_AFTER}{_ANY_ANSWER}|[^\n]*{_INLINE_ANSWER.pattern})"
    rf"|^{_NUMBERED.pattern}[^\n]*[？?]\s*\n(?:[^\n]*\n){{0,20}}?[ \t>*•-]*(?:答|回答|答案)[：:]",
    re.IGNORECASE | re.MULTILINE,
)


def is_marked_text(head: str) -> bool:
    """Return whether the beginning of a file has a question and an answer, each with its mark."""
    return _PAIR.search(head) is not None


def marked_rows(file: TextIO, name: str, limit: int) -> Iterator[RawRow | RejectedRow]:
    """Yield a row with "question" and "answer" for each marked question; `source` counts them.

    What is before the first mark is passed over; a text goes on up to the next mark. The
    options of a choice ("A: … B: …") belong to its question.
    """
    reader = _MarkedReader()
    number = 0
    for line in read_lines(file, limit):
        if texts := reader.read_line(line.text):
            number += 1
            yield _row(texts, f"{name}:{number}", limit)
    if reader.texts:
        yield _row(reader.texts, f"{name}:{number + 1}", limit)


def joined_marks(
    rows: Iterator[RawRow | RejectedRow], limit: int
) -> Iterator[RawRow | RejectedRow]:
    """Yield rows as they are, but those of one column with 问：… and 答：… in turn as pairs.

    The first question may have been taken for the name of the column. A pair of more than `limit`
    bytes becomes a `RejectedRow`.
    """
    first = next(rows, None)
    if first is None:
        return
    name, cell = _only_cell(first) or ("", "")
    is_asked = []
    for text in (name, cell):
        mark = _MARK.match(text)
        begins = mark is not None and any(mark.group("ask", "ask_in", "ask_numbered"))
        # With its answer in the same cell, each row is a text of its own.
        is_asked.append(begins and not is_marked_text(f"{text}\n"))
    if not any(is_asked):
        yield from itertools.chain((first,), rows)
        return
    looked_at = [first, *itertools.islice(rows, LOOKED_AT - 1)]
    cells = [held[1] for held in map(_only_cell, looked_at) if held is not None]
    beginning = name if is_asked[0] else ""
    lines = "\n".join([beginning, *cells]).splitlines()
    marks = [mark for mark in map(_MARK.match, lines) if mark]
    asks = sum(any(mark.group("ask", "ask_in", "ask_numbered")) for mark in marks)
    answers = len(marks) - asks
    # A text may begin with 问题： among others that have no mark, or its answer in the same line.
    # An answer may have two marks: that of a first option, "A:", and its own.
    if answers > 0 and asks <= 2 * answers and answers <= 2 * asks:
        yield from _pairs_of(itertools.chain(looked_at, rows), beginning, limit)
    else:
        yield from itertools.chain(looked_at, rows)


def _pairs_of(
    rows: Iterator[RawRow | RejectedRow], beginning: str, limit: int
) -> Iterator[RawRow | RejectedRow]:
    """Yield the pairs of rows of one column, the first question of which may be its name."""
    reader, source, size = _MarkedReader(), "", len(beginning.encode(errors="surrogatepass"))
    if beginning:
        reader.read_line(f"{beginning}\n")
    for row in rows:
        held = _only_cell(row)
        if held is None:
            yield row
            continue
        for line in held[1].splitlines():
            if texts := reader.read_line(f"{line}\n"):
                yield _row(texts, source, limit)
                source, size = "", 0
            if not reader.texts:
                continue
            source = source or row.source
            size += len(line.encode(errors="surrogatepass")) + 1
            # Of what is too long already, the rest up to the next question is not held.
            if size > limit:
                yield _too_long(reader.texts, source, limit)
                reader, source, size = _MarkedReader(), "", 0
    if reader.texts:
        yield _row(reader.texts, source, limit)


def _only_cell(row: RawRow | RejectedRow) -> tuple[str, str] | None:
    """Return name and text of the one column of a row; None if it has others, or no text."""
    if isinstance(row, RejectedRow) or len(row.fields) != 1:
        return None
    ((name, text),) = row.fields.items()
    return (str(name), text) if isinstance(text, str) else None


class _MarkedReader:
    """Reads line by line; `texts` is the question that it is at, and what answers it so far."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._side = ""
        self._asks_by_number = False
        self._option_mark = ""

    def read_line(self, text: str) -> dict[str, str] | None:
        """Take in a line; return the texts of the question before, if this line begins one."""
        mark = _MARK.match(text)
        asks = mark is not None and any(mark.group("ask", "ask_in", "ask_numbered"))
        # A numbered line is a question at the beginning, or behind an answer. In an answer numbers
        # count its steps, so that there only a line that asks is a question.
        may_ask = self._side == "" or (self._side == "answer" and self._asks_by_number)
        may_ask = may_ask and text.rstrip().endswith(("？", "?"))
        if mark is not None and asks:
            self._asks_by_number = False
        elif mark is None and may_ask and (mark := _NUMBERED.match(text)):
            asks = self._asks_by_number = True
        finished = self.texts if asks and self.texts else None
        if asks:
            self.texts = {}
        if mark is None:
            if self._option_mark and text.strip():
                if _OPTION.match(text):
                    # It was no answer but the first option of a choice.
                    option = f"{self._option_mark} {self.texts.pop('answer')}"
                    self.texts["question"] = self.texts.get("question", "") + option
                    self._side = "question"
                self._option_mark = ""
            if self._side and self.texts:
                self.texts[self._side] += text
            return finished
        self._side = "question" if asks else "answer"
        # "A: …" behind a question may be its first option, which the next line tells.
        may_be_option = not asks and "answer" not in self.texts and _FIRST_OPTION.match(text)
        self._option_mark = mark[0].strip() if may_be_option else ""
        rest = text[mark.end() :].lstrip()
        inline = _INLINE_ANSWER.search(rest) if asks else None
        if inline:
            self.texts["question"] = rest[: inline.start()]
            self._side, rest = "answer", rest[inline.end() :].lstrip()
        # A second answer to one question goes on with the first.
        self.texts[self._side] = self.texts.get(self._side, "") + rest
        return finished


def _row(texts: Mapping[str, str], source: str, limit: int) -> RawRow | RejectedRow:
    fields = {side: text.strip() for side, text in texts.items()}
    if is_within_limit("\n".join(fields.values()), limit):
        return RawRow(source=source, fields={"question": "", "answer": "", **fields})
    return _too_long(texts, source, limit)


def _too_long(texts: Mapping[str, str], source: str, limit: int) -> RejectedRow:
    raw = raw_excerpt("\n".join(text.strip() for text in texts.values()))
    return RejectedRow(source=source, reason=too_long_error(limit).message, raw=raw)
