"""The replayed internet does what it says: every client test stands on this."""

import gzip
import socket
import ssl
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.internet.net import Drip, Internet, Reply, Request

TEXT = "<h1>无人机</h1>" + "<p>words</p>" * 50


@pytest.fixture
def net() -> Iterator[Internet]:
    internet = Internet()
    internet.page("https://ok.test/", TEXT)
    with internet.serve():
        yield internet


def client(net: Internet, *, timeout: float = 5.0) -> httpx.Client:
    trust = ssl.create_default_context(cafile=net.ca_pem)
    return httpx.Client(proxy=net.proxy, verify=trust, timeout=timeout, trust_env=False)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_page_answers_over_http_and_https_and_is_logged(net: Internet, scheme: str) -> None:
    with client(net) as web:
        reply = web.get(f"{scheme}://ok.test/?a=1", headers={"X-Sent": "yes"})
    assert (reply.status_code, reply.text) == (200, TEXT)
    assert net.hits("ok.test") == ["/?a=1"]
    assert net.hits() == [f"{scheme}://ok.test/?a=1"]
    assert net.log[0].headers["x-sent"] == "yes"


def test_one_connection_carries_many_requests(net: Internet) -> None:
    with client(net) as web:
        for number in range(300):
            assert web.post(f"https://ok.test/{number}", content=b"body").status_code == 404
    assert len(net.log) == 300
    assert {request.body for request in net.log} == {b"body"}


@pytest.mark.parametrize("path", ["/a%2Fb?next=%2Fc%3Fd", "/two//", "/a://b"])
def test_a_path_arrives_as_it_was_sent(net: Internet, path: str) -> None:
    with client(net) as web:
        web.get(f"http://ok.test{path}")
        web.get(f"https://ok.test{path}")
    assert net.hits("ok.test") == [path, path]


def test_unknown_hosts_are_refused_and_written_down(net: Internet) -> None:
    with client(net) as web:
        assert web.get("http://telemetry.example/x").status_code == 502
        with pytest.raises(httpx.ProxyError):
            web.get("https://telemetry.example/x")
    assert net.refused == ["http://telemetry.example/x", "telemetry.example:443"]
    assert net.hits() == []
    net.clear()
    assert net.refused == []


def test_a_certificate_of_a_stranger_is_not_trusted(net: Internet) -> None:
    net.page("https://foreign.test/", TEXT)
    net.foreign_certificate("foreign.test")
    with client(net) as web, pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        web.get("https://foreign.test/")
    assert (net.hits(), net.refused) == ([], [])


def test_a_host_may_have_a_port_of_its_own(net: Internet) -> None:
    net.page("https://ok.test:8443/", "another site")
    with client(net) as web:
        assert web.get("https://ok.test:8443/").text == "another site"
        assert web.get("http://ok.test:8443/").text == "another site"
        assert web.get("https://ok.test/").text == TEXT


def test_a_dripping_page_arrives_whole_and_late(net: Internet) -> None:
    net.page("https://drip.test/", TEXT, drip=Drip(size=100, pause=0.01))
    started = time.monotonic()
    with client(net) as web:
        assert web.get("https://drip.test/").text == TEXT
    assert time.monotonic() - started >= 0.01 * (len(TEXT) // 100)


def test_a_reset_breaks_off(net: Internet) -> None:
    net.page("https://reset.test/", TEXT, fault="reset")
    with client(net) as web:
        with pytest.raises(httpx.ReadError):
            web.get("http://reset.test/")
        with pytest.raises(httpx.TransportError):  # Python's TLS reads a reset as an early end
            web.get("https://reset.test/")


def test_a_truncated_page_is_seen_to_be_short(net: Internet) -> None:
    net.page("https://short.test/", TEXT, fault="truncate")
    with (
        client(net) as web,
        pytest.raises(httpx.RemoteProtocolError, match="complete message body"),
    ):
        web.get("http://short.test/")


def test_a_gzipped_page_is_compressed_on_the_wire(net: Internet) -> None:
    net.page("https://gzip.test/", TEXT, gzip=True)
    with client(net) as web, web.stream("GET", "https://gzip.test/") as reply:
        raw = b"".join(reply.iter_raw())
    assert gzip.decompress(raw).decode() == TEXT
    assert reply.headers["content-encoding"] == "gzip"


def test_redirects_and_headers_are_sent(net: Internet) -> None:
    net.page("http://old.test/", status=301, location="https://ok.test/", headers={"X-A": "b"})
    with client(net) as web:
        reply = web.get("http://old.test/")
        assert (reply.status_code, reply.headers["location"]) == (301, "https://ok.test/")
        assert reply.headers["x-a"] == "b"
        assert web.get("http://old.test/", follow_redirects=True).text == TEXT


def test_raw_bytes_are_sent_as_they_stand(net: Internet) -> None:
    net.page("http://raw.test/", Reply(raw=b"HTTP/1.1 200 OK\r\n\r\nno length"))
    with client(net) as web:
        assert web.get("http://raw.test/").text == "no length"


def test_head_has_no_body(net: Internet) -> None:
    with client(net) as web:
        reply = web.head("https://ok.test/")
    assert reply.content == b""
    assert int(reply.headers["content-length"]) == len(TEXT.encode())


def test_a_handler_answers_and_leaves_the_rest_to_the_pages(net: Internet) -> None:
    def site(request: Request) -> Reply | None:
        return Reply(body=f"{request.method} {request.url}") if request.path == "/echo" else None

    net.route("ok.test", site)
    with client(net) as web:
        assert web.get("https://ok.test/echo").text == "GET https://ok.test/echo"
        assert web.get("https://ok.test/").text == TEXT
        assert web.get("https://ok.test/none").status_code == 404


def test_latency_is_added_to_tunnels_and_to_answers(net: Internet) -> None:
    net.latency = 0.05
    with client(net) as web:
        started = time.monotonic()
        web.get("https://ok.test/")
        web.get("https://ok.test/")
    assert time.monotonic() - started >= 3 * net.latency


def test_a_hanging_page_holds_nobody_up_when_the_internet_ends() -> None:
    net = Internet()
    net.page("https://hang.test/", fault="hang")
    net.page("https://slow.test/", TEXT, delay=3600)
    with net.serve():
        caught = [client(net, timeout=0.2), client(net, timeout=0.2)]
        for web, host in zip(caught, ("hang", "slow"), strict=True):
            with web, pytest.raises(httpx.ReadTimeout):
                web.get(f"https://{host}.test/")
    with pytest.raises(AssertionError, match="serve"):
        net.proxy  # noqa: B018  asking is the test


def test_open_connections_are_cut_when_the_internet_ends() -> None:
    net = Internet()
    net.page("http://ok.test/", TEXT)
    with net.serve():
        idle = socket.create_connection(("127.0.0.1", net.port), timeout=5)
        idle.sendall(b"HEAD http://ok.test/ HTTP/1.1\r\n\r\n")
        assert idle.recv(15) == b"HTTP/1.1 200 Re"
    while idle.recv(4096):
        pass
    idle.close()


def test_the_environment_leads_real_clients_here(
    net: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in net.variables.items():
        monkeypatch.setenv(name, value)
    assert httpx.get("https://ok.test/").text == TEXT
    assert net.env(EXTRA="1")["EXTRA"] == "1"
    assert net.env()["HTTPS_PROXY"] == net.proxy
