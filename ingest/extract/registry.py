"""All kinds of files that can be read, in the order in which a body is held against them.

To add one: write its module in `readers/`, name it here, and give
tests/contracts/test_file_reader.py a sample of it.
"""

from typing import Final

from ingest.extract.base import FileReader
from ingest.extract.readers import feed, html, office, pdf, text

READERS: Final[tuple[FileReader, ...]] = (
    pdf.PDF,
    office.DOCX,
    office.PPTX,
    office.EML,
    office.MSG,
    feed.FEED,
    html.HTML,
    text.TEXT,
)
"""Those that their first bytes prove come first, plain text, which nearly anything can be, last."""

_BY_SUFFIX: Final = {suffix: reader for reader in READERS for suffix in reader.suffixes}

READABLE_SUFFIXES: Final = frozenset(_BY_SUFFIX) - {""}
"""Of the files that can be read, lower case. Those without a suffix are tried, too."""

DOCUMENT_TYPES: Final = frozenset(
    media_type for reader in READERS if reader.is_document for media_type in reader.media_types
)
"""Media types that are downloaded only because there is a reader for them."""


def find_reader(media_type: str, body: bytes) -> FileReader | None:
    """Return the reader for a body that a server sent as `media_type`, None if there is none."""
    return next((reader for reader in READERS if reader.fits(media_type, body)), None)


def find_file_reader(suffix: str, body: bytes) -> FileReader | None:
    """Return the reader for a local file of that suffix, None if there is none.

    A file is what its name says; names and types on the web are less reliable. But an Office file
    called ".txt", or without a suffix, is no text: there the bytes decide.
    """
    reader = _BY_SUFFIX.get(suffix.lower())
    if reader is None:
        return None
    return reader if reader.fits(reader.media_types[0], body) else find_reader("", body)


def is_known_suffix(suffix: str) -> bool:
    """Return whether a file that is what its name says could be read."""
    return suffix.lower() in _BY_SUFFIX
