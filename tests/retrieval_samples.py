"""Indexes and encoders of made-up opinions, for tests of the retrieval."""

from collections.abc import Collection, Sequence

from assistant.answer.retrieval import Retriever
from ingest.documents import Chunk, Document
from ingest.index.embed.base import Embedder, Vector
from ingest.index.embed.memory import HashingEmbedder
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors
from ingest.text.language import cjk_share
from tests.index_samples import chunks_of


class EnglishOnly(HashingEmbedder):
    """Knows no Chinese: all of it looks alike."""

    def language_coverage(self, text: str) -> float:
        return 1.0 - cjk_share(text)


class Opinionated(HashingEmbedder):
    """Holds the texts of `like` to mean just what every question asks, and no others."""

    space = "opinionated"

    def __init__(self, *like: str) -> None:
        self.like = like
        self.asked: list[str] = []

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        self.asked += texts
        return [[1.0, 0.0] if text in self.like else [0.0, 1.0] for text in texts]

    async def embed_query(self, text: str) -> Vector:
        return [1.0, 0.0]


async def index_of(*pages: Document, embedder: Embedder | None = None) -> Index:
    """Return an index of pages, one chunk for each paragraph, embedded if there is an encoder."""
    index = Index(catalog=Catalog(), vectors=MemoryVectors())
    for page in pages:
        chunks = chunks_of(page)
        await put(index, page, chunks, embedder)
    return index


async def put(
    index: Index, page: Document, chunks: list[Chunk], embedder: Embedder | None = None
) -> None:
    vectors: dict[str, Vector] = {}
    if embedder is not None:
        embedded = await embedder.embed_documents([chunk.text for chunk in chunks])
        vectors = {chunk.id: vector for chunk, vector in zip(chunks, embedded, strict=True)}
    await index.replace(page, chunks, vectors, space=embedder.space if embedder else "")


async def ask(index: Index, question: str, embedder: Embedder | None = None) -> list[str]:
    retriever = Retriever(store=index, embedder=embedder, top_k=5)
    return [passage.text for passage in (await retriever.retrieve(question)).passages]


class Overtaken(Index):
    """An index in which a page is read anew just before its text is quoted."""

    newer: Document | None = None

    async def documents(self, urls: Collection[str]) -> dict[str, Document]:
        if self.newer is not None:
            await put(self, self.newer, chunks_of(self.newer))
        return await super().documents(urls)
