"""Single requests to public addresses, bounded in time and bytes, for robots.txt and pages alike.

Works on httpcore and not on httpx's client, which keeps cookies, follows redirects into private
networks, unpacks bombs whole and looks names up on its own.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import httpcore
import httpx

from ingest.documents import RequestRecord
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Message
from ingest.web.fetch.decompression import ACCEPT_ENCODING, DamagedBodyError, Unpacker
from ingest.web.fetch.failures import WIRE_ERRORS, too_slow, translated
from ingest.web.fetch.pinned_network import Dial, PinnedBackend, dial_tcp
from ingest.web.robots import MAX_REDIRECTS as ROBOTS_REDIRECTS
from ingest.web.robots import RobotsReply
from ingest.web.robots_parser import MAX_BYTES as ROBOTS_BYTES
from ingest.web.ssrf import AddressGuard, proxy_for
from ingest.web.urls import Endpoint, endpoint_of, resolve_reference

ACCEPT = "text/html,application/xhtml+xml,text/plain;q=0.9,*/*;q=0.5"
ACCEPT_LANGUAGE = "zh-CN,zh;q=0.9,en;q=0.8"

ROBOTS_SHARE = 0.5
"""Share of a page's time after which its robots.txt counts as unreachable: the reason reaches the
reader before the page's own deadline does."""

ASIDE_BYTES = 64 * 1024
ASIDE_S = 1.0
"""What we read of a body that is no page: whether it is a challenge is seen at its beginning, and
at its end the connection can serve the next request."""

MAX_PIECES = 20_000
"""A page of 5 MB comes in about 100; chunks of one byte cost 25 µs of our time each."""
BREATH = 200
"""Pieces after which others have a turn: one read from the socket may hold 10,000 chunks."""

