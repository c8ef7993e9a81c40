"""Cleaning that repairs what scraping and copying did, and never eats data.

Thinking, code, `a<b`, LaTeX, indentation and line ends survive. Cleaning twice is cleaning once.
Each step looks first whether there is anything to do: most texts are clean.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from finetune.data.formats import entities
from finetune.data.markup import may_hold_markup, speaks_of_markup, without_markup
from finetune.data.rows import ANSWER, QUESTION, RejectedRow, RowError, identified, required, shown
from finetune.recipe import Step
from finetune.records import Entity, Record, Turn
from ingest.foundation.messages import Message
from ingest.text.quoting import neutralize_markup
from ingest.text.words import CJK

MOST_ROUNDS = 8
"""One step may make work for another (`&#8203;` becomes a zero-width space); two rounds do."""

_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_DROPPED = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064"
_DROPPED += "\u2066-\u2069\ufeff\ufffe\uffff"
_UNSEEN = re.compile(f"[{_DROPPED}]")
_JOINABLE = rf"[^\x00-\x7f{CJK}\s\u200c\u200d{_DROPPED}]"
_STRAY_JOINERS = re.compile(rf"(?<!{_JOINABLE})[\u200c\u200d]+|[\u200c\u200d]+(?!{_JOINABLE})")
"""Joiners belong in emoji, Persian and Indic words; between other characters they are dirt."""

_SUSPECT = re.compile(f"[\r\x0b\x0c\x85\u2028\u2029\u200c\u200d{_DROPPED}]")

_FENCE = re.compile(r"(^[ \t]*```.*?(?:^[ \t]*```[ \t]*$|\Z))", re.MULTILINE | re.DOTALL)
_BLANKS = " \t\u3000\xa0"
_ROOM = re.compile(rf"[{_BLANKS}]\n|\n\n\n\n")
_BLANK_LINES = re.compile(r"\n{4,}")
_FIRST_LINES = re.compile(rf"\A(?:[{_BLANKS}]*\n)+")

_HARMFUL = re.compile(
    "[<\\[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)
_CONTROL = re.compile(
    r"<(\|[^<>|\n]{1,40}\||｜[^<>｜\n]{1,40}｜|/?think|/?(?:start|end)_of_turn)>", re.IGNORECASE
)
"""In replies only what a tokenizer of R1, ChatML, Llama or Gemma knows: `<s>` may be HTML."""

_INSTRUCTION = re.compile(r"\[(/?INST)\]|<<(/?SYS)>>")


class Cleaner:
    """Cleans records by the steps of the recipe and counts what it changed."""

    def __init__(self, steps: Collection[Step]) -> None:
        self._steps = [(step, change) for step, change in _STEPS.items() if step in steps]
        self._without_html = [one for one in self._steps if one[0] != "html"]
        self._counts: dict[str, int] = {step: 0 for step, _ in self._steps}

    @property
    def counts(self) -> Mapping[str, int]:
        """How many texts (system messages, questions, thoughts, answers) each step changed."""
        return self._counts

    def clean(self, record: Record) -> Record | RejectedRow:
        """Return the record cleaned, or why nothing to learn from is left of it."""
        texts = _texts(record)
        changed: set[tuple[Step, int]] = set()
        for _ in range(MOST_ROUNDS):
            before, texts = texts, self._round(texts, changed)
            if texts == before:
                break
        if not changed:
            return record
        for step, _ in changed:
            self._counts[step] += 1
        try:
            return identified(self._rebuilt(record, texts))
        except RowError as error:
            return RejectedRow(
                source=record.source, reason=error.message, raw=shown(record.last.user)
            )

    def _round(self, texts: Sequence[str], changed: set[tuple[Step, int]]) -> list[str]:
        """Return all texts after each step was taken once; note what it changed."""
        steps = self._without_html if _markup_is_matter(texts) else self._steps
        cleaned = []
        for place, text in enumerate(texts):
            for step, change in steps if text else ():
                before, text = text, change(text, place)
                if text is not before and text != before:
                    changed.add((step, place))
            cleaned.append(text)
        return cleaned

    def _rebuilt(self, record: Record, texts: Sequence[str]) -> Record:
        """Return the record with new texts; its entities stand where they now are.

        Raises:
            RowError: a question, an answer or an entity is gone.
        """
        turns = tuple(
            Turn(user=required(user, QUESTION), think=think, answer=required(answer, ANSWER))
            for user, think, answer in zip(texts[1::3], texts[2::3], texts[3::3], strict=True)
        )
        cleaned = replace(record, system=texts[0], turns=turns)
        if not record.entities or record.last.user == cleaned.last.user:
            return cleaned
        found = entities.in_order(self._moved(one, record, cleaned) for one in record.entities)
        last = replace(cleaned.last, answer=entities.answer_of(found))
        return replace(cleaned, turns=(*turns[:-1], last), entities=found)

    def _moved(self, one: Entity, record: Record, cleaned: Record) -> Entity:
        _, old = entities.parts_of(record.last.user)
        _, new = entities.parts_of(cleaned.last.user)
        expected = len(self._fragment(old[: one.start]))
        for wanted in (one.text, self._fragment(one.text)):
            if wanted and (start := entities.nearest(new, wanted, expected)) >= 0:
                return replace(one, text=wanted, start=start, end=start + len(wanted))
        raise RowError(Message("entity {text} is lost in cleaning", text=one.text[:40]))

    def _fragment(self, text: str) -> str:
        """Return a part of a question as cleaning leaves it."""
        return self._round(["", text, "", ""], set())[_USER]


_TURN = 3  # texts of a turn: question, thought, answer; the system message stands before all
_USER = 1  # place of the first question


def _texts(record: Record) -> list[str]:
    """Return the system message, then question, thought and answer of each turn."""
    texts = [record.system]
    for turn in record.turns:
        texts += (turn.user, turn.think, turn.answer)
    return texts


def _is_answer(place: int) -> bool:
    return place > 0 and place % _TURN == 0


def _unicode(text: str, place: int) -> str:
    """Return text in NFC, its lines ended by line feeds, without what nobody can see."""
    if not text.isprintable() and _SUSPECT.search(text):  # the former is fast
        text = _LINE_END.sub("\n", text)
        text = _UNSEEN.sub("", _STRAY_JOINERS.sub("", text))
    if unicodedata.is_normalized("NFC", text):
        return text
    return unicodedata.normalize("NFC", text)


def _html(text: str, place: int) -> str:
    """Return text without left-overs of web pages; an answer in JSON stays as it is."""
    if not may_hold_markup(text) or (_is_answer(place) and _is_json(text)):
        return text
    return without_markup(text)


def _spaces(text: str, place: int) -> str:
    """Return text without spaces at line ends and with two blank lines at most, save in fences."""
    roomy = "\n" in text and _ROOM.search(text)
    if not (roomy or text[:1].isspace() or text[-1:].isspace()):
        return text
    pieces = _FENCE.split(text) if "```" in text else [text]
    pieces[::2] = map(_tidied, pieces[::2])
    pieces[0] = _FIRST_LINES.sub("", pieces[0])
    pieces[-1] = pieces[-1].rstrip()
    return "".join(pieces)


def _tidied(text: str) -> str:
    lines = "\n".join(line.rstrip(_BLANKS) for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n\n", lines)


def _control_tokens(text: str, place: int) -> str:
    """Return text in which no chat template finds a control token.

    Questions and system messages are treated as the assistant treats them when it serves a model.
    """
    if place == 0 or place % _TURN == _USER:
        return neutralize_markup(text) if _HARMFUL.search(text) else text
    if "<" not in text and "[" not in text:
        return text
    text = _CONTROL.sub(r"‹\1›", text)
    return _INSTRUCTION.sub(lambda mark: f"({mark[1] or mark[2]})", text)


_STEPS: Mapping[Step, Callable[[str, int], str]] = {
    "unicode": _unicode,
    "html": _html,
    "spaces": _spaces,
    "control_tokens": _control_tokens,
}
"""In the order in which they are taken. Each takes a text and its place, as `_texts` counts."""


def _markup_is_matter(texts: Sequence[str]) -> bool:
    """Tell whether a text of the record is about markup, so that its tags are data."""
    return any(map(may_hold_markup, texts)) and any(map(speaks_of_markup, texts))


def _is_json(text: str) -> bool:
    if not text.startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
