"""The units of a streamed answer: words, sentence ends, markers, links, addresses and code.

Each is taken only when more text could not make another unit of it, so what follows never depends
on how the answer was cut into deltas. What is looked at is bounded, before a unit and behind it.
"""

import re

from assistant.answer.citations.marker_scanner import MAX_SPAN, MarkerScanner
from assistant.answer.citations.markers import CIRCLED, SUPERSCRIPTS, AnswerUnit
from ingest.text.cjk import CJK

CONTEXT = 64
"""Characters before a unit that decide what it is. More would make long lines quadratic."""
INDENTATION = 4
"""Spaces that make code of a line (CommonMark 4.4)."""

_SPACE = re.compile(r"[^\S\n]+")
_SPECIAL = rf"`\]\[【［〔(（<{{#*@&$\^\\{SUPERSCRIPTS}{CIRCLED}"
_PAGES_OWN = f"(（{{#*$^\\{SUPERSCRIPTS}{CIRCLED}"
"""Begin markers in a model's words alone."""
# "_" apart: emphasis opens with it, and an address may follow.
_WORD = re.compile(rf"_+|[A-Za-z0-9][A-Za-z0-9_]*|[^\s.。！？；!?…A-Za-z0-9_{_SPECIAL}]+")
_END = re.compile(r"[.。！？；!?…]+[”’\"'」』）)*_]*")
_AFTER_END = re.compile(rf"[\s\[【［〔<{{{SUPERSCRIPTS}{CIRCLED}{CJK}]")
_ABBREVIATED = re.compile(
    r"(?:^|[^A-Za-z])(?:[A-Za-z]|e\.g|i\.e|etc|vs|approx|ca|cf|no|nos|fig|eq|dr|mr|mrs|ms|prof|st"
    r"|inc|ltd|co|jr|sr|art|sec|vol|pp|al)$",
    re.IGNORECASE,
)
_LIST_LINE = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)、])(?:\s|$)")


