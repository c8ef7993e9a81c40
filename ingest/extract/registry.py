"""All kinds of files that can be read, in the order in which a body is held against them.

To add one: write its module in `readers/`, name it here and in `READABLE_SUFFIXES`, and give
tests/contracts/test_file_reader.py a sample of it.
"""

import re
from contextvars import ContextVar
from dataclasses import replace
from typing import Final

from ingest.extract.base import (
    OLD_OFFICE_SUFFIXES,
    OLD_SHEETS,
    PAGE_MARK,
    PICTURE_SUFFIXES,
    FileContent,
    FileReader,
    missing_extra_error,
    suffix_of,
)
from ingest.extract.dom import parse_html
from ingest.extract.markdown import render_markdown
from ingest.extract.readers import (
    feed,
    flat_xml,
    html,
    mail,
    office,
    outlook,
    pdf,
    picture,
    saved_pages,
    text,
)
from ingest.text.cjk import CJK

MAX_DEPTH = 3
"""Attachments within attachments that are read: a scan in a mail in a mail."""
_DEPTH: ContextVar[int] = ContextVar("depth", default=0)
"""How deep the attachment lies that is being read."""


def _read_attachment(name: str, body: bytes) -> FileContent | None:
    """Return what is attached to a mail under this name, None if there is no reader for it."""
    suffix = suffix_of(name)
    # Most pictures in mails are the logos of those who sign.
    reader = None if suffix in PICTURE_SUFFIXES else find_file_reader(suffix, body)
    depth = _DEPTH.get()
    if reader is None or depth >= MAX_DEPTH:
        return None
    _DEPTH.set(depth + 1)
    try:
        content = reader.read(body, None)
    except ImportError as error:
        raise missing_extra_error(reader.suffixes[0], reader.extra) from error
    finally:
        _DEPTH.set(depth)
    content = FileContent(text=content) if isinstance(content, str) else content
    # A heading stands for the mark between two pages: a source names pages of the mail alone, and
    # it has none. Where the mark is amid a line, the heading waits for the line's end.
    first, *pages = content.text.split(PAGE_MARK)
    parts = [first]
    for number, page in enumerate(pages, 2):
        where = f"第 {number} 页" if re.search(f"[{CJK}]", content.text) else f"page {number}"
        heading = f"\n\n### {name}, {where}\n\n"
        is_between = parts[-1].endswith("\n") or page.startswith("\n")
        before, line_end, after = ("", "", page) if is_between else page.partition("\n")
        parts.append(f"{before}{heading if after.strip() else line_end}{after.lstrip()}")
    content = replace(content, text="".join(parts))
    if reader.produces == "html":
        root = parse_html(content.text)
        return None if root is None else FileContent(text=render_markdown(root.find("body")))
    return content


EML = mail.mail_reader(_read_attachment)
MSG = outlook.outlook_reader(_read_attachment)
DOCX, PPTX = office.word_and_slides_readers(_read_attachment)
PDF = pdf.pdf_reader(_read_attachment)

READERS: Final[tuple[FileReader, ...]] = (
    PDF,
    DOCX,
    PPTX,
    office.XLSX,
    office.EPUB,
    picture.PICTURE,
    office.ODT,
    office.RTF,
    EML,
    MSG,
    saved_pages.MHTML,
    saved_pages.WEBARCHIVE,
    flat_xml.FLAT_XML,
    office.CSV,
    office.CALENDAR,
    office.CARDS,
    office.NOTEBOOK,
    feed.JSON_FEED,
    office.JSON,
    office.JSON_LINES,
    feed.FEED,
    html.HTML,
    text.MARKDOWN,
    text.RST,
    text.ORG,
    text.TEX,
    text.ASCIIDOC,
    text.CODE,
    text.SUBTITLES,
    text.TEXT,
)
"""Those that their first bytes prove come first, plain text, which nearly anything can be, last."""

_BY_SUFFIX: Final = {suffix: reader for reader in READERS for suffix in reader.suffixes}

DOCUMENT_TYPES: Final = frozenset(
    media_type for reader in READERS if reader.is_document for media_type in reader.media_types
)
"""Media types that are downloaded only because there is a reader for them."""


def find_reader(media_type: str, body: bytes) -> FileReader | None:
    """Return the reader for a body that a server sent as `media_type`, None if there is none."""
    # Where a paper or an answer for scripts has gone, many servers send a page that says so, or
    # asks to log in, and leave the type as it was.
    if media_type in DOCUMENT_TYPES | {"application/json"} and html.is_html_file(body):
        return html.HTML
    return next((reader for reader in READERS if reader.fits(media_type, body)), None)


def find_file_reader(suffix: str, body: bytes) -> FileReader | None:
    """Return the reader for a local file of that suffix, None if there is none.

    A file is what its name says; names and types on the web are less reliable. But an Office file
    called ".txt", or without a suffix, is no text: there the bytes decide.
    """
    suffix = suffix.lower()
    reader = _BY_SUFFIX.get(suffix)
    if reader is None and suffix in OLD_OFFICE_SUFFIXES:
        found = find_reader("", body)
        return office.CSV if found is text.TEXT and suffix in OLD_SHEETS else found
    if reader is None:
        return None
    if suffix == ".xml" and flat_xml.fits_flat_xml("", body):
        return flat_xml.FLAT_XML
    return reader if reader.fits(reader.media_types[0], body) else find_reader("", body)


def begins_readable(suffix: str, start: bytes) -> bool:
    """Return whether a file whose suffix says nothing may have a reader, by its first bytes."""
    # What a zip file holds shows at its end.
    is_office = suffix in OLD_OFFICE_SUFFIXES and start.startswith(b"PK\x03\x04")
    return is_office or find_file_reader(suffix, start) is not None


def is_known_suffix(suffix: str) -> bool:
    """Return whether a file that is what its name says could be read."""
    return suffix.lower() in _BY_SUFFIX
