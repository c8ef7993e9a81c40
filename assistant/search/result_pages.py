"""What every engine shares: turning result pages until there are enough hits, and its failures."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import dataclass

from assistant.errors import SearchError, SearchFailure
from assistant.values import SearchHit
from ingest.errors import FetchError
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.web.urls import canonical_url, host_of, same_or_subdomain

QUERY_LIMIT = 499
"""Characters: what DuckDuckGo's own form takes; a longer query is answered by an error page."""
PAGE_LIMIT = 4
"""Result pages a search: at DuckDuckGo 10 + 3 * 15 results, enough if four of five are excluded."""
PAGE_PAUSE_S = 0.3
"""Between two pages: a reader turns them no faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """One result as it stands on the page, its link unwrapped; "" leads nowhere."""

    title: str
    href: str
    snippet: str


class EngineFailure(Exception):  # noqa: N818  never leaves the engines
    """Why there is no result page: the kind, and a few words for people."""

    def __init__(
        self,
        kind: SearchFailure,
        detail: Message,
        *,
        hint: Message = NO_MESSAGE,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(str(detail))
        self.kind: SearchFailure = kind
        self.detail = detail
        self.hint = hint
        self.retry_after_s = retry_after_s


NO_NETWORK = Message("no network or its name cannot be resolved")
NO_CONNECTION = Message("the network, a proxy or a certificate stands in the way")
NO_CLIENT = Message("the proxy or the certificates cannot be used")
BROKEN = Message("its reply was broken off or is not readable")
SILENT = Message("no response")


async def collect(
    pages: AsyncGenerator[list[ResultRow], None],
    *,
    engine: str,
    limit: int,
    exclude: Collection[str],
    timeout_s: float,
) -> list[SearchHit]:
    """Return at most `limit` hits under their canonical URLs, best first, each page once.

    Pages are turned until there are enough hits, or one brings nothing new. Sites in `exclude`,
    subdomains included, are left out. When a later page fails, or comes too late, the hits of the
    earlier ones are returned.

    Raises:
        SearchError: the first page failed or did not come within `timeout_s` seconds.
    """
    found: dict[str, ResultRow] = {}
    try:
        async with asyncio.timeout(timeout_s):
            await _turn(pages, limit, tuple(exclude), found)
    except TimeoutError as error:
        if not found:
            raise explained(engine, EngineFailure("timeout", SILENT)) from error
    except EngineFailure as error:
        if not found:
            raise explained(engine, error) from error
    return [
        SearchHit(rank=rank, title=row.title, url=url, snippet=row.snippet)
        for rank, (url, row) in enumerate(list(found.items())[:limit], start=1)
    ]


async def _turn(
    pages: AsyncGenerator[list[ResultRow], None],
    limit: int,
    exclude: tuple[str, ...],
    found: dict[str, ResultRow],
) -> None:
    """Put the rows of one page after the other into `found`, by canonical URL."""
    seen: set[str] = set()
    turned = 0
    async with aclosing(pages):
        async for rows in pages:
            turned += 1
            before = len(seen)
            for row in rows:
                seen.add(row.href)
                url = _page_url(row.href)
                if url and not any(same_or_subdomain(host_of(url), site) for site in exclude):
                    found.setdefault(url, row)
            if len(seen) == before or len(found) >= limit or turned == PAGE_LIMIT:
                return
            await asyncio.sleep(PAGE_PAUSE_S)


def _page_url(href: str) -> str | None:
    """Return the canonical URL of a link, None if it is no page."""
    try:
        return canonical_url(href) if href else None
    except FetchError:
        return None


def one_line(query: str, *, limit: int = QUERY_LIMIT) -> str:
    """Return the query on one line, cut at a word where it has more than `limit` characters."""
    words = " ".join(query.split())
    if len(words) <= limit:
        return words
    at_a_word = words[: limit + 1].rpartition(" ")[0]
    return at_a_word if len(at_a_word) > limit // 2 else words[:limit]  # 中文 has no spaces


def explained(engine: str, failure: EngineFailure) -> SearchError:
    """Return the error that people read."""
    detail = failure.detail
    message = {
        "rate_limited": Message(
            "{engine} asks us to wait ({detail})", engine=engine, detail=detail
        ),
        "timeout": Message("{engine} did not answer in time", engine=engine),
        "unreachable": Message(
            "{engine} cannot be reached: {detail}", engine=engine, detail=detail
        ),
        "failed": Message("{engine} failed ({detail})", engine=engine, detail=detail),
        "misconfigured": Message("{engine} cannot be used: {detail}", engine=engine, detail=detail),
    }[failure.kind]
    hint = failure.hint if failure.hint != NO_MESSAGE else HINTS.get(failure.kind, NO_MESSAGE)
    return SearchError(message, kind=failure.kind, hint=hint, retry_after_s=failure.retry_after_s)


HINTS: dict[SearchFailure, Message] = {
    "rate_limited": Message("ask again in a few minutes, or use what is stored already: --no-web"),
    "timeout": Message("try again, or give it longer: search.timeout in assistant.toml"),
    "unreachable": Message("check the network and HTTPS_PROXY with: assistant doctor"),
    "failed": Message("try again later, or use what is stored already: --no-web"),
}
"""What to do when an engine fails in one of these ways and knows nothing better itself."""
