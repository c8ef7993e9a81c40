"""From a download to the text that a reader came for, as Markdown.

HTML: `ingest.extract.main_text`, and where no main text stands out, everything that a reader would see.
Feeds become lists, PDF and Office files are read by `ingest.extract.files`, text is taken as it is.
"""

import re
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from lxml import etree

from ingest.documents import DOCUMENT_TYPES, Document, Page
from ingest.errors import ExtractError, FetchError
from ingest.extract import main_text
from ingest.extract.dom import parse
from ingest.extract.feeds import feed
from ingest.extract.files import file_text
from ingest.extract.js_detection import bare_page_signals, waits_for_browser
from ingest.extract.markdown import markdown
from ingest.extract.metadata import Metadata, one_line, read_metadata
from ingest.foundation.extras import install_command
from ingest.foundation.messages import Message, describe_os_error
from ingest.text.encodings import decode
from ingest.text.language import cjk_share

OFFICE_WINDOW = 65_536  # bytes at either end of a zip file, where the names of its parts stand
MORE = 2  # times the text of the page; what the JSON-LD carries must be so much longer

_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_TEXT_TYPES = frozenset({"text/plain", "text/markdown", "text/x-markdown", "text/x-rst"})
_FEED_TYPES = frozenset(
    {"application/rss+xml", "application/atom+xml", "application/xml", "text/xml"}
)
_UNKNOWN_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_HTML_SUFFIXES = frozenset({".html", ".htm", ".xhtml"})
_TEXT_SUFFIXES = frozenset({"", ".txt", ".text", ".md", ".markdown", ".rst", ".log", ".csv"})
READABLE_SUFFIXES = (_HTML_SUFFIXES | _TEXT_SUFFIXES | {*DOCUMENT_TYPES.values()}) - {""}
"""Of the files that `read_file` reads, in lower case; it also tries those without one."""
_BINARY_MARKS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"\xd0\xcf\x11\xe0")
_HTML_MARK = re.compile(rb"<(?:!doctype\s+html|html|head|body|title|div|p|h1|meta)\b", re.I)
_HEADING = re.compile(r"^#{1,6}\s+(.+)$", re.MULTILINE)
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)
_XHTML_MARK = re.compile(rb"<html\b")
_FEED_MARK = re.compile(rb"<(?:rss|feed|rdf:RDF)\b")


def preload() -> None:
    """Import what the first page would wait for. Any thread may call."""
    main_text.preload()


def extract(page: Page) -> Document:
    """Return the main text of `page` with title, language, dates, author and address.

    Raises:
        ExtractError: there is none. reason "needs_browser": scripts would write it; "empty": there
            is no text at all; "unsupported": it is neither a page, a text nor a document.
        MissingDependencyError: it is a PDF or Office file, and the part that reads them is missing.
    """
    kind = _kind_of(page.media_type, page.body)
    url, now = page.final_url, page.fetched_at
    if kind == "unsupported":
        raise _unsupported(url, page.media_type)
    if kind.startswith("."):
        return _from_document(page, suffix=kind)
    source = decode(page.body, claimed=page.charset)
    if kind == "html":
        return _from_html(source, url=url, fetched_at=now)
    return _from_text(feed(source) if kind == "feed" else source, url=url, fetched_at=now)


def read_file(path: Path) -> Document:
    """Return the text of a local file; the document's URL is its file:// address.

    Text and HTML are read directly, other kinds by `ingest.extract.files`. Blocks while it reads.

    Raises:
        FetchError: it cannot be opened (reason "unreachable").
        ExtractError: it is of another kind, broken, or holds no text.
        MissingDependencyError: reading its kind takes a part that is not installed.
    """
    path = path.resolve()
    url, now, kind = path.as_uri(), datetime.now(UTC), path.suffix.lower()
    try:
        body = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    if kind in _HTML_SUFFIXES:
        return _from_html(decode(body, claimed=None), url=url, fetched_at=now)
    if kind in _TEXT_SUFFIXES and _kind_of("", body) != "unsupported":
        return _from_text(decode(body, claimed=None), url=url, fetched_at=now)
    return _from_text(file_text(path), url=url, fetched_at=now)


def _kind_of(media_type: str, body: bytes) -> str:
    """Return "html", "text", "feed", the suffix of a document, or "unsupported".

    The bytes speak first: servers send PDF as HTML, and much as nothing in particular.
    """
    if body.startswith(b"%PDF-"):
        return ".pdf"
    if body.startswith(b"PK\x03\x04"):
        return DOCUMENT_TYPES.get(media_type) or _office_suffix(body)
    if body.startswith(_BINARY_MARKS):
        return "unsupported"
    if media_type in DOCUMENT_TYPES:
        return DOCUMENT_TYPES[media_type]
    if media_type in _HTML_TYPES:
        return "html"
    if media_type in _TEXT_TYPES:  # also what servers call files of which they know nothing
        return "text" if _is_text(body[:1024]) else "unsupported"
    if media_type in _FEED_TYPES:
        return _kind_of_xml(body[:1024])
    return _sniffed(body[:1024]) if media_type in _UNKNOWN_TYPES else "unsupported"


def _sniffed(start: bytes) -> str:
    """Return the kind of a page about which the server says nothing."""
    if _FEED_MARK.search(start):
        return "feed"
    if _HTML_MARK.search(start):
        return "html"
    return "text" if _is_text(start) else "unsupported"


def _kind_of_xml(start: bytes) -> str:
    if _FEED_MARK.search(start):
        return "feed"
    return "html" if _XHTML_MARK.search(start) else "unsupported"


def _is_text(start: bytes) -> bool:
    return 0 not in start or start.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff"))


def _office_suffix(body: bytes) -> str:
    """Return the suffix of a zipped Office file, told by the folder that it is named after."""
    start = body[:OFFICE_WINDOW]
    for folder, suffix in ((b"word/", ".docx"), (b"ppt/", ".pptx")):
        if folder in start or folder in body[-OFFICE_WINDOW:]:
            return suffix
    return "unsupported"


def _from_document(page: Page, *, suffix: str) -> Document:
    """Return the text of a PDF, Office or mail file. Errors speak of its URL."""
    url = page.final_url
    with tempfile.TemporaryDirectory(prefix="qiuzheng-") as folder:
        path = Path(folder, f"document{suffix}")
        path.write_bytes(page.body)
        try:
            text = file_text(path)
        except ExtractError as error:
            raise _damaged(url) from error
    document = _from_text(text, url=url, fetched_at=page.fetched_at)
    name = unquote(url.rstrip("/").rpartition("/")[2])
    return (
        document if _HEADING.search(text) or not name else replace(document, title=one_line(name))
    )


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


def _damaged(url: str) -> ExtractError:
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


def _unsupported(url: str, media_type: str) -> ExtractError:
    kind = media_type or "application/octet-stream"
    return ExtractError(
        Message("{url} is {kind}, not a page of text", url=url, kind=kind),
        url=url,
        reason="unsupported",
        hint=Message("if it is a document, save it and run: ingest FILE"),
    )


def _unreadable(path: Path, error: OSError) -> FetchError:
    why = describe_os_error(error)
    return FetchError(
        Message("cannot read {path} ({why})", path=path, why=why),
        url=path.as_uri(),
        reason="unreachable",
        hint=Message("check the name and the permissions"),
    )
