"""The only way out of our Chromium: a forward proxy on loopback that applies the address rules.

Whatever the browser loads (pages, what they embed, redirects, WebSockets, prefetches, requests of
its own) comes here as a CONNECT or as a request with an absolute URL (RFC 9112, 3.2) and is
connected to an address that the rules have checked, without a second look-up: a name that changes
its address (DNS rebinding) gains nothing. TLS goes through unread.

Each page has credentials of its own, which the browser sends with its requests. So no other user of
this machine can use the gateway, requests that belong to no page get no further, and a page's
bytes can be counted and its connections cut.
"""

import asyncio
import contextlib
import re
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass, field

from ingest.errors import FetchError, ForbiddenError, IngestError
from ingest.foundation.messages import Message
from ingest.web.fetch.failures import failed
from ingest.web.fetch.upstream_proxy import (
    END_OF_HEAD,
    MAX_HEAD,
    DialError,
    Link,
    basic_authorization,
    dial,
    dial_through,
)
from ingest.web.ssrf import AddressGuard, proxy_for
from ingest.web.urls import Endpoint, endpoint_of, is_same_or_subdomain, origin_of

PAGE_BYTES = 50_000_000
"""What one page may load in all, both ways: ten times the largest page that we read."""
MAX_CONNECTIONS = 100
"""Open at once for one page. Chromium opens 6 to a host, 32 through a proxy."""
HEAD_S = 10.0
"""For the browser to send the head of a request: on loopback it takes none."""
CONNECT_S = 15.0
"""For a connection to a site, look-up and all addresses included."""
IDLE_S = 60.0
"""After this a silent connection is closed."""
CHUNK = 64 * 1024
"""Bytes that are copied at once."""
MAX_ERRORS = 100
"""Kept for one page: it may ask for any number of hosts that are forbidden."""
LOCALHOST = "127.0.0.1"

BROWSER_SERVICES = (
    "accounts.google.com", "android.clients.google.com", "clients2.google.com",
    "content-autofill.googleapis.com", "gvt1.com", "mtalk.google.com",
    "optimizationguide-pa.googleapis.com", "safebrowsing.googleapis.com",
    "safebrowsingohttpgateway.googleapis.com", "update.googleapis.com",
)  # fmt: skip
"""Hosts of services that Chromium itself calls. `chromium.FLAGS` turn them off; a version that
brings a new one may send it with a page's credentials, so they are blocked here, too."""

HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authorization", "proxy-connection", "te", "upgrade"}
)
"""Headers that a proxy does not forward (RFC 9110, 7.6.1). Bodies are forwarded as they are
framed, so Transfer-Encoding and Trailer stay."""

_TUNNEL = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s\[\]/?#@\\:]+):(?P<port>\d{1,5})")
_ABSOLUTE = re.compile(r"http://[^\s/?#@\\]+(?P<path>[/?]\S*)?", re.IGNORECASE)
_STATUS_LINE = re.compile(r"HTTP/1\.[01] (?P<code>\d{3})")


class _ProxyResponseError(Exception):
    """The request ends with this response of ours, and the connection with it."""

    def __init__(self, status: int, reason: str, *fields: str) -> None:
        super().__init__(reason)
        self.response = "\r\n".join(
            (
                f"HTTP/1.1 {status} {reason}",
                *fields,
                "Content-Length: 0",
                "Connection: close",
                "\r\n",
            )
        ).encode("latin-1")


class _QuotaError(Exception):
    """The page has used all the bytes that it may use."""


