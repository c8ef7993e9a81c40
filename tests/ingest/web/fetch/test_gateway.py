from collections.abc import Sequence

import pytest

from ingest.errors import FetchError, ForbiddenError
from ingest.web.fetch.gateway import MAX_CONNECTIONS
from ingest.web.fetch.upstream_proxy import MAX_HEAD
from ingest.web.ssrf import WEB_PORTS, AddressGuard
from tests.gateway_kit import HELLO, PROXIES, Client, Site, client_of, opened

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


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
