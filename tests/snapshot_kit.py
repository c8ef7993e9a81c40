"""An assistant over two pages whose answers are kept."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from assistant.answer.orchestrator import Assistant, WebParts
from assistant.answer.retrieval import Retriever
from assistant.events import AnswerEvent, AnswerFinished
from assistant.models.base import ChatModel
from assistant.models.extractive import ExtractiveModel
from assistant.models.pool import ModelPool
from assistant.models.scripted import ScriptedModel
from assistant.search.memory import MemorySearch
from assistant.snapshots.snapshot import Snapshot
from assistant.snapshots.store import SnapshotStore
from assistant.snapshots.writer import SnapshotWriter
from assistant.values import ChatMessage, Question, SearchHit
from ingest.documents import Page
from ingest.errors import ForbiddenError, IngestError
from ingest.foundation.concurrency import LazyResource
from ingest.foundation.messages import Message
from ingest.index.embed.memory import HashingEmbedder
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors
from ingest.web.fetch.memory import html_page
from tests.ingest_parts import ingest_parts
from tests.tea_pages import GREEN_TEA

TEA = "https://tea.test/green"
SHUT = "https://shut.test/"
PAGES: dict[str, Page | IngestError] = {
    TEA: html_page(TEA, GREEN_TEA),
    SHUT: ForbiddenError(
        Message.bilingual("the site says no", "网站不允许"), url=SHUT, reason="robots"
    ),
}
QUESTION = "How hot should the water for green tea be?"
REPLY = "The water should have 80 degrees [1]. Add a pinch of salt to the cup."


def writer_at(path: Path, told: list[Message] | None = None) -> SnapshotWriter:
    return SnapshotWriter(
        lambda: SnapshotStore(path, keep=50, days=9),
        report=told.append if told is not None else lambda _: None,
    )


def assistant(writer: SnapshotWriter | None, model: ChatModel | None = None) -> Assistant:
    store, embedder = Index(catalog=Catalog(None), vectors=MemoryVectors()), HashingEmbedder()
    hits = [SearchHit(rank=n, title=url, url=url) for n, url in enumerate(PAGES, start=1)]
    return Assistant(
        web=LazyResource.of(
            WebParts(
                search=MemorySearch(hits),
                reader=ingest_parts(PAGES, embedder=embedder, store=store).reader,
            )
        ),
        retriever=Retriever(store=store, embedder=embedder, top_k=4),
        fallback_model=ExtractiveModel(),
        models=ModelPool.holding(model or ScriptedModel(REPLY)),
        snapshots=writer,
    )


async def all_of(events: AsyncGenerator[AnswerEvent, None]) -> list[AnswerEvent]:
    async with aclosing(events) as opened:
        return [event async for event in opened]


async def ask(
    asked: Assistant, text: str = QUESTION, history: Sequence[ChatMessage] = (), **options: Any
) -> list[AnswerEvent]:
    return await all_of(asked.ask(Question(text, web=True, **options), history))


def kept(path: Path, name: str = "last") -> Snapshot:
    with SnapshotStore(path, keep=50, days=9) as store:
        return store.get(name)


def finished(events: Sequence[AnswerEvent]) -> AnswerFinished:
    assert isinstance(events[-1], AnswerFinished)
    return events[-1]


def ids(path: Path) -> list[str]:
    with SnapshotStore(path, keep=50, days=9) as store:
        return [line.id for line in store.lines(limit=50)]
