"""Chooses and opens the parts of the assistant. Only here concrete parts are named."""

import functools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.answer.orchestrator import Assistant, WebParts
from assistant.answer.retrieval import Retriever
from assistant.errors import ModelError
from assistant.events import Notice
from assistant.models.pool import ChosenModel, ModelPool
from assistant.models.registry import build_model, ollama_model
from assistant.search.base import SearchProvider
from assistant.settings import (
    AnswerSettings,
    ModelSettings,
    Settings,
    SnapshotSettings,
    load_settings,
)
from assistant.snapshots.writer import SnapshotWriter
from ingest.bootstrap import IndexComponents, open_index, open_reading, preload
from ingest.foundation.cache import ExpiringCache
from ingest.foundation.concurrency import LazyResource
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Message
from ingest.foundation.settings import expand_user

if TYPE_CHECKING:
    from assistant.answer.rerank.base import Reranker
    from assistant.models.ollama import OllamaModel
    from assistant.replay import Replay
    from assistant.snapshots.store import SnapshotStore

PROBE_TIMEOUT_S = 3.0
"""Ollama lists its models at once, or it is not there."""


@asynccontextmanager
async def open_assistant(
    settings: Settings | None = None,
    *,
    crawl_log: Path | None = None,
    say: Callable[[Message], None] = lambda _: None,
) -> AsyncIterator[Assistant]:
    """Open everything that answering needs, and close it at the end, whatever happens.

    Args:
        settings: What to build; None: the settings in force (`assistant.settings.load_settings`).
        crawl_log: File to which a line is added for every page, None for no log.
        say: Receives what takes seconds before the first question can be asked.

    What only the web needs is opened by the first question that wants it.

    Raises:
        SettingsError: a setting cannot be used.
        StoreError: the index cannot be opened.
    """
    settings = settings or load_settings()
    async with AsyncExitStack() as stack:
        models = ModelPool(open_model=functools.partial(open_model, settings.model))
        stack.push_async_callback(models.close)
        snapshots = await stack.enter_async_context(open_snapshot_writer(settings, report=say))
        index = await stack.enter_async_context(open_index(settings, say=say))

        @asynccontextmanager
        async def open_web() -> AsyncIterator[WebParts]:
            reading = open_reading(settings, index, crawl_log=crawl_log, opens_web=True)
            async with reading as parts:
                search = build_search(settings, cache=parts.cache, models=models)
                yield WebParts(search=search, reader=parts.reader)

        # Questions to the index alone need no search engine, no fetcher and no worker processes.
        web = await stack.enter_async_context(LazyResource(open_web))
        yield Assistant(
            web=web,
            retriever=_open_retriever(settings, index, stack),
            models=models,
            fallback_model=build_model(settings.model, provider="extractive"),
            results=settings.search.limit,
            deadline_s=settings.crawl.deadline,
            reply_tokens=settings.model.reply_tokens,
            language=settings.answer.language if settings.answer.language != "auto" else None,
            unsupported=settings.answer.unsupported,
            follow_index=index.follow,
            snapshots=snapshots,
            # Once: the first question pays for it, the others find it done.
            preload=functools.cache(lambda documents: preload(index.embedder, documents=documents)),
        )


def _open_retriever(settings: Settings, index: IndexComponents, stack: AsyncExitStack) -> Retriever:
    """Return the retriever of an index; `stack` closes its reranker, if one is set."""
    reranker = build_reranker(settings.answer)
    if reranker is not None:
        stack.push_async_callback(reranker.close)
    return Retriever(
        store=index.store,
        embedder=index.embedder,
        top_k=settings.answer.passages,
        reranker=reranker,
        no_encoder=index.diagnostics[0] if index.diagnostics else None,
    )


@asynccontextmanager
async def open_replay(
    settings: Settings, *, say: Callable[[Message], None] = lambda _: None
) -> AsyncIterator["Replay"]:
    """Open what answers from kept passages: models, and neither the index nor the web.

    Args:
        settings: Which model, and what is kept.
        say: Receives what went wrong with keeping the answer.
    """
    from assistant.replay import Replay

    async with AsyncExitStack() as stack:
        models = ModelPool(open_model=functools.partial(open_model, settings.model))
        stack.push_async_callback(models.close)
        snapshots = await stack.enter_async_context(open_snapshot_writer(settings, report=say))
        yield Replay(
            models=models,
            fallback_model=build_model(settings.model, provider="extractive"),
            reply_tokens=settings.model.reply_tokens,
            unsupported=settings.answer.unsupported,
            snapshots=snapshots,
        )


