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
from ingest.web.urls import canonical_url, parse_url_list

LIST_SUFFIXES = frozenset({".txt", ".list", ".urls", ""})
"""A file of these that begins with a URL is a list of URLs; any other file is a document."""

DOCUMENT_SUFFIXES = READABLE_SUFFIXES | {
    *(".doc", ".ppt", ".xls", ".xlsx", ".odt", ".rtf", ".epub", ".list", ".urls", ".xml", ".json")
}
"""A name that ends so is a file, there or missing; only "https://" makes it an address."""

_HOST = re.compile(
    r"(//)?(localhost|\[[\da-f:.]+\]|\d+(\.\d+){3}|([\w-]+\.)+([^\W\d_]{2,}|xn--[\w-]+))\.?"
    r"(:\d+)?([/?#].*)?",
    re.IGNORECASE,
)
"""An address whose "https://" was left out."""

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
    notes: tuple[Message, ...]
    """What a person should know: how many documents a folder holds, lines that name no page, e.g.
    "urls.txt: line 7: …", and what cannot be opened; the rest goes on."""


def read_sources(names: Iterable[str], *, stdin: TextIO) -> Sources:
    """Return the pages and files that `names` stand for.

    Raises:
        SourceError: a file is missing, or nothing is left to store.
    """
    collector = _SourceCollector()
    for name in names:
        path = Path(name)
        if name == "-":
            collector.add_list(stdin.read(), "-")
        # A file that is there is meant, even one that is called "example.com".
        elif "://" in name or (looks_like_address(name) and not _exists(path)):
            collector.add_url(name)
        elif not name.strip():
            raise SourceError(
                Message("the name of a source is empty"),
                hint=Message("give a URL, a list of URLs, a document, a folder, or -"),
            )
        elif not _exists(path):
            raise SourceError(
                Message("no such file: {name}", name=name[:80]),
                hint=Message("check its name; the address of a web page begins with https://"),
            )
        elif path.is_dir():
            collector.add_folder(path)
        else:
            collector.add_file(path)
    return collector.result()


class _SourceCollector:
    """Collects URLs and files, each once, and what is wrong with others."""

    def __init__(self) -> None:
        # Dictionaries, because they keep the order and sets do not.
        self._urls: dict[str, None] = {}
        self._files: dict[Path, None] = {}
        self._notes: list[Message] = []

    def add_url(self, name: str) -> None:
        """Add a page, or a note why `name` is the address of none."""
        try:
            self._urls[canonical_url(name)] = None
        except FetchError as error:
            self._notes.append(_note_about(name[:80], error.message))

    def add_list(self, text: str, name: str) -> None:
        """Add the pages of a list, one a line; `name` says which list a bad line stands in."""
        urls, problems = parse_url_list(text)
        self._urls.update(dict.fromkeys(urls))
        self._notes += [_note_about(name, problem) for problem in problems]

    def add_file(self, path: Path) -> None:
        """Add a document, or the pages of a list. A file that cannot be opened becomes a note."""
        # /dev/urandom has no end, and a pipe that nobody writes to no beginning.
        if not path.is_file():
            self._notes.append(
                Message("cannot read {path}: it is a device, a pipe or a socket", path=path)
            )
            return
        try:
            if path.suffix in LIST_SUFFIXES:
                text = path.read_text(encoding="utf-8", errors="replace")
                if begins_with_url(text):
                    self.add_list(text, str(path))
                    return
            # Opened now: a thousand pages later nobody looks at the terminal any more.
            with path.open("rb"):
                self._files[path.resolve()] = None
        except OSError as error:
            self._note_unreadable(path, error)

    def add_folder(self, folder: Path) -> None:
        """Add the documents below `folder`, none hidden, and none behind a link to a folder."""
        errors: list[OSError] = []
        found: list[Path] = []
        # os.walk follows no links to folders: one to a parent would have no end.
        for place, folders, names in os.walk(folder, onerror=errors.append):
            folders[:] = [name for name in folders if not name.startswith(".")]
            found += [Path(place, name) for name in names if not name.startswith(".")]
        documents = sorted(
            path for path in found if path.suffix.lower() in READABLE_SUFFIXES and path.is_file()
        )
        self._files.update(dict.fromkeys(path.resolve() for path in documents))
        count = len(documents)
        self._notes.append(
            Message(
                "{name}: {count} document" if count == 1 else "{name}: {count} documents",
                name=folder,
                count=count,
            )
        )
        for error in errors:
            self._note_unreadable(Path(error.filename), error)

    def result(self) -> Sources:
        """Return what was collected.

        Raises:
            SourceError: there is nothing to store.
        """
        if not self._urls and not self._files:
            raise SourceError(
                Message("no page to store"),
                hint=self._notes[0] if self._notes else Message("the list is empty"),
            )
        return Sources(urls=tuple(self._urls), files=tuple(self._files), notes=tuple(self._notes))

    def _note_unreadable(self, path: Path, error: OSError) -> None:
        why = describe_os_error(error)
        self._notes.append(Message("cannot read {path}: {why}", path=path, why=why))


def looks_like_address(name: str) -> bool:
    """Return whether a name without a scheme can be that of a web page."""
    suffix = Path(re.split(r"[?#]", name, maxsplit=1)[0]).suffix.lower()
    return suffix not in DOCUMENT_SUFFIXES and _HOST.fullmatch(name) is not None


def begins_with_url(text: str) -> bool:
    """Return whether the first line of a file, comments aside, is a URL or looks like one."""
    lines = (line.strip().lstrip("\ufeff") for line in text[:LONGEST_PEEK].splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return first.startswith(("http://", "https://")) or ("." in first and " " not in first)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # e.g. a name longer than names can be
        return False


def _note_about(name: str, problem: Message) -> Message:
    return Message("{name}: {problem}", name=name, problem=problem)
