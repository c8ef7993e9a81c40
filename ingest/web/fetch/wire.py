"""Single GET requests to public addresses, bounded in time and bytes: robots.txt and pages alike.

Uses httpcore and not httpx's client, which keeps cookies, follows redirects into private
networks, decompresses bombs whole and looks names up by itself.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast
from urllib.parse import quote

import httpcore
import httpx

from ingest.documents import RequestRecord
from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Message
from ingest.web.fetch.decompression import (
    ACCEPT_ENCODING,
    DamagedBodyError,
    Unpacker,
    ends_like_a_page,
)
from ingest.web.fetch.failures import WIRE_ERRORS, map_wire_error, too_slow
from ingest.web.fetch.headers import is_page, parse_content_type
from ingest.web.fetch.lenient_http import LenientBackend
from ingest.web.fetch.pinned_network import Dial, PinnedBackend, dial_tcp
from ingest.web.robots import MAX_REDIRECTS as ROBOTS_REDIRECTS
from ingest.web.robots import RobotsReply
from ingest.web.robots_parser import MAX_BYTES as ROBOTS_BYTES
from ingest.web.ssrf import AddressGuard, proxy_for
from ingest.web.urls import endpoint_of, resolve_reference

ACCEPT = "text/html,application/xhtml+xml,text/plain;q=0.9,*/*;q=0.5"
ACCEPT_LANGUAGE = "zh-CN,zh;q=0.9,en;q=0.8"

ROBOTS_SHARE = 0.5
"""Share of a page's time after which its robots.txt counts as unreachable: then that reason is
reported, before the page's own timeout hides it."""

ERROR_BODY_BYTES = 64 * 1024
ERROR_BODY_S = 1.0
"""What is read of a body under an error status: its beginning shows whether it is a challenge,
and if it is read to its end, the connection can serve the next request."""

MAX_PIECES = 20_000
"""A page of 5 MB comes in about 100; chunks of one byte cost 25 µs of our time each."""
YIELD_PIECES = 200
"""Pieces after which other tasks run: one read from the socket may hold 10,000 chunks."""

_ASCII = "".join(map(chr, range(0x80)))

PLAIN_PORTS = {"http": 80, "https": 443}
MAX_CONNECTIONS = 100
IDLE_CONNECTIONS = 10
"""As many as pages are read at once. httpcore looks at each of them for each of them (n²) at every
request: with 20 that was a tenth of the main process of `ingest`."""
IDLE_S = 5.0
"""After this an idle connection is closed; servers do so at 5 s (Apache) or later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came back from one request."""

    url: str
    status: int
    headers: httpx.Headers
    body: bytes = b""
    """Decompressed; of anything but 2xx only the beginning, or nothing."""
    complete: bool = True
    """False when the body was cut at the limit."""

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def location(self) -> str | None:
        """Where a redirect points to; bytes that are not ASCII are escaped as they were sent."""
        if not 300 <= self.status < 400:
            return None
        # Not `headers.get`: it reads them as Latin-1, and a path in GBK would be sent as UTF-8.
        raw = next((v for name, v in self.headers.raw if name.lower() == b"location"), None)
        return None if raw is None else quote(raw.strip(), safe=_ASCII)


@dataclass(slots=True, kw_only=True)
class TransferMeter:
    """Records one request while it is made, so that a failed one can be reported, too."""

    url: str
    robots: str = ""
    robots_line: int | None = None
    status: int = 0
    wire_bytes: int = 0

    def to_record(self) -> RequestRecord:
        """Return the request as far as it came."""
        return RequestRecord(
            url=self.url,
            robots=self.robots,
            robots_line=self.robots_line,
            status=self.status,
            wire_bytes=self.wire_bytes,
        )


_DROPPED = (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError)
"""What a request raises on a connection that its server has closed meanwhile."""

