"""Cleaning that repairs what scraping and copying did to a text, and loses none of it.

Thinking, code, `a<b`, LaTeX, indentation and line ends survive. Cleaning twice is cleaning once.
Each step looks first whether there is anything to do: most texts are clean.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from finetune.data.formats.entities import (
    find_nearest,
    render_entities,
    sort_entities,
    split_prompt,
)
from finetune.data.markup import is_about_markup, may_hold_markup, remove_markup
from finetune.data.personal import mask_personal
from finetune.data.rows import (
    ANSWER,
    QUESTION,
    QUOTED_CHARACTERS,
    RejectedRow,
    RowError,
    raw_excerpt,
    require_text,
    with_content_id,
)
from finetune.recipe import Step
from finetune.records import Entity, Record, Turn
from finetune.served_prompt import SERVED_SYSTEMS, neutralize_served_prompt
from ingest.foundation.messages import Message
from ingest.text.cjk import CJK
from ingest.text.quoting import neutralize_markup

MAX_ROUNDS = 8
"""One step may make work for another (`&#8203;` becomes a zero-width space); two rounds suffice."""

_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_DROPPED = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064"
_DROPPED += "\u2066-\u2069\ufeff\ufffe\uffff"
_INVISIBLE = re.compile(f"[{_DROPPED}]")
_JOINABLE = rf"[^\x00-\x7f{CJK}\s\u200c\u200d{_DROPPED}]"
_STRAY_JOINERS = re.compile(rf"(?<!{_JOINABLE})[\u200c\u200d]+|[\u200c\u200d]+(?!{_JOINABLE})")
"""Joiners belong in emoji, Persian and Indic words; elsewhere they are left-overs."""

_SUSPECT = re.compile(f"[\r\x0b\x0c\x85\u2028\u2029\u200c\u200d{_DROPPED}]")

_TURN = 3
"""Texts of a turn: question, thought, answer; the system message is before all, at place 0."""

_USER = 1
"""Place of the first question."""

_FENCE = re.compile(r"(^[ \t]*```.*?(?:^[ \t]*```[ \t]*$|\Z))", re.MULTILINE | re.DOTALL)
_BLANKS = " \t\u3000\xa0"
_SPACES_OR_BLANK_LINES = re.compile(rf"[{_BLANKS}]\n|\n\n\n\n")
_BLANK_LINES = re.compile(r"\n{4,}")
_FIRST_LINES = re.compile(rf"\A(?:[{_BLANKS}]*\n)+")

_HARMFUL = re.compile(
    "[<\\[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)
_CONTROL = re.compile(
    r"<(\|[^<>|\n]{1,40}\||｜[^<>｜\n]{1,40}｜|/?think|/?(?:start|end)_of_turn)>", re.IGNORECASE
)
"""Control tokens of R1, ChatML, Llama and Gemma. Not every `<…>`: `<s>` may be HTML."""

_INSTRUCTION = re.compile(r"\[(/?INST)\]|<<(/?SYS)>>")


class Cleaner:
    """Cleans records by the steps of the recipe and counts what it changed."""

    def __init__(self, steps: Collection[Step]) -> None:
        self._steps = [(step, change) for step, change in _STEPS.items() if step in steps]
        self._without_html = [one for one in self._steps if one[0] != "html"]
        self._of_served: list[tuple[Step, Callable[[str, int], str]]] = [
            ("control_tokens", lambda text, place: neutralize_served_prompt(text))
            for step, _ in self._steps
            if step == "control_tokens"
        ]
        self._masks_personal = "personal" in steps
        self._counts: dict[str, int] = {step: 0 for step, _ in self._steps}

    @property
    def counts(self) -> Mapping[str, int]:
        """How many texts (system messages, questions, thoughts, answers) each step changed."""
        return self._counts

    def clean(self, record: Record) -> Record | RejectedRow:
        """Return the record cleaned, or why nothing to train on is left of it."""
        texts = [record.system]
        for turn in (*record.turns, *((record.rejected,) if record.rejected else ())):
            texts += (turn.user, turn.think, turn.answer)
        if not self._masks_personal and record.system not in SERVED_SYSTEMS and _is_plain(texts):
            return record
        changed: set[tuple[Step, int]] = set()
        for _ in range(MAX_ROUNDS):
            before, texts = texts, self._clean_once(texts, changed)
            if texts == before:
                break
        if not changed:
            return record
        for step, _ in changed:
            self._counts[step] += 1
        try:
            turns = [
                Turn(
                    user=require_text(user, QUESTION),
                    think=think,
                    answer=require_text(answer, ANSWER),
                )
                for user, think, answer in zip(texts[1::3], texts[2::3], texts[3::3], strict=True)
            ]
            rejected = None
            if record.rejected:
                *turns, rejected = turns
            cleaned = replace(record, system=texts[0], turns=tuple(turns), rejected=rejected)
            if record.entities and record.last.user != cleaned.last.user:
                # The entities are elsewhere in the cleaned text.
                _, old = split_prompt(record.last.user)
                _, new = split_prompt(cleaned.last.user)
                found = sort_entities(self._relocate(one, old, new) for one in record.entities)
                last = replace(cleaned.last, answer=render_entities(found))
                cleaned = replace(cleaned, turns=(*turns[:-1], last), entities=found)
            return with_content_id(cleaned)
        except RowError as error:
            raw = raw_excerpt(record.last.user)
            return RejectedRow(source=record.source, reason=error.message, raw=raw)

    def _clean_once(self, texts: Sequence[str], changed: set[tuple[Step, int]]) -> list[str]:
        """Return all texts after one run of each step; add (step, place) of what changed."""
        # Of the whole record: an answer with tags is data if the question asks about HTML.
        about = any(map(may_hold_markup, texts)) and any(map(is_about_markup, texts))
        steps = self._without_html if about else self._steps
        served = texts[0] in SERVED_SYSTEMS
        cleaned = []
        for place, text in enumerate(texts):
            chosen = steps
            if served and (place == 0 or place % _TURN == _USER):
                # The assistant's own prompt: learnt as it is sent, with its fence and its spaces.
                chosen = self._of_served if place else []
            for step, change in chosen if text else ():
                before, text = text, change(text, place)
                # Identity first: most steps return the very text, and comparing costs its length.
                if text is not before and text != before:
                    changed.add((step, place))
            cleaned.append(text)
        return cleaned

    def _relocate(self, entity: Entity, old: str, new: str) -> Entity:
        """Return an entity of the `old` text at its place in the cleaned one.

        Raises:
            RowError: its text is not there any more.
        """
        # Its place in the cleaned text is about the cleaned length of all that was before it.
        expected = len(self._clean_fragment(old[: entity.start]))
        for wanted in (entity.text, self._clean_fragment(entity.text)):
            if wanted and (start := find_nearest(new, wanted, expected)) >= 0:
                return replace(entity, text=wanted, start=start, end=start + len(wanted))
        quoted = entity.text[:QUOTED_CHARACTERS]
        raise RowError(Message("entity {text} is lost in cleaning", text=quoted))

    def _clean_fragment(self, text: str) -> str:
        """Return a part of a question as cleaning leaves it."""
        return self._clean_once(["", text, "", ""], set())[_USER]


def _is_plain(texts: Sequence[str]) -> bool:
    """Return whether no step but the one for personal data can find anything in texts.

    Such are all that hold one line and no marks: to see it of a whole record at once takes a third
    of what its steps take to look into each text. False says nothing.
    """
    # "|" composes with nothing, so that normal texts are normal side by side; spaces beside it are
    # those at an end of a text. What is invisible, and what ends a line, is not printable.
    whole = f"|{'|'.join(texts)}|"
    return (
        whole.isprintable()
        and not ("<" in whole or "&" in whole or "[" in whole)
        and not ("| " in whole or " |" in whole)
        and unicodedata.is_normalized("NFC", whole)
    )


# The steps. Each takes a text and its place: 0 for the system message, then question, thought and
# answer of each turn.


def normalize_unicode(text: str, place: int) -> str:
    """Return text in NFC, its lines ended by line feeds, without invisible characters."""
    # `isprintable` is one pass in C and true for most texts of one line; the pattern is slower.
    if not text.isprintable() and _SUSPECT.search(text):
        text = _LINE_END.sub("\n", text)
        text = _INVISIBLE.sub("", _STRAY_JOINERS.sub("", text))
    # Not NFKC: it would make 15㎡ into 15m2 and ① into 1.
    if unicodedata.is_normalized("NFC", text):
        return text
    return unicodedata.normalize("NFC", text)


def remove_html(text: str, place: int) -> str:
    """Return text without left-overs of web pages; an answer in JSON stays as it is."""
    if not may_hold_markup(text):
        return text
    # Tags in the strings of a JSON answer belong to its values; entities hold them as they stood.
    is_answer = place > 0 and place % _TURN == 0
    return text if is_answer and _is_json(text) else remove_markup(text)


def tidy_spaces(text: str, place: int) -> str:
    """Return text without spaces at line ends and with two blank lines at most, save in fences."""
    untidy = "\n" in text and _SPACES_OR_BLANK_LINES.search(text)
    if not (untidy or text[:1].isspace() or text[-1:].isspace()):
        return text
    # Split by a pattern with one group, the pieces are in turn text and fences.
    pieces = _FENCE.split(text) if "```" in text else [text]
    for at in range(0, len(pieces), 2):
        lines = "\n".join(line.rstrip(_BLANKS) for line in pieces[at].split("\n"))
        pieces[at] = _BLANK_LINES.sub("\n\n\n", lines)
    # Blank lines at the beginning go, the first line's indentation stays: it may be code.
    pieces[0] = _FIRST_LINES.sub("", pieces[0])
    pieces[-1] = pieces[-1].rstrip()
    return "".join(pieces)


def neutralize_control_tokens(text: str, place: int) -> str:
    """Return text in which no chat template finds a control token."""
    # What the model reads is treated as the assistant treats it when it serves the model; in what
    # it learns to write, as little is changed as can be.
    if place == 0 or place % _TURN == _USER:
        return neutralize_markup(text) if _HARMFUL.search(text) else text
    if "<" not in text and "[" not in text:
        return text
    text = _CONTROL.sub(r"‹\1›", text)
    return _INSTRUCTION.sub(lambda mark: f"({mark[1] or mark[2]})", text)


_STEPS: Mapping[Step, Callable[[str, int], str]] = {
    "unicode": normalize_unicode,
    "html": remove_html,
    "spaces": tidy_spaces,
    "personal": mask_personal,
    "control_tokens": neutralize_control_tokens,
}
"""In the order in which they run."""


def _is_json(text: str) -> bool:
    if not text.startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
