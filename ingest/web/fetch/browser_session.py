"""A running Chromium with its way out and crawl4ai's connection to it, until it is worn."""

import asyncio
import contextlib
import os
import signal
from typing import Any

from ingest.web.fetch.chromium import Chromium
from ingest.web.fetch.gateway import Gateway

MEMORY_PER_PAGE = 600_000_000
"""Resident bytes of a page's process; news pages take 100 to 200 MB."""
MEMORY = 2_000_000_000
"""Resident bytes of all of Chromium, after which a new one takes over. Shared memory counts in
each process: with one small page it is 0.9 GB by this count."""
PATROL_S = 0.5
CLOSE_S = 3.0
"""For a page or crawl4ai to close by itself, before Chromium is ended."""


class BrowserSession:
    """What pages are shown with.

    Args:
        gateway: the only way out of `chromium`.
        chromium: its processes are watched from now on.
        crawler: crawl4ai's, connected to `chromium`.
    """

    def __init__(self, *, gateway: Gateway, chromium: Chromium, crawler: Any) -> None:
        self.gateway = gateway
        self.chromium = chromium
        self.crawler = crawler
        self.served = 0
        """Pages so far, open ones included."""
        self.open = 0
        """Pages at the moment."""
        self.is_worn = False
        """It gets no more pages, and ends with its last one."""
        self._patrol = asyncio.create_task(self._watch_memory())

    async def stop(self) -> None:
        """End all of it, Chromium in any case. May be called twice."""
        from playwright.async_api import Error  # noqa: PLC0415  comes with crawl4ai

        self._patrol.cancel()
        try:
            with contextlib.suppress(Error, TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self.crawler.close()
        finally:
            await self.gateway.close()
            await self.chromium.stop()

    async def _watch_memory(self) -> None:
        """End pages that take too much, as long as Chromium runs."""
        while self.chromium.is_alive:
            await asyncio.sleep(PATROL_S)
            if not self.open:
                continue
            processes = await self.chromium.processes()
            for process in processes:
                if process.is_renderer and process.memory > MEMORY_PER_PAGE:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process.pid, signal.SIGKILL)
            total = sum(process.memory for process in processes)
            self.is_worn = self.is_worn or total > MEMORY
            if total > 2 * MEMORY:
                await self.chromium.stop()
