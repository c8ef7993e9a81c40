"""From a download to the text that a reader came for, as Markdown.

Readers (`ingest.extract.registry`) make text or HTML of the bytes. Of HTML, the main text is kept
(`ingest.extract.main_text`), and where none stands out, everything that a reader would see.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from urllib.parse import unquote

from ingest.documents import Document, Page
from ingest.errors import ExtractError
from ingest.extract.base import (
    BINARY_SUFFIXES,
    PAGE_MARK,
    TOO_MUCH_MEMORY,
    DamagedFileError,
    EncryptedFileError,
    FileContent,
    FileReader,
    InvalidJsonError,
    OversizedFileError,
    is_encrypted,
    looks_like_text,
    missing_extra_error,
    suffix_of,
)
from ingest.extract.file_bytes import read_local_file
from ingest.extract.formats.conversion_hints import find_conversion_hint
from ingest.extract.html_document import detect_language, document_of_html, empty_page
from ingest.extract.markdown_source import find_heading
from ingest.extract.metadata.page_metadata import one_line
from ingest.extract.registry import find_file_reader, find_reader, is_known_suffix
from ingest.foundation.messages import Message

_NO_TITLE_LINE = re.compile(
    r"```|~~~|\||!\[|<[a-z!?/]|[^\w\s]*$|[-*] |.{101}|.*[.。!！;；,，]$", re.IGNORECASE
)
"""The first line of code, of a table, of a picture, of a list, a sentence, or one without a letter:
no title."""


def extract(page: Page) -> Document:
    """Return the main text of `page` with title, language, dates, author and address.

    Raises:
        ExtractError: there is none. reason "needs_browser": scripts would write it; "empty": there
            is no text at all; "unsupported": it is neither a page, a text nor a document;
            "too_large": it unfolds to too much.
        MissingDependencyError: it is a document, and the extra that reads its kind is missing.
    """
    url, now = page.final_url, page.fetched_at
    reader = find_reader(page.media_type, page.body)
    if reader is None:
        kind = page.media_type or "application/octet-stream"
        raise ExtractError(
            Message("{url} is {kind}, not a page of text", url=url, kind=kind),
            url=url,
            reason="unsupported",
            hint=Message("if it is a document, save it and run: ingest FILE"),
        )
    damaged_error = ExtractError(
        Message("{url} is a damaged or protected document", url=url),
        url=url,
        reason="unsupported",
        hint=Message("download it and open it in its own program"),
    )
    content = _read_content(
        reader, page.body, charset=page.charset, shown=url, damaged_error=damaged_error
    )
    if reader.produces == "html":
        return document_of_html(content.text, url=url, fetched_at=now)
    document = _document_of_text(content, url=url, fetched_at=now, is_file=reader.is_document)
    return replace(document, kind="listing") if reader.lists_pages else document


def read_file(path: Path, *, shown: Path | None = None) -> Document:
    """Return the text of a local file; the document's URL is its file:// address. Blocks.

    Args:
        path: Where it is.
        shown: What it is called, where that is another path: one within an archive.

    Raises:
        FetchError: it cannot be opened (reason "unreachable").
        ExtractError: it is of another kind, broken, too large, or holds no text.
        MissingDependencyError: it is a document, and the extra that reads its kind is missing.
    """
    body = read_local_file(path.resolve(), shown=shown)
    path = shown or path.resolve()
    url, now = path.as_uri(), datetime.now(UTC)
    suffix = suffix_of(path)
    reader = find_file_reader(suffix, body)
    if reader is None:
        kind = path.suffix.rstrip() or "binary"
        if suffix and is_known_suffix(suffix):
            raise ExtractError(
                Message("{path} is called {kind} and holds something else", path=path, kind=kind),
                url=url,
                reason="unsupported",
                hint=Message("open it in its own program and save it again"),
            )
        raise ExtractError(
            Message("{path}: no reader for {kind} files", path=path, kind=kind),
            url=url,
            reason="unsupported",
            hint=find_conversion_hint(kind),
        )
    damaged_error = ExtractError(
        Message("{path} is damaged or protected", path=path),
        url=url,
        reason="unsupported",
        hint=Message("open it in its own program and save it again"),
    )
    if not body.strip():
        raise _blank_error(path, url)
    content = _read_content(
        reader, body, charset=None, shown=str(path), damaged_error=damaged_error
    )
    if reader.produces == "html":
        document = document_of_html(content.text, url=url, fetched_at=now)
        return replace(document, title=path.name) if document.title == url else document
    # A text of which nothing is left, e.g. a calendar without events; a PDF may show pictures.
    if not (content.text.strip() or content.notes) and looks_like_text(body):
        raise _blank_error(path, url)
    return _document_of_text(content, url=url, fetched_at=now, is_file=False)


def _blank_error(path: Path, url: str) -> ExtractError:
    # No program writes an empty document: a download broke off. All that is here is read, though.
    if suffix_of(path) in BINARY_SUFFIXES:
        return ExtractError(
            Message("{path} is empty", path=path),
            url=url,
            reason="blank",
            hint=Message("copy or download it again"),
        )
    return ExtractError(
        Message("{path} is empty, or holds no words", path=path), url=url, reason="blank"
    )


def _read_content(
    reader: FileReader,
    body: bytes,
    *,
    charset: str | None,
    shown: str,
    damaged_error: ExtractError,
) -> FileContent:
    """Return what `reader` makes of `body`; raise `damaged_error` if it is broken.

    `shown` names it in the error of one that a password protects.
    """
    try:
        content = reader.read(body, charset)
        return FileContent(text=content) if isinstance(content, str) else content
    except OversizedFileError as error:
        raise ExtractError(TOO_MUCH_MEMORY, url=damaged_error.url, reason="too_large") from error
    except InvalidJsonError as error:
        raise ExtractError(
            Message(
                "{path} is not valid JSON: line {line}, column {column}",
                path=shown,
                line=error.line,
                column=error.column,
            ),
            url=damaged_error.url,
            reason="unsupported",
            hint=Message("correct it in an editor, or export it again"),
        ) from error
    except DamagedFileError as error:
        if isinstance(error, EncryptedFileError) or is_encrypted(body):
            raise ExtractError(
                Message("{path} is protected by a password or by its seller", path=shown),
                url=damaged_error.url,
                reason="unsupported",
                hint=Message("open it in its own program and save a copy without protection"),
            ) from error
        raise damaged_error from error
    except ImportError as error:
        raise missing_extra_error(reader.suffixes[0], reader.extra) from error


def _document_of_text(
    content: FileContent, *, url: str, fetched_at: datetime, is_file: bool
) -> Document:
    text = "\n".join(line.rstrip(" \t\r") for line in content.text.split("\n"))
    # A text without page marks and empty lines around it, and where its pages begin.
    pages = text.split(PAGE_MARK)
    whole = "".join(pages)
    lead = len(whole) - len(whole.lstrip("\n"))
    starts = (max(0, end - lead) for end in accumulate(map(len, pages[:-1])))
    text, page_starts = whole.strip("\n"), (0, *starts) if len(pages) > 1 else ()
    if not text.strip():
        raise empty_page(url, *content.notes)
    title = content.title or find_heading(text)
    first = text.lstrip().split("\n", 1)[0]
    if not title and (is_file or _NO_TITLE_LINE.match(first)):
        # The first line of a document without headings is a letterhead as often as a title; the
        # name that a person gave the file says more. A title is never shown as an answer, so that
        # a sentence may not be one.
        title = unquote(url.rstrip("/").rpartition("/")[2])
    title = title or first
    return Document(
        url=url,
        title=one_line(title.strip("#*=- ")) or url,
        text=text,
        page_starts=page_starts,
        fetched_at=fetched_at,
        language=detect_language("", text),
        author=content.author,
        published=content.published,
        modified=content.modified,
        notes=content.notes,
    )
