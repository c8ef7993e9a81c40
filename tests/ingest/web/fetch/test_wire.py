"""The wire itself: where connections go, and what strangers may send over them."""

import asyncio
import gzip
import zlib

import pytest

from ingest.errors import FetchError, ForbiddenError
from ingest.web.fetch.http import HttpClient
from ingest.web.fetch.pinned_network import MAX_TRIES
from ingest.web.fetch.wire import MAX_PIECES, YIELD_PIECES, TransferMeter
from ingest.web.ssrf import PIN_S, AddressGuard
from tests.wire_kit import (
    AGENT,
    HELLO,
    MAX_BYTES,
    OTHER,
    PUBLIC,
    Names,
    Streams,
    Web,
    client_of,
    failure,
    listener,
    saying,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("direct")]


async def test_a_connection_goes_to_the_address_that_was_checked_under_its_name() -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(HELLO)

    names = Names([PUBLIC], ["127.0.0.1"])
    async with listener(serve) as port:
        web = Web(port)
        client = client_of(web, AddressGuard(resolve=names))
        response = await client.get("http://my_site.a.test:8080/x;y?z=1#top", max_bytes=MAX_BYTES)
        await client.close()
    assert response.body == b"hello"
    assert web.dialled == [(PUBLIC, 8080)]
    assert names.asked == 1
    assert heard[0].startswith(b"GET /x;y?z=1 HTTP/1.1\r\n")
    assert b"\r\nHost: my_site.a.test:8080\r\n" in heard[0]


async def test_a_name_that_resolves_to_another_address_before_the_connection_is_refused() -> None:
    """The look-up of the check has run out when we connect: the new one is checked as well."""
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += PIN_S
        return now

    web = Web(0)
    guard = AddressGuard(resolve=Names([PUBLIC], ["127.0.0.1"]), clock=clock)
    client = client_of(web, guard)
    with pytest.raises(ForbiddenError) as caught:
        await client.get("http://a.test/", max_bytes=MAX_BYTES)
    await client.close()
    assert caught.value.reason == "address"
    assert web.dialled == []


async def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    async with listener(saying(HELLO)) as port:
        web = Web(port, dead=[PUBLIC])
        client = client_of(web, AddressGuard(resolve=Names([PUBLIC, OTHER])))
        assert (await client.get("http://a.test/", max_bytes=MAX_BYTES)).body == b"hello"
        await client.close()
    assert web.dialled == [(PUBLIC, 80), (OTHER, 80)]


async def test_a_name_with_many_dead_addresses_is_given_up() -> None:
    many = [f"93.184.215.{number}" for number in range(1, 100)]
    web = Web(0, dead=many)
    client = client_of(web, AddressGuard(resolve=Names(many)))
    with pytest.raises(FetchError) as caught:
        await client.get("http://a.test/", max_bytes=MAX_BYTES)
    await client.close()
    assert caught.value.reason == "unreachable"
    assert len(web.dialled) == MAX_TRIES


async def test_a_connection_serves_again_and_looks_nothing_up_anew() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(HELLO)

    names = Names([PUBLIC])
    async with listener(serve) as port:
        web = Web(port)
        client = client_of(web, AddressGuard(resolve=names))
        for path in "abc":
            await client.get(f"http://a.test/{path}", max_bytes=MAX_BYTES)
        await client.close()
    assert len(web.dialled) == names.asked == 1


@pytest.mark.parametrize("url", ["http://[::ffff:8.8.8.8]/", "http://8.8.8.8:8000/"])
async def test_literal_addresses_are_dialled_as_they_are(url: str) -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(HELLO)

    async with listener(serve) as port:
        web = Web(port)
        client = client_of(web, AddressGuard(resolve=Names(["127.0.0.1"])))
        await client.get(url, max_bytes=MAX_BYTES)
        await client.close()
    host = heard[0].split(b"Host: ")[1].split(b"\r\n")[0]
    assert (web.dialled[0], host) in (
        (("::ffff:808:808", 80), b"[::ffff:808:808]"),
        (("8.8.8.8", 8000), b"8.8.8.8:8000"),
    )


async def test_the_proxy_itself_may_be_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listener(saying(HELLO)) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        names = Names(["127.0.0.1"])
        client = HttpClient(guard=AddressGuard(resolve=names), agent=AGENT, timeout_s=5)
        assert (await client.get("http://a.test/", max_bytes=MAX_BYTES)).body == b"hello"
        for url in ("http://127.0.0.1/", "http://router/", "http://169.254.169.254/"):
            with pytest.raises(ForbiddenError):
                await client.get(url, max_bytes=MAX_BYTES)
        await client.close()
    assert names.asked == 0


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([HEAD + b"X-A: " + b"a" * 1_000_000 + b"\r\n\r\n"], id="one huge header"),
        pytest.param([HEAD + b"X-A: a\r\n" * 100_000 + b"\r\n"], id="many headers"),
        pytest.param([HEAD + b"X-A: a\x00b\r\n\r\n"], id="a null byte in a header"),
        pytest.param([b"\x00\x01\x02\x03"], id="null bytes"),
        pytest.param([b"SSH-2.0-OpenSSH_9.2\r\n"], id="another protocol"),
        pytest.param([b""], id="nothing"),
        pytest.param([HEAD], id="half a head"),
        pytest.param([HEAD + b"Content-Length: 99\r\n\r\nhello"], id="too short"),
        pytest.param([HEAD + b"Content-Length: -1\r\n\r\nhello"], id="negative length"),
        pytest.param(
            [HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"], id="lengths"
        ),
        pytest.param([CHUNKED + b"ZZ\r\nhello"], id="bad chunk"),
        pytest.param([CHUNKED + b"5\r\nhello"], id="half a chunk"),
        pytest.param([HEAD + b"Transfer-Encoding: gzip\r\n\r\nhello"], id="odd transfer"),
        pytest.param([b"HTTP/1.1 " + b"9" * 200_000], id="endless status line"),
        pytest.param([b"HTTP/1.1 100 Continue\r\n\r\n" * 3], id="only promises"),
    ],
)
async def test_what_is_no_http_is_one_clear_line(pieces: list[bytes]) -> None:
    error = await failure(saying(*pieces))
    assert error.reason == "unreachable"
    assert "a.test" in error.localize("en")


