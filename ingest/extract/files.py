"""The text of PDF, Word, PowerPoint and mail files, as Markdown.

PDF is read by pdfium, the rest that is no text by unstructured, whose own PDF reader would bring
torch. Nothing here touches the network.
"""

import functools
import re
import threading
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from lxml import html

from ingest.errors import ExtractError
from ingest.extract.markdown import markdown
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.extras import install_command
from ingest.foundation.messages import Message
from ingest.foundation.telemetry import disable_telemetry
from ingest.text.words import CJK

_ZIPPED = frozenset({".docx", ".pptx"})
_OFFICE = _ZIPPED | {".eml", ".msg"}
_FULL_LINE = 0.6  # of the longest line; a line so long goes on in the next, a shorter one ends
_ENDS = re.compile(r"[.。!！?？:：;；…][”’」』）\"')\]]*$")
_STARTS_ANEW = re.compile(r"(?:[-*•·●▪]|\d+[.)、]|[（(]?[一二三四五六七八九十]+[)）、.])\s*\S")
_PDFIUM = threading.Lock()  # pdfium may only be called by one thread at a time


def file_text(path: Path) -> str:
    """Return the text of a document file, or "" if it holds none. Blocks while it reads.

    Raises:
        ExtractError: there is no reader for its kind, or it is broken (reason "unsupported").
        MissingDependencyError: reading its kind takes a part that is not installed.
    """
    kind = path.suffix.lower()
    if kind == ".pdf":
        return _pdf_text(path)
    if kind in _OFFICE:
        return _office_text(path)
    raise _unsupported(path)


def _pdf_text(path: Path) -> str:
    try:
        import pypdfium2  # comes with [files]
    except ImportError as error:
        raise _missing(path) from error
    try:
        with _PDFIUM, pypdfium2.PdfDocument(path) as pdf:
            pages = [page.get_textpage().get_text_range() for page in pdf]
    except pypdfium2.PdfiumError as error:
        raise _broken(path) from error
    return "\n\n".join(_unwrapped(page.splitlines()) for page in pages)


def _unwrapped(lines: list[str]) -> str:
    """Join lines that only end because the paper did, so that sentences are whole again."""
    bare = [" ".join(line.replace("\ufffe", "-").split()) for line in lines]
    full = _FULL_LINE * max(map(len, bare), default=0)
    text = ""
    for before, line in zip(["", *bare], bare, strict=False):
        goes_on = len(before) >= full and not _ENDS.search(before) and not _STARTS_ANEW.match(line)
        if not line or not text or not before or not goes_on:
            text += "\n" + line
        elif re.search(rf"[{CJK}]$", before) and re.match(rf"[{CJK}]", line):
            text += line
        else:
            text += line if before.endswith("-") else " " + line
    return text.strip("\n")


def _office_text(path: Path) -> str:
    partition = _unstructured(path)
    if path.suffix.lower() in _ZIPPED and not zipfile.is_zipfile(path):
        raise _broken(path)
    try:
        elements = partition(filename=str(path), languages=[""])
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise _broken(path) from error
    except ImportError as error:
        raise _missing(path) from error
    return "\n\n".join(_blocks(elements, path.suffix.lower()))


def _unstructured(path: Path) -> Callable[..., Iterable[Any]]:
    disable_telemetry()
    try:
        import spacy  # noqa: PLC0415  comes with unstructured
        from unstructured.nlp import tokenize
        from unstructured.partition.auto import partition
    except ImportError as error:
        raise _missing(path) from error
    # To tell titles from sentences it would download a spaCy model while the user waits, and fail
    # offline. A blank pipeline that only ends sentences is enough: headings carry their own style.
    tokenize._get_nlp = functools.cache(functools.partial(_sentences_only, spacy))
    return partition


def _sentences_only(spacy: Any) -> Any:
    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    return pipeline


def _blocks(elements: Iterable[Any], kind: str) -> Iterable[str]:
    """Yield each element of a document as a Markdown block, the subject of a mail first."""
    subject = ""
    for element in elements:
        text = " ".join(element.text.split())
        depth = element.metadata.category_depth or 0
        if element.metadata.subject and not subject:
            subject = element.metadata.subject
            yield f"# {subject}"
        if element.metadata.text_as_html:
            table = html.fragment_fromstring(element.metadata.text_as_html, create_parent="body")
            yield markdown(table)
        elif element.category == "Title" and (kind == ".docx" or (kind == ".pptx" and depth == 0)):
            yield "#" * min(6, depth + 1) + f" {text}"
        elif element.category == "ListItem" or kind == ".pptx":
            yield f"- {text}"
        else:
            yield text


def _missing(path: Path) -> MissingDependencyError:
    return MissingDependencyError(
        Message("reading {suffix} files takes a part that is not installed", suffix=path.suffix),
        hint=Message.verbatim(install_command("files")),
    )


def _broken(path: Path) -> ExtractError:
    return ExtractError(
        Message("{path} is damaged or protected", path=path),
        url=path.as_uri(),
        reason="unsupported",
        hint=Message("open it in its own program and save it again"),
    )


def _unsupported(path: Path) -> ExtractError:
    kind = path.suffix or "binary"
    return ExtractError(
        Message("{path}: no reader for {kind} files", path=path, kind=kind),
        url=path.as_uri(),
        reason="unsupported",
        hint=Message("save it as .pdf, .docx, .pptx, .html, .md or .txt"),
    )
