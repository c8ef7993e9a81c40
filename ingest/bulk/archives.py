"""`ArchiveReader`: files of archives, which are unpacked while they are read."""

import asyncio
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from ingest.documents import Document
from ingest.errors import ExtractError
from ingest.extract.archives import ArchiveContent
from ingest.extract.worker_pool import ReaderPool
from ingest.foundation.messages import Message, describe_os_error
from ingest.foundation.private_files import OWNER_ONLY_FILE, make_private_folder
from ingest.local_files import archive_of

KEPT_UNPACKED = 2
"""Archives that stay unpacked while others are read: as many as files are read side by side. Of a
folder of archives all together might not fit on the disk."""

SWEEP_S = 5.0
"""Longest wait for another process that looks whether ours is gone."""


def delete_unpacked(folder: Path) -> None:
    """Delete what killed processes left unpacked in `folder`; what is in use stays. Blocks."""
    for lock_file in folder.glob("*.lock"):
        # The kernel drops a lock with its process, also by kill -9.
        with suppress(Timeout, OSError), FileLock(lock_file, timeout=0):
            shutil.rmtree(lock_file.with_suffix(""), ignore_errors=True)
            lock_file.unlink(missing_ok=True)


@dataclass(slots=True, kw_only=True)
class _Unpacked:
    """An archive on the disk."""

    folder: Path
    users: int = 0
    """Files that are being read from it."""
    is_ready: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class ArchiveReader:
    """Reads files by their path, also those within archives, at any depth.

    Args:
        folder: Where archives are unpacked: beside the index, since /tmp is memory on many systems.
            What a killed process left there goes when the next one unpacks something.
        pool: Opens archives and reads files, in processes that can be killed.
    """

    def __init__(self, *, folder: Path, pool: ReaderPool) -> None:
        self._parent = folder
        self._pool = pool
        self._root: Path | None = None
        self._lock: FileLock | None = None
        self._opening = asyncio.Lock()
        self._archives: OrderedDict[Path, _Unpacked] = OrderedDict()

    async def content(self, path: Path) -> ArchiveContent:
        """Return what an archive holds, which may lie in another one.

        Raises:
            ExtractError: it is none, is damaged or takes too much.
        """
        async with self._located(path, path) as real:
            return await self._pool.open_archive(real, shown=path)

    async def read_file(self, path: Path) -> Document:
        """Return the text of a file, as `ReaderPool.read_file` does."""
        async with self._located(path, path) as real:
            document = await self._pool.read_file(real, shown=path)
            if real == path or document.modified is not None:
                return document
            # Its own day, not that of the archive, which is all that the path can tell.
            with suppress(OSError, ValueError, OverflowError):
                changed = datetime.fromtimestamp(real.stat().st_mtime, UTC)
                return replace(document, modified=changed.date())
            return document

    async def close(self) -> None:
        """Delete what was unpacked. May be called twice."""
        await asyncio.to_thread(self._delete_all)

    def _delete_all(self) -> None:
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)
        if self._lock is not None:
            self._lock.release()
            with suppress(OSError):
                Path(self._lock.lock_file).unlink(missing_ok=True)
        self._root = self._lock = None
        self._archives.clear()

    @asynccontextmanager
    async def _located(self, path: Path, shown: Path) -> AsyncGenerator[Path]:
        """Yield where a file is on the disk, and keep it there meanwhile."""
        archive = await asyncio.to_thread(archive_of, path)
        if archive is None:
            yield path
            return
        inner = path.relative_to(archive)
        unpacked = self._archives.setdefault(archive, _Unpacked(folder=Path()))
        self._archives.move_to_end(archive)
        unpacked.users += 1
        try:
            async with unpacked.lock:
                if not unpacked.is_ready:
                    unpacked.folder = await self._new_folder(shown)
                    outer = shown.parents[len(inner.parts) - 1]
                    await self._pool.open_archive(archive, shown=outer, folder=unpacked.folder)
                    unpacked.is_ready = True
            async with self._located(unpacked.folder / inner, shown) as real:
                yield real
        finally:
            unpacked.users -= 1
            idle = [path for path, each in self._archives.items() if not each.users]
            for path in idle[: max(0, len(self._archives) - KEPT_UNPACKED)]:
                gone = self._archives.pop(path)
                if gone.is_ready:
                    await asyncio.to_thread(shutil.rmtree, gone.folder, ignore_errors=True)

    async def _new_folder(self, shown: Path) -> Path:
        try:
            # One at a time: two roots would take each other for what a killed process left.
            async with self._opening:
                if self._root is None:
                    self._root = await asyncio.to_thread(self._open_root)
            return Path(tempfile.mkdtemp(dir=self._root))
        except OSError as error:
            raise ExtractError(
                Message("cannot unpack {path} ({why})", path=shown, why=describe_os_error(error)),
                url=shown.as_uri(),
                reason="unreachable",
            ) from error

    def _open_root(self) -> Path:
        """Return a folder of this process, after deleting those of processes that are gone."""
        make_private_folder(self._parent)
        delete_unpacked(self._parent)
        root = Path(tempfile.mkdtemp(dir=self._parent))
        self._lock = FileLock(f"{root}.lock", mode=OWNER_ONLY_FILE)
        self._lock.acquire(timeout=SWEEP_S)
        make_private_folder(root)  # a sweep of another process may have met it before it was locked
        return root
