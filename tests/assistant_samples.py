"""An assistant of in-memory parts, and what its stream of events says."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from assistant.answer.orchestrator import Assistant, WebParts
from assistant.answer.retrieval import Retriever
from assistant.errors import ModelError
from assistant.events import (
    AnswerDelta,
    AnswerEvent,
    AnswerFinished,
    EvidenceChosen,
    Notice,
    PassagesChosen,
    ReasoningDelta,
    SearchFinished,
    SentenceChecked,
    StageStarted,
)
from assistant.models.base import ChatModel
from assistant.models.extractive import ExtractiveModel
from assistant.models.pool import ModelPool
from assistant.models.scripted import ScriptedModel
from assistant.search.base import SearchProvider
from assistant.search.memory import MemorySearch
from assistant.values import ChatMessage, Question, SearchHit
from ingest.documents import Page
from ingest.errors import ForbiddenError, IngestError
from ingest.events import PageSkipped, PageStored
from ingest.foundation.concurrency import LazyResource
from ingest.foundation.messages import Message
from ingest.index.embed.base import Embedder
from ingest.index.embed.memory import HashingEmbedder
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors
from ingest.web.fetch.memory import html_page
from tests.ingest_parts import ingest_parts
from tests.tea_pages import GREEN_TEA

TEA = "https://tea.test/green"

LAW = "https://law.test/closed"

PAGES: dict[str, Page | IngestError] = {
    TEA: html_page(TEA, GREEN_TEA),
    LAW: ForbiddenError(
        Message.bilingual("the site says no", "网站不允许"),
        url=LAW,
        reason="robots",
        robots="robots.txt line 2: Disallow: /",
    ),
}

QUESTION = "How hot should the water for green tea be?"

NO_MODEL = Notice(code="no_model", text=Message.bilingual("no model", "没有模型"))

LETTERS = {
    SearchFinished: "S",
    PageStored: "P",
    PageSkipped: "P",
    PassagesChosen: "C",
    EvidenceChosen: "E",
    ReasoningDelta: "R",
    AnswerDelta: "A",
    SentenceChecked: "A",
    AnswerFinished: "F",
}


def assistant(
    *,
    model: ChatModel | None = None,
    models: ModelPool | None = None,
    search: SearchProvider | None = None,
    embedder: Embedder | None = None,
    pages: dict[str, Page | IngestError] | None = None,
    notices: tuple[Notice, ...] = (),
) -> Assistant:
    pages = PAGES if pages is None else pages
    store = Index(catalog=Catalog(None), vectors=MemoryVectors())
    embedder = embedder or HashingEmbedder()
    hits = [SearchHit(rank=n, title=url, url=url) for n, url in enumerate(pages, start=1)]
    return Assistant(
        web=LazyResource.of(
            WebParts(
                search=search or MemorySearch(hits),
                reader=ingest_parts(pages, embedder=embedder, store=store).reader,
            )
        ),
        retriever=Retriever(store=store, embedder=embedder, top_k=4),
        fallback_model=ExtractiveModel(),
        models=models
        or ModelPool.holding(
            model or ScriptedModel("The water should have 80 degrees [1]."), *notices
        ),
    )


async def events_of(
    assistant: Assistant,
    question: str = QUESTION,
    *,
    web: bool = True,
    history: Sequence[ChatMessage] = (),
    options: dict[str, Any] | None = None,
) -> list[AnswerEvent]:
    asked = Question(question, web=web, **options or {})
    async with aclosing(assistant.ask(asked, history)) as events:
        return [event async for event in events]


def order(events: Sequence[AnswerEvent]) -> str:
    return "".join(LETTERS[type(e)] for e in events if not isinstance(e, StageStarted | Notice))


def finished(events: Sequence[AnswerEvent]) -> AnswerFinished:
    last = events[-1]
    assert isinstance(last, AnswerFinished)
    return last


def codes(events: Sequence[AnswerEvent]) -> list[str]:
    return [event.code for event in events if isinstance(event, Notice)]


BROKEN = ModelError(
    Message.bilingual("it died", "它崩溃了"),
    kind="broken_stream",
    hint=Message.bilingual("start it", "请启动"),
)
