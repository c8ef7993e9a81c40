"""Copies of files that a browser handed over, and how they are told from files beside them."""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from ingest.errors import StoreError
from ingest.foundation.messages import Message, describe_os_error
from ingest.foundation.private_files import make_private_file
from ingest.foundation.settings import home
from ingest.local_files import path_of_url

MARKS = ".added"
"""Folder beside the copies: under a copy's name, the SHA-256 of what was written. No copy is called
so, for none begins with a dot."""


def uploads_folder() -> Path:
    """Return the folder of copies as documents name it: absolute, and without links."""
    return _resolved(home() / "library")


@lru_cache(maxsize=8)
def _resolved(folder: Path) -> Path:
    # Once: the place of each document is compared with it.
    return folder.resolve()


def write_copy(path: Path, content: Any) -> None:
    """Write a copy, and that it is one.

    Raises:
        OSError: it cannot be written.
    """
    make_private_file(path)
    path.write_bytes(content)
    mark = _mark_of(path)
    make_private_file(mark)
    mark.write_text(hashlib.sha256(content).hexdigest())


def copy_of(url: str) -> Path | None:
    """Return the file in the folder of copies that a document is from, also one within an archive.

    None for all others.
    """
    path, folder = path_of_url(url), uploads_folder()
    if path is None or not path.is_relative_to(folder) or path == folder:
        return None
    return folder / path.relative_to(folder).parts[0]


def remove_copies(urls: Iterable[str], *, held: Iterable[str]) -> None:
    """Remove the copies of documents; what the page has not written itself is its owner's.

    Args:
        urls: Documents that have left the index.
        held: Those that are in it: an archive stays as long as one of its files is.

    Raises:
        StoreError: one cannot be removed.
    """
    gone = {copy_of(url) for url in urls} - {None}
    for path in gone - {copy_of(url) for url in held} if gone else ():
        assert path is not None
        try:
            if _is_written_here(path):
                path.unlink()
                _mark_of(path).unlink()
        except OSError as error:
            why = describe_os_error(error)
            raise StoreError(
                Message("{path} cannot be removed: {why}", path=path, why=why)
            ) from error


def _mark_of(path: Path) -> Path:
    return path.parent / MARKS / path.name


def _is_written_here(path: Path) -> bool:
    """Whether a file is as the page has written it: one in its place is somebody's own."""
    mark = _mark_of(path)
    if not path.is_file() or not mark.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == mark.read_text()
