"""A tree of HTML elements, or of trafilatura's, written as Markdown that reads as plain text.

Headings, lists, tables and code keep their marks. Emphasis, links and escapes do not: they would
split words ("**3**rd"), and people read these sentences as quotes.
"""

import re

from lxml import etree

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset({"list", "ol", "ul", "menu"})
_ITEMS = frozenset({"item", "li"})
_ROWS = frozenset({"row", "tr"})
_CELLS = frozenset({"cell", "td", "th"})
_TIGHT = _ITEMS | _ROWS | _CELLS
_BLOCKS = (
    _LISTS
    | _ITEMS
    | _ROWS
    | _CELLS
    | {
        *(
            "address",
            "article",
            "aside",
            "blockquote",
            "body",
            "caption",
            "center",
            "dd",
            "details",
        ),
        *(
            "dialog",
            "div",
            "dl",
            "dt",
            "fieldset",
            "figcaption",
            "figure",
            "footer",
            "form",
            "header",
        ),
        *("hgroup", "hr", "legend", "main", "p", "quote", "section", "summary", "table"),
    }
)
_LINE_BREAKS = frozenset({"lb", "br", "option"})
_CODE = frozenset({"code", "pre"})
_UNSEEN = frozenset(
    {
        *("script", "style", "noscript", "template", "title", "svg", "math", "canvas", "iframe"),
        *("object", "select", "button", "textarea", "nav"),
    }
)
_SPACES = re.compile(r"[ \t\r\n\f\xa0\u200b]+")


def markdown(root: etree._Element) -> str:
    """Return what a reader sees of `root`, without navigation, scripts and form controls."""
    writer = _Writer()
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        if event == "start":
            if not (_is_seen(element) and writer.start(element)):
                walk.skip_subtree()
        else:
            if _is_seen(element):
                writer.end(element)
            if element is not root:
                writer.text(element.tail)
    return writer.finished()


class _Writer:
    """Collects pieces of text and sees to the line breaks between them."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._breaks = 0  # line ends owed before the next text
        self._bullet = ""  # "- " is owed too, so that an empty item leaves no trace
        self._numbers: list[int | None] = []  # the next one in each open list; None: bullets
        self._first_row = True

    def start(self, element: etree._Element) -> bool:
        """Begin `element` and return whether its children are to be written one by one."""
        tag = element.tag
        if level := _heading_level(element):
            self._alone("#" * level + " ", _flat(element))
        elif tag in _CODE:
            self._code(element)
        elif tag in _ROWS and _is_data(element):
            self._row(element)
        else:
            self._open(element)
            return True
        return False

    def end(self, element: etree._Element) -> None:
        if element.tag in _LISTS:
            self._numbers.pop()
        if element.tag in _BLOCKS:
            self._new_line(1 if self._numbers or element.tag in _TIGHT else 2)

    def text(self, text: str | None) -> None:
        bare = _SPACES.sub(" ", text or "")
        if self._breaks or not self._parts or self._parts[-1].endswith(" "):
            bare = bare.lstrip(" ")
        if bare:
            self._write(bare)

    def finished(self) -> str:
        lines = "".join(self._parts).split("\n")
        return "\n".join(line.rstrip(" ") for line in lines).strip("\n")

    def _open(self, element: etree._Element) -> None:
        tag = element.tag
        if tag in _LISTS:
            self._new_line(1 if self._numbers else 2)
            self._numbers.append(1 if "ol" in (tag, element.get("rend")) else None)
        elif tag in _ITEMS:
            self._new_line(1, self._item_mark())
        elif tag in _LINE_BREAKS:
            self._new_line(1)
        elif tag in _BLOCKS:
            self._new_line(1 if self._numbers else 2)
            self._first_row = self._first_row or tag == "table"
        self.text(element.text)

    def _alone(self, mark: str, text: str) -> None:
        if text:
            self._new_line(2, mark)
            self.text(text)
            self._new_line(2)

    def _code(self, element: etree._Element) -> None:
        for line_break in element.iter("lb", "br"):
            line_break.text = "\n"
        text = "".join(element.itertext()).strip("\n")
        stands_alone = self._breaks or not self._parts
        if not text.strip():
            return
        if "\n" not in text and not (element.tag == "pre" or stands_alone):
            self.text(f"`{text.strip()}`")
            return
        fence = "~~~~" if "```" in text else "```"
        self._new_line(2)
        self._write(f"{fence}\n{text}\n{fence}")
        self._new_line(2)

    def _row(self, element: etree._Element) -> None:
        cells = [_flat(cell).replace("|", "/") for cell in element if cell.tag in _CELLS]
        if not any(cells):
            return
        self._new_line(1)
        self.text(f"| {' | '.join(cells)} |" if len(cells) > 1 else cells[0])
        if self._first_row and len(cells) > 1:
            self._new_line(1)
            self.text("|" + "---|" * len(cells))
        self._first_row = False
        self._new_line(1)

    def _new_line(self, count: int, bullet: str = "") -> None:
        if bullet or not self._bullet:  # the first paragraph of an item stays beside its bullet
            self._breaks = max(self._breaks, count) if self._parts else 0
            self._bullet = bullet

    def _write(self, text: str) -> None:
        indent = "  " * len(self._numbers) if self._breaks else ""
        self._parts.append("\n" * self._breaks + (self._bullet or indent) + text)
        self._breaks, self._bullet = 0, ""

    def _item_mark(self) -> str:
        indent = "  " * (len(self._numbers) - 1)
        number = self._numbers[-1] if self._numbers else None
        if number is None:
            return f"{indent}- "
        self._numbers[-1] = number + 1
        return f"{indent}{number}. "


def _is_seen(element: etree._Element) -> bool:
    return isinstance(element.tag, str) and element.tag not in _UNSEEN


def _is_data(row: etree._Element) -> bool:
    """Tell a row of data from one that only lays out a page."""
    return row.tag == "row" or next(row.iter(*_BLOCKS - _ROWS - _CELLS), None) is None


def _flat(element: etree._Element) -> str:
    """Return the text of `element` on one line."""
    parts = []
    for event, inner in etree.iterwalk(element, events=("start", "end")):
        edge = " " if inner.tag in _BLOCKS or inner.tag in _LINE_BREAKS else ""
        text = inner.text if event == "start" else inner.tail
        if event == "start":
            parts.append(edge + (text or "") * _is_seen(inner))
        elif inner is not element:
            parts.append(edge + (text or ""))
    return _SPACES.sub(" ", "".join(parts)).strip(" ")


def _heading_level(element: etree._Element) -> int:
    if element.tag == "head":  # trafilatura's; the head of a page is no child of its body
        return _HEADINGS.get(element.get("rend", ""), 2)
    return _HEADINGS.get(element.tag, 0)
