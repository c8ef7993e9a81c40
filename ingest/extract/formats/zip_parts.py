"""Opens zipped documents (Office, OpenDocument, EPUB) without unfolding a bomb."""

import functools
import io
import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

from lxml import etree

from ingest.extract.base import DamagedFileError, OversizedFileError
from ingest.foundation.messages import Message

MAX_PART = 40_000_000
"""Bytes of one part, unzipped: the text of a book of 5,000 pages. As a tree it takes ten times as
much."""
MAX_PARTS_READ = 120_000_000
"""Bytes of all parts that one document may unfold to."""

MIN_PICTURE_BYTES = 10_000
"""A picture of fewer is a logo or an icon: one of a paragraph takes 15,000."""

_PICTURE_PART = re.compile(
    r"(?:^|/)(?:media|Pictures)/[^/]+\.(?:png|jpe?g|tiff?|bmp|webp|gif)$", re.IGNORECASE
)
_RELATIONSHIPS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"

P = ParamSpec("P")
R = TypeVar("R")


def names_damage(read: Callable[P, R]) -> Callable[P, R]:
    """Decorate a reader: whatever a library raises over broken bytes is a `DamagedFileError`.

    A list of exception types is never complete: of 1,900 damaged files 392 raised one more.
    """

    @functools.wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return read(*args, **kwargs)
        except (DamagedFileError, ImportError, MemoryError):
            raise
        except Exception as error:
            raise DamagedFileError from error

    return reading


class ZipParts:
    """The parts of a zipped document, each read at most up to a bound."""

    def __init__(self, body: bytes) -> None:
        self._file = zipfile.ZipFile(io.BytesIO(body))
        self.names = tuple(self._file.namelist())
        self._left = MAX_PARTS_READ

    def read(self, name: str) -> bytes:
        """Return a part, b"" if there is none; raise `OversizedFileError` for a bomb."""
        try:
            info = self._file.getinfo(name)
        except KeyError:
            return b""
        # What the directory declares may be a lie: read no more than is allowed in any case.
        with self._file.open(info) as part:
            content = part.read(min(MAX_PART, self._left) + 1)
        self._left -= len(content)
        if len(content) > MAX_PART or self._left < 0:
            raise OversizedFileError
        return content

    def xml(self, name: str) -> etree._Element | None:
        """Return the root of an XML part, None if there is no such part."""
        content = self.read(name)
        return parse_xml(content) if content else None

    def picture_notes(self) -> tuple[Message, ...]:
        """Return how many pictures the document has that may show text, as a note, if any."""
        sizes = (
            part.file_size for part in self._file.infolist() if _PICTURE_PART.search(part.filename)
        )
        count = sum(size >= MIN_PICTURE_BYTES for size in sizes)
        text = "pictures not read: {count} (save those that show text as .png or .jpg)"
        return (Message(text, count=count),) if count else ()

    def related(self, name: str) -> dict[str, str]:
        """Return relationship id -> name of the part, of what an Open XML part refers to."""
        folder, file = posixpath.split(name)
        root = self.xml(f"{folder}/_rels/{file}.rels")
        if root is None:
            return {}
        return {
            each.get("Id", ""): posixpath.normpath(
                posixpath.join(folder, each.get("Target", ""))
            ).lstrip("/")
            if not each.get("Target", "").startswith("/")
            else each.get("Target", "").lstrip("/")
            for each in root.iter(_RELATIONSHIPS)
            if each.get("TargetMode") != "External"
        }

    def embedded(self, name: str) -> Iterator[tuple[str, bytes]]:
        """Yield name and content of the files that a part holds as objects, once each."""
        for part in dict.fromkeys(self.related(name).values()):
            if "/embeddings/" in part:
                yield posixpath.basename(part), self.read(part)


def parse_xml(content: bytes) -> etree._Element:
    """Return the root of an XML document of strangers: no network, no DTD, no entities."""
    parser = etree.XMLParser(no_network=True, resolve_entities=False, huge_tree=False)
    return etree.fromstring(content, parser)


def local_name(element: etree._Element) -> str:
    """Return the tag without its namespace, "" for comments and processing instructions."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: etree._Element | None, name: str, default: str = "") -> str:
    """Return an attribute of that local name, whatever its namespace."""
    if element is not None:
        for key, value in element.attrib.items():
            if key.rpartition("}")[2] == name:
                return str(value)
    return default


def relation_id(element: etree._Element) -> str:
    """Return the r:id of an element, "" if it has none.

    Beside it may stand an id of the element's own, without a namespace.
    """
    ids = (value for key, value in element.attrib.items() if key.endswith("relationships}id"))
    return str(next(ids, ""))


def child(element: etree._Element | None, *path: str) -> etree._Element | None:
    """Return the first descendant along local names, None if there is none."""
    for name in path:
        if element is None:
            return None
        element = next((each for each in element if local_name(each) == name), None)
    return element
