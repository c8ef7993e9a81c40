"""From a download to the text that a reader came for, as Markdown.

Main text: trafilatura (F1 .960 on article-extraction-benchmark, the best open one measured);
what it cannot read falls back to everything that a reader would see (bench/extraction.py).
"""

import functools
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from lxml import etree, html

from ingest.charsets import decode
from ingest.documents import Document, Page
from ingest.errors import ExtractError, FetchError
from ingest.files import file_text
from ingest.markdown import markdown
from ingest.parts import install_command
from ingest.tokens import cjk_share
from ingest.wording import Wording

MAX_TAGS = 25_000  # "<" in a page; trafilatura takes 2 s for so many, a long article has 3,000
MAX_RAW_TAGS = 1_000_000  # beyond this even parsing takes seconds
THIN = 250  # characters; less than this is worth a second look (trafilatura's own limit)
MAX_TITLE = 200  # characters
OLDEST_PAGE = date(1990, 1, 1)  # the first page of the web

_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_TEXT_TYPES = frozenset({"text/plain", "text/markdown", "text/x-markdown", "text/x-rst"})
_HTML_SUFFIXES = frozenset({".html", ".htm", ".xhtml"})
_TEXT_SUFFIXES = frozenset({"", ".txt", ".text", ".md", ".markdown", ".rst", ".log", ".csv"})
_BINARY_MARKS = (b"%PDF-", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b")
_HTML_MARK = re.compile(rb"<(?:!doctype\s+html|html|head|body|title|div|p|h1|meta)\b", re.I)
_INLINE_TAGS = re.compile(r"</?(?:a|b|big|em|font|i|small|span|strong|u)(?:\s[^<>]*)?>", re.I)
_OTHER_TAGS = re.compile(
    r"</?(?!(?:html|head|title|meta|link|body|script|style|noscript|p|h[1-6])\b)[a-z][^<>]*>", re.I
)
_MOUNT_POINTS = "//*[@id='app' or @id='root' or @id='__next' or @id='__nuxt' or @id='___gatsby']"
_WANTS_SCRIPT = re.compile(
    r"(?:enable|activate|requires?|need|without|turn on)\W+(?:\w+\W+){0,4}java\s?script"
    r"|java\s?script\W+(?:\w+\W+){0,4}(?:enabled?|disabled|required|turned off)"
    r"|(?:启用|开启|打开|啟用|開啟|不支持|禁用)\W{0,2}(?:了|您的|浏览器的)?\W{0,2}java\s?script"
    r"|java\s?script\W{0,3}(?:未启用|已禁用|被禁用)"
    r"|^\W*(?:loading|please wait|just a moment|加载中|正在加载|载入中|请稍候|请稍等)\W*$",
    re.IGNORECASE | re.MULTILINE,
)
_BROKEN_BY = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError),
    *(AssertionError, etree.LxmlError),
)
"""What trafilatura and its date finder have been seen to raise, or may, on broken pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """What trafilatura made of a page."""

    text: str = ""
    title: str = ""
    published: date | None = None


def preload() -> None:
    """Import what the first page would wait for. Any thread may call."""
    _trafilatura()


def extract(page: Page) -> Document:
    """Return the main text of `page` with title, language and date.

    Raises:
        ExtractError: there is none. reason "needs_browser": scripts would write it; "empty": there
            is no text at all; "unsupported": it is neither HTML nor plain text.
    """
    kind = _kind_of(page.media_type, page.body)
    if kind == "unsupported":
        raise _unsupported(page.final_url, page.media_type)
    source = decode(page.body, claimed=page.charset)
    if kind == "html":
        return _from_html(source, url=page.final_url, fetched_at=page.fetched_at)
    return _from_text(source, url=page.final_url, fetched_at=page.fetched_at)


def read_file(path: Path) -> Document:
    """Return the text of a local file; the document's URL is its file:// address.

    Text and HTML are read directly, other kinds by `ingest.files`. Blocks while it reads.

    Raises:
        FetchError: it cannot be opened (reason "unreachable").
        ExtractError: it is of another kind, broken, or holds no text.
        MissingPartError: reading its kind takes a part that is not installed.
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
    """Return "html", "text" or "unsupported"; the bytes speak where the server does not."""
    if body.startswith(_BINARY_MARKS):
        return "unsupported"
    if media_type in _HTML_TYPES:
        return "html"
    if media_type in _TEXT_TYPES:
        return "text"
    if media_type not in ("", "application/octet-stream"):
        return "unsupported"
    start = body[:1024]
    if _HTML_MARK.search(start):
        return "html"
    return (
        "unsupported" if 0 in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")) else "text"
    )


def _from_text(source: str, *, url: str, fetched_at: datetime) -> Document:
    text = "\n".join(line.rstrip() for line in source.split("\n")).strip("\n")
    if not text.strip():
        raise _empty(url)
    heading = re.search(r"^#{1,6}\s+(.+)$", text, re.MULTILINE)
    title = heading[1] if heading else text.lstrip().split("\n", 1)[0]
    return Document(
        url=url,
        title=_one_line(title.strip("#*=- ")) or url,
        text=text,
        fetched_at=fetched_at,
        language=_language("", text),
    )


