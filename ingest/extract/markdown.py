"""Renders a tree of HTML elements as Markdown that reads as plain text.

Headings, lists, tables and code keep their marks. Emphasis, links and escapes do not: they would
split words ("**3**rd"), and people read these sentences as quotes.
"""

import itertools
import re

from lxml import etree

from ingest.extract.dom import (
    BLOCKS,
    LINE_BREAKS,
    collapse_spaces,
    flatten_text,
    is_data_table,
    is_seen,
    letters_of,
    text_of,
)
from ingest.extract.tables import read_rows, title_length
from ingest.text.table_cells import escape_cell

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset({"ol", "ul", "menu"})
_TIGHT_BLOCKS = frozenset({"li", "tr", "td", "th", "dt", "dd", "option"})
"""Blocks that end a line, not a paragraph."""
_CODE = frozenset({"code", "pre"})
# Classes of Prism and highlight.js, GitHub, SyntaxHighlighter, pandoc.
_CODE_LANGUAGE = re.compile(
    r"(?:^|\s)(?:(?:language|lang|highlight-source|highlight(?!-source)|brush:)[-\s]"
    r"|sourceCode\s|hljs\s)(?!(?:language|lang|highlight)-)([a-zA-Z][\w+#-]{0,19})"
)
_LANGUAGE = re.compile(r"([a-zA-Z][\w+#-]{0,19})$")
MAX_LANGUAGE_LEVELS = 2  # elements around a piece of code that may name its language


def render_markdown(root: etree._Element) -> str:
    """Return what a reader sees of `root`, without navigation, scripts and form controls."""
    writer = _MarkdownWriter()
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        if event == "start":
            if not (is_seen(element) and writer.start(element)):
                walk.skip_subtree()
        else:
            if is_seen(element):
                writer.end(element)
            # The text behind an element hangs on the element (lxml's "tail"); behind the root it
            # is not the root's.
            if element is not root:
                writer.text(element.tail)
    return writer.result()


