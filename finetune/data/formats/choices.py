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

_NUMBER = re.compile(r"\d+(?:\.0)?")
_TEXTS = ("text", "content", "value")
_KEYS = ("key", "label", "letter", "id")
"""Fields of options that are objects."""


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
    is_list = isinstance(fields.value("options", *_LISTS), list)
    answer_text = _answer_text(answer, options, is_list=is_list)
    explanation = fields.text("think", *_EXPLANATIONS)
    reply = f"{answer_text}\n\n{explanation}" if explanation else answer_text
    turn = build_turn("\n".join((question, *lines)), reply)
    return ParsedRow(turns=(turn,), system=fields.text("system", *SYSTEM_NAMES))


def _options(fields: RowFields) -> dict[str, str]:
    """Return letter -> text of the options, without the letters in their texts; {} for none."""
    given = fields.value("options", *_LISTS)
    if isinstance(given, Mapping):
        # ARC keeps two lists side by side.
        if isinstance(given.get("text"), list):
            return _lettered(given["text"], given.get("label"))
        return _bare({str(name).strip().upper(): str(text) for name, text in given.items()})
    if isinstance(given, list):
        if not any(isinstance(one, Mapping) for one in given):
            return _lettered(given)
        if not all(isinstance(one, Mapping) and _named(one, _TEXTS) for one in given):
            return {}
        return _lettered(
            [_named(one, _TEXTS) for one in given], [_named(one, _KEYS) for one in given]
        )
    columns = {str(name).casefold(): name for name in fields.row}
    found: dict[str, str] = {}
    for letter in _LETTERS:
        named = (columns.get(f"{prefix}{letter.casefold()}") for prefix in _PREFIXES)
        name = next((one for one in named if one is not None), None)
        value = None if name is None else fields.value("options", name)
        if value in (None, ""):
            break
        found[letter] = str(value)
    return _bare(found)


def _named(option: Mapping[str, Any], names: tuple[str, ...]) -> str:
    value = next((option[name] for name in names if option.get(name) is not None), "")
    return str(value).strip()


def _lettered(texts: list[Any], labels: object = None) -> dict[str, str]:
    """Return the options of a list by their own labels, or A, B, … where they have none."""
    names = [str(one).strip().upper() for one in labels] if isinstance(labels, list) else []
    if len(set(filter(None, names))) != len(texts):
        names = list(_LETTERS)
    return _bare(dict(zip(names, map(str, texts), strict=False)))


def _bare(options: dict[str, str]) -> dict[str, str]:
    """Return options without letters before their texts, if each has its own there: "A. text"."""
    bare = {
        letter: re.sub(rf"^[(（]?{re.escape(letter)}[.．、:：)）]\s*(?=\S)", "", text.strip())
        for letter, text in options.items()
    }
    return bare if all(bare[one] != options[one].strip() for one in options) else options


def _answer_text(answer: Any, options: Mapping[str, str], *, is_list: bool) -> str:
    """Return what is answered: "B. text", or each of several on its line.

    The options of a list have no letters of their own: there it is a text before it is a letter.

    Raises:
        RowError: it is none of the options.
    """
    text = "" if answer is None else as_text(answer, "answer").strip()
    by_text = {option.strip(): letter for letter, option in reversed(list(options.items()))}
    is_number = isinstance(answer, int) and not isinstance(answer, bool)
    if text.upper() not in options and is_number and 0 <= answer < len(options):
        text = list(options)[answer]  # MMLU counts from 0
    elif is_list and text in by_text:
        text = by_text[text]
    if text.upper() in options:
        return f"{text.upper()}. {options[text.upper()]}"
    found = _LETTERS_ALONE.fullmatch(text)
    letters = re.findall("[A-H]", found[1].upper()) if found else []
    if letters and all(letter in options for letter in letters):
        return "\n".join(f"{letter}. {options[letter]}" for letter in letters)
    if text in by_text:
        return f"{by_text[text]}. {text}"
    if letters or not text or _NUMBER.fullmatch(text):
        raise RowError(Message("answer {text!s:.20} is none of the options", text=text))
    return text
