"""Office files: how each kind is recognized, and who reads it."""

import re
from collections.abc import Callable
from functools import partial

from ingest.extract.base import FileContent, FileReader, looks_like_text
from ingest.extract.formats.attachments import ReadPart
from ingest.extract.formats.books import read_epub
from ingest.extract.formats.data_files import read_json, read_json_lines, read_notebook
from ingest.extract.formats.entries.address_cards import read_cards
from ingest.extract.formats.entries.calendars import read_calendar
from ingest.extract.formats.open_document import read_open_document
from ingest.extract.formats.rich_text import read_rtf
from ingest.extract.formats.second_reader import with_second_reader
from ingest.extract.formats.sheets import read_workbook
from ingest.extract.formats.slides import read_slides
from ingest.extract.formats.tables.separated import read_separated
from ingest.extract.formats.word import read_word

ZIP_WINDOW = 65_536
"""Bytes at either end of a zip file in which the names of its parts are looked for."""

MAX_JSON_SNIFFED = 1_000_000  # bytes of JSON in which prose is looked for
MIN_STRING = 60  # bytes of a string that may be prose: 20 ideographs
MIN_WORDS = 8  # of one; a sentence
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_WORD = re.compile(rb"[a-zA-Z]\s|[\x80-\xff]{9}|(?:\\u[0-9a-fA-F]{4}){3}")
"""The end of a word, or three ideographs, as they are or as JSON escapes them."""
_JSON_FILE = "application/x-json-file"
_OPEN_XML = "application/vnd.openxmlformats-officedocument"
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument"
_ZIP_MARKS = {
    f"{_OPEN_XML}.wordprocessingml.document": b"word/",
    f"{_OPEN_XML}.presentationml.presentation": b"ppt/",
    f"{_OPEN_XML}.spreadsheetml.sheet": b"xl/",
    "application/epub+zip": b"META-INF/container.xml",
    f"{_OPEN_DOCUMENT}.text": b"mimetypeapplication/vnd.oasis.opendocument",
}
"""What the zip file of each kind names among its parts, by convention."""

Read = Callable[[bytes, str | None], FileContent]


def _zipped_reader(
    suffixes: tuple[str, ...], media_type: str, read: Read, *, extra: str = ""
) -> FileReader:
    """Return the reader of one kind of zipped document, which its parts tell from the others."""

    def fits(declared: str, body: bytes) -> bool:
        found = ""
        if body.startswith(b"PK\x03\x04"):
            # The directory at its end names all parts; a long one begins before the window.
            start, end = body[:ZIP_WINDOW], body[-ZIP_WINDOW:]
            marked = (kind for kind, mark in _ZIP_MARKS.items() if mark in start or mark in end)
            found = next(marked, "")
        # Servers send octet-stream and worse: the parts outrank what is declared.
        return found == media_type or (declared == media_type and not found)

    return FileReader(
        suffixes=suffixes,
        media_types=(media_type,),
        fits=fits,
        read=read,
        extra=extra,
        is_document=True,
    )


def _data_reader(suffixes: tuple[str, ...], media_types: tuple[str, ...], read: Read) -> FileReader:
    return FileReader(
        suffixes=suffixes,
        media_types=media_types,
        fits=lambda declared, body: declared in media_types and looks_like_text(body),
        read=read,
        is_document=True,
    )


def word_and_slides_readers(read_part: ReadPart) -> tuple[FileReader, FileReader]:
    """Return the readers of .docx and .pptx; `read_part` reads what is embedded in them."""
    word = with_second_reader(
        partial(read_word, read_part=read_part), suffix=".docx", main="word/document.xml"
    )
    slides = with_second_reader(
        partial(read_slides, read_part=read_part), suffix=".pptx", main="ppt/presentation.xml"
    )
    return (
        _zipped_reader((".docx", ".docm"), f"{_OPEN_XML}.wordprocessingml.document", word),
        _zipped_reader((".pptx", ".pptm"), f"{_OPEN_XML}.presentationml.presentation", slides),
    )


XLSX = _zipped_reader(
    (".xlsx", ".xlsm"), f"{_OPEN_XML}.spreadsheetml.sheet", read_workbook, extra="files"
)
EPUB = _zipped_reader((".epub",), "application/epub+zip", read_epub)
ODT = _zipped_reader((".odt", ".ods", ".odp"), f"{_OPEN_DOCUMENT}.text", read_open_document)
RTF = FileReader(
    suffixes=(".rtf",),
    media_types=("application/rtf", "text/rtf"),
    fits=lambda declared, body: (
        declared in ("application/rtf", "text/rtf") or body.startswith(b"{\\rtf")
    ),
    read=read_rtf,
    is_document=True,
)
CSV = _data_reader(
    (".csv", ".tsv", ".tab"),
    ("text/csv", "text/tab-separated-values", "application/csv", "text/x-csv"),
    read_separated,
)
CALENDAR = _data_reader((".ics", ".ical", ".ifb"), ("text/calendar",), read_calendar)
CARDS = _data_reader((".vcf", ".vcard"), ("text/vcard", "text/x-vcard"), read_cards)


def fits_json(media_type: str, body: bytes) -> bool:
    """Return whether a body is JSON that was written to be read.

    A file that a person names is. What servers send as JSON is mostly for scripts of pages: that
    which holds prose is read.
    """
    if media_type == _JSON_FILE:
        return looks_like_text(body)
    if media_type not in ("application/json", "text/json") and not media_type.endswith("+json"):
        return False
    return any(
        len(_WORD.findall(each[0])) >= MIN_WORDS
        for each in _STRING.finditer(body[:MAX_JSON_SNIFFED])
        if len(each[0]) >= MIN_STRING
    )


JSON = FileReader(
    suffixes=(".json", ".geojson"),
    media_types=(_JSON_FILE,),
    fits=fits_json,
    read=read_json,
    is_document=True,
)
JSON_LINES = _data_reader((".jsonl", ".ndjson"), ("application/jsonl",), read_json_lines)
NOTEBOOK = _data_reader((".ipynb",), ("application/x-ipynb+json",), read_notebook)