@dataclass(slots=True, kw_only=True)
class ProxyCredentials:
    """What admits one page to the gateway, and what the page has used."""

    username: str
    password: str
    max_bytes: int = PAGE_BYTES
    used_bytes: int = 0
    errors: dict[tuple[str, int], IngestError] = field(default_factory=dict)
    """Why there is no connection to a host and port. At most `MAX_ERRORS`."""
    connections: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def authorization(self) -> str:
        """The value of Proxy-Authorization."""
        return basic_authorization(self.username, self.password)

    def count_bytes(self, octets: int) -> None:
        """Add to `used_bytes`. Raises `_QuotaError` when they exceed `max_bytes`."""
        self.used_bytes += octets
        if self.used_bytes > self.max_bytes:
            raise _QuotaError

    def record_error(self, end: Endpoint, error: IngestError) -> None:
        """Keep the reason why there is no connection to `end`, the first if there are several."""
        if len(self.errors) < MAX_ERRORS:
            self.errors.setdefault((end.host, end.port), error)

    def find_error(self, url: str) -> IngestError | None:
        """Return why there was no connection for `url`, None if there was one, or no attempt."""
        end = endpoint_of(url)
        return self.errors.get((end.host, end.port)) if end else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """The start line and the headers of a request or response (RFC 9112, 2.1)."""

    line: str
    fields: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, raw: bytes) -> "_Head":
        """Parse a head with its empty line. Raises `ValueError` where a header has no colon."""
        line, *rest = raw.removesuffix(END_OF_HEAD).decode("latin-1").split("\r\n")
        pairs = [text.split(":", 1) for text in rest]
        return cls(line=line, fields=tuple((name, value.strip()) for name, value in pairs))

    def field(self, name: str) -> str:
        """Return the first value of a header (`name` in lower case), "" if there is none."""
        return next((value for key, value in self.fields if key.lower() == name), "")

    def encode(self, line: str, *extra: tuple[str, str]) -> bytes:
        """Return the head with another start line, without the headers that end here.

        "Connection: close" makes the connection end after one exchange.
        """
        kept = [pair for pair in self.fields if pair[0].lower() not in HOP_BY_HOP]
        fields = "".join(f"{name}: {value}\r\n" for name, value in (*kept, *extra))
        return f"{line}\r\n{fields}Connection: close\r\n\r\n".encode("latin-1")