class UnitScanner:
    """Cuts a streamed answer into units."""

    def __init__(self, *, quoted: bool = False) -> None:
        """`quoted`: code made the text of pages' own words, and put plain markers behind them."""
        self._quoted = quoted
        self._ticked = False  # a back-tick that nothing closed: those behind it are not ours
        self._text = ""
        self._at = 0
        self._final = False
        self._before = ""  # the end of the current line, at most `CONTEXT` characters
        self._line_length = 0
        self._fenced = 0  # back-ticks of the fence that is open
        self._code_line = False  # the rest of the current line is code
        self._blank = True  # the line before was blank, so that indentation makes code
        self._listed = False  # indentation continues an item of a list

    def feed(self, text: str, *, final: bool = False) -> list[AnswerUnit]:
        """Return the units that are complete with this text; with `final` all the rest are."""
        self._text = self._text[self._at :] + text
        self._at = 0
        self._final = final
        units = []
        while self._at < len(self._text):
            unit = self._unit()
            if unit is None:  # the next delta may still make another unit of it
                break
            if not unit.text:
                continue
            self._at += len(unit.text)
            self._note(unit)
            units.append(unit)
        return units

    def _note(self, unit: AnswerUnit) -> None:
        """Remember what decides about the units to come."""
        if unit.text.endswith("\n"):
            line = self._before
            whole = self._line_length <= CONTEXT
            indented = self._code_line and not self._fenced
            self._blank = indented or (whole and not line.strip())
            if self._blank:
                self._ticked = False
            if whole and _LIST_LINE.match(line):
                self._listed = True
            elif line.strip() and not line[:1].isspace():
                self._listed = False
            self._before, self._line_length, self._code_line = "", 0, False
        else:
            self._before = (self._before + unit.text)[-CONTEXT:]
            self._line_length += len(unit.text)

    def _unit(self) -> AnswerUnit | None:
        if self._text[self._at] == "\n":
            return AnswerUnit("newline", "\n")
        if self._line_length == 0 or self._fenced or self._code_line:
            begun = self._code()
            if begun is None or begun.text:
                return begun
        if self._text[self._at] == "`":
            # `code`, or the back-ticks alone if they are never closed on this line.
            rest = self._text[self._at : self._at + 2 * MAX_SPAN]
            ticks = len(rest) - len(rest.lstrip("`"))
            if ticks == len(rest) and not self._final:
                return None
            before = self._before
            if (len(before) - len(before.rstrip("\\"))) % 2:
                return AnswerUnit("word", "`")  # escaped: it opens nothing
            window = rest[ticks : ticks + MAX_SPAN]
            inside, newline, _ = window.partition("\n")
            # A run of just as many closes it; at the end of what is here, more may come.
            found = re.search(rf"(?<!`)`{{{ticks}}}(?!`)", inside)
            if found and (found.end() < len(window) or len(window) == MAX_SPAN or self._final):
                return AnswerUnit("word", rest[: ticks + found.end()])
            if newline or len(window) == MAX_SPAN or self._final:
                self._ticked = True
                return AnswerUnit("word", rest[:ticks])
            return None
        marker = self._marker()
        return marker if marker is None or marker.text else self._plain()

    def _marker(self) -> AnswerUnit | None:
        """Return a marker, a link or an address, an empty unit if none begins here."""
        first = self._text[self._at]
        scan = MarkerScanner(
            self._text,
            self._at,
            before=self._before,
            final=self._final,
            quoted=self._quoted,
            ticked=self._ticked,
        )
        if first == "[":
            definition = scan.definition() if self._line_length <= CONTEXT else None
            if self._line_length <= CONTEXT and (definition is None or definition.text):
                return definition
        if first in "[【［〔":
            return scan.bracket(self._at)
        if self._quoted and first in _PAGES_OWN:
            return AnswerUnit("word", first)
        if first in f"(（<{{#*@&$^\\{SUPERSCRIPTS}{CIRCLED}":
            return scan.other(first)
        if first == "]":
            return scan.link_behind()
        if first in "hHwWfF" and not self._before[-1:].isalnum():
            return scan.address(self._at)
        return AnswerUnit("word", "")

    def _plain(self) -> AnswerUnit | None:
        """Return a word, white space or the end of a sentence."""
        found = _END.match(self._text, self._at)
        if found is None:
            if word := _WORD.match(self._text, self._at):
                return AnswerUnit("word", word[0])
            space = _SPACE.match(self._text, self._at)
            assert space, "every character begins a unit"
            return AnswerUnit("space", space[0])
        mark, after = found[0], self._text[found.end() : found.end() + 1]
        if not after and not self._final:
            return None
        ends = re.search(r"[。！？；…]", mark) or not after or _AFTER_END.match(after)
        # As a part of a word it ends nothing: 3.14, example.com.
        before = self._before
        number = self._line_length <= CONTEXT and before.strip().isdecimal()
        if mark == "." and (_ABBREVIATED.search(before) or number):
            ends = None
        return AnswerUnit("end" if ends else "word", mark)

    def _code(self) -> AnswerUnit | None:
        """Return a line of code, or a piece of one; an empty unit if the line is none."""
        rest = self._text[self._at : self._at + MAX_SPAN]
        newline = self._text.find("\n", self._at)
        line = AnswerUnit("code", self._text[self._at : newline + 1 if newline >= 0 else None])
        if self._line_length:
            return line
        bare = rest.lstrip(" ")
        early = not self._final
        if early and "```".startswith(bare[:3]) and newline < 0 and len(rest) < MAX_SPAN:
            return None  # "```python": whole, so that what follows is no part of it
        if self._is_fence(bare.partition("\n")[0]):
            return line
        indentation = rest[: len(rest) - len(rest.lstrip(" \t"))]
        deep = "\t" in indentation or len(indentation) >= INDENTATION
        # Below a paragraph or in a list deep lines are text.
        if not self._fenced and not (deep and self._blank and not self._listed):
            return AnswerUnit("word", "")
        self._code_line = True
        return line

    def _is_fence(self, line: str) -> bool:
        """Return whether a line opens or closes a block of code, and remember which.

        As CommonMark 4.5 has it: what we took for code, and a browser for text, would go unchecked.
        """
        info = line.lstrip("`")
        ticks = len(line) - len(info)
        is_mark = ticks >= 3 and "`" not in info
        closes = ticks >= self._fenced and not info.strip()
        if not is_mark or (self._fenced and not closes):
            return False
        self._fenced = 0 if self._fenced else ticks
        return True
