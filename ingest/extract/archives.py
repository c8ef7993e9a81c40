"""Archives (zip, tar): which of their files can be read, and unpacking those, within bounds.

Called in the reader processes, which may be killed and hold little memory: an archive is what a
stranger made, and its directory may lie about names, sizes and kinds.
"""

import bz2
import errno
import gzip
import io
import lzma
import os
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from ingest.extract.base import (
    OLD_OFFICE_SUFFIXES,
    READABLE_SUFFIXES,
    SNIFFED_BYTES,
    DamagedFileError,
    suffix_of,
)
from ingest.extract.file_bytes import MAX_FILE_BYTES
from ingest.extract.formats.zip_parts import names_damage
from ingest.foundation.private_files import OWNER_ONLY_FILE, make_private_folder

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
BinaryFile = IO[bytes] | gzip.GzipFile

_OPENERS: dict[str, Callable[[Path], BinaryFile]] = {
    ".gz": gzip.GzipFile,
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
}
"""Openers of one file, packed: "notes.txt.gz" holds "notes.txt"."""
ARCHIVE_SUFFIXES = (".zip", *TAR_SUFFIXES, *_OPENERS)

MAX_MEMBERS = 10_000
"""Files of one archive that are looked at: as many as a crawl reads pages."""
MAX_UNPACKED = 1_000_000_000
"""Bytes that one archive may take on the disk: ten of the largest files that are read."""
MAX_DEPTH = 3
"""Archives within each other."""
_SLICE = 1 << 20

MemberLeftOut = Literal[
    "hidden",
    "no_reader",
    "special",
    "unreadable",
    "encrypted",
    "unsafe_name",
    "beyond_bounds",
    "broken_off",
]
"""Why a file of an archive is none of its documents: reasons of `ingest.events.LeftOutReason`."""


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class NoRoomError(DamagedFileError):
    """The disk has no space for what an archive holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveContent:
    """What an archive holds."""

    members: tuple[str, ...] = ()
    """Files that can be read, archives among them: relative paths without "..", with "/"."""
    left_out: tuple[tuple[MemberLeftOut, str], ...] = ()
    """The others, each with the reason. "…" stands for all behind the last that was looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    name: str
    size: int
    """Bytes as the directory declares them."""
    modified: float
    open: Callable[[], BinaryFile]
    problem: MemberLeftOut | None = None


def is_archive(path: Path) -> bool:
    """Return whether a file of this name is an archive."""
    return path.name.lower().rstrip().endswith(ARCHIVE_SUFFIXES)


@names_damage
def list_archive(path: Path) -> ArchiveContent:
    """Return what an archive holds. Blocks.

    Raises:
        DamagedFileError: it is none, or a broken one.
    """
    return _walk(path, None)


@names_damage
def unpack_archive(path: Path, folder: Path) -> ArchiveContent:
    """Write the files that can be read below `folder`, and return what the archive holds. Blocks.

    Files have their own time of change. One that unfolds to more than it declares is cut off and
    left out, and nothing is written past `MAX_UNPACKED`.

    Raises:
        DamagedFileError: it is none, or a broken one.
    """
    return _walk(path, folder)


def _walk(path: Path, folder: Path | None) -> ArchiveContent:
    members: dict[str, None] = {}
    left_out: list[tuple[MemberLeftOut, str]] = []
    budget = MAX_UNPACKED
    with _opened(path) as found:
        for number, member in enumerate(_until_broken(found)):
            if number >= MAX_MEMBERS:
                left_out.append(("beyond_bounds", "…"))
                break
            size, problem = member.size, _problem(member, budget)
            if problem is None:
                size, problem = _unpack_member(member, folder, budget)
            if problem is None:
                budget -= size
                members[member.name] = None
            else:
                left_out.append((problem, member.name))
    if not members and ("broken_off", "…") in left_out:
        raise DamagedFileError
    return ArchiveContent(members=tuple(members), left_out=tuple(left_out))


def _until_broken(found: Iterator[_Member]) -> Iterator[_Member]:
    """Yield members; where an archive breaks off, what came before stays, and one says so."""
    try:
        yield from found
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  libraries may raise anything over a broken file
        yield _Member(name="…", size=0, modified=0.0, open=io.BytesIO, problem="broken_off")