class Gateway:
    """A running gateway. Made by `open`, ended by `close`.

    Args:
        guard: checks every connection.
        idle_s: seconds after which a silent connection is closed.
        uses_proxies: whether HTTP_PROXY and the like are heeded.
    """

    def __init__(
        self, *, guard: AddressGuard, idle_s: float = IDLE_S, uses_proxies: bool = True
    ) -> None:
        self._guard = guard
        self._uses_proxies = uses_proxies
        self._idle_s = idle_s
        self._credentials: dict[str, ProxyCredentials] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @classmethod
    async def open(
        cls, *, guard: AddressGuard, idle_s: float = IDLE_S, uses_proxies: bool = True
    ) -> "Gateway":
        """Return a gateway that listens on a free port of loopback."""
        gateway = cls(guard=guard, idle_s=idle_s, uses_proxies=uses_proxies)
        gateway._server = await asyncio.start_server(gateway._accept, LOCALHOST, 0, limit=MAX_HEAD)
        return gateway

    @property
    def address(self) -> str:
        """What to give as a proxy: "http://127.0.0.1:port"."""
        assert self._server is not None
        return f"http://{LOCALHOST}:{self._server.sockets[0].getsockname()[1]}"

    def issue_credentials(self, *, max_bytes: int = PAGE_BYTES) -> ProxyCredentials:
        """Return new credentials, valid until they are revoked."""
        credentials = ProxyCredentials(
            username=secrets.token_hex(8), password=secrets.token_hex(16), max_bytes=max_bytes
        )
        self._credentials[credentials.authorization] = credentials
        return credentials

    def revoke(self, credentials: ProxyCredentials) -> None:
        """Admit no client by them any more, and cut their connections. May be called twice."""
        self._credentials.pop(credentials.authorization, None)
        for task in credentials.connections:
            task.cancel()

    async def close(self) -> None:
        """Stop listening and cut every connection. May be called twice."""
        if self._server is not None:
            self._server.close()
        for credentials in list(self._credentials.values()):
            self.revoke(credentials)
        open_now = list(self._connections)
        for task in open_now:
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection in a task of our own.

        Given a coroutine function, `start_server` would make the task, and Python 3.11 then asks
        a cancelled one for its exception: each Ctrl-C printed a trace ("Exception in callback").
        """
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection. Whatever goes wrong on it concerns no other."""
        try:
            await self._answer(Link(reader, writer))
        except _ProxyResponseError as error:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(self._idle_s):
                    writer.write(error.response)
                    await writer.drain()
        except (OSError, EOFError, TimeoutError, _QuotaError, asyncio.LimitOverrunError):
            pass  # one of the two ends has gone, or the page has used up its bytes
        finally:
            writer.close()

    async def _answer(self, client: Link) -> None:
        async with asyncio.timeout(HEAD_S):
            raw = await client.reader.readuntil(END_OF_HEAD)
        try:
            head = _Head.parse(raw)
            method, target, _version = head.line.split(" ")
        except ValueError:
            raise _ProxyResponseError(400, "Bad Request") from None
        credentials = self._credentials.get(head.field("proxy-authorization"))
        if credentials is None:
            # Chromium sends none until it has been challenged once in each browser context.
            demand = 'Proxy-Authenticate: Basic realm="pages"'
            raise _ProxyResponseError(407, "Proxy Authentication Required", demand)
        is_full = len(credentials.connections) >= MAX_CONNECTIONS
        if is_full or credentials.used_bytes > credentials.max_bytes:
            raise _ProxyResponseError(503, "Too Much")
        task = asyncio.current_task()
        assert task is not None
        credentials.connections.add(task)
        try:
            if method == "CONNECT":
                # Copy bytes between the browser and `target` ("host:port"): TLS or a WebSocket.
                if not _TUNNEL.fullmatch(target):
                    raise _ProxyResponseError(400, "Bad Request")
                server = await self._open_link(f"https://{target}/", credentials)
                try:
                    client.writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    await _until_first(
                        self._pump(client.reader, server.writer, credentials),
                        self._pump(server.reader, client.writer, credentials),
                    )
                finally:
                    server.writer.transport.abort()
            else:
                await self._forward(client, head, credentials)
        finally:
            credentials.connections.discard(task)

    async def _forward(self, client: Link, head: _Head, credentials: ProxyCredentials) -> None:
        """Forward the one request that `head` begins, and return its response."""
        method, target, _version = head.line.split(" ")
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is None:
            raise _ProxyResponseError(400, "Bad Request")
        path = absolute["path"] or "/"
        path = path if path.startswith("/") else f"/{path}"
        server = await self._open_link(target, credentials)
        try:
            # Not `target`: its user and password, if any, are not for the wire (RFC 9110, 4.2.4).
            place = origin_of(target) + path if server.in_full else path
            extra = [("Proxy-Authorization", server.authorization)] if server.authorization else []
            server.writer.write(head.encode(f"{method} {place} HTTP/1.1", *extra))
            await _until_first(
                self._pump(client.reader, server.writer, credentials),
                self._return_response(server, client, credentials),
            )
        finally:
            server.writer.transport.abort()

    async def _return_response(
        self, server: Link, client: Link, credentials: ProxyCredentials
    ) -> None:
        # With "Connection: close", else the browser would send its next request, perhaps for
        # another site, over this connection to this one.
        while True:
            async with asyncio.timeout(self._idle_s):
                raw = await server.reader.readuntil(END_OF_HEAD)
            try:
                head = _Head.parse(raw)
            except ValueError:
                raise _ProxyResponseError(502, "Bad Gateway") from None
            status = _STATUS_LINE.match(head.line)
            if status is None:
                raise _ProxyResponseError(502, "Bad Gateway")
            credentials.count_bytes(len(raw))
            client.writer.write(head.encode(head.line))
            # 1xx responses come before the one that counts (RFC 9110, 15.2).
            if not 100 <= int(status["code"]) < 200:
                return await self._pump(server.reader, client.writer, credentials)

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        credentials: ProxyCredentials,
    ) -> None:
        """Copy until the source ends, is silent for too long, or the page's bytes are used up."""
        while True:
            async with asyncio.timeout(self._idle_s):
                data = await source.read(CHUNK)
                if not data:
                    return
                credentials.count_bytes(len(data))
                sink.write(data)
                await sink.drain()

    async def _open_link(self, url: str, credentials: ProxyCredentials) -> Link:
        """Return a connection for `url`, a tunnel if it is https.

        Raises:
            _ProxyResponseError: there is none; the page's credentials keep the reason.
        """
        end = endpoint_of(url)
        if end is None:
            raise _ProxyResponseError(400, "Bad Request")
        if any(is_same_or_subdomain(end.host, service) for service in BROWSER_SERVICES):
            raise _ProxyResponseError(403, "Forbidden")
        try:
            async with asyncio.timeout(CONNECT_S):
                return await self._connect(url, end)
        except ForbiddenError as error:
            credentials.record_error(end, error)
            raise _ProxyResponseError(403, "Forbidden") from error
        except FetchError as error:
            credentials.record_error(end, error)
            raise _ProxyResponseError(502, "Bad Gateway") from error
        except (DialError, TimeoutError) as error:
            detail = str(error) or f"no answer within {CONNECT_S:g} s"
            message = Message("{host} cannot be reached ({detail})", host=end.host, detail=detail)
            credentials.record_error(end, failed(url, "unreachable", message))
            raise _ProxyResponseError(502, "Bad Gateway") from error

    async def _connect(self, url: str, end: Endpoint) -> Link:
        proxy = proxy_for(url) if self._uses_proxies else None
        addresses = await self._guard.addresses(url, direct=proxy is None)
        if proxy is None:
            return await dial(addresses, end.port)
        return await dial_through(proxy, end.host, end.port, tunnel=end.scheme == "https")


async def _until_first(*ways: Coroutine[None, None, None]) -> None:
    """Run both directions of a connection until one of them ends. Raises what that one raises."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
