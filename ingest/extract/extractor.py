"""From a download to the text that a reader came for, as Markdown.

Readers (`ingest.extract.registry`) make text or HTML of the bytes. Of HTML, the main text is kept
(`ingest.extract.main_text`), and where none stands out, everything that a reader would see.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from lxml import etree

from ingest.documents import Document, Page
from ingest.errors import ExtractError, FetchError
from ingest.extract import main_text
from ingest.extract.dom import parse
from ingest.extract.js_detection import bare_page_signals, waits_for_browser
from ingest.extract.markdown import markdown
from ingest.extract.metadata import Metadata, one_line, read_metadata
from ingest.extract.readers.base import DamagedFileError, FileReader
from ingest.extract.registry import find_file_reader, find_reader
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.extras import install_command
from ingest.foundation.messages import Message, describe_os_error
from ingest.text.language import cjk_share

MORE = 2  # times the text of the page; what the JSON-LD carries must be so much longer

_HEADING = re.compile(r"^#{1,6}\s+(.+)$", re.MULTILINE)
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)


def preload() -> None:
    """Import what the first page would wait for. Any thread may call."""
    main_text.preload()


def extract(page: Page) -> Document:
    """Return the main text of `page` with title, language, dates, author and address.

    Raises:
        ExtractError: there is none. reason "needs_browser": scripts would write it; "empty": there
            is no text at all; "unsupported": it is neither a page, a text nor a document.
        MissingDependencyError: it is a document, and the extra that reads its kind is missing.
    """
    url, now = page.final_url, page.fetched_at
    reader = find_reader(page.media_type, page.body)
    if reader is None:
        raise _unsupported_page(url, page.media_type)
    content = _read_content(reader, page.body, charset=page.charset, damaged=_damaged_page(url))
    if reader.produces == "html":
        return _from_html(content, url=url, fetched_at=now)
    document = _from_text(content, url=url, fetched_at=now)
    if reader.is_document and not _HEADING.search(content):
        # The first line of a document without headings is a letterhead as often as a title; the
        # name that somebody gave the file says more.
        name = unquote(url.rstrip("/").rpartition("/")[2])
        return replace(document, title=one_line(name)) if name else document
    return document


def read_file(path: Path) -> Document:
    """Return the text of a local file; the document's URL is its file:// address. Blocks.

    Raises:
        FetchError: it cannot be opened (reason "unreachable").
        ExtractError: it is of another kind, broken, or holds no text.
        MissingDependencyError: it is a document, and the extra that reads its kind is missing.
    """
    path = path.resolve()
    url, now = path.as_uri(), datetime.now(UTC)
    try:
        body = path.read_bytes()
    except OSError as error:
        raise _unreadable_file(path, error) from error
    reader = find_file_reader(path.suffix, body)
    if reader is None:
        raise _unsupported_file(path)
    content = _read_content(reader, body, charset=None, damaged=_damaged_file(path))
    if reader.produces == "html":
        return _from_html(content, url=url, fetched_at=now)
    return _from_text(content, url=url, fetched_at=now)


def _read_content(
    reader: FileReader, body: bytes, *, charset: str | None, damaged: ExtractError
) -> str:
    """Return what `reader` makes of `body`; raise `damaged` if it is broken."""
    try:
        return reader.read(body, charset)
    except DamagedFileError as error:
        raise damaged from error
    except ImportError as error:
        raise MissingDependencyError(
            Message(
                "reading {suffix} files takes a part that is not installed",
                suffix=reader.suffixes[0],
            ),
            hint=Message.verbatim(install_command(reader.extra)),
        ) from error


def _from_text(source: str, *, url: str, fetched_at: datetime) -> Document:
    text = "\n".join(line.rstrip() for line in source.split("\n")).strip("\n")
    if not text.strip():
        raise _empty(url)
    heading = _HEADING.search(text)
    title = heading[1] if heading else text.lstrip().split("\n", 1)[0]
    return Document(
        url=url,
        title=one_line(title.strip("#*=- ")) or url,
        text=text,
        fetched_at=fetched_at,
        language=_language("", text),
    )


def _from_html(source: str, *, url: str, fetched_at: datetime) -> Document:
    root = parse(source)
    if root is None:
        raise _empty(url)
    known = read_metadata(root, url=url, now=fetched_at)
    stage = bare_page_signals(root)
    text = _text_of_page(root, source, known, url=url)
    if waits_for_browser(stage, title=known.title, text=text):
        raise _needs_browser(url)
    if not text.strip():
        raise _empty(url)
    return Document(
        url=url,
        title=known.title or url,
        text=text,
        fetched_at=fetched_at,
        language=_language(known.language, text),
        published=known.published,
        modified=known.modified,
        author=known.author,
        canonical=known.canonical,
        directives=known.directives,
    )


def _text_of_page(root: etree._Element, source: str, known: Metadata, *, url: str) -> str:
    """Return the main text; else all that a reader sees; or what the JSON-LD has beyond either."""
    is_small = source.count("<") <= main_text.MAX_TAGS
    text = main_text.main_text(root, url=url, headlines=known.headlines) if is_small else ""
    text = text or markdown(root.find("body"))
    carried = _carried(known.body)  # scripts would write it, or a wall stands before it
    return carried if len(carried) > MORE * len(text) else text


def _carried(body: str) -> str:
    """Return the text of the JSON-LD: plain, or HTML."""
    if not _TAG.search(body):
        return body
    root = parse(body)
    return "" if root is None else markdown(root.find("body"))


def _language(declared: str, text: str) -> str:
    """Return an ISO 639-1 code, "" when unknown. Templates lie, scripts do not."""
    code = re.split(r"[-_]", declared.strip().lower())[0]
    if cjk_share(text) > 0.3:  # less than that are names and quotes in another language
        if code in ("zh", "ja", "ko"):
            return code
        if re.search(r"[\u3040-\u30ff]", text):
            return "ja"
        return "ko" if re.search(r"[\uac00-\ud7af]", text) else "zh"
    if re.fullmatch(r"[a-z]{2}", code) and code not in ("zh", "ja", "ko"):
        return code
    letters = [character for character in text if character.isalpha()]
    plain = sum(character.isascii() for character in letters)
    return "en" if letters and plain > 0.97 * len(letters) else ""


def _empty(url: str) -> ExtractError:
    return ExtractError(
        Message("{url} holds no text", url=url),
        url=url,
        reason="empty",
        hint=Message("try another page"),
    )


def _damaged_page(url: str) -> ExtractError:
    return ExtractError(
        Message("{url} is a damaged or protected document", url=url),
        url=url,
        reason="unsupported",
        hint=Message("download it and open it in its own program"),
    )


def _needs_browser(url: str) -> ExtractError:
    return ExtractError(
        Message("{url} is written by scripts", url=url),
        url=url,
        reason="needs_browser",
        hint=Message(
            "it takes a browser to read it: {install_command}",
            install_command=install_command("browser"),
        ),
    )


def _damaged_file(path: Path) -> ExtractError:
    return ExtractError(
        Message("{path} is damaged or protected", path=path),
        url=path.as_uri(),
        reason="unsupported",
        hint=Message("open it in its own program and save it again"),
    )


def _unsupported_page(url: str, media_type: str) -> ExtractError:
    kind = media_type or "application/octet-stream"
    return ExtractError(
        Message("{url} is {kind}, not a page of text", url=url, kind=kind),
        url=url,
        reason="unsupported",
        hint=Message("if it is a document, save it and run: ingest FILE"),
    )


def _unsupported_file(path: Path) -> ExtractError:
    kind = path.suffix or "binary"
    return ExtractError(
        Message("{path}: no reader for {kind} files", path=path, kind=kind),
        url=path.as_uri(),
        reason="unsupported",
        hint=Message("save it as .pdf, .docx, .pptx, .html, .md or .txt"),
    )


def _unreadable_file(path: Path, error: OSError) -> FetchError:
    why = describe_os_error(error)
    return FetchError(
        Message("cannot read {path} ({why})", path=path, why=why),
        url=path.as_uri(),
        reason="unreachable",
        hint=Message("check the name and the permissions"),
    )
