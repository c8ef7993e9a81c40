"""What a person names on the command line of `ingest`: URLs, lists of URLs, documents."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ingest.errors import AssistantError, FetchError
from ingest.urls import canonical_url, read_url_list
from ingest.wording import Wording, system_words

LIST_SUFFIXES = frozenset({".txt", ".list", ".urls", ""})
"""A file of these that begins with a URL is a list of URLs; any other file is a document."""

DOCUMENT_SUFFIXES = frozenset(
    {
        ".pdf", ".doc", ".docx", ".ppt", ".pptx", ".xls", ".xlsx", ".odt", ".rtf", ".epub",
        ".md", ".markdown", ".rst", ".txt", ".text", ".log", ".list", ".urls",
        ".html", ".htm", ".xhtml", ".xml", ".csv", ".json", ".eml", ".msg",
    }
)  # fmt: skip
"""What so ends is a file, there or missing; only "https://" makes an address of it."""

_HOST = re.compile(
    r"(//)?(localhost|\[[\da-f:.]+\]|\d+(\.\d+){3}|([\w-]+\.)+([^\W\d_]{2,}|xn--[\w-]+))\.?"
    r"(:\d+)?([/?#].*)?",
    re.IGNORECASE,
)
"""How an address begins whose "https://" was left out."""

LONGEST_PEEK = 4_096
"""Characters read to tell a list from a document."""


class SourceError(AssistantError):
    """A source cannot be read."""

    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What to store, each once, in the order named."""

    urls: tuple[str, ...]
    """Canonical."""
    files: tuple[Path, ...]
    """Absolute."""
    complaints: tuple[Wording, ...]
    """Lines that name no page, e.g. "urls.txt: line 7: …"; the rest goes on."""


def read_sources(names: Iterable[str], *, stdin: TextIO) -> Sources:
    """Return the pages and files that `names` stand for.

    Raises:
        SourceError: a file is missing or cannot be read, or nothing is left to store.
    """
    urls: dict[str, None] = {}
    files: dict[Path, None] = {}
    complaints: list[Wording] = []
    for name in names:
        path = Path(name)
        if name == "-":
            _add_list(stdin.read(), "-", urls, complaints)
        elif "://" in name or (_is_address(name) and not _exists(path)):
            _add_url(name, urls, complaints)
        elif not _exists(path) or not name.strip():
            raise _missing(name)
        elif path.suffix in LIST_SUFFIXES and _begins_with_url(_text(path)):
            _add_list(_text(path), name, urls, complaints)
        else:
            _text_or_bytes(path)
            files[path.resolve()] = None
    if not urls and not files:
        raise SourceError(
            Wording("no page to store", "没有可收录的网页"),
            hint=complaints[0] if complaints else Wording("the list is empty", "列表是空的"),
        )
    return Sources(urls=tuple(urls), files=tuple(files), complaints=tuple(complaints))


def _is_address(name: str) -> bool:
    """Tell whether a name without a scheme can be that of a web page."""
    suffix = Path(re.split(r"[?#]", name, maxsplit=1)[0]).suffix.lower()
    return suffix not in DOCUMENT_SUFFIXES and _HOST.fullmatch(name) is not None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # e.g. a name longer than names can be
        return False


def _missing(name: str) -> SourceError:
    if not name.strip():
        return SourceError(
            Wording("the name of a source is empty", "有一个来源是空的"),
            hint=Wording(
                "give a URL, a list of URLs, a document, or -", "请给出网址、网址列表、文档或 -"
            ),
        )
    return SourceError(
        Wording(f"no such file: {name[:80]}", f"没有这个文件：{name[:80]}"),
        hint=Wording(
            "check its name; the address of a web page begins with https://",
            "请检查文件名；网页地址要以 https:// 开头",
        ),
    )


def _add_url(name: str, urls: dict[str, None], complaints: list[Wording]) -> None:
    try:
        urls[canonical_url(name)] = None
    except FetchError as error:
        complaints.append(_about(name[:80], error.message))


def _add_list(text: str, name: str, urls: dict[str, None], complaints: list[Wording]) -> None:
    found, complained = read_url_list(text)
    urls.update(dict.fromkeys(found))
    complaints += [_about(name, complaint) for complaint in complained]


def _about(name: str, complaint: Wording) -> Wording:
    return Wording(f"{name}: {complaint.en}", f"{name}：{complaint.zh}")


def _begins_with_url(text: str) -> bool:
    lines = (line.strip().lstrip("\ufeff") for line in text[:LONGEST_PEEK].splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return first.startswith(("http://", "https://")) or ("." in first and " " not in first)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise _unreadable(path, error) from error


def _text_or_bytes(path: Path) -> None:
    """Fail now, not in the middle of the work, when a document cannot be opened."""
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> SourceError:
    return SourceError(
        Wording(f"cannot read {path}", f"读不了 {path}"),
        hint=system_words(error),
    )
