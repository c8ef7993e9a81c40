"""Local files: what tells that one has not changed, and how its address is shown to people."""

import os
import re
import stat
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ingest.documents import PageValidators
from ingest.foundation.messages import NO_MESSAGE, Message, in_brackets, join_messages

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
FILE_SCHEME = "file:///"


def file_validators(path: Path) -> PageValidators | None:
    """Return what is kept of a file beside its text, None if it cannot be looked at.

    Size and time of the last change take the place of an ETag, as in make and rsync. They are those
    of this moment: take them before the file is read, so that a change while it is read is seen the
    next time.
    """
    try:
        state = path.stat()
    except NotADirectoryError:
        # What lies in an archive is as it was while the archive is: nothing has to be unpacked.
        archive = archive_of(path)
        if archive is None:
            return None
        state = archive.stat()
    except OSError:
        return None
    now = datetime.now(UTC)
    url = path.as_uri()
    # Archives hold times that no calendar has, and a file may bear any of them.
    try:
        modified = datetime.fromtimestamp(state.st_mtime, UTC)
    except (ValueError, OverflowError, OSError):
        modified = datetime.fromtimestamp(0, UTC)
    return PageValidators(
        url=url,
        final_url=url,
        checked_at=now,
        fresh_until=now,
        etag=f"{state.st_size}-{state.st_mtime_ns}",
        last_modified=modified.isoformat(),
        fetcher="file",
    )


def archive_of(path: Path) -> Path | None:
    """Return the file on the disk in which `path` lies, None if it lies in none.

    "/notes/2025.zip/may/a.md" lies in "/notes/2025.zip" where that is a file.
    """
    for place in (path, *path.parents):
        try:
            state = place.stat()
        except OSError:  # nothing there, or something below a file
            continue
        return place if place != path and stat.S_ISREG(state.st_mode) else None
    return None


def modified_at(validators: PageValidators) -> datetime:
    """Return when the file of `file_validators` was last changed, aware."""
    return datetime.fromisoformat(validators.last_modified)


def path_of_url(url: str) -> Path | None:
    """Return the path that a file:// URL names, None for any other URL."""
    if not url.startswith(FILE_SCHEME):
        return None
    # surrogateescape: names on disk are bytes, and not all of them are UTF-8.
    return Path(unquote(urlsplit(url).path, errors="surrogateescape"))


def shown_url(url: str) -> str:
    """Return an address as people read it: the path of a local file, any other URL as it is.

    "file:///notes/%E9%87%87.md" is "/notes/采.md". `url` itself is what to compare and to open.
    """
    path = path_of_url(url)
    if path is None:
        return url
    name = str(path).encode(errors="surrogateescape").decode(errors="replace")
    # A line end in a name would make one line of a list two.
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], name)


def describe_document(url: str, title: str) -> Message:
    """Return the title of a page, the name of a file with its title behind it: "a.xlsx (Stock)".

    A file is looked for by its name, and its title may be that of a sheet.
    """
    name = title if path_of_url(url) is None else Path(shown_url(url)).name
    shown = [Message.verbatim(name)]
    if title != name:
        shown.append(in_brackets(Message.verbatim(title)))
    return join_messages(shown, NO_MESSAGE)


def is_gone(path: Path) -> bool:
    """Return whether there certainly is no file at `path` any more.

    False where that is unknown, e.g. in a folder that may not be opened or on a drive that does not
    answer: what is not known to be gone is kept.
    """
    try:
        state = os.lstat(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return not (stat.S_ISREG(state.st_mode) or stat.S_ISLNK(state.st_mode))