def _problem(member: _Member, budget: int) -> MemberLeftOut | None:
    """Return why a file is left out by its name, kind or size, None if it is to be read."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", member.name):
        return "unsafe_name"
    # What macOS and Windows add to archives is hidden or lies in a folder of theirs.
    if any(part.startswith(".") or part == "__MACOSX" for part in path.parts):
        return "hidden"
    if member.problem is not None:
        return member.problem
    if member.size > min(MAX_FILE_BYTES, budget):
        return "beyond_bounds"
    if is_archive(Path(member.name)) or suffix_of(path) in READABLE_SUFFIXES:
        return None
    if suffix_of(path) in OLD_OFFICE_SUFFIXES:
        return None
    return "no_reader" if suffix_of(path) else None  # without one the bytes decide


def _unpack_member(
    member: _Member, folder: Path | None, budget: int
) -> tuple[int, MemberLeftOut | None]:
    """Look into a file whose suffix says nothing, write it, and return as `_write` does.

    README and LICENSE are read, programs are not. The file is opened once: a step back in a packed
    tar file unpacks again all that comes before.

    Raises:
        NoRoomError: the disk is full.
    """
    # The process that only names archives needs no reader.
    from ingest.extract.registry import begins_readable  # noqa: PLC0415

    suffix = suffix_of(member.name)
    is_sniffed = not suffix or suffix in OLD_OFFICE_SUFFIXES
    if folder is None and not is_sniffed:
        return member.size, None
    start = b""
    try:
        with member.open() as file:
            if is_sniffed:
                start = file.read(SNIFFED_BYTES)
                if not start or not begins_readable(suffix, start):
                    return 0, "no_reader"
            if folder is None:
                return member.size, None
            return _write(
                member, chain((start,), iter(partial(file.read, _SLICE), b"")), folder, budget
            )
    except (MemoryError, NoRoomError):
        raise
    except Exception:  # noqa: BLE001  libraries may raise anything over a broken file
        return 0, "unreadable"


def _write(
    member: _Member, pieces: Iterable[bytes], folder: Path, budget: int
) -> tuple[int, MemberLeftOut | None]:
    """Write one file; return how many bytes it takes, and why it could not be written.

    Raises:
        NoRoomError: the disk is full.
    """
    target = folder / member.name
    left_bytes = min(MAX_FILE_BYTES, budget)
    written_bytes = 0
    try:
        make_private_folder(target.parent)
        target.unlink(missing_ok=True)  # a name may come twice: the later one holds, as in unzip
        # O_EXCL: never through a link, though nobody but us writes here.
        handle = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY_FILE)
        with open(handle, "wb") as out:  # noqa: PTH123  of a handle
            for piece in pieces:
                written_bytes += out.write(piece)
                if written_bytes > left_bytes:
                    break
    except MemoryError:
        raise
    # A name that is longer than names may be, a wrong checksum, a password.
    except Exception as error:  # libraries may raise anything over a broken file
        with suppress(OSError, ValueError):
            target.unlink()
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise NoRoomError from error
        return 0, "unreadable"
    if written_bytes > left_bytes:
        target.unlink()
        return 0, "beyond_bounds"
    with suppress(OSError, OverflowError, ValueError):  # times that no calendar has
        os.utime(target, (member.modified, member.modified))
    return written_bytes, None


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[_Member]]:
    name = path.name.lower().rstrip()
    if name.endswith(TAR_SUFFIXES):
        with tarfile.open(path) as archive:
            yield _tar_members(archive)
    elif name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            yield _zip_members(archive)
    else:
        suffix = suffix_of(path)
        packed = _Member(
            name=path.name.rstrip()[: -len(suffix)],
            size=0,  # nobody knows: it is counted while it is written
            modified=path.stat().st_mtime,
            open=partial(_OPENERS[suffix], path),
        )
        yield iter([packed])


def _zip_members(archive: zipfile.ZipFile) -> Iterator[_Member]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    codec = _name_codec(entries)
    for entry in entries:
        is_locked = bool(entry.flag_bits & 0x1)
        name = (
            entry.filename
            if entry.flag_bits & _UTF8_NAME or entry.filename.isascii()
            else entry.filename.encode("cp437", "ignore").decode(codec, "replace")
        )
        try:
            modified = datetime(*entry.date_time).timestamp()
        except (ValueError, OverflowError, OSError):
            modified = 0.0
        yield _Member(
            # Old programs of Windows write "\" between folders.
            name=name.replace("\\", "/"),
            size=entry.file_size,
            modified=modified,
            open=partial(archive.open, entry),
            problem="encrypted" if is_locked else None,
        )


_UTF8_NAME = 0x800
"""Bit 11 of a zip entry's flags: its name is UTF-8 (PKWARE's APPNOTE, 4.4.4)."""


def _name_codec(entries: list[zipfile.ZipInfo]) -> str:
    """Return what names without the UTF-8 flag are written in: that of the machine that packed.

    Chinese Windows writes GBK, many programs UTF-8, and the standard's own is code page 437.
    """
    raw = [
        entry.filename.encode("cp437", "ignore")
        for entry in entries
        if not entry.flag_bits & _UTF8_NAME and not entry.filename.isascii()
    ]
    for codec, least in (("utf-8", 1.0), ("gb2312", 0.5)):
        fitting = 0
        for name in raw:
            with suppress(UnicodeDecodeError):
                name.decode(codec)
                fitting += 1
        if raw and fitting >= least * len(raw):
            return "gb18030" if codec == "gb2312" else codec
    return "cp437"


def _tar_members(archive: tarfile.TarFile) -> Iterator[_Member]:
    while (entry := archive.next()) is not None:
        # tarfile remembers every entry, for a look back that nobody takes here.
        archive.members = []  # type: ignore[attr-defined]
        if entry.isdir():
            continue
        yield _Member(
            name=_tar_name(entry.name).removeprefix("./"),
            size=entry.size,
            modified=float(entry.mtime),
            open=partial(_tar_file, archive, entry),
            # A link may lead anywhere, and what it leads to within is a file of its own.
            problem=None if entry.isreg() else "special",
        )


def _tar_name(name: str) -> str:
    raw = name.encode("utf-8", "surrogateescape")
    for codec in ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            return raw.decode(codec)
    return raw.decode("utf-8", "replace")


def _tar_file(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(entry)
    if file is None:
        raise DamagedFileError
    return file
