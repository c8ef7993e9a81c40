"""The Chrome DevTools Protocol, spoken with a Chromium of our own over a private socket.

With --remote-debugging-pipe Chromium reads commands from file descriptor 3 and writes replies and
events to 4, each a JSON object that ends with a NUL byte. A debugging port, which Playwright's
`connect_over_cdp` needs, would be open to every user of this machine; this socket has two ends.

One connection carries the browser's own session ("") and one session for each page ("flat"
sessions). The commands are documented at https://chromedevtools.github.io/devtools-protocol/
"""

import asyncio
import itertools
import json
import socket
from collections.abc import Callable
from typing import Any

MAX_MESSAGE = 64 * 1024 * 1024
"""Bytes of one message. The largest is a page's HTML: 5 MB, of which JSON may make six-fold."""

Listener = Callable[[dict[str, Any]], None]
"""Gets the parameters of an event. It is called between two messages and must not wait."""


class DevToolsError(Exception):
    """Chromium answers a command with an error; the text is Chromium's."""


class DevToolsClosedError(DevToolsError):
    """The page or the whole browser that a command was meant for has gone."""


class DevTools:
    """A connection to a running Chromium. Made by `connect`, ended by `close`.

    Args:
        reader: messages of Chromium, with a limit of `MAX_MESSAGE`.
        writer: takes ours.
    """

    def __init__(self, *, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._pending: dict[int, tuple[str, asyncio.Future[dict[str, Any]]]] = {}
        self._listeners: dict[tuple[str, str], Listener] = {}
        self._receiving = asyncio.create_task(self._receive())

    @classmethod
    async def connect(cls, end: socket.socket) -> "DevTools":
        """Return a connection over our `end` of the socket pair whose other end Chromium holds."""
        reader, writer = await asyncio.open_unix_connection(sock=end, limit=MAX_MESSAGE)
        return cls(reader=reader, writer=writer)

    @property
    def is_closed(self) -> bool:
        """Whether Chromium has ended, or sends what is not this protocol."""
        return self._receiving.done()

    async def closes(self, *, within_s: float) -> bool:
        """Return whether Chromium has ended, or does so in the next `within_s` seconds."""
        await asyncio.wait([self._receiving], timeout=within_s)
        return self.is_closed

    async def send(self, method: str, /, session: str = "", **params: Any) -> dict[str, Any]:
        """Return what Chromium answers to a command, such as "Page.navigate".

        Raises:
            DevToolsClosedError: there is no Chromium, or no longer one, to answer.
            DevToolsError: the command failed.
        """
        if self.is_closed:
            raise DevToolsClosedError("the connection to Chromium is closed")
        number = next(self._numbers)
        reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._pending[number] = session, reply
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self._writer.write(json.dumps(message).encode() + b"\0")
        try:
            return await reply
        finally:
            del self._pending[number]

    def on(self, event: str, listener: Listener, *, session: str = "") -> None:
        """Call `listener` for each `event` of a session, until its page has gone."""
        self._listeners[session, event] = listener

    async def close(self) -> None:
        """Close the socket, whereupon Chromium ends. May be called twice."""
        self._receiving.cancel()
        await asyncio.wait([self._receiving])

    async def _receive(self) -> None:
        try:
            while True:
                message = json.loads((await self._reader.readuntil(b"\0"))[:-1])
                if "id" not in message:
                    self._dispatch(message["method"], message)
                    continue
                _, reply = self._pending.get(message["id"], ("", None))
                if reply is None or reply.done():
                    continue  # whoever sent the command has been cancelled
                if "error" in message:
                    reply.set_exception(DevToolsError(message["error"].get("message", "")))
                else:
                    reply.set_result(message["result"])
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            pass  # Chromium has ended, or a page has made it write more than any page may hold
        finally:
            self._writer.close()
            self._abandon(lambda _: True)

    def _dispatch(self, event: str, message: dict[str, Any]) -> None:
        if event == "Target.detachedFromTarget":
            # Chromium never answers the commands that a page had not answered when it closed.
            gone = message["params"]["sessionId"]
            self._abandon(lambda session: session == gone)
            for key in [key for key in self._listeners if key[0] == gone]:
                del self._listeners[key]
        listener = self._listeners.get((message.get("sessionId", ""), event))
        if listener is not None:
            listener(message["params"])

    def _abandon(self, concerns: Callable[[str], bool]) -> None:
        for session, reply in self._pending.values():
            if concerns(session) and not reply.done():
                reply.set_exception(DevToolsClosedError("the page or Chromium has gone"))


class DevToolsSession:
    """The part of a connection that concerns one page.

    Args:
        devtools: the connection.
        session_id: as Target.attachedToTarget names it.
    """

    def __init__(self, *, devtools: DevTools, session_id: str) -> None:
        self._devtools = devtools
        self._session_id = session_id

    async def send(self, method: str, /, **params: Any) -> dict[str, Any]:
        """Return what the page answers. Raises as `DevTools.send` does."""
        return await self._devtools.send(method, self._session_id, **params)

    def on(self, event: str, listener: Listener) -> None:
        """Call `listener` for each `event` of the page."""
        self._devtools.on(event, listener, session=self._session_id)
