"""E-books (EPUB)."""

import posixpath
import re
from urllib.parse import unquote

from ingest.extract.base import DamagedFileError, EncryptedFileError, FileContent
from ingest.extract.dom import parse_html
from ingest.extract.formats.office_text import parse_day
from ingest.extract.formats.zip_parts import ZipParts, attribute, child, local_name, names_damage
from ingest.extract.markdown import render_markdown
from ingest.extract.markup import normalize_markup
from ingest.text.encodings import decode


@names_damage
def read_epub(body: bytes, _charset: str | None) -> FileContent:
    """Return the chapters of a book in reading order, without its table of contents."""
    parts = ZipParts(body)
    container = parts.xml("META-INF/container.xml")
    file = child(container, "rootfiles", "rootfile")
    package_name = attribute(file, "full-path")
    encryption = parts.xml("META-INF/encryption.xml")
    # What cannot be read without a key; fonts often are.
    protected = {
        unquote(attribute(each, "URI"))
        for each in (() if encryption is None else encryption.iter())
        if local_name(each) == "CipherReference"
    }
    if package_name in protected:
        raise EncryptedFileError
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
    chapters = []
    for name in (posixpath.join(folder, items[key]) for key in order if key in items):
        if name in protected:  # by the shop that sold it: no reader but its own has the key
            raise EncryptedFileError
        chapters.append(_chapter_text(decode(parts.read(name), claimed=None)))
    return FileContent(
        text="\n\n".join(filter(None, chapters)),
        title=found.get("title", ""),
        author=found.get("creator", ""),
        published=parse_day(found.get("date", "")),
    )


def _chapter_text(source: str) -> str:
    root = parse_html(re.sub(r"^\s*<\?xml[^>]*\?>", "", source))
    if root is None or root.find("body") is None:
        return ""
    for link in root.iter("a"):
        if "noteref" in link.get("epub:type", ""):
            link.text = ""  # glued to a word, its number makes another one
    # Its source says whether a class is anywhere, as well as a list of them.
    normalize_markup(root, source, classes=source)
    return render_markdown(root.find("body"))
