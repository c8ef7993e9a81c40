"""Numbers that Word sets before paragraphs and headings: 第三条, 2.2, (b). No text has them."""

import re
from dataclasses import dataclass, replace
from typing import Final

from lxml import etree

from ingest.extract.formats.zip_parts import attribute, child, local_name

MAX_LEVEL = 9
MAX_LETTERS = 26 * 5  # zzzzz; a damaged file may begin at a billion
_PLACE = re.compile(r"%([1-9])")
_DIGITS = "〇一二三四五六七八九"
_ROMAN: Final = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l")),
    *((40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Level:
    start: int
    kind: str
    """As OOXML calls it (17.18.59, ST_NumberFormat): decimal, lowerLetter, bullet, …"""
    text: str
    """With %1 for the number of the first level, and so on."""
    is_decimal: bool
    """Whether it shows the numbers of all levels as figures, whatever they are themselves."""


class ListNumbers:
    """Counts the paragraphs of the lists of one document. Ask in their order."""

    def __init__(self, root: etree._Element | None) -> None:
        """Take the root of word/numbering.xml, None if there is none."""
        children = [] if root is None else list(root)
        kinds = {
            attribute(each, "abstractNumId"): _levels_of(each)
            for each in children
            if local_name(each) == "abstractNum"
        }
        self._kind_of: dict[str, str] = {}
        self._levels: dict[str, dict[int, _Level]] = {}
        # Lists of one kind go on counting, unless one says where a level of it starts.
        self._restarts: set[tuple[str, int]] = set()
        for each in children:
            if local_name(each) == "num":
                number = attribute(each, "numId")
                self._kind_of[number] = attribute(child(each, "abstractNumId"), "val")
                levels = kinds.get(self._kind_of[number], {}) | _levels_of(each)
                self._levels[number] = levels
                for override in each:
                    start = attribute(child(override, "startOverride"), "val")
                    place = attribute(override, "ilvl")
                    if start.isdecimal() and place.isdecimal() and int(place) in levels:
                        levels[int(place)] = replace(levels[int(place)], start=int(start))
                        self._restarts.add((number, int(place)))
        self._counts: dict[str, list[int | None]] = {}

    def mark(self, number: str, level: int) -> str:
        """Return what stands before the next paragraph of a list, "" for a bullet or nothing."""
        levels = self._levels.get(number, {})
        own = levels.get(level)
        if own is None or not 0 <= level < MAX_LEVEL:
            return ""
        counts = self._counts.setdefault(self._kind_of[number], [None] * MAX_LEVEL)
        if (number, level) in self._restarts:
            self._restarts.remove((number, level))
            counts[level] = None
        before = counts[level]
        counts[level] = own.start if before is None else before + 1
        counts[level + 1 :] = [None] * (MAX_LEVEL - level - 1)
        if own.kind in ("bullet", "none"):
            return ""

        def shown(found: re.Match[str]) -> str:
            place = int(found[1]) - 1
            other = levels.get(place, own)
            count = counts[place]
            kind = "decimal" if own.is_decimal else other.kind
            return _written(other.start if count is None else count, kind)

        return _PLACE.sub(shown, own.text).strip()


def _levels_of(parent: etree._Element) -> dict[int, _Level]:
    levels = {}
    for each in parent.iter():
        if local_name(each) == "lvl" and attribute(each, "ilvl").isdecimal():
            start = attribute(child(each, "start"), "val", "1")
            levels[int(attribute(each, "ilvl"))] = _Level(
                start=int(start) if start.isdecimal() else 1,
                kind=attribute(child(each, "numFmt"), "val", "decimal"),
                text=attribute(child(each, "lvlText"), "val"),
                is_decimal=child(each, "isLgl") is not None,
            )
    return levels


def _written(number: int, kind: str) -> str:
    """Return a number as people write it in a list of that kind."""
    if kind in ("lowerLetter", "upperLetter") and 0 < number <= MAX_LETTERS:
        # a … z, aa … zz, as Word has it.
        letters = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letters if kind == "lowerLetter" else letters.upper()
    if kind in ("lowerRoman", "upperRoman") and 0 < number < 4000:
        roman = ""
        for value, letters in _ROMAN:
            roman += letters * (number // value)
            number %= value
        return roman if kind == "lowerRoman" else roman.upper()
    if kind.startswith(("chinese", "taiwanese", "japanese", "ideographDigital")) and number < 1000:
        hundreds, tens, ones = number // 100, number // 10 % 10, number % 10
        written = f"{_DIGITS[hundreds]}百" if hundreds else ""
        if tens:
            written += ("" if tens == 1 and not hundreds else _DIGITS[tens]) + "十"
        elif hundreds and ones:
            written += "零"
        return written + (_DIGITS[ones] if ones or not number else "")
    return f"{number:02}" if kind == "decimalZero" else str(number)
