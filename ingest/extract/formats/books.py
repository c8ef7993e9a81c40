"""E-books (EPUB), OpenDocument texts (ODT) and RTF."""

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import unquote

from lxml import etree

from ingest.extract.base import DamagedFileError, FileContent
from ingest.extract.dom import parse_html
from ingest.extract.formats.office_text import parse_day
from ingest.extract.formats.table_rows import render_rows
from ingest.extract.formats.zip_parts import ZipParts, attribute, child, local_name, names_damage
from ingest.extract.markdown import render_markdown
from ingest.text.encodings import decode

MAX_REPEATED = 50  # cells that an OpenDocument file may say stand side by side


@names_damage
def read_epub(body: bytes, _charset: str | None) -> FileContent:
    """Return the chapters of a book in reading order, without its table of contents."""
    parts = ZipParts(body)
    container = parts.xml("META-INF/container.xml")
    file = child(container, "rootfiles", "rootfile")
    package_name = attribute(file, "full-path")
    package = parts.xml(package_name)
    if package is None:
        raise DamagedFileError
    found: dict[str, str] = {}
    items, order = {}, []
    for each in package.iter():
        name = local_name(each)
        if name == "item" and attribute(each, "properties") != "nav":
            items[attribute(each, "id")] = unquote(attribute(each, "href"))
        elif name == "itemref":
            order.append(attribute(each, "idref"))
        elif name in ("title", "creator", "date"):
            found.setdefault(name, "".join(each.itertext()).strip())
    folder = posixpath.dirname(package_name)
    protected = _encrypted_parts(parts)
    chapters = []
    for key in order:
        if key in items:
            name = posixpath.join(folder, items[key])
            if name in protected:  # by the shop that sold it: no reader but its own has the key
                raise DamagedFileError
            source = decode(parts.read(name), claimed=None)
            root = parse_html(re.sub(r"^\s*<\?xml[^>]*\?>", "", source))
            if root is not None and root.find("body") is not None:
                chapters.append(render_markdown(root.find("body")))
    return FileContent(
        text="\n\n".join(filter(None, chapters)),
        title=found.get("title", ""),
        author=found.get("creator", ""),
        published=parse_day(found.get("date", "")),
    )


def _encrypted_parts(parts: ZipParts) -> frozenset[str]:
    """Return the names of the parts that cannot be read without a key; fonts often are."""
    root = parts.xml("META-INF/encryption.xml")
    references = () if root is None else root.iter()
    return frozenset(
        unquote(attribute(each, "URI"))
        for each in references
        if local_name(each) == "CipherReference"
    )


@names_damage
def read_open_document(body: bytes, _charset: str | None) -> FileContent:
    """Return the text of an .odt file (also of .odp and .ods), with headings, tables and notes."""
    parts = ZipParts(body)
    root = parts.xml("content.xml")
    text = child(root, "body")
    if text is None:
        raise DamagedFileError
    meta = parts.xml("meta.xml")
    found = {local_name(e): (e.text or "").strip() for e in ([] if meta is None else meta.iter())}
    return FileContent(
        text="\n\n".join(block for block in _open_blocks(text) if block.strip()),
        title=found.get("title", ""),
        author=found.get("creator", "") or found.get("initial-creator", ""),
        published=parse_day(found.get("creation-date", "")),
        modified=parse_day(found.get("date", "")),
        notes=parts.picture_notes(),
    )


def _open_blocks(parent: etree._Element) -> Iterator[str]:
    for each in parent:
        match local_name(each):
            case "h":
                level = attribute(each, "outline-level", "1")
                yield "#" * min(6, int(level) if level.isdecimal() else 1) + f" {_open_text(each)}"
            case "p":
                yield _open_text(each)
                yield from (_open_text(note) for note in each.iter() if local_name(note) == "note")
            case "list-item":
                yield "- " + " ".join(filter(None, _open_blocks(each))).removeprefix("- ")
            case "table":
                # Of a text the name is the program's ("Table1"), of a sheet its author's.
                if local_name(parent) == "spreadsheet" and (name := attribute(each, "name")):
                    yield f"## {name}"
                rows = [row for row in each.iter() if local_name(row) == "table-row"]
                yield render_rows([list(_open_cells(row)) for row in rows])
            case "tracked-changes":  # what was deleted
                continue
            case _:
                yield from _open_blocks(each)


def _open_cells(row: etree._Element) -> Iterator[str]:
    for cell in row:
        if local_name(cell) in ("table-cell", "covered-table-cell"):
            repeated = attribute(cell, "number-columns-repeated", "1")
            times = min(MAX_REPEATED, int(repeated)) if repeated.isdecimal() else 1
            text = " ".join(filter(None, _open_blocks(cell)))
            yield from [text] * (times if text else min(times, MAX_REPEATED))


def _open_text(element: etree._Element) -> str:
    pieces: list[str] = [element.text or ""]
    for each in element:
        name = local_name(each)
        if name in ("s", "tab", "line-break"):
            pieces.append(" ")
        elif name not in ("note", "annotation", "note-citation", "tracked-changes"):
            pieces.append(_open_text(each))
        pieces.append(each.tail or "")
    return (
        " ".join("".join(pieces).split()) if local_name(element) in ("h", "p") else "".join(pieces)
    )


@names_damage
def read_rtf(body: bytes, _charset: str | None) -> FileContent:
    """Return the text of an .rtf file."""
    from striprtf.striprtf import rtf_to_text

    if not body.lstrip().startswith(b"{\\rtf"):
        raise DamagedFileError
    # An RTF file is ASCII and names the code page of its escapes itself.
    text: str = rtf_to_text(body.decode("latin-1"), errors="replace")  # type: ignore[no-untyped-call]
    blocks = [" ".join(line.split()) for line in text.replace("|\n", "\n").splitlines()]
    return FileContent(text="\n\n".join(filter(None, blocks)))
