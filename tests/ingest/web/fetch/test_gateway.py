import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

import pytest

from ingest.errors import FetchError, ForbiddenError
from ingest.web.fetch.gateway import MAX_CONNECTIONS, Gateway, ProxyCredentials
from ingest.web.fetch.upstream_proxy import MAX_HEAD
from ingest.web.ssrf import WEB_PORTS, AddressGuard
from tests.internet.net import Internet

pytestmark = pytest.mark.anyio

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


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


def knowing(addresses: Sequence[str], port: int) -> AddressGuard:
    """Return a guard to whom every name has these addresses."""

    async def resolve(_: str) -> Sequence[str]:
        return addresses

    return AddressGuard(
        allowed_hosts=frozenset({"127.0.0.0/8"}),
        allowed_ports=WEB_PORTS | {port},
        resolve=resolve,
    )


async def test_a_request_reaches_its_site_without_what_is_meant_for_the_gateway() -> None:
    async with Site(HELLO).open() as site, client_of(opened("127.0.0.1")) as client:
        answer = await client.get(f"http://127.0.0.1:{site.port}/a?b=c")
    assert answer.endswith(b"hello")
    assert site.heads[0].startswith(b"GET /a?b=c HTTP/1.1\r\n")
    assert b"proxy-authorization" not in site.heads[0].lower()


async def test_an_answer_ends_its_connection_even_if_the_site_would_keep_it() -> None:
    async with Site(HELLO, keep=True).open() as site, client_of(opened("127.0.0.1")) as client:
        reader, writer = await client.open(
            f"GET http://127.0.0.1:{site.port}/ HTTP/1.1\r\n{client.proxy_authorization}\r\n"
        )
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
    assert b"Connection: close" in head
    assert b"keep-alive" not in head


async def test_a_tunnel_carries_bytes_both_ways_unread() -> None:
    async with Site(b"\x00answer").open() as site, client_of(opened("127.0.0.1")) as client:
        reader, writer = await client.open(
            f"CONNECT 127.0.0.1:{site.port} HTTP/1.1\r\n{client.proxy_authorization}\r\n"
        )
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x01question\r\n\r\n")
        assert await reader.read() == b"\x00answer"
        writer.close()
    assert site.heads == [b"\x01question\r\n\r\n"]


@pytest.mark.parametrize(
    "header", ["", "Proxy-Authorization: Basic eDp5\r\n", "Proxy-Authorization: nonsense\r\n"]
)
async def test_nobody_without_credentials_is_let_through(header: str) -> None:
    async with Site(HELLO).open() as site, client_of(opened("127.0.0.1")) as client:
        for line in (f"CONNECT 127.0.0.1:{site.port}", f"GET http://127.0.0.1:{site.port}/"):
            answer = await client.send(f"{line} HTTP/1.1\r\n{header}\r\n")
            assert answer.startswith(b"HTTP/1.1 407 ")
    assert site.heads == []


async def test_revoked_credentials_cut_what_is_open_and_open_nothing_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Site(b"", keep=True).open() as site, client_of(opened("127.0.0.1")) as client:
        reader, writer = await client.open(
            f"CONNECT 127.0.0.1:{site.port} HTTP/1.1\r\n{client.proxy_authorization}\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        client.gateway.revoke(client.credentials)
        assert await reader.read() == b""
        writer.close()
        assert b" 407 " in await client.connect(f"127.0.0.1:{site.port}")
    assert caplog.records == []  # nor does asyncio print the trace of a cancelled task


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]",
        "10.0.0.1", "169.254.169.254", "metadata.google.internal", "router", "0.0.0.0",
    ],
)  # fmt: skip
async def test_private_addresses_are_refused_and_the_reason_is_kept(host: str) -> None:
    async with client_of(AddressGuard()) as client:
        assert b" 403 " in await client.connect(f"{host}:443")
        assert b" 403 " in await client.get(f"http://{host}/")
        reason = client.credentials.find_error(f"https://{host}/")
    assert isinstance(reason, ForbiddenError)
    assert reason.reason == "address"


async def test_the_address_that_was_checked_is_the_one_that_is_connected_to() -> None:
    asked: list[str] = []
    async with Site(HELLO, address="127.0.0.1").open() as site:

        async def rebinding(name: str) -> Sequence[str]:
            asked.append(name)
            return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

        guard = AddressGuard(
            allowed_hosts=frozenset({"127.0.0.1/32"}),
            allowed_ports=WEB_PORTS | {site.port},
            resolve=rebinding,
        )
        async with client_of(guard) as client:
            assert (await client.get(f"http://name.test:{site.port}/")).endswith(b"hello")
    assert asked == ["name.test"]


