"""Word and PowerPoint files by unstructured: a second look at what our own reader cannot read.

Our readers (`word`, `slides`) take a tenth of its memory and know parts that it passes over; it
forgives what they do not, since python-docx and python-pptx below it follow other ways through a
file. It is imported when it is needed: that takes seconds and 380 MB. Nothing here touches the
network.
"""

import functools
import importlib
import io
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lxml import html

from ingest.extract.base import FileContent, missing_extra_error
from ingest.extract.markdown import render_markdown
from ingest.foundation.telemetry import disable_telemetry

_TYPES = "[Content_Types].xml"
_MAIN_PART = re.compile(r'PartName="([^"]+)"\s+ContentType="[^"]+\.main\+xml"')

MAX_UNPACKED_BYTES = 50_000_000
"""Bytes of all parts together; python-docx holds some twenty times as much as it reads."""

Read = Callable[[bytes, str | None], FileContent]


def with_second_reader(read: Read, *, suffix: str, main: str) -> Read:
    """Return a reader that asks unstructured where `read` finds no part called `main`.

    Raises `MissingDependencyError` where it would, and the extra "files" is not installed.
    """

    @functools.wraps(read)
    def read_twice(body: bytes, charset: str | None) -> FileContent:
        failure: Exception | None = None
        content: FileContent | None = None
        try:
            content = read(body, charset)
        except Exception as error:  # noqa: BLE001  whatever a broken file makes a library raise
            failure = error
        if content is not None and content.text.strip():
            return content
        # Damage is no reason to look twice, and neither is a document without text: the file has
        # to be whole, and its main part to have another name than ours looks for.
        text = _read_by_unstructured(body, suffix=suffix) if _is_renamed(body, main) else ""
        if text.strip():
            return FileContent(text=text)
        if failure is not None:
            raise failure
        assert content is not None
        return content

    return read_twice


def _is_renamed(body: bytes, main: str) -> bool:
    """Return whether a zip lacks the part `main`, and is else whole and no bomb."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            size = sum(part.file_size for part in archive.infolist())
            names = set(archive.namelist())
            if main in names or size > MAX_UNPACKED_BYTES or _TYPES not in names:
                return False
            # A name that damage has changed is in no list of types.
            listed = _MAIN_PART.search(archive.read(_TYPES).decode(errors="replace"))
            is_there = listed is not None and listed[1].lstrip("/") in names
            return is_there and archive.testzip() is None
    except Exception:  # noqa: BLE001  zlib, zipfile and struct each have their own
        return False


def _read_by_unstructured(body: bytes, *, suffix: str) -> str:
    """Return the text as Markdown, "" where unstructured cannot read it either."""
    disable_telemetry()
    try:
        import spacy  # noqa: PLC0415  comes with unstructured
        from unstructured.nlp import tokenize

        # Not its `auto`, which takes the kind from the names of parts, as our own readers do.
        module = importlib.import_module(f"unstructured.partition.{suffix[1:]}")
        partition: Callable[..., list[Any]] = getattr(module, f"partition_{suffix[1:]}")
    except ImportError as error:
        raise missing_extra_error(suffix, "files") from error

    def blank_pipeline() -> Any:
        """Return a pipeline that only ends sentences."""
        pipeline = spacy.blank("en")
        pipeline.add_pipe("sentencizer")
        return pipeline

    # To tell titles from sentences it would download a spaCy model while the user waits, and fail
    # offline. A blank pipeline is enough: headings carry their own style.
    tokenize._get_nlp = functools.cache(blank_pipeline)
    with tempfile.TemporaryDirectory(prefix="qiuzheng-") as folder:
        path = Path(folder, f"document{suffix}")
        path.write_bytes(body)
        try:
            elements = partition(filename=str(path), languages=[""])
        except MemoryError:  # the file may be whole: the pool says what it takes
            raise
        except Exception:  # noqa: BLE001  a second look may fail in as many ways as the first
            return ""
    return "\n\n".join(_blocks(elements, suffix))


def _blocks(elements: list[Any], suffix: str) -> Iterator[str]:
    """Yield each element of a document as a Markdown block."""
    for element in elements:
        text = " ".join(element.text.split())
        depth = element.metadata.category_depth or 0
        # Of a slide only the title's box (depth 0) is a heading that its author made.
        is_heading = element.category == "Title" and (suffix == ".docx" or depth == 0)
        if element.metadata.text_as_html:
            table = html.fragment_fromstring(element.metadata.text_as_html, create_parent="body")
            yield render_markdown(table)
        elif is_heading:
            yield "#" * min(6, depth + 1) + f" {text}"
        elif element.category == "ListItem" or suffix == ".pptx":
            yield f"- {text}"
        else:
            yield text