Inspect = Callable[[str, httpx.Headers], None]
"""Gets URL and headers of a 2xx response, and raises `FetchError` if the body is not wanted."""


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
        SettingsError: SSL_CERT_FILE cannot be read, or `agent` is no header value.
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
        try:
            self._tls = httpx.create_ssl_context()
        except OSError as error:
            raise SettingsError(
                Message(
                    "the certificates that SSL_CERT_FILE names cannot be read ({error})",
                    error=error,
                ),
                hint=Message("name a PEM file, or unset it"),
            ) from error
        self._backend = LenientBackend(PinnedBackend(guard=guard, dial=dial))
        steps = ("connect", "read", "write", "pool")
        self._extensions = {"timeout": dict.fromkeys(steps, timeout_s)}
        self._pools: dict[str | None, httpcore.AsyncConnectionPool] = {}
        # At INFO they log whole URLs, and with them what people ask.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)

    async def check(self, url: str) -> None:
        """Return if the address rules allow `url`; raise as `AddressGuard.check` does."""
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
            max_bytes: of a page, compressed and decompressed; what is beyond is cut off.
            headers: sent besides our own.
            inspect: called before the body of a page is read.
            meter: gets status and bytes as they arrive.

        Raises:
            ForbiddenError: the address rules forbid it.
            FetchError: it does not answer, or not in HTTP.
        """
        await self._guard.check(url)
        meter = meter or TransferMeter(url=url)
        target, host = _request_target(url)
        sent = [("Host", host), *self._headers.items(), *(headers or {}).items()]
        is_new = False

        async def watch(event: str, info: Mapping[str, Any]) -> None:
            nonlocal is_new
            is_new = is_new or event.startswith("connection.connect")

        request = partial(
            self._request, url, target, sent, max_bytes=max_bytes, inspect=inspect, meter=meter
        )
        try:
            return await request(extensions=self._extensions | {"trace": watch})
        except WIRE_ERRORS as error:
            # RFC 9112, 9.3.1: a server may close an idle connection just as it is used again. On a
            # connection of its own the same request is answered.
            if is_new or meter.status or not isinstance(error, _DROPPED):
                raise map_wire_error(url, error, step_s=self._timeout_s) from error
        try:
            return await request(extensions=self._extensions)
        except WIRE_ERRORS as error:
            raise map_wire_error(url, error, step_s=self._timeout_s) from error

    async def _request(
        self,
        url: str,
        target: httpcore.URL,
        sent: Sequence[tuple[str, str]],
        *,
        max_bytes: int,
        inspect: Inspect | None,
        meter: TransferMeter,
        extensions: Mapping[str, Any],
    ) -> Response:
        """Make one request over one connection; raise one of `WIRE_ERRORS` if it fails."""
        async with self._pool_for(url).stream(
            "GET", target, headers=list(sent), extensions=dict(extensions)
        ) as raw:
            meter.status = raw.status
            response = Response(url=url, status=raw.status, headers=httpx.Headers(raw.headers))
            if response.is_success:
                if inspect is not None:
                    inspect(url, response.headers)
                return await _read_body(raw, response, meter, limit=max_bytes)
            try:
                async with asyncio.timeout(ERROR_BODY_S):
                    return await _read_body(raw, response, meter, limit=ERROR_BODY_BYTES)
            except WIRE_ERRORS:  # TimeoutError among them
                return response  # the status counts, whatever ails the body

    async def read_robots(self, url: str) -> RobotsReply:
        """Return what `url` (…/robots.txt) answers. For `RobotsPolicy(read=…)`.

        Raises:
            ForbiddenError, FetchError: there is no answer.
        """
        # One byte beyond the limit shows the parser that there was more.
        request = partial(self.get, max_bytes=ROBOTS_BYTES + 1)
        try:
            async with asyncio.timeout(self._timeout_s * ROBOTS_SHARE):
                response = await follow(url, request=request, max_redirects=ROBOTS_REDIRECTS)
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
        # The same function as the guard's: else it would check an address that a proxy connects to.
        address = proxy_for(url)
        if address in self._pools:
            return self._pools[address]
        proxy = None
        if address is not None:
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
            location = httpcore.URL(scheme=scheme, host=host, port=port, target=b"/")
            proxy = httpcore.Proxy(location, auth=parsed.raw_auth, ssl_context=tls)
        self._pools[address] = httpcore.AsyncConnectionPool(
            ssl_context=self._tls,
            proxy=proxy,
            # A proxy is connected to as the environment names it: it may be on this machine.
            network_backend=LenientBackend(httpcore.AnyIOBackend()) if proxy else self._backend,
            http2=True,
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=IDLE_CONNECTIONS,
            keepalive_expiry=IDLE_S,
        )
        return self._pools[address]


async def follow(
    url: str,
    *,
    request: Callable[[str], Awaitable[Response]],
    max_redirects: int,
    target: Callable[[Response], str | None] = lambda response: response.location,
    state: Callable[[], object] = lambda: None,
) -> Response:
    """Return the response at the end of the redirects, or the last redirect allowed.

    Args:
        url: where to begin.
        request: makes one request, after whatever checks it needs.
        max_redirects: followed at most. A circle ends where it closes.
        target: where a response leads to, None if it is the last.
        state: what besides the URL makes a request another one, e.g. the cookies that it takes
            along. Hashable.
    """
    seen_requests: set[tuple[str, object]] = set()
    while True:
        attempt = (url, state())
        response = await request(url)
        seen_requests.add(attempt)
        reference = target(response)
        if reference is None or len(seen_requests) > max_redirects:
            return response
        url = resolve_reference(url, reference)
        if (url, state()) in seen_requests:
            return response


def is_sendable(value: str) -> bool:
    """Return whether `value` can be in a header (RFC 9110, 5.5, without its obsolete part)."""
    return value.isascii() and value.isprintable()


def _request_target(url: str) -> tuple[httpcore.URL, str]:
    """Return `url` as httpcore takes it, and the value of its Host header."""
    end = endpoint_of(url)
    assert end is not None, "the guard has let it through"
    # By hand: httpcore's own parser loses what follows a ";".
    path = resolve_reference(url, url).partition("#")[0].partition("://")[2].partition("/")[2]
    host = f"[{end.host}]" if ":" in end.host else end.host
    if end.port != PLAIN_PORTS[end.scheme]:
        host = f"{host}:{end.port}"
    return httpcore.URL(scheme=end.scheme, host=end.host, port=end.port, target=f"/{path}"), host


async def _read_body(
    raw: httpcore.Response, response: Response, meter: TransferMeter, *, limit: int
) -> Response:
    """Return the response with its decompressed body, of which at most `limit` bytes are kept.

    Raises:
        DamagedBodyError: it cannot be decompressed, or comes in too many pieces.
        httpcore.RemoteProtocolError: it breaks off.
    """
    unpacker = Unpacker(
        encoding=response.headers.get("content-encoding", ""),
        limit=limit,
        drops_pictures=is_page(response.headers),
        is_text=parse_content_type(response.headers)[0] in ("text/html", "text/plain"),
    )
    count = 0
    stream = cast("AsyncGenerator[bytes, None]", raw.aiter_stream())
    # Closed at once and not by the garbage collector, which would keep the connection busy.
    try:
        async with aclosing(stream) as pieces:
            async for piece in pieces:
                count += 1
                meter.wire_bytes += len(piece)
                if not unpacker.feed(piece):
                    return replace(response, body=unpacker.body, complete=False)
                if count > MAX_PIECES:
                    raise DamagedBodyError("in too many pieces")
                if count % YIELD_PIECES == 0:
                    await asyncio.sleep(0)
    except httpcore.RemoteProtocolError:
        # A length that is too large, or no last chunk: if the page itself has come to its end,
        # nothing is missing, and browsers show it.
        if not ends_like_a_page(unpacker.body):
            raise
    unpacker.finish()
    return replace(response, body=unpacker.body)
