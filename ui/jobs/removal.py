"""Documents on their way out of the index: taken out after a while in which that can be undone."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from assistant.settings import Settings
from assistant.snapshots.removal import remove_quoting_snapshots
from ingest.foundation.errors import QiuzhengError
from ingest.library import open_library
from ui.jobs.kept_files import remove_copies

UNDO_S = 20.0
"""Seconds in which a removal can be undone. It is put off and not reversed: vectors, collections
and validators of a document that was stored again would not be what they were."""

RemovalState = Literal["waiting", "removing", "removed", "undone", "failed"]


@dataclass(slots=True, kw_only=True, eq=False)
class DocumentRemoval:
    """Some documents that a reader wants out of the index."""

    settings: Settings
    urls: tuple[str, ...]
    state: RemovalState = "waiting"
    error: QiuzhengError | None = None
    _decided: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, *, after_s: float = UNDO_S) -> None:
        """Wait until it is decided, or the time is over; then remove them, unless it was undone."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._decided.wait(), after_s)
        if self.state != "waiting":
            return
        self.state = "removing"
        try:
            async with open_library(self.settings) as library:
                await library.remove(self.urls)
                held = [line.url for line in await library.lines()]
            path = self.settings.snapshots.path
            await asyncio.to_thread(remove_quoting_snapshots, path, self.urls)
            await asyncio.to_thread(remove_copies, self.urls, held=held)
            self.state = "removed"
        except QiuzhengError as error:
            self.state, self.error = "failed", error

    def undo(self) -> None:
        """Leave everything as it is, if it is not too late."""
        if self.state == "waiting":
            self.state = "undone"
            self._decided.set()

    def hurry(self) -> None:
        """Wait no longer."""
        self._decided.set()
