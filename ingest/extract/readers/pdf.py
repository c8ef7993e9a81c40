"""PDF, read by pdfium: opening, pages and what the file says of itself.

How the pieces of a page become lines is in `ingest.extract.formats.paper.layout`.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import islice
from typing import Any

from ingest.extract.base import PAGE_MARK, DamagedFileError, FileContent, FileReader
from ingest.extract.formats.attachments import MAX_ATTACHMENTS, AttachmentReader, ReadPart
from ingest.extract.formats.long_work import may_take_long
from ingest.extract.formats.paper.beside import texts_beside
from ingest.extract.formats.paper.columns import PdfLine
from ingest.extract.formats.paper.layout import join_pages, page_lines
from ingest.extract.formats.paper.turned import is_turned, turned_pieces
from ingest.extract.formats.paper.upright import upright_pieces
from ingest.extract.formats.picture_text import DOTS_PER_INCH, LARGEST_AREA, read_picture
from ingest.extract.formats.zip_parts import names_damage
from ingest.foundation.extras import install_command
from ingest.foundation.messages import Message

_MEDIA_TYPES = ("application/pdf",)
MAX_PAGES = 5_000
MIN_READABLE_SHARE = 0.7
"""Share of characters that are letters, figures, marks or blanks, below which a page's fonts do not
say which letters they show."""
_NO_TITLE = re.compile(
    r"(?:\W?(?:untitled|anonymous|unspecified)\W?|document\d*|microsoft (?:word|powerpoint) - .*"
    r"|.*\.(?:docx?|pptx?|indd|tex|dvi|qxd|pdf|xlsx?)|powerpoint[- ].*|slide 1|\W*"
    r"|reportlab generated.*)",
    re.IGNORECASE,
)
"""What programs write into /Title when its author gave none."""

# pdfium is not thread-safe, not even for two documents (pypdfium2's README, "Thread
# incompatibility"): two threads in it at once crash the process.
_PDFIUM = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class _PdfPage:
    """What stands on one page."""

    lines: list[PdfLine]
    beside: list[str]
    """Values of forms, and comments."""
    is_scan: bool
    is_unreadable: bool
    is_recognized: bool
    """Whether OCR has read it, as one of these two."""


def fits_pdf(media_type: str, body: bytes) -> bool:
    """Return whether a body sent under this media type is a PDF file."""
    # Many servers send PDF as HTML or octet-stream, so the signature outranks the declared type.
    return media_type in _MEDIA_TYPES or body.startswith(b"%PDF-")


@names_damage
def _read_pdf(body: bytes, _charset: str | None, *, read_part: ReadPart) -> FileContent:
    """Return the text of all pages; raise `DamagedFileError` if pdfium cannot open it."""
    import pypdfium2

    try:
        with _PDFIUM, pypdfium2.PdfDocument(body) as pdf:
            # Form fields are known to pdfium only once their machinery is started.
            pdf.init_forms()
            pages = [_read_page(pdf, number) for number in range(min(len(pdf), MAX_PAGES))]
            metadata = pdf.get_metadata_dict(skip_empty=True)
            attached = list(islice(_attachments(pdf), MAX_ATTACHMENTS + 1))
            outline = {_folded(each.get_title()): each.level for each in pdf.get_toc()}
    except pypdfium2.PdfiumError as error:
        raise DamagedFileError from error
    title = " ".join(metadata.get("Title", "").split())
    author = " ".join(metadata.get("Author", "").split())
    title = "" if _NO_TITLE.fullmatch(title) else title
    lines = [[_marked(line, outline) for line in page.lines] for page in pages]
    # A field that goes on over several pages is said once.
    first_page = {line: page for page in reversed(pages) for line in page.beside}
    beside = [
        [one for one in dict.fromkeys(page.beside) if first_page[one] is page] for page in pages
    ]
    text = join_pages(lines, beside)
    first = text.replace(PAGE_MARK, "").partition("\n")[0].strip()
    # A sentence, or what leads to more, is no title.
    is_title = len(first) <= 100 and not first.endswith((".", "。", ":", ";", ",", "，", "；"))
    reader = AttachmentReader(read_part)
    blocks = [text, *(reader.block(name, content) for name, content in attached)]
    return FileContent(
        text="\n\n".join(filter(None, blocks)),
        title=title or (first.strip("# ") if is_title else ""),
        author="" if _NO_TITLE.fullmatch(author) else author,
        published=_pdf_day(metadata.get("CreationDate", "")),
        modified=_pdf_day(metadata.get("ModDate", "")),
        notes=(*_page_notes(pages), *reader.notes),
    )


def _attachments(pdf: Any) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the files that a PDF holds."""
    import pypdfium2

    for place in range(pdf.count_attachments()):
        attachment = pdf.get_attachment(place)
        with suppress(pypdfium2.PdfiumError):  # named in the file, and without content
            yield " ".join(attachment.get_name().split()), bytes(attachment.get_data())


