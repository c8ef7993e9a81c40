"""The DevTools protocol, with a script in Chromium's place."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ingest.web.fetch.devtools import (
    DevTools,
    DevToolsClosedError,
    DevToolsError,
    DevToolsSession,
)

pytestmark = pytest.mark.anyio


class Peer:
    """Chromium's end of the socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def receive(self) -> dict[str, Any]:
        return dict(json.loads((await self._reader.readuntil(b"\0"))[:-1]))

    def send(self, **message: Any) -> None:
        self.writer.write(json.dumps(message).encode() + b"\0")


@pytest.fixture
async def ends() -> AsyncIterator[tuple[DevTools, Peer]]:
    ours, theirs = socket.socketpair()
    peer = Peer(*await asyncio.open_unix_connection(sock=theirs))
    connection = await DevTools.connect(ours)
    yield connection, peer
    await connection.close()
    await connection.close()
    peer.writer.close()


Ends = tuple[DevTools, Peer]


async def test_replies_find_their_commands_in_any_order(ends: Ends) -> None:
    connection, peer = ends
    page = DevToolsSession(devtools=connection, session_id="S1")
    first = asyncio.create_task(connection.send("Browser.getVersion"))
    second = asyncio.create_task(page.send("Page.navigate", url="https://a.test/"))
    version, navigate = await peer.receive(), await peer.receive()
    assert version == {"id": 1, "method": "Browser.getVersion", "params": {}}
    assert navigate["sessionId"] == "S1"
    assert navigate["params"] == {"url": "https://a.test/"}
    peer.send(id=navigate["id"], sessionId="S1", result={"frameId": "F"})
    peer.send(id=version["id"], result={"product": "Chrome/1"})
    assert await second == {"frameId": "F"}
    assert await first == {"product": "Chrome/1"}


async def test_a_command_that_fails_raises_what_chromium_says(ends: Ends) -> None:
    connection, peer = ends
    sent = asyncio.create_task(connection.send("Page.nonsense"))
    peer.send(id=(await peer.receive())["id"], error={"code": -32601, "message": "wasn't found"})
    with pytest.raises(DevToolsError, match="wasn't found"):
        await sent


async def test_a_reply_to_a_command_that_was_given_up_hinders_no_other(ends: Ends) -> None:
    connection, peer = ends
    sent = asyncio.create_task(connection.send("Browser.getVersion"))
    number = (await peer.receive())["id"]
    sent.cancel()
    await asyncio.wait([sent])
    peer.send(id=number, result={})
    again = asyncio.create_task(connection.send("Browser.getVersion"))
    peer.send(id=(await peer.receive())["id"], result={"product": "Chrome/2"})
    assert await again == {"product": "Chrome/2"}


async def test_events_reach_the_session_that_they_belong_to(ends: Ends) -> None:
    connection, peer = ends
    seen: list[dict[str, Any]] = []
    DevToolsSession(devtools=connection, session_id="S1").on("Page.loaded", seen.append)
    for session in ("S2", "S1"):
        peer.send(method="Page.loaded", sessionId=session, params={"of": session})
    peer.send(method="Page.loaded", params={"of": ""})
    sent = asyncio.create_task(connection.send("Browser.getVersion"))
    peer.send(id=(await peer.receive())["id"], result={})
    await sent
    assert seen == [{"of": "S1"}]


async def test_commands_to_a_page_that_closes_end_and_others_go_on(ends: Ends) -> None:
    connection, peer = ends
    page = asyncio.create_task(connection.send("Page.enable", "S1"))
    other = asyncio.create_task(connection.send("Page.enable", "S2"))
    await peer.receive()
    number = (await peer.receive())["id"]
    peer.send(method="Target.detachedFromTarget", params={"sessionId": "S1"})
    with pytest.raises(DevToolsClosedError):
        await page
    peer.send(id=number, sessionId="S2", result={})
    assert await other == {}
    assert not connection.is_closed


@pytest.mark.parametrize("last", [b"", b"no JSON\0", b"[", b"x" * 5000])
async def test_every_command_ends_when_chromium_does_or_sends_what_is_no_protocol(
    last: bytes,
) -> None:
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_unix_connection(sock=ours, limit=1000)
    connection = DevTools(reader=reader, writer=writer)
    sent = asyncio.create_task(connection.send("Browser.getVersion"))
    await asyncio.sleep(0)
    with theirs:
        theirs.sendall(last)
    with pytest.raises(DevToolsClosedError):
        await sent
    assert await connection.closes(within_s=1)
    with pytest.raises(DevToolsClosedError):
        await connection.send("Browser.getVersion")
    await connection.close()