async def test_another_address_of_the_same_name_is_tried_when_one_does_not_answer() -> None:
    addresses = ["127.0.0.2", "127.0.0.3"]
    async with (
        Site(HELLO, address="127.0.0.3").open() as site,
        client_of(knowing(addresses, site.port)) as client,
    ):
        assert (await client.get(f"http://name.test:{site.port}/")).endswith(b"hello")


async def test_a_name_that_has_one_private_address_is_refused() -> None:
    async def resolve(_: str) -> Sequence[str]:
        return ["93.184.216.34", "127.0.0.1"]

    async with client_of(AddressGuard(resolve=resolve)) as client:
        assert b" 403 " in await client.connect("name.test:443")


async def test_a_site_that_does_not_answer_is_unreachable_by_name() -> None:
    async with Site(HELLO).open() as site:
        port = site.port
    async with client_of(opened("127.0.0.1")) as client:
        assert b" 502 " in await client.connect(f"127.0.0.1:{port}")
        reason = client.credentials.find_error(f"https://127.0.0.1:{port}/x")
    assert isinstance(reason, FetchError)
    assert "127.0.0.1" in reason.message.localize("zh")


async def test_services_of_the_browser_itself_are_blocked_with_any_credentials() -> None:
    async with client_of(AddressGuard()) as client:
        assert b" 403 " in await client.connect("update.googleapis.com:443")
        assert b" 403 " in await client.connect("edgedl.me.gvt1.com:443")


@pytest.mark.parametrize(
    "line",
    [
        "GET / HTTP/1.1", "GET https://a.test/ HTTP/1.1", "GET http://u:p@a.test/ HTTP/1.1",
        "CONNECT a.test HTTP/1.1", "CONNECT a.test:99999999 HTTP/1.1", "CONNECT HTTP/1.1",
        "CONNECT u@a.test:443 HTTP/1.1", "nonsense", "GET http://[::1 HTTP/1.1", "GET  HTTP/1.1",
    ],
)  # fmt: skip
async def test_what_is_no_request_to_a_proxy_is_refused(line: str) -> None:
    async with client_of(AddressGuard()) as client:
        answer = await client.send(f"{line}\r\n{client.proxy_authorization}\r\n")
    assert answer.split()[1] in (b"400", b"403")


async def test_a_head_without_end_is_cut_off() -> None:
    async with client_of(AddressGuard()) as client:
        reader, writer = await client.open("GET http://a.test/ HTTP/1.1\r\n" + "x" * 2 * MAX_HEAD)
        with pytest.raises((ConnectionResetError, EOFError)):
            await reader.readexactly(1)
        writer.close()


@pytest.mark.parametrize("reply", [b"SSH-2.0\r\n\r\n", b"HTTP/1.1 200 OK\r\nbroken\r\n\r\n"])
async def test_an_answer_that_is_no_http_is_refused(reply: bytes) -> None:
    async with Site(reply).open() as site, client_of(opened("127.0.0.1")) as client:
        assert b" 502 " in await client.get(f"http://127.0.0.1:{site.port}/")


async def test_news_before_the_answer_is_passed_on() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    async with Site(early + HELLO).open() as site, client_of(opened("127.0.0.1")) as client:
        answer = await client.get(f"http://127.0.0.1:{site.port}/")
    assert answer.startswith(b"HTTP/1.1 103 ")
    assert answer.endswith(b"hello")


async def test_a_page_gets_its_bytes_and_no_more() -> None:
    flood = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000_000
    async with (
        Site(flood).open() as site,
        client_of(opened("127.0.0.1"), max_bytes=200_000) as client,
    ):
        assert len(await client.get(f"http://127.0.0.1:{site.port}/")) <= 200_000
        assert b" 503 " in await client.get(f"http://127.0.0.1:{site.port}/")
        other = Client(client.gateway, client.gateway.issue_credentials())
        assert len(await other.get(f"http://127.0.0.1:{site.port}/")) > 1_000_000


async def test_a_page_gets_its_connections_and_no_more() -> None:
    async with Site(b"", keep=True).open() as site, client_of(opened("127.0.0.1")) as client:
        line = f"CONNECT 127.0.0.1:{site.port} HTTP/1.1\r\n{client.proxy_authorization}\r\n"
        kept = [await client.open(line) for _ in range(MAX_CONNECTIONS)]
        for reader, _ in kept:
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        assert b" 503 " in await client.send(line)
        for _, writer in kept:
            writer.close()