def _page_notes(pages: list[_PdfPage]) -> Iterator[Message]:
    total = len(pages)
    left = [page for page in pages if not page.is_recognized]
    if scans := sum(page.is_scan for page in left):
        yield Message(
            "{scans} of {total} {total:?page|pages} {scans:?is a scan|are scans} without "
            "text: {next}",
            scans=scans,
            total=total,
            next=_ocr_step(),
        )
    if unreadable := sum(page.is_unreadable for page in left):
        yield Message(
            "the fonts of {unreadable} of {total} {total:?page|pages} do not say which "
            "letters they show: {next}",
            unreadable=unreadable,
            total=total,
            next=_ocr_step(),
        )
    if recognized := sum(page.is_recognized for page in pages):
        yield Message(
            "{recognized} of {total} {total:?page|pages} read by OCR, which may misread",
            recognized=recognized,
            total=total,
        )


def _ocr_step() -> Message:
    """Return what reads the pages that are left."""
    if may_take_long():
        command = install_command("ocr")
        return Message("{command}, then ingest it again with --refresh", command=command)
    return Message("save the file and run: ingest FILE")


def _read_page(pdf: Any, number: int) -> _PdfPage:
    import pypdfium2.raw as raw

    page = pdf[number]
    text = page.get_textpage()
    pieces = list(turned_pieces(text, raw) if is_turned(text, raw) else upright_pieces(text, raw))
    letters = "".join(piece.text for piece in pieces)
    readable = sum(each.isprintable() and not "\ue000" <= each <= "\uf8ff" for each in letters)
    is_unreadable = bool(letters) and readable < MIN_READABLE_SHARE * len(letters)
    images = any(each.type == raw.FPDF_PAGEOBJ_IMAGE for each in page.get_objects(max_depth=3))
    found = _PdfPage(
        lines=[] if is_unreadable else page_lines(pieces),
        beside=list(texts_beside(page, text, raw)),
        is_scan=images and not letters.strip(),
        is_unreadable=is_unreadable,
        is_recognized=False,
    )
    text.close()
    if (found.is_scan or is_unreadable) and may_take_long():
        found = _recognized(page, found)
    page.close()
    return found


def _recognized(page: Any, found: _PdfPage) -> _PdfPage:
    """Return a page as OCR reads it, as it was where the extra [ocr] is not installed."""
    scale = DOTS_PER_INCH / 72
    width, height = page.get_size()
    # A page of a plan may be metres wide: it is not drawn larger than it will be read.
    scale *= min(1.0, (LARGEST_AREA / (width * height * scale * scale)) ** 0.5)
    try:
        pieces = read_picture(page.render(scale=scale).to_pil())
    except ImportError:
        return found
    return replace(found, lines=page_lines(pieces), is_recognized=True)


def _folded(line: str) -> str:
    return " ".join(line.split()).casefold()


def _marked(line: PdfLine, outline: dict[str, int]) -> PdfLine:
    """Return a line as a heading if the outline names it; "# x" of a page is no heading."""
    level = outline.get(_folded(line.text))
    if level is not None:
        return replace(line, text="#" * min(6, level + 1) + f" {line.text}")
    return replace(line, text=re.sub(r"^(#{1,6})(?=\s)", r"\\\1", line.text))


def _pdf_day(text: str) -> date | None:
    found = re.match(r"D:(\d{4})(\d\d)(\d\d)", text)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def pdf_reader(read_part: ReadPart) -> FileReader:
    """Return the reader of PDF; `read_part` reads what is attached to one."""
    return FileReader(
        suffixes=(".pdf",),
        media_types=_MEDIA_TYPES,
        fits=fits_pdf,
        read=partial(_read_pdf, read_part=read_part),
        extra="files",
        is_document=True,
    )
