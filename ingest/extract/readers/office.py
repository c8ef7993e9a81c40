"""Word, PowerPoint and mail files, read by unstructured.

Its PDF reader is not used: it would bring torch. Nothing here touches the network.
"""

import functools
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from lxml import etree, html

from ingest.extract.base import DamagedFileError, FileReader, looks_like_text
from ingest.extract.markdown import render_markdown
from ingest.foundation.telemetry import disable_telemetry

ZIP_WINDOW = 65_536
"""Bytes at either end of a zip file in which the names of its parts are looked for."""

_OPEN_XML = "application/vnd.openxmlformats-officedocument"
_ZIP_SUFFIXES = {
    f"{_OPEN_XML}.wordprocessingml.document": ".docx",
    f"{_OPEN_XML}.presentationml.presentation": ".pptx",
}
_ZIP_FOLDERS = {b"word/": ".docx", b"ppt/": ".pptx"}
"""The folder in a zipped Office file that is named after its program, by convention."""
_MAIL_TYPE = "message/rfc822"
_OUTLOOK_TYPE = "application/vnd.ms-outlook"

_DAMAGE = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError),
    *(zipfile.BadZipFile, zlib.error, etree.LxmlError),
)
"""What unstructured and the libraries below it raise on broken files."""


def _zip_suffix(media_type: str, body: bytes) -> str:
    """Return the suffix of a zipped Office file, "" if it is none."""
    if media_type in _ZIP_SUFFIXES:
        return _ZIP_SUFFIXES[media_type]
    if body.startswith(b"PK\x03\x04"):
        # The directory at the end of a zip names all parts; a long one begins before the window.
        start, end = body[:ZIP_WINDOW], body[-ZIP_WINDOW:]
        for folder, suffix in _ZIP_FOLDERS.items():
            if folder in start or folder in end:
                return suffix
    return ""


def _read_by_unstructured(body: bytes, _charset: str | None, *, suffix: str) -> str:
    disable_telemetry()
    import spacy  # noqa: PLC0415  comes with unstructured
    from unstructured.nlp import tokenize
    from unstructured.partition.auto import partition

    def blank_pipeline() -> Any:
        """Return a pipeline that only ends sentences."""
        pipeline = spacy.blank("en")
        pipeline.add_pipe("sentencizer")
        return pipeline

    # To tell titles from sentences it would download a spaCy model while the user waits, and fail
    # offline. A blank pipeline is enough: headings carry their own style.
    tokenize._get_nlp = functools.cache(blank_pipeline)
    with tempfile.TemporaryDirectory(prefix="qiuzheng-") as folder:
        # A file, because unstructured takes the kind from the name and some of its readers open it
        # anew.
        path = Path(folder, f"document{suffix}")
        path.write_bytes(body)
        if suffix in _ZIP_FOLDERS.values() and not zipfile.is_zipfile(path):
            raise DamagedFileError
        try:
            elements = partition(filename=str(path), languages=[""])
        except _DAMAGE as error:
            raise DamagedFileError from error
    return "\n\n".join(_render_blocks(elements, suffix))


def _render_blocks(elements: Iterable[Any], suffix: str) -> Iterable[str]:
    """Yield each element of a document as a Markdown block, the subject of a mail first."""
    subject = ""
    for element in elements:
        text = " ".join(element.text.split())
        depth = element.metadata.category_depth or 0
        if element.metadata.subject and not subject:
            subject = element.metadata.subject
            yield f"# {subject}"
        # In a text file or a mail, "Title" is a guess from the length of a line; only Word's styles
        # and the title box of a slide (depth 0) are headings that somebody made.
        is_heading = element.category == "Title" and (
            suffix == ".docx" or (suffix == ".pptx" and depth == 0)
        )
        if element.metadata.text_as_html:
            table = html.fragment_fromstring(element.metadata.text_as_html, create_parent="body")
            yield render_markdown(table)
        elif is_heading:
            yield "#" * min(6, depth + 1) + f" {text}"
        elif element.category == "ListItem" or suffix == ".pptx":
            yield f"- {text}"
        else:
            yield text


def _document_reader(
    suffix: str, media_type: str, fits: Callable[[str, bytes], bool]
) -> FileReader:
    return FileReader(
        suffixes=(suffix,),
        media_types=(media_type,),
        fits=fits,
        read=functools.partial(_read_by_unstructured, suffix=suffix),
        extra="files",
        is_document=True,
    )


DOCX = _document_reader(
    ".docx",
    f"{_OPEN_XML}.wordprocessingml.document",
    lambda media_type, body: _zip_suffix(media_type, body) == ".docx",
)
PPTX = _document_reader(
    ".pptx",
    f"{_OPEN_XML}.presentationml.presentation",
    lambda media_type, body: _zip_suffix(media_type, body) == ".pptx",
)
EML = _document_reader(
    ".eml",
    _MAIL_TYPE,
    lambda media_type, body: media_type == _MAIL_TYPE and looks_like_text(body),
)
MSG = _document_reader(".msg", _OUTLOOK_TYPE, lambda media_type, _body: media_type == _OUTLOOK_TYPE)