def _from_html(source: str, *, url: str, fetched_at: datetime) -> Document:
    root = _parse(source)
    if root is None:
        raise _empty(url)
    reading = _read(root, source, url=url)
    text = reading.text
    if len(text) < THIN:
        body = root.find("body")
        seen = markdown(body if body is not None else root)
        # What trafilatura collects from thin pages has spaces at every tag, in mid-word too.
        text = max(seen, text, key=lambda found: len("".join(found.split())))
        if len(text) < THIN and _waits_for_script(root, text):
            raise _needs_browser(url)
    if not text.strip():
        raise _empty(url)
    newest = fetched_at.date() + timedelta(days=1)
    published = reading.published
    return Document(
        url=url,
        title=_one_line(reading.title) or _own_title(root) or url,
        text=text,
        fetched_at=fetched_at,
        language=_language(root.get("lang") or root.get("xml:lang") or "", text),
        published=published if published and OLDEST_PAGE <= published <= newest else None,
    )


def _parse(source: str) -> etree._Element | None:
    if not source.strip() or source.count("<") > MAX_RAW_TAGS:
        return None
    root, is_whole = _tree(source)
    if is_whole:
        return root
    # Tags that nobody closes nest until libxml2 gives up, at 256, and drops the rest of the page.
    return _tree(_OTHER_TAGS.sub("<br>", _INLINE_TAGS.sub("", source)))[0]


def _tree(source: str) -> tuple[etree._Element | None, bool]:
    """Return the parsed page, and whether all of it is there."""
    # A parser of its own for each page: several threads extract at once.
    parser = html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False
    )
    try:
        root = html.document_fromstring(source.encode(), parser=parser, ensure_head_body=True)
    except (etree.LxmlError, AssertionError):
        root = None
    limits = parser.error_log.filter_from_errors().filter_types(etree.ErrorTypes.ERR_RESOURCE_LIMIT)
    return root, not limits


def _read(root: etree._Element, source: str, *, url: str) -> _Reading:
    """Return what trafilatura finds, nothing if the page is too big or too broken for it."""
    if source.count("<") > MAX_TAGS:
        return _Reading()
    try:
        found = _trafilatura()(
            root,
            url=url,
            include_comments=False,
            include_formatting=False,
            with_metadata=True,
            date_extraction_params={"extensive_search": False, "original_date": True},
        )
        if found is None:
            return _Reading()
        return _Reading(
            text=markdown(found.body),
            title=found.title or "",
            published=date.fromisoformat(found.date) if found.date else None,
        )
    except _BROKEN_BY:
        return _Reading()


@functools.cache
def _trafilatura() -> Callable[..., Any]:
    from trafilatura import bare_extraction  # heavy: 0.6 s

    for name in ("trafilatura", "htmldate", "justext", "courlan"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # they log addresses of pages
    return bare_extraction


def _waits_for_script(root: etree._Element, text: str) -> bool:
    """Tell whether a page with as little `text` as this is a stage that scripts would fill."""
    if root.find(".//script") is None:
        return False
    if not text.strip():
        return True
    if any(len(markdown(place)) * 2 < THIN for place in root.xpath(_MOUNT_POINTS)):
        return True
    asides = " ".join("".join(aside.itertext()) for aside in root.iter("noscript"))
    return bool(_WANTS_SCRIPT.search(text) or _WANTS_SCRIPT.search(asides))


def _own_title(root: etree._Element) -> str:
    for element in (*root.iter("h1"), *root.iter("title"), *root.iter("h2")):
        if title := _one_line("".join(element.itertext())):
            return title
    return ""


def _one_line(text: str) -> str:
    return " ".join(text.split())[:MAX_TITLE]


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
        Wording(f"{url} holds no text", f"{url} 里没有文字"),
        url=url,
        reason="empty",
        hint=Wording("try another page", "请换一个网页"),
    )


def _needs_browser(url: str) -> ExtractError:
    return ExtractError(
        Wording(f"{url} is written by scripts", f"{url} 的文字由脚本生成"),
        url=url,
        reason="needs_browser",
        hint=Wording(
            f"it takes a browser to read it: {install_command('browser')}",
            f"需要浏览器才能阅读：{install_command('browser')}",
        ),
    )


def _unsupported(url: str, media_type: str) -> ExtractError:
    kind = media_type or "application/octet-stream"
    return ExtractError(
        Wording(f"{url} is {kind}, not a page of text", f"{url} 是 {kind}，不是文字网页"),
        url=url,
        reason="unsupported",
        hint=Wording(
            "if it is a document, save it and run: ingest FILE",
            "若是文档，请先保存再运行：ingest 文件",
        ),
    )


def _unreadable(path: Path, error: OSError) -> FetchError:
    why = error.strerror or type(error).__name__
    return FetchError(
        Wording(f"cannot read {path} ({why})", f"无法读取 {path}（{why}）"),
        url=path.as_uri(),
        reason="unreachable",
        hint=Wording("check the name and the permissions", "请检查文件名和权限"),
    )
