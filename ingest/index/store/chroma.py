"""Vectors in Chroma: a mirror of the catalogue's vectors that may be lost at any time.

Three habits of chromadb 1.5 shape this file (each seen, each with its test):

* A client that has a collection open does not see what another process adds to it. So every write
  leaves a new token in the stamp file, and a client that finds a strange token is opened again.
* A vector file that was torn by `kill -9` or a full disk does not raise: it ends the process with
  a segmentation fault, or silently finds less. So the stamp also lists the vector files with their
  sizes and times; it is taken away before each write and put back after it. A folder that does
  not match its stamp is emptied, never opened, and the index fills it again.
* Clients of one path share one system, also a stale or a broken one. So each client gets a
  spelling of the path (`folder`, `folder/.`, …) that no other client of this process uses.
"""

import hashlib
import json
import shlex
import shutil
import threading
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from ingest.errors import StoreError
from ingest.foundation.messages import Message
from ingest.foundation.telemetry import disable_telemetry
from ingest.index.embed.base import Vector

STAMP = "intact.json"
BATCH = 2_000  # vectors in one call; chromadb itself allows 5,461

R = TypeVar("R")

_spellings: set[str] = set()
_spellings_lock = threading.Lock()


class ChromaVectors:
    """One Chroma collection (cosine) for each vector space, in `folder`. Opened on first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._client: Any = None
        self._spelling = ""
        self._collections: dict[str, Any] = {}
        self._token = ""
        self._files: list[list[object]] = []

    def preload(self) -> None:
        """Import chromadb (1 to 2 s), so that the first question need not. Any thread may call."""
        disable_telemetry()
        import chromadb  # noqa: F401  heavy: 1-2 s

    def upsert(self, vectors: Mapping[str, Vector], *, space: str) -> None:
        ids = list(vectors)
        with self._writing():
            for start in range(0, len(ids), BATCH):
                batch = ids[start : start + BATCH]
                self._collection(space).upsert(
                    ids=batch, embeddings=[list(vectors[id_]) for id_ in batch]
                )

    def delete(self, ids: Collection[str], *, space: str) -> None:
        with self._writing():
            for start in range(0, len(ids), BATCH):
                self._collection(space).delete(ids=list(ids)[start : start + BATCH])

    def nearest(self, vector: Vector, *, top_k: int, space: str) -> list[tuple[str, float]]:
        def query() -> list[tuple[str, float]]:
            collection = self._collection(space)
            size = min(top_k, collection.count())
            if size < 1:
                return []
            found = collection.query(
                query_embeddings=[list(vector)], n_results=size, include=["distances"]
            )
            # Cosine distance is 1 - similarity.
            return [
                (id_, 1.0 - float(distance))
                for id_, distance in zip(found["ids"][0], found["distances"][0], strict=True)
            ]

        return self._read(query)

    def count(self, *, space: str) -> int:
        return self._read(lambda: int(self._collection(space).count()))

    def clear(self) -> None:
        self._release()
        with self._explained():
            self._empty()

    def close(self) -> None:
        self._release()

    def _read(self, question: Callable[[], R]) -> R:
        with self._explained():
            self._open()
            answer = question()
            if self._listing() != self._files:  # a query, too, may make Chroma tidy its files
                self._put_stamp(self._token)
            return answer

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._explained():
            self._open()
            (self._folder / STAMP).unlink(missing_ok=True)
            yield
            self._put_stamp(uuid.uuid4().hex)

    def _collection(self, space: str) -> Any:
        """Return the collection of `space`. Its name is a hash: Chroma allows few characters."""
        if space not in self._collections:
            name = "space-" + hashlib.sha256(space.encode()).hexdigest()[:24]
            self._collections[space] = self._client.get_or_create_collection(
                name,
                metadata={"space": space},
                configuration={"hnsw": {"space": "cosine"}},
                embedding_function=None,
            )
        return self._collections[space]

    def _open(self) -> None:
        """Have a client that sees the folder as it is now, and an intact folder to see."""
        token, files = self._stamp()
        if self._client is not None and token == self._token:
            return
        self._release()
        if not token or files != self._listing():
            self._empty()
        disable_telemetry()
        import chromadb
        from chromadb.config import Settings

        self._folder.mkdir(parents=True, exist_ok=True)
        self._spelling = _unused_spelling(self._folder)
        self._client = chromadb.PersistentClient(
            self._spelling, settings=Settings(anonymized_telemetry=False)
        )
        self._put_stamp(token or uuid.uuid4().hex)

    def _release(self) -> None:
        client, self._client = self._client, None
        self._collections.clear()
        self._token = ""
        if client is not None:  # the spelling of one that failed to open is never used again
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
        fresh = self._folder / f"{STAMP}.new"
        fresh.write_text(json.dumps({"token": token, "files": self._files}), encoding="utf-8")
        fresh.replace(self._folder / STAMP)

    def _listing(self) -> list[list[object]]:
        """Return name, size and time of each vector file; Chroma's own SQLite guards itself."""
        found: list[list[object]] = []
        for path in sorted(self._folder.glob("*/*")):
            if path.is_file():
                state = path.stat()
                name = path.relative_to(self._folder).as_posix()
                found.append([name, state.st_size, state.st_mtime_ns])
        if (self._folder / "chroma.sqlite3").exists():
            found.append(["chroma.sqlite3", 0, 0])
        return found

    def _empty(self) -> None:
        """Delete what Chroma keeps here, and nothing else that might be in the folder."""
        if not self._folder.is_dir():
            return
        (self._folder / STAMP).unlink(missing_ok=True)
        for path in self._folder.iterdir():
            if path.is_dir() and _is_uuid(path.name):
                shutil.rmtree(path)
            elif path.name.startswith("chroma.sqlite3"):
                path.unlink()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what Chroma raises in the block into a `StoreError`."""
        try:
            yield
        except _failures() as error:
            where = shlex.quote(str(self._folder))
            raise StoreError(
                Message(
                    "the vectors in {folder} cannot be used ({error})",
                    folder=self._folder,
                    error=error,
                ),
                hint=Message("they are a copy, made anew after: rm -r {where}", where=where),
            ) from error


def _failures() -> tuple[type[Exception], ...]:
    """Return what chromadb raises; evaluated only when something was raised."""
    from chromadb.errors import ChromaError

    # AttributeError: "'RustBindingsAPI' object has no attribute 'bindings'", a client half made.
    return (ChromaError, OSError, ValueError, RuntimeError, LookupError, AttributeError)


def _unused_spelling(folder: Path) -> str:
    with _spellings_lock:
        spelling = next(
            spelling
            for spelling in (str(folder) + "/." * dots for dots in count())
            if spelling not in _spellings
        )
        _spellings.add(spelling)
        return spelling


def _is_uuid(name: str) -> bool:
    try:
        uuid.UUID(name)
    except ValueError:
        return False
    return True
