"""PDF, read by pdfium: opening, pages and what the file says of itself.

How the pieces of a page become lines is in `ingest.extract.formats.pdf_layout`.
"""

import ctypes
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from ingest.extract.base import PAGE_MARK, DamagedFileError, FileContent, FileReader
from ingest.extract.formats.long_work import may_take_long
from ingest.extract.formats.pdf_layout import PdfLine, PdfPiece, join_pages, page_lines
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
    form: list[str]
    is_scan: bool
    is_unreadable: bool
    is_recognized: bool
    """Whether OCR has read it, as one of these two."""


def fits_pdf(media_type: str, body: bytes) -> bool:
    """Return whether a body sent under this media type is a PDF file."""
    # Many servers send PDF as HTML or octet-stream, so the signature outranks the declared type.
    return media_type in _MEDIA_TYPES or body.startswith(b"%PDF-")


@names_damage
def read_pdf(body: bytes, _charset: str | None) -> FileContent:
    """Return the text of all pages; raise `DamagedFileError` if pdfium cannot open it."""
    import pypdfium2

    try:
        with _PDFIUM, pypdfium2.PdfDocument(body) as pdf:
            # Form fields are known to pdfium only once their machinery is started.
            pdf.init_forms()
            pages = [_read_page(pdf, number) for number in range(min(len(pdf), MAX_PAGES))]
            metadata = pdf.get_metadata_dict(skip_empty=True)
            outline = {_folded(each.get_title()): each.level for each in pdf.get_toc()}
    except pypdfium2.PdfiumError as error:
        raise DamagedFileError from error
    title = " ".join(metadata.get("Title", "").split())
    author = " ".join(metadata.get("Author", "").split())
    title = "" if _NO_TITLE.fullmatch(title) else title
    lines = [[_marked(line, outline) for line in page.lines] for page in pages]
    text = join_pages(lines)
    form = [line for page in pages for line in page.form]
    return FileContent(
        text="\n\n".join(filter(None, [text, "\n".join(dict.fromkeys(form))])),
        title=title or _first_title(text.replace(PAGE_MARK, "")),
        author="" if _NO_TITLE.fullmatch(author) else author,
        published=_pdf_day(metadata.get("CreationDate", "")),
        modified=_pdf_day(metadata.get("ModDate", "")),
        notes=tuple(_page_notes(pages)),
    )


def _page_notes(pages: list[_PdfPage]) -> Iterator[Message]:
    total = len(pages)
    left = [page for page in pages if not page.is_recognized]
    if scans := sum(page.is_scan for page in left):
        yield Message(
            "{scans} of {total} pages are scans without text: {next}",
            scans=scans,
            total=total,
            next=_ocr_step(),
        )
    if unreadable := sum(page.is_unreadable for page in left):
        yield Message(
            "the fonts of {unreadable} of {total} pages do not say which letters they show: {next}",
            unreadable=unreadable,
            total=total,
            next=_ocr_step(),
        )
    if recognized := sum(page.is_recognized for page in pages):
        yield Message(
            "{recognized} of {total} pages read by OCR, which may misread",
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
    pieces = []
    for place in range(text.count_rects()):
        left, bottom, right, top = text.get_rect(place)
        # Two points more at each side: the box of a slanted letter is smaller than the letter.
        bare = text.get_text_bounded(left - 1, bottom, right + 1, top).strip()
        if bare:
            pieces.append(PdfPiece(left=left, right=right, top=top, bottom=bottom, text=bare))
    letters = "".join(piece.text for piece in pieces)
    readable = sum(each.isprintable() and not "\ue000" <= each <= "\uf8ff" for each in letters)
    is_unreadable = bool(letters) and readable < MIN_READABLE_SHARE * len(letters)
    images = any(each.type == raw.FPDF_PAGEOBJ_IMAGE for each in page.get_objects(max_depth=3))
    found = _PdfPage(
        lines=[] if is_unreadable else page_lines(pieces),
        form=list(_form_values(page, raw)),
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


def _form_values(page: Any, raw: Any) -> Iterator[str]:
    """Yield "name: value" of the filled fields of a page."""
    for place in range(raw.FPDFPage_GetAnnotCount(page)):
        annotation = raw.FPDFPage_GetAnnot(page, place)
        if raw.FPDFAnnot_GetSubtype(annotation) == raw.FPDF_ANNOT_WIDGET:
            keys = (b"TU", b"T")  # what people are shown, and what programs call it
            names = (_annotation_text(annotation, key, raw) for key in keys)
            name = next(filter(None, names), "")
            value = _annotation_text(annotation, b"V", raw)
            if value:
                yield f"{name}: {value}" if name else value
        raw.FPDFPage_CloseAnnot(annotation)


def _annotation_text(annotation: Any, key: bytes, raw: Any) -> str:
    size = raw.FPDFAnnot_GetStringValue(annotation, key, None, 0)
    buffer = ctypes.create_string_buffer(size)
    target = ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR))
    raw.FPDFAnnot_GetStringValue(annotation, key, target, size)
    return " ".join(buffer.raw.decode("utf-16-le", "ignore").strip("\0").split())


def _folded(line: str) -> str:
    return " ".join(line.split()).casefold()


def _marked(line: PdfLine, outline: dict[str, int]) -> PdfLine:
    """Return a line as a heading if the outline names it; "# x" of a page is no heading."""
    level = outline.get(_folded(line.text))
    if level is not None:
        return replace(line, text="#" * min(6, level + 1) + f" {line.text}")
    return replace(line, text=re.sub(r"^(#{1,6})(?=\s)", r"\\\1", line.text))


def _first_title(text: str) -> str:
    """Return the first line of the first page if it can be a title, else ""."""
    first = text.partition("\n")[0].strip()
    is_sentence = first.endswith((".", "。", ":", ";", ",", "，", "；"))
    return "" if is_sentence or len(first) > 100 else first.strip("# ")


def _pdf_day(text: str) -> date | None:
    found = re.match(r"D:(\d{4})(\d\d)(\d\d)", text)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


PDF = FileReader(
    suffixes=(".pdf",),
    media_types=_MEDIA_TYPES,
    fits=fits_pdf,
    read=read_pdf,
    extra="files",
    is_document=True,
)
