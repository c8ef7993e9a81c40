"""What office files have in common: formulas, charts and the data about a document."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from lxml import etree

from ingest.extract.formats.table_rows import render_rows
from ingest.extract.formats.zip_parts import ZipParts, child, local_name, parse_xml

_FORMULA_JOINS = {"f": "/", "sSup": "^", "sSub": "_"}
"""Between the two parts of a fraction, a power, an index."""


_TEMPLATE_TIMES = frozenset({"2013-12-23T23:15:00Z", "2013-01-27T09:14:16Z"})
"""When the empty documents of python-docx and python-pptx were made: programs that write files with
them leave that day, and their authors' names, in all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeProperties:
    """What an Office file says of itself (docProps/core.xml)."""

    title: str = ""
    author: str = ""
    created: date | None = None
    modified: date | None = None


def read_office_properties(parts: ZipParts) -> OfficeProperties:
    """Return what the file says of itself, empty where it says nothing."""
    root = parts.xml("docProps/core.xml")
    if root is None:
        return OfficeProperties()
    found = {local_name(each): (each.text or "").strip() for each in root}
    if found.get("created") in _TEMPLATE_TIMES:
        return OfficeProperties(
            title=found.get("title", "").removeprefix("PowerPoint Presentation")
        )
    return OfficeProperties(
        title=found.get("title", ""),
        author=found.get("creator", ""),
        created=parse_day(found.get("created", "")),
        modified=parse_day(found.get("modified", "")),
    )


def parse_day(text: str) -> date | None:
    """Return the day of an ISO time, None if it is none."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def formula_text(element: etree._Element) -> str:
    """Return an Office formula (OMML) as people type it: (a+b)/c, x^2."""
    name = local_name(element)
    if name == "t":
        return element.text or ""
    parts = [formula_text(each) for each in element if not local_name(each).endswith("Pr")]
    if name in _FORMULA_JOINS and len(parts) == 2:
        return _FORMULA_JOINS[name].join(f"({part})" if len(part) > 3 else part for part in parts)
    return "".join(parts)


def drawing_paragraphs(root: etree._Element) -> list[str]:
    """Return the paragraphs of a drawing: shapes of slides, cells of their tables, SmartArt."""
    texts = []
    for paragraph in root.iter():
        if local_name(paragraph) != "p":
            continue
        pieces = [
            (each.text or "") if local_name(each) == "t" else " "
            for each in paragraph.iter()
            if local_name(each) in ("t", "br")
        ]
        texts.append(" ".join("".join(pieces).split()))
    return [text for text in texts if text]


_MATHML_JOINS = {"mfrac": "/", "msup": "^", "msub": "_", "mover": "^", "munder": "_"}


def mathml_text(element: etree._Element) -> str:
    """Return a formula in MathML as people type it: (a+b)/c, x^2."""
    name = local_name(element)
    if name.startswith("annotation"):  # the same once more, in the notation of a program
        return ""
    parts = [text for each in element if (text := mathml_text(each))]
    if name in _MATHML_JOINS and len(parts) == 2:
        return _MATHML_JOINS[name].join(f"({part})" if len(part) > 3 else part for part in parts)
    if name in ("msqrt", "mroot"):
        return f"√({''.join(parts)})"
    return "".join([(element.text or "").strip(), *parts])


def render_chart(content: bytes) -> str:
    """Return the data of a chart part as a table, with its title before it."""
    root = parse_xml(content)
    title = next((each for each in root.iter() if local_name(each) == "title"), None)
    heading = "" if title is None else "".join(_chart_texts(title, "t")).strip()
    series = [each for each in root.iter() if local_name(each) == "ser"]
    names, columns, labels = [], [], list[str]()
    for one in series:
        names.append("".join(_chart_texts(child(one, "tx"), "v")))
        labels = labels or list(_chart_texts(child(one, "cat"), "v"))
        value = child(one, "val")
        columns.append(list(_chart_texts(child(one, "yVal") if value is None else value, "v")))
    height = max(map(len, columns), default=0)
    labels += [""] * (height - len(labels))
    rows = [[heading or "-", *names]]
    for place in range(height):
        row = [column[place] if place < len(column) else "" for column in columns]
        rows.append([labels[place], *row])
    return render_rows(rows) if height else heading


def _chart_texts(element: etree._Element | None, name: str) -> Iterator[str]:
    if element is not None:
        yield from (each.text or "" for each in element.iter() if local_name(each) == name)
