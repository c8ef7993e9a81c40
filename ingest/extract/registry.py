"""All kinds of files that can be read, in the order in which a body is held against them.

To add one: write its module in `readers/`, name it here, and give
tests/contracts/test_file_reader.py a sample of it.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from ingest.extract.base import PAGE_MARK, FileContent, FileReader, missing_extra_error
from ingest.extract.dom import parse_html
from ingest.extract.markdown import render_markdown
from ingest.extract.readers import feed, html, mail, office, pdf, picture, saved_pages, text
from ingest.text.cjk import CJK


def _read_attachment(name: str, body: bytes) -> FileContent | None:
    """Return what is attached to a mail under this name, None if there is no reader for it."""
    suffix = Path(name).suffix.lower()
    # Most pictures in mails are the logos of those who sign.
    reader = None if suffix in PICTURE_SUFFIXES else find_file_reader(suffix, body)
    if reader is None:
        return None
    try:
        content = reader.read(body, None)
    except ImportError as error:
        raise missing_extra_error(reader.suffixes[0], reader.extra) from error
    content = FileContent(text=content) if isinstance(content, str) else content
    # The text of an attachment with a heading where a page begins, instead of a mark. The mail
    # itself has no pages that a source could name. Amid a sentence a heading waits for the line's
    # end.
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


EML, MSG = mail.mail_readers(_read_attachment)

READERS: Final[tuple[FileReader, ...]] = (
    pdf.PDF,
    office.DOCX,
    office.PPTX,
    office.XLSX,
    office.EPUB,
    picture.PICTURE,
    office.ODT,
    office.RTF,
    EML,
    MSG,
    saved_pages.MHTML,
    saved_pages.WEBARCHIVE,
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

PICTURE_SUFFIXES: Final = frozenset(picture.PICTURE.suffixes)

READABLE_SUFFIXES: Final = frozenset(_BY_SUFFIX) - {""}
"""Suffixes of the files that can be read, lower case. Without a suffix the bytes decide."""

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
    reader = _BY_SUFFIX.get(suffix.lower())
    if reader is None:
        return None
    return reader if reader.fits(reader.media_types[0], body) else find_reader("", body)


def is_known_suffix(suffix: str) -> bool:
    """Return whether a file that is what its name says could be read."""
    return suffix.lower() in _BY_SUFFIX
