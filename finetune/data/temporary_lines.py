"""Lines that are too many to be held in memory and are read again."""

import tempfile
from array import array
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self


class TemporaryLines:
    """A nameless file of lines: 8 bytes of memory for each, and gone when the process is.

    Lines are added first and read afterwards: one file position serves both.

    Raises:
        OSError: the folder cannot be written to, or the disk is full.
    """

    def __init__(self, folder: Path) -> None:
        # In the run's folder, not in /tmp, which is often a part of memory.
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
        """Return a line by its number, without its newline. No line must be added any more."""
        self._file.seek(self._offsets[number])
        return self._file.readline()[:-1]

    def __iter__(self) -> Iterator[bytes]:
        """Yield all lines in order. Neither `add` nor `line` may be called meanwhile."""
        self._file.seek(0)
        for line in self._file:
            yield line[:-1]
