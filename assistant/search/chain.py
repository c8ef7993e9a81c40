"""Engines in order: the first that finds something answers; one that is down costs no time."""

import random
import time
from collections.abc import Callable, Sequence

from assistant.errors import SearchError
from assistant.search.base import SearchEngine
from assistant.search.circuit_breaker import CircuitBreaker
from assistant.values import EngineSkipped, SearchHit, SearchReply
from ingest.foundation.cache import ExpiringCache
from ingest.foundation.messages import SEMICOLON, Language, Message, join_messages

SHARE = 0.5
"""Share of the time left that an engine gets while another one can still follow."""


class SearchChain:
    """Asks one engine after the other until one finds something.

    An engine that finds nothing may be refusing politely, so the next one is asked; if none finds
    anything, nothing was found. An engine whose breaker is open is left alone.
    """

    def __init__(
        self,
        engines: Sequence[SearchEngine],
        *,
        cache: ExpiringCache,
        timeout_s: float,
        clock: Callable[[], float] = time.time,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Ask `engines`, at least one, in their order, in `timeout_s` seconds for all together.

        `cache` keeps which engines are down; `clock` and `draw` are those of `CircuitBreaker`.
        """
        self._links = [
            (engine, CircuitBreaker(engine.name, cache=cache, clock=clock, draw=draw))
            for engine in engines
        ]
        self._timeout_s = timeout_s

    @property
    def name(self) -> str:
        """The names of all engines, in their order."""
        return ", ".join(engine.name for engine, _ in self._links)

    async def search(
        self,
        query: str,
        *,
        limit: int,
        language: Language,
        fresh: bool = False,
        timeout_s: float | None = None,
        model: str | None = None,
    ) -> SearchReply:
        """Return what the first engine finds that finds anything; see `SearchProvider.search`."""
        if not query.strip() or limit <= 0:
            return SearchReply(hits=(), engine=self._links[0][0].name)
        within_s = self._timeout_s if timeout_s is None else min(timeout_s, self._timeout_s)
        deadline = time.monotonic() + within_s
        skipped: list[EngineSkipped] = []
        failures: list[SearchError] = []
        for place, (engine, breaker) in enumerate(self._links):
            left_s = max(deadline - time.monotonic(), 0.0)
            # Whoever is left alone needs no time; the last one that is not gets all there is.
            followers = [each for _, each in self._links[place + 1 :] if each.open_error() is None]
            share_s = left_s * SHARE if followers else left_s
            try:
                hits = await search_guarded(
                    engine, breaker, query, limit=limit, language=language, timeout_s=share_s
                )
            except SearchError as error:
                failures.append(error)
                skipped.append(
                    EngineSkipped(engine=engine.name, kind=error.kind, text=error.message)
                )
                continue
            if hits:
                return SearchReply(hits=tuple(hits), engine=engine.name, skipped=tuple(skipped))
            nothing = Message("{engine} found nothing", engine=engine.name)
            skipped.append(EngineSkipped(engine=engine.name, kind="empty", text=nothing))
        return reply_without_hits(skipped, failures)


async def search_guarded(
    engine: SearchEngine,
    breaker: CircuitBreaker,
    query: str,
    *,
    limit: int,
    language: Language,
    timeout_s: float,
) -> list[SearchHit]:
    """Return what the engine finds and report to its breaker; raise why that is open."""
    if open_error := breaker.open_error():
        raise open_error
    breaker.on_attempt()
    try:
        hits = await engine.search(query, limit=limit, language=language, timeout_s=timeout_s)
    except SearchError as error:
        breaker.on_failure(error)
        raise
    # No hits prove no health: engines that block us may show an empty page, too.
    if hits:
        breaker.on_success()
    return hits


def reply_without_hits(
    skipped: Sequence[EngineSkipped], failures: Sequence[SearchError]
) -> SearchReply:
    """Return that nothing was found, or raise that no engine answered, each with its reason."""
    answered = next((one.engine for one in skipped if one.kind == "empty"), None)
    if answered is not None:
        others = tuple(one for one in skipped if one.engine != answered)
        return SearchReply(hits=(), engine=answered, skipped=others)
    first = failures[0]
    if len(failures) == 1:
        raise first
    # Kind and hint of the first: it is the one that a person has chosen to be first.
    raise SearchError(
        Message(
            "no search engine answered: {reasons}",
            reasons=join_messages((error.message for error in failures), SEMICOLON),
        ),
        kind=first.kind,
        hint=first.hint,
        retry_after_s=first.retry_after_s,
    )
