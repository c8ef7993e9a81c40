"""PDF, read by pdfium."""

import re
import threading

from ingest.extract.base import DamagedFileError, FileReader
from ingest.text.cjk import CJK

_MEDIA_TYPES = ("application/pdf",)
_FULL_LINE = 0.6
"""Share of the longest line of a page: a line so long goes on in the next, a shorter one ends."""
_SENTENCE_END = re.compile(r"[.。!！?？:：;；…][”’」』）\"')\]]*$")
_LIST_MARK = re.compile(r"(?:[-*•·●▪]|\d+[.)、]|[（(]?[一二三四五六七八九十]+[)）、.])\s*\S")

# pdfium is not thread-safe, not even for two documents (pypdfium2's README, "Thread
# incompatibility"): two threads in it at once crash the process.
_PDFIUM = threading.Lock()


def fits_pdf(media_type: str, body: bytes) -> bool:
    """Return whether a body sent under this media type is a PDF file."""
    # Many servers send PDF as HTML or octet-stream, so the signature outranks the declared type.
    return media_type in _MEDIA_TYPES or body.startswith(b"%PDF-")


def read_pdf(body: bytes, _charset: str | None) -> str:
    """Return the text of all pages; raise `DamagedFileError` if pdfium cannot open it."""
    import pypdfium2  # comes with [files]

    try:
        with _PDFIUM, pypdfium2.PdfDocument(body) as pdf:
            pages = [page.get_textpage().get_text_range() for page in pdf]
    except pypdfium2.PdfiumError as error:
        raise DamagedFileError from error
    texts = []
    for page in pages:
        # pdfium writes a hyphen at the end of a line as U+FFFE, which is no character.
        lines = [" ".join(line.replace("\ufffe", "-").split()) for line in page.splitlines()]
        full = _FULL_LINE * max(map(len, lines), default=0)
        text = ""
        # Lines that end only because the paper did are joined: sentences become whole again.
        for before, line in zip(["", *lines], lines, strict=False):
            continues = (
                len(before) >= full
                and not _SENTENCE_END.search(before)
                and not _LIST_MARK.match(line)
            )
            if not line or not text or not before or not continues:
                text += "\n" + line
            elif re.search(rf"[{CJK}]$", before) and re.match(rf"[{CJK}]", line):
                text += line  # Chinese and Japanese are written without spaces
            else:
                text += line if before.endswith("-") else " " + line
        texts.append(text.strip("\n"))
    return "\n\n".join(texts)


PDF = FileReader(
    suffixes=(".pdf",),
    media_types=_MEDIA_TYPES,
    fits=fits_pdf,
    read=read_pdf,
    extra="files",
    is_document=True,
)
