"""Connections that serve again, and those that have ended meanwhile."""

import asyncio
import socket

import pytest

from ingest.web.fetch.lenient_http import LenientStream
from ingest.web.fetch.pinned_network import dial_tcp
from ingest.web.ssrf import AddressGuard
from tests.wire_kit import (
    HELLO,
    MAX_BYTES,
    PUBLIC,
    Names,
    Web,
    client_of,
    failure,
    listener,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("direct")]


async def test_a_connection_that_closes_as_it_is_used_again_costs_no_page() -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(HELLO)
        heard.append(await reader.readuntil(b"\r\n\r\n"))  # and hangs up

    async with listener(serve) as port:
        web = Web(port)
        client = client_of(web, AddressGuard(resolve=Names([PUBLIC])))
        for _ in range(2):
            assert (await client.get("http://a.test/", max_bytes=MAX_BYTES)).body == b"hello"
        await client.close()
    assert len(heard) == 3
    assert len(web.dialled) == 2


async def test_a_connection_that_its_server_closed_meanwhile_is_not_used_again() -> None:
    heard: list[bytes] = []
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(HELLO)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        closed.set()

    async with listener(serve) as port:
        web = Web(port)
        client = client_of(web, AddressGuard(resolve=Names([PUBLIC])))
        for _ in range(2):
            assert (await client.get("http://a.test/", max_bytes=MAX_BYTES)).body == b"hello"
            await closed.wait()
            closed.clear()
        await client.close()
    assert len(heard) == len(web.dialled) == 2  # nothing was sent into the closed one


async def test_a_connection_says_itself_whether_it_has_something_to_read() -> None:
    serving: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(writer)
        await reader.read()

    async with listener(serve) as port:
        plain = await dial_tcp("127.0.0.1", port, 5)
        stream = LenientStream(plain)
        answers = [stream.get_extra_info("is_readable")]
        while not serving:
            await asyncio.sleep(0.01)
        serving[0].write(b"?")
        await serving[0].drain()
        assert await stream.read(1) == b"?"
        answers.append(stream.get_extra_info("is_readable"))
        serving[0].close()
        await serving[0].wait_closed()
        answers.append(stream.get_extra_info("is_readable"))
        assert answers[-1] == plain.get_extra_info("is_readable")
        await stream.aclose()
        answers.append(stream.get_extra_info("is_readable"))
    assert answers == [False, False, True, True]


async def test_a_server_that_hangs_up_on_a_new_connection_is_not_asked_again() -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))

    assert (await failure(serve)).reason == "unreachable"
    assert len(heard) == 1


async def test_a_connection_that_is_reset_is_one_clear_line() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()

    assert (await failure(serve)).reason == "unreachable"
