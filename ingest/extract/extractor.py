"""From a download to the text that a reader came for, as Markdown.

Readers (`ingest.extract.registry`) make text or HTML of the bytes. Of HTML, the main text is kept
(`ingest.extract.main_text`), and where none stands out, everything that a reader would see.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from ingest.documents import Document, Page
from ingest.errors import ExtractError
from ingest.extract import main_text
from ingest.extract.base import DamagedFileError, FileContent, FileReader
from ingest.extract.dom import parse_html
from ingest.extract.file_bytes import read_local_file
from ingest.extract.js_detection import needs_browser, read_script_signals
from ingest.extract.markdown import render_markdown
from ingest.extract.markdown_source import find_heading
from ingest.extract.markup import normalize_markup
from ingest.extract.metadata import jsonld
from ingest.extract.metadata.page_metadata import one_line, read_metadata
from ingest.extract.page_kind import (
    judge_kind,
    measure_markdown,
    measure_text,
    read_kind_signals,
)
from ingest.extract.registry import find_file_reader, find_reader, is_known_suffix
from ingest.extract.walls import Wall, find_wall, strip_paywall
from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.extras import install_command
from ingest.foundation.messages import SEMICOLON, Message, join_messages
from ingest.text.language import cjk_share

MIN_JSONLD_RATIO = 2
"""How many times as long as the text of the page its JSON-LD must be to take its place. Then
scripts would write the text, or a paywall stands before it; else it is a summary or a copy."""
MIN_CJK = 0.3
"""Share of ideographs, kana and hangul from which a text is Chinese, Japanese or Korean; fewer are
names and quotes in another language."""
MIN_ASCII = 0.97
"""Share of letters from which a text that declares nothing is taken for English; other languages in
Latin script have more letters with accents."""

_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)


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
    content = _read_content(reader, page.body, charset=page.charset, damaged_error=damaged_error)
    if reader.produces == "html":
        return _document_of_html(content.text, url=url, fetched_at=now)
    document = _document_of_text(content, url=url, fetched_at=now, is_file=reader.is_document)
    return replace(document, kind="listing") if reader.lists_pages else document


def read_file(path: Path) -> Document:
    """Return the text of a local file; the document's URL is its file:// address. Blocks.

    Raises:
        FetchError: it cannot be opened (reason "unreachable").
        ExtractError: it is of another kind, broken, or holds no text.
        MissingDependencyError: it is a document, and the extra that reads its kind is missing.
    """
    path = path.resolve()
    url, now = path.as_uri(), datetime.now(UTC)
    body = read_local_file(path)
    reader = find_file_reader(path.suffix, body)
    if reader is None:
        kind = path.suffix or "binary"
        if path.suffix and is_known_suffix(path.suffix):
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
            hint=Message("save it as .pdf, .docx, .pptx, .html, .md or .txt"),
        )
    damaged_error = ExtractError(
        Message("{path} is damaged or protected", path=path),
        url=url,
        reason="unsupported",
        hint=Message("open it in its own program and save it again"),
    )
    content = _read_content(reader, body, charset=None, damaged_error=damaged_error)
    if reader.produces == "html":
        return _document_of_html(content.text, url=url, fetched_at=now)
    return _document_of_text(content, url=url, fetched_at=now, is_file=False)


def _read_content(
    reader: FileReader, body: bytes, *, charset: str | None, damaged_error: ExtractError
) -> FileContent:
    """Return what `reader` makes of `body`; raise `damaged_error` if it is broken."""
    try:
        content = reader.read(body, charset)
        return FileContent(text=content) if isinstance(content, str) else content
    except DamagedFileError as error:
        raise damaged_error from error
    except ImportError as error:
        raise MissingDependencyError(
            Message(
                "reading {suffix} files needs an optional dependency that is not installed",
                suffix=reader.suffixes[0],
            ),
            hint=Message.verbatim(install_command(reader.extra)),
        ) from error


def _document_of_text(
    content: FileContent, *, url: str, fetched_at: datetime, is_file: bool
) -> Document:
    text = "\n".join(line.rstrip(" \t\r") for line in content.text.split("\n")).strip("\n")
    if not text.strip():
        raise _empty_page(url, *content.notes)
    title = content.title or find_heading(text)
    if not title and is_file:
        # The first line of a document without headings is a letterhead as often as a title; the
        # name that somebody gave the file says more.
        title = unquote(url.rstrip("/").rpartition("/")[2])
    title = title or text.lstrip().split("\n", 1)[0]
    return Document(
        url=url,
        title=one_line(title.strip("#*=- ")) or url,
        text=text,
        fetched_at=fetched_at,
        language=_detect_language("", text),
        author=content.author,
        published=content.published,
        modified=content.modified,
        notes=content.notes,
    )


def _document_of_html(source: str, *, url: str, fetched_at: datetime) -> Document:
    root = parse_html(source)
    if root is None:
        raise _empty_page(url)
    signals = read_script_signals(root)
    objects = jsonld.page_objects(root)
    kind_signals = read_kind_signals(root, objects=objects)
    normalize_markup(root)
    # Before main_text, which removes scripts and all else that is not the text.
    declared = read_metadata(root, url=url, now=fetched_at)
    text = ""
    if source.count("<") <= main_text.MAX_TAGS:
        text = main_text.main_text(root, url=url, headlines=declared.headlines)
    text = text or render_markdown(root.find("body"))
    shape = measure_text(root.find("body"))
    from_jsonld = declared.body
    if _TAG.search(from_jsonld):  # it is HTML itself on some sites
        body = parse_html(from_jsonld)
        from_jsonld = "" if body is None else render_markdown(body.find("body"))
    if len(from_jsonld) > MIN_JSONLD_RATIO * len(text):
        text, shape = from_jsonld, measure_markdown(from_jsonld)
    if needs_browser(signals, title=declared.title, text=text):
        raise ExtractError(
            Message("{url} is written by scripts", url=url),
            url=url,
            reason="needs_browser",
            hint=Message("it takes a browser to read it: install Chromium, see assistant doctor"),
        )
    if not text.strip():
        raise _empty_page(url)
    if wall := find_wall(text, title=declared.title, is_paid=kind_signals.is_paid):
        raise _walled_page(url, wall)
    text, is_lead = strip_paywall(text)
    return Document(
        url=url,
        title=declared.title or url,
        text=text,
        kind="paywall" if is_lead else judge_kind(kind_signals, shape, url=url, text=text),
        fetched_at=fetched_at,
        language=_detect_language(declared.language, text),
        published=declared.published,
        modified=declared.modified,
        author=declared.author,
        canonical=declared.canonical,
        directives=declared.directives,
    )


def _detect_language(declared: str, text: str) -> str:
    """Return an ISO 639-1 code, "" when unknown.

    The script of the text outranks what the page declares: templates declare the language of those
    who made them.
    """
    code = re.split(r"[-_]", declared.strip().lower())[0]
    if cjk_share(text) > MIN_CJK:
        if code in ("zh", "ja", "ko"):
            return code
        if re.search(r"[\u3040-\u30ff]", text):  # kana
            return "ja"
        return "ko" if re.search(r"[\uac00-\ud7af]", text) else "zh"  # hangul
    if re.fullmatch(r"[a-z]{2}", code) and code not in ("zh", "ja", "ko"):
        return code
    letters = [character for character in text if character.isalpha()]
    plain = sum(character.isascii() for character in letters)
    return "en" if letters and plain > MIN_ASCII * len(letters) else ""


def _walled_page(url: str, wall: Wall) -> ExtractError:
    if wall == "paywall":
        message = Message("{url} is behind a paywall or a log-in", url=url)
        hint = Message(
            "open it in your browser, where you are logged in, and save the page: ingest FILE"
        )
    else:
        message = Message("{url} shows only a request for consent to cookies", url=url)
        hint = Message("open it in your browser, choose, and save the page: ingest FILE")
    return ExtractError(message, url=url, reason=wall, hint=hint)


def _empty_page(url: str, *notes: Message) -> ExtractError:
    """Return the error about a page without text; `notes` say where its text is, if known."""
    return ExtractError(
        Message("{url} holds no text", url=url),
        url=url,
        reason="empty",
        hint=join_messages(notes, SEMICOLON) if notes else Message("try another page"),
    )
