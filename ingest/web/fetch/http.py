"""Pages over plain HTTP: robots.txt and rate limits kept; time, bytes and redirects bounded."""

import asyncio
import contextlib
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

from ingest.documents import Page, PageValidators, RequestRecord
from ingest.errors import FetchError, IngestError
from ingest.foundation.http_dates import parse_retry_after
from ingest.foundation.messages import NO_MESSAGE, Message
from ingest.web.challenges import wants_browser
from ingest.web.fetch.decompression import MAX_WITH_PICTURES
from ingest.web.fetch.failures import SHOWN_CHARACTERS, failed, lost, too_slow
from ingest.web.fetch.headers import is_page, parse_content_type, parse_robots_directives
from ingest.web.fetch.wire import HttpClient, Response, TransferMeter, follow, is_sendable
from ingest.web.page_refresh import find_refresh
from ingest.web.rate_limit import RateLimiter
from ingest.web.robots import RobotsPolicy, robots_error
from ingest.web.urls import canonical_url

__all__ = ["HttpClient", "HttpFetcher"]

READABLE = frozenset(
    {"", "application/octet-stream", "application/xhtml+xml", "application/xml", "application/json"}
)
"""Media types that may hold text, besides text/*, …+xml and …+json. Servers that know no type
send none, or octet-stream: then the bytes decide."""

MAX_REDIRECTS = 10
"""As many as Googlebot follows: sites that add a language, a slash and "www." one by one are
read, and those that never end are not."""
RETRY_STATUSES = frozenset({429, 503})
"""Statuses whose Retry-After the rate limiter heeds (RFC 9110, 10.2.3; RFC 6585, 4)."""

MAX_HINT_S = 24 * 3600.0
"""The longest Retry-After that a person is told to wait: servers that want us to stay away name
years."""
_RANGE = re.compile(r"\s*bytes\s+0-(?P<last>\d{1,18})/(?P<total>\d{1,18})\s*", re.ASCII)


@dataclass(slots=True, kw_only=True)
class _RequestContext:
    """One page with all its requests, and the clock that they share."""

    known: PageValidators | None
    limit: asyncio.Timeout
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)
    """What the requests of this page have been given, for the next of them and for nothing else:
    a site that sets a cookie and redirects to itself waits for it."""
    has_waited: bool = False
    """Whether a Retry-After has been waited for: once a page."""
    meters: list[TransferMeter] = field(default_factory=list)

    @property
    def robots(self) -> str:
        """The last rule of robots.txt that was applied, "" if none was."""
        return next((meter.robots for meter in reversed(self.meters) if meter.robots), "")

    def begin(self, url: str) -> TransferMeter:
        """Add a request and return what records it."""
        self.meters.append(TransferMeter(url=url))
        return self.meters[-1]

    def keep_cookies(self, response: Response) -> None:
        """Take the cookies of a response, each for the hosts and paths that it is meant for."""
        if "set-cookie" not in response.headers:
            return
        with contextlib.suppress(ValueError, httpx.InvalidURL):
            request = httpx.Request("GET", response.url)
            headers = response.headers
            self.cookies.extract_cookies(
                httpx.Response(response.status, headers=headers, request=request)
            )

    def cookie_header(self, url: str) -> dict[str, str]:
        """Return the header with the cookies that `url` is meant to get."""
        if not self.cookies.jar:
            return {}
        try:
            request = httpx.Request("GET", url)
        except (ValueError, httpx.InvalidURL):
            return {}
        self.cookies.set_cookie_header(request)
        value = request.headers.get("cookie", "")
        return {"Cookie": value} if value and is_sendable(value) else {}

    def cookie_state(self) -> frozenset[tuple[str, str, str, str | None]]:
        """Return the cookies as a value: with others, the same URL is another request."""
        jar = self.cookies.jar
        return frozenset((one.domain, one.path, one.name, one.value) for one in jar)

    def seconds_left(self) -> float:
        """Return the seconds that are left for the page."""
        now = asyncio.get_running_loop().time()
        return (self.limit.when() or now) - now

    def conditions(self, url: str) -> dict[str, str]:
        """Return the headers that ask whether the page is still as we know it (RFC 9110, 13.1)."""
        # Validators belong to the URL that they came from, not to the redirect that led there.
        if self.known is None or canonical_url(url) != self.known.final_url:
            return {}
        named = {"If-None-Match": self.known.etag, "If-Modified-Since": self.known.last_modified}
        return {name: value for name, value in named.items() if value and is_sendable(value)}

    @property
    def hops(self) -> tuple[RequestRecord, ...]:
        """Every request so far, as far as it came."""
        return tuple(meter.to_record() for meter in self.meters)

    def annotate(self, error: IngestError) -> None:
        """Write into `error` the requests that led to it."""
        error.hops = self.hops
        error.robots = error.robots or self.robots

    def pause(self) -> float:
        """Stop the clock and return the seconds that are left."""
        left = self.seconds_left()
        # An expired timeout cannot be rescheduled: its cancellation is on its way already.
        if not self.limit.expired():
            self.limit.reschedule(None)
        return left

    def resume(self, left: float) -> None:
        """Let the clock run for `left` seconds."""
        if not self.limit.expired():
            self.limit.reschedule(asyncio.get_running_loop().time() + left)


