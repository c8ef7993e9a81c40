"""What a reader process is asked for besides a page: a local file, an archive."""

from dataclasses import dataclass
from pathlib import Path

from ingest.documents import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class FileJob:
    """Read a local file."""

    path: Path
    """Where it is, absolute."""
    shown: Path
    """What it is called: another path for a file that was unpacked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveJob:
    """List the files of an archive, or unpack them."""

    path: Path
    shown: Path
    folder: Path | None
    """Where to; None: list them."""


Job = Page | FileJob | ArchiveJob
