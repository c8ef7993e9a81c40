"""Multiple choice: a question with its options, in columns or a list, and the letter of the answer.

As C-Eval, CMMLU and ARC have it (question, A, B, C, D, answer), spreadsheets of exams (题目, 选项A,
…, 答案, 解析), and JSON ({"question", "options": {"A": …} or […], "answer"}).
"""

import re
from collections.abc import Mapping
from typing import Any

from finetune.data.field_names import ANSWER_NAMES, QUESTION_NAMES, SYSTEM_NAMES
from finetune.data.formats.thinking import build_turn
from finetune.data.rows import QUESTION, ParsedRow, RowError, RowFields, as_text, require_text
from ingest.foundation.messages import Message

_LETTERS = "ABCDEFGH"
_PREFIXES = ("", "选项", "选项 ", "option", "option ", "option_", "option-", "choice", "choice_")
_LISTS = ("options", "choices", "选项", "备选答案")
_EXPLANATIONS = ("explanation", "rationale", "解析", "答案解析", "解释")
_LETTERS_ALONE = re.compile(r"[\s（(]*([A-Ha-h](?:[\s,，、]*[A-Ha-h])*)[\s）).。]*")


def is_choices_row(fields: RowFields) -> bool:
    """Return whether the row has a question, at least two options, and an answer."""
    asks = fields.has("question", *QUESTION_NAMES[:-2], "stem")
    return asks and len(_options(fields)) >= 2 and fields.has("answer", *ANSWER_NAMES, "answerkey")


def parse_choices_row(fields: RowFields) -> ParsedRow:
    """Return the one turn: the question with its options; the answer with its text, and why.

    Raises:
        RowError: question or answer is missing, or the answer is none of the options.
    """
    question = require_text(fields.text("question", *QUESTION_NAMES, "stem"), QUESTION)
    options = _options(fields)
    lines = [f"{letter}. {text}" for letter, text in options.items()]
    answer = fields.value("answer", *ANSWER_NAMES, "answerkey")
    said = _answer_text(answer, options)
    explanation = fields.text("think", *_EXPLANATIONS)
    reply = f"{said}\n\n{explanation}" if explanation else said
    turn = build_turn("\n".join((question, *lines)), reply)
    return ParsedRow(turns=(turn,), system=fields.text("system", *SYSTEM_NAMES))


def _options(fields: RowFields) -> dict[str, str]:
    """Return letter -> text of the options; {} if the row has none."""
    given = fields.value("options", *_LISTS)
    if isinstance(given, Mapping):
        # ARC keeps two lists side by side.
        if isinstance(given.get("text"), list):
            given = given["text"]
        else:
            return {str(name).strip().upper(): str(text) for name, text in given.items()}
    if isinstance(given, list):
        return dict(zip(_LETTERS, map(str, given), strict=False))
    columns = {str(name).casefold(): name for name in fields.row}
    found: dict[str, str] = {}
    for letter in _LETTERS:
        named = (columns.get(f"{prefix}{letter.casefold()}") for prefix in _PREFIXES)
        name = next((one for one in named if one is not None), None)
        value = None if name is None else fields.value("options", name)
        if value in (None, ""):
            break
        found[letter] = str(value)
    return found


def _answer_text(answer: Any, options: Mapping[str, str]) -> str:
    """Return what is answered: "B. text", or each of several on its line.

    Raises:
        RowError: it is none of the options.
    """
    if isinstance(answer, int) and not isinstance(answer, bool) and 0 <= answer < len(options):
        answer = list(options)[answer]  # MMLU counts from 0
    text = "" if answer is None else as_text(answer, "answer").strip()
    found = _LETTERS_ALONE.fullmatch(text)
    letters = re.findall("[A-H]", found[1].upper()) if found else []
    if letters and all(letter in options for letter in letters):
        return "\n".join(f"{letter}. {options[letter]}" for letter in letters)
    if letters or not text:
        raise RowError(Message("answer {text!s:.20} is none of the options", text=text))
    return text
