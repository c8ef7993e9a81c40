"""Rewrites tables that a reader sees as such and HTML does not: by role, by style, by pictures.

Run with `ingest.extract.markup`, before anything is removed from the page.
"""

import itertools
import re

from lxml import etree

from ingest.extract.dom import is_data_table, text_of

MAX_MARK = 20  # characters of the alternative text of a picture that fills a cell: a tick, a flag
MAX_CAPTION = 300  # characters of the title of a table
MAX_MARKED_TABLES = 200

_find_role_tables = etree.XPath("//*[@role='table' or @role='grid']")
_find_drawn_cells = etree.XPath("//*[contains(@style, 'table-cell')]")
_TABLE_ROLES = frozenset({"table", "grid"})
_ROLES = {
    "table": "table",
    "grid": "table",
    "row": "tr",
    "cell": "td",
    "gridcell": "td",
    "rowheader": "th",
    "columnheader": "th",
}
"""WAI-ARIA 1.2 roles of a table that is made of other elements -> those of HTML."""
_DISPLAYS = {"table": "table", "table-row": "tr", "table-cell": "td"}
"""Values of CSS display -> elements that are shown so."""
_DISPLAY = re.compile(r"(?<![\w-])display\s*:\s*(table(?:-row|-cell)?)\s*(?:;|!|$)", re.IGNORECASE)
_PLAIN = frozenset({"div", "span", "ul", "ol", "li", "dl", "dt", "dd", "section", "article"})
_FILE_NAME = re.compile(r"\.\w{3,4}$|_|\d{3}")


def rewrite_tables(root: etree._Element, *, roles: frozenset[str]) -> None:
    """Make tables of the elements with these roles, which are those of the page."""
    for element in _find_role_tables(root) if roles & _TABLE_ROLES else ():
        if element.tag in _PLAIN:
            for inner in [element, *element.iterdescendants(*_PLAIN)]:
                inner.tag = _ROLES.get(inner.get("role", ""), inner.tag)


def rewrite_styled(root: etree._Element, source: str) -> None:
    """Make a table of what the styles of its elements draw as one, row by row.

    `source` is that of the page.
    """
    tables = set()
    for cell in _find_drawn_cells(root) if "table-cell" in source else ():
        row = cell.getparent()
        table = None if row is None else row.getparent()
        if table is not None and (_drawn_as(row), _drawn_as(table)) == ("tr", "table"):
            tables.add(table)
    for table in tables:
        rows = [row for row in table if _drawn_as(row) == "tr"]
        # One row of cells lays out columns.
        if len(rows) > 1 and table.tag in _PLAIN:
            for element in [table, *rows, *(cell for row in rows for cell in row)]:
                element.tag = _drawn_as(element) or element.tag


def _drawn_as(element: etree._Element) -> str:
    match = _DISPLAY.search(element.get("style", ""))
    return _DISPLAYS[match[1].lower()] if match else ""


def title_tables(root: etree._Element) -> None:
    """Make the caption of a figure that is a table the table's: it says of what the figures are."""
    for figure in root.iter("figure"):
        table = figure.find(".//table")
        caption = None if table is None else figure.find("figcaption")
        if caption is None or figure.find(".//pre") is not None:
            continue
        if len(text_of(caption)) <= MAX_CAPTION and table.find("caption") is None:
            caption.tag, caption.tail = "caption", None
            table.insert(0, caption)


def write_marks(root: etree._Element) -> None:
    """Write what a picture that fills a cell of data stands for: yes, no, the name of a country."""
    for table in itertools.islice(root.iter("table"), MAX_MARKED_TABLES):
        if table.find(".//img") is None or not is_data_table(table):
            continue
        for cell in table.iter("td", "th"):
            pictures = cell.findall(".//img")
            if len(pictures) != 1 or text_of(cell).strip():
                continue
            mark = (pictures[0].get("alt") or "").strip()
            if len(mark) <= MAX_MARK and not _FILE_NAME.search(mark):
                pictures[0].tag, pictures[0].text = "span", mark
