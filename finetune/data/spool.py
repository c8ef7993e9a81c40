"""Files that are too large to be held: lines that are read again, and files that appear whole."""

import contextlib
import os
import tempfile
from array import array
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self


class Spool:
    """A nameless file of lines: 8 bytes of memory for each, and gone when the process is.

    Raises:
        OSError: the folder cannot be written to, or the disk is full.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  closed by __exit__
        self._offsets = array("Q")
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, line: bytes) -> int:
        """Keep a line, which must hold no newline, and return its number, counted from 0."""
        number = len(self._offsets)
        self._offsets.append(self._end)
        self._end += self._file.write(line + b"\n")
        return number

    def line(self, number: int) -> bytes:
        """Return a line by its number. Lines must not be added any more."""
        self._file.seek(self._offsets[number])
        return self._file.readline()[:-1]

    def __iter__(self) -> Iterator[bytes]:
        """Yield all lines in order. Neither `add` nor `line` may be called meanwhile."""
        self._file.seek(0)
        for line in self._file:
            yield line[:-1]


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name once the block ends well; else the old one stays."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