@asynccontextmanager
async def open_snapshot_writer(
    settings: Settings, *, report: Callable[[Message], None]
) -> AsyncIterator[SnapshotWriter | None]:
    """Open what keeps snapshots of answers, None where none are to be kept."""
    kept = settings.snapshots
    keeps = kept.enabled and kept.keep > 0
    writer = SnapshotWriter(
        functools.partial(open_snapshots, kept), report=report if keeps else lambda _: None
    )
    # Opening it lets go what is too old, which is promised of answers kept before, too.
    if not keeps and kept.path.exists():
        writer.open()
    try:
        yield writer if keeps else None
    finally:
        await writer.close()


def open_snapshots(settings: SnapshotSettings) -> "SnapshotStore":
    """Open the file of kept answers. The caller closes it.

    Raises:
        SnapshotError: it cannot be used.
    """
    # pydantic's models of all events: not before the first answer.
    from assistant.snapshots.store import SnapshotStore

    return SnapshotStore(settings.path, keep=settings.keep, days=settings.days)


def build_reranker(answer: AnswerSettings) -> "Reranker | None":
    """Return the reranker of these settings, None without one. Its folder is read on first use."""
    if not answer.reranker:
        return None
    from assistant.answer.rerank.cross_encoder import CrossEncoderReranker

    return CrossEncoderReranker(
        folder=expand_user(answer.reranker, source="answer.reranker"),
        budget_s=answer.reranker_budget / 1000,
    )


def build_search(
    settings: Settings,
    *,
    cache: ExpiringCache | None = None,
    models: ModelPool | None = None,
) -> SearchProvider:
    """Return the search of these settings: engines in order, expansion, kept replies.

    Args:
        settings: What to build.
        cache: Keeps replies and which engines are down, None for this process's engines alone.
        models: The first one proposes further queries, if the settings want any.

    Raises:
        SettingsError: an engine is unknown, or a setting that it needs is missing.
    """
    from assistant.search.cached import CachedSearch
    from assistant.search.chain import SearchChain
    from assistant.search.expansion import ExpandingSearch
    from assistant.search.registry import build_engine

    search_settings = settings.search
    # An engine that outlived the deadline would be neither replaced nor counted as down.
    timeout_s = min(search_settings.timeout, settings.crawl.deadline)
    search: SearchProvider = SearchChain(
        [
            build_engine(name, search_settings, user_agent=settings.crawl.user_agent)
            for name in dict.fromkeys(search_settings.engines)
        ],
        cache=cache or ExpiringCache(),
        timeout_s=timeout_s,
    )
    if search_settings.queries > 1 and models is not None:
        search = ExpandingSearch(
            search, models=models, queries=search_settings.queries, timeout_s=timeout_s
        )
    if cache is not None and search_settings.ttl > 0:
        # Whatever else is set makes another search. Keys are masked: all that counts is whether
        # there is one, since the engine brave is then another.
        scope = search_settings.model_dump_json(exclude={"limit", "timeout", "ttl"})
        search = CachedSearch(search, cache=cache, ttl_s=search_settings.ttl, scope=[scope])
    return search


def ollama_at(settings: ModelSettings, *, timeout_s: float | None = None) -> "OllamaModel":
    """Return the chat model of these settings on its Ollama server, whatever the provider."""
    if timeout_s is not None:
        settings = settings.model_copy(update={"timeout": timeout_s})
    return ollama_model(settings)


async def open_model(settings: ModelSettings, name: str | None = None) -> ChosenModel:
    """Return the chat model of these settings, or the one called `name` on the same server.

    "auto" takes Ollama's model when it is there and quotes pages when it is not; a model that is
    named by the question has to be there.

    Raises:
        ModelError: the model or its server is missing.
        SettingsError: the server's key cannot be sent as it stands.
    """
    provider = settings.provider
    if provider == "auto" or (provider == "extractive" and name is not None):
        provider = "ollama"
    model = None
    try:
        model = build_model(settings, provider=provider, name=name)
        await model.check(timeout_s=PROBE_TIMEOUT_S)
    # SettingsError: $OLLAMA_API_KEY, which may be there for another program, cannot be sent.
    except (ModelError, SettingsError) as error:
        if model is not None:
            await model.close()
        if name is not None or settings.provider != "auto":
            raise
        text = Message("{error} (until then: quotes from the pages)", error=error.full_message)
        quotes = build_model(settings, provider="extractive")
        return ChosenModel(model=quotes, notices=(Notice(code="no_model", text=text),))
    return ChosenModel(model=model)
