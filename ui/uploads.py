"""Files that a browser hands over: kept in the home, where their documents point to."""

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Language, Message, describe_os_error
from ingest.settings import MAX_NAME_CHARACTERS, may_be_in_name
from ui.jobs.ingest_job import IngestJob
from ui.jobs.kept_files import uploads_folder, write_copy


class FileNotReadError(QiuzhengError):
    """A file that a question came with could not be read into the index."""

    code = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesToRead:
    """The files that a question came with."""

    paths: tuple[Path, ...]
    language: Language
    """Language of the messages on files that cannot be read."""

    @property
    def collections(self) -> tuple[str, ...]:
        """The collections that they are read into."""
        return tuple(collection_of_file(path) for path in self.paths)


def keep_uploads(files: Iterable[Any], language: Language) -> FilesToRead:
    """Keep the files of Streamlit's uploader.

    Raises:
        FileNotReadError: one cannot be written.
    """
    paths = []
    for file in files:
        try:
            paths.append(keep_upload(file.name, file.getbuffer()))
        except OSError as error:
            failed = Message(
                "{name} cannot be kept: {reason}", name=file.name, reason=describe_os_error(error)
            )
            raise FileNotReadError(failed) from error
    return FilesToRead(paths=tuple(paths), language=language)


def collection_of_file(path: Path) -> str:
    """Return the name of the collection of one file: its own, without signs that none may have."""
    # NFC, as the names of collections are kept: a Mac writes é as two characters.
    stem, suffix = (unicodedata.normalize("NFC", part) for part in (path.stem, path.suffix))
    signs = ("".join(one if may_be_in_name(one) else " " for one in stem)).split()
    plain = " ".join(signs).strip(" .-")
    if not plain[:1].isalnum():  # of signs alone: identified by its bytes
        plain = (
            f"file {hashlib.sha256(stem.encode(errors='replace')).hexdigest()[:6]} {plain}".strip()
        )
    plain += "".join(one for one in suffix if may_be_in_name(one) and one != " ")
    # The end of a long name says more than its middle, and tells it from others.
    half = MAX_NAME_CHARACTERS // 2
    return plain if len(plain) <= MAX_NAME_CHARACTERS else f"{plain[: half - 1]}.{plain[-half:]}"


async def read_upload(path: Path, *, language: Language) -> None:
    """Read a file that was kept into the collection of its name.

    Raises:
        FileNotReadError: it cannot be read.
    """
    # A process of its own, as all reading for the page; it ends with a turn that is stopped.
    options = ("--collection", collection_of_file(path))
    job = IngestJob(sources=(str(path),), options=options)
    await job.run(language=language)
    if not job.stored + job.unchanged:
        problem = job.failures[0].reason if job.failures else job.message or job.last_blank
        reason = without_library(problem)
        if path.name in reason:  # most say of what they speak
            raise FileNotReadError(Message.verbatim(reason))
        raise FileNotReadError(
            Message("{name} cannot be read: {reason}", name=path.name, reason=reason)
        )


def without_library(text: str) -> str:
    """Return text without the folder of uploads: whoever added a file never saw it."""
    return text.replace(f"{uploads_folder()}/", "")


def keep_upload(name: str, content: Any) -> Path:
    """Keep an uploaded file in the home and return its path, which no other content has.

    Args:
        name: As the browser says it.
        content: Its bytes, or a view of them.

    Raises:
        OSError: it cannot be written.
    """
    # The name comes from a browser: of a path only its end is taken, and no blank that nobody sees.
    wanted = uploads_folder() / (Path(name.replace("\\", "/")).name.strip().lstrip(".") or "file")
    path, number = wanted, 1
    while path.exists() and path.read_bytes() != bytes(content):
        # Another file of the same name, which a document points to.
        number += 1
        path = wanted.with_stem(f"{wanted.stem}-{number}")
    if not path.exists():
        write_copy(path, content)
    return path
