"""An index as one file: written on one machine, taken in on another or after a loss.

The file is a zip of plain parts, which other programs read, too:

* `index.json`: the format, how many documents there are, and the vector spaces.
* `documents.jsonl`: a document a line, with its text, chunks, validators and collections.
* `vectors/N.npy`: the vectors of space N (float32, a row a chunk), as `numpy.load` reads them.
* `vectors/N.ids.jsonl`: the chunks that the rows belong to, in the order of `documents.jsonl`.

Text, chunks and vectors come back as they were, bit by bit: nothing is cut or embedded again.
"""

# ruff: noqa: S608  (statements are put together from our own constants; values are bound)

import functools
import io
import json
import os
import sqlite3
import zipfile
import zlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from ingest.documents import Chunk, Document, PageValidators, Processing
from ingest.errors import CollectionError, StoreError
from ingest.foundation.messages import Message, describe_os_error
from ingest.foundation.private_files import OWNER_ONLY_FILE
from ingest.index.store import counts, spaces
from ingest.index.store.catalog import Catalog
from ingest.index.store.inventory import DocumentFilter, pages_of, select_documents
from ingest.index.store.rows import (
    CHUNK,
    CHUNKS,
    DOCUMENT,
    PROCESSING,
    to_chunk,
    to_document,
    to_processing,
)
from ingest.index.store.sqlite_errors import store_errors
from ingest.settings import collection_name

FORMAT = "qiuzheng-index"
VERSION = 1
MANIFEST = "index.json"
DOCUMENTS = "documents.jsonl"
MAX_LINE_BYTES = 200_000_000
"""Bytes of one document with its chunks: the longest text that is kept has 2 million characters."""
MAX_MANIFEST_BYTES = 1_000_000
"""Bytes: it names the vector spaces, of which an index has a few."""
BLOCK = 4_096
"""Vectors in memory at a time: 6 MB of 384 dimensions."""

Rows = NDArray[np.float32]


class ArchiveError(StoreError):
    """A file is no export of an index, is damaged, or cannot be written."""

    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedSpace:
    """A vector space of an export."""

    name: str
    dimensions: int
    vectors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an export says of itself."""

    format: Literal["qiuzheng-index"] = "qiuzheng-index"
    version: int = VERSION
    documents: int
    spaces: tuple[ArchivedSpace, ...]
    """The one in use first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedDocument:
    """All that an index holds of one document, but its vectors."""

    document: Document
    processing: Processing
    chunks: tuple[Chunk, ...]
    pages: tuple[PageValidators, ...] = ()
    collections: tuple[str, ...] = ()
    """By name; () is the default one."""


@functools.cache
def _line_adapter() -> TypeAdapter[ArchivedDocument]:
    return TypeAdapter(ArchivedDocument)  # building it takes 20 ms


