"""What a person names on the command line of `ingest`: URLs, lists of URLs, documents, folders."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ingest.errors import FetchError
from ingest.extract.registry import READABLE_SUFFIXES
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Message, describe_os_error
from ingest.web.urls import canonical_url, read_url_list

LIST_SUFFIXES = frozenset({".txt", ".list", ".urls", ""})
"""A file of these that begins with a URL is a list of URLs; any other file is a document."""

DOCUMENT_SUFFIXES = READABLE_SUFFIXES | {
    *(".doc", ".ppt", ".xls", ".xlsx", ".odt", ".rtf", ".epub", ".list", ".urls", ".xml", ".json")
}
"""What so ends is a file, there or missing; only "https://" makes an address of it."""

_HOST = re.compile(
    r"(//)?(localhost|\[[\da-f:.]+\]|\d+(\.\d+){3}|([\w-]+\.)+([^\W\d_]{2,}|xn--[\w-]+))\.?"
    r"(:\d+)?([/?#].*)?",
    re.IGNORECASE,
)
"""How an address begins whose "https://" was left out."""

LONGEST_PEEK = 4_096
"""Characters read to tell a list from a document."""


class SourceError(QiuzhengError):
    """A source cannot be read."""

    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What to store, each once, in the order named."""

    urls: tuple[str, ...]
    """Canonical."""
    files: tuple[Path, ...]
    """Absolute."""
    remarks: tuple[Message, ...]
    """What to say of them: how many documents a folder holds, lines that name no page, e.g.
    "urls.txt: line 7: …", and what cannot be opened; the rest goes on."""


def read_sources(names: Iterable[str], *, stdin: TextIO) -> Sources:
    """Return the pages and files that `names` stand for.

    Raises:
        SourceError: a file is missing, or nothing is left to store.
    """
    urls: dict[str, None] = {}
    files: dict[Path, None] = {}
    remarks: list[Message] = []
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
            Message("no page to store"),
            hint=remarks[0] if remarks else Message("the list is empty"),
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
            Message("the name of a source is empty"),
            hint=Message("give a URL, a list of URLs, a document, a folder, or -"),
        )
    return SourceError(
        Message("no such file: {name}", name=name[:80]),
        hint=Message("check its name; the address of a web page begins with https://"),
    )


def _add_url(name: str, urls: dict[str, None], remarks: list[Message]) -> None:
    try:
        urls[canonical_url(name)] = None
    except FetchError as error:
        remarks.append(_about(name[:80], error.message))


def _add_list(text: str, name: str, urls: dict[str, None], remarks: list[Message]) -> None:
    found, complained = read_url_list(text)
    urls.update(dict.fromkeys(found))
    remarks += [_about(name, complaint) for complaint in complained]


def _add_file(
    path: Path, urls: dict[str, None], files: dict[Path, None], remarks: list[Message]
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


def _add_folder(folder: Path, files: dict[Path, None], remarks: list[Message]) -> None:
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
    remarks.append(
        Message(
            "{name}: {count} document" if count == 1 else "{name}: {count} documents",
            name=folder,
            count=count,
        )
    )
    remarks += [_unreadable(Path(error.filename), error) for error in closed]


def _about(name: str, complaint: Message) -> Message:
    return Message("{name}: {complaint}", name=name, complaint=complaint)


def _begins_with_url(text: str) -> bool:
    lines = (line.strip().lstrip("\ufeff") for line in text[:LONGEST_PEEK].splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return first.startswith(("http://", "https://")) or ("." in first and " " not in first)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _unreadable(path: Path, error: OSError) -> Message:
    why = describe_os_error(error)
    return Message("cannot read {path}: {why}", path=path, why=why)
