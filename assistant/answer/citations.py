"""Markers such as [2] in a streamed answer: repaired, checked, and added where they are missing.

The stream is read in units (a word, a sentence end, a marker, a piece of code), each taken only
when more text could not make another unit of it. So the output never depends on how the answer
was cut into deltas, and only a sentence's end or an open bracket is ever held back.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.values import Citation, Passage
from ingest.text.cjk import CJK
from ingest.text.figures import figures
from ingest.text.words import content_words, words

OVERLAP_FLOOR = 0.6
"""Share of a sentence's content words that a passage must hold to be cited for it. Of xquad's
sentences, 1.0 % (English) and .3 % (Chinese) would be credited to another paragraph of their
article; at .5 it would be 3.3 % and 1.4 %."""

LEAST_WORDS = 3
"""Content words of a sentence, under which overlap is chance."""

LONGEST_SPAN = 200
"""Characters that inline code, a bracket or a link's address may have; longer ones are text."""

LONGEST_RANGE = 20
"""Numbers in a marker such as [1-3]; a longer range is no citation."""

Kind = Literal["word", "space", "newline", "end", "marker", "code"]

_SOURCE = (
    r"(?:sources?|ref(?:erence)?s?|passages?|citations?|pages?|来源|出处|参考(?:文献|资料)?|文献"
    r"|资料|段落|网页|引用)"
)
_NUMBER = rf"\^?\s*{_SOURCE}?\s*[:#.]?\s*\d{{1,3}}\^?"
_MARKER = re.compile(
    rf"\s*{_NUMBER}(?:\s*(?:[,;、&~–-]|and|to|和|与|至)\s*{_NUMBER})*\s*(?:†.*)?", re.IGNORECASE
)
_RANGE = re.compile(rf"(\d+)(?:\^?\s*(?:[~–-]|to|至)\s*\^?{_SOURCE}?\s*(\d+))?", re.IGNORECASE)
_MARKER_BEGUN = re.compile(
    rf"[\[【［〔]\s*\^?\s*{_SOURCE}?\s*[:#.：]?[\d\s,，、;；^-]*\Z", re.IGNORECASE
)
_CLOSING = re.compile(r"[\]】］〕\n]")
_LINK_END = re.compile(r"[)\s]")
_SPACE = re.compile(r"[^\S\n]+")
_WORD = re.compile(r"[^\s.。！？；!?…`\[【［〔]+")
_END = re.compile(r"[.。！？；!?…]+[”’\"'」』）)*_]*")
_AFTER_END = re.compile(rf"[\s\[【［〔{CJK}]")
_ABBREVIATED = re.compile(
    r"(?:^|[^A-Za-z])(?:[A-Za-z]|e\.g|i\.e|etc|vs|approx|ca|cf|no|nos|fig|eq|dr|mr|mrs|ms|prof|st"
    r"|inc|ltd|co|jr|sr|art|sec|vol|pp|al)$",
    re.IGNORECASE,
)
_INDEXED = re.compile(r"(?:^|[^\w])(?:[a-z]|\w*_\w*)$")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*$")
_NO_STATEMENT = re.compile(r"^\s*(?:#|\||\*\*[^*]*[^*.。！!]\*\*[:：]?\s*$|[-*_]{3,}\s*$)")
_LIST_NUMBER = re.compile(r"^\s*(?:[-*+]|\d{1,2}[.)、])\s+")
_NOT_THERE = re.compile(
    r"\b(?:I|we)\b.{0,12}\b(?:not|n't|cannot|unable)\b|\bcouldn't find\b|\bcould not find\b"
    r"|\b(?:passages?|pages?|sources?|context|documents?|texts?)\b.{0,40}(?:\bnot\b|n't\b|\bno\b)"
    r"|\bno (?:information|mention|answer|passage)\b|\bsorry\b"
    r"|抱歉|对不起|(?:没有|未能?|无法)(?:找到|检索|搜索|查到|回答|确定)"
    r"|(?:段落|资料|网页|原文|文中|来源|信息|内容)[^。]{0,12}(?:没有|未|无法|不能|不足)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Unit:
    """The smallest piece of an answer that is handled as a whole."""

    kind: Kind
    text: str
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _PassageTerms:
    """Words and figures of a passage, against which sentences are checked."""

    words: frozenset[str]
    figures: frozenset[str]


class CitationStream:
    """Rewrites a streamed answer so that each marker has one form and points to a passage.

    `[n]`, `[1, 2]`, `[1-3]`, `【1】`, `［１］`, `[^1]`, `[来源1]`, `[Source 2]` all become `[n]`;
    numbers that no passage has are dropped; code, links and indices such as `a[0]` stay as they
    are. A statement without a marker gets the marker of the passage that holds its words and all
    its figures, if there is one.
    """

    def __init__(self, passages: Sequence[Passage], *, attach: bool = True) -> None:
        """`attach` False: add no markers, only check those that are there."""
        self._passages = {passage.number: passage for passage in passages}
        texts = {p.number: "\n".join([p.title, p.heading, p.text]) for p in passages}
        self._evidence = {
            number: _PassageTerms(frozenset(words(text)), figures(text))
            for number, text in texts.items()
        }
        self._attach = attach
        self._cited: set[int] = set()
        self._buffer = ""
        self._out: list[str] = []
        self._fenced = False
        self._line = ""  # the current line so far, without markers
        self._sentence = ""  # the current sentence so far, without markers and end
        self._marked = False  # whether the current sentence has a marker
        self._end = ""  # its punctuation, held back: a marker may have to stand before it
        self._closed = False  # its punctuation is out, followed by a marker
        self._space = ""  # white space held back: it goes with a marker that is dropped
        self._ignore_space = False  # a marker between two spaces was dropped

    def feed(self, text: str) -> str:
        """Take the next piece of the answer; return what may be shown of it."""
        self._buffer += text
        return self._run(final=False)

    def close(self) -> str:
        """Return the rest of the answer."""
        rest = self._run(final=True)
        self._finish_sentence()
        return rest + self._emitted(self._take_space())

    def citations(self) -> tuple[Citation, ...]:
        """Return the passages that the answer points to so far, by number."""
        return tuple(
            Citation(
                number=number,
                url=self._passages[number].url,
                title=self._passages[number].title,
                fetched_at=self._passages[number].fetched_at,
                published=self._passages[number].published,
                heading=self._passages[number].heading,
            )
            for number in sorted(self._cited)
        )

    def _run(self, *, final: bool) -> str:
        """Handle every unit that is complete; with `final` the rest of the buffer is."""
        while self._buffer:
            scan = _Scan(self._buffer, line=self._line, fenced=self._fenced, final=final)
            found = scan.unit()
            if found is None:  # the next delta may still make another unit of it
                break
            unit, length = found
            self._buffer = self._buffer[length:]
            self._handle(unit)
        return self._emitted()

    def _handle(self, unit: _Unit) -> None:
        if unit.kind == "space":
            self._line += unit.text
            self._sentence += "" if self._end or self._closed else unit.text
            self._space += "" if self._ignore_space else unit.text
            return
        if unit.kind == "marker":
            self._handle_marker(unit)
            return
        if self._ignore_space and unit.kind != "word":
            self._space = ""  # "text [9]." becomes "text."
        self._ignore_space = False
        if unit.kind == "newline" or unit.kind == "code":
            self._handle_line_end(unit)
        elif unit.kind == "end":
            self._handle_sentence_end(unit)
        else:
            # A word after an end begins the next sentence: only now is it sure that no marker
            # follows the end, so only now may one be attached.
            if self._end or self._closed:
                self._finish_sentence()
            self._emit(self._take_space() + unit.text)
            self._line += unit.text
            self._sentence += unit.text

    def _handle_sentence_end(self, unit: _Unit) -> None:
        self._line += unit.text
        if self._closed:
            self._emit(self._take_space() + unit.text)
            return
        if self._end:
            self._finish_sentence()
        self._emit(self._take_space())
        # Held back: "Text. [1]" and "Text [1]." are both written by models, and where we attach a
        # marker it stands before the full stop.
        self._end = unit.text

    def _handle_marker(self, unit: _Unit) -> None:
        valid = [number for number in unit.numbers if number in self._passages]
        if not valid:
            # A number that no passage has never reaches the reader, nor the gap that it leaves.
            self._ignore_space = bool(self._space) or not self._line.strip()
            return
        self._ignore_space = False
        self._closed = self._closed or bool(self._end)
        marks = "".join(f"[{number}]" for number in dict.fromkeys(valid))
        self._emit(self._end + self._take_space() + marks)
        self._end = ""
        self._marked = True
        self._cited.update(valid)

    def _handle_line_end(self, unit: _Unit) -> None:
        """Handle a line break, or a line of a code block: both end the sentence."""
        self._finish_sentence()
        self._emit(self._take_space() + unit.text)
        self._line = ""
        if unit.kind == "code" and unit.text.lstrip().startswith("```"):
            self._fenced = not self._fenced

    def _finish_sentence(self) -> None:
        """End the sentence, with the marker that it lacks."""
        number = None if self._marked or not self._attach else self._supporting_passage()
        if number is not None:
            self._cited.add(number)
            touching = re.search(rf"[{CJK}）】」』”]$", self._sentence.rstrip())
            self._emit(f"[{number}]" if touching else f" [{number}]")
        self._emit(self._end)
        self._end = self._sentence = ""
        self._marked = self._closed = False

    def _supporting_passage(self) -> int | None:
        """Return the number of the passage that supports the current sentence, if one does."""
        text = _LIST_NUMBER.sub("", self._sentence).strip()
        # Headings state nothing, and "the passages do not say" is supported by no passage.
        if _NO_STATEMENT.match(self._line) or _NOT_THERE.search(text):
            return None
        if re.search(r"[?？]", self._end) or text.endswith((":", "：")):
            return None
        return best_support(text, self._evidence)

    def _take_space(self) -> str:
        space, self._space = self._space, ""
        return space

    def _emit(self, text: str) -> None:
        self._out.append(text)

    def _emitted(self, more: str = "") -> str:
        text = "".join(self._out) + more
        self._out = []
        return text


class _Scan:
    """Finds the first unit of a text whose end may not have come yet."""

    def __init__(self, text: str, *, line: str, fenced: bool, final: bool) -> None:
        self._text = text
        self._line = line
        self._fenced = fenced
        self._final = final

    def unit(self) -> tuple[_Unit, int] | None:
        """Return the unit and its length in the text, None if it takes more text to tell."""
        first = self._text[0]
        if self._fenced or (first == "`" and not self._line.strip()):
            fence = self._code_line()
            if fence is None or fence[1]:
                return fence
        if first == "\n":
            return _Unit("newline", "\n"), 1
        if first == "`":
            return self._code_span()
        if first in "[【［〔":
            return self._bracket()
        if found := _END.match(self._text):
            return self._sentence_end(found[0])
        kind: Kind = "word" if (found := _WORD.match(self._text)) else "space"
        found = found or _SPACE.match(self._text)
        assert found, "every character begins a unit"
        return _Unit(kind, found[0]), found.end()

    def _code_line(self) -> tuple[_Unit, int] | None:
        """Return a line of a code block, or length 0 if none begins here."""
        if not self._fenced and not self._text.startswith("```"):
            undecided = not self._final and "```".startswith(self._text)
            return None if undecided else (_Unit("word", ""), 0)
        end = self._text.find("\n") + 1
        if not end and not self._final:
            return None
        line = self._text[: end or None]
        return _Unit("code", line), len(line)

    def _code_span(self) -> tuple[_Unit, int] | None:
        """Return `code`, or the back-ticks alone if they are never closed on this line."""
        ticks = len(self._text) - len(self._text.lstrip("`"))
        if ticks == len(self._text) and not self._final:
            return None
        window = self._text[ticks : ticks + LONGEST_SPAN]
        inside, newline, _ = window.partition("\n")
        at = inside.find("`" * ticks)
        if at >= 0:
            length = 2 * ticks + at
            return _Unit("word", self._text[:length]), length
        if newline or len(window) == LONGEST_SPAN or self._final:
            return _Unit("word", self._text[:ticks]), ticks
        return None

    def _bracket(self) -> tuple[_Unit, int] | None:
        """Return a marker, a link, or the bracket alone."""
        found = _CLOSING.search(self._text[:LONGEST_SPAN])
        if found is None and len(self._text) < LONGEST_SPAN:
            # The closing bracket may be in the next delta; past `LONGEST_SPAN` it is no marker.
            if not self._final:
                return None
            if _MARKER_BEGUN.match(self._text):  # the answer was cut off in mid-marker
                return _Unit("marker", self._text), len(self._text)
        if found is None or found[0] == "\n":
            return _Unit("word", self._text[0]), 1
        link = self._link(found.end())
        if link is None:
            return None
        numbers = marker_numbers(self._text[1 : found.start()])
        if numbers and not self._is_index(numbers):
            return _Unit("marker", self._text[: found.end() + link], numbers), found.end() + link
        if link or numbers:
            return _Unit("word", self._text[: found.end() + link]), found.end() + link
        return _Unit("word", self._text[0]), 1

    def _link(self, start: int) -> int | None:
        """Return the length of the "(address)" at `start`, None if it takes more text to tell."""
        rest = self._text[start : start + LONGEST_SPAN]
        if rest.startswith("("):
            found = _LINK_END.search(rest)
            if found:
                return found.end() if found[0] == ")" else 0
            if len(rest) == LONGEST_SPAN:
                return 0
        return None if not self._final and (not rest or rest.startswith("(")) else 0

    def _is_index(self, numbers: Iterable[int]) -> bool:
        """Return whether the bracket follows a name as in `a[0]`."""
        # Passages are numbered from 1, so a 0 after any name is an index.
        if 0 in numbers and _IDENTIFIER.search(self._line):
            return True
        return bool(_INDEXED.search(self._line))

    def _sentence_end(self, mark: str) -> tuple[_Unit, int] | None:
        """Return the end of a sentence, or the mark as a part of a word: 3.14, example.com."""
        after = self._text[len(mark) : len(mark) + 1]
        if not after and not self._final:
            return None
        ends = re.search(r"[。！？；…]", mark) or not after or _AFTER_END.match(after)
        if mark == "." and (_ABBREVIATED.search(self._line) or self._line.strip().isdecimal()):
            ends = None
        return _Unit("end" if ends else "word", mark), len(mark)


def marker_numbers(inside: str) -> tuple[int, ...]:
    """Return the passage numbers between a marker's brackets, none if it is no marker."""
    text = unicodedata.normalize("NFKC", inside)
    if not _MARKER.fullmatch(text):
        return ()
    numbers: list[int] = []
    for found in _RANGE.finditer(text.partition("†")[0]):
        first, last = int(found[1]), int(found[2] or found[1])
        if last - first >= LONGEST_RANGE:
            return ()
        numbers += range(first, last + 1) if last > first else [first, last]
    return tuple(dict.fromkeys(numbers))


def best_support(sentence: str, evidence: dict[int, _PassageTerms]) -> int | None:
    """Return the number of the passage that holds the sentence's words and all its figures."""
    content = set(content_words(sentence))
    if len(content) < LEAST_WORDS:
        return None
    stated = figures(sentence)
    # One wrong figure makes a sentence wrong, whatever share of its words a passage holds.
    shares = {
        number: len(content & held.words) / len(content)
        for number, held in evidence.items()
        if stated <= held.figures
    }
    # Of equal shares the first passage wins: retrieval put the better one in front.
    number = max(shares, key=lambda number: (shares[number], -number), default=None)
    return number if number is not None and shares[number] >= OVERLAP_FLOOR else None
