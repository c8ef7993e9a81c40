"""What a person names on the command line of `ingest`: URLs, lists of URLs, documents, folders."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from tld import get_tld

from ingest.bulk.folders import (
    ALL_PATHS,
    NO_EXTRA_KINDS,
    ExtraKinds,
    PathPatterns,
    scan_folder,
)
from ingest.errors import FetchError
from ingest.events import FileLeftOut, SourceScanned, SourceUnusable
from ingest.extract.archives import is_archive
from ingest.extract.base import READABLE_SUFFIXES
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Message, describe_os_error
from ingest.local_files import archive_of
from ingest.web.urls import parse_url_line, typed_url

LIST_SUFFIXES = frozenset({".list", ".urls"})
"""A file of these is a list of URLs, whatever it holds."""

MAYBE_LIST_SUFFIXES = frozenset({".txt", ""})
"""A file of these is a list of URLs if most of its lines are addresses, else a document."""

DOCUMENT_SUFFIXES = READABLE_SUFFIXES | {
    *(".doc", ".ppt", ".xls", ".list", ".urls"),
    *(".zip", ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".7z", ".rar"),
}
"""A name that ends so is a file, there or missing; only "https://" makes it an address."""

_HOST = re.compile(
    r"(//)?(localhost|\[[\da-f:.]+\]|\d+(\.\d+){3}|([\w-]+\.)+([^\W\d_]{2,}|xn--[\w-]+))\.?"
    r"(:\d+)?([/?#].*)?",
    re.IGNORECASE,
)
"""An address whose "https://" was left out."""

MAX_PEEK_CHARACTERS = 65_536
"""Characters read to tell a list from a document."""

MAX_LINE_CHARACTERS = 65_536
"""Characters of one line of a list that are kept: a file without line ends must fit into memory."""

SourceItem = str | Path | FileLeftOut | SourceScanned | SourceUnusable
"""A canonical URL, an absolute path of a document, or what a person should know."""


class SourceError(QiuzhengError):
    """A source cannot be read."""

    exit_code = 2


def read_sources(
    names: Iterable[str],
    *,
    stdin: TextIO,
    patterns: PathPatterns = ALL_PATHS,
    extra_kinds: ExtraKinds = NO_EXTRA_KINDS,
) -> Iterator[SourceItem]:
    """Return what `names` stand for, in the order named, read as it is asked for.

    Nothing is kept: a list may be longer than memory, and what is named twice comes twice.

    Args:
        names: URLs, files, also those within archives, folders, or "-" for a list on `stdin`.
        stdin: Where "-" reads.
        patterns: Which files of folders are wanted.
        extra_kinds: Which kinds are wanted of folders; a file that is named itself always is.

    Raises:
        SourceError: a name is empty, or its file is missing. Before the first item.
    """
    sources = [_find_source(name, stdin, patterns, extra_kinds) for name in names]
    return (item for source in sources for item in source)


def _find_source(
    name: str, stdin: TextIO, patterns: PathPatterns, extra_kinds: ExtraKinds
) -> Iterable[SourceItem]:
    path = Path(name)
    if name == "-":
        return _listed(_numbered_lines(stdin), "-")
    # A file that is there is meant, even one that is called "example.com".
    if "://" in name or (looks_like_address(name) and not is_here(path)):
        return _address(name)
    if not name.strip():
        raise SourceError(
            Message("the name of a source is empty"),
            hint=Message("give a URL, a list of URLs, a document, a folder, or -"),
        )
    if not _exists(path):
        if (member := archive_member(path)) is not None:
            return [member]
        raise SourceError(
            Message("no such file: {name}", name=name[:80]),
            hint=Message("check its name; the address of a web page begins with https://"),
        )
    return _folder(path, patterns, extra_kinds) if path.is_dir() else _file(path)


def _address(name: str) -> Iterator[SourceItem]:
    try:
        yield typed_url(name)
    except FetchError as error:
        yield SourceUnusable(name=name[:80], detail=error.message)


def _file(path: Path) -> Iterator[SourceItem]:
    """Yield a document, or the pages of a list."""
    # /dev/urandom has no end, and a pipe without a writer no beginning.
    if not path.is_file():
        why = Message("it is a device, a pipe or a socket")
        yield _unreadable(path, why)
        return
    try:
        suffix = path.suffix.rstrip()
        if suffix in LIST_SUFFIXES | MAYBE_LIST_SUFFIXES:
            with path.open(encoding="utf-8", errors="replace") as file:
                is_list = suffix in LIST_SUFFIXES or is_url_list(file.read(MAX_PEEK_CHARACTERS))
                if is_list:
                    file.seek(0)
                    yield from _listed(_numbered_lines(file), str(path))
                    return
        # Opened now: a thousand pages later nobody looks at the terminal any more.
        with path.open("rb"):
            pass
    except OSError as error:
        yield _unreadable(path, describe_os_error(error))
        return
    yield path.resolve()


def _folder(folder: Path, patterns: PathPatterns, extra_kinds: ExtraKinds) -> Iterator[SourceItem]:
    """Yield the documents below `folder`, what is left out, and how many there were of both."""
    documents = left_out = 0
    for item in scan_folder(folder, patterns, extra_kinds=extra_kinds):
        if isinstance(item, FileLeftOut):
            left_out += 1
        else:
            documents += 1
        yield item
    yield SourceScanned(
        name=str(folder.resolve()), kind="folder", count=documents, left_out=left_out
    )


def _listed(lines: Iterable[tuple[int, str]], name: str) -> Iterator[SourceItem]:
    """Yield the pages of a list; `name` says which list a bad line stands in."""
    count = 0
    for number, line in lines:
        try:
            url = parse_url_line(line)
        except FetchError as error:
            why = Message("line {number}: {message}", number=number, message=error.message)
            yield SourceUnusable(name=name, detail=why)
            continue
        if url is not None:
            count += 1
            yield url
    yield SourceScanned(name=name, kind="list", count=count)


def _numbered_lines(file: TextIO) -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the text of each line, of which the end may be cut off."""
    number = 1
    while line := file.readline(MAX_LINE_CHARACTERS):
        yield number, line
        while line and not line.endswith("\n"):
            line = file.readline(MAX_LINE_CHARACTERS)
        number += 1


