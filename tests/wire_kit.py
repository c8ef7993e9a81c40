"""A loopback server behind public addresses, and a client that is pinned to them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import httpcore
import pytest

from ingest.errors import FetchError, IngestError
from ingest.web.fetch.http import HttpClient
from ingest.web.fetch.pinned_network import dial_tcp
from ingest.web.ssrf import AddressGuard

AGENT = "qiuzheng/0.1.0 (+https://example.test/)"
MAX_BYTES = 200_000
PUBLIC = "93.184.215.14"
OTHER = "93.184.215.15"

Streams = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listener(serve: Streams, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve connections on a loopback port, which is yielded."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # the client has hung up, or the test has ended
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()


def saying(*pieces: bytes) -> Streams:
    """Answer any request with `pieces`, then hang up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return serve


HELLO = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"


class Web:
    """Public addresses that are really one loopback port, and who was called."""

    def __init__(self, port: int, *, dead: Sequence[str] = ()) -> None:
        self.port = port
        self.dead = dead
        self.dialled: list[tuple[str, int]] = []

    async def dial(
        self, address: str, port: int, timeout_s: float | None
    ) -> httpcore.AsyncNetworkStream:
        self.dialled.append((address, port))
        if address in self.dead:
            raise httpcore.ConnectError("no route to host")
        return await dial_tcp("127.0.0.1", self.port, timeout_s)


class Names:
    """A resolver that gives its answers one after the other, the last for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str) -> Sequence[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def client_of(web: Web, guard: AddressGuard, *, timeout_s: float = 5.0) -> HttpClient:
    return HttpClient(guard=guard, agent=AGENT, timeout_s=timeout_s, dial=web.dial)


async def failure(serve: Streams) -> IngestError:
    """Return the error of a request to a site that serves so."""
    async with listener(serve) as port:
        client = client_of(Web(port), AddressGuard(resolve=Names([PUBLIC])))
        try:
            with pytest.raises(FetchError) as caught:
                await client.get("http://a.test/", max_bytes=MAX_BYTES)
        finally:
            await client.close()
    assert "\n" not in caught.value.localize("en")
    assert len(caught.value.localize("zh")) < 300
    return caught.value