class HttpFetcher:
    """Fetches pages over plain HTTP.

    Args:
        client: makes the requests, and checks the address rules.
        robots: checked before every request.
        timeout_s: seconds for a whole page, robots.txt and redirects included, but not the wait
            for the rate limiter.
        max_bytes: largest page, compressed and decompressed.
        max_redirects: after these a page counts as refused.
        rate_limiter: spaces the requests to a host.
        document_types: media types that are downloaded besides text, HTML and feeds.
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
        """Return the page, or status 304 without a body if it is still as `known`."""
        context = _RequestContext(known=known, limit=asyncio.timeout(self._timeout_s))
        try:
            async with context.limit:
                return await self._fetch(url, context)
        except TimeoutError as error:
            late = too_slow(url, self._timeout_s)
            context.annotate(late)
            raise late from error
        except IngestError as error:
            context.annotate(error)
            raise

    async def close(self) -> None:
        """Close every connection. May be called twice."""
        await self._client.close()

    async def _fetch(self, url: str, context: _RequestContext) -> Page:
        # By hand, one by one: a redirect may leave the site whose robots.txt has been checked.
        response = await follow(
            url,
            request=lambda target: self._request(target, context),
            max_redirects=self._max_redirects,
            target=_next_reference,
            state=context.cookie_state,
        )
        self._check(url, response, is_conditional=bool(context.conditions(response.url)))
        media_type, charset = parse_content_type(response.headers)
        now = datetime.now(UTC)
        return Page(
            url=url,
            final_url=canonical_url(response.url),
            media_type=media_type,
            charset=charset,
            body=response.body if response.is_success else b"",
            fetched_at=now,
            fetcher="http",
            robots=context.robots,
            hops=context.hops,
            etag=response.headers.get("etag", ""),
            last_modified=response.headers.get("last-modified", ""),
            cache_control=response.headers.get("cache-control", ""),
            expires=response.headers.get("expires", ""),
            directives=parse_robots_directives(
                response.headers.get_list("x-robots-tag"), agent=self._client.agent, now=now
            ),
        )

    async def _request(self, url: str, context: _RequestContext) -> Response:
        """Make one request for a page, once address rules, robots.txt and rate limiter allow it.

        Raises:
            ForbiddenError: the rules or robots.txt forbid it.
            FetchError: there is no answer.
        """
        response = await self._request_once(url, context)
        context.keep_cookies(response)
        wait = _retry_after(response) if response.status in RETRY_STATUSES else None
        if wait is None:
            return response
        self._rate_limiter.block_until(url, wait)
        # One second try, and only within the page's own time: a server that is busy for a moment
        # says so, and whoever asks later gets the page.
        if context.has_waited or wait >= context.seconds_left():
            return response
        context.has_waited = True
        await asyncio.sleep(wait)
        return await self._request(url, context)

    async def _request_once(self, url: str, context: _RequestContext) -> Response:
        meter = context.begin(url)
        await self._client.check(url)
        canonical_url(url)  # raises: what has no canonical form has no place in the index
        verdict = await self._robots.check(url)
        meter.robots, meter.robots_line = verdict.rule, verdict.line
        if not verdict.allowed:
            raise robots_error(url, verdict)
        # The clock stands while other requests to the host go first: that wait is no fault of the
        # page, and would else count as its timeout.
        left = context.pause()
        async with self._rate_limiter.acquire(url, verdict.crawl_delay):
            context.resume(left)
            return await self._client.get(
                url,
                max_bytes=self._max_bytes,
                headers=context.conditions(url) | context.cookie_header(url),
                inspect=self._inspect,
                meter=meter,
            )

    def _inspect(self, url: str, headers: httpx.Headers) -> None:
        """Reject by its headers what we could not use, before its body is sent."""
        media_type, _ = parse_content_type(headers)
        is_readable = (
            media_type in self._readable
            or media_type.startswith("text/")
            or (media_type.endswith(("+xml", "+json")) and not media_type.startswith("image/"))
        )
        if not is_readable:
            kind = media_type[:SHOWN_CHARACTERS]
            raise failed(url, "unsupported", Message("{kind} is not text", kind=kind))
        length = headers.get("content-length", "")
        most = self._max_bytes * (MAX_WITH_PICTURES if is_page(headers) else 1)
        if length.isdecimal() and int(length) > most:
            raise self._too_large(url)

    def _check(self, url: str, response: Response, *, is_conditional: bool) -> None:
        """Raise if the last response is neither the page nor "not modified"."""
        if response.location is not None:
            raise lost(url, "refused", Message("redirects lead in a circle"))
        # Some servers send 304 to a request without conditions: then there is no page.
        if response.status == httpx.codes.NOT_MODIFIED and is_conditional:
            return
        if wants_browser(response.status, response.headers, response.body):
            raise failed(url, "needs_browser", Message("the site wants to see a browser first"))
        if not response.is_success:
            wait = _retry_after(response)
            raise failed(
                url,
                "refused",
                Message("the server answers {status}", status=response.status),
                hint=Message("try again in {wait:.0f} s", wait=wait)
                if wait is not None and 1 <= wait <= MAX_HINT_S
                else NO_MESSAGE,
            )
        if not response.complete:
            raise self._too_large(url)
        # A 206, which we have not asked for, may hold all bytes (RFC 9110, 14.4).
        span = response.headers.get("content-range", "")
        named = _RANGE.fullmatch(span)
        is_whole = named is not None and int(named["last"]) + 1 == int(named["total"])
        if response.status == httpx.codes.PARTIAL_CONTENT and span and not is_whole:
            raise failed(url, "unreachable", Message("the server sends a part of the page only"))

    def _too_large(self, url: str) -> FetchError:
        limit = self._max_bytes
        return failed(url, "too_large", Message("larger than {limit:,} bytes", limit=limit))


def _next_reference(response: Response) -> str | None:
    """Return where a response leads to, by its status or by itself; None if it is the page."""
    if response.is_success and response.complete and is_page(response.headers):
        return find_refresh(response.headers, response.body)
    return response.location


def _retry_after(response: Response) -> float | None:
    return parse_retry_after(response.headers.get("retry-after", ""), now=datetime.now(UTC))
