"""Engines in order: the first that answers does, one that is down costs the question nothing."""

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
"""Of the time left that an engine gets while another one stands behind it."""


class SearchChain:
    """Asks one engine after the other until one finds something.

    An engine that finds nothing may be turning us away politely, so the next one is asked; if none
    finds anything, nothing was found. An engine whose breaker is open is left alone.
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

        `cache` remembers which engines are down; `clock` and `draw` are those of `CircuitBreaker`.
        """
        self._links = [
            (engine, CircuitBreaker(engine.name, cache=cache, clock=clock, draw=draw))
            for engine in engines
        ]
        self._timeout_s = timeout_s

    @property
    def name(self) -> str:
        return ", ".join(engine.name for engine, _ in self._links)

    async def search(
        self,
        query: str,
        *,
        limit: int,
        language: Language,
        fresh: bool = False,
        timeout_s: float | None = None,
    ) -> SearchReply:
        if not query.strip() or limit <= 0:
            return SearchReply(hits=(), engine=self._links[0][0].name)
        within_s = self._timeout_s if timeout_s is None else min(timeout_s, self._timeout_s)
        until = time.monotonic() + within_s
        skipped: list[EngineSkipped] = []
        failures: list[SearchError] = []
        for place, (engine, breaker) in enumerate(self._links):
            try:
                share_s = self._share_s(place, until)
                hits = await _asked(engine, breaker, query, limit, language, share_s)
            except SearchError as error:
                failures.append(error)
                skipped.append(
                    EngineSkipped(engine=engine.name, kind=error.kind, text=error.message)
                )
                continue
            if hits:
                return SearchReply(hits=tuple(hits), engine=engine.name, skipped=tuple(skipped))
            skipped.append(_empty(engine.name))
        return _nothing(skipped, failures)

    def _share_s(self, place: int, until: float) -> float:
        """Return the seconds that the engine at `place` gets."""
        left_s = max(until - time.monotonic(), 0.0)
        behind = [breaker for _, breaker in self._links[place + 1 :] if breaker.is_open() is None]
        return left_s * SHARE if behind else left_s


async def _asked(
    engine: SearchEngine,
    breaker: CircuitBreaker,
    query: str,
    limit: int,
    language: Language,
    timeout_s: float,
) -> list[SearchHit]:
    """Return what the engine finds, unless it is resting, and let the breaker know."""
    resting = breaker.is_open()
    if resting is not None:
        raise resting
    breaker.on_attempt()
    try:
        hits = await engine.search(query, limit=limit, language=language, timeout_s=timeout_s)
    except SearchError as error:
        breaker.on_failure(error)
        raise
    if hits:
        breaker.on_success()
    return hits


def _empty(engine: str) -> EngineSkipped:
    nothing = Message("{engine} found nothing", engine=engine)
    return EngineSkipped(engine=engine, kind="empty", text=nothing)


def _nothing(skipped: list[EngineSkipped], failures: list[SearchError]) -> SearchReply:
    """Return that nothing was found, or raise that nobody answered, each with its reason."""
    answered = next((one.engine for one in skipped if one.kind == "empty"), None)
    if answered is not None:
        others = tuple(one for one in skipped if one.engine != answered)
        return SearchReply(hits=(), engine=answered, skipped=others)
    first = failures[0]
    if len(failures) == 1:
        raise first
    raise SearchError(
        Message(
            "no search engine answered: {reasons}",
            reasons=join_messages((error.message for error in failures), SEMICOLON),
        ),
        kind=first.kind,
        hint=first.hint,
        retry_after_s=first.retry_after_s,
    )