PLAIN_PORTS = {"http": 80, "https": 443}
MAX_CONNECTIONS = 100
IDLE_CONNECTIONS = 20
IDLE_S = 5.0  # servers close at 5 s (Apache) or later


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came back from one request."""

    url: str
    status: int
    headers: httpx.Headers
    body: bytes = b""
    """Unpacked; of anything but 2xx only the beginning, or nothing."""
    complete: bool = True
    """False when the body was cut at the limit."""

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def location(self) -> str | None:
        """Where a redirect points to, as it was sent."""
        return self.headers.get("location") if 300 <= self.status < 400 else None


@dataclass(slots=True, kw_only=True)
class TransferMeter:
    """Counts one request while it is made, so that it can be told of also when it fails."""

    url: str
    robots: str = ""
    robots_line: int | None = None
    status: int = 0
    wire_bytes: int = 0

    def hop(self) -> RequestRecord:
        """Return how far it came."""
        return RequestRecord(
            url=self.url,
            robots=self.robots,
            robots_line=self.robots_line,
            status=self.status,
            wire_bytes=self.wire_bytes,
        )


Inspect = Callable[[str, httpx.Headers], None]
"""Looks at URL and headers of a 2xx response and raises `FetchError` if the body is not wanted."""


class HttpClient:
    """Makes GET requests to public addresses only.

    HTTP(S)_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR are honoured; without the
    last two, certifi's authorities are trusted.

    Args:
        guard: asked before every request, and where to connect.
        agent: the User-Agent, the same for robots.txt and pages.
        timeout_s: seconds for one step on the wire; the callers bound the whole.
        dial: opens connections to literal addresses.

    Raises:
        SettingsError: SSL_CERT_FILE cannot be read, or `agent` cannot be sent.
    """

    def __init__(
        self, *, guard: AddressGuard, agent: str, timeout_s: float, dial: Dial = dial_tcp
    ) -> None:
        if not is_sendable(agent):
            raise SettingsError(
                Message("user_agent cannot be {agent!r}", agent=agent),
                hint=Message("use ASCII letters only"),
            )
        self.agent = agent
        self._guard = guard
        self._timeout_s = timeout_s
        self._headers = {
            "User-Agent": agent,
            "Accept": ACCEPT,
            "Accept-Language": ACCEPT_LANGUAGE,
            "Accept-Encoding": ACCEPT_ENCODING,
        }
        self._tls = _tls_context()
        self._backend = PinnedBackend(guard=guard, dial=dial)
        steps = ("connect", "read", "write", "pool")
        self._extensions = {"timeout": dict.fromkeys(steps, timeout_s)}
        self._pools: dict[str | None, httpcore.AsyncConnectionPool] = {}
        for name in ("httpx", "httpcore"):  # they log whole URLs, and the questions in them
            logging.getLogger(name).setLevel(logging.WARNING)

    async def check(self, url: str) -> None:
        """Return if the address rules let us visit `url`; raise as `AddressGuard.check` does."""
        await self._guard.check(url)

    async def get(
        self,
        url: str,
        *,
        max_bytes: int,
        headers: Mapping[str, str] | None = None,
        inspect: Inspect | None = None,
        meter: TransferMeter | None = None,
    ) -> Response:
        """Return the response to one request; redirects are not followed.

        Args:
            url: http or https.
            max_bytes: of a page, on the wire and unpacked; what is beyond is cut off.
            headers: sent beside our own.
            inspect: asked before the body of a page is read.
            meter: told of status and bytes as they arrive.

        Raises:
            ForbiddenError: the address rules refuse it.
            FetchError: it does not answer, or not in HTTP.
        """
        await self._guard.check(url)
        meter = meter or TransferMeter(url=url)
        sent = [("Host", _host_header(url)), *self._headers.items(), *(headers or {}).items()]
        try:
            async with self._pool_for(url).stream(
                "GET", _target(url), headers=sent, extensions=self._extensions
            ) as raw:
                meter.status = raw.status
                response = Response(url=url, status=raw.status, headers=httpx.Headers(raw.headers))
                if not response.is_success:
                    return await _read_aside(raw, response, meter)
                if inspect is not None:
                    inspect(url, response.headers)
                return await _read(raw, response, meter, limit=max_bytes)
        except WIRE_ERRORS as error:
            raise translated(url, error, step_s=self._timeout_s) from error

    async def read_robots(self, url: str) -> RobotsReply:
        """Return what `url` (…/robots.txt) answers. For `RobotsPolicy(read=…)`.

        Raises:
            ForbiddenError, FetchError: there is no answer.
        """
        # One byte more shows the reader that there was more.
        visit = partial(self.get, max_bytes=ROBOTS_BYTES + 1)
        try:
            async with asyncio.timeout(self._timeout_s * ROBOTS_SHARE):
                response = await follow(url, visit=visit, max_redirects=ROBOTS_REDIRECTS)
        except TimeoutError as error:
            raise too_slow(url, self._timeout_s * ROBOTS_SHARE) from error
        body = response.body if response.is_success else b""
        return RobotsReply(status=response.status, body=body)

    async def close(self) -> None:
        """Close every connection. May be called twice."""
        pools = list(self._pools.values())
        self._pools.clear()
        for pool in pools:
            await pool.aclose()

    def _pool_for(self, url: str) -> httpcore.AsyncConnectionPool:
        """Return the connections of the proxy that the guard, too, thinks of, or our own."""
        proxy = proxy_for(url)
        if proxy not in self._pools:
            self._pools[proxy] = httpcore.AsyncConnectionPool(
                ssl_context=self._tls,
                proxy=self._proxy(proxy) if proxy else None,
                network_backend=None if proxy else self._backend,
                http2=True,
                max_connections=MAX_CONNECTIONS,
                max_keepalive_connections=IDLE_CONNECTIONS,
                keepalive_expiry=IDLE_S,
            )
        return self._pools[proxy]

    def _proxy(self, address: str) -> httpcore.Proxy:
        try:
            parsed = httpx.Proxy(address)
            host, port = parsed.url.raw_host, parsed.url.port
        except (ValueError, httpx.InvalidURL) as error:
            raise SettingsError(
                Message("the proxy in the environment cannot be used"),
                hint=Message("write HTTPS_PROXY like http://host:port"),
            ) from error
        scheme = parsed.url.raw_scheme
        tls = self._tls if scheme == b"https" else None
        way = httpcore.URL(scheme=scheme, host=host, port=port, target=b"/")
        return httpcore.Proxy(way, auth=parsed.raw_auth, ssl_context=tls)


async def follow(
    url: str, *, visit: Callable[[str], Awaitable[Response]], max_redirects: int
) -> Response:
    """Return the response at the end of the redirects, or the last redirect allowed.

    Args:
        url: where to begin.
        visit: makes one request; it is the place for rules.
        max_redirects: what is followed at most. A circle ends where it closes.
    """
    seen: set[str] = set()
    while True:
        response = await visit(url)
        seen.add(url)
        if response.location is None or len(seen) > max_redirects:
            return response
        url = resolve_reference(url, response.location)
        if url in seen:
            return response


def is_sendable(value: str) -> bool:
    """Return whether `value` can stand in a header (RFC 9110, 5.5, without its obsolete part)."""
    return value.isascii() and value.isprintable()


def _target(url: str) -> httpcore.URL:
    """Return `url` as httpcore takes it; its own parser would lose what follows a ";"."""
    end = _endpoint(url)
    path = resolve_reference(url, url).partition("#")[0].partition("://")[2].partition("/")[2]
    return httpcore.URL(scheme=end.scheme, host=end.host, port=end.port, target=f"/{path}")


def _host_header(url: str) -> str:
    end = _endpoint(url)
    host = f"[{end.host}]" if ":" in end.host else end.host
    return host if end.port == PLAIN_PORTS[end.scheme] else f"{host}:{end.port}"


def _endpoint(url: str) -> Endpoint:
    end = endpoint_of(url)
    assert end is not None, "the guard has let it through"
    return end


async def _read(
    raw: httpcore.Response, response: Response, meter: TransferMeter, *, limit: int
) -> Response:
    """Return the response with its unpacked body, of which at most `limit` bytes are kept."""
    unpacker = Unpacker(encoding=response.headers.get("content-encoding", ""), limit=limit)
    complete = await _feed(raw, unpacker, meter)
    if complete:
        unpacker.finish()
    return replace(response, body=unpacker.body, complete=complete)


async def _read_aside(raw: httpcore.Response, response: Response, meter: TransferMeter) -> Response:
    """Return the response with the beginning of a body that is no page, or without, if it ails."""
    try:
        async with asyncio.timeout(ASIDE_S):
            return await _read(raw, response, meter, limit=ASIDE_BYTES)
    except WIRE_ERRORS:  # TimeoutError among them
        return response


async def _feed(raw: httpcore.Response, unpacker: Unpacker, meter: TransferMeter) -> bool:
    """Feed the body to `unpacker` and return whether it was taken whole.

    Raises:
        DamagedBodyError: it comes in crumbs.
    """
    count = 0
    stream = cast("AsyncGenerator[bytes, None]", raw.aiter_stream())
    async with aclosing(stream) as pieces:
        async for piece in pieces:
            count += 1
            meter.wire_bytes += len(piece)
            if not unpacker.feed(piece):
                return False
            if count > MAX_PIECES:
                raise DamagedBodyError("in too many pieces")
            if count % BREATH == 0:
                await asyncio.sleep(0)
    return True


def _tls_context() -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise SettingsError(
            Message(
                "the certificates that SSL_CERT_FILE names cannot be read ({error})", error=error
            ),
            hint=Message("name a PEM file, or unset it"),
        ) from error