async def test_a_silent_connection_is_closed() -> None:
    async with (
        Site(b"", keep=True).open() as site,
        client_of(opened("127.0.0.1"), idle_s=0.05) as client,
    ):
        answer = await client.connect(f"127.0.0.1:{site.port}")
    assert answer.endswith(b"\r\n\r\n")


# Through a proxy of the environment


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    internet = Internet()
    internet.page("http://a.test/x", "from afar")
    with internet.serve():
        for name, value in internet.variables.items():
            monkeypatch.setenv(name, value)
        yield internet


async def test_requests_go_through_the_proxy_of_the_environment(net: Internet) -> None:
    async with client_of(AddressGuard()) as client:
        assert (await client.get("http://a.test/x")).endswith(b"from afar")
        reader, writer = await client.open(
            f"CONNECT a.test:443 HTTP/1.1\r\n{client.proxy_authorization}\r\n"
        )
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        writer.close()
        assert b" 502 " in await client.connect("nosuch.test:443")
    assert net.refused == ["nosuch.test:443"]


async def test_the_rules_for_names_hold_behind_a_proxy(net: Internet) -> None:
    async with client_of(AddressGuard()) as client:
        for host in ("127.0.0.1", "169.254.169.254", "printer.local", "0x7f000001"):
            assert b" 403 " in await client.connect(f"{host}:443")
    assert net.refused == []


async def test_a_proxy_with_a_password_gets_it_and_the_site_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Site(HELLO).open() as proxy, client_of(AddressGuard()) as client:
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://me:p%40ss@127.0.0.1:{proxy.port}")
        await client.get("http://a.test/x")
        await client.connect("a.test:443")
    expected = b"Proxy-Authorization: Basic " + base64.b64encode(b"me:p@ss")
    assert [head.splitlines()[0] for head in proxy.heads] == [
        b"GET http://a.test/x HTTP/1.1",
        b"CONNECT a.test:443 HTTP/1.1",
    ]
    assert all(expected in head for head in proxy.heads)


class Socks:
    """A SOCKS5 proxy (RFC 1928) that says `hello` for every host."""

    def __init__(self, *, password: bytes = b"", failure: int = 0) -> None:
        self._password = password
        self._failure = failure
        self.asked: list[tuple[bytes, int]] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        methods = await reader.readexactly((await reader.readexactly(2))[1])
        wanted = 2 if self._password else 0
        writer.write(bytes([5, wanted if wanted in methods else 0xFF]))
        if self._password and wanted in methods:
            await reader.readexactly((await reader.readexactly(2))[1])
            given = await reader.readexactly((await reader.readexactly(1))[0])
            writer.write(bytes([1, given != self._password]))
        length = (await reader.readexactly(5))[4]
        host = await reader.readexactly(length)
        self.asked.append((host, int.from_bytes(await reader.readexactly(2))))
        writer.write(bytes([5, self._failure, 0, 1, 0, 0, 0, 0, 0, 0]))
        if not self._failure:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(HELLO)
        writer.close()


@asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[int]:
    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (OSError, EOFError):
            writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(("user", "password"), [("", b""), ("me:secret@", b"secret")])
async def test_a_socks_proxy_looks_the_name_up_itself(
    user: str, password: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    socks = Socks(password=password)
    async with listening(socks.answer) as port, client_of(AddressGuard()) as client:
        monkeypatch.setenv("ALL_PROXY", f"socks5://{user}127.0.0.1:{port}")
        assert (await client.get("http://a.test/x")).endswith(b"hello")
    assert socks.asked == [(b"a.test", 80)]


@pytest.mark.parametrize(
    ("socks", "detail"),
    [
        (Socks(failure=5), "connection refused"),
        (Socks(password=b"other"), "credentials"),
    ],
)
async def test_a_socks_proxy_that_refuses_is_quoted(
    socks: Socks, detail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(socks.answer) as port, client_of(AddressGuard()) as client:
        monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{port}")
        assert b" 502 " in await client.connect("a.test:443")
        reason = client.credentials.find_error("https://a.test/")
    assert detail in str(reason)


@pytest.mark.parametrize("proxy", ["socks4://127.0.0.1:1", "http://127.0.0.1:1", "http://x:y:z"])
async def test_a_proxy_that_cannot_be_used_is_an_error_of_the_site(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    async with client_of(AddressGuard()) as client:
        assert b" 502 " in await client.connect("a.test:443")
        assert "proxy" in str(client.credentials.find_error("https://a.test/"))
