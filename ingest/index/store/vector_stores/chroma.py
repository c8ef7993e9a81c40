"""Vectors in Chroma: a copy of the catalogue's vectors that may be lost at any time.

Three properties of chromadb 1.5 shape this file (each seen, each with its test):

* A client that has a collection open does not see what another process adds to it. So every write
  leaves a new token in the stamp file, and a client that finds another token is opened again.
* A vector file that is torn by `kill -9` or a full disk raises nothing: it ends the process with
  a segmentation fault, or silently finds less. So the stamp also lists the vector files with their
  sizes and times; it is removed before each write and written again after it. A folder that does
  not match its stamp is emptied, never opened, and the index fills it again.
* Clients of one path share one system, also a stale or a broken one. So each client gets a
  spelling of the path (`folder`, `folder/.`, …) that no other client of this process uses.
"""

import hashlib
import json
import logging
import re
import shlex
import shutil
import sqlite3
import threading
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ingest.errors import StoreError
from ingest.foundation.messages import Message
from ingest.foundation.private_files import hide_from_others, make_private_folder
from ingest.foundation.telemetry import disable_telemetry
from ingest.index.embed.base import Vector
from ingest.index.store.vector_stores.chroma_collections import (
    BATCH,
    chroma_errors,
    nearest_in,
    page_of,
)

STAMP = "intact.json"

log = logging.getLogger(__name__)

R = TypeVar("R")

_COLLECTION_FOLDER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Chroma keeps each collection's vectors in a folder named by a UUID."""

_spellings: set[str] = set()
_spellings_lock = threading.Lock()


