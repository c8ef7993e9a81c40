"""The only way out that our Chromium has: a forward proxy on loopback that asks the address rules.

Whatever the browser wants to load (pages, what they embed, redirects, WebSockets, prefetches,
errands of its own) comes by here as a CONNECT or as a request with an absolute URL (RFC 9112, 3.2)
and is connected to an address that the rules have checked: the one that was checked, without
a second look-up, so that a name which changes its address (DNS rebinding) gains nothing. TLS
goes through unread.

Each page has a pass of its own, a user name and password that the browser shows with its
requests. So nobody else on this machine can use the gateway, Chromium's errands (which belong to
no page) get no further, and a page's bytes can be counted and its connections cut.
"""

import asyncio
import base64
import contextlib
import re
import secrets
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field

from ingest.errors import FetchError, ForbiddenError, IngestError
from ingest.foundation.messages import Message
from ingest.web.fetch.upstream_proxy import (
    END_OF_HEAD,
    MAX_HEAD,
    DialError,
    Link,
    dial,
    dial_through,
)
from ingest.web.ssrf import AddressGuard, proxy_for
from ingest.web.urls import Endpoint, endpoint_of, origin_of, same_or_subdomain

PAGE_BYTES = 50_000_000
"""What one page may load in all, both ways: ten times the largest page that we read."""
MAX_CONNECTIONS = 100
"""Open at once for one page. Chromium opens 6 to a host, 32 through a proxy."""
HEAD_S = 10.0
CONNECT_S = 15.0
IDLE_S = 60.0
CHUNK = 64 * 1024
MAX_ERRORS = 100
LOCALHOST = "127.0.0.1"

OWN_ERRANDS = (
    "accounts.google.com", "android.clients.google.com", "clients2.google.com",
    "content-autofill.googleapis.com", "gvt1.com", "mtalk.google.com",
    "optimizationguide-pa.googleapis.com", "safebrowsing.googleapis.com",
    "safebrowsingohttpgateway.googleapis.com", "update.googleapis.com",
)  # fmt: skip
"""Hosts that Chromium calls on its own account, whatever its flags say. They are refused also
under a page's name: what a person asks is nobody's business."""

HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authorization", "proxy-connection", "te", "upgrade"}
)
"""Headers that end at a proxy (RFC 9110, 7.6.1). Bodies go through as they are framed, so
Transfer-Encoding and Trailer stay."""

_TUNNEL = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s\[\]/?#@\\:]+):(?P<port>\d{1,5})")
_ABSOLUTE = re.compile(r"http://[^\s/?#@\\]+(?P<path>[/?]\S*)?", re.IGNORECASE)
_STATUS_LINE = re.compile(r"HTTP/1\.[01] (?P<code>\d{3})")


class _RefusedError(Exception):
    """Answered with this status, and the connection is closed."""

    def __init__(self, status: int, reason: str, *fields: str) -> None:
        super().__init__(reason)
        self.reply = "\r\n".join(
            (
                f"HTTP/1.1 {status} {reason}",
                *fields,
                "Content-Length: 0",
                "Connection: close",
                "\r\n",
            )
        ).encode("latin-1")


class _SpentError(Exception):
    """The page has had all the bytes that it may have."""


