"""A running Chromium with the gateway that is its only way out, until it is worn out."""

import asyncio
import contextlib
import os
import signal
from typing import Any

from ingest.foundation.errors import MissingDependencyError
from ingest.foundation.messages import Message
from ingest.web.fetch.chromium import Chromium, find_browser
from ingest.web.fetch.devtools import DevTools, DevToolsError, DevToolsSession
from ingest.web.fetch.gateway import Gateway
from ingest.web.ssrf import AddressGuard

MEMORY_PER_PAGE = 600_000_000
"""Resident bytes of a page's process; news pages take 100 to 200 MB."""
MEMORY = 2_000_000_000
"""Resident bytes of all of Chromium, after which a new one takes over. Shared memory counts in
each process: with one small page it is 0.9 GB by this count."""
MEMORY_CHECK_S = 0.5


class BrowserSession:
    """What pages are shown with. Made by `open`, ended by `stop`.

    Args:
        gateway: the only way out of `chromium`.
        chromium: its processes are watched from now on.
    """

    def __init__(self, *, gateway: Gateway, chromium: Chromium) -> None:
        self.gateway = gateway
        self.chromium = chromium
        self.served_pages = 0
        """Pages so far, open ones included."""
        self.open_pages = 0
        """Pages at the moment."""
        self.is_worn = False
        """It gets no more pages, and ends with its last one."""
        self._sessions: dict[str, str] = {}
        """Browser context -> the DevTools session of its one page, "" until it is there."""
        self._tasks: set[asyncio.Task[Any]] = {asyncio.create_task(self._watch_memory())}

    @classmethod
    async def open(
        cls, executable: str | None, *, guard: AddressGuard, user_agent: str, uses_proxies: bool
    ) -> "BrowserSession":
        """Start `executable` behind a gateway that asks `guard`.

        Args:
            executable: path or name of a Chromium; None looks for one.
            guard: asked for every connection.
            user_agent: the User-Agent.
            uses_proxies: whether the gateway heeds HTTP_PROXY and the like.

        Raises:
            MissingDependencyError: there is none.
            FetchError: "unreachable": it does not start.
        """
        program = executable or find_browser()
        if program is None:
            raise MissingDependencyError(
                Message("no Chromium is installed"), hint=Message("apt-get install chromium")
            )
        async with contextlib.AsyncExitStack() as stack:
            gateway = await Gateway.open(guard=guard, uses_proxies=uses_proxies)
            stack.push_async_callback(gateway.close)
            chromium = await Chromium.start(program, gateway=gateway.address, user_agent=user_agent)
            session = cls(gateway=gateway, chromium=chromium)
            stack.push_async_callback(session.stop)
            session.devtools.on("Target.attachedToTarget", session._register_page)
            # A page that another page opens waits for a debugger, so it is closed before it has
            # made a request: robots.txt has not been asked about it.
            await session.devtools.send(
                "Target.setAutoAttach",
                autoAttach=True,
                waitForDebuggerOnStart=True,
                flatten=True,
                filter=[{"type": "page"}],
            )
            stack.pop_all()
            return session

    @property
    def devtools(self) -> DevTools:
        """The connection to Chromium."""
        return self.chromium.devtools

    async def open_context(self) -> str:
        """Return the id of a new browser context, which shares nothing with others.

        Raises:
            DevToolsError: Chromium has ended.
        """
        made = await self.devtools.send("Target.createBrowserContext", disposeOnDetach=True)
        context = str(made["browserContextId"])
        self._sessions[context] = ""
        return context

    async def open_page(self, context: str) -> DevToolsSession:
        """Return the one page of a context. It is blank, and waits to be run.

        It runs once it has been sent Runtime.runIfWaitingForDebugger.

        Raises:
            DevToolsError: Chromium has ended.
        """
        await self.devtools.send(
            "Browser.setDownloadBehavior", behavior="deny", browserContextId=context
        )
        # Chromium announces the target before it answers the command that has made it.
        await self.devtools.send("Target.createTarget", url="about:blank", browserContextId=context)
        return DevToolsSession(devtools=self.devtools, session_id=self._sessions[context])

    async def close_context(self, context: str) -> None:
        """Close a browser context with its page and whatever it stored. May be called twice."""
        if self._sessions.pop(context, None) is not None:
            with contextlib.suppress(DevToolsError):
                await self.devtools.send("Target.disposeBrowserContext", browserContextId=context)

    async def stop(self) -> None:
        """End all of it, Chromium in any case. May be called twice."""
        for task in self._tasks:
            task.cancel()
        try:
            await self.gateway.close()
        finally:
            await self.chromium.stop()

    def _register_page(self, event: dict[str, Any]) -> None:
        target = event["targetInfo"]
        context = target["browserContextId"]
        if context not in self._sessions:
            return  # the blank page that Chromium starts with
        if not self._sessions[context]:
            self._sessions[context] = event["sessionId"]
            return
        task = asyncio.create_task(self._close_popup(target["targetId"]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close_popup(self, target: str) -> None:
        with contextlib.suppress(DevToolsError):
            await self.devtools.send("Target.closeTarget", targetId=target)

    async def _watch_memory(self) -> None:
        """End pages that take too much, as long as Chromium runs."""
        while self.chromium.is_alive:
            await asyncio.sleep(MEMORY_CHECK_S)
            if not self.open_pages:
                continue
            processes = await self.chromium.processes()
            for process in processes:
                if process.is_renderer and process.memory > MEMORY_PER_PAGE:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process.pid, signal.SIGKILL)
            total = sum(process.memory for process in processes)
            self.is_worn = self.is_worn or total > MEMORY
            if total > 2 * MEMORY:
                # One renderer at a time was not enough: many small ones take as much.
                await self.chromium.stop()