class ChromaVectors:
    """A `VectorStore` in a folder: one Chroma collection (cosine) for each space."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is opened, and made, on first use."""
        self._folder = folder
        self._client: Any = None
        self._spelling = ""
        self._collections: dict[str, Any] = {}
        self._token = ""
        self._counts: dict[str, tuple[str, int]] = {}
        self._files: list[list[object]] = []

    def preload(self) -> None:
        """Import chromadb (1 to 2 s) before the first question needs it. Any thread may call."""
        disable_telemetry()
        import chromadb  # noqa: F401  heavy: 1-2 s

    def upsert(self, vectors: Mapping[str, Vector], *, space: str) -> None:
        """Set the vectors of these ids, `BATCH` at a time."""
        ids = list(vectors)
        with self._writing():
            for start in range(0, len(ids), BATCH):
                batch = ids[start : start + BATCH]
                self._collection(space).upsert(
                    ids=batch, embeddings=[list(vectors[id_]) for id_ in batch]
                )

    def delete(self, ids: Collection[str], *, space: str) -> None:
        """Delete the vectors of these ids; unknown ids are ignored."""
        with self._writing():
            for start in range(0, len(ids), BATCH):
                self._collection(space).delete(ids=list(ids)[start : start + BATCH])

    def nearest(self, vector: Vector, *, top_k: int, space: str) -> list[tuple[str, float]]:
        """Return up to `top_k` (id, cosine similarity), best first."""

        def query() -> list[tuple[str, float]]:
            """Query inside `_read`, which may open another client with other collections."""
            collection = self._collection(space)
            return nearest_in(collection, vector, top_k, self._count(space))

        return self._read(query)

    def count(self, *, space: str) -> int:
        """Return how many vectors `space` holds."""
        return self._read(lambda: self._count(space))

    def spaces(self) -> list[str]:
        """Return the spaces that are here, also those without a vector."""
        return self._read(
            lambda: [
                str((collection.metadata or {}).get("space", ""))
                for collection in self._client.list_collections()
            ]
        )

    def page(self, *, space: str, offset: int, limit: int) -> dict[str, NDArray[np.float32]]:
        """Return up to `limit` vectors by id, in an order that stays while nothing is written."""
        # Inside `_read`, which may open another client with other collections.
        return self._read(lambda: page_of(self._collection(space), offset, limit))

    def drop(self, space: str) -> None:
        """Delete one space with all its vectors; an unknown one is ignored."""
        with self._writing():
            # Made if it is not here: chromadb deletes by name only what it has.
            self._client.delete_collection(self._collection(space).name)
            self._collections.pop(space, None)
            # Chromadb leaves the vector files behind. A folder is named by its segment, which its
            # interface does not tell. Where another version keeps its segments otherwise, the
            # files stay: they cost bytes and nothing else.
            try:
                with closing(sqlite3.connect(self._folder / "chroma.sqlite3")) as connection:
                    owned = {id_ for (id_,) in connection.execute("SELECT id FROM segments")}
            except sqlite3.Error as error:
                log.info("vector files of deleted spaces stay in %s: %s", self._folder, error)
                return
            for path in self._folder.iterdir():
                if _COLLECTION_FOLDER.fullmatch(path.name) and path.name not in owned:
                    # Windows refuses while a client has them open: the next deletion gets them.
                    shutil.rmtree(path, ignore_errors=True)

    def clear(self) -> None:
        """Delete Chroma's files, also where they are damaged and cannot be opened."""
        self._release()
        with self._store_errors():
            self._delete_files()

    def close(self) -> None:
        """Close the client. May be called twice; the next use opens another."""
        self._release()

    def _read(self, query: Callable[[], R]) -> R:
        """Return what `query` does on an intact folder that is open."""
        with self._store_errors():
            self._open()
            answer = query()
            # A query may make Chroma compact its files. Without a new stamp the next process would
            # take them for torn and empty the folder.
            if self._listing() != self._files:
                self._put_stamp(self._token)
            return answer

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._store_errors():
            self._open()
            # Removed first and written last: a process that is killed in between, or raises, leaves
            # no stamp, and without one the folder is emptied before it is opened.
            (self._folder / STAMP).unlink(missing_ok=True)
            yield
            self._put_stamp(uuid.uuid4().hex)

    def _count(self, space: str) -> int:
        # Chroma counts row by row (23 ms at 300,000), and every question asks. What changes the
        # number changes the token.
        token, count = self._counts.get(space, ("", 0))
        if token != self._token:
            count = int(self._collection(space).count())
            self._counts[space] = self._token, count
        return count

    def _collection(self, space: str) -> Any:
        if space not in self._collections:
            # Chroma allows few characters in a name, and none of ":" or "/".
            name = "space-" + hashlib.sha256(space.encode()).hexdigest()[:24]
            self._collections[space] = self._client.get_or_create_collection(
                name,
                metadata={"space": space},
                configuration={"hnsw": {"space": "cosine"}},
                embedding_function=None,
            )
        return self._collections[space]

    def _open(self) -> None:
        """Open a client that sees the folder as it is now, after emptying one that is damaged."""
        token, files = self._stamp()
        if self._client is not None and token == self._token:
            return
        self._release()
        if not token or files != self._listing():
            self._delete_files()
        disable_telemetry()
        import chromadb
        from chromadb.config import Settings

        make_private_folder(self._folder)
        # One that no client of this process uses: chromadb hands out one client per spelling.
        with _spellings_lock:
            self._spelling = next(
                spelling
                for spelling in (str(self._folder) + "/." * dots for dots in count())
                if spelling not in _spellings
            )
            _spellings.add(self._spelling)
        self._client = chromadb.PersistentClient(
            self._spelling, settings=Settings(anonymized_telemetry=False)
        )
        self._put_stamp(token or uuid.uuid4().hex)

    def _release(self) -> None:
        client, self._client = self._client, None
        self._collections.clear()
        self._token = ""
        # The spelling of a client that failed to open is never used again: Chroma keeps the broken
        # system under that name for the life of the process.
        if client is not None:
            client.close()
            with _spellings_lock:
                _spellings.discard(self._spelling)

    def _stamp(self) -> tuple[str, list[list[object]]]:
        """Return the token and the files of the last completed write, "" and [] if none."""
        try:
            stamp = json.loads((self._folder / STAMP).read_text(encoding="utf-8"))
            return str(stamp["token"]), list(stamp["files"])
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
            return "", []

    def _put_stamp(self, token: str) -> None:
        self._token, self._files = token, self._listing()
        # Written beside and renamed: a torn stamp counts as a missing one, which costs a rebuild.
        fresh = self._folder / f"{STAMP}.new"
        fresh.write_text(json.dumps({"token": token, "files": self._files}), encoding="utf-8")
        fresh.replace(self._folder / STAMP)
        hide_from_others((self._folder, *self._folder.rglob("*")))  # Chroma's files have no mode

    def _listing(self) -> list[list[object]]:
        """Return name, size in bytes and mtime in ns of each vector file."""
        found: list[list[object]] = []
        for path in sorted(self._folder.glob("*/*")):
            if path.is_file():
                state = path.stat()
                name = path.relative_to(self._folder).as_posix()
                found.append([name, state.st_size, state.st_mtime_ns])
        if (self._folder / "chroma.sqlite3").exists():
            # Only that it is there: SQLite repairs itself after a crash, and changes its file so.
            found.append(["chroma.sqlite3", 0, 0])
        return found

    def _delete_files(self) -> None:
        """Delete what Chroma keeps here, and nothing else that might be in the folder."""
        if not self._folder.is_dir():
            return
        (self._folder / STAMP).unlink(missing_ok=True)
        for path in self._folder.iterdir():
            if path.is_dir() and _COLLECTION_FOLDER.fullmatch(path.name):
                shutil.rmtree(path)
            elif path.name.startswith("chroma.sqlite3"):
                path.unlink()

    @contextmanager
    def _store_errors(self) -> Iterator[None]:
        """Turn what Chroma raises in the block into a `StoreError`."""
        try:
            yield
        except chroma_errors() as error:
            where = shlex.quote(str(self._folder))
            raise StoreError(
                Message(
                    "the vectors in {folder} cannot be used ({error})",
                    folder=self._folder,
                    error=error,
                ),
                hint=Message("they are a copy, made anew after: rm -r {where}", where=where),
            ) from error
