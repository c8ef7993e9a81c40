"""Pictures of text: scans, photographs of papers, screenshots."""

import io
from datetime import datetime

from ingest.extract.base import FileContent, FileReader, OversizedFileError
from ingest.extract.formats.paper.columns import PdfLine
from ingest.extract.formats.paper.layout import join_pages, page_lines
from ingest.extract.formats.picture_text import read_picture
from ingest.extract.formats.zip_parts import names_damage

LARGEST_PICTURE = 150_000_000
"""Pixels: A4 at 1,200 dots an inch. As numbers it takes 450 MB."""
MAX_FRAMES = 500
"""Pages of a fax or of a scanner's TIFF file."""

_SIGNATURES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"RIFF", b"II*\x00", b"MM\x00*", b"BM")
_MEDIA_TYPES = ("image/png", "image/jpeg", "image/webp", "image/tiff", "image/bmp")
_TAKEN_AT = 0x9003
"""EXIF's DateTimeOriginal, in the directory 0x8769 of what the camera noted."""


@names_damage
def _read_pictures(body: bytes, _charset: str | None) -> FileContent:
    from PIL import Image, ImageOps

    try:
        opened = Image.open(io.BytesIO(body))
    except Image.DecompressionBombError as error:
        raise OversizedFileError from error
    with opened:
        if opened.width * opened.height > LARGEST_PICTURE:
            raise OversizedFileError
        # JPEG alone: decoded at half the size where that is still more than is read.
        opened.draft("RGB", (2_000, 2_000))
        pages: list[list[PdfLine]] = []
        for number in range(min(getattr(opened, "n_frames", 1), MAX_FRAMES)):
            opened.seek(number)
            # A telephone notes in EXIF how it was held, and stores the picture as it is.
            pages.append(page_lines(read_picture(ImageOps.exif_transpose(opened))))
        noted = opened.getexif().get_ifd(0x8769).get(_TAKEN_AT, "")
        try:
            taken = datetime.strptime(str(noted)[:10], "%Y:%m:%d").date()
        except ValueError:
            taken = None
    return FileContent(text=join_pages(pages), published=taken)


def _fits_picture(media_type: str, body: bytes) -> bool:
    return media_type in _MEDIA_TYPES and body.startswith(_SIGNATURES)


PICTURE = FileReader(
    suffixes=(".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"),
    media_types=_MEDIA_TYPES,
    fits=_fits_picture,
    read=_read_pictures,
    extra="ocr",
)
"""No `is_document`: pictures of the web are not downloaded."""