async def test_more_than_the_announced_length_is_not_read() -> None:
    async with listener(saying(HELLO + b" and more")) as port:
        client = client_of(Web(port), AddressGuard(resolve=Names([PUBLIC])))
        assert (await client.get("http://a.test/", max_bytes=MAX_BYTES)).body == b"hello"
        await client.close()


def endless(head: bytes, piece: bytes) -> Streams:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()

    return serve


def bomb(window_bits: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, window_bits)
    return packer.compress(b"a" * 50_000_000) + packer.flush()


@pytest.mark.parametrize(
    "serve",
    [
        pytest.param(endless(HEAD + b"\r\n", b"a" * 4096), id="without end"),
        pytest.param(
            endless(CHUNKED, b"1000\r\n" + b"a" * 4096 + b"\r\n"),
            id="chunks without end",
        ),
        pytest.param(
            saying(HEAD + b"Content-Encoding: gzip\r\n\r\n", bomb(31)), id="gzip bomb"
        ),
        pytest.param(
            saying(HEAD + b"Content-Encoding: deflate\r\n\r\n", bomb(15)), id="deflate bomb"
        ),
    ],
)  # fmt: skip
async def test_what_does_not_end_is_cut_off_at_the_limit(serve: Streams) -> None:
    meter = TransferMeter(url="http://a.test/")
    async with listener(serve) as port:
        client = client_of(Web(port), AddressGuard(resolve=Names([PUBLIC])))
        response = await client.get("http://a.test/", max_bytes=MAX_BYTES, meter=meter)
        await client.close()
    assert not response.complete
    assert len(response.body) == MAX_BYTES
    assert meter.wire_bytes < MAX_BYTES + 100_000


async def test_a_body_in_crumbs_is_given_up_and_others_have_their_turns_meanwhile() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    busy = asyncio.create_task(others())
    error = await failure(endless(CHUNKED, b"1\r\na\r\n" * 10_000))
    busy.cancel()
    assert error.reason == "unreachable"
    assert turns > MAX_PIECES / YIELD_PIECES


async def test_a_body_that_is_packed_by_what_we_cannot_undo_is_one_clear_line() -> None:
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Encoding: zstd\r\n\r\n"
    assert (await failure(saying(head + gzip.compress(b"hello")))).reason == "unsupported"


PAGE = b"<html><body><p>hello</p></body></html>"
SIZED = b"Content-Length: 38\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(HEAD + b"X-Powered-By : PHP\r\n" + SIZED + b"\r\n" + PAGE, id="space"),
        pytest.param(HEAD + b"get/x: y\r\n" + SIZED + b"\r\n" + PAGE, id="slash in a name"),
        pytest.param(HEAD + b"X Y: z\r\n more\r\n" + SIZED + b"\r\n" + PAGE, id="space in it"),
        pytest.param(HEAD + b"no colon\r\n" + SIZED + b"\r\n" + PAGE, id="no colon"),
        pytest.param(
            HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n26\r\n"
            + PAGE + b"\r\n0\r\n\r\n", id="chunked twice",
        ),
        pytest.param(
            HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n26\r\n" + PAGE
            + b"\r\n0\r\n\r\n", id="chunked, chunked",
        ),
        pytest.param(b"\r\n" + HEAD + SIZED + b"\r\n" + PAGE, id="an empty line before"),
        pytest.param(b"http/1.1  200 OK\r\n" + SIZED + b"\r\n" + PAGE, id="lower case, two spaces"),
        pytest.param(HEAD + b"Transfer-Encoding: identity\r\n\r\n" + PAGE, id="identity"),
        pytest.param(HEAD + b"Content-Length: 900\r\n\r\n" + PAGE, id="length too long"),
        pytest.param(CHUNKED + b"26\r\n" + PAGE + b"\r\n", id="no last chunk"),
        pytest.param(
            HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(PAGE)[:-8], id="no checksum"
        ),
    ],
)  # fmt: skip
async def test_what_browsers_read_is_read(answer: bytes) -> None:
    """The answer comes in one piece, and a byte at a time."""
    for pieces in ([answer], [answer[at : at + 1] for at in range(len(answer))]):
        async with listener(saying(*pieces)) as port:
            client = client_of(Web(port), AddressGuard(resolve=Names([PUBLIC])))
            response = await client.get("http://a.test/", max_bytes=MAX_BYTES)
            await client.close()
        assert (response.body, response.complete) == (PAGE, True)


@pytest.mark.parametrize("head", [HEAD + b"Content-Length: 900\r\n\r\n", CHUNKED + b"26\r\n"])
async def test_a_page_that_breaks_off_before_its_end_is_not_taken_for_the_whole(
    head: bytes,
) -> None:
    assert (await failure(saying(head + PAGE[:-8]))).reason == "unreachable"


async def test_a_connection_whose_head_was_repaired_serves_no_second_request() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(HEAD + b"X : y\r\n" + SIZED + b"\r\n" + PAGE)

    async with listener(serve) as port:
        web = Web(port)
        client = client_of(web, AddressGuard(resolve=Names([PUBLIC])))
        for _ in range(2):
            assert (await client.get("http://a.test/", max_bytes=MAX_BYTES)).body == PAGE
        await client.close()
    assert len(web.dialled) == 2