@dataclass(slots=True, kw_only=True)
class ProxyCredentials:
    """What one page shows to be let through, and what it has used."""

    username: str
    password: str
    max_bytes: int = PAGE_BYTES
    used_bytes: int = 0
    errors: dict[tuple[str, int], IngestError] = field(default_factory=dict)
    """Why there is no connection to a host and port. At most `MAX_ERRORS`."""
    connections: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def authorization(self) -> str:
        """The value of Proxy-Authorization (RFC 7617)."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def spend(self, octets: int) -> None:
        """Count them. Raises `_SpentError` when they are too many."""
        self.used_bytes += octets
        if self.used_bytes > self.max_bytes:
            raise _SpentError

    def note(self, end: Endpoint, error: IngestError) -> None:
        """Keep the reason why there is no connection to `end`."""
        if len(self.errors) < MAX_ERRORS:
            self.errors.setdefault((end.host, end.port), error)

    def why_not(self, url: str) -> IngestError | None:
        """Return why there was no connection for `url`, None if that is not the trouble."""
        end = endpoint_of(url)
        return self.errors.get((end.host, end.port)) if end else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """A request line or status line, and the headers."""

    line: str
    fields: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, raw: bytes) -> "_Head":
        """Raises `ValueError` where a header is none."""
        line, *rest = raw.removesuffix(END_OF_HEAD).decode("latin-1").split("\r\n")
        pairs = [text.split(":", 1) for text in rest]
        return cls(line=line, fields=tuple((name, value.strip()) for name, value in pairs))

    def field(self, name: str) -> str:
        return next((value for key, value in self.fields if key.lower() == name), "")

    def passed_on(self, line: str, *extra: tuple[str, str]) -> bytes:
        """Return it as the next hop gets it: one exchange, then the connection ends."""
        kept = [pair for pair in self.fields if pair[0].lower() not in HOP_BY_HOP]
        fields = "".join(f"{name}: {value}\r\n" for name, value in (*kept, *extra))
        return f"{line}\r\n{fields}Connection: close\r\n\r\n".encode("latin-1")


class Gateway:
    """A running gateway. Made by `open`, ended by `close`.

    Args:
        guard: asked for every connection.
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
        self._strangers: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @classmethod
    async def open(
        cls, *, guard: AddressGuard, idle_s: float = IDLE_S, uses_proxies: bool = True
    ) -> "Gateway":
        """Return a gateway that listens on a free port of loopback."""
        gateway = cls(guard=guard, idle_s=idle_s, uses_proxies=uses_proxies)
        gateway._server = await asyncio.start_server(gateway._welcome, LOCALHOST, 0, limit=MAX_HEAD)
        return gateway

    @property
    def address(self) -> str:
        """What to give as a proxy: "http://127.0.0.1:port"."""
        assert self._server is not None
        return f"http://{LOCALHOST}:{self._server.sockets[0].getsockname()[1]}"

    def issue_credentials(self, *, max_bytes: int = PAGE_BYTES) -> ProxyCredentials:
        """Return a new pass, good until it is revoked."""
        credentials = ProxyCredentials(
            username=secrets.token_hex(8), password=secrets.token_hex(16), max_bytes=max_bytes
        )
        self._credentials[credentials.authorization] = credentials
        return credentials

    def revoke(self, credentials: ProxyCredentials) -> None:
        """Let it through no more, and cut what it has open. May be called twice."""
        self._credentials.pop(credentials.authorization, None)
        for task in credentials.connections:
            task.cancel()

    async def close(self) -> None:
        """Stop listening and cut every connection. May be called twice."""
        if self._server is not None:
            self._server.close()
        open_now = [*self._strangers]
        for credentials in list(self._credentials.values()):
            open_now += credentials.connections
            self.revoke(credentials)
        for task in open_now:
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)

    def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(Link(reader, writer)))
        self._strangers.add(task)
        task.add_done_callback(self._strangers.discard)

    async def _serve(self, client: Link) -> None:
        """Answer one connection. Whatever happens on it stays on it."""
        try:
            await self._answer(client)
        except _RefusedError as refusal:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(self._idle_s):
                    client.writer.write(refusal.reply)
                    await client.writer.drain()
        except (OSError, EOFError, TimeoutError, _SpentError, asyncio.LimitOverrunError):
            pass  # one of the two ends has gone, or the page has had its share
        finally:
            client.writer.close()

    async def _answer(self, client: Link) -> None:
        async with asyncio.timeout(HEAD_S):
            raw = await client.reader.readuntil(END_OF_HEAD)
        try:
            head = _Head.parse(raw)
            method, target, _version = head.line.split(" ")
        except ValueError:
            raise _RefusedError(400, "Bad Request") from None
        credentials = self._credentials.get(head.field("proxy-authorization"))
        if credentials is None:
            demand = 'Proxy-Authenticate: Basic realm="pages"'
            raise _RefusedError(407, "Proxy Authentication Required", demand)
        with self._held(credentials):
            if method == "CONNECT":
                await self._tunnel(client, target, credentials)
            else:
                await self._forward(client, head, credentials)

    @contextlib.contextmanager
    def _held(self, credentials: ProxyCredentials) -> Iterator[None]:
        """Count this connection as the page's."""
        if (
            len(credentials.connections) >= MAX_CONNECTIONS
            or credentials.used_bytes > credentials.max_bytes
        ):
            raise _RefusedError(503, "Too Much")
        task = asyncio.current_task()
        assert task is not None
        credentials.connections.add(task)
        try:
            yield
        finally:
            credentials.connections.discard(task)

    async def _tunnel(self, client: Link, target: str, credentials: ProxyCredentials) -> None:
        """Connect the browser with `target` ("host:port"): TLS or a WebSocket goes through."""
        if not _TUNNEL.fullmatch(target):
            raise _RefusedError(400, "Bad Request")
        server = await self._reach(f"https://{target}/", credentials)
        try:
            client.writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _either(
                self._pump(client.reader, server.writer, credentials),
                self._pump(server.reader, client.writer, credentials),
            )
        finally:
            server.writer.transport.abort()

    async def _forward(self, client: Link, head: _Head, credentials: ProxyCredentials) -> None:
        """Make the one request that `head` is, and return its answer."""
        method, target, _version = head.line.split(" ")
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is None:
            raise _RefusedError(400, "Bad Request")
        path = absolute["path"] or "/"
        path = path if path.startswith("/") else f"/{path}"
        server = await self._reach(target, credentials)
        try:
            place = origin_of(target) + path if server.in_full else path
            extra = [("Proxy-Authorization", server.authorization)] if server.authorization else []
            server.writer.write(head.passed_on(f"{method} {place} HTTP/1.1", *extra))
            await _either(
                self._pump(client.reader, server.writer, credentials),
                self._return(server, client, credentials),
            )
        finally:
            server.writer.transport.abort()

    async def _return(self, server: Link, client: Link, credentials: ProxyCredentials) -> None:
        """Give the browser the answer, and tell it that the connection ends there.

        Else it would send its next request, perhaps to another site, to this one.
        """
        while True:
            async with asyncio.timeout(self._idle_s):
                raw = await server.reader.readuntil(END_OF_HEAD)
            try:
                head = _Head.parse(raw)
            except ValueError:
                raise _RefusedError(502, "Bad Gateway") from None
            status = _STATUS_LINE.match(head.line)
            if status is None:
                raise _RefusedError(502, "Bad Gateway")
            credentials.spend(len(raw))
            client.writer.write(head.passed_on(head.line))
            if not 100 <= int(status["code"]) < 200:
                return await self._pump(server.reader, client.writer, credentials)

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        credentials: ProxyCredentials,
    ) -> None:
        """Copy until the source ends, is silent for too long, or the page has had its share."""
        while True:
            async with asyncio.timeout(self._idle_s):
                data = await source.read(CHUNK)
                if not data:
                    return
                credentials.spend(len(data))
                sink.write(data)
                await sink.drain()

    async def _reach(self, url: str, credentials: ProxyCredentials) -> Link:
        """Return a connection for `url`, a tunnel if it is https, or refuse with the reason."""
        end = endpoint_of(url)
        if end is None:
            raise _RefusedError(400, "Bad Request")
        if any(same_or_subdomain(end.host, errand) for errand in OWN_ERRANDS):
            raise _RefusedError(403, "Forbidden")
        try:
            async with asyncio.timeout(CONNECT_S):
                return await self._connect(url, end)
        except (ForbiddenError, FetchError, DialError, TimeoutError) as error:
            credentials.note(end, _explained(url, end.host, error))
            forbidden = isinstance(error, ForbiddenError)
            raise _RefusedError(
                *((403, "Forbidden") if forbidden else (502, "Bad Gateway"))
            ) from error

    async def _connect(self, url: str, end: Endpoint) -> Link:
        proxy = proxy_for(url) if self._uses_proxies else None
        addresses = await self._guard.addresses(url, direct=proxy is None)
        if proxy is None:
            return await dial(addresses, end.port)
        return await dial_through(proxy, end.host, end.port, tunnel=end.scheme == "https")


async def _either(*ways: Coroutine[None, None, None]) -> None:
    """Run both ways of a connection until one of them ends. Raises what that one raises."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _explained(url: str, host: str, error: Exception) -> IngestError:
    """Return why `host` could not be had, as people are told."""
    if isinstance(error, IngestError):
        return error
    detail = str(error) or f"no answer within {CONNECT_S:g} s"
    return FetchError(
        Message("{host} cannot be reached ({detail})", host=host, detail=detail),
        url=url,
        reason="unreachable",
    )
