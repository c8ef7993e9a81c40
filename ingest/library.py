"""The index as its owner sees it: look into it, take documents out, know how it grows.

For front ends: `assistant index` is one, and each operation is a method here.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest.bootstrap import open_cache, open_maintenance
from ingest.documents import Document, PageValidators, Processing
from ingest.errors import StoreError
from ingest.foundation.cache import ExpiringCache
from ingest.foundation.concurrency import in_thread
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import NO_MESSAGE, Message, enumerate_names
from ingest.index.archive import ArchiveItem, read_archive, write_archive
from ingest.index.store import inventory, memberships, schema
from ingest.index.store.base import IndexStats
from ingest.index.store.hybrid import Index
from ingest.index.store.inventory import (
    EVERY_DOCUMENT,
    ChunkState,
    DocumentFilter,
    DocumentLine,
    Growth,
    ListOrder,
)
from ingest.local_files import shown_url
from ingest.settings import IngestSettings
from ingest.web.urls import typed_url


class DocumentNotFoundError(StoreError):
    """The index holds no document of this name."""

    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDetails:
    """All that the index holds of one document."""

    document: Document
    processing: Processing
    """What shaped its text and its chunks."""
    chunks: tuple[ChunkState, ...]
    pages: tuple[PageValidators, ...]
    """The downloads that led to it, none for a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What was taken out of the index."""

    documents: int
    chunks: int
    stored_again: tuple[str, ...] = ()
    """URLs that another process has stored while they were removed."""
    copy_waits: Message = NO_MESSAGE
    """Why their vectors still lie in the vector store; no search finds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedCounts:
    """What has become of the documents of an export so far."""

    documents: int
    chunks: int
    vectors: int
    """Vectors of the imported documents."""
    kept: int
    """Documents of which a later version was here, and stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryStatistics:
    """How large the index is, and of what."""

    stats: IndexStats
    characters: int
    """Characters of all texts."""
    file_bytes: dict[str, int]
    """Size on disk by name: "text", "vectors", "cache"."""
    languages: dict[str, int]
    """Documents by ISO 639-1 code, most first; "": unknown."""
    hosts: dict[str, int]
    """Documents by host, most first; "": files."""
    collections: dict[str, int]
    """Documents by collection; one may be in several."""
    growth: tuple[Growth, ...]
    """By month, the oldest first."""


class Library:
    """Lists, shows and removes what an open index holds. Raises `StoreError` only.

    Args:
        index: The index; whoever opened it closes it.
        cache: Replies of search engines and sites, which quote pages, too.
        folder: Where the files of the index lie, None for one in memory.
    """

    def __init__(
        self, index: Index, *, cache: ExpiringCache | None = None, folder: Path | None = None
    ) -> None:
        self._index = index
        self._catalog = index.catalog
        self._cache = cache
        self._folder = folder

    @in_thread
    def lines(
        self, wanted: DocumentFilter = EVERY_DOCUMENT, *, order: ListOrder = "url"
    ) -> list[DocumentLine]:
        """Return the documents that are meant ("date": the newest first).

        Raises:
            CollectionError: the collection that is meant has no document.
        """
        with self._catalog.reading() as connection:
            if wanted.collection:  # mistyped, most often: "nothing is meant" would hide that
                memberships.check_known(connection, [wanted.collection])
            return inventory.document_lines(connection, wanted, order=order)

    @in_thread
    def find(self, name: str) -> str:
        """Return the URL of the document that `name` means: a URL, or the path of a file.

        Raises:
            DocumentNotFoundError: there is none; the hint names those that look alike.
        """
        with self._catalog.reading() as connection:
            # The URLs that a person may mean by `name`, the likeliest first.
            candidates = [name]
            # A canonical URL is what the index knows; what is no URL raises.
            with contextlib.suppress(QiuzhengError):
                candidates.append(typed_url(name))
            if "://" not in name:
                # Missing or not: a file may be gone from the disk and still be in the index.
                with contextlib.suppress(OSError, RuntimeError, ValueError):
                    candidates.append(Path(name).expanduser().resolve().as_uri())
            for url in candidates:
                if found := inventory.document_behind(connection, url):
                    return found
            nearest = inventory.nearest_urls(connection, candidates[-1])
        raise DocumentNotFoundError(
            Message("{name} is not in the index", name=name[:200]),
            hint=Message("did you mean: {urls}", urls=enumerate_names(map(shown_url, nearest)))
            if nearest
            else Message("see what is: assistant index list"),
        )

    async def details(self, url: str) -> DocumentDetails:
        """Return all that is held of the document at `url`.

        Raises:
            DocumentNotFoundError: it is not here, e.g. since it was removed just now.
        """
        documents = await self._index.documents([url])
        if url not in documents:
            raise DocumentNotFoundError(Message("{name} is not in the index", name=url))
        chunks, pages = await self._states(url)
        return DocumentDetails(
            document=documents[url],
            processing=(await self._index.processing([url])).get(url, Processing()),
            chunks=tuple(chunks),
            pages=tuple(pages),
        )

    @in_thread
    def _states(self, url: str) -> tuple[list[ChunkState], list[PageValidators]]:
        with self._catalog.reading() as connection:
            return inventory.chunk_states(connection, url), inventory.pages_of(connection, url)

    async def export(
        self, path: Path, wanted: DocumentFilter = EVERY_DOCUMENT
    ) -> AsyncGenerator[int, None]:
        """Write the documents that are meant into one file; yield how many are, step by step.

        Raises:
            CollectionError: the collection that is meant has no document.
            ArchiveError: the file cannot be written; there is none then.
        """
        if wanted.collection:
            await self._index.check_collections([wanted.collection])
        with contextlib.closing(write_archive(self._catalog, path, wanted)) as steps:
            for count in steps:
                yield count
                await asyncio.sleep(0)  # where Ctrl-C is heard: each step takes milliseconds

    async def import_archive(
        self, path: Path, *, collection: str = ""
    ) -> AsyncGenerator[ImportedCounts, None]:
        """Take in the documents of an export; yield what has become of them so far, after each.

        Of a document that is here, the version that was fetched later stays. A call that is stopped
        has taken in the first ones whole; another one goes over them quickly.

        Args:
            path: The file.
            collection: Where they belong; "": where they belonged.

        Raises:
            ArchiveError: the file cannot be read on; what was read before it is stored.
        """
        documents = kept = chunks = vectors = 0
        with contextlib.closing(read_archive(path)) as items:
            for item in items:
                new = item.archived.document
                known = (await self._index.documents([new.url])).get(new.url)
                if known is not None and known.fetched_at > new.fetched_at:
                    kept += 1
                else:
                    vectors += await self._import_document(item, collection)
                    documents += 1
                    chunks += len(item.archived.chunks)
                yield ImportedCounts(documents=documents, kept=kept, chunks=chunks, vectors=vectors)

    async def _import_document(self, item: ArchiveItem, collection: str) -> int:
        """Store a document of an export; return how many vectors it brought."""
        archived = item.archived
        url = archived.document.url
        # The first space is the one that was in use, and is again in an index that had none.
        (space, first), *others = item.vectors.items() or [("", {})]
        await self._index.replace(
            archived.document,
            archived.chunks,
            first,
            space=space,
            processing=archived.processing,
        )
        for name, found in others:
            owners = [chunk for chunk in archived.chunks if chunk.id in found]
            await self._index.add_vectors(owners, [found[each.id] for each in owners], space=name)
        for name in [collection] if collection else archived.collections:
            await self._index.put_in_collection(url, name)
        for page in archived.pages:
            await self._index.remember(page)
        return sum(map(len, item.vectors.values()))

    @in_thread
    def compact(self) -> tuple[int, int]:
        """Give back the space of what is deleted; return the bytes on the disk before and after.

        The copy of the vectors is made anew: Chroma keeps those that it was told to forget in its
        log and its graph.

        Raises:
            StoreError: another process uses the index, or there is no space for a second copy of
                it, which is needed meanwhile; nothing is lost.
        """
        before = sum(_file_bytes(self._folder).values())
        with self._index.exclusive():
            self._index.refill()
            self._index.apply_journal()
            with self._catalog.reading() as connection:
                inventory.merge_words(connection)
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._index.words_upkeep.delete_files()
        self._index.words_upkeep.make_due()
        return before, sum(_file_bytes(self._folder).values())

    @in_thread
    def rebuild(self) -> None:
        """Make the words again from the texts, and the vector store from the vectors here."""
        with self._catalog.writing() as connection:
            schema.rebuild_words(connection)
        self._index.words_upkeep.make_due()
        with self._index.exclusive():
            self._index.refill()
            self._index.apply_journal()

    @in_thread
    def leave_collection(self, urls: Collection[str], name: str) -> list[str]:
        """Take documents out of a collection; return those in no other, which stay until removed.

        Documents that were put into none are in the default collection alone.
        """
        with self._catalog.writing() as connection:
            return memberships.remove_members(connection, urls, name)

    @in_thread
    def remove(self, urls: Collection[str]) -> Removal:
        """Take documents out: text, words, vectors, and replies in the cache that name them.

        Each goes in a transaction of its own, so that a call that is stopped has removed the first
        ones and left the others whole. What is removed is overwritten on the disk.
        """
        counts = [self._catalog.delete(url) for url in urls]
        if self._cache is not None:
            self._cache.remove_mentions(urls)
        self._index.words_upkeep.delete_files()
        copy_waits = NO_MESSAGE
        if any(counts):
            try:
                with self._index.exclusive():
                    self._index.apply_journal()
            except StoreError as error:
                # The journal holds them, and the next process that writes carries it out.
                copy_waits = error.message
        with self._catalog.reading() as connection:
            inventory.merge_words(connection)
            back = inventory.document_lines(connection, DocumentFilter(urls=tuple(urls)))
        return Removal(
            documents=len(counts),
            chunks=sum(counts),
            stored_again=tuple(line.url for line in back),
            copy_waits=copy_waits,
        )

    async def statistics(self) -> LibraryStatistics:
        """Return how large the index is, of what, and how it grew."""
        stats = await self._index.stats()
        return await self._statistics(stats)

    @in_thread
    def _statistics(self, stats: IndexStats) -> LibraryStatistics:
        with self._catalog.reading() as connection:
            months = inventory.growth(connection)
            return LibraryStatistics(
                stats=stats,
                characters=sum(month.characters for month in months),
                file_bytes=_file_bytes(self._folder),
                languages=inventory.documents_by_language(connection),
                hosts=inventory.documents_by_host(connection),
                collections=memberships.collection_counts(connection),
                growth=tuple(months),
            )


@asynccontextmanager
async def open_library(settings: IngestSettings) -> AsyncIterator[Library]:
    """Open the index to list, show and remove what it holds.

    Raises:
        StoreError: it cannot be opened.
    """
    async with open_maintenance(settings) as maintenance:
        cache = open_cache(settings)
        try:
            yield Library(maintenance.store, cache=cache, folder=settings.index.path)
        finally:
            cache.close()


def _file_bytes(folder: Path | None) -> dict[str, int]:
    """Return how much of the disk the files of an index take, by what they hold."""
    sizes: dict[str, int] = {}
    for path in folder.rglob("*") if folder is not None else ():
        # A file may go while it is looked at: SQLite's log does at each close.
        with contextlib.suppress(OSError):
            if path.is_file():
                parts = path.relative_to(folder).parts if folder else ()
                if parts[0].startswith("index."):
                    kind = "text"  # its words, too, which are in a folder
                else:
                    kind = "vectors" if len(parts) > 1 else "cache"
                sizes[kind] = sizes.get(kind, 0) + path.stat().st_size
    return sizes
