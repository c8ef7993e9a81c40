"""Text in pictures, by RapidOCR (extra [ocr]): PaddleOCR's models, which come in its package.

It reads Chinese, English and other languages in Latin letters. Nothing is downloaded.
"""

import functools
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ingest.extract.formats.long_work import report_progress
from ingest.extract.formats.paper.columns import PdfPiece
from ingest.foundation.telemetry import disable_telemetry

if TYPE_CHECKING:
    from PIL.Image import Image

DOTS_PER_INCH = 150
"""At which pages of paper are drawn to be read: on an A4 page of 10 point letters 200 find no more,
and take a third more time (docs/decisions/0018-ocr.md)."""
LARGEST_AREA = 2_300_000
"""Pixels of a picture that is read at once, A4 at that density: 760 MB of the process. A larger one
is made smaller."""
LONGEST_STRIP = 2_000
"""Pixels of height from which on a picture is read in strips: a conversation that somebody took as
one long picture would be made too small to read."""
STRIP_WIDTH = 1_100
CUT_WINDOW = 300
"""Pixels above the end of a strip among which the row is looked for that cuts no letter."""
POINTS = 72 / DOTS_PER_INCH
LEAST_SURE = 0.6
"""Score of a line from which on it is kept: below it, patterns are taken for letters."""

_ENGINE = threading.Lock()
"""The engine keeps what it is working on."""


@functools.cache
def _engine() -> Any:
    import cv2

    disable_telemetry()  # before onnxruntime is imported, which reports from then on
    from rapidocr import RapidOCR

    cv2.setNumThreads(1)
    threads = {
        f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1  # other readers work beside this one
        for kind in ("intra", "inter")
    }
    quiet = {"Global.log_level": "critical", "Global.use_cls": False}
    # One line at a time: batches are as wide as their longest, and take more memory for it.
    return RapidOCR(params={**quiet, **threads, "Rec.rec_batch_num": 1})


def read_picture(image: "Image") -> list[PdfPiece]:
    """Return the lines that a picture shows, with their places in points.

    Raises:
        ImportError: the extra [ocr] is not installed.
    """
    import numpy  # noqa: PLC0415  half of what a process of the pool imports otherwise

    disable_telemetry()
    import rapidocr  # noqa: F401  missing, it is named for each file, not the first alone

    pieces = []
    for strip, offset in _strips(image.convert("RGB")):
        with _ENGINE:
            found = _engine()(numpy.asarray(strip))
        report_progress()
        if found.boxes is None:
            continue
        for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True):
            bare = text.strip()
            if not bare or score < LEAST_SURE:
                continue
            pieces.append(
                PdfPiece(
                    left=float(box[:, 0].min()) * POINTS,
                    right=float(box[:, 0].max()) * POINTS,
                    top=-(float(box[:, 1].min()) + offset) * POINTS,
                    bottom=-(float(box[:, 1].max()) + offset) * POINTS,
                    text=bare,
                )
            )
    return pieces


def _strips(image: "Image") -> Iterator[tuple["Image", int]]:
    """Yield a picture, of a size that can be read, in strips, each with its distance from the top.

    It is cut where the rows are most alike: between two lines, where there are lines.
    """
    import numpy  # noqa: PLC0415

    width, height = image.size
    is_long = height > 2 * width and height > LONGEST_STRIP
    scale = min(1.0, STRIP_WIDTH / width if is_long else (LARGEST_AREA / (width * height)) ** 0.5)
    if scale < 1.0:
        image = image.resize((max(1, int(width * scale)), max(1, int(height * scale))))
    top = 0
    while top < image.height:
        end = min(top + LONGEST_STRIP, image.height)
        if end < image.height:
            window = numpy.asarray(image.crop((0, end - CUT_WINDOW, image.width, end)).convert("L"))
            end = end - CUT_WINDOW + int(window.std(axis=1).argmin()) + 1
        yield image.crop((0, top, image.width, end)), top
        top = end
