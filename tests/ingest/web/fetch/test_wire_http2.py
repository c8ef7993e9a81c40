"""Pages over HTTP/2 from the address that was checked."""

import asyncio
import ssl
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import pytest
import trustme

from ingest.errors import FetchError
from ingest.web.fetch.http import HttpClient, HttpFetcher
from ingest.web.rate_limit import RateLimiter
from ingest.web.robots import RobotsPolicy
from ingest.web.ssrf import AddressGuard
from tests.wire_kit import AGENT, MAX_BYTES, PUBLIC, Names, Web, client_of, listener

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("direct")]


class Http2Site:
    """A very small HTTP/2 server: every request gets the same page."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.paths: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        state.initiate_connection()
        while True:
            writer.write(state.data_to_send())
            data = await reader.read(65_536)
            if not data:
                return
            for event in state.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    self.answer(state, event)

    def answer(self, state: h2.connection.H2Connection, event: h2.events.RequestReceived) -> None:
        headers = dict(event.headers or [])
        path = headers[b":path"].decode()
        self.paths.append(path)
        status = "404" if path == "/robots.txt" else "200"
        state.send_headers(event.stream_id, [(":status", status), ("content-type", "text/html")])
        state.send_data(event.stream_id, self.body, end_stream=True)


def http2_context(authority: trustme.CA, *protocols: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(protocols)
    authority.issue_cert("a.test", "localhost").configure_cert(context)
    return context


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return authority


async def test_a_page_comes_over_http2_from_the_pinned_address(authority: trustme.CA) -> None:
    site = Http2Site(b"<h1>hello</h1>")
    async with listener(site.serve, http2_context(authority, "h2")) as port:
        web = Web(port)
        client = client_of(web, AddressGuard(resolve=Names([PUBLIC], ["127.0.0.1"])))
        robots = RobotsPolicy(agent=AGENT, read=client.read_robots)
        fetcher = HttpFetcher(
            client=client,
            robots=robots,
            timeout_s=5,
            max_bytes=MAX_BYTES,
            rate_limiter=RateLimiter(per_host=2, gap_s=0.0, max_delay_s=10.0),
        )
        page = await fetcher.fetch("https://a.test/x")
        await robots.close()
        await fetcher.close()
    assert page.body == site.body
    assert site.paths == ["/robots.txt", "/x"]
    assert web.dialled == [(PUBLIC, 443)]


async def test_an_allowed_host_is_reached_over_http2_too(authority: trustme.CA) -> None:
    site = Http2Site(b"<h1>hello</h1>")
    async with listener(site.serve, http2_context(authority, "h2")) as port:
        guard = AddressGuard(allowed_hosts=frozenset({f"localhost:{port}"}))
        client = HttpClient(guard=guard, agent=AGENT, timeout_s=5)
        response = await client.get(f"https://localhost:{port}/", max_bytes=MAX_BYTES)
        await client.close()
    assert response.body == site.body


async def test_an_http2_server_that_sends_nonsense_is_one_clear_line(
    authority: trustme.CA,
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(b"\0\0\1\0\0\0\0\0\0a")  # DATA on stream 0
        await reader.read()

    async with listener(serve, http2_context(authority, "h2")) as port:
        client = client_of(Web(port), AddressGuard(resolve=Names([PUBLIC])))
        with pytest.raises(FetchError) as caught:
            await client.get("https://a.test/", max_bytes=MAX_BYTES)
        await client.close()
    assert caught.value.reason == "unreachable"


async def test_an_http2_page_has_the_same_limit(authority: trustme.CA) -> None:
    class Endless(Http2Site):
        def answer(
            self, state: h2.connection.H2Connection, event: h2.events.RequestReceived
        ) -> None:
            state.send_headers(event.stream_id, [(":status", "200")])
            for _ in range(100):
                state.send_data(event.stream_id, b"a" * 10_000)

    async with listener(Endless(b"").serve, http2_context(authority, "h2")) as port:
        client = client_of(Web(port), AddressGuard(resolve=Names([PUBLIC])))
        response = await client.get("https://a.test/", max_bytes=MAX_BYTES)
        await client.close()
    assert (response.complete, len(response.body)) == (False, MAX_BYTES)
