"""Reads the questions of an evaluation: JSONL, or a table as CSV or TSV.

{"question": "How hot should water for green tea be?", "answer": "80 °C"}
{"question": "夜间飞行要什么灯？", "answers": ["防撞灯", "航行灯"], "url": "https://…"}
{"question": "Who owns the moon?", "unanswerable": true}
"""

import csv
import hashlib
import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from assistant.answer.orchestrator import LONGEST_QUESTION
from assistant.errors import EvaluationFileError
from ingest.foundation.messages import (
    NO_MESSAGE,
    Message,
    describe_os_error,
    enumerate_names,
)
from ingest.text.encodings import decode, find_byte_order_mark
from ingest.text.normalize import replace_surrogates

KEY_DIGITS = 16
"""Hex digits of a question's key: 64 bits, no two questions of a file collide."""

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "question": ("question", "query", "问题", "提问"),
    "answers": ("answer", "answers", "expected", "答案", "标准答案", "参考答案", "期望答案"),
    "urls": ("url", "urls", "网址", "链接", "来源网址"),
    "unanswerable": ("unanswerable", "无答案", "不可回答"),
    "id": ("id", "编号"),
    "note": ("note", "备注"),
}
"""Field -> how it may be called; "note" is for the person alone."""

_FIELD_OF = {name: field for field, names in FIELDS.items() for name in names}
_TRUE = frozenset({"true", "1", "yes", "y", "是", "对"})
_FALSE = frozenset({"", "false", "0", "no", "n", "否"})
EXAMPLE = '{"question": "…", "answer": "…"}'
_KNOWN = Message("known are: {names}", names=enumerate_names(names[0] for names in FIELDS.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationQuestion:
    """A question, and what a right answer holds or where it is."""

    text: str
    answers: tuple[str, ...] = ()
    """Any one of them in the answer makes it right."""
    urls: tuple[str, ...] = ()
    """Pages of which any one is the right one."""
    unanswerable: bool = False
    """True: the index does not hold the answer, and saying so is right."""
    id: str = ""
    """The person's own name for it."""

    @property
    def key(self) -> str:
        """Return what two runs know the question by: it changes with what is expected."""
        # Sorted: who reorders the answers in the file has not changed the question.
        parts = [self.text, sorted(self.answers), sorted(self.urls), self.unanswerable]
        whole = json.dumps(parts, ensure_ascii=False).encode()
        return hashlib.sha256(whole).hexdigest()[:KEY_DIGITS]


class _RowError(Exception):
    """Why a row is no question."""

    def __init__(self, message: Message, hint: Message = NO_MESSAGE) -> None:
        super().__init__(str(message))
        self.message = message
        self.hint = hint


def parse_questions(text: str, path: Path) -> tuple[list[EvaluationQuestion], int]:
    """Return the questions of a file's text, and how many rows repeated an earlier one.

    Raises:
        EvaluationFileError: it holds none, or a row is no question.
    """
    is_table = path.suffix.lower() in {".csv", ".tsv"}
    questions: dict[str, EvaluationQuestion] = {}
    repeated = 0
    rows: Iterable[tuple[int, str | Mapping[str, Any]]] = _table_rows(text, path)
    if not is_table:
        # Not `splitlines`: that also splits at U+2028, which JSON strings may hold.
        numbered = enumerate(text.split("\n"), start=1)
        rows = ((number, line) for number, line in numbered if line.strip())
    for line, row in rows:
        try:
            question = _parse_question(_parse_object(row) if isinstance(row, str) else row)
        except _RowError as error:
            raise EvaluationFileError(
                Message("{path}, line {line}: {why}", path=path, line=line, why=error.message),
                hint=error.hint,
            ) from error
        # Asked twice it would count twice, and the two could not be distinguished in a saved run.
        repeated += question.key in questions
        questions.setdefault(question.key, question)
    if not questions:
        raise EvaluationFileError(
            Message("{path} holds no question", path=path),
            hint=Message("write one a line: {example}", example=EXAMPLE),
        )
    return list(questions.values()), repeated


def read_text_file(path: Path) -> str:
    """Return the text of a file in whatever encoding it is; "-" is standard input.

    Raises:
        EvaluationFileError: it cannot be read, or is no text.
    """
    try:
        # Read once: what comes through a pipe cannot be looked at twice.
        body = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        why = describe_os_error(error)
        message = Message("cannot read {path} ({why})", path=path, why=why)
        raise EvaluationFileError(message) from error
    if b"\0" in body and find_byte_order_mark(body) is None:
        raise EvaluationFileError(
            Message("{path} is no text", path=path),
            hint=Message("save it as JSONL, or as CSV in UTF-8"),
        )
    return decode(body, claimed=None)


def _parse_object(line: str) -> Mapping[str, Any]:
    """Return the fields of one line of JSON, or raise `_RowError`."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        detail = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
        raise _RowError(
            Message("no JSON ({detail})", detail=detail),
            Message("write one question a line: {example}", example=EXAMPLE),
        ) from error
    if not isinstance(value, dict):
        raise _RowError(
            Message("no object in braces"),
            Message("write one question a line: {example}", example=EXAMPLE),
        )
    fields: dict[str, Any] = {}
    for name, given in value.items():
        field = _field_of(name)
        if field in fields:
            raise _RowError(Message("the field {name} is there twice", name=field))
        fields[field] = given
    return fields


def _table_rows(text: str, path: Path) -> Iterator[tuple[int, str | Mapping[str, Any]]]:
    """Yield the rows of a table with the line that each ends on; a cell's lines are its items."""
    head = text.lstrip("\n").partition("\n")[0]
    # Chinese and German spreadsheets write ";" where the comma is taken.
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=head.count)
    # Strict: a quote that is never closed would swallow all rows below it as one cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: list[str] = []
    ended = 0
    try:
        for cells in reader:
            ended = reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = [_field_of(cell.strip()) for cell in cells]
                continue
            yield reader.line_num, _fields_of_cells(columns, cells)
    except (csv.Error, _RowError) as error:
        why = error.message if isinstance(error, _RowError) else Message.verbatim(str(error))
        line = max(1, reader.line_num)
        if isinstance(error, csv.Error):
            # Where the row begins: the quote that is amiss is there, not where the file ends.
            line = ended + 1
            if "end of data" in str(error):
                why = Message("a quote that is opened here is not closed")
        raise EvaluationFileError(
            Message("{path}, line {line}: {why}", path=path, line=line, why=why),
            hint=error.hint if isinstance(error, _RowError) else NO_MESSAGE,
        ) from error


def _fields_of_cells(columns: Sequence[str], cells: Sequence[str]) -> Mapping[str, Any]:
    """Return a row by field; columns of one name, and lines within a cell, are several items."""
    # A comma within an answer, most often: cut there, the answer would be another one.
    if len(cells) > len(columns):
        raise _RowError(
            Message("more cells than columns"), Message("put text that holds commas into quotes")
        )
    fields: dict[str, Any] = {}
    for name, cell in zip(columns, cells, strict=False):
        lines = [line.strip() for line in cell.split("\n") if line.strip()]
        if name in {"answers", "urls"}:
            fields.setdefault(name, []).extend(lines)
        elif name == "unanswerable":
            word = cell.strip().casefold()
            # What is neither stays text, which `_parse_question` refuses.
            fields[name] = True if word in _TRUE else False if word in _FALSE else cell
        else:
            fields[name] = cell
    return fields


def _field_of(name: str) -> str:
    field = _FIELD_OF.get(name.strip().casefold())
    if field is None:
        raise _RowError(Message("unknown field {name}", name=json.dumps(name)), _KNOWN)
    return field


def _parse_question(fields: Mapping[str, Any]) -> EvaluationQuestion:
    """Return the question of a row, or raise `_RowError`."""
    text = fields.get("question", "")
    if not isinstance(text, str) or not text.strip():
        raise _RowError(Message("the question is missing"))
    if len(text) > LONGEST_QUESTION:
        raise _RowError(
            Message("the question has more than {most:,} characters", most=LONGEST_QUESTION)
        )
    unanswerable = fields.get("unanswerable", False)
    if not isinstance(unanswerable, bool):
        raise _RowError(Message("unanswerable is true or false"))
    question = EvaluationQuestion(
        # Halves of a surrogate pair, which JSON may hold, can be neither saved nor sent.
        text=replace_surrogates(text).strip(),
        answers=_texts_of_field(fields, "answers"),
        urls=_texts_of_field(fields, "urls"),
        unanswerable=unanswerable,
        id=_parse_id(fields.get("id")),
    )
    expects = bool(question.answers or question.urls)
    if unanswerable and expects:
        raise _RowError(Message("a question is unanswerable or expects something, not both"))
    if not unanswerable and not expects:
        raise _RowError(
            Message("nothing is expected"),
            Message('add "answer" or "url", or "unanswerable": true'),
        )
    return question


def _parse_id(given: object) -> str:
    if given is None:
        return ""
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise _RowError(Message("{name} is a text or a number", name="id"))
    return replace_surrogates(str(given)).strip()


def _texts_of_field(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return a text or a list of texts as a tuple; numbers count as text."""
    given = fields.get(name)
    items = given if isinstance(given, list) else [] if given is None else [given]
    for item in items:
        # `bool` is an `int` for Python; "answer": true is a slip.
        if isinstance(item, bool) or not isinstance(item, str | int | float):
            raise _RowError(Message("{name} is a text or a list of texts", name=FIELDS[name][0]))
    texts = (replace_surrogates(str(item)).strip() for item in items)
    return tuple(dict.fromkeys(text for text in texts if text))