class _MarkdownWriter:
    """Collects pieces of text and sees to the line breaks between them.

    Line breaks and bullets are owed, not written, until text follows: so elements without text
    leave no trace, and neighbouring blocks share their blank line as margins collapse in CSS.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._breaks = 0  # line ends owed before the next text
        self._bullet = ""  # "- " or "1. ", owed as well
        self._numbers: list[int | None] = []  # the next one in each open list; None: bullets

    def start(self, element: etree._Element) -> bool:
        """Begin `element` and return whether its children are to be written one by one."""
        tag = element.tag
        if level := _HEADINGS.get(tag):
            if heading := flatten_text(element):
                self._new_line(2, "#" * level + " ")
                self.text(heading)
                self._new_line(2)
        elif tag in _CODE:
            self._write_code(element)
        elif tag == "table" and is_data_table(element):
            # Write a table of data; its first row has a cell for every column, as GFM demands.
            for caption in element.iterchildren("caption"):
                self.text(flatten_text(caption))
                self._new_line(2)
            rows = read_rows(element)
            titles = title_length(element, rows)
            for cells in rows[:titles]:
                self.text(cells[0])
                self._new_line(2)
            rows = rows[titles:]
            width = max(map(len, rows), default=0)
            for number, cells in enumerate(rows):
                cells += [""] * (width - len(cells)) if number == 0 else []
                self._new_line(2 if number == 0 else 1)
                if width < 2:  # one column is a list without bullets
                    self.text(cells[0])
                    continue
                self.text(f"| {' | '.join(map(escape_cell, cells))} |")
                if number == 0:
                    self._new_line(1)
                    self.text("|" + "---|" * width)
            self._new_line(2)
        else:
            self._open(element)
            return True
        return False

    def end(self, element: etree._Element) -> None:
        """End `element`, whose children have been written."""
        if element.tag in _LISTS:
            self._numbers.pop()
        elif element.tag in ("li", "dd"):
            self._bullet = ""  # of an entry without text: what follows is not its text
        if element.tag in BLOCKS:
            self._new_line(1 if self._numbers or element.tag in _TIGHT_BLOCKS else 2)

    def text(self, text: str | None) -> None:
        """Add text, white space collapsed as a browser does."""
        if not text:  # behind most elements
            return
        bare = collapse_spaces(text)
        if self._breaks or not self._parts or self._parts[-1].endswith(" "):
            bare = bare.lstrip(" ")
        if bare:
            self._write(bare)

    def result(self) -> str:
        """Return the Markdown, without blanks at the ends of lines."""
        lines = "".join(self._parts).split("\n")
        return "\n".join(line.rstrip(" ") for line in lines).strip("\n")

    def _open(self, element: etree._Element) -> None:
        tag = element.tag
        if tag in _LISTS:
            self._new_line(1 if self._numbers else 2)
            start = element.get("start", "")
            first = int(start) if re.fullmatch(r"\d{1,6}", start, re.ASCII) else 1
            self._numbers.append(first if tag == "ol" else None)
        elif tag == "dd":
            self._new_line(1, self._indent(len(self._numbers)) + ": ")
        elif tag == "li":
            bullet = "- "
            if self._numbers and (number := self._numbers[-1]) is not None:
                bullet = f"{number}. "
                self._numbers[-1] = number + 1
            self._new_line(1, self._indent(len(self._numbers) - 1) + bullet)
        elif tag in LINE_BREAKS:
            self._new_line(1)
        elif tag in BLOCKS:
            self._new_line(1 if self._numbers or tag in ("tr", "td", "th") else 2)
        self.text(element.text)

    def _write_code(self, element: etree._Element) -> None:
        for line_break in element.iter("br"):
            line_break.text = "\n"
        text = text_of(element).strip("\n")
        if not text.strip():
            return
        # A <code> amid a sentence or at its start stays in it, as does a term and an entry; one
        # that is a paragraph of its own is a listing.
        if "\n" not in text and element.tag != "pre" and not _is_whole_block(element, text):
            self.text(f"`{text.strip()}`")
            return
        # That which it, or an element close around it, names.
        around = itertools.islice(element.iterancestors(), MAX_LANGUAGE_LEVELS)
        places = (element, *element.iterchildren("code"), *around)
        named = (
            _CODE_LANGUAGE.search(place.get("class", "")) or _LANGUAGE.match(place.get(data, ""))
            for place in places
            for data in ("data-lang", "data-language")
        )
        language = next((match[1].lower() for match in named if match), "")
        fence = "~~~~" if "```" in text else "```"
        self._new_line(2)
        self._write(f"{fence}{language}\n{text}\n{fence}")
        self._new_line(2)

    def _new_line(self, count: int, bullet: str = "") -> None:
        if bullet or not self._bullet:  # the first paragraph of an item stays beside its bullet
            self._breaks = max(self._breaks, count) if self._parts else 0
            self._bullet = bullet

    def _write(self, text: str) -> None:
        indent = self._indent(len(self._numbers)) if self._breaks else ""
        self._parts.append("\n" * self._breaks + (self._bullet or indent) + text)
        self._breaks, self._bullet = 0, ""

    def _indent(self, levels: int) -> str:
        """Return the spaces that put a line below the text of the item that it belongs to."""
        return "".join("  " if number is None else "   " for number in self._numbers[:levels])


def _is_whole_block(code: etree._Element, text: str) -> bool:
    """Return whether `code`, whose text it is, is all that its block holds."""
    block = next((each for each in code.iterancestors() if each.tag in BLOCKS), None)
    if block is None or block.tag in _TIGHT_BLOCKS:
        return False
    # The first paragraph of an entry is what the others explain.
    around = block.getparent()
    if around is not None and around.tag in _TIGHT_BLOCKS and around[0] is block:
        return False
    return letters_of(text_of(block)) == letters_of(text)