def write_archive(catalog: Catalog, path: Path, wanted: DocumentFilter) -> Generator[int]:
    """Write the documents that are meant into a file; yield how many, step by step. Blocks.

    The file is there when all is in it, or not at all. Others may write to the index meanwhile:
    what is exported is its state at the beginning.

    Raises:
        ArchiveError: the file cannot be written.
        StoreError: the index cannot be read.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        with _write_errors(path), _snapshot(catalog) as connection:
            # A new file for its owner alone, never one that another user has put there.
            beside.unlink(missing_ok=True)
            handle = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY_FILE)
            with (
                open(handle, "wb") as file,  # noqa: PTH123  of a handle, not a path
                zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            ):
                select_documents(connection, wanted)
                current = spaces.current(connection)
                found = []
                for name in sorted(
                    counts.spaces_with_vectors(connection), key=lambda name: name != current
                ):
                    dimensions = spaces.dimensions_of(connection, name) or 0
                    (vectors,) = connection.execute(
                        f"SELECT COUNT(*) {_VECTORS}", {"space": name, "size": 4 * dimensions}
                    ).fetchone()
                    if vectors:
                        found.append(
                            ArchivedSpace(name=name, dimensions=dimensions, vectors=vectors)
                        )
                (documents,) = connection.execute("SELECT COUNT(*) FROM selected").fetchone()
                manifest = Manifest(documents=documents, spaces=tuple(found))
                archive.writestr(MANIFEST, TypeAdapter(Manifest).dump_json(manifest))
                yield from _write_documents(connection, archive)
                for number, space in enumerate(manifest.spaces):
                    for _ in _write_vectors(connection, archive, number, space):
                        yield manifest.documents
            beside.replace(path)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


@contextmanager
def _snapshot(catalog: Catalog) -> Iterator[sqlite3.Connection]:
    """Yield a connection that sees one state of the index throughout the block."""
    connection = catalog.reader()
    if connection is None:
        raise StoreError(Message("an index in memory cannot be exported"))
    with closing(connection), store_errors(catalog.path):
        connection.execute("BEGIN")
        yield connection


_VECTORS = (
    "FROM selected s JOIN chunks c ON c.url = s.url JOIN embeddings e ON e.chunk = c.number"
    " WHERE e.space = :space AND length(e.vector) = :size"
)


def _write_documents(connection: sqlite3.Connection, archive: zipfile.ZipFile) -> Iterator[int]:
    with archive.open(DOCUMENTS, "w", force_zip64=True) as file:
        urls = connection.execute("SELECT url FROM selected ORDER BY url")
        for number, (url,) in enumerate(urls, start=1):
            document = connection.execute(
                f"SELECT {DOCUMENT} FROM documents WHERE url = ?", (url,)
            ).fetchone()
            processing = connection.execute(
                f"SELECT {PROCESSING} FROM documents WHERE url = ?", (url,)
            ).fetchone()
            chunks = connection.execute(
                f"SELECT {CHUNK} FROM {CHUNKS} WHERE c.url = ? ORDER BY c.position", (url,)
            )
            names = connection.execute(
                "SELECT name FROM collection_members WHERE document = ? ORDER BY name", (url,)
            )
            file.write(
                _line_adapter().dump_json(
                    ArchivedDocument(
                        document=to_document(document),
                        processing=to_processing(processing),
                        chunks=tuple(map(to_chunk, chunks)),
                        pages=tuple(pages_of(connection, url)),
                        collections=tuple(name for (name,) in names),
                    )
                )
                + b"\n"
            )
            yield number


def _write_vectors(
    connection: sqlite3.Connection, archive: zipfile.ZipFile, number: int, space: ArchivedSpace
) -> Iterator[None]:
    shape = (space.vectors, space.dimensions)
    values = {"space": space.name, "size": 4 * space.dimensions}
    # Twice, in the same order: a zip is written a part after the other, and the ids of millions of
    # chunks are not to wait in memory.
    order = "ORDER BY c.url, c.position"
    rows = connection.execute(f"SELECT e.vector {_VECTORS} {order}", values)
    with archive.open(f"vectors/{number}.npy", "w", force_zip64=True) as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        while batch := rows.fetchmany(BLOCK):
            file.write(b"".join(vector for (vector,) in batch))
            yield
    rows = connection.execute(f"SELECT c.id {_VECTORS} {order}", values)
    with archive.open(f"vectors/{number}.ids.jsonl", "w", force_zip64=True) as file:
        while batch := rows.fetchmany(BLOCK):
            file.write("".join(f"{json.dumps(id_)}\n" for (id_,) in batch).encode())
            yield


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArchiveError(
            Message("cannot write {path} ({reason})", path=path, reason=describe_os_error(error)),
            hint=Message("free some disk space, or name a file in another folder"),
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveItem:
    """A document of an export with its vectors."""

    archived: ArchivedDocument
    vectors: Mapping[str, Mapping[str, list[float]]]
    """Vector by chunk id, by space; the space that was in use first."""


def read_manifest(path: Path) -> Manifest:
    """Return what an export says of itself.

    Raises:
        ArchiveError: the file is missing, or no export that this version can read.
    """
    with _read_errors(path), zipfile.ZipFile(path) as archive:
        return _checked_manifest(path, archive)


def read_archive(path: Path) -> Generator[ArchiveItem]:
    """Yield the documents of an export, in the order in which they were written. Blocks.

    Raises:
        ArchiveError: the file is missing, damaged, or no export that this version can read.
    """
    with _read_errors(path), ExitStack() as stack:
        archive = stack.enter_context(zipfile.ZipFile(path))
        manifest = _checked_manifest(path, archive)
        streams = {
            space.name: stack.enter_context(closing(_vectors(archive, number, space)))
            for number, space in enumerate(manifest.spaces)
        }
        # The next vector of each space, until the document comes that it belongs to.
        waiting = {name: next(stream, None) for name, stream in streams.items()}
        with archive.open(DOCUMENTS) as file:
            while line := file.readline(MAX_LINE_BYTES):
                archived = _line_adapter().validate_json(line)
                vectors: dict[str, dict[str, list[float]]] = {name: {} for name in streams}
                _check(archived)
                for chunk in archived.chunks:
                    if chunk.url != archived.document.url:
                        raise ValueError("a chunk of another document")
                    for name, stream in streams.items():
                        if (first := waiting[name]) is not None and first[0] == chunk.id:
                            vectors[name][chunk.id] = first[1]
                            waiting[name] = next(stream, None)
                yield ArchiveItem(archived=archived, vectors=vectors)
        if any(first is not None for first in waiting.values()):
            raise ValueError("vectors of no document")


def _check(archived: ArchivedDocument) -> None:
    """Raise `ValueError` for what an index cannot hold."""
    times = [archived.document.fetched_at, *(page.checked_at for page in archived.pages)]
    if any(time.tzinfo is None for time in times):
        raise ValueError("a time without its zone")
    ids = [chunk.id for chunk in archived.chunks]
    if len(set(ids)) < len(ids):
        raise ValueError("two chunks of one id")
    longest = len(archived.document.text)
    if any(not 0 <= chunk.start <= chunk.end <= longest for chunk in archived.chunks):
        raise ValueError("a chunk that is no part of a text")
    try:
        if any(collection_name(name) != name for name in archived.collections):
            raise ValueError("a name that is written in another way")
    except CollectionError as error:
        raise ValueError("a name that no collection has") from error


def _checked_manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    with archive.open(MANIFEST) as file:
        body = file.read(MAX_MANIFEST_BYTES + 1)
    if len(body) > MAX_MANIFEST_BYTES:
        raise ValueError("a manifest without end")
    found = json.loads(body)
    if isinstance(found, dict) and found.get("format") == FORMAT:
        version = found.get("version")
        if isinstance(version, int) and version > VERSION:
            raise ArchiveError(
                Message("{path} was written by a newer version", path=path),
                hint=Message("run: pip install --upgrade qiuzheng"),
            )
    return TypeAdapter(Manifest).validate_python(found)


def _vectors(
    archive: zipfile.ZipFile, number: int, space: ArchivedSpace
) -> Generator[tuple[str, list[float]]]:
    """Yield the chunk ids and vectors of a space, as many as there are said to be."""
    with (
        archive.open(f"vectors/{number}.npy") as file,
        archive.open(f"vectors/{number}.ids.jsonl") as names,
    ):
        np.lib.format.read_magic(file)
        shape, _, kind = np.lib.format.read_array_header_1_0(file)
        if shape != (space.vectors, space.dimensions) or kind != np.dtype("<f4"):
            raise ValueError("vectors of another shape")
        ids = (json.loads(line) for line in io.TextIOWrapper(names, "utf-8"))
        for rows in _blocks(file, space):
            for row in rows.tolist():
                yield str(next(ids)), row


def _blocks(file: IO[bytes], space: ArchivedSpace) -> Iterator[Rows]:
    width = 4 * space.dimensions
    for start in range(0, space.vectors, BLOCK):
        count = min(BLOCK, space.vectors - start)
        body = file.read(count * width)
        yield np.frombuffer(body, "<f4").reshape(count, space.dimensions)


@contextmanager
def _read_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArchiveError(
            Message("cannot read {path} ({why})", path=path, why=describe_os_error(error)),
            hint=Message("check the name and the permissions"),
        ) from error
    # What a torn or foreign file makes of the libraries that read it; ValidationError is a
    # ValueError, and so is what `json` raises.
    except (ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ArchiveError(
            Message("{path} is damaged, or no export of an index", path=path),
            hint=Message("assistant index export FILE writes one"),
        ) from error
