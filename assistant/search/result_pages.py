"""What every engine shares: reading pages until there are enough hits, and its failures."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import dataclass

from assistant.errors import SearchError, SearchFailure
from assistant.values import SearchHit
from ingest.errors import FetchError
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.web.urls import canonical_url, host_of, is_same_or_subdomain

QUERY_LIMIT = 499
"""Characters: what DuckDuckGo's own form takes; a longer query is answered by an error page."""
PAGE_LIMIT = 4
"""Result pages a search: at DuckDuckGo 10 + 3 * 15 results, enough if four of five are excluded."""
PAGE_PAUSE_S = 0.3
"""Between two pages: a person turns them no faster."""


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
        """`hint` is for what the engine knows better than `HINTS`."""
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
WANTS_A_HUMAN = Message("it wants to see a human")


async def collect(
    pages: AsyncGenerator[list[ResultRow], None],
    *,
    engine: str,
    limit: int,
    exclude: Collection[str],
    timeout_s: float,
) -> list[SearchHit]:
    """Return at most `limit` hits under their canonical URLs, best first, each page once.

    Pages are read until there are enough hits, or one brings nothing new. Sites in `exclude`,
    subdomains included, are left out. When a later page fails, or comes too late, the hits of the
    earlier ones are returned.

    Raises:
        SearchError: the first page failed or did not come within `timeout_s` seconds.
    """
    found: dict[str, ResultRow] = {}
    try:
        async with asyncio.timeout(timeout_s):
            await gather_rows(pages, limit, tuple(exclude), found)
    except TimeoutError as error:
        if not found:
            raise search_error(engine, EngineFailure("timeout", SILENT)) from error
    except EngineFailure as error:
        if not found:
            raise search_error(engine, error) from error
    return [
        SearchHit(rank=rank, title=row.title, url=url, snippet=row.snippet)
        for rank, (url, row) in enumerate(list(found.items())[:limit], start=1)
    ]


async def gather_rows(
    pages: AsyncGenerator[list[ResultRow], None],
    limit: int,
    exclude: tuple[str, ...],
    found: dict[str, ResultRow],
) -> None:
    """Put the rows of one page after the other into `found`, by canonical URL."""
    # `found` belongs to the caller, who still has it when the timeout cuts this short.
    seen_urls: set[str] = set()
    pages_read = 0
    # Closed here, since breaking off leaves a generator open, and its HTTP client with it.
    async with aclosing(pages):
        async for rows in pages:
            pages_read += 1
            seen_before = len(seen_urls)
            for row in rows:
                seen_urls.add(row.href)
                try:
                    url = canonical_url(row.href) if row.href else ""
                except FetchError:  # no page: javascript:, data:, a name that cannot be
                    continue
                if url and not any(is_same_or_subdomain(host_of(url), site) for site in exclude):
                    found.setdefault(url, row)
            # Some engines answer with the last page again, however far one goes.
            is_repeated = len(seen_urls) == seen_before
            if is_repeated or len(found) >= limit or pages_read == PAGE_LIMIT:
                return
            await asyncio.sleep(PAGE_PAUSE_S)


def shorten_query(query: str, *, limit: int = QUERY_LIMIT) -> str:
    """Return the query on one line, cut at a word where it has more than `limit` characters."""
    words = " ".join(query.split())
    if len(words) <= limit:
        return words
    at_a_word = words[: limit + 1].rpartition(" ")[0]
    # Chinese has no spaces: the last one, if any, may stand near the start.
    return at_a_word if len(at_a_word) > limit // 2 else words[:limit]


def search_error(engine: str, failure: EngineFailure) -> SearchError:
    """Return the error that people see, in which `engine` is named."""
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
    hint = failure.hint or HINTS.get(failure.kind, NO_MESSAGE)
    return SearchError(message, kind=failure.kind, hint=hint, retry_after_s=failure.retry_after_s)


HINTS: dict[SearchFailure, Message] = {
    "rate_limited": Message("ask again in a few minutes, or use what is stored already: --no-web"),
    "timeout": Message("try again, or give it longer: search.timeout in assistant.toml"),
    "unreachable": Message("check the network and HTTPS_PROXY with: assistant doctor"),
    "failed": Message("try again later, or use what is stored already: --no-web"),
}
"""What to do about a failure of which the engine knows nothing better. What is misconfigured is
always an engine's own setting."""
