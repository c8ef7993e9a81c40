"""A page whose assistant has all its parts in memory."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from streamlit.testing.v1 import AppTest

from assistant.answer.orchestrator import Assistant, WebParts
from assistant.answer.retrieval import Retriever
from assistant.events import Notice
from assistant.models.base import ChatModel
from assistant.models.extractive import ExtractiveModel
from assistant.models.pool import ModelPool
from assistant.search.memory import MemorySearch
from assistant.values import SearchHit
from ingest.errors import FetchError
from ingest.foundation.concurrency import LazyResource
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Message
from ingest.index.embed.memory import HashingEmbedder
from ingest.index.store.catalog import Catalog
from ingest.index.store.hybrid import Index
from ingest.index.store.vector_stores.memory import MemoryVectors
from ingest.web.fetch.memory import html_page
from tests.ingest_parts import ingest_parts
from ui.service import AssistantService

LIGHTS = "https://lights.test/night"
SHUT = "https://shut.test/"
SENTENCE = "A drone that flies at night needs anti-collision lights visible for 3 statute miles."

OPENED: list[AssistantService] = []
"""The services of the pages drawn in the test that runs; tests/ui/conftest.py closes them."""

OpenAssistant = Callable[[], AbstractAsyncContextManager[Assistant]]


def article(title: str, sentence: str) -> str:
    filler = "<p>Pilots read the rules before each flight and keep the aircraft in sight.</p>" * 5
    return (
        f"<html><head><title>{title}</title></head><body><article><h1>{title}</h1>"
        f"<p>{sentence}</p>{filler}</article></body></html>"
    )


def opening(model: ChatModel, *notices: Notice, title: str = "Night flights") -> OpenAssistant:
    """Return what opens an assistant over two pages, of which one cannot be reached."""

    @asynccontextmanager
    async def open_one() -> AsyncIterator[Assistant]:
        gone = FetchError(
            Message.bilingual("no answer", "没有响应"), url=SHUT, reason="unreachable"
        )
        lights = html_page(LIGHTS, article(title, SENTENCE))
        embedder, store = HashingEmbedder(), Index(catalog=Catalog(), vectors=MemoryVectors())
        parts = ingest_parts({LIGHTS: lights, SHUT: gone}, embedder=embedder, store=store)
        hits = [
            SearchHit(rank=1, title=title, url=LIGHTS),
            SearchHit(rank=2, title="Shut", url=SHUT),
        ]
        found = WebParts(search=MemorySearch(hits), reader=parts.reader)
        async with LazyResource.of(found) as web:
            yield Assistant(
                web=web,
                retriever=Retriever(store=store, embedder=embedder, top_k=3),
                fallback_model=ExtractiveModel(),
                models=ModelPool.holding(model, *notices),
            )
        await store.close()

    return open_one


def failing(error: QiuzhengError) -> OpenAssistant:
    """Return what fails to open."""

    @asynccontextmanager
    async def open_one() -> AsyncIterator[Assistant]:
        raise error
        yield  # type: ignore[unreachable]

    return open_one


def page(open_assistant: OpenAssistant, *, locale: str = "en-US") -> AppTest:
    """Return the page as a browser of that locale first sees it."""

    def script(service: "AssistantService") -> None:
        from ui.page import main

        main(lambda: service)

    service = AssistantService(open_assistant)
    OPENED.append(service)
    test = AppTest.from_function(script, kwargs={"service": service}, default_timeout=30)
    test.context["locale"] = locale
    return test.run()
