"""What a page of a PDF says beside its text: values of forms, comments, notes on marked words."""

import ctypes
from collections.abc import Iterator
from typing import Any

MAX_MARKED = 80
"""Characters of marked words that are named before a comment on them; of more their start."""


def texts_beside(page: Any, text: Any, raw: Any) -> Iterator[str]:
    """Yield "name: value" of the filled fields of a page, and what its readers have written on it.

    Args:
        page: Of pypdfium2, in a document whose forms are started.
        text: Its text page.
        raw: The module of pypdfium2 with pdfium's own functions.
    """
    notes = {
        *(raw.FPDF_ANNOT_TEXT, raw.FPDF_ANNOT_FREETEXT, raw.FPDF_ANNOT_CARET, raw.FPDF_ANNOT_STAMP),
        *(raw.FPDF_ANNOT_LINE, raw.FPDF_ANNOT_SQUARE, raw.FPDF_ANNOT_CIRCLE, raw.FPDF_ANNOT_INK),
        *(raw.FPDF_ANNOT_POLYGON, raw.FPDF_ANNOT_POLYLINE),
    }
    marks = {
        *(raw.FPDF_ANNOT_HIGHLIGHT, raw.FPDF_ANNOT_UNDERLINE),
        *(raw.FPDF_ANNOT_SQUIGGLY, raw.FPDF_ANNOT_STRIKEOUT),
    }
    for place in range(raw.FPDFPage_GetAnnotCount(page)):
        annotation = raw.FPDFPage_GetAnnot(page, place)
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        if kind == raw.FPDF_ANNOT_WIDGET:
            keys = (b"TU", b"T")  # what people are shown, and what programs call it
            name = next(filter(None, (_string(annotation, key, raw) for key in keys)), "")
            if value := _string(annotation, b"V", raw):
                yield f"{name}: {value}" if name else value
        elif kind in notes | marks and (note := _string(annotation, b"Contents", raw)):
            about = _marked_words(annotation, text, raw) if kind in marks else ""
            author = _string(annotation, b"T", raw)
            # Marking may have copied the words themselves into the comment.
            who = " ".join(filter(None, [author, f"({about})" if about not in ("", note) else ""]))
            yield f"{who}: {note}" if who else note
        raw.FPDFPage_CloseAnnot(annotation)


def _string(annotation: Any, key: bytes, raw: Any) -> str:
    size = raw.FPDFAnnot_GetStringValue(annotation, key, None, 0)
    buffer = ctypes.create_string_buffer(size)
    target = ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR))
    raw.FPDFAnnot_GetStringValue(annotation, key, target, size)
    return " ".join(buffer.raw.decode("utf-16-le", "ignore").strip("\0").split())


def _marked_words(annotation: Any, text: Any, raw: Any) -> str:
    area = raw.FS_RECTF()
    if not raw.FPDFAnnot_GetRect(annotation, area):
        return ""
    words = " ".join(text.get_text_bounded(area.left, area.bottom, area.right, area.top).split())
    return words if len(words) <= MAX_MARKED else words[:MAX_MARKED] + "…"
