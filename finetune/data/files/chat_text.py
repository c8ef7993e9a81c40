"""Chats as programs export them and people write them down: one line a turn, or a line above it.

WhatsApp ("[01/02/2026, 10:23] Ann: …"), WeChat and QQ (a line with time and name, then the text),
Taobao ("name (2026-01-02 10:23:45): …") and plain "客户：… / 客服：…". Who asks and who answers is
told from the names when the rows are parsed (`formats/chat.py`).
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TextIO

from finetune.data.field_names import side_of_speaker
from finetune.data.files.lines import Line, is_within_limit, read_lines, too_long_error
from finetune.data.rows import RejectedRow, raw_excerpt
from finetune.records import RawRow

Form = Literal["stamped", "headed", "bracketed", "tagged", "plain"]

LOOKED_AT = 400
"""Lines at the beginning of a file that its form is told from."""

HEAD_CHARACTERS = 200
"""Characters of a line in which who speaks must be told."""

NEW_AFTER = 3_600
"""Seconds of silence behind which a new conversation begins."""

_DAY = (
    r"(?P<day>\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4})[ ,T]*+"
    r"(?:星期.|周.)?\s*+"
)
_CLOCK = (
    r"(?P<half>上午|下午|晚上|凌晨|中午)?\s*+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::\d{2})?"
    r"(?:\s?(?P<pm>[APap])\.?[Mm]\.?)?"
)
# No quantifier here gives back what it took where the next could take the same: each line is read
# once or for each length of a name, whatever it is full of.
_NAME = (
    r"(?P<name>[^\s*:：\[\]()（）<>|,，。？！?!;；\"'{}#][^:：\[\]<>|，。？！?!;；\"{}\n]{0,29}?)"
)
_NUMBER = r"(?:\s*+[(（<][^)）>\n]{3,60}[)）>])?+"
"""Number or mail address of who speaks, behind the name in QQ."""

_NAME_FIRST = (
    rf"{_NAME.replace('?P<name>', '?P<first>')}{_NUMBER}\s++"
    rf"(?:{_DAY.replace('?P<day>', '?P<day_behind>')})?\d{{1,2}}:\d{{2}}(?::\d{{2}})?"
)

_FORMS: Mapping[Form, re.Pattern[str]] = {
    "stamped": re.compile(
        rf"\u200e?\[?(?:{_DAY})?{_CLOCK}\]?(?:\s++-)?\s++{_NAME}{_NUMBER}\s*+[:：]\s?(?P<text>.*)"
    ),
    "headed": re.compile(rf"{_DAY}{_CLOCK}\s++{_NAME}{_NUMBER}\s*+|{_NAME_FIRST}\s*+"),
    # A shop's sub-account has a colon in its name.
    "bracketed": re.compile(
        rf"(?P<name>[^\s()（）].{{0,40}}?)\s*+[(（]{_DAY}{_CLOCK}[)）]\s*+[:：]\s*+(?P<text>.*)"
    ),
    "tagged": re.compile(rf"[\[【]{_NAME}[\]】]\s*+[:：]?\s*+(?P<text>.*)"),
    "plain": re.compile(rf"[ \t>*]*+{_NAME}[*]*+[:：][*]*+\s?(?P<text>.*)"),
}
BY_NAME: tuple[Form, ...] = ("tagged", "plain")
"""Forms that tell no time: a chat by who speaks alone, its conversations by blank lines."""

_PROGRAM_LINE = re.compile(rf"\u200e?\[?{_DAY}{_CLOCK}(?:\]|\s++-)\s")
"""How a line begins that a program wrote itself, where nobody speaks: "… - Ann added Bob"."""

_LOG_LEVEL = re.compile(
    r"(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL)\b", re.IGNORECASE
)
"""How names begin in the log of a program, which is no chat."""

_RULE = re.compile(r"\s*+[-=*_—]{5,}+\s*+")
_PLACEHOLDER = re.compile(
    r"\u200e?(?:<Media omitted>|\w+ omitted|\[(?:图片|表情|动画表情|语音|视频|文件|链接|位置)\]"
    r"|<媒体已省略>|.{0,20}撤回了一条消息)\s*"
)
"""What stands for something that is no text."""


@dataclass(slots=True)
class _Utterance:
    name: str
    text: str
    minutes: int | None
    """Since midnight of year 0 or so: only differences are meant. None without a time."""


def is_chat(head: str) -> bool:
    """Return whether the beginning of a file is a chat."""
    return _find_form(head.splitlines()[:LOOKED_AT]) is not None


def chat_rows(file: TextIO, name: str, limit: int) -> Iterator[RawRow | RejectedRow]:
    """Yield a row with "chat", a list of {"from", "value"}, for each conversation.

    One ends at an hour of silence or a new day, where times are told; else at a blank line or a
    rule; and where there are none of these, each question with its answers is one.
    """
    lines = read_lines(file, limit)
    begun = list(itertools.islice(lines, LOOKED_AT))
    texts = [line.text.rstrip("\n") for line in begun]
    form = _find_form(texts)
    assert form is not None  # `is_chat` has seen one
    sizes = [0]
    for line in texts:
        if not line.strip() or _RULE.fullmatch(line):
            sizes.append(0)
        elif _read_head(line, form):
            sizes[-1] += 1
    filled = [size for size in sizes if size]
    # Blank lines or rules are between conversations, not between messages.
    has_blocks = len(filled) > 1 and 2 * sum(size > 1 for size in filled) > len(filled)
    splitter = _Splitter(blocks=form in BY_NAME and has_blocks)
    number = 0
    for utterance in _utterances(itertools.chain(begun, lines), form):
        if conversation := splitter.add(utterance):
            number += 1
            yield _row(conversation, f"{name}:{number}", limit)
    if splitter.held:
        yield _row(splitter.held, f"{name}:{number + 1}", limit)


def _find_form(lines: list[str]) -> Form | None:
    """Return how a chat is written down, None if it is none: two speak, and both more than once."""
    filled = [line for line in lines if line.strip() and not _RULE.fullmatch(line)]
    for form in _FORMS:
        found = [match for line in filled if (match := _read_head(line, form))]
        names = Counter(_speaker(match) for match in found)
        if len(names) < 2 or len(found) < 4 or all(map(_LOG_LEVEL.match, names)):
            continue
        if form not in BY_NAME:
            return form
        # Any line with a colon looks like one: there nearly all of them must, by known roles or by
        # two names that take turns.
        roles = [side_of_speaker(name) for name in names]
        is_known = "user" in roles and "answer" in roles
        turns = sum(1 for one, two in itertools.pairwise(found) if _speaker(one) != _speaker(two))
        takes_turns = len(names) == 2 and 2 * turns > len(found)
        if 2 * len(found) > len(filled) and 2 * len(names) <= len(found):
            return form if is_known or (takes_turns and any(roles)) else None
    return None


def _read_head(line: str, form: Form) -> re.Match[str] | None:
    """Return who speaks, and when, if a line tells that; its text only as far as it was read."""
    if form == "headed" and len(line) > HEAD_CHARACTERS:
        return None
    return _FORMS[form].fullmatch(line[:HEAD_CHARACTERS])


def _speaker(found: re.Match[str]) -> str:
    groups = found.groupdict()
    return (groups.get("name") or groups.get("first") or "").strip(" *")


def _utterances(lines: Iterator[Line], form: Form) -> Iterator[_Utterance | None]:
    """Yield what was said, one by one; None where a blank line or a rule stands."""
    utterance: _Utterance | None = None
    for line in lines:
        text = line.text.rstrip("\n")
        is_rule = _RULE.fullmatch(text) is not None
        found = None if is_rule else _read_head(text, form)
        if found is not None:
            if utterance is not None:
                yield utterance
            words = (found.groupdict().get("text") or "") + text[HEAD_CHARACTERS:]
            utterance = _Utterance(_speaker(found), words, _minutes(found))
        elif is_rule or (form in BY_NAME and not text.strip()):
            if utterance is not None:
                yield utterance
            utterance = None
            yield None
        elif utterance is not None and not (form == "stamped" and _PROGRAM_LINE.match(text)):
            utterance.text += f"\n{text}"
    if utterance is not None:
        yield utterance


def _minutes(found: re.Match[str]) -> int | None:
    """Return when it was said, in minutes; days count as if each month had 31 of them."""
    groups = found.groupdict()
    if groups.get("hour") is None:
        return None
    numbers = [int(one) for one in re.findall(r"\d+", groups.get("day") or "0")]
    day = 0
    for one in numbers:  # whichever comes first, equal days are equal and others far apart
        day = day * 3_000 + one
    half = groups.get("half") or (groups.get("pm") or "").casefold()
    hour = int(groups["hour"])
    if half in ("下午", "晚上", "p") or (half == "中午" and hour < 11):
        hour = hour % 12 + 12
    elif hour == 12 and half in ("上午", "凌晨", "a"):
        hour = 0
    return (day * 24 + hour) * 60 + int(groups["minute"])


class _Splitter:
    """Puts messages together to conversations."""

    def __init__(self, *, blocks: bool) -> None:
        self._blocks = blocks
        self._asker = ""
        self.held: list[_Utterance] = []

    def add(self, utterance: _Utterance | None) -> list[_Utterance]:
        """Take in a message, or None for a break; return the conversation that it ends, or []."""
        if utterance is None:
            return self._take() if self._blocks else []
        ended = self._take() if self._begins_anew(utterance) else []
        if not self.held:
            self._asker = utterance.name
        self.held.append(utterance)
        return ended

    def _take(self) -> list[_Utterance]:
        conversation, self.held = self.held, []
        return conversation

    def _begins_anew(self, utterance: _Utterance) -> bool:
        if not self.held or self._blocks:
            return False
        last = self.held[-1]
        asks = side_of_speaker(utterance.name) == "user" or utterance.name == self._asker
        if utterance.minutes is not None and last.minutes is not None:
            # Another customer of the same shop, too.
            others = {one.name for one in self.held if side_of_speaker(one.name) != "answer"}
            is_other = side_of_speaker(utterance.name) != "answer" and utterance.name not in others
            answered = any(side_of_speaker(one.name) == "answer" for one in self.held)
            return abs(utterance.minutes - last.minutes) * 60 > NEW_AFTER or (is_other and answered)
        return asks and last.name != utterance.name


def _row(conversation: list[_Utterance], source: str, limit: int) -> RawRow | RejectedRow:
    chat: list[dict[str, Any]] = []
    for one in conversation:
        text = one.text.strip()
        chat.append({"from": one.name, "value": "" if _PLACEHOLDER.fullmatch(text) else text})
    raw = "\n".join(one.text for one in conversation)
    if is_within_limit(raw, limit):
        return RawRow(source=source, fields={"chat": chat})
    return RejectedRow(source=source, reason=too_long_error(limit).message, raw=raw_excerpt(raw))