def looks_like_address(name: str) -> bool:
    """Return whether a name without a scheme can be that of a web page."""
    suffix = Path(re.split(r"[?#]", name, maxsplit=1)[0]).suffix.lower()
    return suffix not in DOCUMENT_SUFFIXES and _HOST.fullmatch(name) is not None


def is_url_list(text: str) -> bool:
    """Return whether a file that begins with `text` is a list of URLs: most of its lines are.

    A line without "https://" counts only if its domain exists: "README.md", "v1.2.draft" and
    "Introduction." are text, and a text that is taken for a list is lost and goes to the resolver.
    """
    lines = [line.strip().removeprefix("\ufeff") for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    return sum(map(_is_address, lines)) > len(lines) / 2


def _is_address(line: str) -> bool:
    first, *comment = line.split(None, 1)
    if comment and not comment[0].startswith("#"):
        return False
    if first.lower().startswith(("http://", "https://")):
        return True
    return looks_like_address(first) and bool(get_tld(f"https://{first}", fail_silently=True))


def archive_member(path: Path) -> Path | None:
    """Return the absolute path of what lies in an archive, None if `path` leads into none.

    "notes.zip/may/a.md" is one file of "notes.zip"; whether that holds it shows when it is read.
    """
    try:
        resolved = path.resolve()  # without "..": it would lead out of where archives are unpacked
        archive = archive_of(resolved)
    except (OSError, ValueError, RuntimeError):  # too long for a name, or a NUL; links in a circle
        return None
    return resolved if archive is not None and is_archive(archive) else None


def is_here(path: Path) -> bool:
    """Return whether a name is that of a file, a folder, or something within an archive."""
    return _exists(path) or archive_member(path) is not None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # e.g. a name longer than names can be
        return False


def _unreadable(path: Path, why: Message) -> SourceUnusable:
    return SourceUnusable(name=str(path), detail=Message("cannot be read: {why}", why=why))
