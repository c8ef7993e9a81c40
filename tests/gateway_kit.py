"""A site, and what a browser with the credentials of one page sends to a gateway."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from ingest.web.fetch.gateway import Gateway, ProxyCredentials
from ingest.web.ssrf import AddressGuard

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Site:
    """A server on loopback that keeps what it was sent, and answers with `reply`."""

    def __init__(self, reply: bytes, *, address: str = "127.0.0.1", keep: bool = False) -> None:
        self._reply = reply
        self._address = address
        self._keep = keep
        self.heads: list[bytes] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Site"]:
        server = await asyncio.start_server(self._answer, self._address, 0)
        self.port: int = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self._reply)
            await writer.drain()
            if self._keep:
                await reader.read()
        except (OSError, EOFError):
            pass
        writer.close()


HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello"


class Client:
    """What a browser with the credentials of one page would send to a gateway."""

    def __init__(self, gateway: Gateway, credentials: ProxyCredentials) -> None:
        self.gateway = gateway
        self.credentials = credentials

    async def open(self, head: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, _, port = self.gateway.address.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(head.encode())
        return reader, writer

    async def send(self, head: str) -> bytes:
        """Send `head` as it is, and return all that comes back."""
        reader, writer = await self.open(head)
        answer = await reader.read()
        writer.close()
        return answer

    async def get(self, url: str) -> bytes:
        return await self.send(f"GET {url} HTTP/1.1\r\nHost: x\r\n{self.proxy_authorization}\r\n")

    async def connect(self, target: str) -> bytes:
        return await self.send(f"CONNECT {target} HTTP/1.1\r\n{self.proxy_authorization}\r\n")

    @property
    def proxy_authorization(self) -> str:
        return f"Proxy-Authorization: {self.credentials.authorization}\r\n"


@asynccontextmanager
async def client_of(
    guard: AddressGuard, *, idle_s: float = 10.0, max_bytes: int = 1_000_000
) -> AsyncIterator[Client]:
    gateway = await Gateway.open(guard=guard, idle_s=idle_s)
    try:
        yield Client(gateway, gateway.issue_credentials(max_bytes=max_bytes))
    finally:
        await gateway.close()


def opened(*hosts: str) -> AddressGuard:
    return AddressGuard(allowed_hosts=frozenset(hosts))
