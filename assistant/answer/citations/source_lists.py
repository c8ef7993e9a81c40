"""Lists of sources that a model writes below its answer: left out, for we print the true one."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from assistant.answer.citations.markers import AnswerUnit

MAX_ENTRY_CHARACTERS = 400
"""Characters of a line that may be an entry of the list; longer ones are text."""
MAX_HEADING_CHARACTERS = 200
"""Characters of a line that is held back because it may be a heading, markers included."""
MIN_TITLE_CHARACTERS = 4
"""Characters of a page's title that tell an entry by themselves."""

_HEADINGS = frozenset(
    name + more
    for names, endings in (
        (
            ("source", "sources", "reference", "references", "citations", "bibliography", "links"),
            ("", " used", " cited", " consulted"),
        ),
        (("further reading", "works cited", "出处", "相关链接", "引用"), ("",)),
        (("", "信息", "资料", "数据", "参考", "引用"), ("来源", "来源列表")),
        (("参考", "引用"), ("文献", "资料", "链接", "网址")),
    )
    for name in names
    for more in endings
)
_SEPARATORS = " ,，、;；.。:：*_-–—"
_LIST_MARK = re.compile(r"[\s>*+•-]*(?:\d{1,3}[.)、]\s*)?")

_POINTING = ("marker", "address", "link")
State = Literal["start", "text", "heading", "list"]


class SourceListFilter:
    """Passes the units of an answer on, without the lists of sources among them."""

    def __init__(self, titles: Iterable[str]) -> None:
        self._titles = [title.casefold() for title in titles if len(title) >= MIN_TITLE_CHARACTERS]
        self._state: State = "start"
        self._held: list[AnswerUnit] = []  # what may belong to a list
        self._line: list[AnswerUnit] = []  # the line that is being read
        self._length = 0

    def filter(self, units: Iterable[AnswerUnit], *, final: bool = False) -> Iterator[AnswerUnit]:
        """Yield the units that are no list of sources, as soon as that is sure."""
        for unit in units:
            yield from self._unit(unit)
        if not final:
            return
        text = self._text().strip()
        line = self._line
        if self._state in ("heading", "list") and (not text or self._is_entry(line, text)):
            self._held, self._line = [], []
        elif self._state == "start" and (_is_heading(text) or _is_list_line(line)):
            # A heading with nothing below it: the answer was cut off there.
            self._line = [] if text else line
        yield from self._release()

    def _unit(self, unit: AnswerUnit) -> Iterator[AnswerUnit]:
        if self._state == "text":
            if unit.text.endswith("\n"):
                self._state = "start"
            yield unit
            return
        self._line.append(unit)
        self._length += len(unit.text)
        if unit.kind == "code":
            yield from self._release()
            self._state = "start" if unit.text.endswith("\n") else "text"
        elif unit.kind == "newline":
            yield from self._line_end()
        elif self._state == "start":
            # Whether the line may go on to be a heading of sources, or nothing but sources. Words
            # come in pieces, so what is said of a line is said of all beginnings of the line.
            text = _heading_text(_words(self._line))
            may_point = not text or any(heading.startswith(text) for heading in _HEADINGS)
            # Bounded, or a line of markers without end would be read again with each of them.
            if self._length > MAX_HEADING_CHARACTERS or not may_point:
                yield from self._release()
        elif self._length > MAX_ENTRY_CHARACTERS:
            yield from self._release()

    def _line_end(self) -> Iterator[AnswerUnit]:
        line, self._line, self._length = self._line, [], 0
        text = "".join(unit.text for unit in line).strip()
        if not text:
            self._held += line
            if self._state == "start":
                yield from self._flush()
            return
        if self._state == "start":
            if _is_heading(text):
                self._held += line
                self._state = "heading"
            elif _is_list_line(line):
                self._state = "list"
            else:
                self._held += line
                yield from self._flush()
            return
        if self._is_entry(line, text):
            # The heading goes with its first entry; before, it might head a list of anything.
            self._held = []
            self._state = "list"
            return
        self._held += line
        self._state = "start"
        yield from self._flush()

    def _is_entry(self, line: Sequence[AnswerUnit], text: str) -> bool:
        if any(unit.kind in _POINTING[1:] for unit in line):
            return True
        # Words come in pieces, so a list mark is sought in all that is before the marker.
        first = next((i for i, unit in enumerate(line) if unit.kind == "marker"), None)
        if first is not None and _LIST_MARK.fullmatch("".join(u.text for u in line[:first])):
            return True
        return any(title in text.casefold() for title in self._titles)

    def _text(self) -> str:
        return "".join(unit.text for unit in self._line)

    def _release(self) -> Iterator[AnswerUnit]:
        """Yield what was held back: it is text."""
        self._held += self._line
        self._line, self._length = [], 0
        self._state = "text"
        yield from self._flush()

    def _flush(self) -> Iterator[AnswerUnit]:
        held, self._held = self._held, []
        yield from held


def _words(line: Sequence[AnswerUnit]) -> str:
    """Return what a line says besides markers and addresses."""
    return "".join(unit.text for unit in line if unit.kind not in _POINTING)


def _heading_text(text: str) -> str:
    return " ".join(text.casefold().strip(f"#> {_SEPARATORS}").split())


def _is_heading(text: str) -> bool:
    return _heading_text(text) in _HEADINGS


def _is_list_line(line: Sequence[AnswerUnit]) -> bool:
    """Return whether a line names sources and nothing else: "Sources: [1]", "[1] https://a"."""
    pointing = [unit.kind for unit in line if unit.kind in _POINTING]
    text = _heading_text(_words(line))
    if not text:
        return pointing[:1] == ["marker"] and {*pointing} != {"marker"}
    return bool(pointing) and text in _HEADINGS
