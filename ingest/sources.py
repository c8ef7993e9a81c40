"""What a person names on the command line of `ingest`: URLs, lists of URLs, documents, folders."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ingest.errors import AssistantError, FetchError
from ingest.extract.extractor import READABLE_SUFFIXES
from ingest.foundation.messages import Wording, system_words
from ingest.web.urls import canonical_url, read_url_list

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
    remarks: tuple[Wording, ...]
    """What to say of them: how many documents a folder holds, lines that name no page, e.g.
    "urls.txt: line 7: …", and what cannot be opened; the rest goes on."""


def read_sources(names: Iterable[str], *, stdin: TextIO) -> Sources:
    """Return the pages and files that `names` stand for.

    Raises:
        SourceError: a file is missing, or nothing is left to store.
    """
    urls: dict[str, None] = {}
    files: dict[Path, None] = {}
    remarks: list[Wording] = []
    for name in names:
        path = Path(name)
        if name == "-":
            _add_list(stdin.read(), "-", urls, remarks)
        elif "://" in name or (_is_address(name) and not _exists(path)):
            _add_url(name, urls, remarks)
        elif not _exists(path) or not name.strip():
            raise _missing(name)
        elif path.is_dir():
            _add_folder(path, files, remarks)
        else:
            _add_file(path, urls, files, remarks)
    if not urls and not files:
        raise SourceError(
            Wording("no page to store", "没有可收录的网页"),
            hint=remarks[0] if remarks else Wording("the list is empty", "列表是空的"),
        )
    return Sources(urls=tuple(urls), files=tuple(files), remarks=tuple(remarks))


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
                "give a URL, a list of URLs, a document, a folder, or -",
                "请给出网址、网址列表、文档、文件夹或 -",
            ),
        )
    return SourceError(
        Wording(f"no such file: {name[:80]}", f"没有这个文件：{name[:80]}"),
        hint=Wording(
            "check its name; the address of a web page begins with https://",
            "请检查文件名；网页地址要以 https:// 开头",
        ),
    )


def _add_url(name: str, urls: dict[str, None], remarks: list[Wording]) -> None:
    try:
        urls[canonical_url(name)] = None
    except FetchError as error:
        remarks.append(_about(name[:80], error.message))


def _add_list(text: str, name: str, urls: dict[str, None], remarks: list[Wording]) -> None:
    found, complained = read_url_list(text)
    urls.update(dict.fromkeys(found))
    remarks += [_about(name, complaint) for complaint in complained]


def _add_file(
    path: Path, urls: dict[str, None], files: dict[Path, None], remarks: list[Wording]
) -> None:
    """Add a document, or the pages of a list. What cannot be opened is found out now."""
    try:
        if path.suffix in LIST_SUFFIXES and _begins_with_url(text := _text(path)):
            _add_list(text, str(path), urls, remarks)
            return
        with path.open("rb"):
            files[path.resolve()] = None
    except OSError as error:
        remarks.append(_unreadable(path, error))


def _add_folder(folder: Path, files: dict[Path, None], remarks: list[Wording]) -> None:
    """Add the documents below `folder`, none that is hidden, and none behind a link to a folder."""
    closed: list[OSError] = []
    found: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=closed.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in names if not name.startswith(".")]
    documents = sorted(
        path for path in found if path.suffix.lower() in READABLE_SUFFIXES and path.is_file()
    )
    files.update(dict.fromkeys(path.resolve() for path in documents))
    count = len(documents)
    en = f"{count} document{'' if count == 1 else 's'}"
    remarks.append(_about(str(folder), Wording(en, f"{count} 个文档")))
    remarks += [_unreadable(Path(error.filename), error) for error in closed]


def _about(name: str, complaint: Wording) -> Wording:
    return Wording(f"{name}: {complaint.en}", f"{name}：{complaint.zh}")


def _begins_with_url(text: str) -> bool:
    lines = (line.strip().lstrip("\ufeff") for line in text[:LONGEST_PEEK].splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return first.startswith(("http://", "https://")) or ("." in first and " " not in first)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _unreadable(path: Path, error: OSError) -> Wording:
    why = system_words(error)
    return Wording(f"cannot read {path}: {why.en}", f"读不了 {path}：{why.zh}")
