"""Pages over plain HTTP: polite, and bounded in time, bytes and hops.

Redirects are followed by hand, because a redirect may leave the site that robots.txt was asked
about, or the public web.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

from ingest.documents import Page, PageValidators, RequestRecord
from ingest.errors import FetchError, IngestError
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.web.fetch.challenges import wants_browser
from ingest.web.fetch.failures import SHOWN_CHARACTERS, failed, too_slow
from ingest.web.fetch.headers import content_type, retry_after_s, robots_directives
from ingest.web.fetch.wire import HttpClient, Response, TransferMeter, follow, is_sendable
from ingest.web.rate_limit import RateLimiter
from ingest.web.robots import RobotsPolicy, robots_error
from ingest.web.robots_parser import RobotsVerdict
from ingest.web.urls import canonical_url

__all__ = ["HttpClient", "HttpFetcher"]

READABLE = frozenset(
    {"", "application/octet-stream", "application/xhtml+xml", "application/xml", "application/json"}
)
"""Media types that may hold text, beside text/*, …+xml and …+json. Servers that know no type
send none, or octet-stream: then the bytes decide."""

MAX_REDIRECTS = 10
"""As many as Googlebot follows: sites that add a language, a slash and "www." one by one are
read, and those that never end are not."""
WAITING = frozenset({429, 503})
"""Statuses whose Retry-After is heeded (RFC 9110, 10.2.3)."""


@dataclass(slots=True, kw_only=True)
class _RequestContext:
    """One page on its way: what was asked of whom, and when it is too late."""

    known: PageValidators | None
    limit: asyncio.Timeout
    meters: list[TransferMeter] = field(default_factory=list)

    @property
    def robots(self) -> str:
        """The last rule that spoke, in words, "" if none did."""
        return next((meter.robots for meter in reversed(self.meters) if meter.robots), "")

    def begin(self, url: str) -> TransferMeter:
        self.meters.append(TransferMeter(url=url))
        return self.meters[-1]

    def conditions(self, url: str) -> dict[str, str]:
        """Return the headers that ask whether the page is still as we know it (RFC 9110, 13.1)."""
        if self.known is None or canonical_url(url) != self.known.final_url:
            return {}
        named = {"If-None-Match": self.known.etag, "If-Modified-Since": self.known.last_modified}
        return {name: value for name, value in named.items() if value and is_sendable(value)}

    @property
    def hops(self) -> tuple[RequestRecord, ...]:
        """Every request so far, as far as it came."""
        return tuple(meter.hop() for meter in self.meters)

    def tell(self, error: IngestError) -> None:
        """Write into `error` how it came about."""
        error.hops = self.hops
        error.robots = error.robots or self.robots

    def pause(self) -> float:
        """Stop the clock and return the seconds that are left."""
        now = asyncio.get_running_loop().time()
        left = (self.limit.when() or now) - now
        if not self.limit.expired():
            self.limit.reschedule(None)
        return left

    def go_on(self, left: float) -> None:
        """Let the clock run for `left` seconds."""
        if not self.limit.expired():
            self.limit.reschedule(asyncio.get_running_loop().time() + left)


class HttpFetcher:
    """Fetches pages over plain HTTP.

    Args:
        client: makes the requests, and asks the address rules.
        robots: asked on every hop.
        timeout_s: seconds for a whole page, robots.txt and redirects included, but not the wait
            for its turn.
        max_bytes: largest page, on the wire and unpacked.
        max_redirects: hops after which a page counts as refused.
        rate_limiter: lets us take turns at a host.
        document_types: media types that are downloaded beside text, HTML and feeds.
    """

    def __init__(
        self,
        *,
        client: HttpClient,
        robots: RobotsPolicy,
        timeout_s: float,
        max_bytes: int,
        rate_limiter: RateLimiter,
        max_redirects: int = MAX_REDIRECTS,
        document_types: Collection[str] = (),
    ) -> None:
        self._client = client
        self._robots = robots
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._max_redirects = max_redirects
        self._rate_limiter = rate_limiter
        self._readable = READABLE.union(document_types)

    async def fetch(self, url: str, *, known: PageValidators | None = None) -> Page:
        trip = _RequestContext(known=known, limit=asyncio.timeout(self._timeout_s))
        try:
            async with trip.limit:
                return await self._fetch(url, trip)
        except TimeoutError as error:
            late = too_slow(url, self._timeout_s)
            trip.tell(late)
            raise late from error
        except IngestError as error:
            trip.tell(error)
            raise

    async def close(self) -> None:
        await self._client.close()

    async def _fetch(self, url: str, trip: _RequestContext) -> Page:
        async def visit(hop: str) -> Response:
            return await self._visit(hop, trip)

        response = await follow(url, visit=visit, max_redirects=self._max_redirects)
        self._check(url, response, asked=trip.conditions(response.url))
        media_type, charset = content_type(response.headers)
        now = datetime.now(UTC)
        return Page(
            url=url,
            final_url=canonical_url(response.url),
            media_type=media_type,
            charset=charset,
            body=response.body if response.is_success else b"",
            fetched_at=now,
            fetcher="http",
            robots=trip.robots,
            hops=trip.hops,
            etag=response.headers.get("etag", ""),
            last_modified=response.headers.get("last-modified", ""),
            cache_control=response.headers.get("cache-control", ""),
            expires=response.headers.get("expires", ""),
            directives=robots_directives(
                response.headers.get_list("x-robots-tag"), agent=self._client.agent, now=now
            ),
        )

    async def _visit(self, url: str, trip: _RequestContext) -> Response:
        """Make one request of a trip, if address rules and robots.txt let us, when it is our turn.

        Raises:
            ForbiddenError: they do not.
            FetchError: there is no answer.
        """
        meter = trip.begin(url)
        await self._client.check(url)
        canonical_url(url)  # what has no canonical form has no place in the index
        found = await self._robots.check(url)
        meter.robots, meter.robots_line = found.rule, found.line
        if not found.allowed:
            raise robots_error(url, found)
        response = await self._take_turn(url, found, meter, trip)
        wait = _retry_after(response) if response.status in WAITING else None
        if wait is not None:
            self._rate_limiter.block_until(url, wait)
        return response

    async def _take_turn(
        self, url: str, found: RobotsVerdict, meter: TransferMeter, trip: _RequestContext
    ) -> Response:
        """Ask for `url` when its host may be asked. The wait is not the page's: it does not age."""
        left = trip.pause()
        async with self._rate_limiter.acquire(url, found.crawl_delay):
            trip.go_on(left)
            return await self._client.get(
                url,
                max_bytes=self._max_bytes,
                headers=trip.conditions(url),
                inspect=self._inspect,
                meter=meter,
            )

    def _inspect(self, url: str, headers: httpx.Headers) -> None:
        """Refuse by the headers what we could not use, before its body is sent."""
        media_type, _ = content_type(headers)
        if not self._is_readable(media_type):
            kind = media_type[:SHOWN_CHARACTERS]
            raise failed(url, "unsupported", Message("{kind} is not text", kind=kind))
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._max_bytes:
            raise self._too_large(url)

    def _check(self, url: str, response: Response, *, asked: dict[str, str]) -> None:
        """Raise if the last response is not the page, or that it has not changed if we `asked`."""
        if response.location is not None:
            raise failed(url, "refused", Message("redirects lead in a circle"))
        if response.status == httpx.codes.NOT_MODIFIED and asked:
            return
        if wants_browser(response.status, response.headers, response.body):
            raise failed(
                url,
                "needs_browser",
                Message("the site wants to see a browser first"),
            )
        if not response.is_success:
            raise _refused(url, response)
        if not response.complete:
            raise self._too_large(url)

    def _is_readable(self, media_type: str) -> bool:
        return (
            media_type in self._readable
            or media_type.startswith("text/")
            or (media_type.endswith(("+xml", "+json")) and not media_type.startswith("image/"))
        )

    def _too_large(self, url: str) -> FetchError:
        limit = self._max_bytes
        return failed(url, "too_large", Message("larger than {limit:,} bytes", limit=limit))


def _refused(url: str, response: Response) -> FetchError:
    wait = _retry_after(response)
    return failed(
        url,
        "refused",
        Message("the server answers {status}", status=response.status),
        hint=Message("try again in {wait:.0f} s", wait=wait) if wait is not None else NO_MESSAGE,
    )


def _retry_after(response: Response) -> float | None:
    return retry_after_s(response.headers.get("retry-after", ""), now=datetime.now(UTC))
