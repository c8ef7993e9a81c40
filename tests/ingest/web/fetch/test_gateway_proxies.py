"""The gateway behind a proxy of the environment, with or without a password."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from ingest.web.ssrf import AddressGuard
from tests.gateway_kit import HELLO, PROXIES, Answer, Site, client_of
from tests.internet.net import Internet

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


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
